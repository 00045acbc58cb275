"""Write and check files that carry their own digest, and digests of other files. Blocking: for threads.

    {"sha256":"…","content":{…}}

The digest is of the content's bytes as they stand there. Everything is written for its owner alone, and durably.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from msgspec import Raw, Struct

from cx_events.errors import Refused, TryLater
from cx_events.path_errors import is_of_path
from cx_events.private_files import FILE_MODE, make_folder


class _Sealed(Struct):
    sha256: str
    content: Raw


_decode = msgspec.json.Decoder(_Sealed).decode


@contextmanager
def disk_errors(what: Path) -> Iterator[None]:
    """Raise ``Refused("bad-path")`` for a path that can't be, ``TryLater("disk")`` for other errors of files."""
    try:
        yield
    except OSError as error:
        if is_of_path(error):
            raise Refused("bad-path", f"{error.filename}: {error.strerror}", 400) from None
        raise TryLater("disk", f"{error.filename or what}: {error.strerror}") from None


def write_sealed(path: Path, content: bytes) -> None:
    """Write JSON with its digest, whole or not at all. Raises ``TryLater("disk")``."""
    sealed = msgspec.json.encode(_Sealed(hashlib.sha256(content).hexdigest(), Raw(content)))
    with disk_errors(path):
        handle, draft = tempfile.mkstemp(dir=path.parent, prefix=path.name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(sealed + b"\n")
                file.flush()
                os.fsync(file.fileno())
            Path(draft).replace(path)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise
        sync_folder(path.parent)


def read_sealed(path: Path) -> bytes:
    """Return the JSON of a file that carries its digest. Raises ``Refused``: ``no-manifest``, ``damaged-manifest``."""
    try:
        sealed = _decode(path.read_bytes())
    except FileNotFoundError:
        raise Refused(
            "no-manifest", f"{path} is not there: the folder is none of these, or was never finished"
        ) from None
    except OSError as error:
        raise Refused("no-manifest", f"{path} can't be read: {error.strerror}") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Refused("damaged-manifest", f"{path} is damaged: {error}") from None
    content = bytes(sealed.content)
    if hashlib.sha256(content).hexdigest() != sealed.sha256:
        raise Refused("damaged-manifest", f"{path} is damaged: its digest is another one")
    return content


def copy_durably(source: Path, target: Path) -> None:
    """Copy a file's bytes into one for its owner alone, in a folder that is made where it is missing; the name itself
    is durable after ``sync_folder``. Raises ``OSError``."""
    make_folder(target.parent)
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE)
    with source.open("rb") as content, os.fdopen(handle, "wb") as file:
        shutil.copyfileobj(content, file)
        file.flush()
        os.fsync(file.fileno())


def digest_of_file(path: Path) -> str:
    """Return the SHA-256 of a file in hex. Raises ``OSError``."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync_folder(folder: Path) -> None:
    """Make new names in a folder durable (fsync(2)). Raises ``OSError``."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

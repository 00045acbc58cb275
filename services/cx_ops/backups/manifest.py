"""Read and write the manifest of a backup: when and by which release it was made, how far log and store are, and every
file's digest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from cx_events.archive.manifest import MANIFEST, read_manifest_of
from cx_events.archive.sealed_files import digest_of_file, disk_errors, write_sealed
from cx_events.errors import Refused

FORMAT = "throughline-backup"
VERSION = 1
FILES = "files.jsonl"
LOG, STORE, BLOBS, HOME = "log.db", "store.db", "blobs", "home"


class BackedUpFile(Struct, frozen=True):
    """``path``: below the backup's folder."""

    path: str
    bytes: int
    sha256: str


class BackupManifest(Struct, frozen=True, kw_only=True):
    """``revision``: that of the store's tables. ``log_ends``, ``store_offsets``: by ``TOPIC/NUMBER``. ``tenants``: the
    digests of their id keys. ``files``: how many; ``files_sha256``: the digest of the list of them."""

    format: str = FORMAT
    version: int = VERSION
    id: str
    software: str
    made: str
    revision: str
    log_ends: dict[str, int]
    store_offsets: dict[str, int]
    tenants: dict[str, str]
    files: int
    bytes: int
    files_sha256: str


def write_files(folder: Path, files: Iterable[BackedUpFile]) -> str:
    """Write the list of files, and return its digest. Raises ``TryLater("disk")``."""
    text = b"".join([msgspec.json.encode(each) + b"\n" for each in files])
    path = folder / FILES
    with disk_errors(path):
        path.write_bytes(text)
        path.chmod(0o600)
    return hashlib.sha256(text).hexdigest()


def write_manifest(folder: Path, manifest: BackupManifest) -> None:
    """Write the manifest, which makes the backup one. Raises ``TryLater("disk")``."""
    write_sealed(folder / MANIFEST, msgspec.json.encode(manifest))


def read_manifest(folder: Path) -> BackupManifest:
    """Return the manifest. Raises ``Refused``: ``no-manifest``, ``damaged-manifest``, ``other-format``."""
    return read_manifest_of(folder, BackupManifest, FORMAT, VERSION)


def checked_files(folder: Path, manifest: BackupManifest) -> Iterator[BackedUpFile]:
    """Yield every file once its digest was checked. Raises ``Refused("damaged-backup")``, naming the file."""
    path = folder / FILES
    try:
        text = path.read_bytes()
    except OSError as error:
        raise Refused("damaged-backup", f"{path} can't be read: {error.strerror}") from None
    if hashlib.sha256(text).hexdigest() != manifest.files_sha256:
        raise Refused("damaged-backup", f"{path} is not what was written: its digest is another one")
    for line in text.splitlines():
        file = msgspec.json.decode(line, type=BackedUpFile)
        try:
            digest = digest_of_file(folder / file.path)
        except OSError as error:
            raise Refused("damaged-backup", f"{folder / file.path} can't be read: {error.strerror}") from None
        if digest != file.sha256:
            raise Refused("damaged-backup", f"{folder / file.path} is not what was written: its digest is another one")
        yield file

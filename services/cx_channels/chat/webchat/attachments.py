"""Check the files that a visitor sends: which, how large, and what they are called.

The setting ``files`` of a connection: ``false`` takes none; ``{max_bytes: N, types: [TYPE, ...]}`` narrows or widens
what is taken. The type is the sender's word: whoever shows a file later must not let a browser guess or run it.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

from msgspec import Struct

from cx_channels.provider import Connection
from cx_events.errors import Fatal, Refused

MAX_BYTES = 10 << 20
"""Of one file, where the connection says nothing else."""

TYPES = (
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/webp",
    "image/heic",
    "image/heif",
    "application/pdf",
    "text/plain",
    "text/csv",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.oasis.opendocument.text",
    "application/vnd.oasis.opendocument.spreadsheet",
)
"""Nothing among them runs in a browser, as HTML and SVG do."""

MAX_NAME = 255

_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}")
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
"""Control characters, and marks that show a name in another order than it has (``gpj.exe`` as ``exe.jpg``)."""


class Bounds(Struct, frozen=True):
    """``max_bytes`` of one file, and the media types that are taken."""

    max_bytes: int = MAX_BYTES
    types: tuple[str, ...] = TYPES


def bounds_of(connection: Connection) -> Bounds | None:
    """Return what files a chat takes; None where it takes none. Raises ``Fatal`` for settings that can't be meant."""
    given: Any = connection.settings.get("files", True)
    if given is False:
        return None
    if given is True:
        return Bounds()
    place = f"the connection {connection.id}: files"
    if not isinstance(given, dict) or not set(given) <= {"max_bytes", "types"}:
        raise Fatal(f"{place}: expected true, false or max_bytes and types")
    most, types = given.get("max_bytes", MAX_BYTES), given.get("types", list(TYPES))
    if not isinstance(most, int) or isinstance(most, bool) or not 0 < most <= MAX_BYTES:
        raise Fatal(f"{place}: max_bytes is a number from 1 to {MAX_BYTES}")
    if not isinstance(types, list) or not types or not all(isinstance(t, str) and _TYPE.fullmatch(t) for t in types):
        raise Fatal(f"{place}: types is a list of media types in lower case, as image/png")
    return Bounds(most, tuple(types))


def checked_type(header: str, bounds: Bounds) -> str:
    """Return the media type of a ``Content-Type``; ``Refused("unsupported-type", 415)`` where it is not taken."""
    found = header.partition(";")[0].strip().lower()
    if found not in bounds.types:
        raise Refused("unsupported-type", f"files of the type {found[:64]!a} are not taken here", 415)
    return found


def file_name(header: str) -> str:
    """Return the last step of a name in percent-encoded UTF-8, without what can't be seen; ``file`` where nothing is
    left."""
    name = unquote(header, errors="replace").replace("\\", "/").rpartition("/")[2]
    return _UNSEEN.sub("", name)[:MAX_NAME].strip(" .") or "file"

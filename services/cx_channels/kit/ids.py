"""Make parts of event ids and interaction ids from ids that vendors gave."""

from __future__ import annotations

from cx_channels.kit.signing import sha256_hex

_LONGEST = 160


def is_plain(text: str) -> bool:
    """Return whether a vendor's id is short printable ASCII without blanks, as vendors make them.

    Another one is none of theirs, and nothing to know a person by.
    """
    # Half the cost of a pattern, and every event has several ids.
    return text.isascii() and text.isprintable() and " " not in text and 0 < len(text) <= _LONGEST


def id_part(text: str) -> str:
    """A vendor's id as it is where it is short printable ASCII without blanks, else 32 hex digits of its SHA-256."""
    # As is_plain asks, without a call: each event has several.
    if text.isascii() and text.isprintable() and " " not in text and 0 < len(text) <= _LONGEST:
        return text
    return sha256_hex(text.encode("utf-8", "replace"))[:32]


def id_path(*parts: str) -> str:
    """Return the ``id_part`` of each part, joined by slashes: as a rule all are as they should be, told at once."""
    path = "/".join(parts)
    if path.isascii() and path.isprintable() and " " not in path and len(path) <= _LONGEST and all(parts):
        return path
    return "/".join(map(id_part, parts))

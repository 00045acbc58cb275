"""Define the values that parts are made of, how much of a text or a map is kept, and how names are kept."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

At = tuple[int, int, int, str, str]
"""(effective time in µs, sequence, recorded time in µs, source, id): an event's place within its interaction."""

Register = tuple[At, Any]
"""A value and when it was written; the later one counts."""

TEXT_KEPT = 280
"""Characters of a message, a note or a turn that the context shows. The stored event has the whole text."""

MESSAGES_KEPT = 8
KEYS_KEPT = 64
REFERENCES_KEPT = 128

OTHER_IDENTIFIERS_KEPT = 64
"""Identifiers beside the stream's own. Of more the strongest count, by weight and then by rank of kind."""


def shorten_name(name: str) -> str:
    """Return a name that others are compared with in at most ``TEXT_KEPT`` characters; a hash tells long ones apart."""
    if len(name) <= TEXT_KEPT:
        return name
    digest = blake2b(name.encode(), digest_size=16).hexdigest()
    return f"{name[: TEXT_KEPT - len(digest) - 1]}~{digest}"


def hash_name(name: str) -> str:
    """Return sixteen hex digits that stand for a name where it is only compared."""
    return blake2b(name.encode(), digest_size=8).hexdigest()

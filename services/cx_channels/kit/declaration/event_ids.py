"""Make the ids of events and interactions, deterministic and bounded, from values that a declaration names.

An event's id is its kind, what it became, the declared parts, and a digest of what the vendor sent: whoever chooses an
id (a browser, a caller's software) can't make two events one. ``{vendor: PARTS}`` says that the vendor makes these ids
and gives none twice, and leaves the digest out.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple

from cx_channels.kit.declaration.expressions import compile_text_parts, is_operation
from cx_channels.kit.declaration.mistakes import Place
from cx_channels.kit.declaration.scope import Read, Scope, Unusable
from cx_channels.kit.ids import id_part, is_plain
from cx_channels.kit.signing import sha256_hex

_LONGEST = 500
_kind_part = lru_cache(1024)(id_part)
"""Kinds come again and again."""


class EventId(NamedTuple):
    """``parts``: what the declaration names. ``is_vendors``: the vendor gives none of them twice."""

    parts: tuple[Read, ...] = ()
    is_vendors: bool = False

    def of(self, s: Scope, what: str, raw: bytes, interaction: str) -> str:
        """Return the id of an event. ``Unusable("no-id")`` where a declared part is absent."""
        found = f"{_kind_part(s.kind)}/{what}"
        if self.parts:
            found = f"{found}/{_joined(self.parts, s, 'no-id', 'id')}"
        if not self.is_vendors:
            found = f"{found}/{digest(raw, interaction)}"
        return found if len(found) <= _LONGEST else f"{what}/{sha256_hex(found.encode())[:32]}"


def digest(raw: bytes, more: str = "") -> str:
    """Return 24 hex digits of what the vendor sent, and of what else belongs to it."""
    return blake2b(raw + b"\0" + more.encode("utf-8", "replace"), digest_size=12).hexdigest()


def compile_id(given: Any, place: Place) -> EventId:
    """Return how events get their ids: one part, a list of parts, or ``{vendor: PARTS}``; None: of the digest alone."""
    if given is None:
        return EventId()
    if isinstance(given, Mapping) and not is_operation(given):
        members = place.members(given, ("vendor",))
        if "vendor" not in members:
            place.wrong("expected the vendor's own id at 'vendor', or parts of an id without it")
        return EventId(tuple(compile_text_parts(members.get("vendor"), place.at("vendor"))), True)
    return EventId(tuple(compile_text_parts(given, place)))


def compile_root(given: Any, place: Place) -> Read:
    """Return what reads an interaction within its connection. ``Unusable("no-interaction")`` where a part is absent."""
    reads = tuple(compile_text_parts(given, place))

    def read(s: Scope) -> str:
        found = _joined(reads, s, "no-interaction", "interaction")
        return found if len(found) <= _LONGEST else sha256_hex(found.encode())[:32]

    return read


def _joined(reads: tuple[Read, ...], s: Scope, reason: str, name: str) -> str:
    """Return the parts of an id, joined by slashes."""
    parts: list[str] = []
    for read in reads:
        part = read(s)
        if part is None:
            which = f"part {len(parts) + 1} of the declared {name}" if len(reads) > 1 else f"the declared {name}"
            raise Unusable(reason, f"{which} is not in the notice")
        parts.append(part)
    if len(parts) == 1:
        return id_part(parts[0])
    path = "/".join(parts)
    if path.count("/") < len(parts) and "%" not in path and is_plain(path):  # all are as they should be, as most are
        return path
    return "/".join(id_part(_escaped(each)) for each in parts)


def _escaped(part: str) -> str:
    """Return a part whose slashes can't move to the next."""
    return part.replace("%", "%25").replace("/", "%2F")

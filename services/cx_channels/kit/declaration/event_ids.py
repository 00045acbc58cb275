"""Make the ids of events and interactions, deterministic and bounded, from values that a declaration names.

An event's id is its kind, what it became, the declared parts, and a digest of what the vendor sent: whoever chooses an
id (a browser, a caller's software) can't make two events one. ``{vendor: PARTS}`` says that the vendor makes these ids
and gives none twice, and leaves the digest out.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, NamedTuple

from cx_channels.kit.declaration.expressions import compile_parts, is_operation
from cx_channels.kit.declaration.mistakes import Place
from cx_channels.kit.declaration.scope import Read, Scope, Unusable
from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import written
from cx_channels.kit.signing import sha256_hex

_LONGEST = 500


class EventId(NamedTuple):
    """``parts``: what the declaration names. ``is_vendors``: the vendor gives none of them twice."""

    parts: tuple[Read, ...] = ()
    is_vendors: bool = False

    def of(self, s: Scope, what: str, raw: bytes, interaction: str) -> str:
        """Return the id of an event. ``Unusable("no-id")`` where a declared part is absent."""
        if len(self.parts) == 1:
            own = _text(self.parts[0], s, "no-id", "id")
        else:
            own = "/".join(_texts(self.parts, s, "no-id", "id"))
        found = f"{id_part(s.kind)}/{what}/{own}" if own else f"{id_part(s.kind)}/{what}"
        if not self.is_vendors:
            found = f"{found}/{digest(raw, interaction)}"
        return found if len(found) <= _LONGEST else f"{what}/{sha256_hex(found.encode())[:32]}"


def digest(raw: bytes, more: str = "") -> str:
    """Return 24 hex digits of what the vendor sent, and of what else belongs to it."""
    return blake2b(b"%b\0%b" % (raw, more.encode("utf-8", "replace")), digest_size=12).hexdigest()


def compile_id(given: Any, place: Place) -> EventId:
    """Return how events get their ids: one part, a list of parts, or ``{vendor: PARTS}``; None: of the digest alone."""
    if given is None:
        return EventId()
    if isinstance(given, Mapping) and not is_operation(given):
        members = place.members(given, ("vendor",))
        if "vendor" not in members:
            place.wrong("expected the vendor's own id at 'vendor', or parts of an id without it")
        return EventId(tuple(compile_parts(members.get("vendor"), place.at("vendor"))), True)
    return EventId(tuple(compile_parts(given, place)))


def compile_root(given: Any, place: Place) -> Read:
    """Return what reads an interaction within its connection. ``Unusable("no-interaction")`` where a part is absent."""
    reads = tuple(compile_parts(given, place))
    if len(reads) == 1:
        return lambda s: _text(reads[0], s, "no-interaction", "interaction")

    def read(s: Scope) -> str:
        found = "/".join(_texts(reads, s, "no-interaction", "interaction"))
        return found if len(found) <= _LONGEST else sha256_hex(found.encode())[:32]

    return read


def _texts(reads: tuple[Read, ...], s: Scope, reason: str, name: str) -> list[str]:
    found = [written(read(s)) for read in reads]
    if not all(found):
        raise Unusable(reason, f"part {found.index('') + 1} of the declared {name} is not in the notice")
    return [id_part(_escaped(each) if "/" in each or "%" in each else each) for each in found]


def _escaped(part: str) -> str:
    """Return a part whose slashes can't move to the next."""
    return part.replace("%", "%25").replace("/", "%2F")


def _text(read: Read, s: Scope, reason: str, name: str) -> str:
    found = written(read(s))
    if not found:
        raise Unusable(reason, f"the declared {name} is not in the notice")
    return id_part(found)

"""Fold what vouches for a customer's identifiers: proofs, assertions and claims, as a contact's events give them.

``cx_context.sections.assurance`` says what follows from them. A proof expires (``lifetime``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, NamedTuple

from msgspec import Struct

from cx_context.parts.adding import keep_last
from cx_context.parts.model import Part
from cx_context.parts.rules import Greatest, LastAtByKey, last_by_key, strongest_by_key, weight_and_rank
from cx_context.parts.values import KEYS_KEPT, OTHER_IDENTIFIERS_KEPT, TEXT_KEPT, At, Register
from cx_context.sections.members import key_of
from cx_context.sections.section import Section
from cx_events.envelope import Identifier
from cx_events.facts import Fact, Order
from cx_events.identifiers import rank_of
from cx_events.json_types import Json
from cx_events.schema_shapes import EVENT_NAME, TEXT, TEXT_OR_NONE, TIME, members, named
from cx_events.timestamps import Micros, format_time
from cx_events.weights import (
    ASSERTED,
    ASSERTED_TYPE,
    CLAIMED,
    PROVED,
    VERIFIED_TYPE,
    WEIGHT_RANKS,
    weight_of,
    weight_rank,
)

BY_CHANNEL = "channel"
"""The method of a proof that a channel vouches for and says no more of."""

UNNAMED = "verified"
"""The method of a ``cx.identity.verified.v1`` that names none in ``data.evidence``."""

LIFETIME = 86_400
"""Seconds for which a proof counts whose method no rule names."""

OTHERS = "*"
"""In ``proof_lifetime`` stands for every method that is not named."""

OPEN_CHANNELS = frozenset({"email"})
"""Channels on which whoever knows the name of a message can write into its interaction. So can who knows that of a
post; Messenger, WhatsApp and SMS are threads of one account, a chat and a call are sessions."""

CORE = frozenset({"proofs", "assertions"})
"""The fields that decide which profiles are the core, where there is no known one (``assurance.around_core``)."""

VOUCHING = CORE | {"other_identifiers"}
"""The fields that decide how sure it is who is at the other end of a contact."""

_PROVED, _ASSERTED, _CLAIMED = (WEIGHT_RANKS[each] for each in (PROVED, ASSERTED, CLAIMED))
_UNKNOWN = len(WEIGHT_RANKS)

Lifetimes = Mapping[str, int]
"""The rule ``proof_lifetime``: seconds by method."""


class Fields(Struct):
    other_identifiers: Annotated[dict[str, int], strongest_by_key(OTHER_IDENTIFIERS_KEPT, weight_and_rank)] = {}
    """The other identifiers of the customer, each with the greatest weight that it has in any of the facts."""
    verifications: LastAtByKey = {}
    """When each identifier was verified last, by whoever may say so."""
    proofs: Annotated[dict[str, Register], last_by_key(KEYS_KEPT)] = {}
    """The latest proof of each identifier by each method: [kind, scope, value, method]."""
    assertions: Annotated[dict[str, Register], last_by_key(KEYS_KEPT)] = {}
    """The latest assertion of each identifier by each method."""
    customer_active_at: Greatest[int] = 0
    """When the last event was recorded by which the customer, or who poses as them, writes, calls or is verified."""
    open_active_at: Greatest[int] = 0
    """When the last of these was recorded that came where anybody can write (``OPEN_CHANNELS``, posts)."""


def note_customer_activity(part: Part, at: At, *, is_open: bool) -> None:
    """Note when the customer was active. ``is_open``: where anybody can write."""
    part.customer_active_at = max(part.customer_active_at, at[2])
    if is_open and at[2] > part.open_active_at:
        part.open_active_at = at[2]


def note_people(part: Part, fact: Fact, at: At) -> None:
    """Note whom an event names, and how much that is worth.

    An event that only asserts proves nobody: what a system knows of another day is no proof in this contact.
    """
    event, data = fact.event, fact.event.data
    identity = event.type in (ASSERTED_TYPE, VERIFIED_TYPE)
    method = data.evidence[:TEXT_KEPT] or UNNAMED if identity else BY_CHANNEL
    most = _ASSERTED if event.type == ASSERTED_TYPE else _PROVED
    if event.type == VERIFIED_TYPE:
        note_customer_activity(part, at, is_open=data.channel in OPEN_CHANNELS)
    linked = [each for link in data.links for each in link if not each.unusable] if data.links else ()
    for identifier in (*fact.customer_identifiers, *linked):
        rank = max(weight_rank(identifier.weight or weight_of(identifier, event)), most)
        if rank == _CLAIMED and identifier is fact.identifier:
            continue  # the part's own
        key = key_of(identifier)
        if key != part.identifier and rank < part.other_identifiers.get(key, _UNKNOWN):
            part.other_identifiers[key] = rank
        if rank == _PROVED:
            _write_proof(part.proofs, key, identifier, method, at)
        elif rank == _ASSERTED:
            _write_proof(part.assertions, key, identifier, method, at)
        if rank == _PROVED or (rank == _ASSERTED and identifier.verified):
            part.verifications[key] = max(at, part.verifications.get(key, at))
    if len(part.other_identifiers) > OTHER_IDENTIFIERS_KEPT:
        for weakest, _ in sorted(part.other_identifiers.items(), key=weight_and_rank)[OTHER_IDENTIFIERS_KEPT:]:
            del part.other_identifiers[weakest]


def _write_proof(registers: dict[str, Register], key: str, identifier: Identifier, method: str, at: At) -> None:
    name = f"{key}\n{method}"
    old = registers.get(name)
    if old is None or at > old[0]:
        registers[name] = (at, [identifier.kind, identifier.scope, identifier.value, method])
    keep_last(registers)


def lifetime(method: str, lifetimes: Lifetimes) -> Micros:
    """Return for how long a proof by this method counts, in µs."""
    return lifetimes.get(method, lifetimes.get(OTHERS, LIFETIME)) * 1_000_000


class Proof(NamedTuple):
    """A proof or an assertion. ``order``: of the event; of one identifier by one method the latest is kept."""

    order: Order
    kind: str
    scope: str
    value: str
    method: str
    interaction: str
    channel: str | None

    @property
    def key(self) -> str:
        """Return its identifier as ``key_of`` does."""
        return f"{self.kind}\n{self.scope}\n{self.value}"

    def expires(self, lifetimes: Lifetimes) -> Micros:
        """Return from when on it counts no more."""
        return self.order[0] + lifetime(self.method, lifetimes)

    def view(self, lifetimes: Lifetimes) -> Json:
        """Return it as the context shows a proof."""
        return {
            **identifier_view(self.kind, self.scope, self.value),
            "method": self.method,
            "at": format_time(self.order[0]),
            "expires_at": format_time(self.expires(lifetimes)),
            "channel": self.channel,
            "interaction": self.interaction or None,
            "event": {"source": self.order[4], "id": self.order[5]},
        }


PROOF = members(
    {
        "kind": TEXT,
        "value": TEXT,
        "method": TEXT,
        "at": TIME,
        "expires_at": TIME,
        "channel": TEXT_OR_NONE,
        "interaction": TEXT_OR_NONE,
        "event": EVENT_NAME,
    },
    {"scope": TEXT},
)
"""The schema of ``Proof.view``."""

IDENTIFIER = named("NamedIdentifier", {"kind": TEXT, "value": TEXT}, {"scope": TEXT})
"""The schema of ``identifier_view``."""


def identifier_view(kind: str, scope: str, value: str) -> Json:
    shown = {"kind": kind, "value": value}
    return {**shown, "scope": scope} if scope else shown


def proofs(parts: Iterable[Part], core: frozenset[str]) -> list[Proof]:
    """Return what was proved of identifiers of the core, newest first, of one event the strongest identifier first; of
    one identifier by one method the latest."""
    registers = [(part, part.proofs) for part in parts if part.proofs]
    return _latest_by_method(registers, core) if registers else []


def assertions(parts: Iterable[Part], core: frozenset[str]) -> list[Proof]:
    """As ``proofs``, what was asserted."""
    registers = [(part, part.assertions) for part in parts if part.assertions]
    return _latest_by_method(registers, core) if registers else []


def _latest_by_method(registers: Iterable[tuple[Part, Mapping[str, Register]]], core: frozenset[str]) -> list[Proof]:
    found: dict[str, Proof] = {}
    for part, by_method in registers:
        for key, (at, (kind, scope, value, method)) in by_method.items():
            known = found.get(key)
            order = (at[0], part.interaction, at[1], at[2], at[3], at[4])
            if known is None or order > known.order:
                channel = part.channel[1] if part.channel is not None else None
                found[key] = Proof(order, kind, scope, value, method, part.interaction, channel)
    counting = [each for each in found.values() if each.key in core]
    strongest_first = sorted(counting, key=lambda each: (rank_of(each.kind), each[1:5]))
    return sorted(strongest_first, key=lambda each: each.order, reverse=True)


def latest_of_each(found: Iterable[Proof]) -> Mapping[str, Proof]:
    """Return of each identifier its latest proof, in the order of ``found``, which is that of ``proofs``."""
    latest: dict[str, Proof] = {}
    for proof in found:
        latest.setdefault(proof.key, proof)
    return latest


_LAST_WRITER = "who wrote last in a contact of several customers, and what vouches where anybody can write"

SECTION = Section(
    not_shown={"customer_active_at": _LAST_WRITER, "open_active_at": _LAST_WRITER},
    components={
        "Proof": {
            **PROOF,
            "description": "An identifier that was proved: how, when, in which interaction; until when that counts.",
        }
    },
)

"""A fact: an event with its place in the whole, computed once from its own content.

Everything downstream (identity, fold, store) works on facts; two copies of one event are two facts with the same key.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from cx_events.activity import piece_of, weight_suffix
from cx_events.envelope import Data, Event, Identifier
from cx_events.errors import Refused
from cx_events.identifiers import rank_of
from cx_events.ids import IdSpace, NodeId, event_key
from cx_events.timestamps import Micros, parse_time
from cx_events.weights import CLAIMED, WEIGHT_RANKS, weight_of, weight_rank

HUB_SOURCE = "//throughline/"
"""The hub's own sources: ``//throughline/TENANT/connections/NAME``, ``//throughline/TENANT/decisions`` and
``//throughline/TENANT/vcons``."""

_CLAIMED = WEIGHT_RANKS[CLAIMED]

Order = tuple[Micros, str, int, Micros, str, str]
"""(effective time, interaction, sequence, recorded time, source, id): the total order within a customer."""


def connection_source(tenant: str, connection: str) -> str:
    """The ``source`` of events that an adapter maps."""
    return f"{HUB_SOURCE}{tenant}/connections/{connection}"


def decision_source(tenant: str) -> str:
    """The ``source`` of decisions that people take through the API."""
    return f"{HUB_SOURCE}{tenant}/decisions"


def vcon_source(tenant: str) -> str:
    """The ``source`` of events that imported vCons became."""
    return f"{HUB_SOURCE}{tenant}/vcons"


class Fact:
    """An event and its place.

    ``effective``: min(time, recorded time), so a vendor's fast clock can't push history about. ``stream``: the profile
    or node that the event belongs to for good. ``identifier``, ``weight``: the identifier that it is in the stream of,
    None where it names none, and how much that is worth in it (``weights.WEIGHT_RANKS``; a claim where it names none).
    ``people``: see ``customer_identifiers``.
    ``interaction``: the interaction's node, or the stream where there is none.
    ``part_id``: of the part that it is folded into; ``side``: of all parts of its stream in that interaction.
    ``raw``: the bytes on the log, the canonical form of this copy. A NUL in ``data`` is read as U+FFFD.

    Raises ``Refused`` (``bad-time``, ``bad-sequence``, ``bad-stream_id``, ``undecodable``) for an event that intake
    would not stamp.
    """

    __slots__ = (
        "customer_identifiers",
        "effective",
        "event",
        "identifier",
        "interaction_node",
        "key",
        "part_id",
        "raw",
        "recorded",
        "sequence",
        "side_id",
        "stream_id",
        "weight",
    )  # fmt: skip

    def __init__(self, event: Event, raw: bytes, ids: IdSpace) -> None:
        self.event = event = replace_nul(event, raw)
        self.raw = raw
        self.effective, self.recorded, self.sequence = event_times(event)
        self.key = event_key(event.tenantid, event.source, event.id)
        self.stream_id: NodeId = parse_node_hex(event.partitionkey)
        self.customer_identifiers = people = customer_identifiers(event)
        self.identifier = identifier = _identifier_at(people, self.stream_id, event, ids) if people else None
        self.weight = _CLAIMED if identifier is None else _place_in(identifier, event)
        name = event.data.interaction
        if name:
            self.interaction_node: NodeId = ids.interaction(name)
            self.side_id: NodeId = ids.part_id(self.stream_id, self.interaction_node)
            piece = piece_of(event, self.effective, self.key, self.weight)
            self.part_id: NodeId = ids.part_id(self.stream_id, self.interaction_node, piece)
        else:
            self.interaction_node = self.stream_id
            self.side_id = ids.part_id(self.stream_id, self.stream_id)
            self.part_id = ids.part_id(self.stream_id, self.stream_id, weight_suffix(self.weight))

    @property
    def order(self) -> Order:
        return canonical_order(self.event, self.effective, self.recorded, self.sequence)

    @property
    def copy_order(self) -> tuple[Micros, bytes]:
        """Of several copies of one event the least by this counts."""
        return (self.recorded, self.raw)


def event_times(event: Event) -> tuple[Micros, Micros, int]:
    """Effective and recorded time, and the sequence. ``Refused("bad-time", "bad-sequence")``."""
    recorded = parse_time(event.recordedtime)
    time = parse_time(event.time) if event.time != event.recordedtime else recorded
    return time if time < recorded else recorded, recorded, parse_sequence(event.sequence) if event.sequence else 0


def canonical_order(event: Event, effective: Micros, recorded: Micros, sequence: int) -> Order:
    return (effective, event.data.interaction, sequence, recorded, event.source, event.id)


def replace_nul(event: Event, raw: bytes) -> Event:
    """The event as every store can hold it. ``Refused("undecodable")`` where a name holds NUL."""
    if _NUL not in raw:
        return event
    _check_names(event)
    return _without_nul(event)


_NUL = b"\\u0000"
"""How a NUL stands in JSON, and nothing else does unless a backslash comes before."""


def _check_names(event: Event) -> None:
    for name in ("tenantid", "source", "id", "type"):
        if "\0" in getattr(event, name):
            raise Refused("undecodable", f"{name} holds NUL, which no attribute may")


def _without_nul(event: Event) -> Event:
    """The event with data that any store can hold: PostgreSQL's text takes no NUL."""
    raw = event.data.raw
    plain = msgspec.to_builtins(msgspec.structs.replace(event.data, raw=msgspec.UNSET))
    data = msgspec.convert(_replaced(plain), Data)
    return msgspec.structs.replace(event, data=msgspec.structs.replace(data, raw=raw))


def _replaced(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", "\N{REPLACEMENT CHARACTER}")
    if isinstance(value, dict):
        return {_replaced(name): _replaced(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_replaced(item) for item in value]
    return value


def parse_sequence(text: str) -> int:
    """The number in the attribute ``sequence``: up to 18 decimal digits, so that it fits every store's integer."""
    if len(text) > MAX_SEQUENCE_DIGITS or not (text.isascii() and text.isdecimal()):
        raise Refused("bad-sequence", f"sequence {text[:64]!r} is not 1 to {MAX_SEQUENCE_DIGITS} decimal digits")
    return int(text)


MAX_SEQUENCE_DIGITS = 18


def parse_node_hex(text: str) -> NodeId:
    """The node in 32 hex digits, as ``partitionkey`` and a decision's ``subject`` name it."""
    try:
        node = bytes.fromhex(text)
    except ValueError:
        node = b""
    if len(node) != 16:
        raise Refused("bad-home", f"{text[:64]!r} is not a home (32 hex digits are expected)")
    return node


def customer_identifiers(event: Event) -> Sequence[Identifier]:
    """Return the usable identifiers of the one customer that the event is about: the first customer with any.

    Never those of two people in one mail or conference, never an agent's or the business's.
    """
    for participant in event.data.participants:
        if participant.role == "customer":
            usable = tuple([identifier for identifier in participant.identifiers if not identifier.unusable])
            if usable:
                return usable if len(usable) <= MAX_IDENTIFIERS else usable[:MAX_IDENTIFIERS]
    return ()


MAX_IDENTIFIERS = 16


def strongest_identifier(event: Event) -> Identifier | None:
    """Return the identifier that an event is in the stream of: the first by (weight, rank of kind, kind, value,
    scope)."""
    people = customer_identifiers(event)
    if len(people) < 2:
        return people[0] if people else None
    return min(people, key=lambda i: (weight_rank(weight_of(i, event)), rank_of(i.kind), i.kind, i.value, i.scope))


def _identifier_at(people: Sequence[Identifier], stream_id: NodeId, event: Event, ids: IdSpace) -> Identifier | None:
    """Return the identifier whose profile is an event's stream, in its greatest weight; None where the event names none
    that is: decisions of the hub live with what they decide about."""
    if len(people) == 1:
        one = people[0]
        return one if ids.profile(one.kind, one.scope, one.value) == stream_id else None
    found = [each for each in people if ids.profile(each.kind, each.scope, each.value) == stream_id]
    return min(found, key=lambda each: _place_in(each, event), default=None)


def _place_in(identifier: Identifier, event: Event) -> int:
    """Return the place of an identifier's weight (``weights.WEIGHT_RANKS``); nearly all bear a stamp."""
    return WEIGHT_RANKS[identifier.weight] if identifier.weight else WEIGHT_RANKS[weight_of(identifier, event)]


def stream_id_of(event: Event, ids: IdSpace) -> NodeId:
    """Where an event belongs: the profile of its strongest identifier, else its interaction, else itself.

    Decisions that the hub writes name their stream in ``subject``, since they belong to what they decide about; anybody
    else's ``subject`` is their own affair, though a vendor's message id may well look like a stream.
    """
    if event.subject and event.source == decision_source(event.tenantid):
        return parse_node_hex(event.subject)
    identifier = strongest_identifier(event)
    if identifier is not None:
        return ids.profile(identifier.kind, identifier.scope, identifier.value)
    if event.data.interaction:
        return ids.interaction(event.data.interaction)
    return ids.lone_event(event.source, event.id)

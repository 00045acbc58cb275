"""Make facts: events with what follows from their content, computed once: order, stream, part.

Everything downstream (identity, fold, store) works on facts. Two copies of one event are two facts with the same key.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from cx_events.activity import hour_piece, needs_own_part, weight_suffix
from cx_events.envelope import Data, Event, Identifier
from cx_events.errors import Refused
from cx_events.identifiers import rank_of
from cx_events.ids import IdSpace, NodeId, event_key
from cx_events.mail_copies import content_key
from cx_events.timestamps import Micros, parse_time
from cx_events.weights import CLAIMED, WEIGHT_RANKS, weight_of, weight_rank

HUB_SOURCE = "//throughline/"
"""The hub's own sources: ``//throughline/TENANT/connections/NAME``, ``//throughline/TENANT/decisions`` and
``//throughline/TENANT/vcons``."""

DIRECTORY_FAMILY = "cx.directory."
"""Begins the types that tell who agents and queues are."""

_CLAIMED = WEIGHT_RANKS[CLAIMED]

Order = tuple[Micros, str, int, Micros, str, str]
"""(effective time, interaction, sequence, recorded time, source, id): the total order within a customer."""


def connection_source(tenant: str, connection: str) -> str:
    """Return the ``source`` of events that an adapter maps."""
    return f"{HUB_SOURCE}{tenant}/connections/{connection}"


def decision_source(tenant: str) -> str:
    """Return the ``source`` of decisions that people make through the API."""
    return f"{HUB_SOURCE}{tenant}/decisions"


def vcon_source(tenant: str) -> str:
    """Return the ``source`` of events from imported vCons."""
    return f"{HUB_SOURCE}{tenant}/vcons"


class Fact:
    """An event, and what follows from it.

    ``effective``: min(time, recorded time), so that a vendor's fast clock can't move history. ``stream_id``: the
    profile or node that the event belongs to for good. ``identifier``: the identifier whose profile is the stream, or
    None. ``weight``: the rank of its weight in this event (``weights.WEIGHT_RANKS``); a claim without an identifier.
    ``customer_identifiers``: see the function of that name; ``customer_profiles``: the profile of each.
    ``interaction_node``: the interaction's node; the stream
    where there is no interaction. ``part_id``: the part that the event is folded into. ``has_own_part``: no other event
    is in it (``activity.needs_own_part``), which is only asked in an interaction. ``side_id``: stands for all parts of
    the stream in that interaction. ``raw``: the bytes on the log, the canonical form of this copy. A NUL in
    ``data`` is read as U+FFFD.

    ``name``: the key of its source and id; ``key`` is another one where a mail is known by its content (``key_of``).

    Raises ``Refused`` (``bad-time``, ``bad-sequence``, ``bad-home``, ``undecodable``) for an event that intake would
    not stamp.
    """

    __slots__ = (
        "customer_identifiers",
        "customer_profiles",
        "effective",
        "event",
        "has_own_part",
        "identifier",
        "interaction_node",
        "key",
        "name",
        "part_id",
        "raw",
        "recorded",
        "sequence",
        "side_id",
        "stream_id",
        "weight",
    )  # fmt: skip

    def __init__(self, event: Event, raw: bytes, ids: IdSpace) -> None:
        if _BACKSLASH in raw:
            event = replace_nul(event, raw)
        data = event.data
        self.event = event
        self.raw = raw
        self.effective, self.recorded, self.sequence = event_times(event)
        self.name = event_key(event.tenantid, event.source, event.id)
        self.key = (_content_key(event) or self.name) if data.channel == "email" else self.name
        self.stream_id: NodeId = parse_node_hex(event.partitionkey)
        # Asked for once: nearly every step from here on goes by profiles.
        self.customer_identifiers = people = customer_identifiers(event)
        self.customer_profiles = profiles = profiles_of(people, ids)
        self.identifier = identifier = _identifier_at(people, profiles, self.stream_id, event)
        self.weight = _CLAIMED if identifier is None else _weight_rank(identifier, event)
        if data.interaction:
            self.interaction_node: NodeId = ids.interaction(data.interaction)
            self.side_id: NodeId = ids.part_id(self.stream_id, self.interaction_node)
            self.has_own_part = needs_own_part(event)
            piece = self.key if self.has_own_part else hour_piece(self.effective, self.weight)
            self.part_id: NodeId = ids.part_id(self.stream_id, self.interaction_node, piece)
        else:
            self.interaction_node = self.stream_id
            self.has_own_part = False
            self.side_id = ids.part_id(self.stream_id, self.stream_id)
            self.part_id = ids.part_id(self.stream_id, self.stream_id, weight_suffix(self.weight))

    @property
    def order(self) -> Order:
        """Return the fact's place in the order of its customer's facts."""
        return canonical_order(self.event, self.effective, self.recorded, self.sequence)

    @property
    def copy_order(self) -> tuple[Micros, bytes]:
        """Return the sort key of copies: of several copies of one event, the least is used."""
        return (self.recorded, self.raw)


def key_of(event: Event) -> bytes:
    """Return an event's identity, 16 bytes: copies of one event have the same.

    It is that of (tenant, source, id), and of a mail that came by a connection that of its content
    (``mail_copies.content_key``). What a NUL in ``data`` is read as counts (``replace_nul``).
    """
    return _content_key(event) or event_key(event.tenantid, event.source, event.id)


def _content_key(event: Event) -> bytes | None:
    is_mapped_mail = event.data.channel == "email" and event.source.startswith(HUB_SOURCE)
    return content_key(event) if is_mapped_mail else None


def event_times(event: Event) -> tuple[Micros, Micros, int]:
    """Return effective time, recorded time and sequence. Raises ``Refused``: ``bad-time``, ``bad-sequence``."""
    recorded = parse_time(event.recordedtime)
    time = parse_time(event.time) if event.time != event.recordedtime else recorded
    return time if time < recorded else recorded, recorded, parse_sequence(event.sequence) if event.sequence else 0


def canonical_order(event: Event, effective: Micros, recorded: Micros, sequence: int) -> Order:
    """Return an event's place in the total order of its customer's events."""
    return (effective, event.data.interaction, sequence, recorded, event.source, event.id)


def replace_nul(event: Event, raw: bytes) -> Event:
    """Return the event with each NUL in its data as U+FFFD: PostgreSQL's text holds no NUL.

    ``raw``: the event's bytes. Raises ``Refused("undecodable")`` where an attribute contains NUL.
    """
    if _BACKSLASH not in raw or _NUL not in raw:
        return event
    _check_names(event)
    return _without_nul(event)


_BACKSLASH = b"\\"
"""Looking for one byte takes a tenth of the time of looking for six, and few events hold it."""

_NUL = b"\\u0000"
"""A NUL in JSON. After a backslash it may mean something else, which costs time only."""


def _check_names(event: Event) -> None:
    for name in ("tenantid", "source", "id", "type"):
        if "\0" in getattr(event, name):
            raise Refused("undecodable", f"{name} contains NUL, which is forbidden in attributes")


def _without_nul(event: Event) -> Event:
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
    """Return the number in the attribute ``sequence``: up to 18 decimal digits, so that any store's integer holds it.

    Raises ``Refused("bad-sequence")``.
    """
    if len(text) > MAX_SEQUENCE_DIGITS or not (text.isascii() and text.isdecimal()):
        raise Refused("bad-sequence", f"sequence {text[:64]!r} is not 1 to {MAX_SEQUENCE_DIGITS} decimal digits")
    return int(text)


MAX_SEQUENCE_DIGITS = 18


def parse_node_hex(text: str) -> NodeId:
    """Return the node of 32 hex digits (``partitionkey``, a decision's ``subject``). Raises ``Refused("bad-home")``."""
    try:
        node = bytes.fromhex(text)
    except ValueError:
        node = b""
    if len(node) != 16:
        raise Refused("bad-home", f"{text[:64]!r} is not a stream id (expected 32 hex digits)")
    return node


def customer_identifiers(event: Event) -> Sequence[Identifier]:
    """Return the usable identifiers of the first customer that has any, 16 at most.

    Identifiers of further customers in a mail or conference, of agents and of the business are left out.
    """
    for participant in event.data.participants:
        if participant.role == "customer":
            named = participant.identifiers
            if len(named) == 1 and not named[0].unusable:
                return named
            usable = [identifier for identifier in named if not identifier.unusable]
            if usable:
                return usable if len(usable) <= MAX_IDENTIFIERS else usable[:MAX_IDENTIFIERS]
    return ()


MAX_IDENTIFIERS = 16


def profiles_of(identifiers: Sequence[Identifier], ids: IdSpace) -> Sequence[NodeId]:
    """Return the profile of each identifier."""
    if len(identifiers) == 1:  # as nearly always
        one = identifiers[0]
        return (ids.profile(one.kind, one.scope, one.value),)
    return [ids.profile(each.kind, each.scope, each.value) for each in identifiers]


def strongest_identifier(event: Event) -> Identifier | None:
    """Return the identifier that decides an event's stream, or None.

    It is the first by (weight, rank of kind, kind, value, scope).
    """
    people = customer_identifiers(event)
    if len(people) < 2:
        return people[0] if people else None
    return min(people, key=lambda i: (weight_rank(weight_of(i, event)), rank_of(i.kind), i.kind, i.value, i.scope))


def _identifier_at(
    people: Sequence[Identifier], profiles: Sequence[NodeId], stream_id: NodeId, event: Event
) -> Identifier | None:
    """Return the identifier whose profile is the stream, the one with the greatest weight. ``profiles``: of ``people``.

    Return None where no identifier is: the hub's decisions are in the stream of what they decide about.
    """
    found = profiles.count(stream_id)
    if found < 2:
        return people[profiles.index(stream_id)] if found else None
    same = [each for each, profile in zip(people, profiles, strict=True) if profile == stream_id]
    return min(same, key=lambda each: _weight_rank(each, event))


def _weight_rank(identifier: Identifier, event: Event) -> int:
    """Return the rank of an identifier's weight (``weights.WEIGHT_RANKS``); nearly all are stamped with one."""
    return WEIGHT_RANKS[identifier.weight] if identifier.weight else WEIGHT_RANKS[weight_of(identifier, event)]


def stream_id_of(event: Event, ids: IdSpace) -> NodeId:
    """Return an event's stream: the profile of its strongest identifier, else its interaction, else itself.

    The hub's decisions name their stream in ``subject``, the stream of what they decide about. The ``subject`` of other
    sources is ignored, though a vendor's message id may look like a stream. What is told of agents and queues has one
    stream, whoever is named in it.
    """
    if event.type.startswith(DIRECTORY_FAMILY):
        return ids.directory_node()
    if event.subject and event.source.startswith(HUB_SOURCE) and event.source == decision_source(event.tenantid):
        return parse_node_hex(event.subject)
    identifier = strongest_identifier(event)
    if identifier is not None:
        return ids.profile(identifier.kind, identifier.scope, identifier.value)
    if event.data.interaction:
        return ids.interaction(event.data.interaction)
    return ids.lone_event(event.source, event.id)

"""Find the contacts in which an identifier was used, and by whom: read from the events of those who are tied to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct

from cx_context.store.sql import Tx
from cx_events.envelope import Participant
from cx_events.ids import NodeId
from cx_events.timestamps import END_OF_TIME, Micros
from cx_identity.candidate_ranking import IdentifierActivity
from cx_identity.model import Profile

LATEST = 100
"""Events of each stream that are looked through, its latest."""

_WITHIN = "effective <= :until AND recorded <= :known_at"

MOST_STREAMS = 200
"""Streams that are looked through for one identifier, the first that are given."""


class _Data(Struct):
    channel: str | None = None
    interaction: str = ""
    participants: list[Participant] = []


class _Event(Struct):
    """As much of an event as is needed here: a whole one takes ten times as long to read."""

    source: str
    id: str
    data: _Data


_read = msgspec.json.Decoder(_Event).decode


async def contacts_at(
    tx: Tx,
    tenant: str,
    identifier: Profile,
    stream_ids: Sequence[NodeId],
    *,
    until: Micros = END_OF_TIME,
    known_at: Micros = END_OF_TIME,
) -> Mapping[NodeId, list[IdentifierActivity]]:
    """By stream, those of its ``LATEST`` events that name the identifier as their customer's, in an interaction.
    ``until``, ``known_at``: bounds on when they happened and were recorded.

    The database looks for the value in the events' bytes, so that only those that may name it are read.
    """
    rows = await tx.fetch(
        "SELECT stream_id, effective, raw FROM (SELECT stream_id, effective, raw, "
        "row_number() OVER (PARTITION BY stream_id ORDER BY effective DESC, key) AS place "
        f"FROM events WHERE stream_id = ANY(:stream_ids) AND tenant = :tenant AND {_WITHIN}) AS ranked "
        "WHERE place <= :most AND instr(raw, :value) > 0"
        if tx.for_update == ""
        else "SELECT h.stream_id, latest.effective, latest.raw FROM unnest(:stream_ids::bytea[]) AS h(stream_id) "
        f"CROSS JOIN LATERAL (SELECT effective, raw FROM events WHERE events.stream_id = h.stream_id "
        f"AND tenant = :tenant AND {_WITHIN} "
        "ORDER BY effective DESC, key FETCH FIRST :most ROWS ONLY) AS latest "
        "WHERE position(:value::bytea in latest.raw) > 0",
        stream_ids=list(stream_ids[:MOST_STREAMS]),
        tenant=tenant,
        most=LATEST,
        until=until,
        known_at=known_at,
        value=msgspec.json.encode(identifier.value),
    )
    found: dict[NodeId, list[IdentifierActivity]] = {}
    for stream_id, effective, raw in rows:
        try:
            event = _read(bytes(raw))
        except msgspec.MsgspecError:
            continue
        data = event.data
        if data.interaction and _names(data, identifier):
            contact = IdentifierActivity(effective, (event.source, event.id), data.channel or "", data.interaction)
            found.setdefault(bytes(stream_id), []).append(contact)
    return found


def _names(data: _Data, identifier: Profile) -> bool:
    return any(
        (named.kind, named.scope, named.value) == (identifier.kind, identifier.scope, identifier.value)
        for participant in data.participants
        if participant.role == "customer"
        for named in participant.identifiers
        if not named.unusable
    )

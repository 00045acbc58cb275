"""Intake's last step: an event gets its tenant, recorded time, home and normal forms, and becomes bytes."""

from __future__ import annotations

import msgspec

from cx_events.codec import encode
from cx_events.envelope import Data, Draft, Event, Participant
from cx_events.facts import home_of
from cx_events.identifiers import normalise
from cx_events.ids import IdSpace
from cx_events.timestamps import Micros, format_time


class Stamped(msgspec.Struct, frozen=True, gc=False):
    """An event ready for the log: ``key`` is its home in 32 hex digits, the topic key."""

    source: str
    id: str
    key: bytes
    raw: bytes


def stamp(draft: Draft, *, source: str, recorded: Micros, ids: IdSpace, region: str | None = None) -> Stamped:
    """The event that a draft becomes. Pure; the same draft at another instant differs in ``recordedtime`` only
    (and in ``time``, where the draft has none)."""
    event = Event(
        specversion="1.0",
        id=draft.id,
        source=source,
        type=draft.type,
        time=format_time(recorded if draft.time is None else draft.time),
        tenantid=ids.tenant,
        recordedtime=format_time(recorded),
        partitionkey="",
        data=normalised(draft.data, region),
        subject=draft.subject,
        datacontenttype="application/json",
        sequence="" if draft.sequence is None else str(draft.sequence),
        correlationid=draft.correlationid,
        causationid=draft.causationid,
        traceparent=draft.traceparent,
    )
    event.partitionkey = home_of(event, ids).hex()
    return Stamped(source, draft.id, event.partitionkey.encode(), encode(event))


def normalised(data: Data, region: str | None) -> Data:
    """The same data with every identifier in its normal form."""
    if not data.participants and not data.links:
        return data
    return msgspec.structs.replace(
        data,
        participants=[_normalised(participant, region) for participant in data.participants],
        links=[(normalise(a, region), normalise(b, region)) for a, b in data.links],
    )


def _normalised(participant: Participant, region: str | None) -> Participant:
    if not participant.identifiers:
        return participant
    return msgspec.structs.replace(participant, identifiers=[normalise(i, region) for i in participant.identifiers])

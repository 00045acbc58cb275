"""Stamp events at intake: tenant, recorded time, stream, normal forms, and the bytes for the log."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from cx_events.codec import encode
from cx_events.envelope import Data, Draft, Event, Participant
from cx_events.errors import Refused
from cx_events.facts import parse_sequence, stream_id_of
from cx_events.identifiers import normalise
from cx_events.ids import IdSpace
from cx_events.junk import DEFAULT_JUNK, Junk, mark_junk
from cx_events.timestamps import Micros, format_time
from cx_events.weights import ALL_SCOPES, stamp_weights


class StampedEvent(msgspec.Struct, frozen=True, gc=False):
    """An event ready for the log. ``key``: its stream in 32 hex digits, the record's key. ``raw``: its bytes."""

    source: str
    id: str
    key: bytes
    raw: bytes


def key_writer(key: str) -> str:
    """Return the ``writer`` of events that are sent with the key of this id."""
    return f"key/{key}"


def connection_writer(connection: str) -> str:
    """Return the ``writer`` of events that came by this connection."""
    return f"connection/{connection}"


COMMAND_WRITER = "hub/command-line"
"""The ``writer`` of what an operator does with a command on the hub's machine; ``data.agent`` names the account."""

CONFIGURATION_WRITER = "hub/configuration"
"""The ``writer`` of events that the hub makes of its configuration: a change of the rules."""


def stamp(
    draft: Draft,
    *,
    source: str,
    recorded: Micros,
    ids: IdSpace,
    region: str | None = None,
    writer: str = "",
    scopes: Collection[str] = ALL_SCOPES,
    junk: Junk = DEFAULT_JUNK,
) -> StampedEvent:
    """Return the stamped event of a draft. Pure.

    The same draft at another instant differs in ``recordedtime`` only, and in ``time`` where the draft has none.
    ``writer``: ``connection/ID`` or ``key/ID``. ``scopes``: bound the weights of the draft's identifiers; an adapter,
    which states what its vendor checked, has all. ``junk``: the tenant's.

    Raises ``Refused``: ``bad-time``, ``bad-sequence``, ``not-unicode`` (a lone surrogate, which lenient decoding of a
    mail leaves behind), or ``missing-scope`` for an identifier whose weight needs another scope.
    """
    try:
        data = prepare_data(draft.data, draft.type, region=region, scopes=scopes, junk=junk)
        return _stamped(draft, data, source, recorded, ids, writer)
    except UnicodeEncodeError as error:
        raise Refused("not-unicode", f"event {draft.id!a} contains text that is not Unicode: {error}") from None


def _stamped(draft: Draft, data: Data, source: str, recorded: Micros, ids: IdSpace, writer: str) -> StampedEvent:
    sequence = "" if draft.sequence is None else str(draft.sequence)
    if sequence:
        parse_sequence(sequence)
    event = Event(
        specversion="1.0",
        id=draft.id,
        source=source,
        type=draft.type,
        time=format_time(recorded if draft.time is None else draft.time),
        tenantid=ids.tenant,
        recordedtime=format_time(recorded),
        partitionkey="",
        data=data,
        subject=draft.subject,
        datacontenttype="application/json",
        sequence=sequence,
        correlationid=draft.correlationid,
        causationid=draft.causationid,
        traceparent=draft.traceparent,
        writer=writer,
    )
    event.partitionkey = stream_id_of(event, ids).hex()
    return StampedEvent(source, draft.id, event.partitionkey.encode(), encode(event))


def prepare_data(data: Data, event_type: str, *, region: str | None, scopes: Collection[str], junk: Junk) -> Data:
    """Return the data to store: each identifier in its normal form, with its weight, and marked where it is junk.

    Return ``data`` itself where it has no identifiers. Raises ``Refused("missing-scope")``: see
    ``weights.stamp_weights``.
    """
    if not data.links and not any(each.identifiers for each in data.participants):
        return data
    participants = [_copied(each) if each.identifiers else each for each in data.participants]
    ready = msgspec.structs.replace(data, participants=participants)
    prepare_own_data(ready, event_type, region=region, scopes=scopes, junk=junk)
    return ready


def prepare_own_data(data: Data, event_type: str, *, region: str | None, scopes: Collection[str], junk: Junk) -> bool:
    """Make of data what ``prepare_data`` returns, in place: nobody else may hold it. Return whether it has identifiers.

    Raises as ``prepare_data``.
    """
    has_identifiers = False
    for participant in data.participants:
        if participant.identifiers:
            participant.identifiers = [normalise(each, region) for each in participant.identifiers]
            has_identifiers = True
    if data.links:
        data.links = [(normalise(one, region), normalise(other, region)) for one, other in data.links]
        has_identifiers = True
    if has_identifiers:
        stamp_weights(data, event_type, scopes)
        mark_junk(data, junk)
    return has_identifiers


def _copied(participant: Participant) -> Participant:
    """Return a participant that nobody else holds, whose identifiers are still to be replaced."""
    return Participant(
        role=participant.role, id=participant.id, name=participant.name, identifiers=participant.identifiers
    )

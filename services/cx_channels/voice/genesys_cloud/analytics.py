"""Map a conversation as Analytics has it: participants, their sessions, and the segments of these, each with its times.

``GET /api/v2/analytics/conversations/{id}/details`` and the query for many give it; words: PureCloudPlatformClientV2,
``analytics_conversation_segment``, ``analytics_session``. The whole story of a conversation that was missed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct, structs

from cx_channels.kit.agents import out_of_it
from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import objects, text
from cx_channels.kit.outcomes import Outcome
from cx_channels.provider import Connection, Ignored
from cx_channels.voice.genesys_cloud import people
from cx_channels.voice.genesys_cloud.conversation import (
    NO_CONTACT,
    Conversation,
    agent,
    channel_of,
    direction_of,
    queue,
    same_calls,
    time_of,
    word,
)
from cx_channels.voice.genesys_cloud.legs import AGENTS, CUSTOMERS, LISTENING, MENUS, third_parties
from cx_events.envelope import Draft, Recording, Transfer
from cx_events.json_types import Json

_OFFERED = frozenset({"alert", "dialing", "contacting"})
_LISTENED = frozenset({"monitoring", "coaching", "barging", "screenmonitoring"})
"""Segments of a supervisor who is connected to an agent's session, and of nobody else."""
IGNORED: Mapping[str, str] = {
    "segment/other": "a segment of a machine, a supervisor who listens, a shared screen, or a third party",
}


_PICKED_UP: Mapping[str, str] = {"person": "human", "machine": "machine", "fax": "fax", "lineconnected": ""}
"""By the last word of ``dispositionName``, ``disposition.classification.callable.machine``: who picked up."""
_OF_PARTICIPANT = ("participantId", "participantName", "purpose", "userId", "externalContactId")
_OF_SESSION = ("sessionId", "mediaType", "direction", "ani", "dnis", "addressFrom", "addressTo", "messageType",
               "peerId", "protocolCallId", "outboundCampaignId", "dispositionAnalyzer", "dispositionName")  # fmt: skip


class Session(Struct, gc=False):
    """One session of a participant. ``named``: its id below the conversation's. ``kept``: what every event keeps of
    both."""

    participant: Json
    value: Json
    conversation: Conversation
    named: str
    kept: Json

    def draft(self, event_type: str, step: str, at: Any, segment: Json, /, **data: Any) -> Draft:
        id = f"{self.named}/{step}/{id_part(text(at))}"
        return self.conversation.draft(event_type, id, {**self.kept, "segment": segment}, time_of(at), **data)


def map_details(body: Json, connection: Connection, organization: str) -> Iterator[Outcome]:
    """Map a conversation's details."""
    base = Conversation(id=text(body.get("conversationId")), connection=connection)
    participants = objects(body.get("participants"))
    brought_in = third_parties(participants)
    for number, participant in enumerate(participants):
        purpose = text(participant.get("purpose")).lower()
        for value in objects(participant.get("sessions")):
            session = _session(participant, value, base, organization, purpose)
            segments = objects(value.get("segments"))
            apart = number in brought_in or text(value.get("mediaType")).upper() in NO_CONTACT or _listens(value)
            found: list[Outcome] = [] if apart else list(_map_session(session, purpose, segments))
            yield from found or [Ignored("segment/other", IGNORED["segment/other"])]


def _listens(session: Json) -> bool:
    """Return whether a session is a supervisor's, who takes no part: it says to whom they listen, or has no segment but
    such."""
    kinds = {text(each.get("segmentType")) for each in objects(session.get("segments"))}
    return any(session.get(name) for name in LISTENING) or (bool(kinds) and kinds <= _LISTENED)


def _session(participant: Json, value: Json, base: Conversation, organization: str, purpose: str) -> Session:
    outbound = text(value.get("direction")).lower() == "outbound"
    known = []
    if purpose in CUSTOMERS:
        told = {**value, "externalContactId": participant.get("externalContactId")}
        name = text(participant.get("participantName"))
        known = people.customer(told, base.connection, organization, outbound=outbound, name=name)
    conversation = structs.replace(
        base,
        channel=channel_of(value.get("mediaType"), value.get("messageType")),
        direction=direction_of(value.get("direction")),
        people=known,
    )
    named = f"{id_part(text(participant.get('participantId')))}/{id_part(text(value.get('sessionId')))}"
    kept = {
        "conversationId": base.id,
        "participant": {name: participant[name] for name in _OF_PARTICIPANT if participant.get(name) is not None},
        "session": {name: value[name] for name in _OF_SESSION if value.get(name) is not None},
    }
    return Session(participant, value, conversation, named, kept)


def _map_session(session: Session, purpose: str, segments: list[Json]) -> Iterator[Draft]:
    if not segments:
        return
    begin, end = segments[0], segments[-1]
    yield from _map_detection(session, segments)
    if purpose in CUSTOMERS:
        yield session.draft("cx.interaction.started.v1", "started", begin.get("segmentStart"), begin)
        if text(end.get("segmentEnd")) and text(end.get("disconnectType")):
            why = word(end.get("disconnectType"))
            calls = same_calls(session.participant, session.conversation)
            at = end.get("segmentEnd")
            yield session.draft("cx.interaction.ended.v1", "ended", at, end, reason=why, references=calls)
    elif purpose == "acd":
        waits = queue(begin.get("queueId"))
        yield session.draft("cx.interaction.queued.v1", "queued", begin.get("segmentStart"), begin, queue=waits)
        if any(text(each.get("name")) == "tAbandon" for each in objects(session.value.get("metrics"))):
            why = word(end.get("disconnectType"))
            yield session.draft(
                "cx.interaction.abandoned.v1", "abandoned", end.get("segmentEnd"), end, queue=waits, reason=why
            )  # fmt: skip
    elif purpose in MENUS:
        for each in segments:
            if text(each.get("segmentType")) in ("ivr", "interact"):
                step = text(session.participant.get("participantName")) or purpose
                yield session.draft("cx.call.ivr_step.v1", "flow", each.get("segmentStart"), each, step=step)
    elif purpose == "voicemail":
        yield from _map_voicemail(session, segments)
    elif purpose in AGENTS:
        yield from _map_agent(session, segments)


def _map_detection(session: Session, segments: list[Json]) -> Iterator[Draft]:
    """Yield what a campaign's call came to, ``dispositionName``: a person or a machine picked up, or nobody."""
    detected = text(session.value.get("dispositionName")).rpartition(".")[2].lower()
    if not detected:
        return
    talks = next((each for each in segments if text(each.get("segmentType")) == "interact"), None)
    told = segments[-1] if talks is None else talks
    at = told.get("segmentEnd") if talks is None else told.get("segmentStart")
    if detected in _PICKED_UP:
        by = _PICKED_UP[detected]
        yield session.draft("cx.interaction.answered.v1", "detected", at, told, answered_by=by, participants=[])
    else:
        yield session.draft("cx.interaction.routed.v1", "detected", at, told, reason=detected, participants=[])


def _map_voicemail(session: Session, segments: list[Json]) -> Iterator[Draft]:
    for each in segments:
        if text(each.get("segmentType")) != "voicemail":
            continue
        began, ended = time_of(each.get("segmentStart")), time_of(each.get("segmentEnd"))
        if ended is None:
            continue
        recording = Recording(
            id=text(session.value.get("sessionId")),
            duration_ms=(ended - began) // 1000 if began is not None and began <= ended else None,
            status="voicemail",
        )
        waits = queue(each.get("queueId"))
        at = each.get("segmentEnd")
        yield session.draft("cx.call.recording.v1", "voicemail", at, each, recording=recording, queue=waits)


def _map_agent(session: Session, segments: list[Json]) -> Iterator[Draft]:
    who = agent(session.participant.get("userId"))
    out = out_of_it(who, session.conversation.connection.id)
    talked = held = False
    for each in segments:
        kind, at, over = text(each.get("segmentType")), each.get("segmentStart"), each.get("segmentEnd")
        line = queue(each.get("queueId"))
        if kind in _OFFERED:
            yield session.draft(
                "cx.interaction.routed.v1", "offered", at, each, agent=who, queue=line, reason=word(kind)
            )  # fmt: skip
        elif kind == "interact" and not talked:
            yield session.draft("cx.interaction.answered.v1", "answered", at, each, agent=who, queue=line)
        elif kind == "interact" and held:
            yield session.draft("cx.interaction.resumed.v1", "resumed", at, each, agent=who, queue=line)
        elif kind == "hold":
            yield session.draft("cx.interaction.held.v1", "held", at, each, agent=who, queue=line)
        elif kind == "wrapup":
            yield from _map_wrapup(session, each, over, who)
        talked, held = talked or kind == "interact", kind == "hold"
        why = word(each.get("disconnectType"))
        if "transfer" in why and talked:
            yield session.draft(
                "cx.interaction.transferred.v1", "left", over, each, participants=out, transfer=Transfer(kind=why),
                reason=why,
            )  # fmt: skip
        elif why and not talked:
            yield session.draft(
                "cx.interaction.routed.v1", "left", over, each, participants=out, queue=line, reason=why
            )


def _map_wrapup(session: Session, segment: Json, at: Any, who: Any) -> Iterator[Draft]:
    code, note = text(segment.get("wrapUpCode")), text(segment.get("wrapUpNote"))
    if code:
        yield session.draft("cx.conversation.disposition.v1", "wrapup", at, segment, disposition=code, agent=who)
    if note:
        yield session.draft("cx.conversation.note.v1", "wrapup-note", at, segment, note=note, agent=who)

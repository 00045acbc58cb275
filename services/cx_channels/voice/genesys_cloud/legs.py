"""Map the state of a conversation, as notification topics tell it: whole each time, so that times say what happened.

A leg is one participant's call, callback, chat, mail or message. Its steps have ids of its own ids and of the time of
the step, and keep what does not change any more; so the next notification of the same conversation makes the same
events again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct, structs

from cx_channels.kit.agents import out_of_it
from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import first, obj, objects, text
from cx_channels.kit.outcomes import Outcome
from cx_channels.provider import Connection, Ignored
from cx_channels.voice.genesys_cloud import people
from cx_channels.voice.genesys_cloud.conversation import (
    Conversation,
    agent,
    channel_of,
    direction_of,
    queue,
    same_calls,
    time_of,
    word,
)
from cx_events.envelope import AgentOrQueue, Draft, Recording, Transfer
from cx_events.json_types import Json

MEDIA: Mapping[str, str] = {
    "calls": "VOICE", "callbacks": "CALLBACK", "chats": "CHAT", "emails": "EMAIL", "messages": "MESSAGE",
    "videos": "VIDEO",
}  # fmt: skip
"""The lists of a participant's legs, with their mediaType."""

CUSTOMERS = frozenset({"customer", "external"})
AGENTS = frozenset({"agent", "user"})
MENUS = frozenset({"ivr", "botflow", "voicesurveyflow", "workflow"})
OFFERED = frozenset({"alerting", "dialing", "contacting", "offering"})
_KEPT = ("id", "purpose", "name", "userId", "queueId", "user", "queue", "externalContactId", "externalContact")
LISTENING = (
    *("monitoredParticipantId", "coachedParticipantId", "bargedParticipantId", "screenMonitoredParticipantId"),
    "screenMonitoredUserId",
)
"""Members of a supervisor's participant in topics, of their session in Analytics: whom they listen to or coach."""

IGNORED: Mapping[str, str] = {
    "leg/listening": "a supervisor listens in or coaches; no part of the customer's story",
    "leg/third-party": "somebody from outside whom an agent brought in: neither the customer nor the customer's leg",
    "leg/other": "a dialler's, station's, voicemail's or other machine's own leg",
    "leg/nothing": "nothing has happened yet that has a time",
}


class Leg(Struct, gc=False):
    """One leg. ``named``: its id below the conversation's. ``kept``: what every step keeps of the participant."""

    participant: Json
    value: Json
    conversation: Conversation
    by_transfers: bool
    named: str
    kept: Json
    agent: AgentOrQueue | None
    queue: AgentOrQueue | None

    def draft(
        self, event_type: str, step: str, at: Any, /, *, more: str = "", more_kept: Json | None = None, **data: Any
    ) -> Draft:
        parts = (self.named, step, id_part(text(at) or "-"), more)
        id = "/".join(each for each in parts if each)
        told = {"name": step, "at": at, "leg": self.value.get("id"), **(more_kept or {})}
        kept = {"id": self.conversation.id, "participant": self.kept, "step": told}
        return self.conversation.draft(event_type, id, kept, time_of(at), **data)


def map_state(body: Json, connection: Connection, organization: str) -> Iterator[Outcome]:
    """Map a conversation: every leg of it, and the transfers that it lists."""
    transfers = objects(body.get("recentTransfers"))
    base = Conversation(
        id=text(body.get("id")), connection=connection, consults=text(obj(body.get("associatedConversation")).get("id"))
    )
    participants = objects(body.get("participants"))
    brought_in = third_parties(participants)
    for number, participant in enumerate(participants):
        if number in brought_in:
            yield Ignored("leg/third-party", IGNORED["leg/third-party"])
            continue
        if any(participant.get(name) for name in LISTENING):
            yield Ignored("leg/listening", IGNORED["leg/listening"])
            continue
        for media, value in _legs_of(participant):
            yield from _map_leg(_leg(participant, value, media, base, organization, bool(transfers)))
    for each in transfers:
        yield from _map_transfer(each, base)


def third_parties(participants: list[Json]) -> frozenset[int]:
    """Return the places of participants from outside who are not the customer: an agent consults them, or passes the
    call on to them.

    ``customer`` is the customer of a contact center conversation, ``external`` "a non-Genesys Cloud person", who is the
    customer only where there is no other: the caller of a user, or whom a user calls, comes first.
    """
    of = {place: text(each.get("purpose")).lower() for place, each in enumerate(participants)}
    externals = [place for place, purpose in of.items() if purpose == "external"]
    return frozenset(externals if "customer" in of.values() else externals[1:])


def _legs_of(participant: Json) -> Iterator[tuple[str, Json]]:
    """Yield the legs of a participant: listed by medium, or the participant itself in topics of one medium."""
    listed = [(media, each) for name, media in MEDIA.items() for each in objects(participant.get(name))]
    if listed or any(name in participant for name in MEDIA):
        yield from listed
    elif "state" in participant or "startTime" in participant:
        yield text(participant.get("mediaType")), participant


def _leg(participant: Json, value: Json, media: str, base: Conversation, organization: str, by_transfers: bool) -> Leg:
    outbound = text(value.get("direction")).lower() == "outbound"
    other = people.address_of(value.get("other"))
    own = people.address_of(value.get("self"))
    session: Json = {
        "mediaType": media or "VOICE",
        "messageType": text(value.get("type")).upper(),
        "ani": first(value.get("ani"), own if outbound else other, participant.get("address") if not outbound else ""),
        "dnis": first(value.get("dnis"), other if outbound else own, participant.get("address") if outbound else ""),
        "addressFrom": people.address_of(value.get("fromAddress")),
        "addressTo": people.address_of(value.get("toAddress")),
        "callbackNumbers": value.get("callbackNumbers"),
        "callbackUserName": value.get("callbackUserName"),
        "externalContactId": first(
            participant.get("externalContactId"), obj(participant.get("externalContact")).get("id")
        ),
    }
    purpose = text(participant.get("purpose")).lower()
    known = []
    if purpose in CUSTOMERS:
        name = text(participant.get("name"))
        known = people.customer(session, base.connection, organization, outbound=outbound, name=name)
    conversation = structs.replace(
        base,
        channel=channel_of(media or "VOICE", value.get("type")),
        direction=direction_of(value.get("direction")),
        people=known,
    )
    ids = dict.fromkeys(id_part(text(each.get("id"))) for each in (participant, value) if each.get("id"))
    return Leg(
        participant,
        value,
        conversation,
        by_transfers,
        named="/".join(ids),
        kept={name: participant[name] for name in _KEPT if participant.get(name) is not None},
        agent=agent(first(participant.get("userId"), obj(participant.get("user")).get("id"))),
        queue=queue(first(participant.get("queueId"), obj(participant.get("queue")).get("id"))),
    )


def _map_leg(leg: Leg) -> Iterator[Outcome]:
    purpose = text(leg.participant.get("purpose")).lower()
    found: list[Outcome]
    if purpose in CUSTOMERS:
        found = [*_customer(leg), *_voicemail(leg)]
    elif purpose == "acd":
        found = list(_wait(leg))
    elif purpose in AGENTS:
        found = [*_agent(leg), *_hold(leg), *_wrapup(leg)]
    elif purpose in MENUS:
        found = list(_menu(leg, purpose))
    else:
        yield Ignored("leg/other", IGNORED["leg/other"])
        return
    yield from found or [Ignored("leg/nothing", IGNORED["leg/nothing"])]


def _began(leg: Leg) -> Any:
    return first(leg.value.get("connectedTime"), leg.participant.get("connectedTime"))


def _over(leg: Leg) -> Any:
    return first(leg.value.get("disconnectedTime"), leg.participant.get("endTime"))


def _customer(leg: Leg) -> Iterator[Draft]:
    if began := _began(leg):
        yield leg.draft("cx.interaction.started.v1", "connected", began)
    if over := _over(leg):
        reason = word(leg.value.get("disconnectType"))
        # Only here: before the end flows and agents may set either anew, and a step told twice must say the same.
        uui = {name: leg.value[name] for name in ("uuiData",) if leg.value.get(name)}
        calls = same_calls(leg.participant, leg.conversation)
        yield leg.draft("cx.interaction.ended.v1", "disconnected", over, more_kept=uui, reason=reason, references=calls)


def _voicemail(leg: Leg) -> Iterator[Draft]:
    """Yield the voicemail that a callback asks to answer, once it is stored: another status has no words to hear."""
    voicemail = obj(leg.value.get("voicemail"))
    id, began = text(voicemail.get("id")), _began(leg)
    if id and began and text(voicemail.get("uploadStatus")).lower() in ("", "complete"):
        recording = Recording(id=id, status="voicemail")
        yield leg.draft("cx.call.recording.v1", "voicemail", began, more=id_part(id), recording=recording)


def _wait(leg: Leg) -> Iterator[Draft]:
    """Yield the wait in a queue. It was abandoned where it ended otherwise than by going on to somebody."""
    if began := _began(leg):
        yield leg.draft("cx.interaction.queued.v1", "queued", began, queue=leg.queue)
    over, why = _over(leg), word(leg.value.get("disconnectType"))
    if over and why in ("client", "endpoint", "peer", "timeout"):
        yield leg.draft("cx.interaction.abandoned.v1", "left", over, queue=leg.queue, reason=why)


def _agent(leg: Leg) -> Iterator[Draft]:
    began, over, why = _began(leg), _over(leg), word(leg.value.get("disconnectType"))
    state = text(leg.value.get("state")).lower()
    offered = leg.participant.get("startTime")
    if state in OFFERED or (offered and not began):
        yield leg.draft(
            "cx.interaction.routed.v1", "offered", offered, agent=leg.agent, queue=leg.queue, reason="alerting"
        )  # fmt: skip
    if began:
        yield leg.draft("cx.interaction.answered.v1", "answered", began, agent=leg.agent, queue=leg.queue)
    if not over:
        return
    out = out_of_it(leg.agent, leg.conversation.connection.id)
    if began and "transfer" in why and not leg.by_transfers:
        transfer = Transfer(kind=why)
        yield leg.draft("cx.interaction.transferred.v1", "left", over, participants=out, transfer=transfer, reason=why)
    else:
        reason = f"agent-left {why}".strip() if began else why or "no-answer"
        yield leg.draft("cx.interaction.routed.v1", "left", over, participants=out, queue=leg.queue, reason=reason)


def _hold(leg: Leg) -> Iterator[Draft]:
    """Yield a hold by its own begin. Its end has no time: it is told when a notification shows that it is over."""
    since = first(leg.value.get("startHoldTime"))
    if since and leg.value.get("held") is True:
        yield leg.draft("cx.interaction.held.v1", "held", since, agent=leg.agent)
    elif since and leg.value.get("held") is False and not _over(leg):
        resumed = leg.draft("cx.interaction.resumed.v1", "resumed", since, agent=leg.agent)
        resumed.time = None
        yield resumed


def _wrapup(leg: Leg) -> Iterator[Draft]:
    wrapup = obj(leg.value.get("wrapup")) or obj(leg.participant.get("wrapup"))
    code, notes, at = text(wrapup.get("code")), text(wrapup.get("notes")), wrapup.get("endTime")
    if code:
        yield leg.draft("cx.conversation.disposition.v1", "wrapup", at, disposition=code, agent=leg.agent)
    if notes:
        yield leg.draft("cx.conversation.note.v1", "wrapup", at, more="note", note=notes, agent=leg.agent)


def _menu(leg: Leg, purpose: str) -> Iterator[Draft]:
    if began := _began(leg):
        step = text(leg.participant.get("name")) or purpose
        yield leg.draft("cx.call.ivr_step.v1", "flow", began, step=step)


def _map_transfer(value: Json, conversation: Conversation) -> Iterator[Outcome]:
    """Map a transfer that is complete; one that is asked for, refused or given up moves nobody."""
    state = text(value.get("state")).lower()
    if state != "complete" or not text(value.get("id")):
        yield Ignored("leg/nothing", IGNORED["leg/nothing"])
        return
    to = obj(value.get("destination"))
    who = agent(to.get("userId"))
    kind = word(value.get("transferType"))
    transfer = Transfer(to=text(to.get("address")), kind=kind, agent=who)
    by = agent(obj(value.get("initiator")).get("userId"))
    yield conversation.draft(
        "cx.interaction.transferred.v1",
        f"transfer/{id_part(text(value.get('id')))}",
        {"id": conversation.id, "recentTransfers": [value]},
        time_of(value.get("dateIssued")),
        transfer=transfer,
        agent=who,
        participants=out_of_it(by, conversation.connection.id),
        reason=kind,
    )

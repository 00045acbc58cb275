"""Map detail events, ``v2.detail.events.conversation.{id}.*``: the steps of a conversation, by EventBridge alone.

Fields: PureCloudPlatformClientV2, models ``*_detail_event_topic_*``. ``eventTime`` is in milliseconds; the envelope's
time is that of the delivery.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from msgspec import Struct

from cx_channels.kit.agents import out_of_it
from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import obj, text, texts
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
    time_of,
    word,
)
from cx_events.envelope import Draft, Recording, Transfer
from cx_events.json_types import Json
from cx_events.timestamps import Micros


class DetailEvent(Struct, gc=False):
    """One detail event. ``kind``: the end of its topic, ``acd.start``. ``kept``: topic, version and body."""

    kind: str
    body: Json
    kept: Json
    conversation: Conversation

    @property
    def time(self) -> Micros | None:
        return time_of(self.body.get("eventTime"))

    def draft(self, event_type: str, *more: str, **data: object) -> Draft:
        leg = text(self.body.get("sessionId")) or text(self.body.get("participantId"))
        id = f"{self.kind}/{id_part(leg)}/{id_part(text(self.body.get('eventTime')))}"
        if more:
            id = "/".join((id, *more))
        return self.conversation.draft(event_type, id, self.kept, self.time, **data)

    def whole(self, name: str) -> int | None:
        found = self.body.get(name)
        return found if isinstance(found, int) and not isinstance(found, bool) and 0 <= found < 10**12 else None


def _map_start(event: DetailEvent) -> Iterator[Outcome]:
    yield event.draft("cx.interaction.started.v1", reason=word(event.body.get("mediaType")))


def _map_end(event: DetailEvent) -> Iterator[Outcome]:
    yield event.draft(
        "cx.interaction.ended.v1",
        reason=word(event.body.get("disconnectType")),
        duration_ms=event.whole("interactingDurationMs"),
    )


def _map_flow_start(event: DetailEvent) -> Iterator[Outcome]:
    yield event.draft("cx.call.ivr_step.v1", step=word(event.body.get("flowType")) or "flow", participants=[])


def _map_flow_end(event: DetailEvent) -> Iterator[Outcome]:
    said = (word(event.body.get(name)) for name in ("exitReason", "transferType"))
    reason = " ".join(each for each in said if each) or word(event.body.get("disconnectType"))
    step = word(event.body.get("flowType")) or "flow"
    duration = event.whole("connectedDurationMs")
    yield event.draft("cx.call.ivr_step.v1", step=step, reason=reason, duration_ms=duration, participants=[])


def _map_flow_outcome(event: DetailEvent) -> Iterator[Outcome]:
    outcome = text(event.body.get("flowOutcomeId"))
    reason = word(event.body.get("flowOutcomeValue"))
    yield event.draft(
        "cx.call.ivr_step.v1", id_part(outcome), step=outcome or "outcome", reason=reason, participants=[]
    )  # fmt: skip


def _map_queued(event: DetailEvent) -> Iterator[Outcome]:
    yield event.draft("cx.interaction.queued.v1", queue=queue(event.body.get("queueId")), participants=[])


def _map_left_queue(event: DetailEvent) -> Iterator[Outcome]:
    """Map how the wait ended: ABANDON, ANSWERED by ``answeredUserId``, or FLOW_OUT into another flow or queue."""
    outcome = word(event.body.get("acdOutcome"))
    kinds = {"abandon": "cx.interaction.abandoned.v1", "answered": "cx.interaction.answered.v1"}
    yield event.draft(
        kinds.get(outcome, "cx.interaction.routed.v1"),
        reason=outcome or word(event.body.get("disconnectType")),
        queue=queue(event.body.get("queueId")),
        agent=agent(event.body.get("answeredUserId")),
        duration_ms=event.whole("connectedDurationMs"),
        participants=[],
    )


def _map_offered(event: DetailEvent) -> Iterator[Outcome]:
    """Map that a user is alerted, or dials; nobody has answered yet."""
    yield event.draft(
        "cx.interaction.routed.v1",
        reason="alerting",
        agent=agent(event.body.get("userId")),
        queue=queue(event.body.get("queueId")),
        participants=[],
    )


def _map_user_left(event: DetailEvent) -> Iterator[Outcome]:
    """Map that a user is out of the conversation: it was passed on, never taken, or the user left."""
    why = word(event.body.get("disconnectType"))
    talked = bool(event.whole("interactingDurationMs") or event.whole("heldDurationMs"))
    passed_on = talked and "transfer" in why
    yield event.draft(
        "cx.interaction.transferred.v1" if passed_on else "cx.interaction.routed.v1",
        reason=why if passed_on or not talked else f"agent-left {why}".strip(),
        queue=queue(event.body.get("queueId")),
        transfer=Transfer(kind=why) if passed_on else None,
        duration_ms=event.whole("interactingDurationMs"),
        participants=out_of_it(agent(event.body.get("userId")), event.conversation.connection.id),
    )


def _map_wrapup(event: DetailEvent) -> Iterator[Outcome]:
    """Map the agent's words on the contact. It comes when the customer may long be back, and ends nothing."""
    code, notes = text(event.body.get("wrapupCode")), text(event.body.get("wrapupNotes"))
    who = agent(event.body.get("userId"))
    if code:
        yield event.draft("cx.conversation.disposition.v1", disposition=code, agent=who, participants=[])
    if notes:
        yield event.draft("cx.conversation.note.v1", "note", note=notes, agent=who, participants=[])
    if not code and not notes:
        yield Ignored("acw/nothing", NO_WRAPUP)


def _map_code(event: DetailEvent) -> Iterator[Outcome]:
    """Map the code alone: ``acw`` tells who chose it, and the words, but comes only where there was work after the
    contact. The same code twice is one disposition; the same words would be two notes."""
    code = text(event.body.get("wrapupCode"))
    if code:
        yield event.draft("cx.conversation.disposition.v1", disposition=code, participants=[])
    else:
        yield Ignored("wrapup/nothing", NO_CODE)


def _map_voicemail(event: DetailEvent) -> Iterator[Outcome]:
    recording = Recording(
        id=text(event.body.get("sessionId")), duration_ms=event.whole("voicemailDurationMs"), status="voicemail"
    )
    yield event.draft(
        "cx.call.recording.v1", recording=recording, queue=queue(event.body.get("queueId")), reason="voicemail"
    )


def _map_campaign(event: DetailEvent) -> Iterator[Outcome]:
    yield event.draft("cx.interaction.started.v1", reason="campaign")


def _map_contact(event: DetailEvent) -> Iterator[Outcome]:
    """Map that a conversation was joined with an external contact."""
    if not any(each.role == "customer" and each.identifiers for each in event.conversation.people):
        yield Ignored("contact/nobody", NOBODY)
        return
    yield event.draft("cx.identity.asserted.v1", evidence="genesys-external-contact")


def _map_attributes(event: DetailEvent) -> Iterator[Outcome]:
    """Map the participant data that the connection names: flows and scripts write it, and much else of their own."""
    given = obj(event.body.get("attributes"))
    named = texts(event.conversation.connection.settings.get("attributes"))
    found = {name: given[name] for name in named if given.get(name) not in (None, "")}
    if not found:
        yield Ignored("attributes", ATTRIBUTES)
        return
    # Flows keep PINs and card numbers there, too: what is not named is not kept, either.
    event.kept = {**event.kept, "eventBody": {**event.body, "attributes": found}}
    yield event.draft("cx.customer.attributes_changed.v1", attributes=found)


KINDS: Mapping[str, tuple[Callable[[DetailEvent], Iterator[Outcome]], str]] = {
    "customer.start": (_map_start, "cx.interaction.started"),
    "customer.end": (_map_end, "cx.interaction.ended"),
    "flow.start": (_map_flow_start, "cx.call.ivr_step"),
    "flow.end": (_map_flow_end, "cx.call.ivr_step with how it was left"),
    "flow.outcome": (_map_flow_outcome, "cx.call.ivr_step with the outcome"),
    "acd.start": (_map_queued, "cx.interaction.queued"),
    "acd.end": (_map_left_queue, "cx.interaction.answered, cx.interaction.abandoned or cx.interaction.routed"),
    "user.start": (_map_offered, "cx.interaction.routed: a user is alerted"),
    "user.end": (_map_user_left, "cx.interaction.transferred, else cx.interaction.routed"),
    "acw": (_map_wrapup, "cx.conversation.disposition, cx.conversation.note"),
    "wrapup": (_map_code, "cx.conversation.disposition"),
    "voicemail.end": (_map_voicemail, "cx.call.recording"),
    "outbound": (_map_campaign, "cx.interaction.started by a campaign"),
    "contact": (_map_contact, "cx.identity.asserted with the external contact"),
}
WITH_SETTING: Mapping[str, Callable[[DetailEvent], Iterator[Outcome]]] = {"attributes": _map_attributes}

NO_WRAPUP = "the agent wrote and chose nothing"
NO_CODE = "no code was chosen; words of the agent come with acw"
NOBODY = "neither an external contact nor an address is named"
ATTRIBUTES = "flows and scripts write what they like; the setting attributes names what tells of the customer"
IGNORED: Mapping[str, str] = {
    "voicemail.start": "its end tells the voicemail",
    "acw/nothing": NO_WRAPUP,
    "wrapup/nothing": NO_CODE,
    "contact/nobody": NOBODY,
    "attributes": ATTRIBUTES,
}
MEDIA = "screens that are shown, or colleagues who write each other"
# Whose addresses a session has: of an agent's it may be the colleague who asks.
_OF_CUSTOMERS = frozenset({"customer.start", "customer.end", "outbound", "contact", "voicemail.end"})


def map_detail_event(kind: str, body: Json, kept: Json, connection: Connection, organization: str) -> Iterator[Outcome]:
    """Map one detail event whose kind is known."""
    if kind in IGNORED and kind not in WITH_SETTING:
        yield Ignored(kind, IGNORED[kind])
        return
    if text(body.get("mediaType")).upper() in NO_CONTACT:
        yield Ignored("media", MEDIA)
        return
    direction = "outbound" if kind == "outbound" else direction_of(body.get("direction"))
    known = (
        people.customer(body, connection, organization, outbound=direction == "outbound")
        if kind in _OF_CUSTOMERS
        else []
    )
    conversation = Conversation(
        id=text(body.get("conversationId")),
        connection=connection,
        channel=channel_of(body.get("mediaType"), body.get("messageType")),
        direction=direction,
        people=known,
    )
    mapper = KINDS[kind][0] if kind in KINDS else WITH_SETTING[kind]
    yield from mapper(DetailEvent(kind, body, kept, conversation))

"""Map conversation events (google.cloud.dialogflow_v2, ``ConversationEvent``), as a Pub/Sub subscription pushes them.

``{"message": {"data": BASE64, "messageId", "publishTime"}, "subscription"}``, docs.cloud.google.com/pubsub/docs/push.
"""

from __future__ import annotations

import binascii
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from cx_channels.chat.dialogflow.kinds import ignored
from cx_channels.chat.dialogflow.turn import channel_of, encode, root_of, time_of
from cx_channels.kit.drafts import make_draft
from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import number, obj, objects, read_object, text, texts
from cx_channels.kit.outcomes import Outcome, no_adapter
from cx_channels.kit.signing import sha256_hex
from cx_channels.provider import Connection, Unmapped
from cx_events.dead_letters import UNKNOWN_KIND
from cx_events.envelope import Bot, Direction, Draft, Insight, Message, Participant, Role
from cx_events.errors import Refused
from cx_events.json_types import Json

_LOGS = "entries of Cloud Logging hold whole turns, in a form that no adapter reads yet"


def map_push(connection: Connection, value: Json) -> Iterator[Outcome]:
    """Yield what one pushed message tells. ``Refused("malformed")`` where its data is no JSON object."""
    message = obj(value.get("message"))
    pushed = text(message.get("messageId"))
    event = _data(message)
    id = id_part(pushed or sha256_hex(encode(event))[:32])
    if "insertId" in event or "jsonPayload" in event:
        yield no_adapter("log-entry", _LOGS, id, encode(event))
        return
    kind = text(event.get("type"))
    if not root_of(text(event.get("conversation"))):
        yield Unmapped(id, "malformed event: it names no conversation", encode(event))
    elif kind in KINDS:
        yield from KINDS[kind][0](connection, event, pushed, message)
    else:
        yield Unmapped(id, f"{UNKNOWN_KIND}: {kind[:64]!r}", encode(event))


def _data(message: Json) -> Json:
    try:
        content = binascii.a2b_base64(text(message.get("data")).encode("ascii"), strict_mode=True)
    except (ValueError, binascii.Error):
        raise Refused("malformed", "message.data of the push is not base64") from None
    return read_object(content)


def _draft(
    connection: Connection, event: Json, event_type: str, id: str, role: Role = "customer", at: Any = None, **data: Any
) -> Draft:
    direction: Direction | None = data.pop("direction", "inbound" if role == "customer" else "outbound")
    people = [Participant(role="customer"), *([] if role == "customer" else [Participant(role=role)])]
    return make_draft(
        connection, channel_of(connection), event_type, id, raw=encode(event),
        root=root_of(text(event.get("conversation"))), time=time_of(at), direction=direction, participants=people,
        **data,
    )  # fmt: skip


def _message(connection: Connection, event: Json, pushed: str, about: Json) -> Iterator[Outcome]:
    """Yield what somebody said, by the message's own name: END_USER, HUMAN_AGENT or AUTOMATED_AGENT."""
    said = obj(event.get("newMessagePayload"))
    id = id_part(text(said.get("name")) or pushed or sha256_hex(encode(event))[:32])
    words = text(said.get("content")) or "\n".join(
        line for each in objects(said.get("responseMessages")) for line in texts(obj(each.get("text")).get("text"))
    )
    at = text(said.get("sendTime")) or text(said.get("createTime")) or text(about.get("publishTime"))
    role = text(said.get("participantRole"))
    content = Message(
        id=id, text=words, content_type="text/plain" if words else "", language=text(said.get("languageCode"))
    )  # fmt: skip
    if role == "AUTOMATED_AGENT":
        yield _draft(connection, event, "cx.bot.turn.v1", id, "bot", at, bot=Bot(text=words))
    elif role == "HUMAN_AGENT":
        yield _draft(connection, event, "cx.message.sent.v1", id, "agent", at, message=content)
    elif role == "END_USER":
        yield _draft(connection, event, "cx.message.received.v1", id, at=at, message=content)
        yield from _sentiment(connection, event, said, id, at)
    else:
        yield Unmapped(id, f"malformed NEW_MESSAGE: {role[:32]!r} is no role", encode(event))


def _sentiment(connection: Connection, event: Json, said: Json, id: str, at: str) -> Iterator[Outcome]:
    score = number(obj(obj(said.get("sentimentAnalysis")).get("queryTextSentiment")).get("score"))
    if score is not None and -1 <= score <= 1:
        found = Insight(producer="dialogflow", version="v2", sentiment=score)
        yield _draft(connection, event, "cx.insight.found.v1", f"{id}/sentiment", at=at, insight=found)


def _of_conversation(event_type: str, step: str, *, once: bool) -> Callable[..., Iterator[Outcome]]:
    def map_event(connection: Connection, event: Json, pushed: str, about: Json) -> Iterator[Outcome]:
        own = step if once else f"{step}/{id_part(pushed or 'event')}"
        id = f"{root_of(text(event.get('conversation')))}/{own}"
        yield _draft(connection, event, event_type, id, at=about.get("publishTime"), direction=None)

    return map_event


def _left_out(kind: str) -> Callable[..., Iterator[Outcome]]:
    def leave(_connection: Connection, _event: Json, _pushed: str, _about: Json) -> Iterator[Outcome]:
        yield ignored(kind)

    return leave


KINDS: Mapping[str, tuple[Callable[..., Iterator[Outcome]], str]] = {
    "NEW_MESSAGE": (_message, "cx.message.received, cx.message.sent of agents, cx.bot.turn, cx.insight.found"),
    "CONVERSATION_STARTED": (
        _of_conversation("cx.interaction.started.v1", "started", once=True), "cx.interaction.started",
    ),
    "CONVERSATION_FINISHED": (
        _of_conversation("cx.interaction.ended.v1", "finished", once=True), "cx.interaction.ended",
    ),
    "HUMAN_INTERVENTION_NEEDED": (
        _of_conversation("cx.bot.handoff_asked.v1", "handoff", once=False), "cx.bot.handoff_asked",
    ),
    "NEW_RECOGNITION_RESULT": (_left_out("conversation/recognition"), ""),
    "UNRECOVERABLE_ERROR": (_left_out("conversation/error"), ""),
}  # fmt: skip

TABLE: Mapping[str, str] = {
    **{f"conversation/{kind}": becomes for kind, (_, becomes) in KINDS.items() if becomes},
    "log-entry": f"kept: {_LOGS}",
}


def push_kinds(value: Json) -> Iterator[str]:
    """Yield the kind of what was pushed."""
    yield f"conversation/{text(_data(obj(value.get('message'))).get('type'))}"

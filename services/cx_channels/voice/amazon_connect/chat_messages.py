"""Map messages of chats, as StartContactStreaming sends them to a topic of SNS, which a Firehose stream may read.

Shapes: docs.aws.amazon.com/connect/latest/adminguide/sns-payload.html, .../chat-message-streaming.html. ``Id`` is the
item's own; ContactId is missing from some events, InitialContactId stands there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cx_channels.kit.aws.deliveries import Notice
from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import first, obj, objects, read_object, text
from cx_channels.kit.outcomes import Outcome
from cx_channels.provider import Connection, Ignored
from cx_channels.voice.amazon_connect.contact import Contact, contact_of, time_of
from cx_channels.voice.amazon_connect.contact_lens import ROLES
from cx_events.dead_letters import UNKNOWN_KIND
from cx_events.envelope import AgentOrQueue, Attachment, Data, Draft, Message, Participant, Role
from cx_events.errors import Refused
from cx_events.json_types import Json

_INTERACTIVE = "application/vnd.amazonaws.connect.message.interactive"
_EVENT = "application/vnd.amazonaws.connect.event."
EVENTS: Mapping[str, str] = {
    "participant.joined": "cx.interaction.answered.v1",
    "chat.ended": "cx.interaction.ended.v1",
    "transfer.succeeded": "cx.interaction.transferred.v1",
    "transfer.failed": "cx.interaction.routed.v1",
    "message.delivered": "cx.message.delivered.v1",
    "message.read": "cx.message.read.v1",
}
IGNORED: Mapping[str, str] = {
    "typing": "somebody is typing; a message follows or not",
    "connection.acknowledged": "the client of the chat is there",
    "message.metadata": "receipts have events of their own",
    "participant.invited": "somebody was asked; joining is told",
    "participant.left": "somebody left; the contact's own end is told",
    "participant.idle": "somebody does nothing",
    "participant.returned": "somebody does something again",
    "participant.autodisconnection": "somebody was sent away; the contact's own end is told",
    "participant.joined/other": "no agent joined",
    "receipt": "not the customer got or read it",
}


def map_chat_item(notice: Notice, connection: Connection) -> Iterator[Outcome]:
    """Map one item of a chat: a message, a file, or an event."""
    value = notice.value
    contact = contact_of(value, connection, "CHAT")
    kind = text(value.get("Type")).upper()
    if not text(value.get("Id")) or not contact.id:
        yield notice.lost("malformed chat item: no Id or no ContactId")
    elif kind in ("MESSAGE", "ATTACHMENT"):
        yield _map_message(contact, value, notice.raw)
    elif kind == "EVENT":
        yield _map_event(contact, notice)
    else:
        yield notice.lost(f"{UNKNOWN_KIND}: the chat item {kind[:64]!r}", text(value.get("Id")))


def _map_message(contact: Contact, value: Json, raw: bytes) -> Draft:
    role = _role(value)
    files = [
        Attachment(
            name=text(each.get("AttachmentName")),
            content_type=text(each.get("ContentType")),
            url=f"connect-attachment:{text(each.get('AttachmentId'))}",
        )
        for each in objects(value.get("Attachments"))
    ]
    content, kind = text(value.get("Content")), text(value.get("ContentType"))
    choices = _choices(content) if kind == _INTERACTIVE else ""
    message = Message(
        id=text(value.get("Id")),
        text=choices or content,
        content_type="text/plain" if choices else kind if content else "",
        attachments=files,
    )
    event_type = "cx.message.received.v1" if role == "customer" else "cx.message.sent.v1"
    return _draft(contact, event_type, value, raw, role, Data(message=message))


def _choices(content: str) -> str:
    """Return what an interactive message shows: title, subtitle and the choices, each on a line; "" where it has none.

    Shape: .../adminguide/interactive-messages.html, ``{"templateType", "version", "data": {"content": {...}}}``.
    """
    try:
        shown = obj(obj(read_object(content.encode("utf-8", "replace")).get("data")).get("content"))
    except Refused:
        return ""
    lines = [text(shown.get(name)) for name in ("title", "subtitle")]
    lines += [f"- {title}" for each in objects(shown.get("elements")) if (title := text(each.get("title")))]
    return "\n".join(each for each in lines if each)


def _map_event(contact: Contact, notice: Notice) -> Outcome:
    value = notice.value
    kind = text(value.get("ContentType")).removeprefix(_EVENT)
    role = _role(value)
    if kind == "participant.joined" and role != "agent":
        kind = "participant.joined/other"
    if kind in ("message.delivered", "message.read") and role != "customer":
        kind = "receipt"
    if kind in IGNORED:
        return Ignored(f"chat/{kind}", IGNORED[kind])
    if kind not in EVENTS:
        return notice.lost(f"{UNKNOWN_KIND}: the chat event {kind[:64]!r}", text(value.get("Id")))
    receipts = objects(value.get("MessageMetadata")) or [obj(value.get("MessageMetadata"))]
    about = first(*(each.get("MessageId") for each in receipts))
    data = Data(
        reason=kind,
        agent=AgentOrQueue(name=text(value.get("DisplayName"))) if kind == "participant.joined" else None,
        message=Message(id=about) if about else None,
    )
    return _draft(contact, EVENTS[kind], value, notice.raw, role, data)


def _draft(contact: Contact, event_type: str, item: Json, raw: bytes, role: Role, data: Data) -> Draft:
    """Draft the event of an item. ``role``: of who did it."""
    id, at = f"item/{id_part(text(item.get('Id')))}", time_of(item.get("AbsoluteTime"))
    return contact.draft(event_type, id, raw, at, data, people=_people(item, role))


def _role(value: Json) -> Role:
    found = ROLES.get(text(value.get("ParticipantRole")).upper(), "system")
    return "customer" if found == "customer" else "agent" if found == "agent" else "bot" if found == "bot" else "system"


def _people(value: Json, role: Role) -> list[Participant]:
    name, id = text(value.get("DisplayName")), text(value.get("ParticipantId"))
    return [Participant(role=role, id=id, name=name)] if name or id else []

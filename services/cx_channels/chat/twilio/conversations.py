"""Map Twilio Conversations, by the name of the event (www.twilio.com/docs/conversations/conversations-webhooks).

A conversation is one interaction, ``CONNECTION/CH...``. Who wrote is an address, then it is a customer, or an identity
that the business's token server chose: an agent, unless the settings ``customers`` or ``bots`` list it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from cx_channels.chat.twilio.callback import Callback, draft_of, failure_of
from cx_channels.chat.twilio.people import IDENTITY, business, customer, is_address, read_address
from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import first, objects, whole
from cx_channels.kit.outcomes import Outcome
from cx_channels.kit.settings import lists
from cx_channels.provider import Ignored
from cx_events import strict_json
from cx_events.envelope import AgentOrQueue, Attachment, Draft, Identifier, Message, Participant
from cx_events.errors import Refused
from cx_events.weights import ASSERTED

Mapper = Callable[[Callback], Iterator[Outcome]]

_PRE = "a hook before the action, which waits for an answer that could change it: don't subscribe to it"
_ROOM = "about the conversation itself, not what is said in it"
_USER = "about a user of the chat, not what is said in it"
_SENT = "no more than that the message went out, which is told by itself"
_LEFT = "who left does not tell who goes on"
_NOT_READ = "who takes part changed, or an agent read; no customer did"

IGNORED: Mapping[str, str] = {
    **dict.fromkeys(
        (
            "onMessageAdd", "onMessageUpdate", "onMessageRemove", "onConversationAdd", "onConversationUpdate",
            "onConversationRemove", "onParticipantAdd", "onParticipantUpdate", "onParticipantRemove", "onUserUpdate",
        ), _PRE,
    ),
    "onConversationUpdated": _ROOM,
    "onParticipantRemoved": _LEFT,
    "onUserAdded": _USER,
    "onUserUpdated": _USER,
    "state/unchanged": "it became inactive, or was so: it goes on with the next message",
    "participant/customer": "a customer takes part by writing",
    "participant/unread": _NOT_READ,
    "delivery/sent": _SENT,
}  # fmt: skip

_MOST_FILES = 50
_SYSTEM = frozenset({"", "system"})


class Author(NamedTuple):
    """Somebody in a conversation. ``agent``: where it is one."""

    participant: Participant
    agent: AgentOrQueue | None = None

    @property
    def is_customer(self) -> bool:
        return self.participant.role == "customer"


def author_of(callback: Callback, name: str, address: str = "") -> Author:
    """Return who an author or an identity is."""
    fields, connection = callback.fields, callback.connection
    ours = read_address(fields.first("MessagingBinding.ProxyAddress", "MessagingBinding.ProjectedAddress"))
    if address or is_address(name):
        return Author(customer(read_address(address or name), ours))
    if name.lower() in _SYSTEM:
        return Author(Participant(role="system", id=name))
    if lists(connection, "bots", name):
        return Author(Participant(role="bot", id=name))
    if lists(connection, "customers", name):
        scope = fields.first("ChatServiceSid", "AccountSid")
        known = Identifier(kind=IDENTITY, value=name, scope=scope, weight=ASSERTED)
        return Author(Participant(role="customer", identifiers=[known] if name.isprintable() else []))
    return Author(Participant(role="agent", id=name), AgentOrQueue(id=name))


def map_message(callback: Callback) -> Iterator[Outcome]:
    """Map a message of anybody in the conversation."""
    author = author_of(callback, callback.fields["Author"])
    kind = "cx.message.received.v1" if author.is_customer else "cx.message.sent.v1"
    yield _about_message(callback, kind, "", author, message=_message(callback))


def map_edit(callback: Callback) -> Iterator[Outcome]:
    """Map new words of a message."""
    author = author_of(callback, callback.fields["Author"])
    at = callback.fields.first("DateUpdated", "DateCreated")
    yield _about_message(callback, "cx.message.edited.v1", f"edited/{id_part(at)}", author, message=_message(callback))


def map_removal(callback: Callback) -> Iterator[Outcome]:
    """Map the removal of a message."""
    author = author_of(callback, callback.fields["Author"])
    yield _about_message(
        callback, "cx.message.deleted.v1", "removed", author, message=Message(id=callback.message)
    )  # fmt: skip


def _message(callback: Callback) -> Message:
    words = callback.fields["Body"]
    return Message(
        id=callback.message,
        text=words,
        content_type="text/plain" if words else "",
        subject=callback.fields.first("Subject", "MessageSubject"),
        attachments=list(_media(callback)),
    )


def _media(callback: Callback) -> Iterator[Attachment]:
    """Yield the files of a message: ``Media`` is JSON in a field."""
    fields = callback.fields
    service = fields["ChatServiceSid"]
    for file in objects(_json(fields["Media"]))[:_MOST_FILES]:
        id, size = first(file.get("Sid"), file.get("MediaSid"), file.get("sid")), file.get("Size", file.get("size"))
        yield Attachment(
            name=first(file.get("Filename"), file.get("filename")),
            content_type=first(file.get("ContentType"), file.get("content_type")),
            bytes=whole(size),
            url=f"https://mcs.us1.twilio.com/v1/Services/{service}/Media/{id}" if service and id else "",
        )


def _json(written: str) -> Any:
    try:
        return strict_json.decode_mended(written.encode("utf-8", "replace")) if written else None
    except Refused:
        return None


def _about_message(callback: Callback, event_type: str, what: str, author: Author, **data: Any) -> Outcome:
    if not callback.message or not callback.fields["ConversationSid"]:
        return callback.lost("it names no message, or no conversation")
    id = id_part(callback.message) + (f"/{what}" if what else "")
    return _draft(
        callback, event_type, id, [author.participant], author.agent,
        direction="inbound" if author.is_customer else "outbound", sequence=callback.fields.whole("Index"), **data,
    )  # fmt: skip


def _draft(
    callback: Callback, event_type: str, id: str, people: list[Participant], agent: AgentOrQueue | None, **data: Any
) -> Draft:
    fields = callback.fields
    ours = read_address(fields["MessagingBinding.ProxyAddress"])
    return draft_of(
        callback, "chat", event_type, id,
        root=id_part(fields["ConversationSid"]), time=callback.time, participants=[*people, *business(ours)],
        agent=agent, **data,
    )  # fmt: skip


def map_delivery(callback: Callback) -> Iterator[Outcome]:
    """Map what became of a message at one participant's address."""
    fields = callback.fields
    state = fields.first("Status", "DeliveryStatus").lower()
    kind = _DELIVERIES.get(state)
    if state in ("sent", "queued", "sending"):
        yield Ignored("delivery/sent", _SENT)
        return
    if kind is None or not callback.message or not fields["ConversationSid"]:
        yield callback.lost(f"it names no message or no conversation, or the status {state[:32]!r} is unknown")
        return
    who = fields.first("ParticipantSid", "ChannelMessageSid", "DeliveryReceiptSid")
    id = f"{id_part(callback.message)}/{state}" + (f"/{id_part(who)}" if who else "")
    yield _draft(
        callback, kind, id, [], None,
        direction="outbound", message=Message(id=callback.message), failure=failure_of(fields),
    )  # fmt: skip


_DELIVERIES: Mapping[str, str] = {
    "delivered": "cx.message.delivered.v1",
    "read": "cx.message.read.v1",
    "undelivered": "cx.message.failed.v1",
    "failed": "cx.message.failed.v1",
}


def map_start(callback: Callback) -> Iterator[Outcome]:
    """Map a new conversation."""
    address = callback.fields["MessagingBinding.Address"]
    people = [author_of(callback, "", address).participant] if address else []
    yield _of_conversation(callback, "cx.interaction.started.v1", "added", people)


def map_removed(callback: Callback) -> Iterator[Outcome]:
    """Map that a conversation was removed."""
    yield _of_conversation(callback, "cx.interaction.ended.v1", "removed", [], reason="removed")


def map_state(callback: Callback) -> Iterator[Outcome]:
    """Map that a conversation was closed, or opened again."""
    fields = callback.fields
    to, before = fields.first("StateTo", "State").lower(), fields["StateFrom"].lower()
    what = f"{to}/{id_part(fields.first('StateUpdated', 'DateUpdated') or '0')}"
    if to == "closed":
        yield _of_conversation(callback, "cx.interaction.ended.v1", what, [], reason=fields["Reason"] or "closed")
    elif to == "active" and before == "closed":
        yield _of_conversation(callback, "cx.interaction.resumed.v1", what, [], reason=fields["Reason"])
    elif to in ("active", "inactive"):
        yield Ignored("state/unchanged", IGNORED["state/unchanged"])
    else:
        yield callback.lost("it names no state that is known")


def _of_conversation(
    callback: Callback, event_type: str, what: str, people: list[Participant], **data: Any
) -> Outcome:  # fmt: skip
    conversation = callback.fields["ConversationSid"]
    if not conversation:
        return callback.lost("it names no conversation")
    return _draft(callback, event_type, f"{id_part(conversation)}/{what}", people, None, **data)


def map_joined(callback: Callback) -> Iterator[Outcome]:
    """Map that an agent takes part."""
    fields = callback.fields
    author = author_of(callback, fields["Identity"], fields["MessagingBinding.Address"])
    if author.agent is None:
        yield Ignored("participant/customer", IGNORED["participant/customer"])
        return
    yield _of_participant(callback, "cx.interaction.answered.v1", "joined", author)


def map_read(callback: Callback) -> Iterator[Outcome]:
    """Map that a customer read up to a message, known by its place."""
    fields = callback.fields
    index = fields["LastReadMessageIndex"]
    author = author_of(callback, fields["Identity"], fields["MessagingBinding.Address"])
    if not index or not author.is_customer:
        yield Ignored("participant/unread", _NOT_READ)
        return
    yield _of_participant(callback, "cx.message.read.v1", f"read/{id_part(index)}", author)


def _of_participant(callback: Callback, event_type: str, what: str, author: Author) -> Outcome:
    fields = callback.fields
    if not fields["ConversationSid"] or not fields["ParticipantSid"]:
        return callback.lost("it names no conversation, or no participant")
    id = f"{id_part(fields['ConversationSid'])}/{id_part(fields['ParticipantSid'])}/{what}"
    way = "outbound" if author.is_customer else None
    return _draft(callback, event_type, id, [author.participant], author.agent, direction=way)


KINDS: Mapping[str, tuple[Mapper, str]] = {
    "onMessageAdded": (map_message, "cx.message.received of a customer, else cx.message.sent"),
    "onMessageUpdated": (map_edit, "cx.message.edited"),
    "onMessageRemoved": (map_removal, "cx.message.deleted"),
    "onDeliveryUpdated": (map_delivery, "cx.message.delivered, read or failed: cx.message.read, cx.message.failed"),
    "onConversationAdded": (map_start, "cx.interaction.started"),
    "onConversationRemoved": (map_removed, "cx.interaction.ended with reason removed"),
    "onConversationStateUpdated": (map_state, "cx.interaction.ended where it is closed, cx.interaction.resumed"),
    "onParticipantAdded": (map_joined, "cx.interaction.answered, where an agent takes part"),
    "onParticipantUpdated": (map_read, "cx.message.read, where a customer read"),
}

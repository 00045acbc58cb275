"""Map Programmable Messaging: messages that come in, and what becomes of those that go out.

Shapes: www.twilio.com/docs/messaging/guides/webhook-request and
.../outbound-message-status-in-status-callbacks. A message comes once; each state of one that went out is told once, in
any order. Nothing says when, but for what was listed or streamed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from cx_channels.chat.twilio.callback import Callback, draft_of, failure_of, location
from cx_channels.chat.twilio.people import Address, business, customer, read_address
from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import first, text, texts
from cx_channels.kit.outcomes import Outcome
from cx_channels.kit.twilio_forms import Fields
from cx_channels.provider import Ignored
from cx_events import strict_json
from cx_events.envelope import Attachment, Consent, Message
from cx_events.errors import Refused

Mapper = Callable[[Callback], Iterator[Outcome]]

STATUSES = "statuses"
"""The setting: ``keep`` makes an event of a status that says no more than that a message was sent."""

STREAMED = "EventName"
"""The field of a message of Event Streams that no webhook has."""

_MOST_FILES, _MOST_ANSWERS = 10, 50
_NO_ANSWERS = frozenset({"flow_token", "title", "type", "id", "name"})
"""In the JSON of a form: what names the form, its pages and its fields."""
_SENT = (
    "the carrier has a message whose words are not in it; whoever sent it tells them (the setting statuses keeps it)"
)
_ON_ITS_WAY = "the message is on its way and has reached nobody"

IGNORED: Mapping[str, str] = {
    **{f"status/{state}": _ON_ITS_WAY for state in ("accepted", "scheduled", "queued", "sending")},
    "status/sent": _SENT,
    "status/canceled": "the business took it back before it was sent",
    "status/receiving": "a message that comes in is told by itself",
    "status/received": "a message that comes in is told by itself",
}


def map_message(callback: Callback) -> Iterator[Outcome]:
    """Map a message that came in, and the keyword that it may be (Advanced Opt-Out)."""
    fields = callback.fields
    theirs, ours = read_address(fields["From"]), read_address(fields["To"])
    if not callback.message or not theirs.text:
        yield callback.lost("it has no id, or no sender")
        return
    id = id_part(callback.message)
    place = ", ".join(filter(None, (fields["Label"], fields["Address"])))
    words = "\n".join(filter(None, (fields.first("Body", "ButtonText", "ListTitle") or place, _answers(fields))))
    message = Message(
        id=callback.message,
        text=words,
        content_type="text/plain" if words else "",
        in_reply_to=fields["OriginalRepliedMessageSid"],
        attachments=[*location(fields), *_media(callback)],
    )
    reason, url = fields["ReferralSourceType"].lower(), fields["ReferralSourceUrl"]
    if fields["MessageType"].lower() == "unsupported":
        reason = "unsupported"
    elif not reason and "true" in (fields["Forwarded"].lower(), fields["FrequentlyForwarded"].lower()):
        reason = "forwarded"
    yield _from_person(
        callback, "cx.message.received.v1", id, theirs, ours, message=message, reason=reason, url=url
    )  # fmt: skip
    keyword = fields["OptOutType"].upper()
    if keyword in ("STOP", "START"):
        consent = Consent(purpose="messages", granted=keyword == "START", channel=theirs.channel)
        yield _from_person(callback, "cx.consent.changed.v1", f"{id}/opt-out", theirs, ours, consent=consent)


def _answers(fields: Fields) -> str:
    """Return what somebody filled into a WhatsApp form (a Flow), a line for each answer: ``InteractiveData``, else
    ``FlowData``, is JSON in a field (www.twilio.com/docs/messaging/guides/webhook-request). Labels are the form's own.
    """
    written = fields.first("InteractiveData", "FlowData")
    try:
        waiting: list[tuple[str, Any]] = (
            [("", strict_json.decode_mended(written.encode("utf-8", "replace")))] if written else []
        )
    except Refused:
        return ""
    lines = list[str]()
    while waiting and len(lines) < _MOST_ANSWERS:
        name, value = waiting.pop()
        if isinstance(value, dict):
            label = text(value.get("label"))
            inner = [(label, value["value"])] if label and "value" in value else list(value.items())
            waiting += reversed(inner)
        elif isinstance(value, list) and any(isinstance(each, dict | list) for each in value):
            waiting += [(name, each) for each in reversed(value)]
        elif name not in _NO_ANSWERS:
            told = ", ".join(texts(value)) if isinstance(value, list) else first(text(value), _yes_or_no(value))
            lines += [f"{name}: {told}" if name else told] if told else []
    return "\n".join(lines)


def _yes_or_no(value: Any) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else ""


def map_reaction(callback: Callback) -> Iterator[Outcome]:
    """Map a reaction to a message that went out; its emoji is the body, which is empty when it is taken back."""
    fields = callback.fields
    theirs, ours, target = read_address(fields["From"]), read_address(fields["To"]), fields["OriginalRepliedMessageSid"]
    if not callback.message or not theirs.text or not target:
        yield callback.lost("it names no sender, or no message")
        return
    emoji = fields["Body"]
    yield _from_person(
        callback, "cx.message.reacted.v1", f"{id_part(callback.message)}/reaction", theirs, ours,
        message=Message(id=target), reaction=emoji, reason="" if emoji else "unreact",
    )  # fmt: skip


def _media(callback: Callback) -> Iterator[Attachment]:
    """Yield the files of a message, by their addresses at Twilio; how large they are is not told."""
    fields = callback.fields
    for number in range(min(fields.whole("NumMedia") or 0, _MOST_FILES)):
        url = fields[f"MediaUrl{number}"]
        if not url and STREAMED in fields:  # Event Streams count the files, and tell no more of them
            yield Attachment(name="media")
        elif url:
            yield Attachment(content_type=fields[f"MediaContentType{number}"], url=url)


def _from_person(
    callback: Callback, event_type: str, id: str, theirs: Address, ours: Address, **data: Any
) -> Outcome:  # fmt: skip
    fields = callback.fields
    person = customer(theirs, ours, name=fields["ProfileName"], more=fields["ExternalUserId"])
    return draft_of(
        callback, theirs.channel, event_type, id,
        root=thread_of(ours, theirs), time=callback.listed, direction="inbound",
        participants=[person, *business(ours)], **data,
    )  # fmt: skip


def thread_of(ours: Address, theirs: Address) -> str:
    """Return what tells the thread of two addresses; "" where one is not told."""
    return id_part(f"{ours.text}:{theirs.text}") if ours.text and theirs.text else ""


def _status(event_type: str, reason: str = "") -> Mapper:
    def map_status(callback: Callback) -> Iterator[Outcome]:
        yield _about_sent(callback, event_type, reason)

    return map_status


def map_sent(callback: Callback) -> Iterator[Outcome]:
    """Map that the carrier took a message: it counts where its words are told, which Event Streams do, or the setting
    says so."""
    words = callback.fields["Body"] if STREAMED in callback.fields else ""
    if words:
        yield _about_sent(callback, "cx.message.sent.v1", "", words)
        return
    if callback.connection.settings.get(STATUSES) != "keep":
        yield Ignored("status/sent", _SENT)
        return
    yield _about_sent(callback, "cx.message.sent.v1", "")


def _about_sent(callback: Callback, event_type: str, reason: str, words: str = "") -> Outcome:
    """Return the event of what became of a message; a status may name nobody."""
    fields = callback.fields
    ours, theirs = read_address(fields["From"]), read_address(fields["To"])
    if not callback.message:
        return callback.lost("it names no message")
    state = callback.kind.partition("/")[2]
    person = [customer(theirs, ours)] if theirs.text else []
    return draft_of(
        callback, theirs.channel, event_type, f"{id_part(callback.message)}/{state}",
        root=thread_of(ours, theirs), time=callback.listed, direction="outbound",
        participants=[*business(ours), *person],
        message=Message(id=callback.message, text=words, content_type="text/plain" if words else ""),
        reason=reason, failure=failure_of(fields),
    )  # fmt: skip


KINDS: Mapping[str, tuple[Mapper, str]] = {
    "message": (map_message, "cx.message.received; also cx.consent.changed where it is a keyword (OptOutType)"),
    "message/reaction": (map_reaction, "cx.message.reacted; without a reaction when it is taken back"),
    "status/sent": (map_sent, f"ignored: {_SENT}"),
    "status/delivered": (_status("cx.message.delivered.v1"), "cx.message.delivered"),
    "status/partially_delivered": (
        _status("cx.message.delivered.v1", "partially_delivered"),
        "cx.message.delivered with reason partially_delivered",
    ),
    "status/read": (_status("cx.message.read.v1"), "cx.message.read"),
    "status/undelivered": (_status("cx.message.failed.v1", "undelivered"), "cx.message.failed"),
    "status/failed": (_status("cx.message.failed.v1", "failed"), "cx.message.failed with Twilio's code"),
}

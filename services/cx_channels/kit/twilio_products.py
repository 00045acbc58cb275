"""Keep requests of Twilio's other products, which all come with the same signature: what a provider of one product does
not map can be mapped later, or by a connection of another.

An account has one auth token for all products. Shapes, below www.twilio.com/docs: messaging/guides/webhook-request,
messaging/guides/outbound-message-status-in-status-callbacks, conversations/conversations-webhooks,
conversations/orchestrator/webhooks, taskrouter/api/event/reference, video/api/status-callbacks,
conversational-intelligence, events/event-types.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import obj, text
from cx_channels.kit.outcomes import bounded, no_adapter
from cx_channels.kit.signing import sha256_hex
from cx_channels.kit.twilio_forms import RETRY_HEADER, Fields, query_of
from cx_channels.provider import Request, Unmapped

MESSAGE = "messaging/received"

KINDS: Mapping[str, str] = {
    MESSAGE: "a message by SMS, MMS, WhatsApp, RCS or Messenger",
    "messaging/status": "what became of a message that went out",
    "conversations": "a conversation of Twilio Conversations or Programmable Chat",
    "orchestrator": "a conversation of Twilio's Conversation Orchestrator",
    "taskrouter": "a task of TaskRouter, and who takes it",
    "video": "a room of Twilio Video",
    "fax": "a fax",
    "verify": "the check of an address by Twilio Verify",
    "voice-intelligence": "a transcript of a call, which Twilio's API gives",
    "virtual-agent-event": "a step of a virtual agent's session",
    "event-streams": "an event of Twilio's Event Streams",
}

_SENT = frozenset({"sent", "delivered", "undelivered", "failed", "read", "queued", "sending", "accepted", "scheduled",
                   "canceled"})  # fmt: skip
# These differ between the attempts to deliver one notice, or say that an earlier one failed.
_ATTEMPT = frozenset({"RetryCount", "ErrorUrl", "bodySHA256"})


def kind_of(fields: Fields) -> str:
    """Return the kind of a request that is about no call, as ``KINDS`` names it; ``""`` where nothing tells."""
    if fields["CallSid"]:
        return ""
    if fields["EventType"].startswith("on") or fields.first("ConversationSid", "ChannelSid", "ChatServiceSid"):
        return "conversations"
    if fields["EventType"] and fields.first("WorkspaceSid", "TaskSid"):
        return "taskrouter"
    if fields.first("MessageSid", "SmsSid", "SmsMessageSid"):
        return "messaging/status" if message_state(fields) in _SENT else MESSAGE
    if fields.first("transcript_sid", "event_type"):
        return "voice-intelligence"
    for name, kind in (("RoomSid", "video"), ("FaxSid", "fax"), ("eventType", "orchestrator")):
        if fields[name]:
            return kind
    return "verify" if fields.first("VerificationSid", "verification_sid", "factor_sid") else ""


def message_state(fields: Fields) -> str:
    return fields.first("MessageStatus", "SmsStatus").lower()


def kept(kind: str, fields: Fields, request: Request) -> Unmapped:
    """Return a request to keep: its form or JSON as it came, the query of a GET."""
    return no_adapter(kind, KINDS[kind], _id(kind, fields, request), request.body or query_of(request).encode())


def _id(kind: str, fields: Fields, request: Request) -> str:
    """Return an id that is the same for each attempt to deliver one request. A message arrives once, and has each state
    once."""
    message = fields.first("MessageSid", "SmsSid", "SmsMessageSid")
    if kind == MESSAGE:
        return f"{id_part(message)}/received"
    if kind == "messaging/status":
        return f"{id_part(message)}/{id_part(message_state(fields))}"
    token = request.headers.get(RETRY_HEADER, "").strip()
    told = token or sha256_hex(bytes(fields.without(_ATTEMPT).raw()))[:32]
    return f"{kind}/{id_part(told)}"


def kept_of_stream(events: list[Any], request: Request) -> Iterator[Unmapped]:
    """Yield each event of an Event Streams delivery: a sink sends what is at hand, in an array of CloudEvents."""
    found: Iterator[Unmapped] = (_of_stream(event) for event in events)
    whole = sha256_hex(request.body)[:32]
    for outcome in bounded(found, f"event-streams/{whole}", request.body):
        assert isinstance(outcome, Unmapped)
        yield outcome


def _of_stream(event: Any) -> Unmapped:
    raw = msgspec.json.encode([event])
    id = text(obj(event).get("id")) or sha256_hex(raw)[:32]
    name = text(obj(event).get("type"))[:128]
    kind = f"event-streams/{name}" if name else "event-streams"
    return no_adapter(kind, KINDS["event-streams"], f"event-streams/{id_part(id)}", raw)

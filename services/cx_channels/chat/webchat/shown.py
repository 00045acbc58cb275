"""Show a visitor what happens in their chat: answers, who came, that they wait, what became of their words.

Only what an event says is told. That somebody has read what was said before is told where an event says that the
context was shown to them, and a place in the queue where whoever routes states one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cx_events.envelope import Attachment, Data, Event
from cx_events.json_types import Json
from cx_events.timestamps import Micros, parse_time
from cx_events.web_urls import web_url


def shown(event: Event, delivery_id: str, now: Micros) -> Json | None:
    """Return an event as the socket tells it to the visitor, or None where it holds nothing to show. An estimate of the
    wait is told as of ``now``: what is left of it, in seconds."""
    found = TYPES[event.type](event)
    if found is None:
        return None
    if "about_s" in found:
        found["about_s"] -= max(0, now - parse_time(event.time)) // 1_000_000
        if found["about_s"] <= 0:
            del found["about_s"]
    return {"id": delivery_id, "at": event.time, **found}


def _message(event: Event) -> Json | None:
    data = event.data
    text = (data.message.text if data.message else "") or (data.bot.text if data.bot else "")
    files = [_file(each) for each in data.message.attachments if web_url(each)] if data.message else []
    if not text and not files:
        return None
    speaker = next((each for each in data.participants if each.role in ("agent", "bot", "system", "business")), None)
    role = speaker.role if speaker else "bot" if data.bot else "agent"
    name = (speaker.name if speaker else "") or (data.agent.name if data.agent else "")
    return {
        "type": "message",
        "message": (data.message.id if data.message else "") or event.id,
        "from": {"role": role, "name": name},
        "text": text,
        **({"attachments": files} if files else {}),
    }


def _ended(_event: Event) -> Json:
    return {"type": "ended"}


def _waiting(event: Event) -> Json:
    data = event.data
    found: Json = {"type": "waiting"}
    if data.waiting is not None and data.waiting.position:
        found["position"] = data.waiting.position
    if data.waiting is not None and data.waiting.about_s is not None:
        found["about_s"] = data.waiting.about_s
    return found


def _joined(event: Event) -> Json | None:
    name = _agent_name(event.data)
    return None if name is None else {"type": "joined", "name": name}


def _informed(event: Event) -> Json | None:
    name = _agent_name(event.data)
    return None if name is None else {"type": "informed", "name": name}


def _receipt(event: Event) -> Json:
    message = event.data.message.id if event.data.message else ""
    state = "read" if event.type == "cx.message.read.v1" else "delivered"
    return {"type": "receipt", "state": state, **({"message": message} if message else {})}


def _agent_name(data: Data) -> str | None:
    """Return how an agent is called, "" for one without a name, None where no agent is named."""
    if data.agent is not None:
        return data.agent.name
    return next((each.name for each in data.participants if each.role == "agent"), None)


def _file(attachment: Attachment) -> Json:
    """A file that somebody sent by its address; what lies in the hub's own store opens to agents alone."""
    return {"name": attachment.name, "url": attachment.url, "bytes": attachment.bytes}


TYPES: Mapping[str, Callable[[Event], Json | None]] = {
    "cx.message.sent.v1": _message,
    "cx.bot.turn.v1": _message,
    "cx.interaction.queued.v1": _waiting,
    "cx.interaction.transferred.v1": _waiting,
    "cx.handoff.requested.v1": _waiting,
    "cx.handoff.accepted.v1": _joined,
    "cx.interaction.answered.v1": _joined,
    "cx.handoff.context_shown.v1": _informed,
    "cx.message.delivered.v1": _receipt,
    "cx.message.read.v1": _receipt,
    "cx.interaction.ended.v1": _ended,
}
"""The events that a visitor is told of, but for those that the visitor's own browser caused (``inbound``)."""

MESSAGES = frozenset(type for type, shows in TYPES.items() if shows is _message)
"""Those of them that are somebody's words."""

"""Map notifications about calls of Intercom Phone.

``{"type": "call", "id", "conversation_id", "contact_id", "admin_id", "direction", "initiated_at", "answered_at",
"ended_at", "ended_reason", "recording_url", "phone", ...}``
(developers.intercom.com/docs/references/2.15/rest-api/api.intercom.io/calls/call). ``phone`` is only "involved": it is
not told whose it is, so it identifies nobody.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cx_channels.chat.intercom.notification import Notification
from cx_channels.chat.intercom.people import Person, customer
from cx_channels.chat.intercom.values import micros
from cx_channels.kit.drafts import make_draft
from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import text
from cx_channels.kit.outcomes import Outcome
from cx_events.envelope import AgentOrQueue, Direction, Draft, Participant, Recording, Reference
from cx_events.timestamps import Micros

_NAMELESS = "it names no call"
_RECORDINGS = (("recording", "recording_url"), ("fin-recording", "fin_recording_url"))


def map_started(notification: Notification) -> Iterator[Outcome]:
    """Map that a call began. Who answered, its end tells: an answer has a time and nothing else of its own."""
    if not text(notification.item.get("id")):
        yield notification.lost(_NAMELESS)
        return
    call_type = text(notification.item.get("call_type"))
    yield _draft(notification, "cx.interaction.started.v1", "started", "initiated_at", reason=call_type)


def map_ended(notification: Notification) -> Iterator[Outcome]:
    """Map the end of a call, and who had answered it. A caller whom nobody answered gave up."""
    item = notification.item
    if not text(item.get("id")):
        yield notification.lost(_NAMELESS)
        return
    answered, ended, why = micros(item.get("answered_at")), micros(item.get("ended_at")), text(item.get("ended_reason"))
    if answered is not None:
        yield _draft(notification, "cx.interaction.answered.v1", "answered", "answered_at")
    gave_up = answered is None and _direction(notification) == "inbound"
    began = answered if answered is not None else micros(item.get("initiated_at"))
    yield _draft(
        notification, "cx.interaction.abandoned.v1" if gave_up else "cx.interaction.ended.v1", "ended", "ended_at",
        reason=why, duration_ms=_between(began, ended),
    )  # fmt: skip


def map_recording(notification: Notification) -> Iterator[Outcome]:
    """Map that a call's recording is there: by its address at the API, which asks for a token."""
    id = text(notification.item.get("id"))
    found = [(what, url) for what, name in _RECORDINGS if (url := text(notification.item.get(name)))]
    if not id or not found:
        yield notification.lost("it names no call, or no address of a recording")
        return
    for what, url in found:
        recording = Recording(id=f"{id_part(id)}/{what}", url=url)
        yield _draft(notification, "cx.call.recording.v1", what, "ended_at", recording=recording)


def _between(began: Micros | None, ended: Micros | None) -> int | None:
    """Return a duration in ms."""
    return (ended - began) // 1000 if began is not None and ended is not None and ended >= began else None


def _direction(notification: Notification) -> Direction | None:
    named = text(notification.item.get("direction")).lower()
    return "inbound" if named == "inbound" else "outbound" if named == "outbound" else None


def _draft(notification: Notification, event_type: str, what: str, at: str, **data: Any) -> Draft:
    """Draft an event of a call. ``at``: the member with its time, the notification's own where that has none."""
    item, settings = notification.item, notification.connection.settings
    contact, admin, conversation = (text(item.get(name)) for name in ("contact_id", "admin_id", "conversation_id"))
    people = [customer(Person(id=contact), notification.app, settings)] if contact else []
    if admin:
        people.append(Participant(role="agent", id=admin))
    root = f"call/{id_part(text(item.get('id')))}"
    return make_draft(
        notification.connection, "voice", event_type, f"{root}/{what}", raw=notification.raw, root=root,
        time=micros(item.get(at)) or notification.time, direction=_direction(notification), participants=people,
        agent=AgentOrQueue(id=admin) if admin else None,
        references=[Reference(kind="thread", value=conversation)] if conversation else [], **data,
    )  # fmt: skip

"""Map what became of a message that the business sent (.../whatsapp/webhooks/reference/messages/status).

Statuses come in any order and more than once, and ``read`` may come alone. ``conversation`` is a billing window and no
thread.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cx_channels.kit.json_values import text
from cx_channels.kit.outcomes import Outcome
from cx_channels.kit.whatsapp.kinds import IGNORED
from cx_channels.kit.whatsapp.notice import Notice, draft_of, failure_of
from cx_channels.kit.whatsapp.people import Person
from cx_channels.provider import Ignored
from cx_events.envelope import Data, Message

Mapper = Callable[[Notice], Outcome]

STATUSES = "statuses"
"""The setting: ``keep`` makes an event of a status that says no more than that a message was sent."""


def _receipt(event_type: str) -> Mapper:
    def map_receipt(notice: Notice) -> Outcome:
        return _about_sent(notice, event_type, Data(message=Message(id=notice.id)))

    return map_receipt


def map_failed(notice: Notice) -> Outcome:
    """Map that a message reached nobody, with Meta's reason."""
    failure = failure_of(notice.item.get("errors")) or failure_of(notice.change.value.get("errors"))
    return _about_sent(notice, "cx.message.failed.v1", Data(message=Message(id=notice.id), failure=failure))


def map_sent(notice: Notice) -> Outcome:
    """Map that WhatsApp took a message: its words are not in it, so it counts only where the setting says so."""
    if notice.connection.settings.get(STATUSES) != "keep":
        return Ignored(notice.kind, IGNORED[notice.kind])
    return _about_sent(notice, "cx.message.sent.v1", Data(message=Message(id=notice.id)))


def recipient_of(notice: Notice) -> Person:
    """Return to whom a message went: in a group, the member whose telephone tells."""
    item = notice.item
    member = "recipient_participant" if item.get("recipient_type") == "group" else "recipient"
    return notice.person(
        text(item.get(f"{member}_id")), text(item.get(f"{member}_user_id")), text(item.get(f"{member}_parent_user_id"))
    )


def _about_sent(notice: Notice, event_type: str, data: Data) -> Outcome:
    person = recipient_of(notice)
    if not notice.id or not person.key:
        return notice.lost("it names no message, or nobody to whom it went")
    status = text(notice.item.get("status")).lower()
    member = person.key if notice.item.get("recipient_type") == "group" else ""
    return draft_of(notice, event_type, notice.own_id(notice.id, status, member), person, "outbound", data)


KINDS: Mapping[str, tuple[Mapper, str]] = {
    "statuses/delivered": (_receipt("cx.message.delivered.v1"), "cx.message.delivered"),
    "statuses/read": (_receipt("cx.message.read.v1"), "cx.message.read"),
    "statuses/played": (_receipt("cx.message.read.v1"), "cx.message.read: a voice note was heard"),
    "statuses/failed": (map_failed, "cx.message.failed with Meta's reason"),
    "statuses/sent": (map_sent, IGNORED["statuses/sent"]),
}
"""Items of ``statuses``; those of calls are in ``calls``."""


def kind_of(item: Mapping[str, object]) -> str:
    """Return the kind of a status."""
    kind, status = text(item.get("type")).lower(), text(item.get("status")).lower()
    if kind == "call":
        return f"statuses/call/{status}"
    return "statuses/payment" if kind == "payment" else f"statuses/{status}"

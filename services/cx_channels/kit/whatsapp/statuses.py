"""Map what became of a message that the business sent (.../whatsapp/webhooks/reference/messages/status).

Statuses come in any order and more than once, and ``read`` may come alone. ``conversation`` is a billing window and no
thread.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cx_channels.kit.json_values import obj, text, whole
from cx_channels.kit.outcomes import Outcome
from cx_channels.kit.whatsapp.kinds import IGNORED
from cx_channels.kit.whatsapp.notice import Notice, draft_of, failure_of
from cx_channels.kit.whatsapp.people import Person
from cx_channels.provider import Ignored
from cx_events.envelope import Data, Message, Reference
from cx_events.json_types import Json

Mapper = Callable[[Notice], Outcome]

_DIGITS = {1: 0, 10: 1, 100: 2, 1000: 3, 10000: 4}
"""Digits after the point, by the offset of an amount."""
_MOST_MONEY = 10**15
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


def map_payment(notice: Notice) -> Outcome:
    """Map what became of a payment for an order that the business asked for; ``reference_id`` is the order's
    (developers.facebook.com/docs/whatsapp/cloud-api/payments-api)."""
    person, payment = recipient_of(notice), obj(notice.item.get("payment"))
    status, order = text(notice.item.get("status")).lower(), text(payment.get("reference_id"))
    if not notice.id or not person.key or not status:
        return notice.lost("it names no message, nobody who pays, or no state")
    note = " ".join(filter(None, (status, _money(payment), order)))
    about = [Reference(kind="order", value=order)] if order else []
    attempt = text(obj(payment.get("transaction")).get("id"))
    id = notice.own_id(notice.id, "payment", status, attempt)
    return draft_of(
        notice, "cx.customer.fact.v1", id, person, "inbound", Data(topic="payment", note=note, references=about)
    )


def _money(payment: Json) -> str:
    """Return an amount as it is written: 21000 with an offset of 100 is 210.00."""
    amount = obj(payment.get("amount"))
    value, offset = whole(amount.get("value")), whole(amount.get("offset"))
    if value is None or value > _MOST_MONEY or offset not in _DIGITS:
        return text(payment.get("currency"))
    digits = _DIGITS[offset]
    units, rest = divmod(value, 10**digits)
    written = f"{units}.{rest:0{digits}}" if digits else str(units)
    return " ".join(filter(None, (written, text(payment.get("currency")))))


KINDS: Mapping[str, tuple[Mapper, str]] = {
    "statuses/delivered": (_receipt("cx.message.delivered.v1"), "cx.message.delivered"),
    "statuses/read": (_receipt("cx.message.read.v1"), "cx.message.read"),
    "statuses/played": (_receipt("cx.message.read.v1"), "cx.message.read: a voice note was heard"),
    "statuses/failed": (map_failed, "cx.message.failed with Meta's reason"),
    "statuses/sent": (map_sent, IGNORED["statuses/sent"]),
    "statuses/payment": (map_payment, "cx.customer.fact (payment) about the order"),
}
"""Items of ``statuses``; those of calls are in ``calls``."""


def kind_of(item: Mapping[str, object]) -> str:
    """Return the kind of a status."""
    kind, status = text(item.get("type")).lower(), text(item.get("status")).lower()
    if kind == "call":
        return f"statuses/call/{status}"
    return "statuses/payment" if kind == "payment" else f"statuses/{status}"

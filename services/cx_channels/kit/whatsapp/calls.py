"""Map calls over WhatsApp (.../whatsapp/calling/user-initiated-calls, .../business-initiated-calls).

A call is an interaction of its own, by its id (``wacid...``). Its SDP, with addresses and keys, is never kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import number, obj, text
from cx_channels.kit.outcomes import Outcome
from cx_channels.kit.times import unix_time
from cx_channels.kit.whatsapp.notice import Notice, draft_of, failure_of
from cx_channels.kit.whatsapp.people import Person
from cx_channels.kit.whatsapp.statuses import recipient_of
from cx_events.envelope import Data, Direction, Reference
from cx_events.timestamps import Micros

Mapper = Callable[[Notice], Outcome]


def _parties(notice: Notice) -> tuple[Person, Direction]:
    """Return the customer and the direction. Where it is not told, an SDP offer comes from whoever calls."""
    item = notice.item
    way = text(item.get("direction")).upper()
    if not way:
        offered = text(obj(item.get("session")).get("sdp_type")).lower()
        way = "BUSINESS_INITIATED" if offered == "answer" else "USER_INITIATED"
    side, direction = ("to", "outbound") if way == "BUSINESS_INITIATED" else ("from", "inbound")
    person = notice.person(
        text(item.get(side)), text(item.get(f"{side}_user_id")), text(item.get(f"{side}_parent_user_id"))
    )
    return person, "outbound" if direction == "outbound" else "inbound"


def map_connect(notice: Notice) -> Outcome:
    """Map the start of a call."""
    return _of_call(notice, "cx.interaction.started.v1", "connect", *_parties(notice), Data())


def map_terminate(notice: Notice) -> Outcome:
    """Map the end of a call; one of a customer's that failed without a word was abandoned."""
    item = notice.item
    person, direction = _parties(notice)
    lasted = number(item.get("duration"))
    status = text(item.get("status")).lower()
    failed = status not in ("", "completed")
    kind = "cx.interaction.abandoned.v1" if failed and direction == "inbound" and not lasted else ""
    data = Data(
        duration_ms=int(lasted * 1000) if lasted is not None and lasted >= 0 else None,
        reason=status,
        failure=failure_of(item.get("errors")) or failure_of(notice.change.value.get("errors")),
    )
    ended = notice.time or unix_time(item.get("end_time"))
    return _of_call(notice, kind or "cx.interaction.ended.v1", "terminate", person, direction, data, ended)


def map_accepted(notice: Notice) -> Outcome:
    """Map that the person took the business's call."""
    return _of_call(notice, "cx.interaction.answered.v1", "accepted", recipient_of(notice), "outbound", Data())


def map_rejected(notice: Notice) -> Outcome:
    """Map that the person refused the business's call."""
    data = Data(reason="rejected")
    return _of_call(notice, "cx.interaction.ended.v1", "rejected", recipient_of(notice), "outbound", data)


def _of_call(
    notice: Notice, event_type: str, what: str, person: Person, direction: Direction, data: Data,
    time: Micros | None = None,
) -> Outcome:  # fmt: skip
    if not notice.id or not person.key:
        return notice.lost("it names no call, or nobody at its other end")
    data.references = [Reference(kind="call", value=notice.id)]
    root = id_part(f"{notice.number}:call:{notice.id}")
    return draft_of(
        notice, event_type, notice.own_id(notice.id, what), person, direction, data, root=root, time=time
    )  # fmt: skip


KINDS: Mapping[str, tuple[Mapper, str]] = {
    "calls/connect": (map_connect, "cx.interaction.started"),
    "calls/terminate": (map_terminate, "cx.interaction.ended; abandoned where a customer's call was never answered"),
    "statuses/call/accepted": (map_accepted, "cx.interaction.answered"),
    "statuses/call/rejected": (map_rejected, "cx.interaction.ended with reason rejected"),
}
"""Items of ``calls``, and of ``statuses`` with the type ``call``."""


def kind_of(item: Mapping[str, object]) -> str:
    """Return the kind of a call's notice."""
    return f"calls/{text(item.get('event')).lower()}"

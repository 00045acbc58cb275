"""What a glance takes from one conversation: why the customer is here, the last words, promises, what is known."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

from cx_context.parts.model import Part
from cx_context.parts.places import order_of
from cx_context.parts.speakers import BUSINESS_ROLES
from cx_context.parts.values import TEXT_KEPT, At
from cx_context.sections.assurance import Trust
from cx_context.sections.bots import is_answer
from cx_context.sections.contact_state import attended_to, is_after, is_live, settled_places
from cx_context.sections.handoff_requests import handoff_requests
from cx_context.sections.messages import DELETED_TEXT, edited_words
from cx_context.sections.notes import latest_topic
from cx_context.sections.rendering import Excerpt, Placed
from cx_context.threading.contact_model import Contact
from cx_context.threading.conversations import Conversation
from cx_context.threading.one_contact import as_one
from cx_events.facts import Order
from cx_events.json_types import Json
from cx_events.junk import is_known_junk
from cx_events.timestamps import format_time
from cx_events.weights import ASSERTED

CUSTOMER = frozenset({"customer"})


def excerpt_of(conversation: Conversation, trust: Trust, summary: Json) -> Excerpt:
    """Return the excerpt of a conversation whose contacts have their words. ``summary``: as it is shown."""
    members, is_open, id = conversation.members, summary["state"] == "open", summary["id"]
    return Excerpt(
        _why_now(members, _open_handoff(conversation, trust), id) if is_open else None,
        _last_words(members, CUSTOMER, id),
        _last_words(members, BUSINESS_ROLES, id),
        [_open(promise, id) for promise in summary["promises"] if promise["kept"] is None],
        _slots([member.part for member in members], id) if is_open else {},
        [_proof(proof, id) for proof in summary["verified"]],
    )


def _open(promise: Json, conversation: str) -> Json:
    return {**{name: value for name, value in promise.items() if name != "kept"}, "conversation": conversation}


def _why_now(members: Sequence[Contact], handoff: tuple[Order, str] | None, conversation: str) -> Json | None:
    """Return the first line that there is of an open handoff's summary, a bot's last intent, the topic, and the first
    thing said that nobody answered."""
    parts = [member.part for member in members]
    for source, found in (
        ("handoff", handoff),
        ("intent", _last_intent(parts)),
        ("topic", latest_topic(parts)),
        ("message", _first_unanswered(as_one(members))),
    ):
        line = " ".join(found[1].split()) if found is not None else ""
        if found is not None and line:
            return {
                "text": line[:TEXT_KEPT],
                "from": source,
                "time": format_time(found[0][0]),
                "conversation": conversation,
                "event": _event(found[0]),
            }
    return None


def _open_handoff(conversation: Conversation, trust: Trust) -> tuple[Order, str] | None:
    """Return what the open request of the surest contact is about."""
    first = next(iter(handoff_requests(conversation, trust)), None)
    if first is None or not first.is_open or first.contact.part.handoff_summary is None:
        return None
    return first.order, first.contact.part.handoff_summary[1]


def _is_said(intent: str) -> bool:
    """Return whether an intent is one: where a bot understood nothing, many call it ``None``."""
    return bool(intent) and not is_known_junk("intent", intent, ASSERTED)


def _last_intent(parts: Sequence[Part]) -> tuple[Order, str] | None:
    return max(
        ((order_of(part, at), intent) for part in parts for at, intent, _ in part.turns if _is_said(intent)),
        default=None,
    )


def _first_unanswered(members: Sequence[Contact]) -> tuple[Order, str] | None:
    parts = [member.part for member in members]
    attended = map(attended_to, parts, settled_places(parts))
    return min(
        (
            (order_of(member.part, at), text)
            for member, place in zip(members, attended, strict=True)
            if is_live(member.part)
            for at, _, text in _words_of(member, CUSTOMER)
            if is_after(member.part, at, place)
        ),
        default=None,
    )


def _words_of(contact: Contact, roles: Container[str]) -> Iterator[tuple[At, str, str]]:
    """Yield (at, name, text) of what one side said that is still there."""
    for at, role, name, text in edited_words(contact):
        if role in roles and text and text != DELETED_TEXT:
            yield at, name, text


def _last_words(members: Iterable[Contact], roles: Container[str], conversation: str) -> Placed | None:
    found = max(
        ((order_of(member.part, at), name, text) for member in members for at, name, text in _words_of(member, roles)),
        default=None,
    )
    if found is None:
        return None
    order, name, text = found
    channel = next(member.part.channel for member in members if member.part.interaction == order[1])
    return order, {
        "time": format_time(order[0]),
        "channel": channel[1] if channel is not None else None,
        "interaction": order[1],
        "conversation": conversation,
        "name": name or None,
        "text": text,
        "event": _event(order),
    }


def _slots(parts: Iterable[Part], conversation: str) -> Mapping[str, Placed]:
    found: dict[str, Placed] = {}
    for part in parts:
        for name, (at, value) in part.slots.items():
            order = order_of(part, at)
            if name not in found or order > found[name][0]:
                found[name] = order, _known(name, value, "bot", order[0], conversation, _event(order))
    return {name: placed for name, placed in found.items() if is_answer(placed[1]["value"])}


def _proof(proof: Json, conversation: str) -> Json:
    known = _known(proof["kind"], proof["value"], "proof", None, conversation, proof["event"])
    return {**known, "time": proof["at"], "method": proof["method"], "expires_at": proof["expires_at"]}


def _known(name: str, value: object, source: str, at: int | None, conversation: str, event: Json) -> Json:
    return {
        "name": name,
        "value": value,
        "from": source,
        "time": format_time(at) if at is not None else None,
        "method": None,
        "expires_at": None,
        "conversation": conversation,
        "event": event,
    }


def _event(order: Order) -> Json:
    """Return the event at a place. Lines of a transcript have places of their own below that of its event."""
    return {"source": order[4], "id": order[5].partition("\n")[0]}

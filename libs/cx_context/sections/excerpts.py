"""Take from one conversation what a glance needs: why the customer is here, the last words, promises, what is known."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

from cx_context.parts.keyed_parts import order_of
from cx_context.parts.model import Part
from cx_context.parts.speakers import BUSINESS_ROLES
from cx_context.parts.values import TEXT_KEPT
from cx_context.sections.bots import is_answer
from cx_context.sections.contact_state import is_live
from cx_context.sections.conversation_facts import ConversationFacts
from cx_context.sections.handoff_requests import HandoffRequest
from cx_context.sections.messages import is_there, said_in
from cx_context.sections.section_inputs import Excerpt, Placed
from cx_events.facts import Order
from cx_events.json_types import Json
from cx_events.junk import is_known_junk
from cx_events.timestamps import format_time
from cx_events.weights import ASSERTED

CUSTOMER = frozenset({"customer"})


def excerpt_of(facts: ConversationFacts, summary: Json) -> Excerpt:
    """Return the excerpt of a conversation. ``summary``: as it is shown."""
    id = summary["id"]
    return Excerpt(
        _why_now(facts, id) if facts.is_open else None,
        _last_words(facts, CUSTOMER, id),
        _last_words(facts, BUSINESS_ROLES, id),
        [_open(promise, id) for promise in summary["promises"] if promise["kept"] is None],
        _slots(facts.parts, id) if facts.is_open else {},
        [_proof(proof, id) for proof in summary["verified"]],
    )


def _open(promise: Json, conversation: str) -> Json:
    return {**{name: value for name, value in promise.items() if name != "kept"}, "conversation": conversation}


def _why_now(facts: ConversationFacts, conversation: str) -> Json | None:
    """Return the first line that there is of ``_reasons``."""
    for source, found in _reasons(facts):
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


def _reasons(facts: ConversationFacts) -> Iterator[tuple[str, tuple[Order, str] | None]]:
    """Yield an open handoff's summary, a bot's last intent, the topic, and the first thing said that nobody
    answered."""
    yield "handoff", _open_handoff(facts.requests)
    yield "intent", _last_intent(facts.parts)
    yield "topic", facts.topic
    yield "message", _first_unanswered(facts)


def _open_handoff(requests: Sequence[HandoffRequest]) -> tuple[Order, str] | None:
    """Return what the open request of the surest contact is about."""
    first = requests[0] if requests else None
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


def _first_unanswered(facts: ConversationFacts) -> tuple[Order, str] | None:
    said = facts.said if facts.wholes is facts.members else said_in(facts.wholes)
    contacts = zip(facts.wholes, facts.attended, strict=True)
    attended = {whole.start: place for whole, place in contacts if is_live(whole.part)}
    for order, role, _, text, contact in reversed(said):
        if role in CUSTOMER and is_there(text) and contact.start in attended:
            place = attended[contact.start]
            if place is None or order > place:
                return order, text
    return None


def _last_words(facts: ConversationFacts, roles: Container[str], conversation: str) -> Placed | None:
    found = next((each for each in facts.said if each[1] in roles and is_there(each[3])), None)
    if found is None:
        return None
    order, _, name, text, _ = found
    channel = next(part.channel for part in facts.parts if part.interaction == order[1])
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

"""Find the handoffs that were asked for in a conversation: each contact's latest request, and what became of it.

A window may have joined a stranger's contact to a customer's. So requests are told apart by the contact that asked,
each says how sure it is who is there, and none hides an open one of a surer contact.

An acceptance or a decline is of the request that it names (``Data.handoff.id``, of the request or of the transfer
since), else of its own contact's, else of the latest one before it in the conversation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from cx_context.parts.keyed_parts import order_of
from cx_context.parts.model import Part
from cx_context.sections.agents import DEALING, NAME, Names, name_view, names_of
from cx_context.sections.assurance import LEVELS, Trust
from cx_context.sections.contact_state import STATE, is_live, is_settled, whole_resolution
from cx_context.sections.handoff_acceptances import passed_on_at
from cx_context.sections.handoffs import shown_before_answer, shown_since
from cx_context.sections.join_fields import THREADING
from cx_context.sections.proofs import VOUCHING
from cx_context.sections.section import Section, made_of
from cx_context.sections.vouching_facts import contact_assurances
from cx_context.threading.contact_model import Contact
from cx_context.threading.conversations import Conversation
from cx_events.facts import Order
from cx_events.ids import handoff_id
from cx_events.json_types import Json
from cx_events.schema_shapes import ID, TEXT, TEXT_OR_NONE, TIME, TIME_OR_NONE, array, members, named, ref
from cx_events.timestamps import format_time

OTHERS_SHOWN = 8
LATE_SHOWN = 8
"""Agents of a request who accepted it too late, and who declined it."""


class Taken(NamedTuple):
    """An acceptance or a decline. ``text``: a decline's reason. ``of``: the id that it names, or ""."""

    order: Order
    agent: str
    name: str
    text: str
    of: str


class HandoffRequest(NamedTuple):
    """A contact's latest request for a handoff.

    - ``place``: of the contact among the customer's contacts.
    - ``asked``: [to, reason, role of who asks, name of who asks].
    - ``passed_on``: the id of the request, or of the transfer since: what an acceptance now accepts.
    - ``accepted``: the acceptance that counts; ``late``: others' after it; ``declined``: each agent's last.
    - ``is_accepted``: somebody accepted it since it was passed on last. ``is_open``: nobody accepted or answered it
      since, and its contact goes on and is not resolved.
    """

    id: str
    place: int
    contact: Contact
    order: Order
    asked: Sequence[str]
    level: str
    passed_on: str
    accepted: Taken | None
    late: Sequence[Taken]
    declined: Sequence[Taken]
    is_accepted: bool
    is_open: bool


def handoff_requests(conversation: Conversation, trust: Trust) -> list[HandoffRequest]:
    """Return the latest request of each contact that made one.

    Open ones come first, of these those of surer contacts; the rest, and those of equal contacts, latest first.
    """
    asking = [
        (place, member)
        for place, member in zip(conversation.places, conversation.members, strict=True)
        if member.part.handoff is not None
    ]
    if not asking:
        return []
    levels = [each.level for each in contact_assurances(conversation, [place for place, _ in asking], trust)]
    parts = [member.part for member in conversation.members]
    answers = _Answers(parts)
    found = [
        _request(place, contact, level, answers, whole_resolution(parts))
        for (place, contact), level in zip(asking, levels, strict=True)
    ]
    found.sort(key=_precedence, reverse=True)
    return found


def _precedence(request: HandoffRequest) -> tuple[bool, int, Order]:
    return request.is_open, -LEVELS.index(request.level) if request.is_open else 0, request.order


class _Answers:
    """Acceptances and declines in a conversation, and which request each is of."""

    def __init__(self, parts: Sequence[Part]) -> None:
        asked = [(part, _asked_at(part)) for part in parts]
        self._requests = sorted(order for _, order in asked if order is not None)
        named = {id: order for part, order in asked if order is not None for id in (_id(order), _passed_on(part)[0])}
        self.accepted: dict[Order, list[Taken]] = {order: [] for order in self._requests}
        self.declined: dict[Order, list[Taken]] = {order: [] for order in self._requests}
        for part, own in asked:
            for kept, answers in ((self.accepted, _acceptances(part)), (self.declined, _declines(part))):
                for answer in answers:
                    request = named.get(answer.of) if answer.of else self._request_before(answer, own)
                    if request is not None:
                        kept[request].append(answer)

    def _request_before(self, answer: Taken, own: Order | None) -> Order | None:
        """Return the request that an answer is of which names none: its own contact's, else the latest before it."""
        if own is not None and own < answer.order:
            return own
        return max((order for order in self._requests if order < answer.order), default=None)


def _request(place: int, contact: Contact, level: str, answers: _Answers, whole: Order | None) -> HandoffRequest:
    part = contact.part
    assert part.handoff is not None
    order = order_of(part, part.handoff[0])
    passed_on, since = _passed_on(part)
    declined = _last_of_each(answers.declined[order])
    standing = [
        each
        for each in sorted(answers.accepted[order])
        if each.agent not in declined or declined[each.agent].order < each.order
    ]
    current = [each for each in standing if each.of == passed_on or (not each.of and each.order > since)]
    counting = current or standing
    is_answered = part.answered_at is not None and order_of(part, part.answered_at) > since
    return HandoffRequest(
        id=_id(order),
        place=place,
        contact=contact,
        order=order,
        asked=part.handoff[1],
        level=level,
        passed_on=passed_on,
        accepted=counting[0] if counting else None,
        late=[each for each in counting if each.agent != counting[0].agent],
        declined=sorted(declined.values()),
        is_accepted=bool(current),
        is_open=not current and not is_answered and is_live(part) and not is_settled(part, whole),
    )


def _asked_at(part: Part) -> Order | None:
    return order_of(part, part.handoff[0]) if part.handoff is not None else None


def _passed_on(part: Part) -> tuple[str, Order]:
    """Return the id and the place of what passed a contact on last: its request, or what did so since."""
    assert part.handoff is not None
    at = max(part.handoff[0], passed_on_at(part) or part.handoff[0])
    order = order_of(part, at)
    return _id(order), order


def _id(order: Order) -> str:
    *_, source, id = order
    return handoff_id(source, id)


def _acceptances(part: Part) -> Iterable[Taken]:
    return (Taken(order_of(part, at), agent, name, "", of) for at, agent, name, of in part.acceptances)


def _declines(part: Part) -> Iterable[Taken]:
    for agent, (at, (name, reason, of)) in part.declines.items():
        yield Taken(order_of(part, at), agent, name, reason, of)


def _last_of_each(answers: Iterable[Taken]) -> Mapping[str, Taken]:
    return {each.agent: each for each in sorted(answers)}


def handoffs_view(requests: Sequence[HandoffRequest], conversation: Conversation) -> Json:
    """Return the first of ``handoff_requests``, None where nobody asked for one, and the others."""
    views = [request_view(each, conversation) for each in requests[: OTHERS_SHOWN + 1]]
    return {"handoff": views[0] if views else None, "other_handoffs": views[1:]}


def request_view(request: HandoffRequest, conversation: Conversation) -> Json:
    """Return a request as a conversation's ``handoff`` shows it."""
    parts = [member.part for member in conversation.members]
    names = names_of(parts)
    to, reason, by, asker = request.asked
    shown = shown_since(parts, request.order)
    accepted = request.accepted
    agent = accepted.agent if accepted is not None else shown[1] if shown is not None else None
    return {
        "id": request.id,
        "interaction": request.contact.name,
        "level": request.level,
        "open": request.is_open,
        "requested_at": format_time(request.order[0]),
        "by": by or None,
        "requested_by": (names.get(("agent", asker), asker) if by == "agent" else asker) or None,
        "to": to or None,
        "reason": reason or None,
        "accepted_by": _agent(accepted, names) if accepted is not None else None,
        "accepted_at": format_time(accepted.order[0]) if accepted is not None else None,
        "also_accepted": [_answer(each, names) for each in _last_of_each(request.late).values()][:LATE_SHOWN],
        "declined": [{**_answer(each, names), "reason": each.text or None} for each in request.declined[-LATE_SHOWN:]],
        "shown_at": format_time(shown[0][0]) if shown is not None else None,
        "shown_before_answer": shown_before_answer(parts, request.order, agent) if agent is not None else None,
    }


def _answer(answer: Taken, names: Names) -> Json:
    return {"agent": _agent(answer, names), "at": format_time(answer.order[0])}


def _agent(answer: Taken, names: Names) -> Json | None:
    return name_view("agent", (answer.order, [answer.agent, answer.name]), names)


_LATE = named("LateAcceptance", {"agent": NAME, "at": TIME})
_DECLINE = named("HandoffDecline", {"agent": NAME, "at": TIME, "reason": TEXT_OR_NONE})

HANDOFF = members(
    {
        "id": {**ID, "description": "Of the request: what an acceptance or a decline names."},
        "interaction": {**TEXT, "description": "The contact that asked."},
        "level": {**ref("Level"), "description": "How sure it is who is in that contact."},
        "open": {"type": "boolean", "description": "It waits for somebody, in a contact that goes on."},
        "requested_at": TIME,
        "by": {"enum": ["bot", "agent", "customer", None]},
        "requested_by": TEXT_OR_NONE,
        "to": TEXT_OR_NONE,
        "reason": TEXT_OR_NONE,
        "accepted_by": {**NAME, "description": "Who has it: the first who accepted since it was passed on."},
        "accepted_at": TIME_OR_NONE,
        "also_accepted": {**array(_LATE), "description": "Who accepted too late."},
        "declined": array(_DECLINE),
        "shown_at": TIME_OR_NONE,
        "shown_before_answer": {
            "type": ["boolean", "null"],
            "description": "Whether the context was on screen before who took over answered; null: not told yet.",
        },
    },
    {"event": ref("EventName")},
)
"""The schema of ``request_view``. What may be missing stands where the handoff's packet is read."""

_MADE_OF = (
    "handoff", *DEALING, "context_view", "names", "answered_at",
    "first_answers", "first_views", "end", "resumed_at", *STATE, *VOUCHING, *THREADING,
)  # fmt: skip

SECTION = Section(
    components={"Handover": HANDOFF},
    provenance={
        ("conversations", "*", "handoff"): made_of(
            "of the requests for a handoff an open one of the surest contact, else the latest; who accepted it first "
            "since, who declined, and whether the context was shown first",
            *_MADE_OF, threaded=True,
        ),
        ("conversations", "*", "other_handoffs"): made_of(
            "the latest requests of other contacts", *_MADE_OF, threaded=True
        ),
    },
)  # fmt: skip

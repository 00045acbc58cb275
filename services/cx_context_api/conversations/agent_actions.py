"""Plan what an agent does to a conversation.

Each decision names a part id and lies in that part's stream, so that it follows the contact through later merges and
unmerges.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, NamedTuple

from cx_context.parts.model import Part
from cx_context.parts.values import At
from cx_context.sections.acts import ASSIGNED, PROMISED, SNOOZED, UNASSIGNED, UNDONE
from cx_context.sections.agents import CONTEXT_SHOWN
from cx_context.sections.assurance import LEVELS
from cx_context.sections.handoff_requests import HandoffRequest
from cx_context.sections.vouching_facts import contact_assurances
from cx_context.store.parts import InteractionSide, read_side
from cx_context.store.sql import Tx
from cx_context.threading.contact_model import Contact
from cx_context_api.conversations import act_details as acts
from cx_context_api.conversations.conversation_lookup import Thread, contact_named, find_thread
from cx_context_api.conversations.handoff_actions import (
    acceptance_data,
    decline_data,
    handoff_data,
    request_to_answer,
    shown_data,
)
from cx_context_api.decisions import DecisionDraft
from cx_context_api.requests import bodies
from cx_context_api.requests.targets import by_id
from cx_context_api.requests.tenancy import Tenancy
from cx_events.envelope import ConversationDecision, Data, Handoff
from cx_events.errors import Refused
from cx_events.ids import NodeId, text_of


def _allow(_thread: Thread, _body: Any) -> None:
    """Allow the action in every conversation."""


class AgentAction(NamedTuple):
    """A kind of action: its body, its event's type, and the function that makes the event's data of the body.

    ``check`` raises ``Refused`` if the conversation does not allow it.
    """

    shape: type[bodies.RequestBody]
    type: str
    event_data: Callable[[Any], Data]
    check: Callable[[Thread, Any], None] = _allow


AGENT_ACTIONS: Mapping[str, AgentAction] = MappingProxyType(
    {
        "notes": AgentAction(
            bodies.Note, "cx.conversation.note.v1", lambda b: Data(agent=bodies.agent_name(b.agent), note=b.note)
        ),
        "topic": AgentAction(
            bodies.Topic, "cx.conversation.topic.v1", lambda b: Data(agent=bodies.agent_name(b.agent), topic=b.topic)
        ),
        "disposition": AgentAction(
            bodies.Disposition,
            "cx.conversation.disposition.v1",
            lambda b: Data(agent=bodies.agent_name(b.agent), disposition=b.disposition, reason=b.reason),
        ),
        "resolve": AgentAction(
            bodies.Resolve,
            "cx.conversation.resolved.v1",
            lambda b: Data(agent=bodies.agent_name(b.agent), disposition=b.disposition, reason=b.reason),
        ),
        "reopen": AgentAction(
            bodies.Reopen,
            "cx.conversation.reopened.v1",
            lambda b: Data(agent=bodies.agent_name(b.agent), reason=b.reason),
        ),
        "promise": AgentAction(bodies.Promise, PROMISED, acts.promise_data, acts.check_promise),
        "assign": AgentAction(bodies.Assign, ASSIGNED, acts.assignment_data),
        "unassign": AgentAction(
            bodies.Unassign, UNASSIGNED, lambda b: Data(agent=bodies.agent_name(b.agent), reason=b.reason)
        ),
        "snooze": AgentAction(bodies.Snooze, SNOOZED, acts.snooze_data),
        "undo": AgentAction(bodies.Undo, UNDONE, acts.undo_data),
        "link": AgentAction(
            bodies.Link, "cx.conversation.linked.v1", lambda b: Data(agent=bodies.agent_name(b.agent), reason=b.reason)
        ),
        "split": AgentAction(
            bodies.Split, "cx.conversation.split.v1", lambda b: Data(agent=bodies.agent_name(b.agent), reason=b.reason)
        ),
        "handoffs": AgentAction(bodies.Handoff, "cx.handoff.requested.v1", handoff_data),
        "handoffs/accept": AgentAction(bodies.Accept, "cx.handoff.accepted.v1", acceptance_data),
        "handoffs/{handoff}/decline": AgentAction(bodies.Decline, "cx.handoff.declined.v1", decline_data),
        "shown": AgentAction(bodies.Shown, CONTEXT_SHOWN, shown_data),
    }
)


async def plan_action(
    tx: Tx, tenant: str, tenancy: Tenancy, id: str, action: AgentAction, body: bodies.RequestBody, handoff: str = ""
) -> tuple[Thread, DecisionDraft]:
    """Return the conversation of an id, and the decision to take on it.

    ``handoff``: the id of the request that is answered, if it is named. Raises ``Refused``: ``unknown-conversation``,
    ``unknown-interaction``, ``unknown-handoff``, ``unknown-act`` (404), ``other-customer``, ``same-conversation``,
    ``nothing-to-split``, ``bad-body``, ``bad-time``, ``wrong-act`` (422), ``no-handoff`` (409); ``AlreadyAccepted``
    (409).
    """
    thread = await find_thread(tx, tenant, tenancy, by_id(id).node)
    action.check(thread, body)
    data, other, about = action.event_data(body), "", [thread]
    if isinstance(body, bodies.Link):
        linked = await _linked_thread(tx, tenant, tenancy, thread, body.other)
        other = text_of(linked.named.part_id)
        about.append(linked)
    if isinstance(body, bodies.Split):
        side = await _split_off(tx, tenant, thread, body.interaction)
    elif (earlier := acts.named_act(body)) is not None:
        side = await acts.find_act(tx, tenancy, thread, earlier)
    elif isinstance(body, bodies.Accept | bodies.Decline):
        asked = request_to_answer(thread, body, handoff)
        side = await _side_of_request(tx, tenant, thread, asked)
        data.handoff = Handoff(id=asked.passed_on)
    elif isinstance(body, bodies.AboutContact) and body.interaction is not None:
        side = await _active_last_in(tx, tenant, thread, contact_named(thread, body.interaction))
    else:
        side = _active_last(thread)
    alone = isinstance(body, bodies.Resolve) and (body.interaction is not None or is_resolved_alone(thread))
    data.interaction = side.interaction
    data.conversation = ConversationDecision(id=text_of(side.part_id), other=other, contact_only=alone)
    return thread, DecisionDraft(action.type, side.stream_id, data, after=max(each.until for each in about))


def is_resolved_alone(thread: Thread) -> bool:
    """Return whether a resolve by this id settles its contact alone.

    It does where the id is a contact's own, and the conversation has a contact in which it is surer who is there: a
    window may have joined a stranger's, and to be done with him settles nothing of the customer's.
    """
    conversation, named = thread.conversation, thread.named.part_id
    if named == conversation.id:
        return False
    ranks = [LEVELS.index(each.level) for each in contact_assurances(conversation, conversation.places, thread.trust)]
    own = next(rank for rank, each in zip(ranks, conversation.members, strict=True) if _has(each, named))
    return min(ranks) < own


def _has(contact: Contact, part_id: NodeId) -> bool:
    return any(own == part_id for _, own in contact.part_ids)


async def _linked_thread(tx: Tx, tenant: str, tenancy: Tenancy, thread: Thread, id: str) -> Thread:
    """Return the conversation that a link names. Raises ``Refused``."""
    other = await find_thread(tx, tenant, tenancy, by_id(id).node)
    if other.customer != thread.customer:
        raise Refused(
            "other-customer",
            f"Conversation {id} is of customer {text_of(other.customer)}; both must be one customer's.",
        )
    if other.conversation.id == thread.conversation.id:
        raise Refused("same-conversation", f"{id} is this conversation already.")
    return other


def _active_last(thread: Thread) -> InteractionSide:
    """Return the last active part of the named contact in the same stream: desktops then show it as current."""
    sides = {piece.part_id: piece.part.side for piece in thread.contact.pieces}
    own = sides.get(thread.named.part_id)
    parts = [piece for piece in thread.contact.pieces if piece.part.activity and piece.part.side == own]
    latest = max(parts, key=lambda piece: (piece.part.activity[-1], piece.part_id), default=None)
    return thread.named if latest is None else replace(thread.named, part_id=latest.part_id)


async def _side_of_request(tx: Tx, tenant: str, thread: Thread, asked: HandoffRequest) -> InteractionSide:
    """Return where an answer to a request lies: in its stream, so that desks see both together."""
    asked_at = asked.contact.part.handoff[0] if asked.contact.part.handoff is not None else None
    own = next((part.side for _, part in asked.contact.pieces if _passed_at(part) == asked_at), b"")
    return await _active_last_in(tx, tenant, thread, asked.contact, own)


def _passed_at(part: Part) -> At | None:
    return part.transfer[0] if part.transfer is not None else None


async def _active_last_in(tx: Tx, tenant: str, thread: Thread, contact: Contact, side: bytes = b"") -> InteractionSide:
    """Return the last active part of a contact, if possible one in this ``side``."""
    pieces = [piece for piece in contact.pieces if piece.part.side == side] or contact.pieces
    latest = max(pieces, key=lambda piece: (max(piece.part.activity, default=0), piece.part_id))
    found = await read_side(tx, tenant, latest.part_id)
    return found if found is not None else thread.named


async def _split_off(tx: Tx, tenant: str, thread: Thread, interaction: str) -> InteractionSide:
    """Return the part at which a split begins: the first of the interaction's latest contact."""
    contact = contact_named(thread, interaction)
    side = await read_side(tx, tenant, _first_recorded(contact))
    if side is None:
        raise Refused("unknown-interaction", f"This conversation has no interaction {interaction[:64]!r}.", 404)
    if thread.conversation.members[0] is contact:
        raise Refused(
            "nothing-to-split", f"{interaction[:64]!r} began this conversation; split off a later interaction."
        )
    return side


def _first_recorded(contact: Contact) -> NodeId:
    return contact.known_ids[0][1]

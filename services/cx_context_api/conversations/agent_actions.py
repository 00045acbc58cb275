"""Plan what an agent does to a conversation.

Each decision names a part id and lies in that part's stream, so that it follows the contact through later merges and
unmerges.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, NamedTuple

from cx_context.sections.acts import ASSIGNED, PROMISED, SNOOZED, UNASSIGNED, UNDONE
from cx_context.sections.agents import CONTEXT_SHOWN
from cx_context.store.parts import InteractionSide, read_side
from cx_context.store.sql import Tx
from cx_context.threading.contact_model import Contact
from cx_context_api.conversations import act_details as acts
from cx_context_api.conversations.handoff_actions import acceptance_data, check_open_handoff, handoff_data, shown_data
from cx_context_api.conversations.threads import Thread, find_thread
from cx_context_api.decisions import DecisionDraft
from cx_context_api.requests import bodies
from cx_context_api.requests.targets import by_id
from cx_context_api.requests.tenancy import Tenancy
from cx_events.envelope import ConversationDecision, Data
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
        "handoffs/accept": AgentAction(bodies.Accept, "cx.handoff.accepted.v1", acceptance_data, check_open_handoff),
        "shown": AgentAction(bodies.Shown, CONTEXT_SHOWN, shown_data),
    }
)


async def plan_action(
    tx: Tx, tenant: str, tenancy: Tenancy, id: str, action: AgentAction, body: bodies.RequestBody
) -> tuple[Thread, DecisionDraft]:
    """Return the conversation of an id, and the decision to take on it.

    Raises ``Refused``: ``unknown-conversation``, ``unknown-interaction`` (404), ``other-customer``,
    ``same-conversation``, ``nothing-to-split``, ``bad-body``, ``bad-time``, ``wrong-act`` (422), ``unknown-act`` (404),
    ``no-handoff``, ``already-accepted`` (409).
    """
    thread = await find_thread(tx, tenant, tenancy, by_id(id).node)
    action.check(thread, body)
    side, other, about = _active_last(thread), "", [thread]
    if isinstance(body, bodies.Link):
        linked = await _linked_thread(tx, tenant, tenancy, thread, body.other)
        other = text_of(linked.named.part_id)
        about.append(linked)
    if isinstance(body, bodies.Split):
        side = await _split_off(tx, tenant, thread, body.interaction)
    earlier = acts.named_act(body)
    if earlier is not None:
        side = await acts.find_act(tx, tenancy, thread, earlier)
    data = action.event_data(body)
    data.interaction = side.interaction
    data.conversation = ConversationDecision(id=text_of(side.part_id), other=other)
    return thread, DecisionDraft(action.type, side.stream_id, data, after=max(each.until for each in about))


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


async def _split_off(tx: Tx, tenant: str, thread: Thread, interaction: str) -> InteractionSide:
    """Return the part at which a split begins: the first of the interaction's latest contact."""
    named = [member for member in thread.conversation.members if member.name == interaction]
    side = await read_side(tx, tenant, _first_recorded(named[-1])) if named else None
    if side is None:
        raise Refused("unknown-interaction", f"This conversation has no interaction {interaction[:64]!r}.", 404)
    if thread.conversation.members[0] is named[-1]:
        raise Refused(
            "nothing-to-split", f"{interaction[:64]!r} began this conversation; split off a later interaction."
        )
    return side


def _first_recorded(contact: Contact) -> NodeId:
    return contact.known_ids[0][1]

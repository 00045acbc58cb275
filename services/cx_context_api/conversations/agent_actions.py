"""What an agent does to a conversation, as decisions. Each names an part id and lies with it, so that it goes where
that contact's side goes, whoever is merged or parted later."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, NamedTuple

from cx_context.sections.agents import CONTEXT_SHOWN
from cx_context.store.parts import InteractionSide, read_side
from cx_context.store.sql import Tx
from cx_context.threading.contact_model import Contact
from cx_context_api.conversations.handoff_actions import acceptance_data, check_open_handoff, handoff_data, shown_data
from cx_context_api.conversations.threads import Thread, find_thread
from cx_context_api.decisions import DecisionDraft
from cx_context_api.requests import bodies
from cx_context_api.requests.targets import by_id
from cx_context_api.requests.tenancy import Tenancy
from cx_events.envelope import ConversationDecision, Data
from cx_events.errors import Refused
from cx_events.ids import NodeId, text_of


def _anything(_found: Thread, _body: Any) -> None:
    return


class AgentAction(NamedTuple):
    """One thing that an agent may do: what the body says, the event's type, and how it is said in the event. ``check``
    raises ``Refused`` where the conversation does not allow it."""

    shape: type[bodies.RequestBody]
    type: str
    said: Callable[[Any], Data]
    check: Callable[[Thread, Any], None] = _anything


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


async def choose(
    tx: Tx, tenant: str, tenancy: Tenancy, id: str, act: AgentAction, body: bodies.RequestBody
) -> tuple[Thread, DecisionDraft]:
    """The decision that a request asks for, on the conversation with that id.

    Raises ``Refused``: ``unknown-conversation``, ``unknown-interaction`` (404), ``other-customer``,
    ``same-conversation``, ``nothing-to-split`` (422), ``no-handoff``, ``already-accepted`` (409).
    """
    found = await find_thread(tx, tenant, tenancy, by_id(id).node)
    act.check(found, body)
    side, other, about = _active_last(found), "", [found]
    if isinstance(body, bodies.Link):
        linked = await _other(tx, tenant, tenancy, found, body.other)
        other = text_of(linked.named.part_id)
        about.append(linked)
    if isinstance(body, bodies.Split):
        side = await _split_off(tx, tenant, found, body.interaction)
    data = act.said(body)
    data.interaction = side.interaction
    data.conversation = ConversationDecision(id=text_of(side.part_id), other=other)
    return found, DecisionDraft(act.type, side.stream_id, data, after=max(each.until for each in about))


async def _other(tx: Tx, tenant: str, tenancy: Tenancy, found: Thread, id: str) -> Thread:
    """The conversation that a link names. Raises ``Refused``."""
    other = await find_thread(tx, tenant, tenancy, by_id(id).node)
    if other.customer != found.customer:
        raise Refused(
            "other-customer",
            f"conversation {id} is of customer {text_of(other.customer)}; only one customer's can be linked",
        )
    if other.conversation.id == found.conversation.id:
        raise Refused("same-conversation", f"{id} is this conversation already")
    return other


def _active_last(found: Thread) -> InteractionSide:
    """Of the contact that was named the part that was active last, on the same stream's side: a desk sees at once that
    this is what is being dealt with now."""
    sides = {piece.part_id: piece.part.side for piece in found.contact.pieces}
    own = sides.get(found.named.part_id)
    parts = [piece for piece in found.contact.pieces if piece.part.active and piece.part.side == own]
    latest = max(parts, key=lambda piece: (piece.part.active[-1], piece.part_id), default=None)
    return found.named if latest is None else replace(found.named, part_id=latest.part_id)


async def _split_off(tx: Tx, tenant: str, found: Thread, interaction: str) -> InteractionSide:
    """The side that a split names: of the contact, not of the conversation. Of several stretches the latest."""
    named = [member for member in found.conversation.members if member.name == interaction]
    side = await read_side(tx, tenant, _first_recorded(named[-1])) if named else None
    if side is None:
        raise Refused("unknown-interaction", f"this conversation has no interaction {interaction[:64]!r}", 404)
    if found.conversation.members[0] is named[-1]:
        raise Refused("nothing-to-split", f"{interaction[:64]!r} began this conversation; split off what came after it")
    return side


def _first_recorded(contact: Contact) -> NodeId:
    return contact.known_ids[0][1]

"""Request a handoff, accept it, and record that the agent saw the context."""

from __future__ import annotations

from cx_context.sections.handoffs import handoff_view, has_answered
from cx_context_api.conversations.threads import Thread
from cx_context_api.requests import bodies
from cx_events import envelope
from cx_events.envelope import Data, Named
from cx_events.errors import Refused


def handoff_data(body: bodies.Handoff) -> Data:
    queue = Named(id=body.queue.id, name=body.queue.name) if body.queue is not None else None
    return Data(
        agent=bodies.agent_name(body.agent),
        queue=queue,
        reason=body.reason,
        handoff=envelope.Handoff(to=body.to, queue=queue, packet=body.packet, by=body.by),
    )


def acceptance_data(body: bodies.Accept) -> Data:
    queue = Named(id=body.queue.id, name=body.queue.name) if body.queue is not None else None
    return Data(agent=bodies.agent_name(body.agent), queue=queue)


def check_open_handoff(found: Thread, body: bodies.Accept) -> None:
    handoff = handoff_view([member.part for member in found.conversation.members])
    if handoff is None:
        raise Refused("no-handoff", "nobody asked for somebody else in this conversation", 409)
    taken = handoff["accepted_by"]
    if taken is not None and taken["id"] != body.agent.id:
        raise Refused("already-accepted", f"{taken['name'] or taken['id']} took over already", 409)


def shown_data(body: bodies.Shown) -> Data:
    return Data(agent=bodies.agent_name(body.agent), handoff=envelope.Handoff(version=body.version))


def is_shown_in_time(found: Thread, body: bodies.Shown) -> bool:
    """Whether the context came to the agent's screen before they answered, as far as is known now."""
    return not has_answered([member.part for member in found.conversation.members], body.agent.id)

"""Request a handoff, accept it, and record that the agent saw the context."""

from __future__ import annotations

from cx_context.sections.handoffs import handoff_view, has_answered
from cx_context_api.conversations.threads import Thread
from cx_context_api.requests import bodies
from cx_events import envelope
from cx_events.envelope import AgentOrQueue, Data
from cx_events.errors import Refused


def handoff_data(body: bodies.Handoff) -> Data:
    """Return the event data of a request for a handoff."""
    queue = AgentOrQueue(id=body.queue.id, name=body.queue.name) if body.queue is not None else None
    return Data(
        agent=bodies.agent_name(body.agent),
        queue=queue,
        reason=body.reason,
        handoff=envelope.Handoff(to=body.to, queue=queue, packet=body.packet, by=body.by),
    )


def acceptance_data(body: bodies.Accept) -> Data:
    """Return the event data of an acceptance."""
    queue = AgentOrQueue(id=body.queue.id, name=body.queue.name) if body.queue is not None else None
    return Data(agent=bodies.agent_name(body.agent), queue=queue)


def check_open_handoff(thread: Thread, body: bodies.Accept) -> None:
    """Check that this agent may accept the handoff. Raises ``Refused`` (409): ``no-handoff``, ``already-accepted``."""
    handoff = handoff_view([member.part for member in thread.conversation.members])
    if handoff is None:
        raise Refused("no-handoff", "Nobody requested a handoff in this conversation.", 409)
    accepted_by = handoff["accepted_by"]
    if accepted_by is not None and accepted_by["id"] != thread.directory.asked_for("agent", body.agent.id):
        name = accepted_by["name"] or accepted_by["id"]
        raise Refused("already-accepted", f"{name} accepted this handoff already.", 409)


def shown_data(body: bodies.Shown) -> Data:
    """Return the event data of a context that was shown."""
    return Data(agent=bodies.agent_name(body.agent), handoff=envelope.Handoff(version=body.version))


def is_shown_in_time(thread: Thread, body: bodies.Shown) -> bool:
    """Return whether the agent saw the context before answering, as far as is known now."""
    agent = thread.directory.asked_for("agent", body.agent.id)
    return not has_answered([member.part for member in thread.conversation.members], agent)

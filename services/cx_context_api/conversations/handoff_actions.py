"""Request a handoff, accept or decline it, and record that the agent saw the context."""

from __future__ import annotations

from collections.abc import Sequence

from cx_context.sections.handoff_requests import HandoffRequest, handoff_requests
from cx_context.sections.handoffs import has_answered
from cx_context_api.conversations.conversation_lookup import Thread, contact_named
from cx_context_api.requests import bodies
from cx_events import envelope
from cx_events.envelope import AgentOrQueue, Data
from cx_events.errors import Refused
from cx_events.json_types import Json


class AlreadyAccepted(Refused):
    """Somebody else has what the request passed on. ``accepted_by``: ``{id, name}``."""

    def __init__(self, accepted_by: Json) -> None:
        name = accepted_by["name"] or accepted_by["id"]
        super().__init__("already-accepted", f"{name} accepted this handoff already.", 409)
        self.accepted_by = accepted_by


def handoff_data(body: bodies.Handoff) -> Data:
    """Return the event data of a request for a handoff."""
    queue = _queue(body.queue)
    return Data(
        agent=bodies.agent_name(body.agent),
        queue=queue,
        reason=body.reason,
        handoff=envelope.Handoff(to=body.to, queue=queue, packet=body.packet, by=body.by),
    )


def acceptance_data(body: bodies.Accept) -> Data:
    """Return the event data of an acceptance."""
    return Data(agent=bodies.agent_name(body.agent), queue=_queue(body.queue))


def decline_data(body: bodies.Decline) -> Data:
    """Return the event data of a decline."""
    return Data(agent=bodies.agent_name(body.agent), reason=body.reason)


def _queue(queue: bodies.Queue | None) -> AgentOrQueue | None:
    return AgentOrQueue(id=queue.id, name=queue.name) if queue is not None else None


def request_meant(thread: Thread, interaction: str | None, requests: Sequence[HandoffRequest]) -> HandoffRequest | None:
    """Return which of a conversation's requests is meant: reading and accepting mean the same one.

    It is that of the interaction, if one is named; else the open one of the contact whose own id was asked for; else
    the first: an open one of the surest contact. Raises ``Refused("unknown-interaction", 404)``.
    """
    if interaction is not None:
        asked = contact_named(thread, interaction)
        return next((each for each in requests if each.contact is asked), None)
    if thread.named.part_id != thread.conversation.id:
        for each in requests:
            if each.is_open and each.contact.start == thread.contact.start:
                return each
    return next(iter(requests), None)


def request_to_answer(thread: Thread, body: bodies.Accept | bodies.Decline, handoff: str) -> HandoffRequest:
    """Return the request that this agent may accept or decline. ``handoff``: its id or its event's; "" if not named.

    Raises ``Refused``: ``unknown-interaction``, ``unknown-handoff`` (404), ``no-handoff`` (409); ``AlreadyAccepted``.
    """
    requests = handoff_requests(thread.conversation, thread.trust)
    if handoff:
        found = next((each for each in requests if handoff in (each.id, each.order[-1])), None)
        if found is None:
            raise Refused("unknown-handoff", f"This conversation waits for no handoff {handoff[:64]!r}.", 404)
    else:
        found = request_meant(thread, body.interaction, requests)
        if found is None:
            where = "in this conversation" if body.interaction is None else f"in {body.interaction[:64]!r}"
            raise Refused("no-handoff", f"Nobody requested a handoff {where}.", 409)
    taken = found.accepted if found.is_accepted else None
    if taken is not None and taken.agent != thread.directory.asked_for("agent", body.agent.id):
        raise AlreadyAccepted({"id": taken.agent, "name": taken.name})
    return found


def shown_data(body: bodies.Shown) -> Data:
    """Return the event data of a context that was shown."""
    return Data(agent=bodies.agent_name(body.agent), handoff=envelope.Handoff(version=body.version))


def is_shown_in_time(thread: Thread, body: bodies.Shown) -> bool:
    """Return whether the agent saw the context before answering, as far as is known now."""
    agent = thread.directory.asked_for("agent", body.agent.id)
    asked = request_meant(thread, body.interaction, handoff_requests(thread.conversation, thread.trust))
    since = asked.order if asked is not None else None
    return not has_answered([member.part for member in thread.conversation.members], agent, since)

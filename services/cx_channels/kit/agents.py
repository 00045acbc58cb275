"""Name agents who are out of a contact. The ``agent`` of an event is who deals with the contact from then on."""

from __future__ import annotations

from cx_events.envelope import AgentOrQueue, Identifier, Participant


def out_of_it(agent: AgentOrQueue | None, scope: str) -> list[Participant]:
    """Return an agent who missed, refused, left or passed on a contact: a participant known by an identifier alone.

    As the event's ``agent`` they would deal with the contact again: of several telephones that rang, those that nobody
    picked up are told last. ``scope``: the connection whose ids are meant.
    """
    if agent is None or not agent.id:
        return []
    return [Participant(role="agent", identifiers=[Identifier(kind="agent", value=agent.id, scope=scope)])]

"""Map agent events: what an agent does, from which holds, ringing and missed contacts are read.

A STATE_CHANGE has the agent's contacts before and after it in one record, PreviousAgentSnapshot and
CurrentAgentSnapshot (docs.aws.amazon.com/connect/latest/adminguide/agent-event-stream-model.html); the states of a
contact stand in .../about-contact-states.html. Whatever else changes (status, configuration) is of the agent alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from cx_channels.kit.aws.deliveries import Notice
from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import obj, objects, text
from cx_channels.kit.outcomes import Outcome
from cx_channels.provider import Connection, Ignored
from cx_channels.voice.amazon_connect.contact import agent_of, contact_of, queue_of, time_of
from cx_channels.voice.amazon_connect.contact_events import not_told
from cx_events.dead_letters import UNKNOWN_KIND
from cx_events.envelope import Data
from cx_events.json_types import Json

STATES: Mapping[str, str] = {
    "INCOMING": "cx.interaction.routed.v1",
    "PENDING": "cx.interaction.routed.v1",
    "CONNECTING": "cx.interaction.routed.v1",
    "CONNECTED": "cx.interaction.answered.v1",
    "CONNECTED_ONHOLD": "cx.interaction.held.v1",
    "PAUSED": "cx.interaction.held.v1",
    "MISSED": "cx.interaction.routed.v1",
    "REJECTED": "cx.interaction.routed.v1",
    "ERROR": "cx.interaction.routed.v1",
}
"""What a contact's new state becomes. A call that nobody takes ends as MISSED or ERROR, depending on its kind."""

IGNORED: Mapping[str, str] = {
    "LOGIN": "an agent's own day",
    "LOGOUT": "an agent's own day",
    "HEART_BEAT": "nothing happened",
    "STATE_CHANGE": "no contact's state changed: an agent's status or configuration",
}


def map_agent_event(notice: Notice, connection: Connection) -> Iterator[Outcome]:
    """Map one agent event: each contact whose state it changed."""
    kind = text(notice.value.get("EventType")).upper()
    if kind not in IGNORED:
        yield notice.lost(f"{UNKNOWN_KIND}: the agent event {kind[:64]!r}", text(notice.value.get("EventId")))
        return
    before, after = (
        {text(each.get("ContactId")): each for each in objects(obj(notice.value.get(name)).get("Contacts"))}
        for name in ("PreviousAgentSnapshot", "CurrentAgentSnapshot")
    )
    found = [
        outcome
        for id, each in after.items()
        if kind == "STATE_CHANGE" and id and _state(each) != _state(before.get(id, {}))
        for outcome in _map_state(notice, connection, each, _state(before.get(id, {})))
    ]
    yield from found or [Ignored(f"agent-event/{kind}", IGNORED[kind])]


def _state(contact: Json) -> tuple[str, str]:
    return text(contact.get("State")).upper(), text(contact.get("StateStartTimestamp"))


def _map_state(notice: Notice, connection: Connection, value: Json, before: tuple[str, str]) -> Iterator[Outcome]:
    contact = contact_of(value, connection)
    state, since = _state(value)
    if (left_out := not_told(contact)) is not None:
        yield left_out
        return
    if state not in STATES:
        if state != "ENDED":
            yield notice.lost(f"{UNKNOWN_KIND}: the contact state {state[:64]!r}")
        return
    held = STATES.get(before[0]) == "cx.interaction.held.v1"
    if before[0] == state:
        return
    if since == before[1]:
        # On hold "StateStartTimestamp is not changed" (APIReference/API_AgentContactReference.html): each hold of a
        # contact would be the same one, at the time of the answer
        since = ""
    kind = "cx.interaction.resumed.v1" if held and state == "CONNECTED" else STATES[state]
    agent = agent_of({"ARN": notice.value.get("AgentARN"), "Username": _username(notice.value)})
    raw = msgspec.json.encode(
        {
            **{name: notice.value.get(name) for name in ("AgentARN", "EventId", "EventTimestamp", "EventType")},
            "Contacts": [value],
        }
    )
    when = since or text(notice.value.get("EventId"))
    id = f"agent/{id_part(agent.id if agent else '')}/{state.lower()}/{id_part(when)}"
    time = time_of(since) or time_of(notice.value.get("EventTimestamp"))
    data = Data(agent=agent, queue=queue_of(value.get("Queue")), reason=state.lower())
    yield contact.draft(kind, id, raw, time, data)


def _username(event: Json) -> str:
    return text(obj(obj(event.get("CurrentAgentSnapshot")).get("Configuration")).get("Username"))

"""Make the event that says what an operator did to the hub as a whole, who it was and why: one for each tenant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple
from uuid import uuid4

from cx_events.envelope import AgentOrQueue, Data, Draft
from cx_events.facts import decision_source
from cx_events.ids import IdSpace
from cx_events.json_types import Json
from cx_events.log import INTERACTIONS, Log, Record
from cx_events.stamp import COMMAND_WRITER, StampedEvent, stamp
from cx_events.timestamps import Micros

HubActType = Literal[
    "cx.operations.log_exported.v1",
    "cx.operations.log_imported.v1",
    "cx.operations.hub_backed_up.v1",
    "cx.operations.hub_restored.v1",
    "cx.operations.log_replayed.v1",
    "cx.operations.topics_changed.v1",
]


class HubAct(NamedTuple):
    """One act on the command line. ``operator``: the account. ``attributes``: what was done to what."""

    type: HubActType
    operator: str
    why: str
    attributes: Json


def hub_act_event(act: HubAct, id: str, ids: IdSpace, at: Micros) -> StampedEvent:
    """Return an act's event for one tenant. ``id``: shared by the events of all tenants. Pure."""
    draft = Draft(
        type=act.type,
        id=id,
        data=Data(agent=AgentOrQueue(id=act.operator), reason=act.why, attributes=act.attributes),
        subject=ids.tenant_node().hex(),
        correlationid=id,
    )
    return stamp(draft, source=decision_source(ids.tenant), recorded=at, ids=ids, writer=COMMAND_WRITER, scopes=())


async def append_hub_act(log: Log, spaces: Mapping[str, IdSpace], act: HubAct, at: Micros) -> None:
    """Append an act's events, one for each of these tenants. Raises ``TryLater``."""
    id = str(uuid4())
    events = [hub_act_event(act, id, ids, at) for _, ids in sorted(spaces.items())]
    await log.append([Record(INTERACTIONS, event.key, event.raw) for event in events])

"""Make the event that says what an operator did, who it was and why.

``operator_event`` is of one tenant, ``append_hub_act`` of what concerns the hub as a whole: one for each tenant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Literal, NamedTuple
from uuid import uuid4

from cx_events.envelope import AgentOrQueue, Data, Draft
from cx_events.facts import decision_source
from cx_events.ids import IdSpace
from cx_events.json_types import Json
from cx_events.log import INTERACTIONS, Log, Record
from cx_events.stamp import COMMAND_WRITER, StampedEvent, stamp
from cx_events.timestamps import Micros
from cx_runtime.patience import patiently

HubActType = Literal[
    "cx.operations.log_exported.v1",
    "cx.operations.log_imported.v1",
    "cx.operations.hub_backed_up.v1",
    "cx.operations.hub_restored.v1",
    "cx.operations.log_replayed.v1",
    "cx.operations.topics_changed.v1",
]


def operator_event(
    type: str,
    id: str,
    ids: IdSpace,
    at: Micros,
    *,
    writer: str,
    operator: str,
    why: str,
    attributes: Json,
    correlation: str | None = None,
) -> StampedEvent:
    """Return an act's event for one tenant. Pure.

    ``writer``: the key, or the command line. ``operator``: the account on a command line, else empty. ``attributes``:
    what was done to what. ``correlation``: shared by the events of one act, ``id`` without it; ``at``: µs since 1970.
    """
    draft = Draft(
        type=type,
        id=id,
        data=Data(agent=AgentOrQueue(id=operator) if operator else None, reason=why, attributes=attributes),
        subject=ids.tenant_node().hex(),
        correlationid=correlation or id,
    )
    return stamp(draft, source=decision_source(ids.tenant), recorded=at, ids=ids, writer=writer, scopes=())


class HubAct(NamedTuple):
    """One act on the command line. ``operator``: the account. ``attributes``: what was done to what."""

    type: HubActType
    operator: str
    why: str
    attributes: Json


async def append_hub_act(log: Log, spaces: Mapping[str, IdSpace], act: HubAct, at: Micros) -> None:
    """Append an act's events, one for each of these tenants. Raises ``TryLater`` where the log stays away."""
    id = str(uuid4())

    def event(ids: IdSpace) -> StampedEvent:
        return operator_event(
            act.type, id, ids, at, writer=COMMAND_WRITER, operator=act.operator, why=act.why, attributes=act.attributes
        )

    await append_patiently(log, [event(ids) for _, ids in sorted(spaces.items())])


async def append_patiently(log: Log, events: Sequence[StampedEvent]) -> None:
    """Append the events of an act that was done, though the log be away for a while. What was appended with an unknown
    outcome comes twice, as the same event. Raises ``TryLater`` where the log stays away."""
    await patiently(partial(append_once, log, events))


async def append_once(log: Log, events: Sequence[StampedEvent]) -> None:
    """Append the events of an act. Raises ``TryLater`` where the log is away."""
    await log.append([Record(INTERACTIONS, event.key, event.raw) for event in events])

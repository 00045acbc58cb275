"""Say on the log what an operator did about a rebuild, who it was and why."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from uuid import uuid4

from cx_events.envelope import AgentOrQueue, Data, Draft
from cx_events.facts import decision_source
from cx_events.ids import IdSpace
from cx_events.json_types import Json
from cx_events.log import INTERACTIONS, Log, Record
from cx_events.stamp import StampedEvent, stamp
from cx_events.timestamps import Micros
from cx_ops.rebuild.control import Asker

REBUILT = "cx.operations.contexts_rebuilt.v1"


def audit_event(asker: Asker, act: str, told: Json, id: str, ids: IdSpace, at: Micros) -> StampedEvent:
    """Return the event of an act, for one tenant. ``told``: what else ``attributes`` says of it."""
    draft = Draft(
        type=REBUILT,
        id=f"{id}/{ids.tenant}",
        data=Data(
            agent=AgentOrQueue(id=asker.who) if asker.who not in ("", asker.writer) else None,
            reason=asker.why,
            attributes={"act": act, **told},
        ),
        subject=ids.tenant_node().hex(),
        correlationid=id,
    )
    return stamp(draft, source=decision_source(ids.tenant), recorded=at, ids=ids, writer=asker.writer, scopes=())


async def announce(
    log: Log,
    spaces: Mapping[str, IdSpace],
    asker: Asker,
    act: str,
    told: Json | None = None,
    tenants: Collection[str] | None = None,
) -> None:
    """Append an act's event for each tenant that it concerns; all unless ``tenants`` says which. Raises
    ``TryLater``."""
    id, at = str(uuid4()), time.time_ns() // 1000
    concerned = [spaces[name] for name in sorted(spaces if tenants is None else tenants)]
    events = [audit_event(asker, act, told or {}, id, ids, at) for ids in concerned]
    await log.append([Record(INTERACTIONS, event.key, event.raw) for event in events])

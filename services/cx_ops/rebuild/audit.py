"""Say on the log what an operator did about a rebuild, who it was and why."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from uuid import uuid4

from cx_events.ids import IdSpace
from cx_events.json_types import Json
from cx_events.log import Log
from cx_events.stamp import StampedEvent
from cx_events.timestamps import Micros
from cx_ops.operator_acts import append_patiently, operator_event
from cx_ops.rebuild.control import Asker

REBUILT = "cx.operations.contexts_rebuilt.v1"


def audit_event(asker: Asker, act: str, told: Json, id: str, ids: IdSpace, at: Micros) -> StampedEvent:
    """Return the event of an act, for one tenant. ``told``: what else ``attributes`` says of it."""
    return operator_event(
        REBUILT,
        f"{id}/{ids.tenant}",
        ids,
        at,
        writer=asker.writer,
        operator=asker.who if asker.who != asker.writer else "",
        why=asker.why,
        attributes={"act": act, **told},
        correlation=id,
    )


def audit_events(
    spaces: Mapping[str, IdSpace],
    asker: Asker,
    act: str,
    told: Json | None = None,
    tenants: Collection[str] | None = None,
) -> list[StampedEvent]:
    """Return an act's event for each tenant that it concerns; all unless ``tenants`` says which."""
    id, at = str(uuid4()), time.time_ns() // 1000
    concerned = [spaces[name] for name in sorted(spaces if tenants is None else tenants)]
    return [audit_event(asker, act, told or {}, id, ids, at) for ids in concerned]


async def announce(
    log: Log,
    spaces: Mapping[str, IdSpace],
    asker: Asker,
    act: str,
    told: Json | None = None,
    tenants: Collection[str] | None = None,
) -> None:
    """Append the events of an act that was done (``audit_events``), though the log be away for a while. Raises
    ``TryLater`` where it stays away."""
    await append_patiently(log, audit_events(spaces, asker, act, told, tenants))

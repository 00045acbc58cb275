"""Make the event that says who changed topics and why. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from cx_events.envelope import AgentOrQueue, Data, Draft
from cx_events.facts import decision_source
from cx_events.ids import IdSpace
from cx_events.stamp import StampedEvent, stamp
from cx_events.timestamps import Micros
from cx_ops.topics.plan import Difference

TOPICS_CHANGED = "cx.operations.topics_changed.v1"


class TopicAct(NamedTuple):
    """One act. ``writer``: the key, or the command line. ``operator``: the account on a command line, else empty."""

    id: str
    writer: str
    operator: str
    why: str


def audit_event(act: TopicAct, changes: Iterable[Difference], ids: IdSpace, at: Micros) -> StampedEvent:
    """Return the event for one tenant; the log is everybody's, so every tenant has it."""
    named = [
        {key: value for key, value in msgspec.to_builtins(each).items() if key not in ("setting", "note")}
        for each in changes
    ]
    draft = Draft(
        type=TOPICS_CHANGED,
        id=act.id,
        data=Data(
            agent=AgentOrQueue(id=act.operator) if act.operator else None,
            reason=act.why,
            attributes={"changes": named},
        ),
        subject=ids.tenant_node().hex(),
        correlationid=act.id,
    )
    return stamp(draft, source=decision_source(ids.tenant), recorded=at, ids=ids, writer=act.writer, scopes=())

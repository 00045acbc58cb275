"""Make the event that says what an operator did to dead letters, who it was and why. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from cx_events.dead_letters import DeadLetter
from cx_events.ids import IdSpace
from cx_events.stamp import StampedEvent
from cx_events.timestamps import Micros
from cx_ops.operator_acts import operator_event

ActType = Literal["cx.operations.dead_letters_retried.v1", "cx.operations.dead_letters_discarded.v1"]

RETRIED: ActType = "cx.operations.dead_letters_retried.v1"
DISCARDED: ActType = "cx.operations.dead_letters_discarded.v1"


class Act(NamedTuple):
    """One act. ``id``: shared by all its events. ``writer``: the key, or the command line. ``operator``: the account on
    a command line, else empty. ``selection``: what was asked for, see ``Selection.as_texts``."""

    type: ActType
    id: str
    writer: str
    operator: str
    why: str
    selection: Mapping[str, str]


def audit_event(act: Act, number: int, letters: Sequence[DeadLetter], ids: IdSpace, at: Micros) -> StampedEvent:
    """Return the event of one page of an act, for one tenant. ``number``: the page's, from 1 on."""
    named = [{"source": each.source, "id": each.id, "stage": each.stage} for each in letters]
    return operator_event(
        act.type,
        f"{act.id}/{number}",
        ids,
        at,
        writer=act.writer,
        operator=act.operator,
        why=act.why,
        attributes={"selection": dict(act.selection), "dead_letters": named},
        correlation=act.id,
    )

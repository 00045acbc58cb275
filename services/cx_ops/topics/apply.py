"""Bring topics level with their declarations: say so on the log, then do it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import msgspec

from cx_events.errors import Refused
from cx_events.ids import IdSpace
from cx_events.json_types import Json
from cx_events.log import Log
from cx_events.log.declarations import Declarations
from cx_events.log.topic_states import TopicPlace
from cx_events.timestamps import Micros
from cx_ops.operator_acts import HubAct, HubActType, append_hub_act
from cx_ops.topics.plan import Difference, Step, TopicPlan, plan_of

TOPICS_CHANGED: HubActType = "cx.operations.topics_changed.v1"

_SETTLE_SECONDS = 0.2
_SETTLE_TRIES = 25


async def plan_topics(declared: Declarations, place: TopicPlace) -> TopicPlan:
    """Return what differs now. Raises ``TryLater``, ``Fatal`` as the place does."""
    return plan_of(declared, await place.read())


def check_why(why: str, changes: Sequence[Difference]) -> None:
    """Raise ``Refused("no-reason")`` where something is to change and nobody says why."""
    if changes and not why.strip():
        raise Refused("no-reason", "say why: it is kept with the act (--why)")


async def apply_topics(
    changes: Sequence[Difference],
    declared: Declarations,
    place: TopicPlace,
    log: Log,
    spaces: Mapping[str, IdSpace],
    operator: str,
    why: str,
    at: Micros,
) -> TopicPlan:
    """Carry out changes of a plan and return what still differs.

    The act is on the log before anything changes; only topics that are missing come first, since the start of ``log``
    creates them. ``spaces``: the ids of all configured tenants. ``operator``: the account on the command line.
    """
    check_why(why, changes)
    if changes:
        act = HubAct(TOPICS_CHANGED, operator, why, {"changes": [_told(each) for each in changes]})
        await append_hub_act(log, spaces, act, at)
    for topic in dict.fromkeys(each.topic for each in changes):
        settings = dict(each.setting for each in changes if each.topic == topic and each.setting is not None)
        if settings:
            await place.set(topic, settings)
    for each in changes:
        if each.step is Step.GROW:
            await place.grow(each.topic, int(each.declared))
    return await _settled(declared, place, changes)


def _told(change: Difference) -> Json:
    told: Json = msgspec.to_builtins(change)
    return {name: value for name, value in told.items() if name not in ("setting", "note")}


async def _settled(declared: Declarations, place: TopicPlace, done: Sequence[Difference]) -> TopicPlan:
    """Return the plan once the broker shows what was done; it may take a moment."""
    for _ in range(_SETTLE_TRIES):
        after = await plan_topics(declared, place)
        if not {(each.topic, each.member) for each in done} & {(e.topic, e.member) for e in after.differences}:
            break
        await asyncio.sleep(_SETTLE_SECONDS)
    return after

"""Bring topics level with their declarations: say so on the log, then do it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from cx_events.errors import Refused
from cx_events.ids import IdSpace
from cx_events.log import INTERACTIONS, Log, Record
from cx_events.log.declarations import Declarations
from cx_events.log.topic_states import TopicPlace
from cx_events.timestamps import Micros
from cx_ops.topics.audit import TopicAct, audit_event
from cx_ops.topics.plan import Difference, Step, TopicPlan, plan_of

_SETTLE_SECONDS = 0.2
_SETTLE_TRIES = 25


async def plan_topics(declared: Declarations, place: TopicPlace) -> TopicPlan:
    """Return what differs now. Raises ``TryLater``, ``Fatal`` as the place does."""
    return plan_of(declared, await place.read())


def check_act(act: TopicAct, changes: Sequence[Difference]) -> None:
    """Raise ``Refused("no-reason")`` where something is to change and nobody says why."""
    if changes and not act.why.strip():
        raise Refused("no-reason", "say why: it is kept with the act (--why)")


async def apply_topics(
    changes: Sequence[Difference],
    declared: Declarations,
    place: TopicPlace,
    log: Log,
    spaces: Iterable[IdSpace],
    act: TopicAct,
    at: Micros,
) -> TopicPlan:
    """Carry out changes of a plan and return what still differs.

    The act is on the log before anything changes; only topics that are missing come first, since the start of ``log``
    creates them. ``spaces``: the ids of all configured tenants.
    """
    check_act(act, changes)
    if changes:
        events = [audit_event(act, changes, ids, at) for ids in spaces]
        await log.append([Record(INTERACTIONS, each.key, each.raw) for each in events])
    for topic in dict.fromkeys(each.topic for each in changes):
        settings = dict(each.setting for each in changes if each.topic == topic and each.setting is not None)
        if settings:
            await place.set(topic, settings)
    for each in changes:
        if each.step is Step.GROW:
            await place.grow(each.topic, int(each.declared))
    return await _settled(declared, place, changes)


async def _settled(declared: Declarations, place: TopicPlace, done: Sequence[Difference]) -> TopicPlan:
    """Return the plan once the broker shows what was done; it may take a moment."""
    for _ in range(_SETTLE_TRIES):
        after = await plan_topics(declared, place)
        if not {(each.topic, each.member) for each in done} & {(e.topic, e.member) for e in after.differences}:
            break
        await asyncio.sleep(_SETTLE_SECONDS)
    return after

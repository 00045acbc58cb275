"""Test what a client of a queue is told after a break, where it is sent no contexts."""

from __future__ import annotations

import json
from typing import Any

from cx_context.routing_targets import RoutingTarget
from cx_context_api.following.routing_targets import (
    Assignment,
    LightTargetFollower,
    LiveAssignments,
    RoutingTargetSubscription,
)

BEN = {"id": "ben", "name": "Ben"}


def live(**changed: Any) -> LiveAssignments:
    view = {"interaction": "call-1", "why": "queued", "since": "2026-11-29T10:00:00.000000Z", "agent": None, **changed}
    return LiveAssignments({(b"call", b"ana"): Assignment("call-1", b"ana", view, b"queued")}, False)


def follower(now: LiveAssignments, mark: bytes = b"") -> LightTargetFollower:
    async def read() -> LiveAssignments:
        return now

    subscription = RoutingTargetSubscription(read, "acme", RoutingTarget("queue", "billing"), lambda: ["billing"])
    subscription.live = now
    return LightTargetFollower(subscription, mark)


async def test_what_is_as_it_was_is_not_told_again() -> None:
    first = follower(live())
    assert [frame.name for frame in await first.next_frames()] == ["live"]
    assert not await follower(live(), first.mark()).next_frames()


async def test_who_was_offered_it_during_a_break_is_told() -> None:
    """It waits in its queue as it did, for the same reason since the same time."""
    first = follower(live())
    await first.next_frames()
    (frame,) = await follower(live(agent=BEN), first.mark()).next_frames()
    assert json.loads(frame.data)["assignments"][0]["agent"] == BEN

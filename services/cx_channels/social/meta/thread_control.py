"""Map the handover protocol: which app has the thread."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cx_channels.kit.json_values import text
from cx_channels.kit.outcomes import Outcome
from cx_channels.social.meta.messaging_event import MessagingEvent, draft_of
from cx_events.envelope import (
    Data,
    Draft,
    Handoff,
)


def map_thread_request(event: MessagingEvent) -> Iterator[Outcome]:
    """Map an app's request for the thread."""
    yield _handoff(event, "cx.handoff.requested.v1", "request", event.body.get("requested_owner_app_id"))


def map_thread_pass(event: MessagingEvent) -> Iterator[Outcome]:
    """Map the handing over of the thread. Meta sends it to the new owner, which has not taken it up yet."""
    yield _handoff(event, "cx.handoff.requested.v1", "pass", event.body.get("new_owner_app_id"))


def map_thread_take(event: MessagingEvent) -> Iterator[Outcome]:
    """Map the taking of the thread. Meta sends it to the app that lost the thread, and does not name the new owner."""
    yield _handoff(event, "cx.handoff.accepted.v1", "take", event.body.get("new_owner_app_id"))


def _handoff(event: MessagingEvent, event_type: str, how: str, to: Any) -> Draft:
    metadata = text(event.body.get("metadata"))
    before = text(event.body.get("previous_owner_app_id"))
    packet = {name: value for name, value in (("metadata", metadata), ("previous_owner_app_id", before)) if value}
    return draft_of(
        event,
        event_type,
        event.own_id(f"{how}-thread-control"),
        Data(handoff=Handoff(to=text(to), packet=packet), reason=f"{how}_thread_control"),
    )

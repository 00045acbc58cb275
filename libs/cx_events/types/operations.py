"""What operators did to the hub: an audit. It happened to no customer, so no context shows it."""

from __future__ import annotations

from cx_events.event_type import EventType
from cx_events.types.story import told

TYPES = (
    EventType(
        name="cx.operations.dead_letters_retried.v1",
        scope="identity:write",
        kind="decision",
        summary="An operator had dead letters tried again; `attributes` says which, and by which conditions.",
        needs=("attributes",),
        example=told(
            "cx.operations.dead_letters_retried.v1",
            "0b6fe1c4/1",
            "17:00:00",
            "ops",
            reason="the mapping is mended",
            attributes={
                "selection": {"group": "5f0c6a1be29d"},
                "dead_letters": [{"source": "//acme.example/chat", "id": "m-7", "stage": "fold"}],
            },
        ),
    ),
    EventType(
        name="cx.operations.dead_letters_discarded.v1",
        scope="identity:write",
        kind="decision",
        summary="An operator discarded dead letters, for `reason`; `attributes` says which, and by which conditions.",
        needs=("reason", "attributes"),
        example=told(
            "cx.operations.dead_letters_discarded.v1",
            "0b6fe1c5/1",
            "17:05:00",
            "ops",
            reason="a load test of the sender's",
            attributes={
                "selection": {"id": "m-8"},
                "dead_letters": [{"source": "//acme.example/chat", "id": "m-8", "stage": "map"}],
            },
        ),
    ),
    EventType(
        name="cx.operations.topics_changed.v1",
        scope="identity:write",
        kind="decision",
        summary="An operator changed how the log's topics are kept, for `reason`; `attributes` says what.",
        needs=("reason", "attributes"),
        example=told(
            "cx.operations.topics_changed.v1",
            "0b6fe1c6",
            "17:10:00",
            "ops",
            reason="notifications need not stay for good",
            attributes={
                "changes": [
                    {
                        "topic": "cx.context-changes",
                        "member": "retention",
                        "declared": "7d",
                        "found": "forever",
                        "step": "removes records",
                    }
                ],
            },
        ),
    ),
)

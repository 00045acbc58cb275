"""Declare events of what operators did to the hub: an audit. They happened to no customer, so no context shows them."""

from __future__ import annotations

from cx_events.event_type import EventType
from cx_events.json_types import Json
from cx_events.types.story import told


def _of_hub(what: str, summary: str, attributes: Json) -> EventType:
    """Return the type of an act that concerns the hub as a whole: each tenant has an event of it."""
    name = f"cx.operations.{what}.v1"
    return EventType(
        name=name,
        scope="identity:write",
        kind="decision",
        summary=f"{summary}; `attributes` says what exactly.",
        needs=("attributes",),
        example=told(name, f"0b6fe1c6-{what}", "17:10:00", "ops", reason="every night", attributes=attributes),
    )


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
    _of_hub(
        "contexts_rebuilt",
        "An operator rebuilt contexts, or paused, resumed or undid that",
        {"act": "begin"},
    ),
    _of_hub(
        "log_exported",
        "An operator wrote the whole log into an archive",
        {"archive": "8d1f3a52-52b6-4d0b-9e3e-2b1f0f7e9a10", "records": 125000},
    ),
    _of_hub(
        "log_replayed",
        "An operator had records sent once more, elsewhere",
        {"replay": "5f0c6a1be29d", "act": "began", "read": 0, "sent": 0},
    ),
    _of_hub(
        "log_imported",
        "An operator brought the records of an archive, or of another log, into this one",
        {"source": "8d1f3a52-52b6-4d0b-9e3e-2b1f0f7e9a10", "records": 125000},
    ),
    _of_hub(
        "hub_backed_up",
        "An operator made a backup of the whole hub",
        {"backup": "8d1f3a52-52b6-4d0b-9e3e-2b1f0f7e9a10"},
    ),
    _of_hub(
        "hub_restored",
        "An operator restored the hub from a backup, and later records are not on this log",
        {"backup": "8d1f3a52-52b6-4d0b-9e3e-2b1f0f7e9a10", "made": "2026-11-22T03:00:00.000Z"},
    ),
    EventType(
        name="cx.operations.subscription_changed.v1",
        scope="identity:write",
        kind="decision",
        summary="An operator paused or resumed a subscription, or tried it again; `attributes` says which and what.",
        needs=("attributes",),
        example=told(
            "cx.operations.subscription_changed.v1",
            "3d1f0a77",
            "17:10:00",
            "ops",
            reason="the receiver is being moved",
            attributes={"subscription": "crm", "act": "paused"},
        ),
    ),
)

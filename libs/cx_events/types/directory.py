"""Declare events that tell who agents and queues are, as a company's personnel or workforce system has it. They
happened to no customer.
"""

from __future__ import annotations

from cx_events.event_type import EventType
from cx_events.types.story import told

TYPES = (
    EventType(
        name="cx.directory.agent_set.v1",
        scope="directory:write",
        kind="decision",
        summary="Who an agent is, by which ids systems know them, and where they work; earlier words hold no more.",
        needs=("directory.id",),
        example=told(
            "cx.directory.agent_set.v1",
            "roster/agent-7/3",
            "07:00:00",
            "roster",
            directory={
                "id": "agent-7",
                "name": "Ben Okafor",
                "ids": {"acme-calls": ["client:ben"], "any": ["ben@acme.example", "2001"]},
                "teams": ["support"],
                "queues": ["billing"],
            },
        ),
    ),
    EventType(
        name="cx.directory.agent_removed.v1",
        scope="directory:write",
        kind="decision",
        summary="An agent is in the directory no more: whoever its ids name is shown as the vendors name them.",
        needs=("directory.id",),
        example=told(
            "cx.directory.agent_removed.v1", "roster/agent-9/2", "07:00:00", "roster", directory={"id": "agent-9"}
        ),
    ),
    EventType(
        name="cx.directory.queue_set.v1",
        scope="directory:write",
        kind="decision",
        summary="What a queue is, and by which ids systems know it; earlier words hold no more.",
        needs=("directory.id",),
        example=told(
            "cx.directory.queue_set.v1",
            "roster/billing/1",
            "07:00:00",
            "roster",
            directory={
                "id": "billing",
                "name": "Billing",
                "ids": {"acme-calls": ["WQ00000000000000000000000000000001"]},
            },
        ),
    ),
    EventType(
        name="cx.directory.queue_removed.v1",
        scope="directory:write",
        kind="decision",
        summary="A queue is in the directory no more.",
        needs=("directory.id",),
        example=told(
            "cx.directory.queue_removed.v1", "roster/returns/2", "07:00:00", "roster", directory={"id": "returns"}
        ),
    ),
)

"""Declare events of files that the hub fetched from where a provider keeps them."""

from __future__ import annotations

from cx_events.event_type import EventType
from cx_events.types.story import ANA_IN_CHAT, in_chat

STORED = "cx.media.stored.v1"

TYPES = (
    EventType(
        name=STORED,
        scope="events:write",
        kind="insight",
        summary="The hub fetched a file that an event names by its address at a provider; of a mail the words, too.",
        needs=("message.attachments",),
        example=in_chat(
            STORED,
            "media/2bd761cc-3f57-852e-8231-6d272974dfa4.0",
            "10:02:11",
            direction="inbound",
            participants=[ANA_IN_CHAT],
            message={
                "id": "m-1",
                "attachments": [
                    {
                        "name": "invoice.pdf",
                        "content_type": "application/pdf",
                        "bytes": 48213,
                        "sha256": "5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9",
                        "url": "https://files.acme.example/4711",
                    }
                ],
            },
        ),
    ),
)

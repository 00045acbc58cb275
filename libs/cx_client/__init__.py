"""Talk to the hub's HTTP API as a client: send events, read contexts, follow what changes.

    with Client("http://127.0.0.1:8080", key) as hub:
        hub.send(event)
        print(hub.find("email:ana@example.com"))

Everything that a program needs is imported from here. ``docs/sdk.md`` is the guide.

Modules: ``client`` and ``async_client``; ``background_sender`` and ``async_background_sender`` (events are put, and
sent beside the program's work), with ``stamping``; ``operations`` (what both clients can do), ``connecting`` (httpx2's
side of it), ``release``. ``core`` holds all that is decided, without any I/O.
"""

from __future__ import annotations

from cx_client.async_background_sender import AsyncBackgroundSender
from cx_client.async_client import AsyncClient
from cx_client.background_sender import BackgroundSender
from cx_client.client import Client
from cx_client.core.backlog import QueueLimits
from cx_client.core.desks import Desk
from cx_client.core.errors import (
    HubRefused,
    HubUnavailable,
    NotDelivered,
    QueueFull,
    Remainder,
    SendingRefused,
    SendingUnavailable,
)
from cx_client.core.following import StreamEvent
from cx_client.core.json_patch import BadPatch
from cx_client.core.outcomes import EventName, Rejected, Sent, Warned
from cx_client.core.reading import Context, ContextQuery
from cx_client.core.retries import FOR_EVER, NEVER, Retry
from cx_client.core.subjects import Subjects
from cx_events.errors import CxError, Refused, TryLater

__all__ = [
    "FOR_EVER",
    "NEVER",
    "AsyncBackgroundSender",
    "AsyncClient",
    "BackgroundSender",
    "BadPatch",
    "Client",
    "Context",
    "ContextQuery",
    "CxError",
    "Desk",
    "EventName",
    "HubRefused",
    "HubUnavailable",
    "NotDelivered",
    "QueueFull",
    "QueueLimits",
    "Refused",
    "Rejected",
    "Remainder",
    "Retry",
    "SendingRefused",
    "SendingUnavailable",
    "Sent",
    "StreamEvent",
    "Subjects",
    "TryLater",
    "Warned",
]

"""Read a delivery: one notification, about one object.

``{"type": "notification_event", "topic": ..., "id": "notif_...", "app_id": ..., "data": {"item": {...}}, "created_at":
...}``, developers.intercom.com/docs/references/2.16/webhooks/webhook-models, "Webhook notification object".
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from cx_channels.chat.intercom.values import micros
from cx_channels.kit.json_values import first, obj, read_object, text
from cx_channels.kit.signing import sha256_hex
from cx_channels.provider import Connection, Unmapped
from cx_events.errors import Refused
from cx_events.json_types import Json
from cx_events.timestamps import Micros

# These count attempts to deliver; without them each attempt of one notification is the same.
_DELIVERY = frozenset({"delivery_status", "delivery_attempts", "delivered_at"})


class Notification(Struct, frozen=True, gc=False):
    """One notification. ``id``: its own id, else 32 hex digits of its digest. ``app``: the workspace, which is the
    scope of ids.

    ``time``: when it happened. ``raw``: the notification without what differs between attempts to deliver it.
    """

    topic: str
    id: str
    app: str
    time: Micros | None
    item: Json
    raw: bytes
    connection: Connection

    def lost(self, why: str) -> Unmapped:
        return Unmapped(self.id, f"malformed {self.topic[:64]}: {why}", self.raw)


def read(body: bytes, connection: Connection) -> Notification:
    """Return the notification in a body. Raise ``Refused("malformed")`` for anything else."""
    value = read_object(body)
    if not text(value.get("topic")).strip():
        raise Refused("malformed", "not a JSON object with a 'topic'")
    item = obj(obj(value.get("data")).get("item"))
    raw = msgspec.json.encode({name: each for name, each in value.items() if name not in _DELIVERY})
    return Notification(
        topic=text(value["topic"]).strip().lower(),
        id=text(value.get("id")) or sha256_hex(raw)[:32],
        app=first(value.get("app_id"), item.get("app_id"), connection.settings.get("app_id")),
        time=micros(value.get("created_at")),
        item=item,
        raw=raw,
        connection=connection,
    )

"""Take a delivery apart: one ``Change`` for each change of each entry.

``{"object": "whatsapp_business_account", "entry": [{"id": WABA, "changes": [{"field", "value"}]}]}``,
developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/overview. A delivery may hold many changes of
several accounts; one that can't be read goes to the dead letters without the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from msgspec import Struct

from cx_channels.kit.json_values import text
from cx_channels.kit.meta_envelope import OtherEntry, read_items
from cx_channels.kit.signing import sha256_hex
from cx_channels.kit.whatsapp.kinds import IGNORED
from cx_channels.provider import Ignored, Unmapped
from cx_events import strict_json
from cx_events.dead_letters import UNKNOWN_KIND
from cx_events.errors import Refused
from cx_events.json_types import Json
from cx_events.strict_json import Limits

OBJECT = "whatsapp_business_account"

MAX_BYTES = 3 << 20
"""A body's limit by Meta's page ("up to 3 MB", docs/whatsapp/cloud-api/webhooks/get-started)."""

_LIMITS = Limits(max_bytes=MAX_BYTES)
_encode = msgspec.json.Encoder().encode


class Change(Struct, gc=False):
    """One change. ``account``: the entry's id, that of the WhatsApp Business Account."""

    account: str
    field: str
    value: Json

    def raw(self, value: Json | None = None) -> bytes:
        """Return a delivery with this change alone; ``value`` instead of its own, where it is given."""
        change = {"field": self.field, "value": self.value if value is None else value}
        return _encode({"object": OBJECT, "entry": [{"id": self.account, "changes": [change]}]})


def read_changes(body: bytes) -> Iterable[Change | Ignored | Unmapped]:
    """Return the changes of a delivery, in order. Raise ``Refused("malformed")`` for what is no delivery at all."""
    try:
        delivery = strict_json.decode(body, _LIMITS)
    except Refused:
        return _read_apart(body)
    if not isinstance(delivery, dict) or not isinstance(delivery.get("entry", []), list):
        raise Refused("malformed", "not a JSON object with an 'object' and a list of entries")
    name = text(delivery.get("object"))
    if not name:
        raise Refused("malformed", "the delivery names no object")
    if name != OBJECT:
        return (Unmapped(digest(body), f"{UNKNOWN_KIND}: the object {name[:64]!r}, not WhatsApp's", body),)
    return _of_delivery(delivery)


def _of_delivery(delivery: Json) -> list[Change | Ignored | Unmapped]:
    entries = delivery.get("entry") or []
    if not entries:
        return [Ignored("no-entries", IGNORED["no-entries"])]
    found: list[Change | Ignored | Unmapped] = []
    for entry in entries:
        changes = entry.get("changes", []) if isinstance(entry, dict) else None
        if not isinstance(changes, list):
            found.append(_lost(entry, "malformed entry: it is no object with a list of changes"))
            continue
        if not changes:
            found.append(_without_changes(entry))
        account = text(entry.get("id"))
        found += [_change(account, change) for change in changes]
    return found


def _without_changes(entry: Json) -> Ignored | Unmapped:
    others = entry.keys() - {"id", "time", "changes"}
    if others:
        return _lost(entry, f"{UNKNOWN_KIND}: an entry with {', '.join(sorted(others))[:64]!r}")
    return Ignored("no-changes", IGNORED["no-changes"])


def _change(account: str, change: Any) -> Change | Unmapped:
    if not isinstance(change, dict) or not isinstance(change.get("value"), dict):
        return _lost({"id": account, "changes": [change]}, "malformed change: its value is no object")
    return Change(account, text(change.get("field")), change["value"])


def _lost(entry: Any, reason: str) -> Unmapped:
    raw = _encode({"object": OBJECT, "entry": [entry]})
    return Unmapped(digest(raw), reason, raw)


def _read_apart(body: bytes) -> Iterator[Change | Ignored | Unmapped]:
    """Yield the changes of a delivery that can't be read as a whole: each is read by itself."""
    for item in read_items(body):
        if not isinstance(item, OtherEntry):
            yield item if isinstance(item, Ignored | Unmapped) else Unmapped(item.digest, UNKNOWN_KIND, item.raw)
            continue
        try:
            delivery = strict_json.decode(item.raw, _LIMITS)
        except Refused as refused:
            yield Unmapped(item.digest, f"malformed change: {refused.detail}", item.raw)
            continue
        if isinstance(delivery, dict) and delivery.get("object") == OBJECT:
            yield from _of_delivery(delivery)
        else:
            yield Unmapped(item.digest, f"{UNKNOWN_KIND}: the object {item.object[:64]!r}, not WhatsApp's", item.raw)


def digest(content: bytes) -> str:
    """Return 32 hex digits that tell a notice from others."""
    return sha256_hex(content)[:32]

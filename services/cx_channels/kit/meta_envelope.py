"""Take a delivery apart: one ``WebhookItem`` for each notice in each entry.

One delivery may hold up to 1000 notices, of several accounts (developers.facebook.com/docs/graph-api/webhooks). Each is
read on its own: what can't be read goes to the dead letters without the others. ``raw`` of an item is a whole delivery
again, with this notice alone: it can be mapped by itself, as when it is redriven.

An entry's ``time`` is when Meta sent it, so another attempt may bring another one: no id is made of it, and ``raw`` has
it only where the notice has no time of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, Literal

import msgspec
from msgspec import Raw, Struct

from cx_channels.kit.json_values import obj, text
from cx_channels.kit.outcomes import MOST_OUTCOMES
from cx_channels.kit.signing import sha256_hex
from cx_channels.kit.times import unix_time
from cx_channels.provider import Ignored, Unmapped
from cx_events import strict_json
from cx_events.errors import Refused
from cx_events.json_types import Json
from cx_events.timestamps import Micros

Section = Literal["messaging", "standby", "changes"]
SECTIONS: tuple[Section, ...] = ("messaging", "standby", "changes")
OBJECTS = ("page", "instagram")

# What stands in an entry instead of notices.
LEFT_OUT = {
    "changed_fields": "the subscription leaves out what changed: turn on Include Values for it",
}

_WRITTEN = (int, str)
_LONGEST_HEAD = 4096
"""Bytes of what an entry of another object says beside its changes; the id and the time are all that is documented."""

_BROKEN = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_decode_any = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
_parts = msgspec.json.Decoder(dict[str, Raw]).decode
"""An object's values, each as it was written."""
_each = msgspec.json.Decoder(list[Raw]).decode
"""A list's values, each as it was written."""


class OtherEntry(Struct, frozen=True, gc=False):
    """A notice that is about neither messages nor changes of a page or an Instagram account.

    ``kind``: its object and field. The others as in ``WebhookItem``; ``raw`` keeps all members of
    the entry itself.
    """

    object: str
    account: str
    kind: str
    raw: bytes
    digest: str


class WebhookItem(Struct, frozen=True, gc=False):
    """``object``: ``page`` or ``instagram``. ``account``: the entry's id, that of the page or account. ``notice``: what
    stands in the section, of which ``value`` may be a part. ``sent``: the entry's time, as written."""

    object: str
    account: str
    sent: Any
    section: Section
    value: Json
    notice: Json
    raw: bytes

    @property
    def time(self) -> Micros | None:
        """Return when Meta sent it."""
        return unix_time(self.sent)

    @property
    def digest(self) -> str:
        """Return 32 hex digits of the notice alone. They cost more than all else here: few notices need them."""
        return _digest_of(self.notice)


def read_items(body: bytes) -> Iterable[WebhookItem | OtherEntry | Ignored | Unmapped]:
    """The notices of a delivery, in order. ``Refused("malformed")`` for what is no delivery at all.

    A list of deliveries is read like one: so Meta's examples for Instagram show them
    (developers.facebook.com/docs/instagram-platform/webhooks/examples).
    """
    return _of_usual(strict_json.decode_plain(body) or {}) or _taken_apart(body)


def _taken_apart(body: bytes) -> Iterator[WebhookItem | OtherEntry | Ignored | Unmapped]:
    if body.lstrip()[:1] != b"[":
        yield from _of_delivery(body)
        return
    try:
        deliveries = _each(Raw(body))
    except _BROKEN as error:
        raise Refused("malformed", f"not a list of deliveries: {error}") from None
    if not deliveries:
        raise Refused("malformed", "an empty list of deliveries")
    for delivery in deliveries:
        yield from _of_delivery(bytes(delivery))


def _of_usual(delivery: Json) -> list[WebhookItem]:
    """Return the notices of a delivery that was read as a whole, none where anything in it is not as it usually is:
    then it is taken apart, with the same outcome for what is."""
    name, entries = delivery.get("object"), delivery.get("entry")
    found: list[WebhookItem] = []
    if name not in OBJECTS or not isinstance(entries, list):
        return []
    for entry in entries:
        before = len(found)
        for section in SECTIONS if isinstance(entry, dict) else ():
            if section in entry:
                notices = entry[section]
                for each in notices if isinstance(notices, list) else (None,):
                    if not isinstance(each, dict):
                        return []
                    found.append(_item_of(name, text(entry.get("id")), entry.get("time"), section, each, each))
        if len(found) == before:
            return []
    return found


def _of_delivery(body: bytes) -> Iterator[WebhookItem | OtherEntry | Ignored | Unmapped]:
    try:
        top = _parts(body)
        name = text(_decode_any(top["object"])) if "object" in top else ""
    except _BROKEN as error:
        raise Refused("malformed", f"not a JSON object with an 'object': {error}") from None
    try:
        entries = _each(top["entry"]) if "entry" in top else []
    except _BROKEN:
        raise Refused("malformed", "'entry' is not a list") from None
    if not entries:
        yield Ignored("no-entries", "the delivery has no entries")
    for entry in entries:
        yield from _of_entry(name, entry) if name in OBJECTS else _of_other(name, entry)


def _of_other(name: str, entry: Raw) -> Iterator[OtherEntry | Unmapped]:
    """The changes of another object's entry, each by itself, so that what is sent again among others is the same.

    An entry of very many changes, or with much at its head, stays whole: each of its letters would keep the head again.
    """
    whole = _delivery(name, entry)
    try:
        parts = _parts(entry)
        account = text(_decode_any(parts["id"])) if "id" in parts else ""
        changes = _each(parts["changes"]) if "changes" in parts else []
        fields = [_field(change) for change in changes]
    except _BROKEN as error:
        yield Unmapped(_digest(whole), f"malformed entry: {error}", whole)
        return
    head = {name: value for name, value in parts.items() if name != "changes"}
    if not changes or len(changes) > MOST_OUTCOMES or sum(map(len, map(bytes, head.values()))) > _LONGEST_HEAD:
        names = ", ".join(sorted(set(parts) - {"id", "time", "uid"}))[:64]
        yield OtherEntry(name, account, f"{name}/{names or 'nothing'}", whole, _without_time(name, parts))
        return
    for change, field in zip(changes, fields, strict=True):
        alone = {**head, "changes": Raw(_encode([_compact(change)]))}
        raw = _delivery(name, Raw(_encode(alone)))
        yield OtherEntry(name, account, f"{name}/{field[:64]}", raw, _without_time(name, alone))


def _field(change: Raw) -> str:
    """A change's field, also where its value can't be read."""
    if not bytes(change).lstrip().startswith(b"{"):
        return ""
    parts = _parts(change)
    return text(_decode_any(parts["field"])) if "field" in parts else ""


def _without_time(name: str, entry: dict[str, Raw]) -> str:
    """A digest of an entry without the time at which it was sent, which differs between attempts."""
    return _digest(_delivery(name, Raw(_encode({n: v for n, v in entry.items() if n != "time"}))))


def _of_entry(name: str, entry: Raw) -> Iterator[WebhookItem | OtherEntry | Ignored | Unmapped]:
    try:
        parts = _parts(entry)
        account = text(_decode_any(parts["id"])) if "id" in parts else ""
        time = _decode_any(parts["time"]) if "time" in parts else None
        notices = [(section, _each(parts[section])) for section in SECTIONS if section in parts]
    except _BROKEN as error:
        whole = _delivery(name, entry)
        yield Unmapped(_digest(whole), f"malformed entry: {error}", whole)
        return
    others = set(parts) - {"id", "time", "uid", *SECTIONS}
    if not notices and others:
        kind = next((name for name in LEFT_OUT if name in others), "")
        if kind:
            yield Ignored(kind, LEFT_OUT[kind])
            return
        whole = _delivery(name, entry)
        if "calls" in others:
            yield OtherEntry(name, account, "calls", whole, _without_time(name, parts))
            return
        section, notice = _flat(parts)
        if section is None:
            yield Unmapped(_digest(whole), f"unknown-kind: an entry with {', '.join(sorted(others))[:64]!r}", whole)
            return
        notices = [(section, [notice])]
    if not any(raws for _, raws in notices):
        yield Ignored("no-notices", "the entry has neither messages nor changes")
    for section, raws in notices:
        for raw in raws:
            yield _item(name, account, time, section, raw)


def _flat(parts: dict[str, Raw]) -> tuple[Section | None, Raw]:
    """An entry that is itself the notice: with Instagram login a change
    (developers.facebook.com/docs/instagram-platform/webhooks/examples, "Comments payload"), of Messenger the answer to
    a wish to call (.../messenger-platform/calling/biz2consumer/call-flow)."""
    if "field" in parts and "value" in parts:
        return "changes", _object(parts, "field", "value")
    if "sender" in parts and "recipient" in parts:
        return "messaging", _object(parts, *(name for name in parts if name not in ("id", "time", "uid")))
    return None, Raw()


def _object(parts: dict[str, Raw], *names: str) -> Raw:
    return Raw(_encode({name: parts[name] for name in names}))


def _item(name: str, account: str, time: Any, section: Section, raw: Raw) -> WebhookItem | Unmapped:
    notice = _compact(raw)
    head: dict[str, Any] = {"id": account} if account else {}
    timed = {**head, "time": time} if isinstance(time, int | str) else head
    try:
        value = strict_json.decode(bytes(raw))
    except Refused as refused:
        return Unmapped(
            _digest(bytes(notice)), f"malformed {section}: {refused.detail}", _alone(name, timed, section, notice)
        )
    if not isinstance(value, dict):
        return Unmapped(_digest_of(value), f"malformed {section}: not an object", _alone(name, timed, section, notice))
    return _item_of(name, account, time, section, value, notice)


def _item_of(name: str, account: str, time: Any, section: Section, value: Json, notice: Json | Raw) -> WebhookItem:
    """Return an item. ``notice``: ``value`` as it was written, without blanks."""
    entry: dict[str, Any] = {"id": account} if account else {}
    if isinstance(time, _WRITTEN) and "timestamp" not in value and "created_time" not in obj(value.get("value")):
        entry["time"] = time
    entry[section] = [notice]
    raw = _encode({"object": name, "entry": [entry]})
    return WebhookItem(name, account, time, section, value, value, raw)


def _alone(name: str, head: dict[str, Any], section: Section, notice: Raw) -> bytes:
    """Return a delivery with one notice alone. ``head``: what else its entry says."""
    return _encode({"object": name, "entry": [{**head, section: [notice]}]})


def _delivery(name: str, entry: Raw) -> bytes:
    return _encode({"object": name, "entry": [_compact(entry)]})


def _compact(raw: Raw) -> Raw:
    """Without the blanks between tokens: an event is one line."""
    try:
        return Raw(msgspec.json.format(bytes(raw), indent=-1))
    except _BROKEN:
        return raw


def _digest(content: bytes) -> str:
    return sha256_hex(content)[:32]


def _digest_of(value: Any) -> str:
    return _digest(json.dumps(value, sort_keys=True).encode())

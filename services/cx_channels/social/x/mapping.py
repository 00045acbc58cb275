"""Map X's deliveries, of both APIs, element by element."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from cx_channels.kit.drafts import sort_outcomes
from cx_channels.kit.json_values import first, obj, read_object, text
from cx_channels.kit.outcomes import Outcome, bounded
from cx_channels.kit.signing import sha256_hex
from cx_channels.provider import Connection, Mapped, Request, Unmapped
from cx_channels.social.x.account import Account, encode, users_of
from cx_channels.social.x.direct import map_encrypted, map_message, map_read
from cx_channels.social.x.kinds import IGNORED, ignored
from cx_channels.social.x.posts import map_broadcast_chat, map_deletion, map_like, map_post
from cx_events.dead_letters import UNKNOWN_KIND
from cx_events.errors import Refused
from cx_events.json_types import Json

Mapper = Callable[[Account, Json], Iterator[Outcome]]

_BESIDE = frozenset({"for_user_id", "users", "apps", "user_has_blocked", "is_blocked_by"})
_POST = "cx.social.mention, cx.social.comment of replies to us and ours, cx.social.post of ours, cx.message.edited"
_MESSAGE = "cx.message.received, cx.message.sent"

ARRAYS: Mapping[str, tuple[Mapper, str]] = {
    "direct_message_events": (map_message, _MESSAGE),
    "direct_message_mark_read_events": (map_read, "cx.message.read"),
    "tweet_create_events": (map_post, _POST),
    "tweet_delete_events": (map_deletion, "cx.message.deleted"),
    "favorite_events": (map_like, "cx.message.reacted"),
}
"""Of a delivery of Account Activity, and of payloads of direct messages."""

PAYLOADS: Mapping[str, tuple[Mapper, str]] = {
    "post.create": (map_post, _POST),
    "post.mention.create": (map_post, _POST),
    "post.reply.create": (map_post, _POST),
    "post.quote.create": (map_post, _POST),
    "post.delete": (map_deletion, "cx.message.deleted"),
    "like.create": (map_like, "cx.message.reacted"),
    "broadcast.chat": (map_broadcast_chat, "cx.social.comment of a broadcast"),
    "chat.received": (map_encrypted, "cx.message.received without words"),
    "chat.sent": (map_encrypted, "cx.message.sent without words"),
}
"""Of the X Activity API, by event type."""

_NESTED = {"dm.received": _MESSAGE, "dm.sent": _MESSAGE, "dm.read": "cx.message.read"}
_OTHER_NAMES = {
    "direct_message_indicate_typing_events": "typing",
    "dm.indicate_typing": "typing",
    "post.repost.create": "repost",
    "oauth.revoke": "revoke",
    "user_event": "revoke",
}

DOCUMENTED: Mapping[str, str] = {
    **{kind: becomes for kind, (_, becomes) in (*ARRAYS.items(), *PAYLOADS.items())},
    **_NESTED,
    **{kind: f"ignored: {why}" for kind, why in IGNORED.items()},
}


def map_request(request: Request, connection: Connection) -> Mapped:
    """Map one delivery; X's check of the address has no events. Raise ``Refused("malformed")`` for any other body."""
    if request.method == "GET":
        return Mapped(ignored=(ignored("crc"),))
    value = read_object(request.body)
    data = value.get("data")
    outcomes = _of_activity(connection, data) if isinstance(data, dict) else _of_account(connection, value)
    return sort_outcomes(bounded(outcomes, lambda: sha256_hex(request.body)[:32], encode(value)))


def _of_account(connection: Connection, value: Json) -> Iterator[Outcome]:
    kinds = [name for name in value if name not in _BESIDE]
    if not any(name.endswith(("_events", "_event")) for name in kinds):
        raise Refused("malformed", "the delivery has no events")
    # In older samples people stand among the applications.
    account = Account(connection, text(value.get("for_user_id")), users_of(value.get("apps"), value.get("users")))
    for kind in kinds:
        yield from _of_kind(account, kind, value[kind])


def _of_activity(connection: Connection, data: Json) -> Iterator[Outcome]:
    kind, payload = text(data.get("event_type")), obj(data.get("payload"))
    if not kind:
        raise Refused("malformed", "the delivery names no event_type")
    people = users_of(obj(data.get("includes")).get("users"), payload.get("users"), [payload.get("author")])
    account = Account(connection, text(obj(data.get("filter")).get("user_id")), people)
    if kind in PAYLOADS:
        yield from PAYLOADS[kind][0](account, payload)
    elif kind in _NESTED:
        found = [name for name in payload if name in ARRAYS]
        if not found:
            yield account.lost(kind, "its payload has no events", payload)
        for name in found:
            yield from _of_kind(account, name, payload[name])
    else:
        yield _other(kind, {"data": data})


def _of_kind(account: Account, kind: str, elements: Any) -> Iterator[Outcome]:
    if kind not in ARRAYS:
        yield _other(kind, {kind: elements})
        return
    for element in elements if isinstance(elements, list) else [elements]:
        if isinstance(element, dict):
            yield from ARRAYS[kind][0](account, element)
        else:
            yield account.lost(kind, "not an object", {kind: [element]})


def _other(kind: str, original: Json) -> Outcome:
    name = _OTHER_NAMES.get(kind, kind)
    if name in IGNORED:
        return ignored(name)
    raw = encode(original)
    return Unmapped(sha256_hex(raw)[:32], f"{UNKNOWN_KIND}: {kind[:64]!r}", raw)


def kinds_of(request: Request, connection: Connection) -> tuple[str, ...]:
    """Return the kinds of a delivery, as ``DOCUMENTED`` names them."""
    if request.method == "GET":
        return ("crc",)
    value = read_object(request.body)
    found = [first(obj(value.get("data")).get("event_type"))] if "data" in value else list(value)
    return tuple(kind for kind in found if kind in DOCUMENTED)

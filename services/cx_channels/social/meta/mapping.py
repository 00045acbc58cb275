"""What Meta's deliveries become: Messenger and Instagram, messages and public life.

``KINDS`` and ``IGNORED`` together name every kind that is documented. Each has a small function in ``messaging`` (a
person and a page, in private) or ``changes`` (a page's feed, an Instagram account's media).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from cx_channels.foreign import Json, obj, text, texts
from cx_channels.outcomes import bounded
from cx_channels.port import Connection, Ignored, Mapped, Request, Unmapped
from cx_channels.social.meta import changes, left_out, messaging
from cx_channels.social.meta.body import LEFT_OUT, Item, items_of
from cx_events.envelope import Draft

KINDS: Mapping[str, tuple[Callable[..., Iterator[Draft | Ignored | Unmapped]], str]] = {
    **messaging.KINDS,
    **changes.KINDS,
}

IGNORED: Mapping[str, str] = {
    **messaging.IGNORED,
    **left_out.IGNORED,
    "object/whatsapp_business_account": "WhatsApp belongs to a connection of its own",
    "object/unknown": "an object that is neither page nor instagram",
    **LEFT_OUT,
    "no-entries": "the delivery has no entries",
    "no-notices": "the entry has neither messages nor changes",
    "other-account": "the setting accounts does not list the entry's page or account",
    "subscription-check": "a GET carries no events; its answer is the challenge",
}

DOCUMENTED: Mapping[str, str] = {
    **{kind: becomes for kind, (_, becomes) in KINDS.items()},
    **{kind: f"ignored: {why}" for kind, why in IGNORED.items()},
}


def map_request(request: Request, connection: Connection) -> Mapped:
    """All notices of a delivery, in order. ``Refused("malformed")`` for what is no delivery at all."""
    if request.method == "GET":
        return Mapped(ignored=(_ignored("subscription-check"),))
    drafts: list[Draft] = []
    ignored: list[Ignored] = []
    unmapped: list[Unmapped] = []
    for item in items_of(request.body):
        for outcome in _bounded(item, connection) if isinstance(item, Item) else (item,):
            if isinstance(outcome, Draft):
                drafts.append(outcome)
            elif isinstance(outcome, Ignored):
                ignored.append(outcome)
            else:
                unmapped.append(outcome)
    return Mapped(tuple(drafts), tuple(ignored), tuple(unmapped))


def _bounded(item: Item, connection: Connection) -> Iterator[Draft | Ignored | Unmapped]:
    return bounded(_of_item(item, connection), item.digest, item.raw)


def _of_item(item: Item, connection: Connection) -> Iterator[Draft | Ignored | Unmapped]:
    accounts = texts(_listed(connection.settings.get("accounts")))
    if accounts and not item.account:
        yield Unmapped(item.digest, "malformed entry: without an id nobody can tell whose it is", item.raw)
    elif accounts and item.account not in accounts:
        yield _ignored("other-account")
    elif item.section != "changes" and _is_comment(item.value):
        comment = replace(item, value={"field": "group_feed", "value": item.value})
        yield from changes.map_change(comment, connection)
    elif item.section != "changes":
        yield from messaging.map_messaging(item, connection)
    elif _is_message(item.value):
        message = replace(item, value=obj(item.value.get("value")))
        yield from messaging.map_messaging(message, connection)
    else:
        yield from changes.map_change(item, connection)


def _is_message(value: Json) -> bool:
    """Instagram's own login, and the dashboard's test button, send messages as changes."""
    inner = obj(value.get("value"))
    return "sender" in inner and "recipient" in inner and text(value.get("field")) not in ("feed", "ratings")


def _is_comment(value: Json) -> bool:
    """What is said below a page's post in a group comes among the messages
    (developers.facebook.com/documentation/business-messaging/messenger-platform/webhooks/webhook-events/group-feed)."""
    return "comment_id" in value and "sender" not in value


def _listed(value: Any) -> Any:
    return value if isinstance(value, list | tuple) or value is None else [value]


def _ignored(kind: str) -> Ignored:
    return Ignored(kind, IGNORED[kind])

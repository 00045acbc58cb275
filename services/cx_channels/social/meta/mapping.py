"""Map Meta's deliveries: Messenger and Instagram, private messages and public activity, and WhatsApp.

``KINDS``, ``IGNORED`` and the tables of ``unmapped_kinds`` together name every documented kind. Each of ``KINDS`` has a
small function: private messages below ``messaging``, a page's feed and an Instagram account's media in ``changes``.
WhatsApp is mapped by ``kit.whatsapp``, as at the door of ``social/whatsapp``, which names its kinds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from msgspec.structs import replace

from cx_channels.kit.drafts import sort_outcomes
from cx_channels.kit.json_values import obj, text
from cx_channels.kit.meta_envelope import LEFT_OUT, OtherEntry, WebhookItem, read_items
from cx_channels.kit.outcomes import Outcome, bounded, no_adapter
from cx_channels.kit.settings import texts_of
from cx_channels.kit.whatsapp import mapping as whatsapp
from cx_channels.kit.whatsapp.delivery import OBJECT as WHATSAPP
from cx_channels.provider import Connection, Ignored, Mapped, Request, Unmapped
from cx_channels.social.meta import changes, ignored_kinds, messaging, unmapped_kinds
from cx_events.dead_letters import UNKNOWN_KIND
from cx_events.json_types import Json

KINDS: Mapping[str, tuple[Callable[..., Outcome | Iterable[Outcome]], str]] = {
    **messaging.KINDS,
    **changes.KINDS,
}

IGNORED: Mapping[str, str] = {
    **messaging.IGNORED,
    **ignored_kinds.IGNORED,
    **LEFT_OUT,
    "no-entries": "the delivery has no entries",
    "no-notices": "the entry has neither messages nor changes",
    "other-account": "the setting accounts does not list the entry's page or account",
    "subscription-check": "a GET carries no events; its answer is the challenge",
}

DOCUMENTED: Mapping[str, str] = {
    **{kind: becomes for kind, (_, becomes) in KINDS.items()},
    **{kind: f"ignored: {why}" for kind, why in IGNORED.items()},
    **{kind: f"kept: {why}" for kind, why in unmapped_kinds.KINDS.items()},
    **{f"object/{name}": f"kept: {why}" for name, why in unmapped_kinds.OBJECTS.items()},
    f"object/{WHATSAPP}": "WhatsApp, as social/whatsapp maps it: cx.message.received and all else there",
}


def map_request(request: Request, connection: Connection) -> Mapped:
    """Map all items of a delivery, in order. Raise ``Refused("malformed")`` for a body that is no delivery."""
    if request.method == "GET":
        return Mapped(ignored=(_ignored("subscription-check"),))
    found: list[Outcome] = []
    for item in read_items(request.body):
        found += _outcomes(item, connection)
    return sort_outcomes(found)


def kinds_of(request: Request, _connection: Connection) -> tuple[str, ...]:
    """Return the kinds of a delivery's notices, as ``DOCUMENTED`` names them."""
    if request.method == "GET":
        return ()
    kinds = [_kind_of(item) for item in read_items(request.body) if isinstance(item, WebhookItem | OtherEntry)]
    return tuple(kind for kind in kinds if kind in DOCUMENTED)


def _kind_of(item: WebhookItem | OtherEntry) -> str:
    if isinstance(item, OtherEntry):
        return item.kind if item.kind in unmapped_kinds.KINDS else f"object/{item.object}"
    value = item.value
    if item.section != "changes" and _is_comment(value):
        return "group_feed"
    if item.section != "changes":
        return messaging.kind_of(value)
    if _is_message(value):
        return messaging.kind_of(obj(value.get("value")))
    return changes.kind_of(text(value.get("field")).lower(), obj(value.get("value")))


def _outcomes(item: WebhookItem | OtherEntry | Ignored | Unmapped, connection: Connection) -> Iterable[Outcome]:
    if isinstance(item, WebhookItem):
        return bounded(_of_item(item, connection), lambda: item.digest, item.raw)
    if isinstance(item, OtherEntry) and item.object == WHATSAPP:
        return whatsapp.outcomes_of(item.raw, connection)
    return (_kept(item, connection),) if isinstance(item, OtherEntry) else (item,)


def _kept(other: OtherEntry, connection: Connection) -> Ignored | Unmapped:
    """Return what becomes of an item without a mapping: it is kept, or ignored where its account is not the
    connection's."""
    accounts = connection.once(_accounts)
    if accounts and other.account not in accounts:
        return _ignored("other-account")
    why = unmapped_kinds.KINDS.get(other.kind) or unmapped_kinds.OBJECTS.get(other.object)
    if why is None:
        return Unmapped(other.digest, f"{UNKNOWN_KIND}: the object {other.object[:64]!r}", other.raw)
    return no_adapter(other.kind, why, other.digest, other.raw)


def _of_item(item: WebhookItem, connection: Connection) -> Iterable[Outcome]:
    accounts = connection.once(_accounts)
    if accounts and not item.account:
        return (Unmapped(item.digest, "malformed entry: it has no id, so its account is unknown", item.raw),)
    if accounts and item.account not in accounts:
        return (_ignored("other-account"),)
    if item.section != "changes" and _is_comment(item.value):
        comment = replace(item, value={"field": "group_feed", "value": item.value})
        return (changes.map_change(comment, connection),)
    if item.section != "changes":
        return messaging.map_messaging(item, connection)
    if _is_message(item.value):
        message = replace(item, value=obj(item.value.get("value")))
        return messaging.map_messaging(message, connection)
    return (changes.map_change(item, connection),)


def _is_message(value: Json) -> bool:
    """Return whether a change is a message: Instagram's own login, and the dashboard's test button, send them so."""
    inner = obj(value.get("value"))
    return "sender" in inner and "recipient" in inner and text(value.get("field")) not in ("feed", "ratings")


def _is_comment(value: Json) -> bool:
    """Return whether an item of ``messaging`` is a comment below a page's post in a group
    (developers.facebook.com/documentation/business-messaging/messenger-platform/webhooks/webhook-events/group-feed)."""
    return "comment_id" in value and "sender" not in value


def _accounts(connection: Connection) -> list[str]:
    return texts_of(connection.settings, "accounts")


def _ignored(kind: str) -> Ignored:
    return Ignored(kind, IGNORED[kind])

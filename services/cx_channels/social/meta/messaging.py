"""Map the items of ``messaging`` and ``standby``: the table of their kinds.

Shapes: developers.facebook.com/docs/messenger-platform/reference/webhook-events and, for Instagram,
developers.facebook.com/docs/messenger-platform/instagram/features/webhook. All that a person and a page write to each
other is one interaction, ``CONNECTION/PAGE:PERSON``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from cx_channels.kit.json_values import first, obj
from cx_channels.kit.meta_envelope import WebhookItem
from cx_channels.kit.outcomes import Outcome, no_adapter
from cx_channels.provider import Connection, Ignored, Unmapped
from cx_channels.social.meta.messages import (
    map_deletion,
    map_delivery,
    map_echo,
    map_edit,
    map_message,
    map_order,
    map_postback,
    map_reaction,
    map_read,
    map_response_feedback,
    map_unsupported,
)
from cx_channels.social.meta.messaging_event import MessagingEvent
from cx_channels.social.meta.people import peers_of
from cx_channels.social.meta.person_actions import (
    map_account_linking,
    map_call_permission,
    map_customer_information,
    map_feedback,
    map_optin,
    map_referral,
)
from cx_channels.social.meta.thread_control import map_thread_pass, map_thread_request, map_thread_take
from cx_channels.social.meta.unmapped_kinds import KINDS as WAITING
from cx_events.json_types import Json

Mapper = Callable[[MessagingEvent], Iterable[Outcome]]


KINDS: Mapping[str, tuple[Mapper, str]] = {
    "message": (map_message, "cx.message.received"),
    "message/is_echo": (map_echo, "cx.message.sent"),
    "message/is_deleted": (map_deletion, "cx.message.deleted"),
    "message/is_unsupported": (map_unsupported, "cx.message.received with reason unsupported"),
    "message_edit": (map_edit, "cx.message.edited"),
    "reaction": (map_reaction, "cx.message.reacted; without a reaction when it is taken back"),
    "response_feedback": (map_response_feedback, "cx.message.reacted"),
    "postback": (map_postback, "cx.message.received with the button's title"),
    "order": (map_order, "cx.message.received with reason order: a cart with its note"),
    "delivery": (map_delivery, "cx.message.delivered, for each message or up to the watermark"),
    "read": (map_read, "cx.message.read"),
    "referral": (map_referral, "cx.interaction.started with the ref as a token"),
    "optin": (map_optin, "cx.consent.changed for notifications, else cx.interaction.started"),
    "call_permission_reply": (map_call_permission, "cx.consent.changed (calls)"),
    "account_linking": (
        map_account_linking,
        "cx.identity.verified where the code is signed, else cx.identity.asserted; ignored without the setting "
        "account_linking",
    ),
    "messaging_customer_information": (map_customer_information, "cx.identity.asserted"),
    "messaging_feedback": (map_feedback, "cx.survey.answered, for each question"),
    "request_thread_control": (map_thread_request, "cx.handoff.requested"),
    "pass_thread_control": (map_thread_pass, "cx.handoff.requested"),
    "take_thread_control": (map_thread_take, "cx.handoff.accepted"),
}


IGNORED: Mapping[str, str] = {
    "app_roles": "which app is primary is a matter of configuration",
    "policy_enforcement": "Meta's measures against the page name no customer",
    "policy-enforcement": "Meta's measures against the page name no customer",
    "game_play": "rounds of an instant game are no contact with the business",
    "message_request": "the person's first message follows by itself",
    "is_self": "the account writes to itself",
    "no-content": "nothing but who, to whom and when",
}


_HEAD = frozenset({"sender", "recipient", "timestamp", "prior_message", "hop_context", "message_context", "is_standby"})
_MEMBERS = tuple(kind for kind in (*KINDS, *IGNORED, *WAITING) if kind not in _HEAD)
"""Kinds by the member of an item that tells them, those that are mapped first."""


def kind_of(value: Json) -> str:
    """Return the kind of an item as the tables name it; where neither table has it, the name of its member."""
    message = value.get("message")
    if value.get("is_self") is True:
        return "is_self"
    if isinstance(message, dict):
        if message.get("is_self") is True:
            return "is_self"
        for flag in ("is_deleted", "is_unsupported", "is_echo"):
            if message.get(flag) is True:
                return f"message/{flag}"
        return "message"
    for kind in _MEMBERS:
        if kind in value:
            return kind
    return next((name for name in value if name not in _HEAD), "no-content")


def map_messaging(item: WebhookItem, connection: Connection) -> Iterable[Outcome]:
    """Map one item. Return ``Unmapped`` where its kind is unknown, or where it names no person."""
    kind = kind_of(item.value)
    if kind in IGNORED:
        return (Ignored(kind, IGNORED[kind]),)
    if kind in WAITING:
        return (no_adapter(kind, WAITING[kind], item.digest, item.raw),)
    if kind not in KINDS:
        return (_lost(item, f"unknown-kind: {kind[:64]!r} in {item.section}"),)
    body = item.value.get(kind.partition("/")[0])
    if not isinstance(body, dict):
        return (_lost(item, f"malformed {kind}: not an object"),)
    peers = peers_of(item)
    if peers is None:
        return (_lost(item, f"malformed {kind}: no person or no account is named"),)
    return KINDS[kind][0](MessagingEvent(item, connection, peers, body))


def _lost(item: WebhookItem, reason: str) -> Unmapped:
    mid = first(*(obj(each).get("mid") for each in item.value.values()))
    return Unmapped(mid or item.digest, reason, item.raw)

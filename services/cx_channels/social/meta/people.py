"""Identify the people on a page or an Instagram account.

A person's id is valid within one page or account alone (page-scoped, Instagram-scoped), which is its scope.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from msgspec import Struct

from cx_channels.kit.json_values import obj, text, texts
from cx_channels.kit.meta_envelope import WebhookItem
from cx_events.envelope import Direction, Identifier, Participant, Role
from cx_events.json_types import Json
from cx_events.weights import CLAIMED, PROVED

PAGE_INBOX = "263902037430900"
"""The app id of Meta's own inbox, where people at the business write
(developers.facebook.com/docs/messenger-platform/handover-protocol, "Page Inbox")."""

_CACHED = 1024
_PERSON = {"page": "facebook-psid", "instagram": "instagram"}
_ACCOUNT = {"page": "facebook-page", "instagram": "instagram-account"}


class Peers(Struct, frozen=True, gc=False):
    """The two ends of a message. ``user_ref`` stands for a person whose id the page may not know yet."""

    account: str
    user: str
    user_ref: str
    from_account: bool

    @property
    def thread(self) -> str:
        # A page's script makes up the user_ref: whoever opens the page could take another person's id for it.
        return f"{self.account}:{self.user or f'ref:{self.user_ref}'}"


def peers_of(item: WebhookItem) -> Peers | None:
    """Return the two ends; None where no person is named.

    The account is the end that the entry is about; where neither end is, the sender of an echo, else the recipient.
    """
    value = item.value
    sender, recipient = obj(value.get("sender")), obj(value.get("recipient"))
    sent, received = text(sender.get("id")), text(recipient.get("id"))
    echo = obj(value.get("message")).get("is_echo") is True
    if item.account and item.account in (sent, received):
        outward = item.account == sent and item.account != received
    else:
        outward = echo
    account, user = (sent, recipient) if outward else (received, sender)
    account = account or item.account
    ref = text(user.get("user_ref"))
    if not ref and "optin" in value:
        ref = text(obj(value["optin"]).get("user_ref"))
    peers = Peers(account, text(user.get("id")), ref, outward or echo)
    return peers if peers.account and (peers.user or peers.user_ref) else None


def customer(object: str, account: str, user: str, *, user_ref: str = "", name: str = "") -> Participant:
    """Return a person with the ids that this page or account has for them.

    The id is Meta's own, of somebody who is logged in there: proved. The ``user_ref`` of a checkbox is made by the page
    that shows it, in the visitor's browser (developers.facebook.com/docs/messenger-platform/discovery/checkbox-plugin):
    a claim.
    """
    identifiers = [Identifier(kind=_PERSON[object], value=user, scope=account, weight=PROVED)] if user else []
    if user_ref and user_ref != user:
        identifiers.append(Identifier(kind="facebook-user-ref", value=user_ref, scope=account, weight=CLAIMED))
    return Participant(role="customer", name=name, identifiers=identifiers)


@lru_cache(_CACHED)
def business(object: str, account: str, *, name: str = "") -> Participant:
    """Return the page or the account. Cached: all its events name it."""
    return Participant(role="business", name=name, identifiers=[Identifier(kind=_ACCOUNT[object], value=account)])


def writer_of(app: str, settings: Mapping[str, Any]) -> Participant | None:
    """Return who wrote for the business: a person in Meta's inbox, or one of the apps in the settings ``bots`` and
    ``agents``.

    None where nothing tells, as on Instagram, which names no app.
    """
    role: Role
    if app in texts(settings.get("bots")):
        role = "bot"
    elif app == PAGE_INBOX or app in texts(settings.get("agents")):
        role = "agent"
    else:
        return None
    return Participant(role=role, id=app)


def participants_of(
    item: WebhookItem, peers: Peers, settings: Mapping[str, Any]
) -> tuple[Direction, list[Participant]]:
    """Return a message's direction and its participants, the writer first."""
    value: Json = item.value
    ref, prior = peers.user_ref, obj(value.get("prior_message"))
    if not ref and prior.get("source") == "checkbox_plugin":
        ref = text(prior.get("identifier"))
    person = customer(item.object, peers.account, peers.user, user_ref=ref)
    page = business(item.object, peers.account)
    if not peers.from_account:
        return "inbound", [person, page]
    message = obj(value.get("message"))
    writer = writer_of(text(message.get("app_id")), settings) if message else None
    return "outbound", [writer, page, person] if writer else [page, person]

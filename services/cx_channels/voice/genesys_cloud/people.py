"""Tell who is who in a conversation of Genesys Cloud, by the addresses of the customer's session.

Of a session that came in, ``ani`` (calls) and ``addressFrom`` (messages, mails) are the customer's and ``dnis`` and
``addressTo`` ours; of one that went out it is the reverse. Addresses are URIs (``tel:+4930...``, ``sip:...@...``) or
plain. Fields and words: Genesys' own SDK, PyPI PureCloudPlatformClientV2, models ``*_detail_event_topic_*``,
``analytics_session`` and ``conversation_event_topic_*``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cx_channels.kit.json_values import first, obj, text, texts
from cx_channels.kit.number_lists import number_in
from cx_channels.provider import Connection
from cx_events.envelope import Identifier, Participant, Weight
from cx_events.json_types import Json
from cx_events.weights import ASSERTED, CLAIMED

EXTERNAL_CONTACT = "genesys-contact"

_NETWORKS: Mapping[str, tuple[str, Weight]] = {
    "SMS": ("phone", CLAIMED),
    "WHATSAPP": ("phone", ASSERTED),
    "FACEBOOK": ("facebook-psid", ASSERTED),
    "INSTAGRAM": ("instagram", ASSERTED),
    "LINE": ("line", ASSERTED),
    "TWITTER": ("x", ASSERTED),
    "APPLE": ("apple-business", ASSERTED),
    "LINKEDIN": ("linkedin", ASSERTED),
    "TELEGRAM": ("telegram", ASSERTED),
    "VIBER": ("viber", ASSERTED),
    "WECHAT": ("wechat", ASSERTED),
    "KAKAO": ("kakao", ASSERTED),
    "OPEN": ("genesys-open", CLAIMED),
    "WEBMESSAGING": ("cookie", CLAIMED),
}
"""The kind of a message's address and its weight, by messageType: the network knows whom it serves, and Genesys says
so; of OPEN whoever integrates it writes what it likes."""
_SCOPED = frozenset({"facebook-psid", "instagram", "viber", "wechat", "kakao"})
"""Ids that mean somebody at one page or account alone, which is the other address."""


def customer(
    session: Json, connection: Connection, organization: str, *, outbound: bool, name: str = ""
) -> list[Participant]:
    """Return customer and business of the customer's session; nobody where it names none."""
    theirs, ours = _addresses(session, outbound=outbound)
    kind, weight = _kind(session)
    identifiers = _identifiers(kind, theirs, weight, ours)
    identifiers += [
        each
        for number in texts(session.get("callbackNumbers"))[:1]
        for each in _identifiers("phone", number, CLAIMED, "")
    ]
    known = text(session.get("externalContactId"))
    if known:
        trusted: Weight = ASSERTED if connection.settings.get("external_contacts") == "asserted" else CLAIMED
        identifiers.append(Identifier(kind=EXTERNAL_CONTACT, value=known, scope=organization, weight=trusted))
    business = _identifiers(kind, ours, CLAIMED, "") if kind in ("phone", "email") else []
    taken = {each.value for each in business}
    identifiers = [each for each in identifiers if each.value not in taken]
    found = []
    name = name or text(session.get("callbackUserName"))
    if identifiers or name:
        found.append(Participant(role="customer", name=name, identifiers=identifiers))
    if business:
        found.append(Participant(role="business", identifiers=business))
    return found


def _addresses(session: Json, *, outbound: bool) -> tuple[str, str]:
    """Return the customer's address and ours."""
    caller = first(session.get("addressFrom"), session.get("ani"))
    called = first(session.get("addressTo"), session.get("dnis"))
    return (called, caller) if outbound else (caller, called)


def _kind(session: Json) -> tuple[str, Weight]:
    media = text(session.get("mediaType")).upper()
    if media == "EMAIL":
        return "email", CLAIMED
    if media == "MESSAGE":
        return _NETWORKS.get(text(session.get("messageType")).upper().replace("-", ""), ("", CLAIMED))
    return ("phone", CLAIMED) if media in ("VOICE", "CALLBACK", "CALL", "") else ("", CLAIMED)


def _identifiers(kind: str, address: str, weight: Weight, ours: str) -> list[Identifier]:
    if not kind or not address:
        return []
    value = number_in(address) if kind == "phone" else address.removeprefix("mailto:")
    if weight == ASSERTED and kind == "phone" and value.isdecimal():
        value = f"+{value}"  # WhatsApp writes numbers with their country, without a plus
    scope = ours if kind in _SCOPED else ""
    return [Identifier(kind=kind, value=value, scope=scope, weight=weight)] if value else []


def address_of(value: Any) -> str:
    """Return the address in an ``Address`` of a conversation topic."""
    return first(
        obj(value).get("addressNormalized"), obj(value).get("addressRaw"), obj(value).get("addressDisplayable")
    )

"""Tell who is at an address of Vonage Messages.

Numbers are E.164 without a plus on SMS, MMS, RCS, WhatsApp and Viber; a short code or an alphanumeric sender is
nobody's own. Messenger's are ids of Meta's for one page (developer.vonage.com/en/messages/concepts/
messages-status-callbacks).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from cx_channels.kit.json_values import first, obj, text
from cx_channels.kit.whatsapp.people import BSUID, PARENT_BSUID
from cx_events.envelope import Channel, Identifier, Participant, Weight
from cx_events.json_types import Json
from cx_events.weights import ASSERTED, CLAIMED, PROVED

WEIGHTS: Mapping[str, Mapping[Weight, str]] = {
    "phone": {
        "proved": "a WhatsApp or Viber number, whose possession the network checks; Vonage signs what it passes on",
        "asserted": "an RCS number, which the carrier's own service names",
        "claimed": "the sender of a text message can be forged",
    },
    BSUID: {"proved": "Meta's own id of a WhatsApp user"},
    PARENT_BSUID: {"proved": "Meta's own id of a WhatsApp user at the businesses of one company"},
    "facebook-psid": {"proved": "Meta's own id of somebody logged in there"},
}

_CACHED = 1024
_USER_ID = re.compile(r"[A-Z]{2}\.[A-Za-z0-9]{1,128}")
_PARENT_ID = re.compile(r"[A-Z]{2}\.ENT\.[A-Za-z0-9]{1,128}")
_PHONE_WEIGHTS: Mapping[str, Weight] = {
    "sms": CLAIMED, "mms": CLAIMED, "rcs": ASSERTED, "whatsapp": PROVED, "viber_service": PROVED, "viber": PROVED,
}  # fmt: skip
_CHANNELS: Mapping[str, Channel] = {"sms": "sms", "mms": "sms", "rcs": "sms"}
"""What comes to a telephone's own inbox; all else is a social network's."""


def channel_of(network: str) -> Channel:
    """Return the channel of an event."""
    return _CHANNELS.get(network, "social")


def address_of(value: Any) -> str:
    """Return an address: a text, or in version 0.1 ``{"type": "sms", "number": "4477..."}`` or one with ``id``."""
    return text(value) or first(obj(value).get("number"), obj(value).get("id"))


def whatsapp_user(told: Json) -> Json:
    """Return what WhatsApp tells of the customer beside the address, with ``user_id``, ``parent_user_id`` and ``wa_id``
    (the number): of a message that came in the sender, of a status the recipient (en/messages/guides/
    handling-whatsapp-usernames-and-bsuids, below developer.vonage.com)."""
    whatsapp = obj(told.get("whatsapp"))
    return obj(whatsapp.get("sender")) or obj(whatsapp.get("recipient"))


def customer(network: str, theirs: str, ours: str, told: Json) -> Participant | None:
    """Return the customer by the address and what WhatsApp tells besides. ``told``: the whole notice."""
    found: list[Identifier] = []
    is_number = _is_number(theirs)
    if network == "messenger" and theirs:
        found = [Identifier(kind="facebook-psid", value=theirs, scope=ours, weight=PROVED)]
    elif is_number and network in _PHONE_WEIGHTS:
        found = [_phone(theirs, _PHONE_WEIGHTS[network])]
    profile = obj(told.get("profile"))
    # Of most a number is all that is told: then there is no other id to look for.
    if network == "whatsapp" and ("whatsapp" in told or "user_id" in profile or not is_number):
        found += _whatsapp_ids(theirs, ours, profile, told)
    name = first(profile.get("name"), profile.get("username")) if profile else ""
    if not found and not name:
        return None
    return Participant(role="customer", name=name, identifiers=found)


def _is_number(address: str) -> bool:
    """Return whether an address is a number: 7 to 15 digits, with a plus or without."""
    digits = address.removeprefix("+")
    return 7 <= len(digits) <= 15 and digits.isascii() and digits.isdecimal()


def _phone(number: str, weight: Weight) -> Identifier:
    return Identifier(kind="phone", value=number if number.startswith("+") else f"+{number}", weight=weight)


def _whatsapp_ids(theirs: str, ours: str, profile: Json, told: Json) -> list[Identifier]:
    """Return Meta's own ids of a user, and the number where it is told and is not the address."""
    whatsapp, user = obj(told.get("whatsapp")), whatsapp_user(told)
    found: list[Identifier] = []
    number = text(user.get("wa_id"))
    if not _is_number(theirs) and _is_number(number):
        found.append(_phone(number, PROVED))
    for id in (theirs, profile.get("user_id"), whatsapp.get("user_id"), user.get("user_id")):
        if isinstance(id, str) and _USER_ID.fullmatch(id):
            found.append(Identifier(kind=BSUID, value=id, scope=text(whatsapp.get("waba_id")) or ours, weight=PROVED))
            break
    for id in (theirs, user.get("parent_user_id")):
        if isinstance(id, str) and _PARENT_ID.fullmatch(id):
            found.append(Identifier(kind=PARENT_BSUID, value=id, weight=PROVED))
            break
    return found


@lru_cache(_CACHED)
def business(ours: str) -> Participant:
    """Return the business by its own number, short code, name or page. Cached: all its messages name it."""
    return Participant(role="business", identifiers=[Identifier(kind="vonage-address", value=ours)])

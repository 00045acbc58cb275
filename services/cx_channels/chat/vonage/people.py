"""Who is at an address of Vonage Messages.

Numbers are E.164 without a plus on SMS, MMS, RCS, WhatsApp and Viber; a short code or an alphanumeric sender is
nobody's own. Messenger's are ids of Meta's for one page (developer.vonage.com/en/messages/concepts/
messages-status-callbacks).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from cx_channels.kit.json_values import first, obj, text
from cx_channels.kit.whatsapp.people import BSUID
from cx_events.envelope import Channel, Identifier, Participant, Weight
from cx_events.json_types import Json
from cx_events.weights import ASSERTED, CLAIMED, PROVED

WEIGHTS: Mapping[str, Mapping[Weight, str]] = {
    "phone": {
        "proved": "a WhatsApp or Viber number, whose possession the network checks; Vonage signs what it passes on",
        "asserted": "an RCS number, which the carrier's own service names",
        "claimed": "the sender of a text message can be forged",
    },
    BSUID: {"proved": "Meta's own id of a WhatsApp user who hides the number"},
    "facebook-psid": {"proved": "Meta's own id of somebody logged in there"},
}

_NUMBER = re.compile(r"\+?[0-9]{7,15}")
_USER_ID = re.compile(r"[A-Z]{2}\.[A-Za-z0-9]{1,128}")
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


def customer(network: str, theirs: str, ours: str, told: Json) -> Participant | None:
    """Return the customer by the address and what WhatsApp tells besides. ``told``: the whole notice."""
    found: list[Identifier] = []
    if network == "messenger" and theirs:
        found = [Identifier(kind="facebook-psid", value=theirs, scope=ours, weight=PROVED)]
    elif network in _PHONE_WEIGHTS and _NUMBER.fullmatch(theirs):
        plus = "" if theirs.startswith("+") else "+"
        found = [Identifier(kind="phone", value=f"{plus}{theirs}", weight=_PHONE_WEIGHTS[network])]
    profile = obj(told.get("profile"))
    if network == "whatsapp":
        found += _whatsapp_user(theirs, ours, profile, obj(told.get("whatsapp")))
    name = text(profile.get("name"))
    if not found and not name:
        return None
    return Participant(role="customer", name=name, identifiers=found)


def _whatsapp_user(theirs: str, ours: str, profile: Json, whatsapp: Json) -> list[Identifier]:
    """Return Meta's own id of a user, where it is told."""
    recipient = obj(whatsapp.get("recipient")).get("user_id")
    for id in (theirs, profile.get("user_id"), whatsapp.get("user_id"), recipient):
        if isinstance(id, str) and _USER_ID.fullmatch(id):
            scope = text(whatsapp.get("waba_id")) or ours
            return [Identifier(kind=BSUID, value=id, scope=scope, weight=PROVED)]
    return []


def business(ours: str) -> Participant:
    """Return the business by its own number, short code, name or page."""
    return Participant(role="business", identifiers=[Identifier(kind="vonage-address", value=ours)])

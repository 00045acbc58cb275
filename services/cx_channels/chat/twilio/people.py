"""Tell who is at an address of Twilio's, or behind an identity of Twilio Conversations.

Addresses: ``+14155550100`` (SMS, MMS), ``whatsapp:+14155550100``, ``rcs:+14155550100``, ``messenger:PSID``
(www.twilio.com/docs/messaging/channels). A short code or an alphanumeric sender is nobody's own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from cx_channels.kit.ids import is_plain
from cx_channels.kit.whatsapp.people import BSUID
from cx_events.envelope import Channel, Identifier, Participant, Weight
from cx_events.weights import ASSERTED, CLAIMED, PROVED

IDENTITY = "twilio-identity"

WEIGHTS: Mapping[str, Mapping[Weight, str]] = {
    "phone": {
        "proved": "a WhatsApp number, of which WhatsApp checks the possession; Twilio signs what it passes on",
        "asserted": "an RCS number, which the carrier's own service names",
        "claimed": "the sender of a text message can be forged",
    },
    BSUID: {"proved": "Meta's own id of a WhatsApp user who hides the number"},
    "facebook-psid": {"proved": "Meta's own id of somebody logged in there"},
    IDENTITY: {"asserted": "the business's own token server names the user of its chat"},
}

_E164 = re.compile(r"\+[0-9]{7,15}")
_USER_ID = re.compile(r"[A-Z]{2}\.[A-Za-z0-9]{1,128}")
_SCHEME = re.compile(r"([a-z][a-z0-9.-]{1,20}):(.*)", re.DOTALL)
_CACHED = 4096

_CHANNELS: Mapping[str, Channel] = {"": "sms", "rcs": "sms"}
_PHONE_WEIGHTS: Mapping[str, Weight] = {"": CLAIMED, "rcs": ASSERTED, "whatsapp": PROVED}


@dataclass(frozen=True, slots=True)
class Address:
    """One end of a message. ``scheme``: "" for text messages; ``name``: what follows it."""

    text: str
    scheme: str
    name: str

    @property
    def channel(self) -> Channel:
        """Return the channel: ``sms`` for what goes to a telephone's own inbox, else ``social``."""
        return _CHANNELS.get(self.scheme, "social")

    def identifiers(self, ours: Address) -> list[Identifier]:
        """Return the customer's identifiers. ``ours``: the other end, the scope of ids that hold there alone."""
        if self.scheme in _PHONE_WEIGHTS and _E164.fullmatch(self.name):
            return [Identifier(kind="phone", value=self.name, weight=_PHONE_WEIGHTS[self.scheme])]
        if self.scheme == "whatsapp" and _USER_ID.fullmatch(self.name):
            return [Identifier(kind=BSUID, value=self.name, scope=ours.name, weight=PROVED)]
        if self.scheme == "messenger" and is_plain(self.name):
            return [Identifier(kind="facebook-psid", value=self.name, scope=ours.name, weight=PROVED)]
        return []


@lru_cache(_CACHED)
def read_address(text: str) -> Address:
    """Return the address in a text. Never raises."""
    match = _SCHEME.fullmatch(text)
    return Address(text, match[1], match[2].strip()) if match else Address(text, "", text)


def is_address(author: str) -> bool:
    """Return whether an author of a conversation is an address and not an identity."""
    return _E164.fullmatch(author) is not None or author.startswith(("whatsapp:", "messenger:", "rcs:"))


def customer(address: Address, ours: Address, *, name: str = "", more: str = "") -> Participant:
    """Return a person at an address. ``more``: another id of that WhatsApp user, if it is one."""
    found = address.identifiers(ours)
    if more and address.scheme == "whatsapp" and _USER_ID.fullmatch(more):
        known = Identifier(kind=BSUID, value=more, scope=ours.name, weight=PROVED)
        found += [] if known in found else [known]
    return Participant(role="customer", name=name or ("" if found else address.text), identifiers=found)


def business(ours: Address) -> list[Participant]:
    """Return the business by its address; nothing where no address is told."""
    if not ours.text:
        return []
    return [Participant(role="business", identifiers=[Identifier(kind="twilio-address", value=ours.text)])]

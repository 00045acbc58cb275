"""Identify the people who write by WhatsApp, and the business's number.

A person is known by a telephone number (``wa_id``, digits without ``+``), of which WhatsApp checks the possession, and
by a business-scoped user id (BSUID), which is the same at all numbers of a business portfolio and stands alone where
somebody hides the number behind a user name (developers.facebook.com/documentation/business-messaging/whatsapp/
business-scoped-user-ids). A name or a user name is typed by that person and identifies nobody.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from msgspec import Struct

from cx_channels.kit.json_values import obj, objects, text
from cx_events.envelope import Identifier, Participant
from cx_events.json_types import Json
from cx_events.weights import CLAIMED, PROVED

BSUID = "whatsapp-bsuid"
PARENT_BSUID = "whatsapp-parent-bsuid"
PORTFOLIO = "portfolio"
"""The setting with the business portfolio's id, the scope of BSUIDs; without it the account's id is the scope."""

WEIGHTS: Mapping[str, Mapping[Any, str]] = {
    "phone": {
        "proved": "WhatsApp checks by a code that its user has the number; the app secret signs the delivery",
        "claimed": "the card that somebody shares at the business's request; Meta does not say that it is checked",
    },
    BSUID: {"proved": "Meta's own id of a WhatsApp user, in a delivery that the app secret signed"},
    PARENT_BSUID: {"proved": "Meta's own id of a WhatsApp user at the businesses of one company"},
}

_USER_ID = re.compile(r"[A-Z]{2}\.[A-Za-z0-9]{1,128}")
_PARENT_ID = re.compile(r"[A-Z]{2}\.ENT\.[A-Za-z0-9]{1,128}")
_REQUESTED = "contact_request"
_SHARED = re.compile(r"[1-9][0-9]{6,14}")
_PUNCTUATION = str.maketrans("", "", "+ -()")
_CACHED = 1024
_SAME_END = 8
"""Digits at the end that the two forms of one number share: Brazil's numbers have a ninth digit or not, Mexico's a 1
after the country's code, Argentina's a 9."""


class Person(Struct, frozen=True, gc=False):
    """Somebody on WhatsApp. ``numbers``: the forms in which the one number is written; ``key``: of the thread."""

    numbers: tuple[str, ...] = ()
    user_id: str = ""
    parent_id: str = ""
    name: str = ""

    @property
    def key(self) -> str:
        """Return what tells this person's thread: the BSUID where there is one, else the number."""
        return self.user_id or (self.numbers[0] if self.numbers else "")

    def identifiers(self, scope: str) -> list[Identifier]:
        """Return the identifiers, each as strong as WhatsApp makes it. ``scope``: the portfolio's."""
        found = [Identifier(kind="phone", value=_international(each), weight=PROVED) for each in self.numbers]
        if self.user_id:
            found.append(Identifier(kind=BSUID, value=self.user_id, scope=scope, weight=PROVED))
        if self.parent_id:
            found.append(Identifier(kind=PARENT_BSUID, value=self.parent_id, weight=PROVED))
        return found

    def participant(self, scope: str) -> Participant:
        return Participant(role="customer", name=self.name, identifiers=self.identifiers(scope))


def shared_number(item: Json) -> list[Identifier]:
    """Return the own number that somebody shares by the button of a request for it; a card of any other origin may be
    anybody's (developers.facebook.com/documentation/business-messaging/whatsapp/business-scoped-user-ids,
    ``REQUEST_CONTACT_INFO``)."""
    cards = objects(item.get("contacts"))
    if len(cards) != 1 or _REQUESTED not in (item.get("origin"), cards[0].get("origin")):
        return []
    phone = next(iter(objects(cards[0].get("phones"))), {})
    given = text(phone.get("phone"))
    number = text(phone.get("wa_id")) or given.translate(_PUNCTUATION)
    if not _SHARED.fullmatch(number):
        return []
    is_national = not phone.get("wa_id") and not given.startswith("+")
    return [Identifier(kind="phone", value=given if is_national else f"+{number}", weight=CLAIMED)]


def _international(number: str) -> str:
    return f"+{number}" if 4 <= len(number) <= 20 and number.isascii() and number.isdecimal() else number


def person_of(number: str, user_id: str, parent_id: str, contact: Json | None) -> Person:
    """Return a person from an item's own fields and from the contact that belongs to it."""
    if number and not number.isdecimal() and _USER_ID.fullmatch(number):
        number, user_id = "", user_id or number
    name, numbers = "", (number,) if number else ()
    if contact:
        profile = obj(contact.get("profile"))
        name = text(profile.get("name")) or text(profile.get("username"))
        other = text(contact.get("wa_id"))
        if other and other != number:
            numbers = (other, *numbers)
        user_id = text(contact.get("user_id")) or user_id
        parent_id = text(contact.get("parent_user_id")) or parent_id
    return Person(
        numbers,
        user_id if user_id and _USER_ID.fullmatch(user_id) else "",
        parent_id if parent_id and _PARENT_ID.fullmatch(parent_id) else "",
        name,
    )


class Contacts(Struct, frozen=True, gc=False):
    """The contacts of one change: as a rule there is only one, else all by number and by BSUID."""

    only: Json | None = None
    by_number: Mapping[str, Json] = {}
    by_user: Mapping[str, Json] = {}

    @property
    def are_any(self) -> bool:
        return self.only is not None or bool(self.by_number)

    def find(self, number: str, user_id: str) -> Json | None:
        """Return the contact of an item, None where none is sure to be.

        A change may tell of several people; its only contact is the item's where neither number nor id contradicts.
        """
        if self.only is not None:
            return self.only if _may_be(self.only, number, user_id) else None
        if user_id and user_id in self.by_user:
            return self.by_user[user_id]
        found = self.by_number.get(number) if number else None
        if found is not None and user_id and text(found.get("user_id")):
            return None
        return found


def read_contacts(contacts: Any) -> Contacts:
    """Return the contacts that a change names."""
    listed = objects(contacts)
    if len(listed) == 1:
        return Contacts(listed[0])
    by_number = {text(each.get("wa_id")): each for each in listed}
    return Contacts(None, by_number, {text(each.get("user_id")): each for each in listed})


def _may_be(contact: Json, number: str, user_id: str) -> bool:
    """Return whether a contact may be of somebody with this number and this BSUID."""
    known = text(contact.get("user_id")) if user_id else ""
    if known:
        return known == user_id
    known = text(contact.get("wa_id")) if number else ""
    return not known or known == number or _same_number(number, known)


def _same_number(one: str, other: str) -> bool:
    return one[:2] == other[:2] and one[-_SAME_END:] == other[-_SAME_END:] and len(one) > _SAME_END


@lru_cache(_CACHED)
def business(number_id: str, shown: str) -> Participant:
    """Return the business by the id of its number; ``shown``: the number as people see it. Cached: all events of the
    number name it."""
    return Participant(role="business", name=shown, identifiers=[Identifier(kind="whatsapp-number", value=number_id)])

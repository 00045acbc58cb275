"""Identify contacts, teammates, teams and bots.

Intercom calls customers *contacts*: *users*, to whom the business gave an id of its own, and *leads* and *visitors*,
whom it does not know. API 1.x says ``user_id``, 2.x ``external_id``. For leads and visitors Intercom makes that id up,
and drops it when they become users (developers.intercom.com/docs/references/1.3/rest-api/leads/view-a-lead, "user_id
for leads"): only a user's is the business's own.

In conversations API 2.x lists contacts without their role, and some authors of the type ``user`` are leads
(.../preview/webhooks/webhook-models, "Author fields", knows no other type for customers). So there an id that looks
made up by Intercom does not count; notifications about contacts bring the two ids together.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct, structs

from cx_channels.kit.json_values import first, text
from cx_events.envelope import AgentOrQueue, Identifier, Participant, Role, Weight
from cx_events.json_types import Json
from cx_events.weights import ASSERTED, CLAIMED

INTERCOM = "intercom"
"""The kind of identifier for Intercom's own id of a contact; its scope is the workspace."""

_CONTACTS = frozenset({"user", "lead", "contact", "visitor", "customer"})
_NAMELESS = frozenset({"lead", "visitor"})
_BOTS = frozenset({"bot", "operator"})

_MADE_UP = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.IGNORECASE)

# Intercom's own bot may be shown as a teammate with such an address
# (developers.intercom.com/docs/references/2.10/rest-api/api.intercom.io/models/conversation_part_author).
_OPERATOR = re.compile(r"operator\+[^@\s]{1,100}@intercom\.io", re.IGNORECASE)


IDENTITY = "identity"
SECURED = frozenset({IDENTITY, "email", "phone"})
"""What a workspace may have secured: its users' identity, and the attributes that only its own server updates."""


class Person(Struct, frozen=True, gc=False):
    """A contact, as far as it is known. ``kinds``: its ``type`` and ``role`` wherever it is named.

    ``vouched``: its own entry says that it is a user.
    """

    id: str
    external_id: str = ""
    email: str = ""
    phone: str = ""
    name: str = ""
    kinds: frozenset[str] = frozenset()
    vouched: bool = False

    @property
    def account(self) -> str:
        """The business's own id of a user; empty for others."""
        sure = self.vouched or not _MADE_UP.fullmatch(self.external_id)
        return self.external_id if self.is_user and sure else ""

    @property
    def is_user(self) -> bool:
        return "user" in self.kinds and self.kinds.isdisjoint(_NAMELESS)

    def with_more(self, other: Person) -> Person:
        return Person(
            id=self.id or other.id,
            external_id=self.external_id or other.external_id,
            email=self.email or other.email,
            phone=self.phone or other.phone,
            name=self.name or other.name,
            kinds=self.kinds | other.kinds,
            vouched=self.vouched or other.vouched,
        )


def person_of(contact: Json, *, role: str = "") -> Person:
    """Return the contact in a value. ``role``: user or lead, where the topic says so."""
    kinds = {text(contact.get("type")).lower(), text(contact.get("role")).lower(), role} - {""}
    external_id = first(contact.get("external_id"), contact.get("user_id"))
    return Person(
        id=text(contact.get("id")),
        external_id=external_id,
        email=text(contact.get("email")),
        phone=text(contact.get("phone")),
        name=text(contact.get("name")),
        kinds=frozenset(kinds),
        vouched=bool(external_id) and "user" in kinds,
    )


def unique_people(people: Iterable[Person]) -> list[Person]:
    """Return each contact once, with what is said of it in several places, in order of first mention."""
    found: dict[str, Person] = {}
    for person in people:
        key = person.id or person.email
        if key:
            known = found.get(key)
            found[key] = known.with_more(person) if known else person
    return list(found.values())


def identifiers(person: Person, app: str, settings: Mapping[str, Any]) -> list[Identifier]:
    """Return the identifiers of a contact, each with its weight.

    ``settings``: ``external_id`` is the kind of identifier of the business's own id (``account``); where it is empty,
    that id is left out. ``secured`` lists what only the business can set in this workspace.
    """
    kind = settings.get("external_id", "account")
    found = []
    if person.account and isinstance(kind, str) and kind:
        found.append(Identifier(kind=kind, value=person.account, weight=_weight(person, IDENTITY, settings)))
    if person.email:
        found.append(Identifier(kind="email", value=person.email, weight=_weight(person, "email", settings)))
    if person.phone:
        found.append(Identifier(kind="phone", value=person.phone, weight=_weight(person, "phone", settings)))
    if person.id:
        found.append(own_id(person.id, person, app, settings))
    return found


def own_id(id: str, person: Person, app: str, settings: Mapping[str, Any]) -> Identifier:
    """Return Intercom's own id of a person. A lead's id lives in a cookie, so it identifies a browser."""
    return Identifier(kind=INTERCOM, value=id, scope=app, weight=_weight(person, IDENTITY, settings))


def _weight(person: Person, what: str, settings: Mapping[str, Any]) -> Weight:
    # Not by the type alone, which says ``user`` of some leads: whom the business named with an id of its own.
    return ASSERTED if person.account and what in secured_in(settings) else CLAIMED


def secured_in(settings: Mapping[str, Any]) -> frozenset[str]:
    """Return what the setting ``secured`` lists. Attributes count only where the users' identity is secured, too."""
    listed = settings.get("secured", ())
    found = frozenset(map(str, listed if isinstance(listed, list | tuple) else (listed,))) & SECURED
    return found if IDENTITY in found else frozenset()


def customer(person: Person, app: str, settings: Mapping[str, Any]) -> Participant:
    """Return a contact as events name it; see ``identifiers``."""
    return Participant(role="customer", name=person.name, identifiers=identifiers(person, app, settings))


def unchecked(participant: Participant) -> Participant:
    """Return a participant whose identifiers are claims: Intercom asks for no proof on that way."""
    identifiers = [structs.replace(each, weight=CLAIMED) for each in participant.identifiers]
    return structs.replace(participant, identifiers=identifiers)


def is_contact(author: Json) -> bool:
    return text(author.get("type")).lower() in _CONTACTS


def role_of(author: Json, people: Sequence[Person], settings: Mapping[str, Any]) -> Role | None:
    """Return the role of an author; None where nothing tells it.

    Intercom blanks authors of messages from Twitter, and some of its own. ``settings``: ``bots`` lists the ids of
    teammates that are bots, such as an integration's.
    """
    kind, id = text(author.get("type")).lower(), text(author.get("id"))
    listed = settings.get("bots", ())
    bots = listed if isinstance(listed, list | tuple) else (listed,)
    if kind in _CONTACTS:
        return "customer"
    if kind in _BOTS or (id and id in map(str, bots)) or _OPERATOR.fullmatch(text(author.get("email"))):
        return "bot"
    if kind == "admin":
        return "agent"
    if kind == "team":
        return "business"
    return "customer" if id and any(person.id == id for person in people) else None


def staff(author: Json, role: Role) -> Participant:
    """Return somebody at the business, without identifiers: a teammate's address must not become a customer's."""
    return Participant(role=role, id=text(author.get("id")), name=text(author.get("name")))


def agent(author: Json) -> AgentOrQueue:
    return AgentOrQueue(id=text(author.get("id")), name=text(author.get("name")))

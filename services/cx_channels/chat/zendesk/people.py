"""Tell who is who at Zendesk: users of an app (Sunshine Conversations), users of an account (Support), agents, bots."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from cx_channels.kit.ids import is_plain
from cx_channels.kit.json_values import first, obj, objects, text, texts
from cx_channels.kit.settings import texts_of
from cx_channels.provider import Connection
from cx_events.envelope import AgentOrQueue, Direction, Identifier, Participant, Role, Weight
from cx_events.json_types import Json
from cx_events.weights import ASSERTED, CLAIMED, PROVED

SUNCO_USER = "sunco-user"
"""A user's id; its scope is the app."""

ZENDESK_USER = "zendesk-user"
"""A user's id; its scope is the account."""

_NUMBERS = ("phone", "phone_number")
_NUMBERED: Mapping[str, Weight] = {"whatsapp": PROVED, "twilio": CLAIMED, "messagebird": CLAIMED}
"""Channels whose ``client.externalId`` is a telephone number (spec 17.12, "client")."""


class Person(Struct, frozen=True, gc=False):
    """The one who did it."""

    role: Role
    id: str = ""
    name: str = ""
    identifiers: tuple[Identifier, ...] = ()

    @property
    def direction(self) -> Direction:
        return "inbound" if self.role == "customer" else "outbound"

    @property
    def agent(self) -> AgentOrQueue | None:
        return AgentOrQueue(id=self.id, name=self.name) if self.role == "agent" and self.id else None

    def participant(self) -> Participant:
        """Return the person as events name it; only a customer has identifiers."""
        if self.role != "customer":
            return Participant(role=self.role, id=self.id, name=self.name)
        return Participant(
            role="customer", id="" if self.identifiers else self.id, name=self.name, identifiers=list(self.identifiers)
        )


def app_user(user: Json, app: str, source: Json | None = None) -> Person:
    """Return a user of an app, as versions 2 (``id``, ``externalId``) and 1 (``_id``, ``userId``) write one.

    An ``externalId`` is the business's own; whether the user logged in with it is ``authenticated``. ``source``: by
    which channel a message came, with the user's number there (``client``, where the webhook asks for full sources).
    """
    id, external = first(user.get("id"), user.get("_id")), first(user.get("externalId"), user.get("userId"))
    profile = obj(user.get("profile"))
    names = (first(profile.get("givenName"), user.get("givenName")), first(profile.get("surname"), user.get("surname")))
    known = [Identifier(kind=SUNCO_USER, value=id, scope=app, weight=PROVED)] if is_plain(id) else []
    if external:
        weight = PROVED if user.get("authenticated") is True else ASSERTED
        known.append(Identifier(kind="account", value=external, weight=weight))
    identities, client = objects(user.get("identities")), obj(obj(source).get("client"))
    mails = [text(profile.get("email")), text(user.get("email"))]
    if identities:
        mails += [text(each.get("value")) for each in identities if each.get("type") == "email"]
    known += [Identifier(kind="email", value=mail, weight=CLAIMED) for mail in dict.fromkeys(filter(None, mails))]
    if identities or client:
        known += _numbers(identities, client)
    name = " ".join(filter(None, names)) or text(client.get("displayName"))
    return Person("customer", id, name, tuple(known))


def _numbers(identities: list[Json], client: Json) -> list[Identifier]:
    """Return a user's telephone numbers: the one of the channel, which WhatsApp checks and text messages do not, and
    those that the business's own systems noted, as they did: a national form is read by the connection's region."""
    type, number = text(client.get("type")), text(client.get("externalId")).removeprefix("+")
    noted = [text(each.get("value")) for each in identities if each.get("type") in _NUMBERS]
    is_numbered = type in _NUMBERED and number.isascii() and number.isdecimal()
    names = [f"+{number}" if is_numbered and each.removeprefix("+") == number else each for each in noted]
    found: dict[str, Weight] = dict.fromkeys(filter(None, names), CLAIMED)
    if is_numbered:
        found[f"+{number}"] = _NUMBERED[type]
    return [Identifier(kind="phone", value=each, weight=weight) for each, weight in found.items()]


def account_user(id: str, account: str, name: str = "", *, by_messenger: bool = False) -> Person:
    """Return an end user of an account, who is the customer.

    Zendesk finds the user of a mail by From, and of a form by the address in it: anybody can write these. Only the
    messenger (``by_messenger``) knows its users by itself.
    """
    weight = PROVED if by_messenger else CLAIMED
    known = (Identifier(kind=ZENDESK_USER, value=id, scope=account, weight=weight),) if is_plain(id) else ()
    return Person("customer", id, name, known)


def business_author(author: Json, connection: Connection, source: str = "") -> Person:
    """Return who wrote for the business. A bot says so by its subtype, or the setting ``bots`` lists it."""
    id, name = first(author.get("userId"), author.get("authorId")), first(author.get("displayName"), author.get("name"))
    subtypes = {each.lower() for each in texts(author.get("subtypes"))}
    listed = set(texts_of(connection.settings, "bots"))
    is_bot = bool(subtypes & {"ai", "bot"}) or bool({id, name, source} & listed - {""})
    return Person("bot" if is_bot else "agent", id, name)

"""Tell who is who: customers, agents and bots.

Teams is where colleagues talk. Who is a customer is a setting: ``tenants`` lists the business's own Entra tenants, so
people of others are customers; ``channels`` lists conversations, or channels of a team, in which everybody but
``agents`` is one; ``customers`` lists people. Without them everybody is a colleague, and colleagues' talk is ignored.
On the Bot Framework's other channels (web chat, SMS) everybody but ``agents`` is a customer.
"""

from __future__ import annotations

from typing import NamedTuple

from msgspec import Struct

from cx_channels.chat.msteams.activity import Activity
from cx_channels.kit.ids import is_plain
from cx_channels.kit.json_values import first, first_of, obj, text
from cx_channels.kit.settings import Patterns, patterns_of
from cx_channels.provider import Connection
from cx_events.envelope import AgentOrQueue, Direction, Identifier, Participant, Role
from cx_events.json_types import Json
from cx_events.weights import CLAIMED, PROVED

USER, TEAMS, OTHER = "entra-user", "teams-user", "botframework-user"
SETTINGS = ("tenants", "channels", "customers")
_BOTS = ("bot", "skill")
_ADDRESSES = {"sms": "phone", "email": "email"}


class Person(Struct, frozen=True, gc=False):
    """The one who did it. ``entra``: their id in a tenant; ``id``: their id in the channel."""

    role: Role
    id: str = ""
    entra: str = ""
    name: str = ""
    tenant: str = ""

    @property
    def is_customer(self) -> bool:
        return self.role == "customer"

    @property
    def direction(self) -> Direction:
        return "inbound" if self.role == "customer" else "outbound"

    @property
    def agent(self) -> AgentOrQueue | None:
        id = self.entra or self.id
        return AgentOrQueue(id=id, name=self.name) if self.role == "agent" and id else None

    def participant(self, activity: Activity) -> Participant:
        """Return the person as events name it; only a customer has identifiers."""
        if self.role != "customer":
            return Participant(role=self.role, id=self.entra or self.id, name=self.name)
        known = _identifiers(self, activity)
        return Participant(role="customer", id="" if known else self.id, name=self.name, identifiers=known)


def _identifiers(person: Person, activity: Activity) -> list[Identifier]:
    if activity.channel != "msteams":
        kind = _ADDRESSES.get(activity.channel)
        if kind is not None:
            return [Identifier(kind=kind, value=person.id, weight=CLAIMED)]
        scope = f"{activity.channel}:{activity.bot}"
        plain = is_plain(person.id) and is_plain(scope)
        return [Identifier(kind=OTHER, value=person.id, scope=scope, weight=CLAIMED)] if plain else []
    found = []
    if is_plain(person.entra) and is_plain(person.tenant):
        found.append(Identifier(kind=USER, value=person.entra.lower(), scope=person.tenant.lower(), weight=PROVED))
    if is_plain(person.id) and is_plain(activity.bot):
        found.append(Identifier(kind=TEAMS, value=person.id, scope=activity.bot, weight=PROVED))
    return found


def person_of(activity: Activity, account: Json) -> Person:
    """Return an account as the settings see it."""
    id, entra = text(account.get("id")), first_of(account, "aadObjectId", "objectId")
    name = text(account.get("name"))
    if _is_bot(activity, account, id):
        return Person("bot", id, "", name)
    tenant, agents = first_of(account, "tenantId", "userTenantId") or activity.tenant, _rules_of(activity).agents
    person = Person("agent", id, entra, name, tenant)
    if agents.match(id) or agents.match(entra):
        return person
    if activity.channel != "msteams" or _is_customer(activity, person):
        return Person("customer", id, entra, name, tenant)
    return person


def _is_bot(activity: Activity, account: Json, id: str) -> bool:
    return bool(
        text(account.get("role")).lower() in _BOTS
        or id.startswith("28:")
        or (id and id == activity.bot)
        or account.get("agenticUserId")
        or account.get("agenticAppId")
    )


def _is_customer(activity: Activity, person: Person) -> bool:
    rules = _rules_of(activity)
    if rules.customers.match(person.id) or rules.customers.match(person.entra):
        return True
    from_outside = rules.has_tenants and bool(person.tenant) and not rules.tenants.match(person.tenant)
    return from_outside or in_listed_channel(activity)


def in_listed_channel(activity: Activity) -> bool:
    """Return whether the setting ``channels`` lists the conversation, or the channel of a team that it is in."""
    listed = _rules_of(activity).channels
    if not (listed.exact or listed.wild):
        return False
    data = obj(activity.value.get("channelData"))
    channel = first(obj(data.get("channel")).get("id"), data.get("teamsChannelId"))
    whole, root = activity.conversation, activity.conversation.partition(";")[0]
    return listed.match(whole) or listed.match(root) or listed.match(channel)


class _Rules(NamedTuple):
    """The settings that say who is who, read once."""

    agents: Patterns
    customers: Patterns
    tenants: Patterns
    channels: Patterns
    has_tenants: bool


def _read_rules(connection: Connection) -> _Rules:
    agents, customers, tenants, channels = (
        patterns_of(connection, name) for name in ("agents", "customers", "tenants", "channels")
    )
    return _Rules(agents, customers, tenants, channels, bool(connection.settings.get("tenants")))


def _rules_of(activity: Activity) -> _Rules:
    return activity.connection.once(_read_rules)


def writer_of(activity: Activity) -> Person:
    """Return who sent an activity."""
    return person_of(activity, obj(activity.value.get("from")))


def concerns_customers(activity: Activity, person: Person) -> bool:
    """Return whether what somebody did is no mere talk of colleagues."""
    return person.role == "customer" or activity.channel != "msteams" or in_listed_channel(activity)

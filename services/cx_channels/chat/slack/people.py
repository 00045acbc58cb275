"""Tell who is who in a workspace: customers, agents and bots.

Slack is where colleagues talk. Who is a customer is a setting: ``teams`` lists the business's own workspaces and
organisations, so people of others (Slack Connect) are customers; ``channels`` lists channels in which everybody but
``agents`` is one; ``customers`` lists people. Without them everybody is a colleague, and colleagues' talk is ignored.
"""

from __future__ import annotations

from typing import NamedTuple

from msgspec import Struct

from cx_channels.chat.slack.notice import Notice
from cx_channels.kit.ids import is_plain
from cx_channels.kit.json_values import first, obj, text
from cx_channels.kit.settings import Patterns, patterns_of
from cx_channels.provider import Connection
from cx_events.envelope import AgentOrQueue, Direction, Identifier, Participant, Role
from cx_events.json_types import Json
from cx_events.weights import PROVED

USER = "slack-user"
SETTINGS = ("teams", "channels", "customers")
_SYSTEM = "USLACKBOT"


class Person(Struct, gc=False):
    """The one who did it. ``id``: of the user or the bot; ``team``: that of the user, where it is told."""

    role: Role
    id: str = ""
    name: str = ""
    team: str = ""

    @property
    def is_customer(self) -> bool:
        return self.role == "customer"

    @property
    def direction(self) -> Direction:
        return "inbound" if self.is_customer else "outbound"

    @property
    def agent(self) -> AgentOrQueue | None:
        return AgentOrQueue(id=self.id, name=self.name) if self.role == "agent" and self.id else None

    def participant(self, notice: Notice) -> Participant:
        """Return the person as events name it; only a customer has an identifier."""
        if not self.is_customer:
            return Participant(role=self.role, id=self.id, name=self.name)
        scope = scope_of(notice, self.team)
        known = (
            [Identifier(kind=USER, value=self.id, scope=scope, weight=PROVED)] if scope and is_plain(self.id) else []
        )
        return Participant(role="customer", id="" if known else self.id, name=self.name, identifiers=known)


class Listed(NamedTuple):
    """The people, workspaces and channels that the settings of a connection list, by their ids."""

    agents: Patterns
    customers: Patterns
    teams: Patterns
    channels: Patterns


def _listed(connection: Connection) -> Listed:
    return Listed(*(patterns_of(connection, name) for name in Listed._fields))


def scope_of(notice: Notice, team: str) -> str:
    """Return where a user's id is valid: the person's own workspace, if it is another company's, else the organisation
    or the workspace of the app.

    In a shared channel some events (reactions) name a user without a workspace: then it is not known, and "".
    """
    if team and team not in (notice.installed, notice.enterprise):
        return team
    if notice.is_shared and not team:
        return ""
    return notice.enterprise or notice.installed


def author_of(notice: Notice, message: Json, channel: str) -> Person:
    """Return who wrote a message, or did what ``message`` tells."""
    bot, profile = text(message.get("bot_id")), obj(message.get("user_profile"))
    if bot or message.get("subtype") == "bot_message":
        app = obj(message.get("bot_profile"))
        return Person("bot", bot or text(message.get("user")), first(message.get("username"), app.get("name")))
    team = first(message.get("user_team"), message.get("source_team"), profile.get("team"), message.get("team"))
    name = first(profile.get("real_name"), profile.get("display_name"), profile.get("name")) if profile else ""
    return person_of(notice, text(message.get("user")), team, channel, name)


def person_of(notice: Notice, user: str, team: str, channel: str, name: str = "") -> Person:
    """Return a user as the settings see it."""
    if user == _SYSTEM:
        return Person("system", user, name)
    listed = notice.connection.once(_listed)
    if listed.agents.match(user):
        return Person("agent", user, name, team)
    ours = listed.teams.match(team) or team in ("", notice.enterprise)
    knows_teams = bool(notice.connection.settings.get("teams"))
    from_outside = knows_teams and not ours
    if listed.customers.match(user) or from_outside or (user and listed.channels.match(channel)):
        return Person("customer", user, name, team)
    if notice.is_shared and knows_teams and not team:
        return Person("business")  # a colleague or a partner: nothing tells which
    return Person("agent", user, name, team)


def concerns_customers(notice: Notice, person: Person, channel: str) -> bool:
    """Return whether what somebody did is no mere talk of colleagues."""
    connection = notice.connection
    shared = notice.is_shared and bool(connection.settings.get("teams"))
    return person.is_customer or shared or connection.once(_listed).channels.match(channel)

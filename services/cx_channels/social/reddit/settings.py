"""Read the settings of an account that is polled. The README explains each."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cx_channels.kit.settings import (
    address_setting,
    check_choice,
    flag_setting,
    number_setting,
    since_setting,
    text_setting,
    texts_of,
    wrong_setting,
)
from cx_channels.provider import Connection
from cx_events.errors import Fatal

SETTING_NAMES = frozenset(
    {
        *("account", "accounts", "subreddits", "search", "inbox", "since", "poll_seconds", "watched"),
        *("grant", "client_id", "client_secret", "user_agent", "api_url", "token_url"),
    }
)
_API = "https://oauth.reddit.com"
_TOKENS = "https://www.reddit.com/api/v1/access_token"
_NAME = re.compile(r"[A-Za-z0-9_-]{2,30}")
_MOST_SEARCHES = 10


@dataclass(frozen=True, slots=True)
class Ours:
    """The business's accounts and subreddits, in lower case: Reddit tells no case apart."""

    accounts: frozenset[str]
    subreddits: frozenset[str]


@dataclass(frozen=True, slots=True)
class AccountSettings:
    """``grant``: how the connection's secret becomes a token: ``refresh_token``, ``password`` or
    ``client_credentials``. ``inbox``: messages, mentions and answers to the account's own comments and posts."""

    account: str
    subreddits: tuple[str, ...]
    search: tuple[str, ...]
    inbox: bool
    since: str
    poll_seconds: int
    watched: int
    grant: str
    client_id: str
    client_secret: str
    user_agent: str
    api_url: str
    token_url: str


def account_settings(connection: Connection) -> AccountSettings:
    """Return a connection's settings. Raise ``Fatal`` naming one that can't be meant."""
    check_choice(connection, "grant", "refresh_token", "password", "client_credentials")
    account, grant = text_setting(connection, "account"), connection.settings.get("grant", "refresh_token")
    has_inbox = connection.settings.get("inbox", grant != "client_credentials")
    found = AccountSettings(
        account=account,
        subreddits=tuple(texts_of(connection.settings, "subreddits")),
        search=tuple(texts_of(connection.settings, "search")),
        inbox=flag_setting(connection, "inbox") if "inbox" in connection.settings else has_inbox,
        since=since_setting(connection),
        poll_seconds=number_setting(connection, "poll_seconds", 60, 5, 3600),
        watched=number_setting(connection, "watched", 500, 0, 5000),
        grant=grant,
        client_id=text_setting(connection, "client_id"),
        client_secret=text_setting(connection, "client_secret", ""),
        user_agent=text_setting(connection, "user_agent", f"server:throughline:1.0 (by /u/{account})"),
        api_url=address_setting(connection, "api_url", _API),
        token_url=address_setting(connection, "token_url", _TOKENS),
    )
    _check(connection, found)
    return found


def _check(connection: Connection, found: AccountSettings) -> None:
    for name, values in (("account", (found.account,)), ("subreddits", found.subreddits)):
        if not all(_NAME.fullmatch(each) for each in values):
            raise wrong_setting(connection, name, "a name as Reddit has it, without /u/ or /r/")
    if len(found.search) > _MOST_SEARCHES:
        raise wrong_setting(connection, "search", f"a list of {_MOST_SEARCHES} searches at most")
    if found.inbox and found.grant == "client_credentials":
        raise wrong_setting(connection, "inbox", "false with client_credentials, which are nobody's account")
    if not (found.inbox or found.subreddits or found.search):
        raise Fatal(f"{connection.id}: settings: one of inbox, subreddits and search is needed")


def warnings_of(connection: Connection) -> tuple[str, ...]:
    """Return what is doubtful in a connection's settings. Raise ``Fatal`` for those that can't be meant."""
    its = account_settings(connection)
    asked = 2 * bool(its.subreddits) + 2 * its.inbox + len(its.search) + its.watched // 1000
    if asked * 60 / its.poll_seconds > 60:
        return (
            f"{asked} lists every {its.poll_seconds} s come near the 100 requests a minute that Reddit allows an app",
        )
    return ()


def ours_of(connection: Connection) -> Ours:
    """Return what is the business's own."""
    settings = connection.settings
    named = texts_of(settings, "account") + texts_of(settings, "accounts")
    return Ours(
        frozenset(each.lower() for each in named), frozenset(each.lower() for each in texts_of(settings, "subreddits"))
    )

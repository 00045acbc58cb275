"""Read Twilio's lists of an account's messages and calls: the settings, and a list page by page. Pure but for ``get``.

www.twilio.com/docs/usage/twilios-response ("pagination"), .../usage/requests-to-twilio (Basic authentication).
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass

from cx_channels.kit.authorization import basic_header
from cx_channels.kit.json_values import obj, objects, text
from cx_channels.kit.listed import Get
from cx_channels.kit.settings import address_setting, lists, text_setting, wrong_setting
from cx_channels.provider import Connection
from cx_events.errors import Fatal, TryLater
from cx_events.json_types import Json
from cx_events.timestamps import Micros, format_time

API_SETTINGS = frozenset({"api_account", "api_key", "api_numbers", "api_secret", "api_url"})
SETTLE = 120.0
"""Seconds after which Twilio tries no more: once, at once, unless the URL's fragment says otherwise
(docs/usage/webhooks/webhooks-connection-overrides)."""

_VERSION = "/2010-04-01/Accounts"
_PAGE = "500"
_ACCOUNT = re.compile(r"AC[0-9a-fA-F]{32}")
_SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class TwilioApi:
    """``user``, ``password``: an API key and its secret, or the account and its auth token."""

    url: str
    account: str
    user: str
    password: str

    @property
    def headers(self) -> Mapping[str, str]:
        return basic_header(self.user, self.password)


def has_api(connection: Connection) -> bool:
    """Return whether the connection's account is to be asked."""
    return bool(connection.settings.get("api_account"))


def twilio_api(connection: Connection) -> TwilioApi:
    """Return how to ask. Raise ``Fatal`` for settings that can't be meant."""
    account = text_setting(connection, "api_account")
    if not _ACCOUNT.fullmatch(account):
        raise wrong_setting(connection, "api_account", "an account's id, AC and 32 digits")
    key, secret = text_setting(connection, "api_key", ""), text_setting(connection, "api_secret", "")
    if bool(key) != bool(secret):
        raise Fatal(
            f"{connection.id}: settings.api_key and settings.api_secret belong together: one of them is missing"
        )
    if not key and not any(connection.secrets):
        raise Fatal(
            f"{connection.id}: settings.api_account needs settings.api_key, or the auth token among the secrets"
        )
    password = secret or next(each for each in connection.secrets if each)
    return TwilioApi(
        address_setting(connection, "api_url", "https://api.twilio.com"), account, key or account, password
    )


async def listed_pages(
    get: Get, api: TwilioApi, resource: str, key: str, query: Mapping[str, str]
) -> AsyncGenerator[list[Json], None]:
    """Yield a list's pages in Twilio's order, the newest first. ``resource``: ``Messages``; ``key``: of the list in an
    answer. Raise ``TryLater`` for an answer that is none, and for a list that does not go on."""
    own = f"{_VERSION}/{api.account}/"
    url, asked, seen = f"{api.url}{own}{resource}.json", {**query, "PageSize": _PAGE}, set[str]()
    more: Mapping[str, str] | None = asked
    while True:
        answer = obj(await get(url, query=more, headers=api.headers))
        if not isinstance(answer.get(key), list):
            raise TryLater("vendor", f"Twilio's answer has no list of {key}")
        yield objects(answer[key])
        following = text(answer.get("next_page_uri"))
        if not following:
            return
        if following in seen or not following.startswith(own):  # the account's secret goes nowhere else
            raise TryLater("vendor", f"Twilio's list of {key} names a next page that can't be")
        seen.add(following)
        url, more = api.url + following, None


def is_taken(connection: Connection, ours: str) -> bool:
    """Return whether the setting ``api_numbers`` lists our end of a message or call; without it all are taken."""
    return not connection.settings.get("api_numbers") or lists(connection, "api_numbers", ours)


def moment(at: Micros) -> str:
    """Return a time as Twilio's own libraries write it in a filter, in whole seconds."""
    return format_time(at - at % _SECOND)[:19] + "Z"

"""Read the settings by which Support is asked. The README explains each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cx_channels.chat.zendesk.signature import WEBHOOKS
from cx_channels.kit.authorization import basic_header, bearer_header
from cx_channels.kit.catch_up_settings import CATCH_UP_SETTINGS, catch_up_settings
from cx_channels.kit.settings import address_setting, text_setting, texts_of, wrong_setting
from cx_channels.provider import Connection
from cx_events.errors import Fatal

API_SETTINGS = frozenset({"account", "api_token", "api_url", "api_user", *CATCH_UP_SETTINGS})


@dataclass(frozen=True, slots=True)
class SupportApi:
    """``account``: the account's number, as webhooks have it. ``user``: whose API token it is; "" for OAuth's."""

    url: str
    account: str
    user: str
    token: str

    @property
    def headers(self) -> Mapping[str, str]:
        """Return what logs in (developer.zendesk.com/api-reference/introduction/security-and-auth)."""
        if not self.user:
            return bearer_header(self.token)
        return basic_header(f"{self.user}/token", self.token)


def has_api(connection: Connection) -> bool:
    """Return whether Support is to be asked."""
    return bool(connection.settings.get("api_url"))


def support_api(connection: Connection) -> SupportApi:
    """Return how to ask. Raise ``Fatal`` for settings that can't be meant."""
    catch_up_settings(connection)
    if connection.settings.get(WEBHOOKS) != "support":
        raise Fatal(
            f"{connection.id}: settings.api_url is for webhooks: support; Sunshine Conversations lists nothing by time"
        )
    accounts = texts_of(connection.settings, "account")
    if len(accounts) != 1 or not (accounts[0].isascii() and accounts[0].isdigit()):
        raise wrong_setting(connection, "account", "the account's number, account_id of any webhook")
    return SupportApi(
        address_setting(connection, "api_url", ""), accounts[0],
        text_setting(connection, "api_user", ""), text_setting(connection, "api_token"),
    )  # fmt: skip

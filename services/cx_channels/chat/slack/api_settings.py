"""Read the settings by which Slack is asked. The README explains each."""

from __future__ import annotations

from dataclasses import dataclass

from cx_channels.kit.catch_up_settings import CATCH_UP_SETTINGS, catch_up_settings
from cx_channels.kit.settings import address_setting, text_setting
from cx_channels.provider import Connection

API_SETTINGS = frozenset({"api_token", "api_url", *CATCH_UP_SETTINGS})


@dataclass(frozen=True, slots=True)
class SlackApi:
    """``url``: without a slash at its end."""

    url: str
    token: str


def has_api(connection: Connection) -> bool:
    """Return whether Slack is to be asked."""
    return bool(connection.settings.get("api_token"))


def slack_api(connection: Connection) -> SlackApi:
    """Return how to ask. Raise ``Fatal`` for settings that can't be meant."""
    catch_up_settings(connection)
    url = address_setting(connection, "api_url", "https://slack.com/api")
    return SlackApi(url, text_setting(connection, "api_token"))

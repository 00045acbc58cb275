"""Read the settings of a channel that is polled. The README explains each."""

from __future__ import annotations

from dataclasses import dataclass

from cx_channels.kit.settings import (
    address_setting,
    flag_setting,
    number_setting,
    since_setting,
    text_setting,
    texts_of,
    wrong_setting,
)
from cx_channels.provider import Connection

SETTING_NAMES = frozenset(
    {
        *("channel", "accounts", "since", "poll_seconds", "daily_units", "watched_threads", "held"),
        *("client_id", "client_secret", "api_url", "token_url"),
    }
)
_API = "https://www.googleapis.com/youtube/v3"
_TOKENS = "https://oauth2.googleapis.com/token"


@dataclass(frozen=True, slots=True)
class ChannelSettings:
    """``channel``: the channel's id, "" where a recorded answer is only mapped. ``since``: ``now``, ``beginning`` or an
    ISO date. ``client_id``: set where the secret is an OAuth refresh token, else it is an API key. ``held``: also
    comments that wait for review."""

    channel: str
    since: str
    poll_seconds: int
    daily_units: int
    watched_threads: int
    held: bool
    client_id: str
    client_secret: str
    api_url: str
    token_url: str


def channel_settings(connection: Connection) -> ChannelSettings:
    """Return a connection's settings. Raise ``Fatal`` naming one that can't be meant."""
    found = ChannelSettings(
        channel=text_setting(connection, "channel"),
        since=since_setting(connection),
        poll_seconds=number_setting(connection, "poll_seconds", 60, 5, 3600),
        daily_units=number_setting(connection, "daily_units", 10_000, 100, 1_000_000_000),
        watched_threads=number_setting(connection, "watched_threads", 500, 100, 5000),
        held=flag_setting(connection, "held"),
        client_id=text_setting(connection, "client_id", ""),
        client_secret=text_setting(connection, "client_secret", ""),
        api_url=address_setting(connection, "api_url", _API),
        token_url=address_setting(connection, "token_url", _TOKENS),
    )
    if not found.channel.startswith("UC"):
        raise wrong_setting(connection, "channel", "a channel's id, which begins with UC (no handle)")
    if bool(found.client_id) != bool(found.client_secret):
        missing = "client_secret" if found.client_id else "client_id"
        raise wrong_setting(connection, missing, "the OAuth client's, beside the other of the two")
    if found.held and not found.client_id:
        raise wrong_setting(connection, "held", "false without client_id: only the channel's owner sees held comments")
    return found


def warnings_of(connection: Connection) -> tuple[str, ...]:
    """Return what is doubtful in a connection's settings. Raise ``Fatal`` for those that can't be meant."""
    its = channel_settings(connection)
    rounds = 86_400 // its.poll_seconds
    needed = rounds + rounds // 10 * (its.watched_threads // 100 + 30)
    if needed > its.daily_units:
        return (
            f"about {needed} units a day are needed at poll_seconds {its.poll_seconds}, daily_units are"
            f" {its.daily_units}: polling will rest for part of each day",
        )
    return ()


def own_channels(connection: Connection) -> frozenset[str]:
    """Return the ids of the business's channels, none where no setting names one."""
    return frozenset(texts_of(connection.settings, "channel") + texts_of(connection.settings, "accounts"))

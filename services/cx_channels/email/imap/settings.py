"""Read the settings of a mailbox. The README explains each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cx_channels.kit.mail.settings import mail_settings
from cx_channels.kit.settings import check_choice, number_setting, since_setting, text_setting, wrong_setting
from cx_channels.provider import Connection
from cx_events.errors import Fatal, Refused

SETTING_NAMES = frozenset(
    {
        *("host", "port", "tls", "ca_file", "user", "auth", "folders", "since", "poll_seconds", "delivers_as"),
        *("token_url", "client_id", "client_secret", "scope"),
    }
)
_PORTS = {"implicit": 993, "starttls": 143}
_LEAST_POLL, _MOST_POLL = 5, 1740
"""Seconds. A server may end an IDLE after 30 minutes (RFC 2177), so it is begun anew before."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """The source of OAuth tokens (RFC 6749). Without ``client_secret`` the connection's secret is the client's
    (``client_credentials``), else it is a refresh token."""

    url: str
    client_id: str
    client_secret: str
    scope: str


@dataclass(frozen=True, slots=True)
class MailboxSettings:
    """``port``, ``tls``: with TLS from the first byte on (``implicit``), or by STARTTLS. ``since``: ``now``,
    ``beginning`` or an ISO date: what is fetched of what lies there at the very start. ``tokens``: None where the
    secret is the token itself. ``delivers_as``: another connection, whose mail this is."""

    host: str
    port: int
    tls: str
    ca_file: str
    user: str
    auth: Literal["password", "xoauth2"]
    folders: tuple[str, ...]
    since: str
    poll_seconds: int
    delivers_as: str
    tokens: Tokens | None


def mailbox_settings(connection: Connection) -> MailboxSettings:
    """Return a connection's settings. Raise ``Fatal`` naming one that can't be meant."""
    settings = connection.settings
    check_choice(connection, "tls", *_PORTS)
    check_choice(connection, "auth", "password", "xoauth2")
    tls = settings.get("tls", "implicit")
    folders = settings.get("folders", ["INBOX"])
    if not isinstance(folders, list | tuple) or not folders or not all(map(_is_name, folders)):
        raise wrong_setting(connection, "folders", "a list of names of folders")
    return MailboxSettings(
        host=text_setting(connection, "host"),
        port=number_setting(connection, "port", _PORTS[tls], 1, 65535),
        tls=tls,
        ca_file=text_setting(connection, "ca_file", ""),
        user=text_setting(connection, "user"),
        auth=settings.get("auth", "password"),
        folders=tuple(dict.fromkeys(folders)),
        since=since_setting(connection),
        poll_seconds=number_setting(connection, "poll_seconds", 60, _LEAST_POLL, _MOST_POLL),
        delivers_as=text_setting(connection, "delivers_as", ""),
        tokens=_tokens(connection),
    )


def warnings_of(connection: Connection) -> tuple[str, ...]:
    """Return what is doubtful in a connection's settings. Raise ``Fatal`` for those that can't be meant."""
    its = mailbox_settings(connection)
    try:
        own = mail_settings(connection.settings, by_vendor=True).own
    except Refused as refused:
        raise Fatal(f"{connection.id}: {refused.detail}") from None
    found = []
    if its.delivers_as and (own.addresses or own.domains):
        found.append(f"mail is read by the settings of {its.delivers_as}: addresses and domains here do nothing")
    elif not its.delivers_as and not (own.addresses or own.domains):
        found.append("neither addresses nor domains: whoever a mail is addressed to is taken for us")
    if its.auth == "xoauth2" and its.tokens is None:
        found.append("no token_url: the secret is the access token itself, which most servers end after an hour")
    return tuple(found)


def _tokens(connection: Connection) -> Tokens | None:
    url = text_setting(connection, "token_url", "")
    if not url:
        return None
    if not url.startswith("https://"):
        raise wrong_setting(connection, "token_url", "an https:// URL: a secret is sent there")
    names = ("client_id", "client_secret", "scope")
    client_id, client_secret, scope = (text_setting(connection, name, "") for name in names)
    if not client_id:
        raise wrong_setting(connection, "client_id", "the id of the application at token_url")
    return Tokens(url, client_id, client_secret, scope)


def _is_name(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip()) and value.isprintable()

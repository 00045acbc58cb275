"""Read the settings of a connection. The README explains each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from cx_channels.kit.settings import texts_of
from cx_channels.provider import Connection
from cx_events.errors import Fatal

SETTING_NAMES = frozenset(
    {
        *("numbers", "staff", "outside_profiles", "verstat", "ivr_applications", "encoded_values"),
        *("host", "port", "user", "password", "reconcile_seconds"),
    }
)
DEFAULT_PASSWORD = "ClueCon"  # noqa: S105 - everybody's, so it is refused
"""The password of every fresh installation (event_socket.conf.xml)."""
IVR_APPLICATIONS = ("ivr", "play_and_get_digits", "read", "voicemail", "callcenter", "fifo", "directory")


@dataclass(frozen=True, slots=True)
class SocketSettings:
    """``user``: ``USER@DOMAIN`` where a directory user logs in, "" for the socket's own password. ``passwords``: newest
    first. ``reconcile_seconds``: between two looks at the channels that there are."""

    host: str
    port: int
    user: str
    passwords: tuple[str, ...]
    reconcile_seconds: int


@dataclass(frozen=True, slots=True)
class People:
    """The settings that tell outside from inside. ``profiles``: of mod_sofia, of calls from and to the world."""

    profiles: frozenset[str]
    trusts_verstat: bool
    applications: frozenset[str]


def people_settings(connection: Connection) -> People:
    """For ``Connection.once``."""
    settings = connection.settings
    return People(
        profiles=frozenset(texts_of(settings, "outside_profiles") or ("external",)),
        trusts_verstat=settings.get("verstat") == "trusted",
        applications=frozenset(texts_of(settings, "ivr_applications") or IVR_APPLICATIONS),
    )


def has_socket(connection: Connection) -> bool:
    """Return whether the connection's event socket is read."""
    return bool(connection.settings.get("host"))


def socket_settings(connection: Connection) -> SocketSettings:
    """Return the settings of the event socket. Raise ``Fatal`` naming one that can't be meant."""
    host = _text(connection, "host")
    passwords = tuple(texts_of(connection.settings, "password"))
    if not passwords:
        raise _wrong(connection, "password", "the password of event_socket.conf")
    for each in (*passwords, _text(connection, "user", "")):
        if any(sign in each for sign in "\r\n\0"):
            raise Fatal(f"{connection.id}: settings.password and user hold no line break and no NUL")
    if DEFAULT_PASSWORD in passwords and not _is_loopback(host):
        raise Fatal(
            f"{connection.id}: settings.password is {DEFAULT_PASSWORD}, which everybody knows: set another one in"
            " event_socket.conf.xml"
        )
    return SocketSettings(
        host=host,
        port=_number(connection, "port", 8021, 1, 65535),
        user=_text(connection, "user", ""),
        passwords=passwords,
        reconcile_seconds=_number(connection, "reconcile_seconds", 60, 1, 3600),
    )


def warnings_of(connection: Connection) -> tuple[str, ...]:
    """Return what is doubtful in a connection's settings. Raise ``Fatal`` for those that can't be meant."""
    settings, found = connection.settings, []
    if settings.get("verstat") not in (None, "trusted"):
        raise _wrong(connection, "verstat", "trusted, or left out")
    if not isinstance(settings.get("encoded_values", True), bool):
        raise _wrong(connection, "encoded_values", "true or false")
    if has_socket(connection):
        its = socket_settings(connection)
        if not _is_loopback(its.host):
            found.append(
                f"the event socket at {its.host} has no TLS of its own: keep it in a private network or tunnel"
            )
    elif settings.get("password"):
        found.append("there is a password, but no host: the event socket is not read")
    if not settings.get("numbers"):
        found.append("settings.numbers is missing: calls between the business's own numbers are taken for a customer's")
    return tuple(found)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _text(connection: Connection, name: str, default: str | None = None) -> str:
    value = connection.settings.get(name, default)
    if not isinstance(value, str) or (default is None and not value.strip()):
        raise _wrong(connection, name, "a text")
    return value.strip(" ")


def _number(connection: Connection, name: str, default: int, least: int, most: int) -> int:
    value = connection.settings.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise _wrong(connection, name, f"a whole number from {least} to {most}")
    return value


def _wrong(connection: Connection, name: str, expected: str) -> Fatal:
    given: Mapping[str, Any] = connection.settings
    there = f"not {given[name]!r}" if name in given and name != "password" else "and it is missing"
    return Fatal(f"{connection.id}: settings.{name} is {expected}, {there}")

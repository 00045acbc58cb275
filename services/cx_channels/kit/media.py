"""Describe how a vendor's files are asked for: hosts, and settings that several vendors have."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from cx_channels.kit.json_values import obj, text
from cx_channels.kit.settings import text_setting, texts_of
from cx_channels.provider import MEDIA_SETTING, Connection, MediaRequest, MediaSource
from cx_events import strict_json
from cx_events.errors import Refused
from cx_events.timestamps import Micros

TOKEN = "media_token"  # noqa: S105 - the name of a setting
SERVER = "media_url"
STORES = "media_hosts"
OF_A_SERVER = frozenset({MEDIA_SETTING, SERVER, STORES})
"""Settings of what runs on a server of the tenant's own, besides those of its credentials."""

FILE_NAME = r"(?!\.{1,2}(?:\?|\Z))(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%(?!2[EeFf]|5[Cc])[0-9A-Fa-f]{2}){1,1000}"
"""The last part of a path where it is the name of a file, and leads nowhere else."""

_SERVER = re.compile(r"https://[a-z0-9](?:[a-z0-9.-]{0,250}[a-z0-9])?(?:/[A-Za-z0-9_-]{1,100}){0,5}")
_OBJECT_STORE = re.compile(
    r"(?:[a-z0-9.-]{1,63}\.)?s3(?:[.-][a-z0-9-]{1,30}){0,2}\.amazonaws\.com"
    r"|(?:[a-z0-9._-]{1,63}\.)?storage\.googleapis\.com|[a-z0-9]{3,24}\.blob\.core\.windows\.net"
)


def token_of(connection: Connection) -> str:
    """Return ``settings.media_token``; "" where it is missing. Raise ``Fatal`` for what is no text."""
    return text_setting(connection, TOKEN, "")


def lacks_token(what: str) -> Callable[[Connection], tuple[str, ...]]:
    """Return what says of a connection that it has no token. ``what``: which token is meant."""
    return lacks_settings({TOKEN: what})


def lacks_settings(needed: Mapping[str, str]) -> Callable[[Connection], tuple[str, ...]]:
    """Return what says of a connection which settings it lacks. ``needed``: by name, what each is."""

    def lacks(connection: Connection) -> tuple[str, ...]:
        return tuple(
            f"settings.media is true, and settings.{name} ({what}) is missing"
            for name, what in needed.items()
            if not text_setting(connection, name, "")
        )

    return lacks


def server_of(connection: Connection) -> str:
    """Return ``settings.media_url``, the address of a server of the tenant's own, without a slash at its end; "" where
    it is missing. Raise ``Fatal`` for what is no text."""
    return text_setting(connection, SERVER, "").rstrip("/")


def is_on_server(url: str, connection: Connection, path: re.Pattern[str]) -> bool:
    """Return whether an address is one of the tenant's own server, with a path like that below the server's."""
    server = server_of(connection)
    return url.startswith(f"{server}/") and path.fullmatch(url, len(server)) is not None


def lacks_server(what: str, more: Mapping[str, str]) -> Callable[[Connection], tuple[str, ...]]:
    """Return what says of a connection which settings it lacks to ask a server of the tenant's own. ``what``: which
    server is meant; ``more``: what each other setting is, by name."""
    missing = lacks_settings({SERVER: what, **more})

    def lacks(connection: Connection) -> tuple[str, ...]:
        server = server_of(connection)
        if not server or _SERVER.fullmatch(server):
            return missing(connection)
        why = "no address like https://chat.acme.example: https, without a port, in lower case"
        return (f"settings.media is true, and settings.{SERVER} ({what}) is {why}", *missing(connection))

    return lacks


def stores_of(connection: Connection) -> Callable[[str], bool]:
    """Return what says of a host whether a server of the tenant's own may send on to it for a file: the object stores
    of Amazon, Google and Azure, and the hosts of ``settings.media_hosts`` (see ``within``)."""
    named = within(*texts_of(connection.settings, STORES))
    return lambda host: _OBJECT_STORE.fullmatch(host) is not None or named(host)


def within(*domains: str) -> Callable[[str], bool]:
    """Return what says of a host whether it is one of these; ``.example.com`` stands for all hosts below it."""

    def leads_to(host: str) -> bool:
        return any(host.endswith(each) if each.startswith(".") else host == each for each in domains)

    return leads_to


def named_in(content: bytes, *path: str) -> str:
    """Return a text of a vendor's JSON answer. Raise ValueError where it is not there."""
    try:
        found: Any = strict_json.decode_mended(content)
    except Refused:
        raise ValueError("the vendor's answer is no JSON") from None
    for name in path[:-1]:
        found = obj(obj(found).get(name))
    value = text(obj(found).get(path[-1]))
    if not value:
        raise ValueError(f"the vendor's answer has no {'.'.join(path)}")
    return value


def public_files(pattern: re.Pattern[str], *domains: str) -> MediaSource:
    """Return the source of files that anybody may fetch who has their address, for as long as it is good.

    ``pattern``: of the whole URL. ``domains``: where redirects may lead, see ``within``.
    """
    matches, leads_to = pattern.fullmatch, within(*domains)

    def request(url: str, _connection: Connection, _now: Micros) -> MediaRequest | None:
        return MediaRequest(url, leads_to=leads_to) if matches(url) else None

    return MediaSource(request)

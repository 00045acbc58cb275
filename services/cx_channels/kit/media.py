"""Describe how a vendor's files are asked for: hosts, and settings that several vendors have."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from cx_channels.kit.json_values import obj, text
from cx_channels.kit.settings import text_setting
from cx_channels.provider import Connection, MediaRequest, MediaSource
from cx_events import strict_json
from cx_events.errors import Refused
from cx_events.timestamps import Micros

TOKEN = "media_token"  # noqa: S105 - the name of a setting


def token_of(connection: Connection) -> str:
    """Return ``settings.media_token``; "" where it is missing. Raise ``Fatal`` for what is no text."""
    return text_setting(connection, TOKEN, "")


def lacks_token(what: str) -> Callable[[Connection], tuple[str, ...]]:
    """Return what says of a connection that it has no token. ``what``: which token is meant."""

    def lacks(connection: Connection) -> tuple[str, ...]:
        return (
            () if token_of(connection) else (f"settings.media is true, and settings.media_token ({what}) is missing",)
        )

    return lacks


def within(*domains: str) -> Callable[[str], bool]:
    """Return what says of a host whether it is one of these; ``.example.com`` stands for all hosts below it."""

    def leads_to(host: str) -> bool:
        return any(host.endswith(each) if each.startswith(".") else host == each for each in domains)

    return leads_to


def named_in(content: bytes, *path: str) -> str:
    """Return a text of a vendor's JSON answer. Raise ValueError where it is not there."""
    try:
        found: Any = strict_json.decode(content)
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

"""Read the settings of a telephone system. The README explains each."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from cx_channels.kit.settings import check_choice, texts_of
from cx_channels.provider import Connection
from cx_channels.voice.asterisk.rules import read_rules
from cx_events.errors import Fatal

SETTING_NAMES = frozenset(
    {
        *("interface", "host", "port", "tls", "ca_file", "user", "auth", "apps", "subscribe_all", "prefix"),
        *("trunks", "contexts", "numbers", "staff", "stir_shaken", "same_call", "user_events", "dtmf"),
    }
)
_PORTS = {("ami", True): 5039, ("ami", False): 5038, ("ari", True): 8089, ("ari", False): 8088}
_APP = re.compile(r"[A-Za-z0-9_.-]{1,80}")
_PREFIX = re.compile(r"[A-Za-z0-9_./-]{0,200}")


@dataclass(frozen=True, slots=True)
class SystemSettings:
    """``tls``: from the first byte on. ``auth``: how AMI is logged in to. ``apps``, ``subscribe_all``, ``prefix``: of
    ARI. ``keys``: that keypads are listened to."""

    interface: Literal["ami", "ari"]
    host: str
    port: int
    tls: bool
    ca_file: str
    user: str
    auth: Literal["md5", "plain"]
    apps: tuple[str, ...]
    subscribe_all: bool
    prefix: str
    keys: bool


def system_settings(connection: Connection) -> SystemSettings:
    """Return a connection's settings. Raise ``Fatal`` naming one that can't be meant."""
    check_choice(connection, "interface", "ami", "ari")
    check_choice(connection, "auth", "md5", "plain")
    check_choice(connection, "dtmf", "keep", "ignore")
    settings = connection.settings
    if settings.get("interface") is None:
        raise _wrong(connection, "interface", "ami or ari")
    interface, tls = settings["interface"], _flag(connection, "tls", True)
    apps = tuple(dict.fromkeys(texts_of(settings, "apps"))) or ("throughline",)
    if not all(_APP.fullmatch(each) for each in apps):
        raise _wrong(connection, "apps", "names of letters, digits, dots, dashes and underscores")
    prefix = _text(connection, "prefix", "").strip("/")
    if _PREFIX.fullmatch(prefix) is None:
        raise _wrong(connection, "prefix", "a path, as http.conf has it")
    for name in ("stir_shaken", "same_call"):
        if not isinstance(settings.get(name, ""), str):
            raise _wrong(connection, name, "the name of a channel variable")
    return SystemSettings(
        interface=interface,
        host=_text(connection, "host"),
        port=_port(connection, _PORTS[interface, tls]),
        tls=tls,
        ca_file=_text(connection, "ca_file", ""),
        user=_text(connection, "user"),
        auth=settings.get("auth", "md5"),
        apps=apps,
        subscribe_all=_flag(connection, "subscribe_all", True),
        prefix=prefix,
        keys=settings.get("dtmf", "keep") == "keep",
    )


def warnings_of(connection: Connection) -> tuple[str, ...]:
    """Return what is doubtful in a connection's settings. Raise ``Fatal`` for those that can't be meant."""
    its, rules = system_settings(connection), connection.once(read_rules)
    found = []
    if not rules.trunks and not rules.contexts:
        found.append("neither trunks nor contexts: calls from outside can't be told, and nobody becomes a customer")
    if not its.tls and (its.interface == "ari" or its.auth == "plain"):
        found.append("tls: false: the password crosses the network in clear text")
    if its.interface == "ari" and not its.subscribe_all:
        found.append("subscribe_all: false: of calls that don't enter the applications nothing is heard")
    return tuple(found)


def _flag(connection: Connection, name: str, default: bool) -> bool:
    value = connection.settings.get(name, default)
    if not isinstance(value, bool):
        raise _wrong(connection, name, "true or false")
    return value


def _text(connection: Connection, name: str, default: str | None = None) -> str:
    value = connection.settings.get(name, default)
    if not isinstance(value, str) or (default is None and not value.strip()) or not value.isprintable():
        raise _wrong(connection, name, "a text")
    return value.strip()


def _port(connection: Connection, default: int) -> int:
    value = connection.settings.get("port", default)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 65535:
        raise _wrong(connection, "port", "a whole number from 1 to 65535")
    return value


def _wrong(connection: Connection, name: str, expected: str) -> Fatal:
    given = connection.settings
    there = f"not {given[name]!r}" if name in given else "and it is missing"
    return Fatal(f"{connection.id}: settings.{name} is {expected}, {there}")

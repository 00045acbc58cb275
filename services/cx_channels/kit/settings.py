"""Read a connection's settings, which YAML gives as one value or as a list."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from fnmatch import fnmatchcase
from functools import cache
from typing import Any, NamedTuple

from cx_channels.kit.json_values import texts
from cx_channels.provider import Connection
from cx_events.errors import Fatal

_SEVERAL = (list, tuple)
_WILD = frozenset("*?[")


def texts_of(settings: Mapping[str, Any], name: str) -> list[str]:
    """Return the texts of a setting, whole numbers as text; none where it is absent."""
    given = settings.get(name)
    if given is None:
        return []
    return texts(list(given) if isinstance(given, _SEVERAL) else [given])


class Patterns(NamedTuple):
    """The values that a setting lists, none of them empty; those with ``*`` for anything apart."""

    exact: frozenset[str]
    wild: tuple[str, ...]

    def match(self, value: str) -> bool:
        if value in self.exact:
            return True
        return bool(self.wild and value) and any(fnmatchcase(value, pattern) for pattern in self.wild)


def lists(connection: Connection, name: str, value: str) -> bool:
    """Return whether a setting lists a value; ``*`` stands for anything."""
    return name in connection.settings and connection.once(_reader(name)).match(value)


@cache
def _reader(name: str) -> Callable[[Connection], Patterns]:
    """Return what reads one setting of a connection, the same for each question about it (``Connection.once``)."""

    return lambda connection: patterns_of(connection, name)


def patterns_of(connection: Connection, name: str) -> Patterns:
    """Return the values that a setting lists. Keep them (``Connection.once``) where each notice asks for several."""
    listed = texts_of(connection.settings, name)
    wild = tuple(each for each in listed if not _WILD.isdisjoint(each))
    return Patterns(frozenset(listed).difference(wild), wild)


def check_choice(connection: Connection, name: str, *choices: str) -> None:
    """Raise ``Fatal`` for a setting that is there and none of the choices."""
    given = connection.settings.get(name)
    if given not in (None, *choices):
        raise Fatal(f"the connection {connection.id}: {name} is {' or '.join(choices)}, not {given!r}")


def text_setting(connection: Connection, name: str, default: str | None = None) -> str:
    """Return a setting that is a text. Raise ``Fatal`` for another, and where it is missing and has no default."""
    value = connection.settings.get(name, default)
    if not isinstance(value, str) or (default is None and not value.strip()) or not value.isprintable():
        raise wrong_setting(connection, name, "a text")
    return value.strip()


def number_setting(connection: Connection, name: str, default: int, least: int, most: int) -> int:
    """Return a setting that is a whole number. Raise ``Fatal`` for another."""
    value = connection.settings.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise wrong_setting(connection, name, f"a whole number from {least} to {most}")
    return value


def flag_setting(connection: Connection, name: str) -> bool:
    """Return a setting that is true or false, false without. Raise ``Fatal`` for another."""
    value = connection.settings.get(name, False)
    if not isinstance(value, bool):
        raise wrong_setting(connection, name, "true or false")
    return value


def since_setting(connection: Connection) -> str:
    """Return from when on a poller reads what lies there at its very start: ``now``, ``beginning`` or an ISO date."""
    value = connection.settings.get("since", "now")
    if isinstance(value, date):  # YAML reads a bare date as one
        return value.isoformat()[:10]
    if value in ("now", "beginning"):
        return str(value)
    try:
        return date.fromisoformat(value).isoformat()
    except (TypeError, ValueError):
        raise wrong_setting(connection, "since", "now, beginning or a date like 2026-11-29") from None


def since_seconds(since: str, now: float) -> int:
    """Return the s since 1970 that ``since_setting`` means: ``now``, 0 for ``beginning``, or a date's first in UTC."""
    if since == "now":
        return int(now)
    return 0 if since == "beginning" else int(datetime.fromisoformat(since).replace(tzinfo=UTC).timestamp())


def address_setting(connection: Connection, name: str, default: str) -> str:
    """Return a setting that is an address to which secrets are sent, without a slash at its end. Raise ``Fatal`` for
    what is neither ``https://`` nor this machine."""
    value = text_setting(connection, name, default)
    if not value.startswith(("https://", "http://127.0.0.1:")) or "@" in value:
        raise wrong_setting(connection, name, "an https:// URL: a secret is sent there")
    return value.rstrip("/")


def wrong_setting(connection: Connection, name: str, expected: str) -> Fatal:
    """Return the error of a setting that can't be meant."""
    given = connection.settings
    there = f"not {given[name]!r}" if name in given and "secret" not in name else "and it is missing"
    return Fatal(f"{connection.id}: settings.{name} is {expected}, {there}")

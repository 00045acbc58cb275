"""Read a connection's settings, which YAML gives as one value or as a list."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from cx_channels.kit.json_values import texts
from cx_channels.provider import Connection
from cx_events.errors import Fatal


def texts_of(settings: Mapping[str, Any], name: str) -> list[str]:
    """Return the texts of a setting, whole numbers as text; none where it is absent."""
    given = settings.get(name)
    return texts(list(given) if isinstance(given, list | tuple) else [given])


def lists(settings: Mapping[str, Any], name: str, value: str) -> bool:
    """Return whether a setting lists a value; ``*`` stands for anything."""
    return bool(value) and any(fnmatchcase(value, pattern) for pattern in texts_of(settings, name))


def check_choice(connection: Connection, name: str, *choices: str) -> None:
    """Raise ``Fatal`` for a setting that is there and none of the choices."""
    given = connection.settings.get(name)
    if given not in (None, *choices):
        raise Fatal(f"the connection {connection.id}: {name} is {' or '.join(choices)}, not {given!r}")

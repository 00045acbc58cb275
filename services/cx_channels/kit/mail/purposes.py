"""Read the setting ``purposes``: what a vendor's lists and groups are called where consent is kept."""

from __future__ import annotations

from collections.abc import Mapping

from cx_channels.provider import Connection
from cx_events.errors import Fatal

ALL = "all"
"""The name of all mail, for somebody who wants none."""


def purposes_of(connection: Connection) -> Mapping[str, str]:
    """For ``Connection.once``: the tenant's names by the vendor's. ``Fatal`` for a setting of another shape."""
    given = connection.settings.get("purposes", {})
    if not isinstance(given, Mapping) or not all(isinstance(each, str) and each.strip() for each in given.values()):
        raise Fatal(f"the connection {connection.id}: purposes is not a map of the vendor's names to purposes")
    return {str(name): str(purpose) for name, purpose in given.items()}

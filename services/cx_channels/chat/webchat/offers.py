"""Check that visitors may ask for something beside an answer, by the connection's setting ``offers``.

``person``: that somebody comes. ``callback``: a call. ``code``: one to go on with the chat elsewhere.
"""

from __future__ import annotations

from typing import Any

from cx_channels.provider import Connection
from cx_events.errors import Fatal, Refused

OFFERS = ("person", "callback", "code")


def offers_of(connection: Connection) -> tuple[str, ...]:
    """Return what is offered: all where the connection says nothing. Raises ``Fatal`` for a setting that can't be."""
    given: Any = connection.settings.get("offers", list(OFFERS))
    if not isinstance(given, list) or not all(each in OFFERS for each in given):
        raise Fatal(f"the connection {connection.id}: offers is a list of {', '.join(OFFERS)}")
    return tuple(each for each in OFFERS if each in given)


def check_offered(name: str, connection: Connection) -> None:
    """Raise ``Refused("not-offered", 403)`` where visitors of this chat may not ask for this."""
    if name not in offers_of(connection):
        raise Refused("not-offered", f"this chat offers no {name}", 403)

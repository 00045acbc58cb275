"""Declare the settings that every provider has whose vendor's lists are asked (``cx_channels.catch_up``)."""

from __future__ import annotations

from dataclasses import dataclass

from cx_channels.kit.settings import number_setting
from cx_channels.provider import Connection

CATCH_UP_SETTINGS = frozenset({"catch_up_minutes", "catch_up_days"})


@dataclass(frozen=True, slots=True)
class CatchUpSettings:
    """``minutes``: between two rounds; ``days``: how far back a gap is filled at most."""

    minutes: int
    days: int


def catch_up_settings(connection: Connection) -> CatchUpSettings:
    """Return a connection's settings. Raise ``Fatal`` naming one that can't be meant."""
    return CatchUpSettings(
        number_setting(connection, "catch_up_minutes", 15, 1, 1440),
        number_setting(connection, "catch_up_days", 7, 1, 90),
    )

"""Read the settings that say who is who: Asterisk itself knows no inside and outside."""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import lru_cache
from typing import NamedTuple

from cx_channels.kit.number_lists import has, listed
from cx_channels.kit.settings import texts_of
from cx_channels.provider import Connection
from cx_channels.voice.asterisk.channel import Channel
from cx_events.phone_numbers import normalise_number

_CACHED = 8192


class Ours(NamedTuple):
    """The numbers of the business (``has_numbers``: there is such a setting) and of its staff; ``region`` reads
    national ones."""

    numbers: tuple[str, ...]
    staff: tuple[str, ...]
    has_numbers: bool
    region: str | None

    def has(self, value: str) -> bool:
        return has(self.numbers, value, self.region) or has(self.staff, value, self.region)

    def normal(self, value: str) -> str:
        return normalise_number(value, self.region)[0]


class Rules(NamedTuple):
    """``trunks``: endpoints, ``contexts``: of the dialplan, by which calls come from outside; ``*`` stands for
    anything. ``stir_shaken``: the channel variable with the verdict on the caller's number. ``same_call``: the one
    with another system's id of the call. ``user_events``: those that are steps of a menu."""

    trunks: tuple[str, ...]
    contexts: tuple[str, ...]
    stir_shaken: str
    same_call: str
    user_events: frozenset[str]
    keys: bool
    ours: Ours


def read_rules(connection: Connection) -> Rules:
    """For ``Connection.once``."""
    settings = connection.settings
    stir_shaken, same_call = settings.get("stir_shaken"), settings.get("same_call")
    return Rules(
        tuple(texts_of(settings, "trunks")),
        tuple(texts_of(settings, "contexts")),
        stir_shaken if isinstance(stir_shaken, str) else "",
        same_call if isinstance(same_call, str) else "",
        frozenset(each.lower() for each in texts_of(settings, "user_events")),
        settings.get("dtmf", "keep") != "ignore",
        Ours(listed(settings, "numbers"), listed(settings, "staff"), bool(settings.get("numbers")), connection.region),
    )


def is_outside(channel: Channel, connection: Connection) -> bool:
    """Return whether a channel leads to the outside: by its endpoint, or by the context where it is."""
    rules = connection.once(read_rules)
    return not channel.is_local and (
        _matches(rules.trunks, channel.endpoint) or _matches(rules.contexts, channel.context)
    )


@lru_cache(_CACHED)
def _matches(patterns: tuple[str, ...], value: str) -> bool:
    return bool(value) and any(fnmatchcase(value, pattern) for pattern in patterns)

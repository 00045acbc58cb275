"""Look up event types: which there are, what each needs, and who may send it. ``types/`` defines them by family."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from functools import cache, lru_cache
from typing import Any, NamedTuple

from cx_events.envelope import Data, Draft, Event
from cx_events.errors import Refused
from cx_events.event_type import EventType
from cx_events.spelling import nearest
from cx_events.types import all_types

TYPE_NAME = re.compile(r"cx\.(?P<family>[a-z]+)\.(?P<what>[a-z_]+)\.v(?P<version>[1-9][0-9]*)")

SEND_SCOPE = "events:write"
"""The scope that every sender of events needs, whatever their type."""


@cache
def catalogue() -> Mapping[str, EventType]:
    """Return every known type by its name, in order of family and name."""
    by_name: dict[str, EventType] = {}
    for event_type in sorted(all_types(), key=lambda t: (t.family, t.name)):
        if event_type.name in by_name or TYPE_NAME.fullmatch(event_type.name) is None:
            raise ValueError(f"event type {event_type.name!r} is malformed or defined twice")
        by_name[event_type.name] = event_type
    return by_name


class Permit(NamedTuple):
    """The conditions for sending events of a type: all of ``scopes``.

    ``unsupported``: why nobody may send it, or empty. ``reserved``: only the hub itself and an import write it.
    """

    scopes: frozenset[str]
    unsupported: str = ""
    reserved: bool = False


ANYBODYS = Permit(frozenset({SEND_SCOPE}))
"""The permit of most types: whoever may send events may send these."""

_RESERVED = frozenset({"identity", "operations"})
"""Families whose decisions have routes of their own."""


@lru_cache(1024)
def permit_of(name: str) -> Permit:
    """Return what it takes to send events of this type, known or not.

    An unknown version needs what the known versions need, an unknown name what its whole family needs: the event stays
    on the log for good, and must never come to mean more than its sender was allowed to say.
    """
    match = TYPE_NAME.fullmatch(name)
    if match is None:
        return ANYBODYS
    family = [each for each in catalogue().values() if each.family == match["family"]]
    versions = [each for each in family if each.name.startswith(f"cx.{match['family']}.{match['what']}.v")]
    return Permit(
        scopes=frozenset({SEND_SCOPE, *(each.scope for each in versions or family)}),
        unsupported=next((each.unsupported for each in versions if each.unsupported), ""),
        reserved=any(each.kind == "decision" and each.family in _RESERVED for each in versions),
    )


def check_scopes(name: str, scopes: Collection[str]) -> None:
    """Raise ``Refused("missing-scope", 403)`` unless a key with these scopes may send events of the type ``name``."""
    if "*" in scopes:
        return
    needed = permit_of(name).scopes
    if len(needed) > 1 and not needed <= {SEND_SCOPE, *scopes}:
        lacking = sorted(needed - {SEND_SCOPE, *scopes})
        raise Refused("missing-scope", f"{name} needs the scope {' and '.join(lacking)}{_if_unknown(name)}", 403)


def _if_unknown(name: str) -> str:
    """Return what to add of a type that is not known, whose scopes are those of its whole family."""
    if name in catalogue():
        return ""
    near = nearest(name, catalogue())
    return ", as its family does; there is no such type" + (f", did you mean {near}?" if near else "")


def missing_fields(event: Event | Draft, needs: Iterable[str]) -> list[str]:
    """Return those of ``needs`` (see ``EventType``) that the event's data lacks."""
    lacking = []
    for need in needs:
        for path in _paths(need):
            if _present(event.data, path):
                break
        else:
            lacking.append(need)
    return lacking


@lru_cache(1024)
def _paths(need: str) -> tuple[tuple[str, ...], ...]:
    """Return the alternative paths of a need, each as its steps."""
    return tuple(tuple(path.split(".")) for path in need.split("|"))


def _present(data: Data, steps: Iterable[str]) -> bool:
    at: Any = data
    for step in steps:
        at = getattr(at, step, None)
        if not at and (at is None or isinstance(at, str | list | dict)):  # 0 and false are there
            return False
    return True

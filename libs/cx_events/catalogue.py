"""Which event types there are, and what each needs. The families stand in ``types/``, a file each."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from functools import cache, lru_cache
from typing import Any, Literal, NamedTuple

from msgspec import Struct

from cx_events.envelope import Data, Event
from cx_events.errors import Refused

TYPE_NAME = re.compile(r"cx\.(?P<family>[a-z]+)\.(?P<what>[a-z_]+)\.v(?P<version>[1-9][0-9]*)")

Kind = Literal["interaction", "decision", "insight"]
Scope = Literal["events:write", "conversations:write", "identity:prove", "identity:write"]

SEND_SCOPE = "events:write"
"""What every sender of events needs, whatever they are."""


class EventType(Struct, frozen=True, kw_only=True):
    """One version of one type.

    ``needs``: paths into ``data`` that must be present (``message``, ``agent.id``); where one of several is enough they
    stand together (``interaction|conversation.id``).
    ``kind``: decisions and insights are facts about facts and are not counted as events of the customer.
    ``scope``: what a key needs, beside ``events:write``, to send such an event; the one that the route asks for which
    does the same. ``unsupported``: why nobody may send it yet; empty where it may be sent.
    ``example``: a whole event as a client sends it; it stands under ``schemas/`` and is tested.
    """

    name: str
    summary: str
    example: Mapping[str, Any]
    scope: Scope
    needs: tuple[str, ...] = ()
    kind: Kind = "interaction"
    unsupported: str = ""

    @property
    def family(self) -> str:
        return self.name.split(".")[1]

    @property
    def version(self) -> int:
        return int(self.name.rpartition(".v")[2])


@cache
def catalogue() -> Mapping[str, EventType]:
    """Every known type by its name, in order of family and name."""
    from cx_events import types

    found: dict[str, EventType] = {}
    for event_type in sorted(types.all_types(), key=lambda t: (t.family, t.name)):
        if event_type.name in found or TYPE_NAME.fullmatch(event_type.name) is None:
            raise ValueError(f"event type {event_type.name!r} is named twice or wrongly")
        found[event_type.name] = event_type
    return found


class Permit(NamedTuple):
    """What it takes to send events of a type: all of ``scopes``. ``unsupported``: why nobody may, or empty.
    ``reserved``: only the hub itself writes it, and an import."""

    scopes: frozenset[str]
    unsupported: str = ""
    reserved: bool = False


@lru_cache(1024)
def permit_of(name: str) -> Permit:
    """Return what it takes to send events of this type, known or not.

    A version that is unknown today takes what the known ones take, and an unknown name what its whole family takes: it
    lies on the log for good, and must not mean more one day than its sender was allowed to say.
    """
    match = TYPE_NAME.fullmatch(name)
    if match is None:
        return Permit(frozenset({SEND_SCOPE}))
    family = [each for each in catalogue().values() if each.family == match["family"]]
    kin = [each for each in family if each.name.startswith(f"cx.{match['family']}.{match['what']}.v")]
    return Permit(
        scopes=frozenset({SEND_SCOPE, *(each.scope for each in kin or family)}),
        unsupported=next((each.unsupported for each in kin if each.unsupported), ""),
        reserved=any(each.kind == "decision" and each.family == "identity" for each in kin),
    )


def check_scopes(name: str, scopes: Collection[str]) -> None:
    """Raise ``Refused("missing-scope", 403)`` unless a key with these scopes may send events of the type ``name``."""
    if "*" in scopes:
        return
    needed = permit_of(name).scopes
    if len(needed) > 1 and not needed <= {SEND_SCOPE, *scopes}:
        lacking = sorted(needed - {SEND_SCOPE, *scopes})
        raise Refused("missing-scope", f"{name} needs the scope {' and '.join(lacking)}", 403)


def missing_fields(event: Event, needs: Iterable[str]) -> list[str]:
    """Those of ``needs`` that the event's data lacks."""
    return [need for need in needs if not any(_present(event.data, path) for path in _paths(need))]


@lru_cache(1024)
def _paths(need: str) -> tuple[tuple[str, ...], ...]:
    """Return the paths of which one is enough, each as its steps."""
    return tuple(tuple(path.split(".")) for path in need.split("|"))


def _present(data: Data, steps: Iterable[str]) -> bool:
    at: Any = data
    for step in steps:
        at = getattr(at, step, None)
        if at is None or at == "" or at == [] or at == {}:
            return False
    return True

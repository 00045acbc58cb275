"""Which event types there are, and what each needs. The families stand in ``types/``, a file each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Literal

from msgspec import Struct

from cx_events.envelope import Data, Event

TYPE_NAME = re.compile(r"cx\.(?P<family>[a-z]+)\.(?P<what>[a-z_]+)\.v(?P<version>[1-9][0-9]*)")

Kind = Literal["interaction", "decision", "insight"]


class EventType(Struct, frozen=True, kw_only=True):
    """One version of one type.

    ``needs``: paths into ``data`` that must be present (``message``, ``agent.id``); where one of several is enough they
    stand together (``interaction|conversation.id``).
    ``kind``: decisions and insights are facts about facts and are not counted as events of the customer.
    ``example``: a whole event as a client sends it; it stands under ``schemas/`` and is tested.
    """

    name: str
    summary: str
    example: Mapping[str, Any]
    needs: tuple[str, ...] = ()
    kind: Kind = "interaction"

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


def missing(event: Event, needs: Iterable[str]) -> list[str]:
    """Those of ``needs`` that the event's data lacks."""
    return [need for need in needs if not any(_present(event.data, path) for path in need.split("|"))]


def _present(data: Data, path: str) -> bool:
    at: Any = data
    for step in path.split("."):
        at = getattr(at, step, None)
        if at is None or at == "" or at == [] or at == {}:
            return False
    return True

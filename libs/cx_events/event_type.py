"""Describe one version of an event type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct

Kind = Literal["interaction", "decision", "insight"]
Scope = Literal["events:write", "conversations:write", "identity:prove", "identity:write", "directory:write"]


class EventType(Struct, frozen=True, kw_only=True):
    """One version of one type.

    ``needs``: paths into ``data`` that must be present (``message``, ``agent.id``); alternatives, of which one is
    enough, are joined by ``|`` (``interaction|conversation.id``).
    ``times``: paths into ``data`` whose texts must be RFC 3339 times where they are present.
    ``kind``: decisions and insights are facts about facts and are not counted as events of the customer.
    ``scope``: what a key needs, beside ``events:write``, to send such an event: the scope of the route that does the
    same. ``unsupported``: why nobody may send it yet; empty where it may be sent.
    ``example``: a whole event as a client sends it. It is written below ``schemas/`` and is tested.
    """

    name: str
    summary: str
    example: Mapping[str, Any]
    scope: Scope
    needs: tuple[str, ...] = ()
    times: tuple[str, ...] = ()
    kind: Kind = "interaction"
    unsupported: str = ""

    @property
    def family(self) -> str:
        return self.name.split(".")[1]

    @property
    def version(self) -> int:
        return int(self.name.rpartition(".v")[2])

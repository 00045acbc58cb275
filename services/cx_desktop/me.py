"""Tell who a key or a session is."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from cx_events.directory import NO_DIRECTORY, Directory, Entry
from cx_events.json_types import Json
from cx_events.timestamps import format_time
from cx_runtime.sessions.sealing import Session
from cx_runtime.tenants import KeyConfig, TenantConfig


@dataclass(frozen=True, slots=True)
class Environment:
    """A name for this hub, for people. ``color``: ``#rrggbb``; both are empty where nobody said."""

    name: str = ""
    color: str = ""


def me(
    tenant: str,
    key: KeyConfig,
    environment: Environment,
    *,
    directory: Directory = NO_DIRECTORY,
    chats: Sequence[str] = (),
    session: Session | None = None,
    csrf_token: str = "",
) -> Json:
    """Return the answer of ``GET /v1/me``. ``chats``: the tenant's, by ``chats_of``. ``session`` and its
    ``csrf_token``: where the request came with a cookie."""
    agent = session.agent if session is not None else key.agent
    return {
        "tenant": tenant,
        "key": key.id,
        "scopes": sorted(key.scopes),
        "required_assurance": key.required_assurance,
        "agent": agent_view(agent, directory) if agent else None,
        "environment": {"name": environment.name, "color": environment.color},
        "chats": chats,
        "session": None
        if session is None
        else {"expires": format_time(session.expires * 1_000_000), "csrf_token": csrf_token},
        "now": format_time(time.time_ns() // 1000),
    }


def chats_of(config: TenantConfig) -> list[str]:
    """Return the connections of the hub's own web chat: what is sent into their interactions reaches the visitor."""
    return sorted(id for id, each in config.connections.items() if each.provider == "chat/webchat")


def agent_view(id: str, directory: Directory) -> Json:
    """Return an agent by the directory's id; one whom it doesn't know has an id alone."""
    entry = directory.entries.get(("agent", id), Entry("agent", id, "", ()))
    return {"id": id, "name": entry.name, "teams": list(entry.teams), "queues": list(entry.queues)}

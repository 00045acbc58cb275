"""Check who acts by a body: in a session the agent who signed in (``cx_runtime.sessions.acting_agents``). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cx_context_api.requests import bodies
from cx_events.directory import Directory, Entry
from cx_runtime.sessions.acting_agents import check_own_agent


def agent_of_session(signed_in: str, directory: Directory) -> Mapping[str, Any]:
    """Return the members that a body may leave out in a session of an agent: ``{agent: {id, name}}``."""
    entry = directory.entries.get(("agent", signed_in), Entry("agent", signed_in, "", ()))
    return {"agent": {"id": signed_in, "name": entry.name}}


def check_agent(named: bodies.Agent | None, signed_in: str, directory: Directory) -> None:
    """Check that a body names nobody but who signed in. Raises ``Refused("other-agent", 403)``."""
    if named is not None:
        check_own_agent(named.id, signed_in, directory)

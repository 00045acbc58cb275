"""Who acts. An act of a session is of the agent who signed in, whatever its body says.

A key stands for software, which names whoever acts. A session stands for a person: a page that named another one would
let colleagues act in each other's names. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cx_context_api.requests import bodies
from cx_events.directory import Directory, Entry
from cx_events.errors import Refused


def agent_of_session(signed_in: str, directory: Directory) -> Mapping[str, Any]:
    """Return the members that a body may leave out in a session of an agent: ``{agent: {id, name}}``."""
    entry = directory.entries.get(("agent", signed_in), Entry("agent", signed_in, "", ()))
    return {"agent": {"id": signed_in, "name": entry.name}}


def check_agent(named: bodies.Agent | None, signed_in: str, directory: Directory) -> None:
    """Check that a body names nobody but who signed in. Raises ``Refused("other-agent", 403)``."""
    if named is not None and directory.asked_for("agent", named.id) != signed_in:
        raise Refused("other-agent", f"This session is the agent {signed_in!r}'s; it acts for no other.", 403)

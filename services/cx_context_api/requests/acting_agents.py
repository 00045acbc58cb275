"""Read what an agent does. An act of a session is of the agent who signed in, whatever its body says.

A key stands for software, which names whoever acts. A session stands for a person: a page that named another one would
let colleagues act in each other's names.
"""

from __future__ import annotations

from starlette.requests import Request

from cx_context_api.requests import bodies
from cx_context_api.requests.responses import read_request_body
from cx_events.directory import Directory, Entry
from cx_events.errors import Refused
from cx_runtime.sessions.session_auth import session_of


async def read_act(request: Request, shape: type[bodies.BodyT], directory: Directory) -> bodies.BodyT:
    """Read the body of an act, whose ``shape`` has an ``agent``.

    In a session that has an agent it is that one, and may be left out. Raises ``Refused`` as ``read_request_body``
    does, and ``other-agent`` (403) where the body names somebody else.
    """
    signed_in = signed_in_agent(request)
    if not signed_in:
        return await read_request_body(request, shape)
    entry = directory.entries.get(("agent", signed_in), Entry("agent", signed_in, "", ()))
    body = await read_request_body(request, shape, {"agent": {"id": signed_in, "name": entry.name}})
    check_agent(getattr(body, "agent", None), signed_in, directory)
    return body


def signed_in_agent(request: Request) -> str:
    """Return the directory's id of who signed in; empty where a key was sent, and where the session has no agent."""
    session = session_of(request.scope.get("state", {}))
    return session.agent if session is not None else ""


def check_agent(named: bodies.Agent | None, signed_in: str, directory: Directory) -> None:
    """Check that a body names nobody but who signed in. Raises ``Refused("other-agent", 403)``."""
    if named is not None and directory.asked_for("agent", named.id) != signed_in:
        raise Refused("other-agent", f"This session is the agent {signed_in!r}'s; it acts for no other.", 403)

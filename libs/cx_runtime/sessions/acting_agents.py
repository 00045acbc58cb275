"""Check that what a session does is done by the agent who signed in, whatever its body says.

A key stands for software, which names whoever acts. A session stands for a person: a page that named another one would
let colleagues act in each other's names. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator

from cx_events.directory import Directory
from cx_events.envelope import Data
from cx_events.errors import Refused


def check_own_agent(named: str, signed_in: str, directory: Directory, source: str = "") -> None:
    """Check that an id means who signed in. ``source``: of the event that names it, whose ids may be of its own.

    Raises ``Refused("other-agent", 403)``.
    """
    if directory.id_of("agent", named, source) != signed_in:
        detail = f"This session is the agent {signed_in!r}'s; it acts for no other, as {named[:64]!r} would be."
        raise Refused("other-agent", detail, 403)


def check_agents_of_event(data: Data, source: str, signed_in: str, directory: Directory) -> None:
    """Check that an event names no agent but who signed in: as ``agent``, or taking part.

    Whom it passes something on to (``transfer``, ``assignee``) may be anybody. Raises ``Refused("other-agent", 403)``.
    """
    entry = directory.entries.get(("agent", signed_in))
    own_name = entry.name if entry is not None else ""
    for named in _agents_named(data, own_name):
        check_own_agent(named, signed_in, directory, source)


def _agents_named(data: Data, own_name: str) -> Iterator[str]:
    """Yield the ids of the agents who act in an event; of one without an id the name, unless that is ``own_name``."""
    one = data.agent
    if one is not None and (one.id or one.name not in ("", own_name)):
        yield one.id or one.name
    for participant in data.participants:
        if participant.role != "agent":
            continue
        ids = [participant.id] if participant.id else [each.value for each in participant.identifiers]
        yield from ids
        if not ids and participant.name not in ("", own_name):
            yield participant.name

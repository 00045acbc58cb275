"""Read an agent's or a queue's interactions out of a stream."""

from __future__ import annotations

from collections.abc import Mapping

from cx_client.core.following import StreamEvent
from cx_events.json_types import Json


class Desk:
    """The interactions that an agent, or a queue, has to deal with now.

    ``is_complete``: all that were live when following began have been told. Begin without a ``last_event_id``: of what
    was told before it, nothing is told again.
    """

    def __init__(self) -> None:
        self._held: dict[tuple[str, str], Json] = {}
        self.is_complete = False

    @property
    def assignments(self) -> Mapping[tuple[str, str], Json]:
        """Return each assignment by interaction and customer, as the stream told it last."""
        return self._held

    def apply(self, event: StreamEvent) -> None:
        """Take an event of ``follow_agent`` or ``follow_queue``."""
        if event.name == "assignment":
            self._held[_key(event.data)] = event.data
        elif event.name == "released":
            self._held.pop(_key(event.data), None)
        elif event.name == "live":
            live = {_key(each): each for each in event.data["assignments"]}
            # Without contexts ``live`` brings the assignments themselves, else their names.
            self._held = {
                key: each if "why" in each else self._held[key]
                for key, each in live.items()
                if "why" in each or key in self._held
            }
            self.is_complete = True


def _key(data: Json) -> tuple[str, str]:
    return data["interaction"], data["customer"]

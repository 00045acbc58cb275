"""Read a customer's contexts out of a stream: each state once, never an older one."""

from __future__ import annotations

from cx_client.core.following import StreamEvent
from cx_client.core.reading import Context
from cx_events.json_types import Json


class ContextWatch:
    """``known``: the context that was read before following, if any. It is not told again."""

    def __init__(self, known: Context | None = None) -> None:
        self._told = _mark(known) if known is not None else None

    def context_in(self, event: StreamEvent) -> Context | None:
        """Return the context that an event brings; None where it brings none, or the one that was told last."""
        if event.name != "context":
            return None
        context = Context(event.data["meta"], event.data["body"])
        mark = _mark(context)
        if mark == self._told:
            return None
        self._told = mark
        return context


def _mark(context: Context) -> tuple[str, int | None, Json | None]:
    return context.customer, context.version, context.meta.get("contact")

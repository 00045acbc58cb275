"""Trace what a process does: nothing where traces are off, spans of OpenTelemetry where they are exported.

One ``Tracing`` is made at the start and handed on, like the metrics. ``OFF`` costs a comparison. Attributes of spans
name routes, connections, topics, counts and slugs; never what people said, who they are, or the message of an
exception.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Literal

Kind = Literal["internal", "server", "producer", "consumer"]


class Span:
    """A piece of work under way. This one is not recorded."""

    def describe(self, name: str = "", failed: str = "", **attributes: str | int) -> None:
        """Add attributes, whose ``__`` become dots. ``name``: the span's new name. ``failed``: a slug of the fault."""

    def end(self) -> None:
        """End the span now, though the block that it belongs to goes on."""


_NOBODY = nullcontext(Span())


class Tracing:
    """The traces of a process that exports none."""

    on = False

    def span(
        self,
        name: str,
        kind: Kind = "internal",
        *,
        parent: str | None = None,
        links: Iterable[str] = (),
        **attributes: str | int,
    ) -> AbstractContextManager[Span]:
        """Return a block whose work is one span.

        ``parent``: a ``traceparent`` that is trusted, "" to begin a trace, None for the span under way. ``links``:
        ``traceparent`` of what else led to this. Of an exception that passes, the span keeps the type.
        """
        return _NOBODY

    def traceparent(self) -> str:
        """Return the span under way as W3C's Trace Context writes it; "" where there is none."""
        return ""

    def ids(self) -> Mapping[str, str]:
        """Return the ids of the span under way, for a line of the log."""
        return {}

    def close(self) -> None:
        """Send what is not sent yet, for a few seconds at most."""


OFF = Tracing()

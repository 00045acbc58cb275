"""Share the store and the processor among tenants: reads take turns, so that no tenant keeps the others waiting.

*Pages* are today's lists, conversations and look-ups of several statements. *Heavy* reads work over a whole history:
past contexts, lineages, diffs, vCons, previews of rules and decisions. Reads of today's contexts take no turn: they are
cached, or loaded together (``cx_context.store.batch_loader``).
"""

from __future__ import annotations

from typing import NamedTuple

from cx_context_api.reads.processes import ReadProcesses
from cx_runtime.fair_queue import FairQueue
from cx_runtime.shares import room, share_among

MOST_HEAVY = 2
"""Heavy reads at once. Each may take a processor for seconds, and there is one interpreter."""

MOST_PAGES = 8
"""Pages at once, of the store's 20 connections."""

MOST_PAGES_OF_ONE = 4
"""Pages at once for one of several tenants."""

PAGE_TIME_OF_ONE = 0.2
"""Share of the interpreter's time for the pages of one of several tenants. A page takes 1 to 100 ms of it, depending on
the history's length. It is processor time: on a busy loop a page lasts longer than it works."""

_WAITING = 400
_HEAVY_WAITING = 20
_PAGE_SECONDS = 1.5
_HEAVY_SECONDS = 2.0


class ReadTurns(NamedTuple):
    """The turns of one process. ``processes``: child processes for heavy reads."""

    pages: FairQueue
    heavy: FairQueue
    processes: ReadProcesses | None = None

    @classmethod
    def of(cls, tenants: int, most_heavy: int = MOST_HEAVY, processes: ReadProcesses | None = None) -> ReadTurns:
        """Return the turns for this many tenants."""
        share = share_among(tenants)
        reserved = 1 if tenants > 1 else 0  # one place stays free for the next tenant; the rest go round
        pages = FairQueue(
            "reads",
            MOST_PAGES,
            most_of_one=MOST_PAGES_OF_ONE if reserved else MOST_PAGES,
            most_waiting=_WAITING,
            most_waiting_of_one=room(_WAITING, 0, share),
            seconds=_PAGE_SECONDS,
            needs="store",
            time_of_one=PAGE_TIME_OF_ONE if reserved else 1.0,
        )
        heavy = FairQueue(
            "heavy-reads",
            most_heavy,
            most_of_one=max(most_heavy - reserved, 1),
            most_waiting=_HEAVY_WAITING * 5,
            most_waiting_of_one=_HEAVY_WAITING,
            seconds=_HEAVY_SECONDS,
        )
        return cls(pages, heavy, processes)

"""Reads take turns by tenant, so that nobody's many or long ones keep others from the store.

*Pages* are today's lists, threads and look-ups of several statements; *heavy* reads are worked out over a whole
history: of the past, lineages, diffs, vCons, outcomes of rules and decisions not taken yet. Reads of today's contexts
need neither: they are kept, or asked together (``cx_context.store.batch_loader``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cx_runtime.fair_queue import FairQueue
from cx_runtime.shares import room, share_among

if TYPE_CHECKING:
    from cx_context_api.reads.processes import ReadProcesses

MOST_HEAVY = 2
"""At once. Each takes a processor for up to seconds, and there is one interpreter."""

MOST_PAGES = 8
"""At once, of the store's 20 connections."""

MOST_PAGES_OF_ONE = 4
"""At once, of one of several tenants."""

PAGE_TIME_OF_ONE = 0.2
"""Of the one interpreter's time, for the pages of one of several tenants. A page takes it from 1 to 100 ms, by how long
the history is; and where somebody else makes the loop slow, pages last long that take little."""

_WAITING = 400
_HEAVY_WAITING = 20
_PAGE_SECONDS = 1.5
_HEAVY_SECONDS = 2.0


class ReadTurns(NamedTuple):
    """The turns of one process."""

    pages: FairQueue
    heavy: FairQueue
    elsewhere: ReadProcesses | None = None

    @classmethod
    def of(cls, tenants: int, most_heavy: int = MOST_HEAVY, elsewhere: ReadProcesses | None = None) -> ReadTurns:
        """For a hub of so many tenants. ``elsewhere``: processes for heavy reads."""
        share = share_among(tenants)
        apart = 1 if tenants > 1 else 0  # one place stays free for whoever comes; for the others tenants take turns
        pages = FairQueue(
            "reads",
            MOST_PAGES,
            most_of_one=MOST_PAGES_OF_ONE if apart else MOST_PAGES,
            most_waiting=_WAITING,
            most_waiting_of_one=room(_WAITING, 0, share),
            seconds=_PAGE_SECONDS,
            needs="store",
            time_of_one=PAGE_TIME_OF_ONE if apart else 1.0,
        )
        heavy = FairQueue(
            "heavy-reads",
            most_heavy,
            most_of_one=max(most_heavy - apart, 1),
            most_waiting=_HEAVY_WAITING * 5,
            most_waiting_of_one=_HEAVY_WAITING,
            seconds=_HEAVY_SECONDS,
        )
        return cls(pages, heavy, elsewhere)

"""The statements of a process on PostgreSQL: how often, how long, and what they cost the server.

Measured at the driver, whatever code stands above it: every statement goes through three methods of a connection. A
connection runs one statement at a time, so the CPU seconds of its backend from before a statement to after it are that
statement's.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import asyncpg
from msgspec import Struct
from tests.bench.measure import process_clock

_SPACES = re.compile(r"\s+")
_IDS = re.compile(r"ARRAY\(SELECT substr\((\$\d+)::bytea, at, 16\) FROM generate_series\([^)]*\)[^)]*\) AS at\)")


class Spent(Struct):
    """``wall``: seconds from sending to the whole answer, with what else the event loop did meanwhile. ``cpu``: CPU
    seconds of the backend; 0 where its clock can't be read, on another machine for one."""

    calls: int = 0
    wall: float = 0.0
    cpu: float = 0.0


@lru_cache(maxsize=2048)
def short(sql: str) -> str:
    """Return a statement on one line, with lists of ids as ``ids($1)``."""
    return _IDS.sub(r"ids(\1)", _SPACES.sub(" ", sql).strip())


@contextmanager
def timed_statements() -> Iterator[dict[str, Spent]]:
    """Give what each statement of this process takes, by its ``short`` text, while the block runs."""
    found: dict[str, Spent] = {}
    names: dict[str, Callable[[str, tuple[Any, ...]], str | None]] = {
        "execute": lambda sql, parameters: None if parameters else short(sql),  # else it calls _execute
        "_execute": lambda sql, _: short(sql),
        "copy_records_to_table": lambda table, _: f"COPY {table}",
    }
    originals = {method: getattr(asyncpg.Connection, method) for method in names}
    for method, name in names.items():
        setattr(asyncpg.Connection, method, _timed(originals[method], name, found))
    try:
        yield found
    finally:
        for method, original in originals.items():
            setattr(asyncpg.Connection, method, original)


def _timed(
    original: Callable[..., Any],
    name: Callable[[str, tuple[Any, ...]], str | None],
    found: dict[str, Spent],
) -> Callable[..., Any]:
    """Return a connection's method that notes what it took. ``name`` gives None for a call that is not to be noted."""

    async def run(self: Any, first: str, *others: Any, **options: Any) -> Any:
        text = name(first, others)
        if text is None:
            return await original(self, first, *others, **options)
        backend = self.get_server_pid()
        began, before = time.perf_counter(), process_clock(backend) or 0.0
        try:
            return await original(self, first, *others, **options)
        finally:
            spent = found.setdefault(text, Spent())
            spent.calls += 1
            spent.wall += time.perf_counter() - began
            spent.cpu += (process_clock(backend) or 0.0) - before

    return run

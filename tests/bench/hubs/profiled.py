"""A projector with its relay, as ``cx run projectors`` runs them, sampled and with its statements timed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct
from tests.bench.children import Go, Task
from tests.bench.hubs import projector
from tests.bench.sampling import Stack, sampled
from tests.bench.statements import Spent, timed_statements


class Profile(Struct):
    """What one worker did. ``batches``: transactions that moved offsets on; ``stacks``: samples by stack."""

    applied: int
    batches: int
    statements: dict[str, Spent]
    stacks: list[tuple[Stack, int]]


async def run(task: Task, over: asyncio.Event, go: Go) -> dict[str, Any]:
    """Write a ``Profile`` to ``task.folder/WORKER.json`` at the end."""
    with timed_statements() as statements, sampled() as stacks:

        async def begin(**told: Any) -> None:
            await go(**told)
            statements.clear()
            stacks.clear()

        counted = await projector.run_with_relay(task, over, begin)
    profile = Profile(counted["applied"], counted["batches"], statements, list(stacks.items()))
    Path(task.folder, f"{task.worker}.json").write_bytes(msgspec.json.encode(profile))
    return counted

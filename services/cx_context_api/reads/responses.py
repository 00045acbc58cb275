"""Answer requests by reads: from a child process where the read is heavy and one is ready, else here."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from cx_context.store import Store
from cx_context.store.snapshot import Snapshot
from cx_context.store.sql import Tx
from cx_context.store.time_bounds import TimeBounds
from cx_context_api.reads.point_in_time import read_at
from cx_context_api.reads.turns import ReadTurns
from cx_context_api.requests.responses import json_response
from cx_context_api.requests.tenancy import Tenancy
from cx_events.json_types import Json


async def answer_in_process(turns: ReadTurns, tenant: str, request: Request) -> Response | None:
    """Answer a heavy read from a child process, in the tenant's turn.

    Return None if no process is ready: then the caller answers it itself, and takes the turn there.
    """
    if turns.processes is None or not turns.processes.is_ready():
        return None
    async with turns.heavy.turn(tenant):
        return await turns.processes.answer(request)


async def answer_at(
    request: Request,
    store: Store,
    turns: ReadTurns,
    tenancy: Tenancy,
    bounds: TimeBounds | None,
    read: Callable[[Tx, Snapshot | None], Coroutine[Any, Any, Json]],
) -> Response:
    """Answer with what ``read_at`` returns; of the past a child process may do so."""
    response = await answer_in_process(turns, tenancy.ids.tenant, request) if bounds is not None else None
    return response or json_response(await read_at(store, turns, tenancy, bounds, read))

"""Tell the log and readiness while parts of the store were made by an older fold than this software's."""

from __future__ import annotations

import asyncio

import structlog

from cx_context.store import Store
from cx_events.errors import TryLater
from cx_ops.rebuild.fold_state import fold_state
from cx_runtime.health import Health

NOTE = "fold"
LOOK_SECONDS = 10.0


async def keep_fold_noted(store: Store, health: Health) -> None:
    """Look again and again, until cancelled. Readiness holds: contexts are right by the fold that made them."""
    noted = ""
    while True:
        try:
            state = await fold_state(store)
        except TryLater:
            pass  # the store's own probe tells
        else:
            told = state.told() if state.is_outdated else ""
            if told and told != noted:
                health.note(NOTE, told)
                structlog.get_logger("cx_hub").warning("a rebuild is due", why=told)
            elif noted and not told:
                health.unnote(NOTE)
            noted = told
        await asyncio.sleep(LOOK_SECONDS)

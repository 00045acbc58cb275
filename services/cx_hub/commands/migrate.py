"""``migrate``: bring the store's tables forward to what this code knows, by itself and not at a service's start."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import typer

from cx_context.store import Store, open_store
from cx_context.store.migrations import Standing
from cx_events.errors import TryLater
from cx_hub.output import Format, OutputOption, show, to_err
from cx_hub.resources import run_async
from cx_runtime.settings import Settings

FAILED = 1
_PAUSE = 1.0


def register(app: typer.Typer) -> None:
    app.command("migrate")(migrate)


def migrate(
    check: Annotated[bool, typer.Option("--check", help="Change nothing; exit 1 if the store is behind.")] = False,
    wait: Annotated[float, typer.Option(help="Seconds to wait for a store that does not answer yet.", min=0)] = 0.0,
    output: OutputOption = Format.TEXT,
) -> None:
    """Bring the tables of CX_STORE_URL up to date, while services run. Services do so at their start, too."""
    before, after = run_async(_migrate(Settings().resolved_store_url(), check, wait))
    told: dict[str, Any] = {
        "from": before.revision,
        "to": after.revision,
        "head": after.head,
        "behind": after.behind,
    }
    show(told, output, lambda out: out.print(_sentence(before, after), markup=False))
    if after.behind:
        raise typer.Exit(FAILED)


async def _migrate(url: str, check: bool, wait: float) -> tuple[Standing, Standing]:
    store = open_store(url)
    clock = asyncio.get_running_loop().time
    until = clock() + wait
    try:
        while True:
            try:
                return await _once(store, check)
            except TryLater as error:
                if clock() + _PAUSE > until:
                    raise
                to_err().print(f"waiting: {error}", markup=False)
            await asyncio.sleep(_PAUSE)
    finally:
        await store.stop()


async def _once(store: Store, check: bool) -> tuple[Standing, Standing]:
    """Migrate, and return the revisions before and after."""
    before = await store.standing()
    if check:
        return before, before
    await store.start()
    return before, await store.standing()


def _sentence(before: Standing, after: Standing) -> str:
    if after.revision != before.revision:
        return f"{before.revision or 'empty'} → {after.revision}"
    if after.ahead:
        return f"at {after.revision}, further than this release's {after.head}, which can go on with it"
    if after.behind:
        return f"behind: {after.revision or 'empty'}, and this release's is {after.head}"
    return f"at {after.revision}, up to date"

"""``dlq``: what could not become an event, or could not be used, and why."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from cx_channels.dead_letters import STAGE as MAP
from cx_channels.intake import Intake
from cx_channels.registry import providers
from cx_channels.remapping import map_again
from cx_context.store import dead_letters
from cx_events.blob.open import open_blobs
from cx_events.dead_letters import DeadLetter, State, state_of
from cx_events.errors import Refused
from cx_events.json_types import Json
from cx_hub.output import Format, OutputOption, show, show_rows, to_out
from cx_hub.resources import load_tenants, opened_log, opened_store, run_async
from cx_ops.retrying import retry
from cx_runtime.metrics import Metrics
from cx_runtime.settings import Settings


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="What could not be used, whole and with the reason.", no_args_is_help=True)
    group.command("list")(list_)
    group.command("show")(show_one)
    group.command("retry")(retry_one)
    app.add_typer(group, name="dlq")


class Listed(StrEnum):
    """The dead letters to list, by state."""

    ALL = "all"
    FAILED = "failed"
    WAITING = "waiting"


def list_(
    state: Annotated[Listed, typer.Option(help="Only failures, or only what waits for an adapter.")] = Listed.ALL,
    reason: Annotated[str, typer.Option(help="Only those with this reason.")] = "",
    tenant: Annotated[str, typer.Option(help="Only those of this tenant.")] = "",
    limit: Annotated[int, typer.Option(help="How many of each state, the latest first.", min=1)] = 100,
    output: OutputOption = Format.TEXT,
) -> None:
    """The latest failures, newest first; then what waits for an adapter: told by kind, one by one as JSON or on
    demand (--state waiting)."""
    by_kind = output is Format.TEXT and state is Listed.ALL and not reason

    async def ask() -> tuple[list[Json], list[Json]]:
        async with opened_store(Settings()) as store, store.reading() as tx:

            async def listed(of: State) -> list[Json]:
                if state.value not in (Listed.ALL, of):
                    return []
                found = await dead_letters.listed(tx, tenant=tenant, reason=reason, state=of, most=limit)
                return [_row(each) for each in found]

            if not by_kind:
                return await listed("failed"), await listed("waiting")
            return await listed("failed"), [each._asdict() for each in await dead_letters.waiting(tx, tenant=tenant)]

    failed, waiting = run_async(ask())
    columns = ("recorded", "stage", "reason", "detail", "place", "id")
    if not by_kind:
        show_rows([*failed, *waiting], columns, output, "no dead letters")
        return
    show_rows(failed, columns, output, "no failures" if waiting else "no dead letters")
    if waiting:
        to_out().print(f"\n{sum(each['letters'] for each in waiting)} wait for an adapter:", markup=False)
        show_rows(waiting, ("latest", "letters", "kind", "source"), output, "")


def show_one(
    id: Annotated[str, typer.Argument(metavar="ID", help="As listed.")], output: OutputOption = Format.TEXT
) -> None:
    """A dead letter with its original."""

    async def ask() -> list[DeadLetter]:
        async with opened_store(Settings()) as store, store.reading() as tx:
            return list(await dead_letters.found(tx, id))

    letters = run_async(ask())
    if not letters:
        raise Refused("unknown-dead-letter", f"there is no dead letter {id[:64]!r}", 404)
    whole = [{**msgspec.to_builtins(each), "text": each.content.decode("utf-8", "replace")} for each in letters]
    show(whole if len(whole) > 1 else whole[0], output, lambda out: _tell(out, whole))


def retry_one(
    id: Annotated[str, typer.Argument(metavar="ID", help="As listed.")],
    tenant: Annotated[str, typer.Option(help="Only that of this tenant.")] = "",
    connection: Annotated[
        str, typer.Option(help="Map a request by this connection's adapter, not by that of its own.")
    ] = "",
    output: OutputOption = Format.TEXT,
) -> None:
    """Try again what could not be used: a request is mapped by the adapter of today, an event that could not be folded
    or applied is appended to the log once more, as it is."""

    async def again() -> list[Json]:
        settings = Settings()
        async with opened_log(settings) as log, opened_store(settings) as store:
            async with store.reading() as tx:
                found = [each for each in await dead_letters.found(tx, id) if tenant in ("", each.tenant)]
            requests = [each for each in found if each.stage == MAP]
            if not requests:
                return [_row(letter) for letter in await retry(log, store, id, tenant=tenant)]
            tenants, blobs = load_tenants(settings), open_blobs(settings.resolved_blob_url())
            await blobs.start()
            try:
                intake = Intake(log, blobs, tenants, providers(), Metrics())
                for each in requests:
                    await map_again(intake, log, blobs, each, tenants.ids(each.tenant), connection)
            finally:
                await blobs.stop()
            return [_row(each) for each in requests]

    show_rows(run_async(again()), ("tenant", "source", "id", "reason"), output, "nothing was tried again")


def _row(letter: DeadLetter) -> Json:
    shown = ("tenant", "source", "id", "stage", "reason", "detail", "recorded", "place", "connection")
    return {**{name: getattr(letter, name) for name in shown}, "state": state_of(letter.reason)}


def _tell(out: Console, letters: list[Json]) -> None:
    for letter in letters:
        for name, value in letter.items():
            if value and name not in ("original", "text"):
                out.print(f"{name:14} {value}", markup=False)
        out.print()
        out.print(letter["text"] or f"(in the blob store as {letter.get('blob')})", markup=False)

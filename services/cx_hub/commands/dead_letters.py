"""``dlq``: show and repair what could not become an event, or could not be used, and why."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from cx_context.store import dead_letters, discarded_letters
from cx_context.store.dead_letters import LetterFilter
from cx_events.dead_letters import DeadLetter, State, state_of
from cx_events.errors import Refused
from cx_events.json_types import Json
from cx_events.stamp import COMMAND_WRITER
from cx_events.timestamps import format_time
from cx_hub.cli import FAILED
from cx_hub.command_acts import account
from cx_hub.output import Format, OutputOption, show, show_rows, to_err, to_out
from cx_hub.remapping import mapping_again, spaces_of
from cx_hub.resources import load_tenants, opened_blobs, opened_log, opened_store, run_async
from cx_ops.dead_letters.acts import LetterActs, Operator, Outcome
from cx_ops.dead_letters.groups import find_groups
from cx_ops.dead_letters.selection import Selection, group_of, select
from cx_ops.moments import read_moment
from cx_runtime.metrics import Metrics
from cx_runtime.settings import Settings

_COLUMNS = ("recorded", "stage", "reason", "detail", "place", "id")
_GROUP_COLUMNS = ("id", "letters", "last", "first", "tenant", "stage", "reason", "origin", "pattern")


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="What could not be used, whole and with the reason.", no_args_is_help=True)
    group.command("list")(list_)
    group.command("show")(show_one)
    group.command("retry")(retry)
    group.command("discard")(discard)
    app.add_typer(group, name="dlq")


class Listed(StrEnum):
    """The dead letters to list, by state."""

    ALL = "all"
    FAILED = "failed"
    WAITING = "waiting"
    DISCARDED = "discarded"


Stage = Annotated[str, typer.Option(help="Only those of this stage: map, decode, fold or conflict.")]
Reason = Annotated[str, typer.Option(help="Only those with this reason.")]
Source = Annotated[str, typer.Option(help="Only those from this source.")]
Tenant = Annotated[str, typer.Option(help="Only those of this tenant.")]
Since = Annotated[str, typer.Option(metavar="TIME", help="Recorded then or later: RFC 3339, or a time ago like 10m.")]
Group = Annotated[str, typer.Option(help="Only those of this group, as dlq list --groups names it.")]
Id = Annotated[str, typer.Argument(metavar="[ID]", help="As listed.")]


def list_(
    groups: Annotated[bool, typer.Option("--groups", help="Count those that are alike.")] = False,
    state: Annotated[
        Listed, typer.Option(help="Failures, what waits for an adapter, or what was discarded.")
    ] = Listed.ALL,
    stage: Stage = "",
    reason: Reason = "",
    source: Source = "",
    tenant: Tenant = "",
    since: Since = "",
    group: Group = "",
    limit: Annotated[int, typer.Option(help="How many of each state, the latest first.", min=1)] = 100,
    output: OutputOption = Format.TEXT,
) -> None:
    """The latest failures, newest first; then what waits for an adapter: told by kind, one by one as JSON or on
    demand (--state waiting). With --groups those that are alike are one line, as issues are."""
    wanted = _wanted(stage, reason, source, tenant, since, state)
    if groups:
        show_rows(run_async(_groups(wanted))[:limit], _GROUP_COLUMNS, output, "no dead letters")
        return
    if group:
        show_rows(run_async(_of_group(Selection(wanted, group), limit)), _COLUMNS, output, "no dead letters")
        return
    by_kind = output is Format.TEXT and state is Listed.ALL and wanted == LetterFilter(tenants=wanted.tenants)
    failed, waiting = run_async(_listed(wanted, limit, by_kind=by_kind))
    if not by_kind:
        show_rows([*failed, *waiting], _COLUMNS, output, "no dead letters")
        return
    show_rows(failed, _COLUMNS, output, "no failures" if waiting else "no dead letters")
    if waiting:
        to_out().print(f"\n{sum(each['letters'] for each in waiting)} wait for an adapter:", markup=False)
        show_rows(waiting, ("latest", "letters", "kind", "source"), output, "")


def _wanted(stage: str, reason: str, source: str, tenant: str, since: str, state: Listed = Listed.ALL) -> LetterFilter:
    states: dict[Listed, State | None] = {
        Listed.ALL: None,
        Listed.FAILED: "failed",
        Listed.WAITING: "waiting",
        Listed.DISCARDED: "discarded",
    }
    at = format_time(read_moment(since, "since")) if since else ""
    return LetterFilter((tenant,) if tenant else (), stage, reason, source, since=at, state=states[state])


async def _groups(wanted: LetterFilter) -> list[Json]:
    async with opened_store(Settings()) as store:
        return [msgspec.to_builtins(each) for each in await find_groups(store, wanted)]


async def _of_group(selection: Selection, limit: int) -> list[Json]:
    found: list[DeadLetter] = []
    async with opened_store(Settings()) as store:
        async for page in select(store, selection):
            found = sorted([*found, *page], key=lambda letter: letter.recorded, reverse=True)[:limit]
    return [_row(each, selection.wanted.state) for each in found]


async def _listed(wanted: LetterFilter, limit: int, *, by_kind: bool) -> tuple[list[Json], list[Json]]:
    """Return failures, or what was discarded, and what waits, which is counted ``by_kind`` or told one by one."""
    async with opened_store(Settings()) as store, store.reading() as tx:

        async def rows(state: State) -> list[Json]:
            found = await dead_letters.listed(tx, wanted._replace(state=state), most=limit)
            return [_row(each, state) for each in found]

        if wanted.state is not None:
            return await rows(wanted.state), []
        if not by_kind:
            return await rows("failed"), await rows("waiting")
        tenant = wanted.tenants[0] if wanted.tenants else ""
        return await rows("failed"), [each._asdict() for each in await dead_letters.waiting(tx, tenant=tenant)]


def show_one(
    id: Annotated[str, typer.Argument(metavar="ID", help="As listed.")], output: OutputOption = Format.TEXT
) -> None:
    """A dead letter with its original."""

    async def ask() -> list[Json]:
        async with opened_store(Settings()) as store, store.reading() as tx:
            discards = await discarded_letters.read_discards(tx, [id])
            return [_whole(each, discards) for each in await dead_letters.found(tx, id)]

    whole = run_async(ask())
    if not whole:
        raise Refused("unknown-dead-letter", f"there is no dead letter {id[:64]!r}", 404)
    show(whole if len(whole) > 1 else whole[0], output, lambda out: _tell(out, whole))


def _whole(letter: DeadLetter, discards: dict[tuple[str, str, str, str], discarded_letters.Discard]) -> Json:
    whole = {**msgspec.to_builtins(letter), "group": group_of(letter)}
    discard = discards.get((letter.tenant, letter.source, letter.id, letter.stage))
    if discard is not None:
        whole["discarded"] = discard._asdict()
    return {**whole, "text": letter.content.decode("utf-8", "replace")}


def retry(
    id: Id = "",
    group: Group = "",
    stage: Stage = "",
    reason: Reason = "",
    source: Source = "",
    since: Since = "",
    tenant: Tenant = "",
    connection: Annotated[
        str, typer.Option(help="Map requests by this connection's adapter, not by that of their own.")
    ] = "",
    why: Annotated[str, typer.Option(help="Why, for the event that tells of it.")] = "",
    output: OutputOption = Format.TEXT,
) -> None:
    """Try again what could not be used: one dead letter, a group, or all that meet the conditions.

    A request is mapped by the adapter of today. An event that could not be folded or applied, or a record that could
    not be read, is appended to the log once more, as it is. Exit 1 if some could not be tried again.
    """
    selection = _selection(id, group, _wanted(stage, reason, source, tenant, since))

    async def again() -> Outcome:
        async with _acts() as acts:
            return await acts.retry(selection, _operator(), why, connection=connection, report=_Progress("tried again"))

    _show_outcome(run_async(again()), "tried again", output, single=bool(id))


def discard(
    why: Annotated[str, typer.Option(help="Why nobody needs to look at it any more.")],
    id: Id = "",
    group: Group = "",
    stage: Stage = "",
    reason: Reason = "",
    source: Source = "",
    since: Since = "",
    tenant: Tenant = "",
    output: OutputOption = Format.TEXT,
) -> None:
    """Discard what needs nobody's attention any more, with a reason. It stays on the log and in the store."""
    selection = _selection(id, group, _wanted(stage, reason, source, tenant, since))

    async def away() -> Outcome:
        async with _acts() as acts:
            return await acts.discard(selection, _operator(), why, report=_Progress("discarded"))

    _show_outcome(run_async(away()), "discarded", output, single=bool(id))


def _selection(id: str, group: str, wanted: LetterFilter) -> Selection:
    return Selection(wanted._replace(id=id), group)


@asynccontextmanager
async def _acts() -> AsyncIterator[LetterActs]:
    settings = Settings()
    tenants = load_tenants(settings)
    async with (
        opened_log(settings) as log,
        opened_store(settings, tenants) as store,
        opened_blobs(settings.resolved_blob_url()) as blobs,
    ):
        yield LetterActs(log, store, spaces_of(tenants), mapping_again(log, blobs, tenants, Metrics()))


def _operator() -> Operator:
    return Operator(COMMAND_WRITER, account())


class _Progress:
    """Tells on stderr how far an act is, a line for each page after the first second."""

    def __init__(self, done: str) -> None:
        self._done = done
        self._began = self._told = time.monotonic()

    def __call__(self, outcome: Outcome) -> None:
        now = time.monotonic()
        if now - self._told < 1.0:
            return
        self._told = now
        rate = outcome.done / (now - self._began)
        to_err().print(f"{outcome.done:,} {self._done}, {outcome.refused.total():,} refused, {rate:,.0f}/s ...")


def _show_outcome(outcome: Outcome, done: str, output: Format, *, single: bool) -> None:
    rows = [_row(each, None) for each in outcome.letters]
    if single or output is not Format.TEXT:
        show_rows(rows, ("tenant", "source", "id", "reason"), output, f"nothing was {done}")
    else:
        to_out().print(f"{outcome.done:,} dead letters {done}")
    for reason, count in outcome.refused.most_common():
        to_err().print(f"{count:,} refused: {reason}", markup=False)
    if outcome.first_refusal is not None:
        to_err().print(f"the first: {outcome.first_refusal.detail}", markup=False)
        raise typer.Exit(FAILED)


def _row(letter: DeadLetter, state: State | None) -> Json:
    shown = ("tenant", "source", "id", "stage", "reason", "detail", "recorded", "place", "connection")
    row = {name: getattr(letter, name) for name in shown}
    return {**row, "state": state or state_of(letter.reason), "group": group_of(letter)}


def _tell(out: Console, letters: Sequence[Json]) -> None:
    for letter in letters:
        for name, value in letter.items():
            if value and name not in ("original", "text"):
                out.print(f"{name:14} {value}", markup=False)
        out.print()
        out.print(letter["text"] or f"(in the blob store as {letter.get('blob')})", markup=False)

"""``topics``: show how the topics are kept, as declared and as the broker has them, and set them as declared."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Annotated

import msgspec
import typer

from cx_events.errors import Refused
from cx_events.json_types import Json
from cx_events.log.topic_states import open_topic_place
from cx_hub.cli import FAILED
from cx_hub.command_acts import Why, account
from cx_hub.output import Format, OutputOption, print_table, show, show_rows, to_err
from cx_hub.remapping import spaces_of
from cx_hub.resources import load_tenants, opened_log, run_async
from cx_ops.topics.apply import apply_topics, check_why, plan_topics
from cx_ops.topics.plan import Difference, Step, TopicPlan, to_do
from cx_runtime.settings import Settings
from cx_runtime.topics import load_declarations

_COLUMNS = ("topic", "member", "declared", "found", "step", "note")


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="How the topics are kept: declared, and as they are.", no_args_is_help=True)
    group.command("plan")(plan)
    group.command("apply")(apply)
    app.add_typer(group, name="topics")


def plan(output: OutputOption = Format.TEXT) -> None:
    """Show what differs between the declared topics and those that there are. Changes nothing; exit 1 if anything
    differs."""
    settings = Settings()
    found = run_async(_plan(settings))
    _show(found, output)
    if found.differences:
        raise typer.Exit(FAILED)


def apply(
    why: Why = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do it without asking.")] = False,
    remove_records: Annotated[
        bool, typer.Option("--remove-records", help="Also shorten retention, and whatever else deletes records.")
    ] = False,
    output: OutputOption = Format.TEXT,
) -> None:
    """Bring the topics level with their declarations. Never takes partitions away; what makes the broker delete records
    needs --remove-records. Exit 1 if anything still differs."""
    settings = Settings()
    before = run_async(_plan(settings))
    changes = to_do(before.differences, remove=remove_records)
    check_why(why, changes)
    if changes and not yes:
        _ask(before, len(changes))
    after = run_async(_apply(settings, changes, why)) if changes else before
    for change in changes:
        to_err().print(f"{change.topic} {change.member}: {change.found} → {change.declared}", markup=False)
    _show(after, output)
    if after.differences:
        raise typer.Exit(FAILED)


def _ask(found: TopicPlan, count: int) -> None:
    if not sys.stdin.isatty():
        raise Refused("not-confirmed", "nobody can be asked here: look at cx topics plan, and say --yes")
    _show(found, Format.TEXT)
    if not typer.confirm(f"Make {count} changes at {found.place}?", err=True):
        raise Refused("not-confirmed", "nothing was changed")


async def _plan(settings: Settings) -> TopicPlan:
    return await plan_topics(
        load_declarations(settings), open_topic_place(settings.resolved_log_url(), settings.topic_prefix)
    )


async def _apply(settings: Settings, changes: Sequence[Difference], why: str) -> TopicPlan:
    declared = load_declarations(settings)
    place = open_topic_place(settings.resolved_log_url(), settings.topic_prefix)
    async with opened_log(settings) as log:
        spaces = spaces_of(load_tenants(settings))
        now = time.time_ns() // 1000
        return await apply_topics(changes, declared, place, log, spaces, account(), why, now)


def _show(found: TopicPlan, output: Format) -> None:
    rows: list[Json] = [
        {name: value for name, value in msgspec.to_builtins(each).items() if name != "setting"}
        for each in found.differences
    ]
    if output is Format.JSONL:
        show_rows(rows, _COLUMNS, output, "")
        return
    if output is Format.JSON:
        told = {"place": found.place, "level": not rows, "differences": rows, "notes": list(found.notes)}
        show(told, output, lambda out: None)
        return
    for note in found.notes:
        to_err().print(note, markup=False)
    if not rows:
        show({}, output, lambda out: out.print(f"level: all topics of {found.place} are as declared", markup=False))
        return
    show({}, output, lambda out: print_table(out, rows, _COLUMNS))
    if any(each.step is Step.REMOVES for each in found.differences):
        to_err().print("what removes records is done only with: cx topics apply --remove-records", markup=False)

"""``replay``: send stored records once more, to another topic, an HTTP endpoint or a file."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer
from rich.console import Console

from cx_events.errors import Refused
from cx_events.json_types import Json
from cx_events.log import INTERACTIONS, Log
from cx_events.log.kafka_access import without_password
from cx_hub.command_acts import Why, account, append_act
from cx_hub.customer_names.in_store import customer_id_in_store
from cx_hub.customer_names.readings import HELP
from cx_hub.output import Format, OutputOption, show, show_rows, to_err
from cx_hub.progress_line import ProgressLine
from cx_hub.rebuilding import replay_ground
from cx_hub.remapping import spaces_of
from cx_hub.resources import load_tenants, opened_log, opened_store, run_async, run_long
from cx_ops.log_browsing.customers import customer_test
from cx_ops.replay.acts import (
    REPLAYED,
    attributes_of,
    check_asked,
    file_target,
    new_state,
    opened_target,
    told,
    told_of,
)
from cx_ops.replay.acts import cancel as cancel_run
from cx_ops.replay.asked import Asked, read_speed
from cx_ops.replay.plan import READ_RECORDS, ReplayPlan, plan_of
from cx_ops.replay.run import HTTP_RECORDS, Replay, check_resumable
from cx_ops.replay.selection import Selection, Test, select, test_of
from cx_ops.replay.state import ReplayState, ReplayStates
from cx_ops.replay.targets import FilePlace, Place, Target, UrlPlace, read_target
from cx_runtime.settings import Settings

TopicOption = Annotated[str, typer.Option(help="The topic to read.")]
FromOption = Annotated[
    str, typer.Option("--from", metavar="TIME|P/OFFSET", help="RFC 3339, a time ago like 7d, or partition/offset.")
]
ToOption = Annotated[str, typer.Option("--to", metavar="TIME|P/OFFSET", help="Only what lies before.")]
WhereOption = Annotated[str, typer.Option(help="Which records, like 'type=cx.message.* and tenant=acme'.")]
CustomerOption = Annotated[str, typer.Option(help=f"Only events of this customer. {HELP}")]
TargetOption = Annotated[
    str, typer.Option(metavar="TOPIC|URL|FILE", help="A topic, LOG#TOPIC, https://…, or a file: .jsonl or .parquet.")
]
RateOption = Annotated[float | None, typer.Option(help="Records a second, at most.", min=0.1)]
SpeedOption = Annotated[str, typer.Option(metavar="10x", help="By the recorded times, so many times faster.")]
SecretOption = Annotated[
    str, typer.Option(envvar="CX_REPLAY_SECRET", help="whsec_…, by which requests are signed.", show_default=False)
]


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="Stored records sent once more, elsewhere.", no_args_is_help=True)
    group.callback()(lambda: None)
    for command, name in ((plan, "plan"), (run, "run"), (status, "status"), (resume, "resume"), (cancel, "cancel")):
        group.command(name)(command)
    app.add_typer(group, name="replay")


def plan(
    target: TargetOption,
    topic: TopicOption = INTERACTIONS,
    begin: FromOption = "",
    end: ToOption = "",
    where: WhereOption = "",
    customer: CustomerOption = "",
    rate: RateOption = None,
    output: OutputOption = Format.TEXT,
) -> None:
    """Tell what would be sent where, and send nothing."""
    asked = Asked(
        topic=topic, begin=begin, end=end, where=where, customer=customer, target=without_password(target), rate=rate
    )
    found = run_async(_plan(Settings(), asked, read_target(target)))
    if rate is not None:
        found.seconds = found.wanted / rate
    show(msgspec.to_builtins(found), output, lambda out: _tell_plan(out, found))


def run(
    target: TargetOption,
    topic: TopicOption = INTERACTIONS,
    begin: FromOption = "",
    end: ToOption = "",
    where: WhereOption = "",
    customer: CustomerOption = "",
    rate: RateOption = None,
    speed: SpeedOption = "",
    secret: SecretOption = "",
    why: Why = "",
    output: OutputOption = Format.TEXT,
) -> None:
    """Send records once more. Killed, it goes on with replay resume."""
    asked = Asked(
        topic=topic,
        begin=begin,
        end=end,
        where=where,
        customer=customer,
        target=target,
        rate=rate,
        speed=read_speed(speed),
    )
    if without_password(target) != target:
        raise Refused("bad-target", "--target: a password would stay in the run's state; give it by CX_LOG_URL", 400)
    _show(run_long(_run(Settings(), asked, secret, why)), output)


def resume(
    id: Annotated[str, typer.Argument(help="As replay status lists it.")],
    secret: SecretOption = "",
    why: Why = "",
    output: OutputOption = Format.TEXT,
) -> None:
    """Go on with a run that failed or was killed."""
    _show(run_long(_resume(Settings(), id, secret, why)), output)


def cancel(
    id: Annotated[str, typer.Argument(help="As replay status lists it.")],
    why: Why = "",
    output: OutputOption = Format.TEXT,
) -> None:
    """Stop a run for good. What was sent stays where it is."""
    _show(run_async(_cancel(Settings(), id, why)), output)


def status(
    id: Annotated[str, typer.Argument(help="One run; all without it.")] = "", output: OutputOption = Format.TEXT
) -> None:
    """Show how far runs are, the latest first."""
    states = ReplayStates(Settings().home)
    if id:
        _show(states.read(id), output, states)
        return
    rows = [told_of(states, each) for each in states.all()]
    show_rows(rows, ("id", "phase", "target", "read", "records", "sent", "started", "who"), output, "no replays yet")


async def _plan(settings: Settings, asked: Asked, place: Place) -> ReplayPlan:
    await check_asked(asked, place, replay_ground(settings))
    async with opened_log(settings) as log:
        selection, wanted = await _selected(settings, log, asked)
        with ProgressLine("records looked at", selection.records) as line:
            return await plan_of(log, selection, wanted, asked.target, line.show)


async def _selected(settings: Settings, log: Log, asked: Asked) -> tuple[Selection, Test]:
    selection = await select(log, asked)
    return selection, await _test(settings, asked)


async def _test(settings: Settings, asked: Asked) -> Test:
    if not asked.customer:
        return test_of(asked, None)
    tenants = load_tenants(settings)
    async with opened_store(settings, tenants) as store:
        id = await customer_id_in_store(store, tenants, asked.customer)
        return test_of(asked, await customer_test(store, spaces_of(tenants), asked.topic, id))


async def _run(settings: Settings, asked: Asked, secret: str, why: str) -> ReplayState:
    place = read_target(asked.target)
    await check_asked(asked, place, replay_ground(settings))
    states = ReplayStates(settings.home)
    async with opened_log(settings) as log:
        selection, wanted = await _selected(settings, log, asked)
        state = new_state(asked, selection, account(), why)
        if isinstance(place, FilePlace):
            file_target(place, state).check_free()
        async with opened_target(replay_ground(settings), log, place, state, secret, _tell_attempt) as target:
            with states.locked(state.id):
                states.write(state)
                return await _work(settings, log, wanted, target, place, states, state, "began", why)


async def _resume(settings: Settings, id: str, secret: str, why: str) -> ReplayState:
    states = ReplayStates(settings.home)
    with states.locked(states.read(id).id):
        state = states.read(id)
        check_resumable(state)
        place = read_target(state.asked.target)
        async with opened_log(settings) as log:
            wanted = await _test(settings, state.asked)
            async with opened_target(replay_ground(settings), log, place, state, secret, _tell_attempt) as target:
                return await _work(settings, log, wanted, target, place, states, state, "went on", why)


async def _cancel(settings: Settings, id: str, why: str) -> ReplayState:
    state = cancel_run(ReplayStates(settings.home), id)
    async with opened_log(settings) as log:
        await _note(settings, log, state, "cancelled", why)
    return state


async def _work(
    settings: Settings,
    log: Log,
    wanted: Test,
    target: Target,
    place: Place,
    states: ReplayStates,
    state: ReplayState,
    what: str,
    why: str,
) -> ReplayState:
    to_err().print(f"replay {state.id}: cx replay status, resume and cancel take this id", markup=False)
    await _note(settings, log, state, what, why)
    step = HTTP_RECORDS if isinstance(place, UrlPlace) else READ_RECORDS
    with ProgressLine("records read", state.records) as line:
        await Replay(log, wanted, target, states, state, step=step, report=line.show).run()
    await _note(settings, log, state, state.phase, why)
    return state


def _tell_attempt(sentence: str) -> None:
    to_err().print(sentence, markup=False)


async def _note(settings: Settings, log: Log, state: ReplayState, what: str, why: str) -> None:
    """Append the event that says who had what replayed, and why."""
    await append_act(log, spaces_of(load_tenants(settings)), REPLAYED, why, attributes_of(state, what))


def _show(state: ReplayState, output: Format, states: ReplayStates | None = None) -> None:
    """Show a run. ``states``: by which a run is known that no process works on, and that did not end here."""
    seen = told(state) if states is None else told_of(states, state)
    show(seen, output, lambda out: _tell(out, seen))


def _tell(out: Console, seen: Json) -> None:
    out.print(
        f"replay {seen['id']} to {seen['target']}: {seen['phase']}, {seen['read']} of {seen['records']} records read, "
        f"{seen['sent']} sent, {seen['bytes']} bytes",
        markup=False,
    )
    if seen["error"]:
        out.print(f"  {seen['error']}", markup=False)


def _tell_plan(out: Console, plan: ReplayPlan) -> None:
    out.print(
        f"{plan.wanted} of {plan.records} records of {plan.topic} would go to {plan.target}: {plan.bytes} bytes",
        markup=False,
    )
    if plan.wanted:
        out.print(f"taken by the log from {plan.first} to {plan.last}", markup=False)
    if plan.undecodable:
        out.print(f"{plan.undecodable} are no JSON objects", markup=False)
    if plan.seconds is not None:
        out.print(f"at least {plan.seconds:.0f} s at this rate")
    for title, counts in (("type", plan.types), ("tenant", plan.tenants)):
        for name, count in counts.items():
            out.print(f"  {title} {name or '(none)'}: {count}", markup=False)

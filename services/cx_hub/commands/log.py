"""``log tail`` and ``lag``: what lies on the log, and how far the projectors are behind it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Any

import msgspec
import typer
from rich.text import Text

from cx_events.json_types import Json
from cx_events.log import (
    CONTEXT_CHANGES,
    DEAD_LETTERS,
    INTERACTIONS,
    LogReader,
    LogRecord,
    Partition,
)
from cx_hub.output import Format, OutputOption, line, show_rows, to_out
from cx_hub.resources import opened_log, opened_store, run_async
from cx_ops.lag import lag_of
from cx_runtime.settings import Settings


class Topic(StrEnum):
    INTERACTIONS = INTERACTIONS
    CONTEXT_CHANGES = CONTEXT_CHANGES
    DEAD_LETTERS = DEAD_LETTERS


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="What lies on the log.", no_args_is_help=True)
    group.callback()(lambda: None)
    group.command("tail")(tail)
    app.add_typer(group, name="log")
    app.command("lag")(lag)


def tail(
    topic: Annotated[Topic, typer.Option(help="Which topic.")] = Topic.INTERACTIONS,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on with what comes.")] = False,
    type: Annotated[str, typer.Option(help="Only events whose type begins so.")] = "",
    interaction: Annotated[str, typer.Option(help="Only events of this interaction.")] = "",
    limit: Annotated[int, typer.Option(help="How many of the latest to begin with.", min=0)] = 20,
    output: OutputOption = Format.TEXT,
) -> None:
    """The latest records of a topic, oldest first, and with -f those that come."""

    def wanted(event: Json) -> bool:
        return str(event.get("type", "")).startswith(type) and (
            not interaction or event.get("data", {}).get("interaction") == interaction
        )

    run_async(_tail(topic.value, follow, wanted, limit, output, filtered=bool(type or interaction)))


async def _tail(topic: str, follow: bool, wanted: Any, limit: int, output: Format, *, filtered: bool) -> None:
    async with opened_log(Settings()) as log:
        ends = await log.end_offsets(topic)
        # Without a filter the latest of each partition hold the latest of all.
        starts = {number: 0 if filtered else max(0, end - limit) for number, end in ends.items()}
        reader = log.reader()
        reader.assign({Partition(topic, number): start for number, start in starts.items()})
        try:
            latest: deque[LogRecord] = deque(maxlen=limit)
            later: list[LogRecord] = []
            async for record in _up_to(reader, starts, ends, later):
                if wanted(_event(record)):
                    latest.append(record)
            ordered = sorted(latest, key=lambda record: (record.timestamp, record.partition, record.offset))
            if output is Format.JSON and not follow:
                show_rows([_event(record) for record in ordered], (), output, "")
                return
            for record in ordered:
                _print(record, output)
            while follow:
                for record in later or await reader.read(1000, wait=1.0):
                    if wanted(_event(record)):
                        _print(record, output)
                later = []
        finally:
            await reader.close()


async def _up_to(reader: LogReader, starts: dict[int, int], ends: dict[int, int], later: list[LogRecord]) -> Any:
    """The records before ``ends``; what was read beyond them is left in ``later``."""
    at = dict(starts)
    while any(at[number] < end for number, end in ends.items()):
        records = await reader.read(1000, wait=1.0)
        for record in records:
            at[record.partition] = record.offset + 1
            if record.offset < ends[record.partition]:
                yield record
            else:
                later.append(record)


def _event(record: LogRecord) -> Json:
    try:
        value = msgspec.json.decode(record.value)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return {}
    return value if isinstance(value, dict) else {}


def _print(record: LogRecord, output: Format) -> None:
    if output is not Format.TEXT:
        line(record.value)
        return
    to_out().print(Text("  ".join(_words(record))))


def _words(record: LogRecord) -> Iterator[str]:
    event = _event(record)
    place = f"{record.partition}/{record.offset}"
    data = event.get("data") if isinstance(event.get("data"), dict) else {}
    assert data is not None
    yield f"{place:>8}"
    if record.topic == DEAD_LETTERS:
        yield from (str(event.get(name, "")) for name in ("recorded", "stage", "reason", "id"))
    elif record.topic == CONTEXT_CHANGES:
        yield from (str(event.get(name, "")) for name in ("tenant", "customer", "version", "merged_into"))
    else:
        yield str(event.get("time", ""))
        yield f"{event.get('type', ''):32}"
        yield str(data.get("interaction", ""))
        yield _said(data)[:100]


def _said(data: Json) -> str:
    for name in ("message", "bot", "insight"):
        if isinstance(data.get(name), dict):
            return str(data[name].get("text") or data[name].get("intent") or data[name].get("summary") or "")
    return str(data.get("note") or data.get("topic") or data.get("reason") or "")


def lag(output: OutputOption = Format.TEXT) -> None:
    """Show the consumer lag of each partition: events, the age of the first one not applied, and the owner."""
    rows = run_async(_lag(Settings()))
    show_rows(
        rows, ("topic", "partition", "events", "seconds", "position", "end", "owner"), output, "no partitions yet"
    )


async def _lag(settings: Settings) -> list[Json]:
    async with opened_log(settings) as log, opened_store(settings) as store:
        return [msgspec.to_builtins(each) for each in await lag_of(log, store)]

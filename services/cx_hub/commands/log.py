"""``log tail``: print what lies on the log."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

import msgspec
import typer
from rich.text import Text

from cx_events.filters import compile_filter
from cx_events.json_types import Json
from cx_events.log import CONTEXT_CHANGES, DEAD_LETTERS, INTERACTIONS, STORES, Log
from cx_hub.customer_names.in_store import customer_id_in_store
from cx_hub.customer_names.readings import HELP
from cx_hub.output import Format, OutputOption, line, show_rows, to_err, to_out
from cx_hub.resources import load_tenants, opened_log, opened_store, run_async
from cx_ops.log_browsing.cursors import PagePlace, decode_cursor, encode_cursor
from cx_ops.log_browsing.customers import customer_test
from cx_ops.log_browsing.filters import RecordFilter, RecordTest
from cx_ops.log_browsing.lines import line_of, plain_lines
from cx_ops.log_browsing.pages import LogPage, PageLimits, follow, read_page
from cx_ops.log_browsing.records import BrowsedRecord
from cx_ops.log_browsing.seeking import Seek
from cx_ops.log_browsing.views import json_line, show_whole
from cx_ops.log_browsing.walk import Order
from cx_ops.moments import read_moment
from cx_runtime.settings import Settings

LATEST = 20
FROM_A_PLACE = 1_000
MOST_SCANNED = 1_000_000
"""Records that are looked at before a command ends that finds too few."""
LINES_A_SECOND = 100
"""Records that a terminal shows of those that come; a person reads no more, and the rest is counted."""


class Topic(StrEnum):
    INTERACTIONS = INTERACTIONS
    CONTEXT_CHANGES = CONTEXT_CHANGES
    DEAD_LETTERS = DEAD_LETTERS
    STORES = STORES


class Show(StrEnum):
    """The choice of how much of a record to print."""

    DECODED = "decoded"
    PRETTY = "pretty"
    RAW = "raw"
    RECORD = "record"


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="What lies on the log.", no_args_is_help=True)
    group.callback()(lambda: None)
    group.command("tail")(tail)
    app.add_typer(group, name="log")


TypeOption = Annotated[str, typer.Option(help="Only events whose type begins so, or fits a pattern with *.")]
InteractionOption = Annotated[str, typer.Option(help="Only events of this interaction.")]
CustomerOption = Annotated[str, typer.Option(help=f"Only events of this customer. {HELP}")]
ConnectionOption = Annotated[str, typer.Option(help="Only what came by this connection.")]
TenantOption = Annotated[str, typer.Option(help="Only records of this tenant.")]
SourceOption = Annotated[str, typer.Option(help="Only events from this source.")]
IdOption = Annotated[str, typer.Option("--id", help="Only events with this id.")]
KeyOption = Annotated[str, typer.Option(help="Only records with this key.")]
WhereOption = Annotated[
    str, typer.Option(help="Only records that a filter picks, like 'type=cx.message.* and data.channel=chat'.")
]
ScanOption = Annotated[
    int, typer.Option(help="How many records to look at, at most; --cursor goes on from there.", min=1)
]
CursorOption = Annotated[str, typer.Option(help="Go on from where an earlier command stopped: what it printed.")]
TextOption = Annotated[str, typer.Option(help="Only records that say this somewhere, whatever the case.")]
Since = Annotated[str, typer.Option(metavar="TIME", help="From then on: RFC 3339, or a time ago like 10m.")]
Until = Annotated[str, typer.Option(metavar="TIME", help="Only what was stored before then.")]
PartitionOption = Annotated[int | None, typer.Option(help="This partition alone.", min=0)]
Offset = Annotated[int | None, typer.Option(help="From this record of the partition on.", min=0)]
Limit = Annotated[
    int | None, typer.Option(help=f"How many to begin with: {LATEST}, or {FROM_A_PLACE} from a place on.", min=0)
]
ShowOption = Annotated[
    Show, typer.Option(help="The value on one line, over many, as it lies there, or the whole record.")
]


def tail(
    topic: Annotated[Topic, typer.Option(help="Which topic.")] = Topic.INTERACTIONS,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on with what comes.")] = False,
    type: TypeOption = "",
    interaction: InteractionOption = "",
    customer: CustomerOption = "",
    connection: ConnectionOption = "",
    tenant: TenantOption = "",
    source: SourceOption = "",
    id: IdOption = "",
    key: KeyOption = "",
    text: TextOption = "",
    where: WhereOption = "",
    since: Since = "",
    until: Until = "",
    partition: PartitionOption = None,
    offset: Offset = None,
    limit: Limit = None,
    scan: ScanOption = MOST_SCANNED,
    cursor: CursorOption = "",
    newest_first: Annotated[bool, typer.Option("--newest-first", help="Print the newest record first.")] = False,
    show: ShowOption = Show.DECODED,
    output: OutputOption = Format.TEXT,
) -> None:
    """The latest records of a topic, or those from a time or an offset on; and with -f those that come.

    One record is one line, unless --show pretty asks for more. Printed oldest first, as they came.
    """
    compiled = compile_filter(where, topic.value) if where else None
    wanted = RecordFilter(tenant, key, type, interaction, connection, source, id, text, where=compiled)
    is_forward = bool(since) or offset is not None
    order: Order = "oldest" if is_forward else "newest"
    places = decode_cursor(cursor, topic.value, order) if cursor else None
    seek = Seek(order, partition, offset, _ms(since, "since"), _ms(until, "until"), places)
    most = limit if limit is not None else FROM_A_PLACE if is_forward else LATEST
    limits = PageLimits(most, scan)
    asked = _Asked(topic.value, seek, wanted, customer, limits, follow, newest_first, _Printer(show, output))
    run_async(_tail(asked))


def _ms(moment: str, name: str) -> int | None:
    return read_moment(moment, name) // 1000 if moment else None


class _Printer:
    """Prints records in one form."""

    def __init__(self, show: Show, output: Format) -> None:
        self._show = show
        self._output = output

    def page(self, records: Sequence[BrowsedRecord], *, more_follow: bool) -> None:
        if self._output is Format.JSON and not more_follow:
            show_rows([self._value(each) for each in records], (), Format.JSON, "")
            return
        for record in records:
            self.one(record)

    def one(self, record: BrowsedRecord) -> None:
        if self._output is not Format.TEXT:
            is_value = record.content is not None and self._show is not Show.RECORD
            line(json_line(record.record.value) if is_value else self._value(record))
        elif self._show is Show.RAW and not sys.stdout.isatty():
            line(record.record.value)
        elif self._show is Show.RAW:
            to_out().print(Text(plain_lines(record.record.value.decode("utf-8", "backslashreplace"))))
        else:
            to_out().print(Text(line_of(record)))
            if self._show in (Show.PRETTY, Show.RECORD):
                value = show_whole(record) if self._show is Show.RECORD else self._value(record)
                to_out().print(Text(plain_lines(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())))

    def _value(self, record: BrowsedRecord) -> Json:
        """Return the decoded value, or the whole record where that is asked for or there is no JSON."""
        if record.content is not None and self._show is not Show.RECORD:
            return record.content
        return show_whole(record)


@dataclass(frozen=True)
class _Asked:
    topic: str
    seek: Seek
    wanted: RecordFilter
    customer: str
    limits: PageLimits
    follow: bool
    newest_first: bool
    printer: _Printer


async def _tail(asked: _Asked) -> None:
    settings = Settings()
    async with opened_log(settings) as log:
        test = await _test_of(asked, settings)
        page = await read_page(
            log,
            asked.topic,
            asked.seek,
            test,
            asked.limits,
            is_filtered=bool(asked.customer) or asked.wanted != RecordFilter(),
            report=_tell_progress,
        )
        forward = asked.seek.order == "oldest"
        records = page.records if forward != asked.newest_first else page.records[::-1]
        asked.printer.page(records, more_follow=asked.follow)
        if asked.follow:
            await _follow(log, asked, page.places if forward else page.ends, test)
        elif not page.is_last and (forward or page.scanned == asked.limits.scanned):
            _tell_more(asked, page)


def _tell_more(asked: _Asked, page: LogPage) -> None:
    cursor = encode_cursor(PagePlace(asked.topic, asked.seek.order, page.places))
    to_err().print(
        f"{len(page.records):,} records of {page.scanned:,} that were looked at; there may be more: "
        f"the same command goes on with --cursor {cursor}",
        soft_wrap=True,
        markup=False,
    )


async def _test_of(asked: _Asked, settings: Settings) -> RecordTest:
    if not asked.customer:
        return asked.wanted.matches
    tenants = load_tenants(settings)
    names = [name for name in tenants.by_name if asked.wanted.tenant in ("", name)]
    async with opened_store(settings, tenants) as store:
        id = await customer_id_in_store(store, tenants, asked.customer, asked.wanted.tenant)
        theirs = await customer_test(store, {name: tenants.ids(name) for name in names}, asked.topic, id)
    return lambda record: asked.wanted.matches(record) and theirs(record)


def _tell_progress(scanned: int) -> None:
    if sys.stderr.isatty():
        to_err().print(f"looked at {scanned:,} records ...")


async def _follow(log: Log, asked: _Asked, places: Mapping[int, int], test: RecordTest) -> None:
    """Print what comes. A terminal gets no more than it can show; a pipe gets all."""
    is_bounded = sys.stdout.isatty()
    second, printed, left_out = 0.0, 0, 0
    async for records in follow(log, asked.topic, places):
        now = time.monotonic()
        if now - second >= 1.0:
            if left_out:
                to_err().print(f"... {left_out:,} more came than a terminal can show; a pipe gets all")
            second, printed, left_out = now, 0, 0
        for record in records:
            if not test(record):
                continue
            if is_bounded and printed == LINES_A_SECOND:
                left_out += 1
                continue
            printed += 1
            asked.printer.one(record)

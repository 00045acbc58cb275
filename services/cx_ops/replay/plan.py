"""Count what a replay would send, and send nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import msgspec
from msgspec import Struct

from cx_events.log import Log, LogRecord
from cx_events.log.merged_reader import MergedReader
from cx_events.timestamps import format_time
from cx_ops.replay.selection import Selection, Test

READ_RECORDS, READ_BYTES = 2_000, 8 << 20
MOST_NAMED = 50


class ReplayPlan(Struct, kw_only=True):
    """``records`` lie in the range; ``wanted`` of them would be sent, with ``bytes`` before they are marked. ``first``,
    ``last``: the log's times of those. ``seconds``: by ``rate``; None where nothing bounds it."""

    topic: str
    target: str
    records: int = 0
    wanted: int = 0
    bytes: int = 0
    undecodable: int = 0
    types: dict[str, int] = {}
    tenants: dict[str, int] = {}
    first: str = ""
    last: str = ""
    seconds: float | None = None


class _Names(Struct):
    type: str = ""
    tenantid: str = ""
    tenant: str = ""


_names = msgspec.json.Decoder(_Names).decode


async def plan_of(
    log: Log, selection: Selection, wanted: Test, target: str, report: Callable[[int], None] = lambda done: None
) -> ReplayPlan:
    """Read all that is selected and return what a run would do. Raises what reading the log does."""
    plan = ReplayPlan(topic=selection.topic, target=target)
    types: Counter[str] = Counter()
    tenants: Counter[str] = Counter()
    reader = MergedReader(log, selection.partitions(selection.begins), selection.partitions(selection.ends))
    times: list[int] = []
    try:
        while records := await reader.read(READ_RECORDS, READ_BYTES):
            plan.records += len(records)
            for record in filter(wanted, records):
                times = [times[0] if times else record.timestamp, record.timestamp]
                _count(record, plan, types, tenants)
            report(plan.records)
    finally:
        await reader.close()
    plan.types, plan.tenants = dict(types.most_common(MOST_NAMED)), dict(tenants.most_common(MOST_NAMED))
    if times:
        plan.first, plan.last = format_time(times[0] * 1000), format_time(times[1] * 1000)
    return plan


def _count(record: LogRecord, plan: ReplayPlan, types: Counter[str], tenants: Counter[str]) -> None:
    plan.wanted += 1
    plan.bytes += len(record.value)
    try:
        names = _names(record.value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        plan.undecodable += 1
        return
    types[names.type] += 1
    tenants[names.tenantid or names.tenant] += 1

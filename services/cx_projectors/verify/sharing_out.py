"""Share out among buckets what was read of the log, and every row of the store at one moment."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from sqlalchemy import Table

from cx_context.store import table_rows, tables
from cx_context.store.all_tables import METADATA
from cx_context.store.sql import Tx
from cx_projectors.verify.buckets import log_file, rows_file
from cx_projectors.verify.comparison import TableComparison
from cx_projectors.verify.expected import Whole
from cx_projectors.verify.groups import Groups
from cx_projectors.verify.log_reading import Told, read_records
from cx_projectors.verify.spools import Spool
from cx_projectors.verify.tables import OF_GROUPS, OF_WHOLE
from cx_projectors.verify.work_folder import WorkFolder

TOLD_EVERY = 500
ROW_BYTES = 200
"""About what a row has, but for the bytes of an event or a part in its last column."""

LATER = ("dead_letters", "discarded_letters")
"""Tables that are checked once all buckets are: their letters are derived there."""


class RowSharing:
    """Rows on their way to buckets. ``nobody``: the bucket of rows whose ids no event has to do with.

    ``unknown_events``: keys of events of tenants that are not configured; of these nothing can be said. ``events``: how
    many events the store has. ``rule_rows``: rows that every bucket needs.
    """

    def __init__(self, folder: WorkFolder, groups: Groups, nobody: int, unknown_tenants: Collection[str]) -> None:
        self._groups = groups
        self._nobody = nobody
        self._spools = [Spool(rows_file(folder.path, number)) for number in range(nobody + 1)]
        self._whole = Spool(folder.whole)
        self._unknown = frozenset(unknown_tenants)
        self.unknown_events: list[bytes] = []
        self.events = 0
        self.rule_rows: dict[str, list[list[Any]]] = {"rule_changes": [], "decisions": []}

    async def share(self, tx: Tx, told: Told) -> None:
        """Read all rows of the tables that are of groups, and keep those that are checked at the end."""
        for name in (*OF_GROUPS, *LATER):
            table = METADATA.tables[name]
            put = self._putter(table) if name in OF_GROUPS else self._put_later(name)
            count = 0
            async for row in table_rows.in_key_order(tx, table):
                put(row)
                count += 1
                if count % TOLD_EVERY == 0:
                    await told(TOLD_EVERY)
            await told(count % TOLD_EVERY)
        for spool in (*self._spools, self._whole):
            spool.flush()

    def _putter(self, table: Table) -> Callable[[tuple[Any, ...]], None]:
        name, names = str(table.name), table.columns.keys()
        node = names.index(OF_GROUPS[name][0])
        tenant = names.index("tenant") if "tenant" in names else None
        unknown, bucket_of, spools, nobody = self._unknown, self._groups.bucket_of, self._spools, self._nobody
        about_rules = _rule_reader(table)

        def put(row: tuple[Any, ...]) -> None:
            if name == "events":
                self.events += 1
            if unknown and tenant is not None and row[tenant] in unknown:
                if name == "events":
                    self.unknown_events.append(row[0])
                return
            if about_rules is not None and about_rules(row):
                self.rule_rows[name].append(list(row))
            bucket = bucket_of(row[node])
            spool = spools[nobody if bucket is None else bucket]
            spool.add((name, row), ROW_BYTES + (len(row[-1]) if isinstance(row[-1], bytes) else 0))

        return put

    def _put_later(self, name: str) -> Callable[[tuple[Any, ...]], None]:
        tenant = 0

        def put(row: tuple[Any, ...]) -> None:
            if row[tenant] not in self._unknown:
                self._whole.add((name, row), ROW_BYTES + len(row[-1]))

        return put


def _rule_reader(table: Table) -> Callable[[tuple[Any, ...]], bool] | None:
    """Return what tells rows that every context is read with: changes of rules, and withdrawals."""
    if table is tables.RULE_CHANGES:
        return lambda row: True
    if table is tables.DECISIONS:
        at = table.columns.keys().index("withdraws")
        return lambda row: bool(row[at])
    return None


async def hold_whole(tx: Tx, whole: Whole, say: Callable[[str], None]) -> None:
    """Check the tables that are not of any group, but those of ``LATER``."""
    for name, check in OF_WHOLE.items():
        if name not in LATER:
            await _hold(tx, METADATA.tables[name], check(whole).compare(say), whole)


async def _hold(tx: Tx, table: Table, comparison: TableComparison, whole: Whole) -> None:
    names = table.columns.keys()
    tenant = names.index("tenant") if "tenant" in names else None
    async for row in table_rows.in_key_order(tx, table):
        if tenant is None or row[tenant] not in whole.unknown_tenants:
            comparison.see(row)
    comparison.end()


def hold_later(rows: Mapping[str, list[tuple[Any, ...]]], whole: Whole, say: Callable[[str], None]) -> None:
    """Check the tables of ``LATER``."""
    for name in LATER:
        comparison = OF_WHOLE[name](whole).compare(say)
        for row in rows.get(name, ()):
            comparison.see(row)
        comparison.end()


async def share_records(folder: WorkFolder, groups: Groups, buckets: int, told: Told) -> None:
    """Share out the records that were read; those that are no events stay where they are."""
    spools = [Spool(log_file(folder.path, number)) for number in range(buckets)]
    count = 0
    for record, nodes, kind in read_records(folder.log):
        if nodes:
            bucket = groups.bucket_of(nodes[0])
            assert bucket is not None
            spools[bucket].add((record, nodes[:1], kind), len(record.value) + 100)
        count += 1
        if count % TOLD_EVERY == 0:
            await told(TOLD_EVERY)
    for spool in spools:
        spool.flush()
    await told(count % TOLD_EVERY)

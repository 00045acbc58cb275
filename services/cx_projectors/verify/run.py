"""Run ``verify``: read the log, then hold the store against it as it was at one moment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from cx_context.document import context_body, encode_body
from cx_context.store import Store, epochs, offsets, table_rows
from cx_context.store.all_tables import METADATA
from cx_context.store.context_loader import load_known
from cx_context.store.current_graph import CurrentGraph
from cx_context.store.dead_letters import LetterKey
from cx_context.store.events import read_event_keys
from cx_context.store.finding import find_node
from cx_context.store.sql import Tx
from cx_events.blob import Blobs
from cx_events.dead_letters import FOLD, NOT_APPLIED
from cx_events.errors import TryLater
from cx_events.ids import text_of
from cx_events.log import INTERACTIONS, Log, Partition
from cx_events.timestamps import Micros
from cx_projectors.epoch_announcements import Announcement
from cx_projectors.letters import digest_of, letter_key
from cx_projectors.tenancy import Tenancy
from cx_projectors.verify.blobs import blobs_of_facts, blobs_of_letters, hold_blobs
from cx_projectors.verify.comparison import shown
from cx_projectors.verify.expected import Expected, forget_events, mark_faults
from cx_projectors.verify.log_contents import READ_AT_ONCE, UNKNOWN_TENANT, LogContents, LogReading
from cx_projectors.verify.tables import CHECKS

MOST_FINDINGS = 100
_PATIENCE = 3.0
"""Seconds of computing after which the database hears from us: it ends a transaction that is idle for long."""

T = TypeVar("T")


@dataclass(slots=True)
class Findings:
    """The result of ``verify``.

    ``wrong``: sentences that begin with a table and a key, at most 100. ``events``, ``customers``: how many were
    held against the store; ``blobs``: how many of them were read. ``behind``: records that the log has after those
    that were applied; no fault. ``set_aside``: events that the store could not apply (``cx dlq list --reason
    not-applied``). ``notes``: what else to know.
    """

    events: int = 0
    records: int = 0
    customers: int = 0
    behind: int = 0
    set_aside: int = 0
    blobs: int = 0
    wrong: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, sentence: str) -> None:
        if len(self.wrong) < MOST_FINDINGS:
            self.wrong.append(sentence)


async def verify(
    store: Store, log: Log, tenants: Mapping[str, tuple[Tenancy, Micros]], blobs: Blobs | None = None
) -> Findings:
    """Read the whole log, every row of the store, every context, and every blob that is named. ``tenants``: of each its
    ids and rules, and its threading window. ``blobs``: None where they are not looked for.

    Of what is under way meanwhile the state of one moment is looked at. All facts, and what the store must hold of
    them, are held in memory; the store's rows are read a page at a time.
    """
    findings = Findings()
    reading = LogReading(log, {name: tenancy for name, (tenancy, _) in tenants.items()})
    while True:
        # The long reading comes first and in no transaction: the database ends one that is idle for seconds.
        async with store.reading() as tx:
            done = await _offsets(tx)
            epoch = await epochs.stored(tx)
        await reading.read(done)
        announced = await reading.announcement_of(epoch.epoch) if epoch is not None else None
        async with store.reading() as tx:
            now = await _offsets(tx)
            if sum(now.values()) - sum(done.values()) > READ_AT_ONCE or await epochs.stored(tx) != epoch:
                continue
            await reading.read(now)
            await _compare(tx, reading, now, tenants, announced, findings)
        if blobs is not None:
            contents = reading.contents
            letters = [letter for found in contents.letters.values() for letter in found]
            named = blobs_of_letters(letters) | blobs_of_facts(event.fact for event in contents.all_copies)
            findings.blobs = await hold_blobs(blobs, named, findings.add)
        return findings


async def _offsets(tx: Tx) -> dict[Partition, int]:
    return {partition: at[0] for partition, at in (await offsets.progress(tx)).items()}


async def _compare(
    tx: Tx,
    reading: LogReading,
    now: Mapping[Partition, int],
    tenants: Mapping[str, tuple[Tenancy, Micros]],
    announced: Announcement | None,
    findings: Findings,
) -> None:
    contents = reading.contents
    ends = await reading.ends()
    findings.records = contents.records
    findings.behind = sum(max(end - now.get(each, 0), 0) for each, end in ends.items() if each.topic == INTERACTIONS)
    stored = await read_event_keys(tx)
    forget_events(contents, [key for key in await _unread_when_they_came(tx, contents) if key not in stored])
    if stored and not stored & contents.counting.keys() and not contents.of_unknown_tenants:
        findings.add(
            f"events: none of the {len(stored)} stored events is on this log up to where it was applied; "
            "store and log have nothing to do with each other"
        )
    findings.notes += _notes(contents, stored, findings.behind)
    known = {name: tenancy for name, (tenancy, _) in tenants.items()}
    not_applied = await _not_applied(tx, contents)

    def expect() -> Expected:
        mark_faults(contents, known, not_applied)
        return Expected(contents, known, ends, stored, announced)

    expected = await _computed(tx, expect)
    findings.events, findings.set_aside = len(contents.counting), len(not_applied)
    _look_before(reading, findings)
    await _look_beyond(reading, now, stored - contents.counting.keys(), findings)
    await _hold_tables(tx, expected, findings)
    await _hold_contexts(tx, expected, tenants, findings)


def _notes(contents: LogContents, stored: set[bytes], behind: int) -> list[str]:
    if stored or contents.counting:
        return []
    if behind:
        return [f"nothing was applied to this store yet, and {behind} records of this log wait for a projector"]
    return ["log and store are both empty: are these the CX_HOME, CX_LOG_URL and CX_STORE_URL that you mean?"]


async def _unread_when_they_came(tx: Tx, contents: LogContents) -> list[bytes]:
    """Return the events that are dead letters since their tenant was not configured when they came."""
    unread = {key[2] for key, _ in await table_rows.letters_because(tx, UNKNOWN_TENANT)}
    if not unread:
        return []
    return [key for key, incoming in contents.counting.items() if digest_of(incoming.fact.raw) in unread]


async def _not_applied(tx: Tx, contents: LogContents) -> dict[bytes, str]:
    """Return by event key the problems of stored events that were set aside, as their dead letters say, too."""
    letters: dict[LetterKey, str] = dict(await table_rows.letters_because(tx, NOT_APPLIED))
    found = {}
    for key, problem in (await table_rows.left_out(tx)).items():
        incoming = contents.counting.get(key)
        if incoming is not None:
            event = incoming.fact.event
            if letters.get(letter_key(event.tenantid, event.source, event.id, FOLD)) == problem:
                found[key] = problem
    return found


async def _computed(tx: Tx, work: Callable[[], T]) -> T:
    """Compute in a thread, and keep the transaction awake meanwhile."""
    task = asyncio.create_task(asyncio.to_thread(work))
    while True:
        await asyncio.wait([task], timeout=_PATIENCE)
        if task.done():
            return task.result()
        await offsets.progress(tx)


async def _hold_tables(tx: Tx, expected: Expected, findings: Findings) -> None:
    for table in METADATA.sorted_tables:
        comparison = (await _computed(tx, lambda table=table: CHECKS[table.name](expected))).compare(findings.add)  # type: ignore[misc]
        async for row in table_rows.in_key_order(tx, table):
            if not _is_of_nobody(table.columns.keys(), row, expected):
                comparison.see(row)
        await _computed(tx, comparison.end)


def _is_of_nobody(names: list[str], row: tuple[object, ...], expected: Expected) -> bool:
    """Return whether a row is of a tenant that is not configured, though the log speaks of it: nothing can be said of
    it."""
    if not expected.unknown_tenants or "tenant" not in names:
        return False
    return row[names.index("tenant")] in expected.unknown_tenants


async def _hold_contexts(
    tx: Tx, expected: Expected, tenants: Mapping[str, tuple[Tenancy, Micros]], findings: Findings
) -> None:
    for tenant, one in expected.tenants.items():
        window = tenants[tenant][1]
        for customer, known in one.whole.known.items():
            findings.customers += 1
            try:
                found = await find_node(CurrentGraph(tx, tenant), customer)
                is_found = found is not None and found.customer == customer
                kept = context_body(await load_known(tx, one.tenancy.ids, customer), window) if is_found else None
            except TryLater:
                raise
            except Exception as error:  # a row that can't be read was named above; whatever it does to its readers
                findings.add(f"contexts {text_of(customer)}: can't be read: {type(error).__name__}: {error}")
                continue
            if kept is None:
                findings.add(f"contexts {text_of(customer)}: is not found as such")
            elif encode_body(kept) != encode_body(context_body(known, window)):
                findings.add(f"contexts {text_of(customer)}: differs from the definition")


def _look_before(reading: LogReading, findings: Findings) -> None:
    """Report partitions whose first records are gone: nobody can prove what was made of them."""
    for partition, begin in sorted(reading.begins.items()):
        findings.add(
            f"{partition.topic}/{partition.number}/0: the log begins at {begin}; the records before it are gone"
        )


async def _look_beyond(
    reading: LogReading, now: Mapping[Partition, int], unknown: set[bytes], findings: Findings
) -> None:
    """Report stored events that are not on the log up to the offsets but come later: then an offset is too low."""
    if unknown:
        for partition, keys in (await reading.keys_beyond(now)).items():
            if keys & unknown:
                at = now.get(partition, 0)
                findings.add(f"partitions {shown(partition)}: events after its position {at} were applied, too")

"""Check one bucket: hold the rows of some groups against their events, and read each of their contexts.

All that it needs lies in two files and ``Terms``, so another process can do it, at any later time.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from cx_context.fold_faults import is_left_out
from cx_context.store.copied_rows import copied
from cx_context.store.dead_letters import LetterKey
from cx_context.store.listing_queue import ids_in
from cx_context.store.tables import EVENTS
from cx_events.dead_letters import FOLD
from cx_events.log import LogRecord, Partition
from cx_events.timestamps import Micros
from cx_projectors.classify import ClassifiedEvent
from cx_projectors.dead_letters import digest_of, letter_key
from cx_projectors.tenancy import Tenancy
from cx_projectors.verify.blobs import blobs_of_facts
from cx_projectors.verify.contexts import hold_contexts
from cx_projectors.verify.expected import Expected
from cx_projectors.verify.expected_lists import ListsStanding
from cx_projectors.verify.findings import BucketFindings
from cx_projectors.verify.log_contents import EventCopies, event_in
from cx_projectors.verify.log_reading import read_records
from cx_projectors.verify.order_dependent import letters_of_events
from cx_projectors.verify.spools import read_items
from cx_projectors.verify.tables import OF_GROUPS

MOST_UNMATCHED = 10_000
KEY, PROBLEM = (EVENTS.columns.keys().index(name) for name in ("key", "problem"))

Tenants = Mapping[str, tuple[Tenancy, Micros]]
"""By name, a tenant's ids and rules, and its threading window in µs."""

Rows = dict[str, list[tuple[Any, ...]]]


class Terms(Struct):
    """The facts that hold for all buckets.

    ``ends``: where the log's partitions end. ``unknown_tenants``: as in ``Expected``. ``rules``: records of changes of
    rules; ``rule_rows``: all rows of ``rule_changes`` and of the withdrawals, by table. ``not_applied``: the problems
    of events that were set aside, by the key of their dead letters. ``unread``: digests of records that are dead
    letters, since their tenant was not configured.
    """

    ends: list[tuple[Partition, int]]
    unknown_tenants: list[str]
    rules: list[LogRecord]
    rule_rows: dict[str, list[list[Any]]]
    not_applied: list[tuple[LetterKey, str]]
    unread: list[str]
    unlisted: bytes = b""
    unfilled: list[str] = []


def log_file(folder: Path, number: int) -> Path:
    """Return the file with a bucket's records."""
    return folder / f"{number}.log"


def rows_file(folder: Path, number: int) -> Path:
    """Return the file with a bucket's rows: items of (table, row)."""
    return folder / f"{number}.rows"


def check_bucket(folder: Path, number: int, terms: Terms, tenants: Tenants) -> BucketFindings:
    """Check a bucket whose files are in a folder. Its events are folded twice: each alone, and into their parts."""
    return asyncio.run(_check(folder, number, terms, tenants))


async def _check(folder: Path, number: int, terms: Terms, tenants: Tenants) -> BucketFindings:
    findings = BucketFindings(number)
    known = {name: tenancy for name, (tenancy, _) in tenants.items()}
    rows: Rows = defaultdict(list)
    for table, row in read_items(rows_file(folder, number)):
        rows[table].append(tuple(row))
    log = EventCopies()
    for record, _, _ in read_records(log_file(folder, number)):
        event = event_in(record, known)
        assert event is not None, "a record that is no event is in no bucket"
        log.add(event)
    stored = {row[KEY]: row[PROBLEM] for row in rows["events"]}
    _forget_unread(log, stored, terms)
    findings.set_aside = _mark_faults(log, stored, terms, known)
    findings.matched = len(stored.keys() & log.counting.keys())
    findings.unmatched = sorted(stored.keys() - log.counting.keys())[:MOST_UNMATCHED]
    findings.events = len(log.counting)
    windows = {name: window for name, (_, window) in tenants.items()}
    standing = ListsStanding(windows, frozenset(ids_in(terms.unlisted)), frozenset(terms.unfilled))
    expected = Expected(log, known, dict(terms.ends), terms.unknown_tenants, _rules(terms, known), standing)
    for table, (_, check) in OF_GROUPS.items():
        comparison = check(expected).compare(findings.add)
        for row in rows[table]:
            comparison.see(row)
        comparison.end()
    findings.letters = letters_of_events(log)
    named = blobs_of_facts(event.fact for event in log.all_copies)
    findings.blobs = [(*blob, by) for blob, by in named.items()]
    async with copied({**rows, **_with_rules(rows, terms)}) as tx:
        await hold_contexts(tx, expected, windows, findings)
    return findings


def _forget_unread(log: EventCopies, stored: Mapping[bytes, object], terms: Terms) -> None:
    """Forget events that are dead letters, since their tenant was not configured when they came."""
    unread = set(terms.unread)
    if unread:
        for key, event in list(log.counting.items()):
            if key not in stored and digest_of(event.fact.raw) in unread:
                log.forget(key)


def _mark_faults(
    log: EventCopies, stored: Mapping[bytes, str | None], terms: Terms, tenants: Mapping[str, Tenancy]
) -> int:
    """Leave out the events that can't be folded, and those that the store could not apply. Return how many the latter
    are."""
    told = dict(terms.not_applied)
    set_aside = 0
    for key, event in log.counting.items():
        problem = stored.get(key)
        names = event.fact.event
        is_told = is_left_out(problem) and told.get(letter_key(names.tenantid, names.source, names.id, FOLD)) == problem
        set_aside += is_told
        log.counting[key] = event.checked(tenants[names.tenantid].ids, problem if is_told else None)
    return set_aside


def _rules(terms: Terms, tenants: Mapping[str, Tenancy]) -> list[ClassifiedEvent]:
    """Return the copies that count of changes of rules, without those that can't be used."""
    copies = EventCopies()
    for record in terms.rules:
        event = event_in(record, tenants)
        if event is not None:
            copies.add(event)
    told = {key for key, _ in terms.not_applied}
    unread = set(terms.unread)
    return [
        event
        for event in copies.counting.values()
        if event.checked(tenants[event.fact.event.tenantid].ids).left_out is None
        and digest_of(event.fact.raw) not in unread
        and letter_key(event.fact.event.tenantid, event.fact.event.source, event.fact.event.id, FOLD) not in told
    ]


def _with_rules(rows: Rows, terms: Terms) -> Rows:
    """Return the rows of the tables of which every bucket needs some, each row once."""
    return {
        table: list({next(iter(row)): tuple(row) for row in [*rows[table], *more]}.values())
        for table, more in terms.rule_rows.items()
    }

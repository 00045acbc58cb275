"""Run ``verify``: read the log, then every row of the store at one moment, then check both bucket by bucket.

While projectors go on: the log is read up to where the store has applied it, in no transaction. Then a transaction of
the store that sees one state reads the offsets once more, the few records up to these, and all rows; nothing is
computed in it. What follows needs neither log nor store.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from cx_context.store import Store, epochs, listing_queue, offsets, table_rows
from cx_context.store.sql import Tx
from cx_events.blob import Blobs
from cx_events.dead_letters import NOT_APPLIED, DeadLetter
from cx_events.log import INTERACTIONS, Log, Partition
from cx_events.timestamps import Micros
from cx_projectors.dead_letters import key_of_letter
from cx_projectors.epoch_announcements import Announcement
from cx_projectors.listing.refresh import Terms as ListingTerms
from cx_projectors.tenancy import Tenancy
from cx_projectors.verify.blobs import blobs_of_letters, hold_blobs
from cx_projectors.verify.buckets import Tenants, Terms, check_bucket
from cx_projectors.verify.comparison import shown
from cx_projectors.verify.expected import Whole
from cx_projectors.verify.findings import BucketFindings, Findings
from cx_projectors.verify.log_contents import UNKNOWN_TENANT, OtherRecords
from cx_projectors.verify.log_reading import READ_AT_ONCE, LogReading, Told, read_records
from cx_projectors.verify.sharing_out import RowSharing, hold_later, hold_whole, share_records
from cx_projectors.verify.spools import read_items
from cx_projectors.verify.work_folder import Ready, WorkFolder, opened
from cx_runtime.gc_tuning import settle
from cx_runtime.pace import Pace

_PATIENCE = 3.0
"""Seconds of computing after which the database hears from us: it ends a transaction that is idle for long."""

T = TypeVar("T")

Progress = Callable[[str, int, int], None]
"""Hears what is done, how much of it, and how much there is in all (0 where that is not known)."""


@dataclass(frozen=True, slots=True)
class How:
    """The settings of ``verify``.

    ``folder``: where it keeps what it reads; one that is deleted, whatever happens, where None. ``resume``: go on with
    what is there. ``origin``: names log and store for that. ``workers``: processes that check buckets; in this one if
    there is one. ``rate``: records, rows and events a second, at most. ``bucket_events``: events that are checked
    together, which bounds the memory of each worker.
    """

    folder: Path | None = None
    resume: bool = False
    origin: bytes = b""
    workers: int = 1
    rate: float | None = None
    progress: Progress = lambda what, done, total: None
    bucket_events: int = 10_000


AS_USUAL = How()


async def verify(
    store: Store,
    log: Log,
    tenants: Mapping[str, tuple[Tenancy, Micros]],
    blobs: Blobs | None = None,
    how: How = AS_USUAL,
) -> Findings:
    """Read the whole log, every row of the store, every context, and every blob that is named. ``tenants``: of each its
    ids and rules, and its threading window. ``blobs``: None where they are not looked for.

    Raises ``TryLater`` where a part does not answer, ``Refused`` (``in-use``, ``nothing-to-resume``) where the work
    folder is in use or can't be gone on with.
    """
    with ExitStack() as stack:
        path = how.folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cx-verify-")))
        folder = stack.enter_context(opened(path, resume=how.resume, origin=how.origin))
        return await _Verification(store, log, tenants, blobs, how, folder).run()


class _Verification:
    def __init__(
        self, store: Store, log: Log, tenants: Tenants, blobs: Blobs | None, how: How, folder: WorkFolder
    ) -> None:
        self._store = store
        self._log = log
        self._tenants = tenants
        self._known = {name: tenancy for name, (tenancy, _) in tenants.items()}
        self._blobs = blobs
        self._how = how
        self._folder = folder
        self._pace = Pace(how.rate)

    async def run(self) -> Findings:
        ready = self._folder.ready() if self._how.resume else None
        if ready is None:
            self._folder.forget_buckets()
            ready = await self._read_all()
            self._folder.set_ready(ready)
        return await self._conclude(ready, await self._check_buckets(ready))

    def _told(self, what: str, total: int) -> Told:
        done = 0

        async def told(more: int) -> None:
            nonlocal done
            done += more
            self._how.progress(what, done, total)
            await self._pace.keep(more)

        return told

    async def _read_all(self) -> Ready:
        async with self._store.reading() as tx:
            done = await _offsets(tx)
        reading = LogReading(self._log, self._known, self._folder.log, self._told("records read", sum(done.values())))
        while True:
            # The long reading comes first and in no transaction: the database ends one that is idle for seconds.
            async with self._store.reading() as tx:
                done, epoch = await _offsets(tx), await epochs.stored(tx)
            await reading.read(done, await reading.ends())
            announced = await reading.announcement_of(epoch.epoch) if epoch is not None else None
            async with self._store.reading() as tx:
                now, ends = await _offsets(tx), await reading.ends()
                if reading.left(now, ends) > READ_AT_ONCE or await epochs.stored(tx) != epoch:
                    continue
                await reading.read(now, ends)
                ready = await self._share_rows(tx, reading, now, ends, announced)
            await share_records(self._folder, reading.groups, ready.buckets - 1, self._told("records shared", 0))
            return ready

    async def _share_rows(
        self,
        tx: Tx,
        reading: LogReading,
        now: Mapping[Partition, int],
        ends: Mapping[Partition, int],
        announced: Announcement | None,
    ) -> Ready:
        findings = Findings()
        buckets = await _computed(tx, lambda: reading.groups.share_out(self._how.bucket_events))
        unknown = reading.others.unknown_tenants
        sharing = RowSharing(self._folder, reading.groups, buckets, unknown)
        await sharing.share(tx, self._told("rows read", 0))
        nodes = {node for tenancy in self._known.values() for node in tenancy.ids.nobodys_nodes()}
        whole = Whole(
            tenants=self._known, unknown_tenants=unknown, ends=ends, has_events=bool(sharing.events),
            announced=announced, knows=lambda node: node in nodes or node in reading.groups, letters={}, discards={},
            of_unknown_tenants={}, stored=(),
        )  # fmt: skip
        await hold_whole(tx, whole, findings.add)
        for partition, begin in sorted(reading.begins.items()):
            findings.add(
                f"{partition.topic}/{partition.number}/0: the log begins at {begin}; the records before it are gone"
            )
        findings.records = reading.records
        findings.behind = sum(
            max(end - now.get(each, 0), 0) for each, end in ends.items() if each.topic == INTERACTIONS
        )
        terms = Terms(
            ends=list(ends.items()),
            unknown_tenants=sorted(unknown),
            rules=reading.changes_of_rules(),
            rule_rows=sharing.rule_rows,
            not_applied=await table_rows.letters_because(tx, NOT_APPLIED),
            unread=[key[2] for key, _ in await table_rows.letters_because(tx, UNKNOWN_TENANT)],
            unlisted=b"".join(sorted(await listing_queue.unlisted(tx))),
            unfilled=await self._unfilled(tx),
        )
        return Ready(terms, buckets + 1, findings, list(now.items()), sharing.unknown_events, reading.groups.events)

    async def _unfilled(self, tx: Tx) -> list[str]:
        """Return the tenants whose lists are not filled, or were made with other terms."""
        fills = await listing_queue.fills(tx)
        names = {name: ListingTerms(tenancy.ids, window).name for name, (tenancy, window) in self._tenants.items()}
        return sorted(
            name for name, made_with in names.items() if not listing_queue.is_done(fills.get(name), made_with)
        )

    async def _check_buckets(self, ready: Ready) -> list[BucketFindings]:
        found = self._folder.found()
        told = self._told("events checked", ready.events)
        await told(sum(each.events for each in found))
        left = sorted(set(range(ready.buckets)) - {each.number for each in found})
        # The last bucket has the rows of nobody, hence little: a process of its own costs more than checking it.
        workers = max(1, min(self._how.workers, len(left), ready.buckets - 1))
        async with _workers(workers) as pool:
            loop = asyncio.get_running_loop()
            waiting: set[asyncio.Future[BucketFindings]] = set()
            while left or waiting:
                while left and len(waiting) < workers:
                    waiting.add(
                        loop.run_in_executor(
                            pool, check_bucket, self._folder.path, left.pop(0), ready.terms, dict(self._tenants)
                        )
                    )
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for each in done:
                    one = each.result()
                    self._folder.add_found(one)
                    found.append(one)
                    await told(one.events)
        return sorted(found, key=lambda each: each.number)

    async def _conclude(self, ready: Ready, found: list[BucketFindings]) -> Findings:
        others = OtherRecords()
        for record, nodes, _ in read_records(self._folder.log):
            if not nodes:
                others.add(record, self._known)
        findings = ready.findings
        matched = sum(each.matched for each in found)
        unmatched = {key for each in found for key in each.unmatched}
        if unmatched and not matched and not others.of_unknown_tenants:
            findings.add(
                f"events: none of the {len(unmatched)} stored events is on this log up to where it was applied; "
                "store and log have nothing to do with each other"
            )
        await self._look_beyond(dict(ready.positions), unmatched, findings)
        for each in found:
            findings.events += each.events
            findings.customers += each.customers
            findings.set_aside += each.set_aside
            for sentence in each.wrong:
                findings.add(sentence)
        self._hold_letters(ready, others, found, findings)
        if self._blobs is not None:
            letters = [letter for some in others.letters.values() for letter in some]
            named = blobs_of_letters(letters) | {
                (tenant, name): by for each in found for tenant, name, by in each.blobs
            }
            findings.blobs = await hold_blobs(self._blobs, named, findings.add)
        findings.notes += _notes(findings, bool(matched or unmatched))
        return findings

    def _hold_letters(
        self, ready: Ready, others: OtherRecords, found: list[BucketFindings], findings: Findings
    ) -> None:
        letters: dict[tuple[str, str, str, str], list[DeadLetter]] = defaultdict(list)
        for some in (*others.letters.values(), *(each.letters for each in found)):
            for letter in some:
                letters[key_of_letter(letter)].append(letter)
        rows = defaultdict(list)
        for table, row in read_items(self._folder.whole):
            rows[table].append(tuple(row))
        whole = Whole(
            tenants=self._known, unknown_tenants=others.unknown_tenants, ends=dict(ready.terms.ends), has_events=True,
            announced=None, knows=lambda node: True, letters=letters, discards=others.discards,
            of_unknown_tenants=others.of_unknown_tenants, stored=set(ready.unknown_events),
        )  # fmt: skip
        hold_later(rows, whole, findings.add)

    async def _look_beyond(self, now: Mapping[Partition, int], unmatched: set[bytes], findings: Findings) -> None:
        """Report stored events that are not on the log up to the offsets but come later: then an offset is too low."""
        if unmatched:
            reading = LogReading(self._log, self._known, Path("/dev/null"), self._told("records looked at", 0))
            for partition, keys in (await reading.keys_beyond(now)).items():
                if keys & unmatched:
                    at = now.get(partition, 0)
                    findings.add(f"partitions {shown(partition)}: events after its position {at} were applied, too")


def _notes(findings: Findings, has_stored: bool) -> list[str]:
    if has_stored or findings.events:
        return []
    if findings.behind:
        return [
            f"nothing was applied to this store yet, and {findings.behind} records of this log wait for a projector"
        ]
    return ["log and store are both empty: are these the CX_HOME, CX_LOG_URL and CX_STORE_URL that you mean?"]


@asynccontextmanager
async def _workers(count: int) -> AsyncIterator[Executor | None]:
    """Start processes, or use this one's threads where one is enough."""
    if count < 2:
        yield None
        return
    pool = ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn"), initializer=settle)
    try:
        yield pool
    finally:
        await asyncio.to_thread(pool.shutdown, cancel_futures=True)


async def _offsets(tx: Tx) -> dict[Partition, int]:
    return {partition: at[0] for partition, at in (await offsets.progress(tx)).items()}


async def _computed(tx: Tx, work: Callable[[], T]) -> T:
    """Compute in a thread, and keep the transaction awake meanwhile."""
    task = asyncio.create_task(asyncio.to_thread(work))
    while True:
        await asyncio.wait([task], timeout=_PATIENCE)
        if task.done():
            return task.result()
        await offsets.progress(tx)

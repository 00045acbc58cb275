"""The store held against the log and the definition: what ``cx verify`` says, and what the fault tests call.

- every record of the log up to the applied positions is stored once, or lies in the dead letters;
- every customer's context, as a reader gets it, has the bytes of the definition;
- every live part concerns the desks that the definition says, and no others;
- no position lies beyond the log's end;
- the store's epoch was given to it on the log (``announced``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cx_context.definition import define
from cx_context.desks import desks
from cx_context.finish import context_body, encode_body
from cx_context.store import Store, assignments, epochs, leases, reader, writer
from cx_context.store.sql import Tx
from cx_events.errors import Refused
from cx_events.facts import Fact
from cx_events.ids import text_of
from cx_events.log import INTERACTIONS, Log, Partition
from cx_events.timestamps import Micros
from cx_projectors.announced import epoch_faults
from cx_projectors.apply import Tenancy
from cx_projectors.batch import incoming_of

READ_AT_ONCE = 2000
MOST_FINDINGS = 100


@dataclass(slots=True)
class Findings:
    """``wrong``: sentences, at most 100 of them; ``events``, ``customers``: how many were held against the store."""

    events: int = 0
    records: int = 0
    customers: int = 0
    behind: int = 0
    wrong: list[str] = field(default_factory=list)

    def add(self, sentence: str) -> None:
        if len(self.wrong) < MOST_FINDINGS:
            self.wrong.append(sentence)


async def verify(store: Store, log: Log, tenants: Mapping[str, tuple[Tenancy, Micros]]) -> Findings:
    """Read the whole log and every context. ``tenants``: of each its ids and rules, and its threading window.

    Of what is under way meanwhile the state of one moment is looked at. All facts are held in memory.
    """
    findings = Findings()
    told = _Told(log, {name: tenancy for name, (tenancy, _) in tenants.items()}, findings)
    while True:
        # The long reading comes first and in no transaction: the database ends one that is idle for seconds.
        async with store.reading() as tx:
            done = await _positions(tx)
        await told.read(done)
        async with store.reading() as tx:
            now = await _positions(tx)
            if sum(now.values()) - sum(done.values()) > READ_AT_ONCE:
                continue
            await told.read(now)
            await _compare(tx, told, tenants, findings)
            epoch = await epochs.stored(tx)
        await told.look_beyond(now)
        for sentence in await epoch_faults(epoch, log, applied=any(now.values())):
            findings.add(sentence)
        return findings


async def _positions(tx: Tx) -> dict[Partition, int]:
    progress = await leases.progress(tx)
    return {partition: at[0] for partition, at in progress.items() if partition.topic == INTERACTIONS}


async def _compare(tx: Tx, told: _Told, tenants: Mapping[str, tuple[Tenancy, Micros]], findings: Findings) -> None:
    facts = told.facts
    findings.events = len(facts)
    stored = await writer.all_keys(tx)
    for key, fact in facts.items():
        if key not in stored:
            findings.add(f"{fact.event.source}#{fact.event.id} is on the log but not in the store")
    for key in stored - facts.keys():
        findings.add(f"the store has an event that the log has not: key {key.hex()}")
    for tenant, (tenancy, window) in tenants.items():
        own = [fact for fact in facts.values() if fact.event.tenantid == tenant]
        whole = define(own, tenancy.ids, tenancy.rules)
        assigned = {
            (each.anchor, desk) for known in whole.known.values() for each in known.parts for desk in desks(each.part)
        }
        for anchor, desk in assigned ^ await assignments.all_of(tx, tenant):
            findings.add(f"whether part {anchor.hex()} concerns {desk.kind} {desk.name!r} differs from its definition")
        for customer, known in whole.known.items():
            findings.customers += 1
            found = await reader.find_node(tx, tenant, customer)
            if found is None or found.customer != customer:
                findings.add(f"customer {text_of(customer)} is not found as such")
                continue
            kept = context_body(await reader.load(tx, tenancy.ids, customer), window)
            if encode_body(kept) != encode_body(context_body(known, window)):
                findings.add(f"the context of {text_of(customer)} differs from its definition")


class _Told:
    """What the log tells, as far as it was read: every event, of several copies the one that counts."""

    def __init__(self, log: Log, tenants: Mapping[str, Tenancy], findings: Findings) -> None:
        self._log = log
        self._tenants = tenants
        self._findings = findings
        self._at: dict[Partition, int] = {}
        self.facts: dict[bytes, Fact] = {}

    async def read(self, done: Mapping[Partition, int]) -> None:
        """Up to these positions, or the log's end."""
        for partition, upto in sorted(done.items()):
            if upto > self._at.get(partition, 0):
                await self._read_to(partition, upto)

    async def _read_to(self, partition: Partition, upto: int) -> None:
        at = self._at.get(partition, 0)
        records = self._log.reader()
        records.assign({partition: at})
        try:
            while at < upto:
                batch = await records.read(READ_AT_ONCE, wait=2.0)
                if not batch:
                    break
                for record in batch:
                    if record.offset >= upto:
                        at = upto
                        break
                    at = record.offset + 1
                    self._findings.records += 1
                    _take(record.value, self.facts, self._tenants)
        finally:
            await records.close()
        self._at[partition] = at

    async def look_beyond(self, done: Mapping[Partition, int]) -> None:
        """How far the log goes on after these positions; none may lie beyond its end."""
        for number, end in sorted((await self._log.end_positions(INTERACTIONS)).items()):
            partition = Partition(INTERACTIONS, number)
            upto = done.get(partition, 0)
            self._findings.behind += max(end - upto, 0)
            if upto > end:
                self._findings.add(f"{partition.topic}/{number} was applied up to {upto}, but ends at {end}")


def _take(raw: bytes, facts: dict[bytes, Fact], tenants: Mapping[str, Tenancy]) -> None:
    try:
        fact = incoming_of(raw, lambda tenant: tenants[tenant].ids if tenant in tenants else None).fact
    except Refused:
        return
    other = facts.get(fact.key)
    if other is None or fact.copy_order < other.copy_order:
        facts[fact.key] = fact

"""The store held against the log and the definition: what ``cx verify`` says, and what the fault tests call.

- every record of the log up to the applied positions is stored once, or lies in the dead letters;
- every customer's context, as a reader gets it, has the bytes of the definition;
- no position lies beyond the log's end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cx_context.definition import define
from cx_context.finish import context_body, encode_body
from cx_context.store import Store, leases, reader, writer
from cx_events.errors import Refused
from cx_events.facts import Fact
from cx_events.ids import text_of
from cx_events.log import INTERACTIONS, Log, Partition
from cx_events.timestamps import Micros
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
    """Read the whole log and every context. ``tenants``: of each its ids and rules, and its threading window."""
    findings = Findings()
    async with store.reading() as tx:
        done = {partition: at[0] for partition, at in (await leases.progress(tx)).items()}
        facts = await _read_log(log, done, {name: tenancy for name, (tenancy, _) in tenants.items()}, findings)
        stored = await writer.all_keys(tx)
        for key, fact in facts.items():
            if key not in stored:
                findings.add(f"{fact.event.source}#{fact.event.id} is on the log but not in the store")
        for key in stored - facts.keys():
            findings.add(f"the store has an event that the log has not: key {key.hex()}")
        for tenant, (tenancy, window) in tenants.items():
            own = [fact for fact in facts.values() if fact.event.tenantid == tenant]
            whole = define(own, tenancy.ids, tenancy.rules)
            for customer, known in whole.known.items():
                findings.customers += 1
                found = await reader.find_node(tx, tenant, customer)
                if found is None or found.customer != customer:
                    findings.add(f"customer {text_of(customer)} is not found as such")
                    continue
                kept = context_body(await reader.load(tx, tenancy.ids, customer), window)
                if encode_body(kept) != encode_body(context_body(known, window)):
                    findings.add(f"the context of {text_of(customer)} differs from its definition")
    return findings


async def _read_log(
    log: Log, done: Mapping[Partition, int], tenants: Mapping[str, Tenancy], findings: Findings
) -> dict[bytes, Fact]:
    """Every applied event, of several copies the one that counts."""
    ends = {Partition(INTERACTIONS, n): end for n, end in (await log.end_positions(INTERACTIONS)).items()}
    facts: dict[bytes, Fact] = {}
    for partition, end in sorted(ends.items()):
        upto = done.get(partition, 0)
        findings.behind += max(end - upto, 0)
        if upto > end:
            findings.add(f"{partition.topic}/{partition.number} was applied up to {upto}, but ends at {end}")
        records = log.reader()
        records.assign({partition: 0})
        try:
            at = 0
            while at < min(upto, end):
                batch = await records.read(READ_AT_ONCE, wait=2.0)
                if not batch:
                    break
                for record in batch:
                    at = record.offset + 1
                    if record.offset >= upto:
                        break
                    findings.records += 1
                    _take(record.value, facts, tenants)
        finally:
            await records.close()
    findings.events = len(facts)
    return facts


def _take(raw: bytes, facts: dict[bytes, Fact], tenants: Mapping[str, Tenancy]) -> None:
    try:
        fact = incoming_of(raw, lambda tenant: tenants[tenant].ids if tenant in tenants else None).fact
    except Refused:
        return
    other = facts.get(fact.key)
    if other is None or fact.copy_order < other.copy_order:
        facts[fact.key] = fact

"""Make facts of a tenant's configured rules of identity: a difference to the rules in force becomes an event.

Two processes that start at once write the same event, since its id derives from the change before it and the new rules;
for the same reason rules that go from A to B and back to A are three events.
"""

from __future__ import annotations

import asyncio
from hashlib import blake2b

import msgspec
import structlog

from cx_context.store import Store, offsets, rule_changes
from cx_context.store.rule_changes import read_rules_in_force
from cx_events.envelope import Data, Draft, IdentityDecision
from cx_events.errors import Fatal, Refused
from cx_events.facts import decision_source
from cx_events.ids import IdSpace
from cx_events.log import INTERACTIONS, Log, Partition, Record
from cx_events.stamp import CONFIGURATION_WRITER, StampedEvent, stamp
from cx_events.timestamps import Micros
from cx_identity.rules import DEFAULT, Rules
from cx_runtime.tenants import TenantConfig, Tenants

LOOK_SECONDS = 0.2


def configured_rules(name: str, tenant: TenantConfig) -> Rules:
    """``Fatal`` naming the mistake."""
    try:
        return Rules.parse(tenant.identity.model_dump())
    except Refused as error:
        raise Fatal(f"tenants.{name}.identity: {error.detail}") from None


def rules_change(ids: IdSpace, rules: Rules, previous: str, recorded: Micros) -> StampedEvent:
    """The event that puts ``rules`` in force. ``previous``: the name of the last change, empty if there was none."""
    mapping = rules.as_mapping()
    digest = blake2b(f"{previous}\0".encode() + msgspec.json.encode(mapping), digest_size=16).hexdigest()
    draft = Draft(
        type="cx.identity.rules_changed.v1",
        id=f"rules/{digest}",
        subject=ids.tenant_node().hex(),
        data=Data(identity=IdentityDecision(rules=mapping), reason="configured"),
    )
    return stamp(draft, source=decision_source(ids.tenant), recorded=recorded, ids=ids, writer=CONFIGURATION_WRITER)


async def put_in_force(tenants: Tenants, store: Store, log: Log, now: Micros) -> int:
    """Append what the tenants' rules in force differ by from those configured; how many events that were.

    Waits until the store has all that the log held at the start, since a change may be among it. ``TryLater``.
    """
    wanted = {name: configured_rules(name, tenant) for name, tenant in tenants.by_name.items()}
    await _caught_up(store, log)
    changes: list[StampedEvent] = []
    async with store.reading() as tx:
        for name, rules in wanted.items():
            if await read_rules_in_force(tx, name, DEFAULT) != rules:
                taken, previous = await rule_changes.latest(tx, name)
                # Of two changes the later recorded one counts, and the clock that stamped the last may be ahead.
                changes.append(rules_change(tenants.ids(name), rules, previous, max(now, taken + 1)))
    if changes:
        await log.append([Record(INTERACTIONS, change.key, change.raw) for change in changes])
        structlog.get_logger("cx_hub").info("rules of identity changed", tenants=len(changes))
    return len(changes)


async def _caught_up(store: Store, log: Log) -> None:
    ends = {Partition(INTERACTIONS, number): end for number, end in (await log.end_offsets(INTERACTIONS)).items()}
    while True:
        async with store.reading() as tx:
            done = await offsets.progress(tx)
        if all(partition in done and done[partition][0] >= end for partition, end in ends.items() if end):
            return
        await asyncio.sleep(LOOK_SECONDS)

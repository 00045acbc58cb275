"""Ask log and store how projectors get on."""

from __future__ import annotations

from cx_context.store import Store, lag_samples, leases, offsets
from cx_context.store.lag_samples import WorkerReport, partitions_of
from cx_events.log import Log, Partition
from cx_ops.lag import lag_of
from cx_ops.projectors.states import RATE_MINUTES, LagMinute, ProjectorState, history_of, state_of


async def read_projectors(log: Log, store: Store) -> tuple[list[ProjectorState], list[WorkerReport]]:
    """Return the state of every partition, and what every worker said of itself last.

    Raises ``TryLater`` where log or store do not answer."""
    found = await lag_of(log, store)
    async with store.reading() as tx:
        valid = {Partition(each.topic, each.number): each.valid for each in await leases.read_leases(tx)}
        progress = await offsets.progress(tx)
        samples = partitions_of(await lag_samples.read_samples(tx, RATE_MINUTES + 1))
        reports = await lag_samples.read_reports(tx)
        now = float((await tx.fetch(f"SELECT {tx.now}"))[0][0])
    by_worker = {each.worker: each for each in reports}
    states = []
    for each in found:
        partition = Partition(each.topic, each.partition)
        _, _, still = progress.get(partition, (0, "", 0.0))
        states.append(
            state_of(
                each,
                samples.get(partition, []),
                by_worker.get(each.owner or ""),
                is_owned=valid.get(partition, False),
                still=still,
                now=now,
            )
        )
    return states, reports


async def read_history(store: Store, minutes: int, topic: str = "", partition: int | None = None) -> list[LagMinute]:
    """Return the history of some or all partitions, each one's oldest minute first. Raises ``TryLater``."""
    async with store.reading() as tx:
        samples = partitions_of(await lag_samples.read_samples(tx, minutes))
    wanted = [of for of in sorted(samples) if topic in ("", of.topic) and partition in (None, of.number)]
    return [each for of in wanted for each in history_of(samples[of])]

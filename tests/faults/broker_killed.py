"""The broker killed during intake, under concurrent posters that send again what was not acknowledged: nothing
acknowledged is missing on the log.

    python -m tests.faults.broker_killed [--events N] [--kills N]
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.faults.ground import Ground, Trial, all_records, command, home, running, servers
from tests.faults.posters import Event, Posters, message

from cx_events.codec import decode
from cx_events.log import Log
from cx_hub import stack
from cx_hub.stack.processes import free_port

WRITERS = 8
AT_ONCE = 5


def requests(events: int) -> Iterator[list[Event]]:
    """Small batches, of 50 customers."""
    for begin in range(0, events, AT_ONCE):
        numbers = range(begin, min(begin + AT_ONCE, events))
        yield [message(number, email=f"person{number % 50}@example.com") for number in numbers]


async def on_the_log(log: Log) -> list[tuple[str, str]]:
    """(source, id) of every record."""
    events = [decode(record.value) async for record in all_records(log)]
    return [(event.source, event.id) for event in events]


async def broker_killed(trial: Trial, ground: Ground, brokers: Path, *, events: int, kills: int) -> Trial:
    """Kill the broker with SIGKILL whenever another share of the events is acknowledged; it starts on its old data."""
    port = free_port()
    channels = ground.service(f"run channels --port {port}", "channels")
    posters = Posters(f"http://127.0.0.1:{port}", ground.key)
    writing = asyncio.create_task(posters.post_all(requests(events), WRITERS))
    with running([channels], [writing]):
        for number in range(1, kills + 1):
            while len(posters.acknowledged) < number * events // (kills + 1) and not writing.done():
                channels.check_running()
                await asyncio.sleep(0.01)
            await asyncio.to_thread(stack.kill_kafka, brokers)
            trial.say(f"kill {number} of {kills}: {len(posters.acknowledged)} of {events} events acknowledged")
            await asyncio.to_thread(stack.start, brokers, {"kafka"})
        await writing
        trial.say(f"all acknowledged; answers: {posters.told()}; the slowest refusal took {posters.slowest:.1f} s")
        trial.check(len(posters.acknowledged) == events, f"{events} events were acknowledged")
        async with ground.log() as log:
            found = await on_the_log(log)
        missing = posters.acknowledged - set(found)
        trial.check(not missing, f"{len(missing)} acknowledged events are missing on the log, which has {len(found)}")
        await trial.ended_well(channels)
    return trial


async def on_own_broker(events: int, kills: int) -> Trial:
    with home() as folder, servers("kafka") as (brokers, settings):
        ground = Ground(folder, settings)
        return await broker_killed(Trial("broker_killed"), ground, brokers, events=events, kills=kills)


if __name__ == "__main__":
    sys.exit(command(__doc__, on_own_broker, events=10_000, kills=5))

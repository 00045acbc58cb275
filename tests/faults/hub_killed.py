"""400 events for one customer from 8 concurrent writers, every tenth sent twice, the hub killed in between: 400 count.

python -m tests.faults.hub_killed [--events N] [--kills N] [--parts embedded|servers]
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Iterator

from tests.faults.ground import Ground, Trial, caught_up, home, run, running, servers
from tests.faults.posters import Event, Posters, message

from cx_hub.client import connected
from cx_hub.stack.processes import free_port

WRITERS = 8


def requests(events: int) -> Iterator[list[Event]]:
    """One customer under two names, half of the time both; every tenth event is sent again."""
    names = ({"email": "ana@example.com"}, {"cookie": "c-7"}, {"email": "ana@example.com", "cookie": "c-7"})
    for number in range(events):
        event = message(number, **names[min(number % 4, 2)])
        yield [event]
        if number % 10 == 0:
            yield [event]


async def hub_killed(trial: Trial, ground: Ground, *, events: int, kills: int) -> Trial:
    """Kill the hub with SIGKILL whenever another share of the events is acknowledged."""
    port = free_port()
    hub = ground.service(f"up --port {port}", "hub")
    posters = Posters(f"http://127.0.0.1:{port}", ground.key)
    writing = asyncio.create_task(posters.post_all(requests(events), WRITERS))
    with running([hub], [writing]):
        for number in range(1, kills + 1):
            while len(posters.acknowledged) < number * events // (kills + 1) and not writing.done():
                hub.check_running()
                await asyncio.sleep(0.01)
            hub.kill()
            trial.say(f"kill {number} of {kills}: {len(posters.acknowledged)} of {events} events acknowledged")
            hub.start()
        await writing
        trial.say(f"all acknowledged; answers: {posters.told()}")
        await hub.ready()
        async with ground.log() as log, ground.store() as store:
            await caught_up(store, log)
            async with connected(posters.url, ground.key) as client:
                counted = [
                    (await client.get("/v1/context", identifier=name))["body"]["counts"]
                    for name in ("email:ana@example.com", "cookie:c-7")
                ]
            trial.check(len(posters.acknowledged) == events, f"{events} events were acknowledged")
            for counts in counted:
                said = f"{counts['events']} events and {counts['messages']} messages counted of {events}"
                trial.check(counts["events"] == counts["messages"] == events, said)
            await trial.ended_well(hub)
            await trial.verified(ground, store, log)
    return trial


async def on_embedded_parts(events: int, kills: int) -> Trial:
    with home() as folder:
        return await hub_killed(Trial("hub_killed, SQLite"), Ground(folder, {}), events=events, kills=kills)


async def on_servers(events: int, kills: int) -> Trial:
    with home() as folder, servers("kafka", "postgres") as (_, settings):
        trial = Trial("hub_killed, Kafka and PostgreSQL")
        return await hub_killed(trial, Ground(folder, settings), events=events, kills=kills)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=400)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--parts", choices=("embedded", "servers"), help="on these parts alone")
    given = parser.parse_args()
    codes = []
    if given.parts != "servers":
        codes.append(run(on_embedded_parts(given.events, given.kills)))
    if given.parts != "embedded":
        codes.append(run(on_servers(given.events, given.kills)))
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())

"""Programs on the SDK go on while the hub is killed with SIGKILL and started again: a background sender, a sender of
batches, and followers of one customer and of a desk. Every event counts once, no state is older than the last, and all
end with what a fresh read gives.

    python -m tests.faults.clients [--events N] [--kills N]
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field

from tests.faults.ground import LOOK_SECONDS, Ground, Service, Trial, caught_up, command, home, running
from tests.patience import PATIENCE

from cx_client import FOR_EVER, AsyncBackgroundSender, AsyncClient, Context, Desk, Retry
from cx_events.building import EventBuilder, customer
from cx_events.json_types import Json
from cx_hub.stack.processes import free_port

ANA = "email:ana@example.com"
AGENT = "ben"
BATCH = 20
QUICK = Retry(attempts=None, first=0.1, most=1.0, patience=PATIENCE)
CHAT = EventBuilder("//acme.example/chat", channel="chat")


def messages(events: int, sender: str) -> list[Json]:
    """What Ana wrote, as one program sends it."""
    return [
        CHAT.message_received(f"{sender}-{number}", f"chat-{sender}", f"word {number}", customer(email=ANA[6:]))
        for number in range(events)
    ]


@dataclass
class Watcher:
    """Ana's context as a program holds it. ``wrong``: what must never be."""

    held: Context | None = None
    states: int = 0
    wrong: list[str] = field(default_factory=list)

    async def run(self, contexts: AsyncIterator[Context]) -> None:
        async for context in contexts:
            version = context.version or 0
            if self.held is not None and version <= (self.held.version or 0):
                self.wrong.append(f"version {version} after {self.held.version}")
            self.held = context
            self.states += 1


@dataclass
class Programs:
    """All of them, over one client."""

    hub: AsyncClient
    events: int
    watcher: Watcher = field(default_factory=Watcher)
    desk: Desk = field(default_factory=Desk)
    sent: int = 0

    async def in_background(self) -> None:
        async with AsyncBackgroundSender(self.hub, retry=QUICK) as sender:
            for event in messages(self.events, "background"):
                sender.put(event)
                self.sent += 1
                await asyncio.sleep(0.01)
            rejected = await sender.flush(PATIENCE)
            assert rejected == ()

    async def in_batches(self) -> None:
        events = messages(self.events, "batches")
        for start in range(0, self.events, BATCH):
            sent = await self.hub.send_many(events[start : start + BATCH])
            assert sent.rejected == ()
            self.sent += len(sent.accepted)
            await asyncio.sleep(0.01 * BATCH)

    async def watch(self) -> None:
        async with aclosing(self.hub.watch(identifier=ANA)) as contexts:
            await self.watcher.run(contexts)

    async def follow_desk(self) -> None:
        async with aclosing(self.hub.follow_agent(AGENT)) as events:
            async for event in events:
                self.desk.apply(event)


async def clients(trial: Trial, ground: Ground, *, events: int, kills: int) -> Trial:
    """Kill the hub whenever another share of the events is sent."""
    port = free_port()
    hub = ground.service(f"up --port {port}", "hub", CX_STREAM_HEARTBEAT="2")
    hub.start()
    await hub.ready()
    async with AsyncClient(f"http://127.0.0.1:{port}", ground.key, retry=QUICK, follow_retry=FOR_EVER) as client:
        first = messages(1, "first")[0]
        name = await client.send(first)
        await client.send(CHAT.interaction_answered("answered", "chat-first", {"id": AGENT}))
        await client.context(identifier=ANA, at_least=[name], wait="60s")
        programs = Programs(client, events)
        sending = [asyncio.create_task(each) for each in (programs.in_background(), programs.in_batches())]
        following = [asyncio.create_task(each) for each in (programs.watch(), programs.follow_desk())]
        with running([], [*sending, *following]):
            try:
                await _killed(trial, hub, programs, kills)
                await asyncio.gather(*sending)
                trial.say(f"{programs.sent} events sent; {programs.watcher.states} states of Ana told")
                async with ground.log() as log, ground.store() as store:
                    await caught_up(store, log)
                    await _settled(trial, client, programs)
                    await trial.ended_well(hub)
                    await trial.verified(ground, store, log)
            finally:
                hub.kill()
    return trial


async def _killed(trial: Trial, hub: Service, programs: Programs, kills: int) -> None:
    for number in range(1, kills + 1):
        while programs.sent < number * 2 * programs.events // (kills + 1):
            await asyncio.sleep(LOOK_SECONDS / 4)
        trial.say(f"kill {number} of {kills} at {programs.sent} events")
        hub.kill()
        hub.start()
        await hub.ready()


async def _settled(trial: Trial, client: AsyncClient, programs: Programs) -> None:
    fresh = await client.context(identifier=ANA)
    counted, wanted = fresh.body["counts"]["messages"], 2 * programs.events + 1
    trial.check(counted == wanted, f"{counted} messages counted of {wanted}")
    watcher = programs.watcher
    async with asyncio.timeout(PATIENCE):
        while watcher.held is None or watcher.held.version != fresh.version:
            await asyncio.sleep(LOOK_SECONDS)
    trial.check(watcher.held.body == fresh.body, "who watches holds what a fresh read gives")
    trial.check(not watcher.wrong, f"no state was older than the last {'; '.join(watcher.wrong[:5])}")
    async with asyncio.timeout(PATIENCE):
        while [interaction for interaction, _ in programs.desk.assignments] != ["chat-first"]:
            await asyncio.sleep(LOOK_SECONDS)
    trial.check(programs.desk.is_complete, "the desk holds what is the agent's")


async def on_files(events: int, kills: int) -> Trial:
    with home() as folder:
        return await clients(Trial("clients"), Ground(folder, {}), events=events, kills=kills)


if __name__ == "__main__":
    sys.exit(command(__doc__, on_files, events=2_000, kills=5))

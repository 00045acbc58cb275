"""Hubs whose log is replayed: their settings, what is appended to them, and what lies on them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from tests.hubs_moved import started
from tests.patience import PATIENCE
from tests.processes import bare_environment
from tests.receiver import LOCAL

from cx_context.store import offsets, open_store
from cx_events.log import INTERACTIONS, TOPICS, Log, Partition, Record
from cx_events.log.declarations import TopicDeclaration
from cx_events.log.open import open_log
from cx_events.testing.builders import SECOND, START, an_event
from cx_hub.cli import run
from cx_ops.replay.state import ReplayStates

NAMES = ("ana", "ben", "cleo")


class Hub:
    """A hub's log, for commands in this process and in others. ``settings``: its environment."""

    def __init__(self, settings: dict[str, str]) -> None:
        self.settings = settings
        self.home = Path(settings["CX_HOME"])

    def log(self, topic: str = INTERACTIONS) -> Log:
        declared = {topic: TopicDeclaration(topic=topic, partitions=3)}
        prefix = self.settings.get("CX_TOPIC_PREFIX", "")
        if topic == INTERACTIONS:
            return open_log(self.settings["CX_LOG_URL"], partitions=3, prefix=prefix)
        return open_log(self.settings["CX_LOG_URL"], prefix=prefix, declared=declared)

    def append(self, count: int) -> list[bytes]:
        """Append chats of three people in turns, one append for each."""
        told = [
            an_event(
                id=f"m-{n}", email=f"{NAMES[n % 3]}@example.com", interaction=f"chat-{n % 3}", at=START + n * SECOND
            )
            for n in range(count)
        ]

        async def append() -> None:
            log = self.log()
            await log.start()
            for begin in range(0, count, 5_000):
                some = told[begin : begin + 5_000]
                await log.append([Record(INTERACTIONS, each.key, each.raw) for each in some])
            await log.stop()

        asyncio.run(append())
        return [each.raw for each in told]

    def records(self, topic: str = INTERACTIONS) -> list[tuple[bytes, bytes]]:
        """Keys and values of a topic, in order within each partition."""

        async def read() -> list[tuple[bytes, bytes]]:
            log = self.log(topic)
            await log.start()
            reader = log.reader()
            ends = await log.end_offsets(topic)
            reader.assign({Partition(topic, number): 0 for number in ends})
            found: list[tuple[bytes, bytes]] = []
            while len(found) < sum(ends.values()):
                found += [(each.key, each.value) for each in await reader.read(1_000)]
            await reader.close()
            await log.stop()
            return found

        return asyncio.run(read())

    def acts(self) -> list[Any]:
        events = [json.loads(value) for _, value in self.records()]
        return [each for each in events if each["type"] == "cx.operations.log_replayed.v1"]


def hub_at(settings: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Hub:
    for name in list(os.environ):
        if name.startswith("CX_") and not name.startswith("CX_TEST_"):
            monkeypatch.delenv(name)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    return Hub(settings)


def sqlite_hub(home: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    """Return a hub on SQLite, named by this process's settings."""
    return hub_at(
        {"CX_HOME": str(home), "CX_LOG_URL": f"sqlite:///{home}/log.db", "CX_OUTBOUND_NETWORKS": LOCAL}, monkeypatch
    )


def caught_up(hub: Hub) -> None:
    """Wait until the projectors have applied all that the log has."""

    async def look() -> None:
        store = open_store(hub.settings["CX_STORE_URL"])
        await store.start()
        try:
            async with started(hub.log()) as log, asyncio.timeout(PATIENCE):
                while True:
                    ends = await log.end_offsets(INTERACTIONS)
                    async with store.reading() as tx:
                        done = await offsets.applied(tx)
                    if all(done.get(Partition(INTERACTIONS, n), 0) >= end for n, end in ends.items()):
                        return
                    await asyncio.sleep(0.1)
        finally:
            await store.stop()

    asyncio.run(look())


@contextmanager
def other_topics(servers: str) -> Iterator[str]:
    """A prefix for the topics of a second hub on the same Kafka, which are deleted afterwards."""
    prefix = f"test-{uuid4().hex[:12]}."

    async def delete() -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=servers)
        await admin.start()
        try:
            await admin.delete_topics([prefix + topic for topic in TOPICS])
        finally:
            await admin.close()

    try:
        yield prefix
    finally:
        asyncio.run(delete())


def only_state(hub: Hub) -> Any:
    (path,) = (hub.home / "replays").glob("*.json")
    return json.loads(path.read_text())["content"]


def begun(hub: Hub, *asked: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "cx_hub", "replay", "run", *asked],
        env={**bare_environment(), **hub.settings, "PYTHONPATH": os.pathsep.join(sys.path)},
        stderr=subprocess.DEVNULL,
    )


def killed_in_the_middle(hub: Hub, *asked: str) -> str:
    """Begin a run, kill it once its state says that something was sent, and return its id."""
    process = begun(hub, *asked)
    until = time.monotonic() + PATIENCE
    while True:
        assert process.poll() is None, process.returncode
        assert time.monotonic() < until
        if (hub.home / "replays").exists() and list((hub.home / "replays").glob("*.json")):
            state = only_state(hub)
            if state["sent"] >= 100:
                break
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait(PATIENCE)
    return str(state["id"])


def resume_at_full_rate(hub: Hub, id: str) -> None:
    """Go on as the state says, but without its bound on the rate, so that the test need not wait."""
    states = ReplayStates(hub.home)
    state = states.read(id)
    state.asked = msgspec.structs.replace(state.asked, rate=None)
    states.write(state)
    assert run(["replay", "resume", id]) == 0

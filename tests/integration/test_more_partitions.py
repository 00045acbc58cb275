"""A hub on Kafka gets more partitions by the guide's way, a move beside itself, while senders go on: every customer's
events stay in their order, and the new store is what the log says."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.hubs_moved import records_of, started
from tests.patience import PATIENCE
from tests.processes import running
from tests.projection import bodies
from tests.replay_hubs import caught_up, hub_at, other_topics

from cx_context.store import open_store
from cx_events.log import INTERACTIONS, Record
from cx_events.log.kafka import KafkaLog
from cx_events.log.open import open_log
from cx_events.testing.builders import ACME, SECOND, START, an_event
from cx_hub.cli import run

pytestmark = [pytest.mark.clock, pytest.mark.kafka, pytest.mark.postgres]

NAMES = [f"person{number}" for number in range(12)]
PEOPLE = [ACME.profile("email", "", f"{name}@example.com") for name in NAMES]
CONFIG = 'tenants: {acme: {id_key: "acme example key"}}\n'
Captured = pytest.CaptureFixture[str]
Settings = dict[str, str]


class Sender(threading.Thread):
    """Tells a hub a word of everybody, again and again until stopped. ``count``: how often; goes on at ``first``."""

    def __init__(self, settings: Settings, first: int) -> None:
        super().__init__(daemon=True)
        self._settings = settings
        self._stopped = threading.Event()
        self.first = self.count = first
        self.failed: BaseException | None = None

    def run(self) -> None:
        try:
            asyncio.run(self._send())
        except BaseException as error:
            self.failed = error
            raise

    async def _send(self) -> None:
        log = open_log(self._settings["CX_LOG_URL"], prefix=self._settings["CX_TOPIC_PREFIX"])
        async with started(log):
            while not self._stopped.is_set():
                words = [word_of(name, self.count) for name in NAMES]
                await log.append(words)
                self.count += 1
                await asyncio.sleep(0.1)

    def has_told(self, more: int) -> None:
        """Wait until it has told so much more."""
        wanted = self.count + more
        for _ in range(round(PATIENCE / 0.05)):
            assert self.failed is None, self.failed
            if self.count >= wanted:
                return
            time.sleep(0.05)
        raise AssertionError(f"it told {self.count} of {wanted}")

    def end(self) -> None:
        self._stopped.set()

    def stop(self) -> int:
        """Return how often it has told, what was told before included."""
        self.end()
        self.join(PATIENCE)
        assert not self.is_alive()
        assert self.failed is None
        return self.count


def word_of(name: str, number: int) -> Record:
    event = an_event(
        id=f"{name}-{number}",
        email=f"{name}@example.com",
        interaction=f"chat-{name}",
        text=str(number),
        at=START + number * SECOND,
    )
    return Record(INTERACTIONS, event.key, event.raw)


@contextmanager
def sending(settings: Settings, first: int) -> Iterator[Sender]:
    sender = Sender(settings, first)
    sender.start()
    try:
        yield sender
    finally:
        sender.end()


@pytest.fixture
def hubs(
    tmp_path: Path, kafka_log: Callable[..., KafkaLog], postgres_database: str, postgres_database_for_examples: str
) -> Iterator[tuple[Settings, Settings]]:
    """The settings of a hub of four partitions, and of an empty one that is to have eight."""
    (tmp_path / "tenants.yaml").write_text(CONFIG)
    made = kafka_log(partitions=4)
    common = {"CX_CONFIG": str(tmp_path / "tenants.yaml"), "CX_LOG_URL": f"kafka://{made.servers}"}

    def of(home: str, store: str, prefix: str, partitions: int) -> Settings:
        own = {"CX_HOME": str(tmp_path / home), "CX_STORE_URL": store, "CX_TOPIC_PREFIX": prefix}
        return common | own | {"CX_PARTITIONS": str(partitions)}

    with other_topics(made.servers) as wider:
        yield of("old", postgres_database, made.prefix, 4), of("new", postgres_database_for_examples, wider, 8)


def test_a_hub_gets_more_partitions_while_senders_go_on(
    hubs: tuple[Settings, Settings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    archive = str(tmp_path / "wider")

    def bring_over() -> None:
        """What there is by now, while whoever sends goes on."""
        hub_at(hubs[0], monkeypatch)
        assert run(["export", "log", "--to", archive, "--why", "more partitions"]) == 0
        hub_at(hubs[1], monkeypatch)
        assert run(["import", "log", archive, "--why", "more partitions"]) == 0

    old, new = hubs
    with sending(old, 0) as sender, running("run projectors", old, tmp_path / "old.txt") as projectors:
        sender.has_told(7)
        bring_over()
        sender.has_told(7)
        first = sender.stop()
        bring_over()
        projectors.stop()
    with running("run projectors", new, tmp_path / "new.txt") as projectors, sending(new, first) as sender:
        sender.has_told(7)
        count = sender.stop()
        caught_up(hub_at(new, monkeypatch))
        capsys.readouterr()
        assert run(["verify", "-o", "json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert (found["wrong"], found["behind"]) == ([], 0)
        projectors.stop()
    partitions, told, contexts = asyncio.run(what_is_there(new))
    assert told == {name: list(range(count)) for name in NAMES}
    assert all(len(each) == 1 for each in partitions.values())
    assert len(set.union(*partitions.values())) > 4
    for name, id in zip(NAMES, PEOPLE, strict=True):
        body = json.loads(contexts[id])
        assert body["counts"]["messages"] == count
        newest_first = [str(number) for number in reversed(range(count))]
        assert [each["text"] for each in body["timeline"]] == newest_first[:50], name


async def what_is_there(settings: Settings) -> tuple[dict[str, set[int]], dict[str, list[int]], dict[bytes, bytes]]:
    """Return by name the partitions and the numbers on the log, in its order, and everybody's body."""
    partitions: dict[str, set[int]] = defaultdict(set)
    told: dict[str, list[int]] = defaultdict(list)
    async with started(open_log(settings["CX_LOG_URL"], prefix=settings["CX_TOPIC_PREFIX"])) as log:
        for record in await records_of(log):
            event = json.loads(record.value)
            name, _, number = event["id"].rpartition("-")
            if name in NAMES:
                partitions[name].add(record.partition)
                told[name].append(int(number))
    store = open_store(settings["CX_STORE_URL"])
    await store.start()
    try:
        return dict(partitions), dict(told), dict(await bodies(store, PEOPLE))
    finally:
        await store.stop()

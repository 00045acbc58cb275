"""``cx topics``: the topics on a real broker and in a file, held against their declarations and brought level."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import pytest
import yaml
from aiokafka.admin import AIOKafkaAdminClient

from cx_events.log import CONTEXT_CHANGES, INTERACTIONS, TOPICS
from cx_events.log.topic_states import KafkaTopics, open_topic_place
from cx_hub.cli import run

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name in list(os.environ):
        if name.startswith("CX_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("CX_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CX_TOPICS", str(tmp_path / "topics"))
    (tmp_path / "topics").mkdir()
    declare(tmp_path, CONTEXT_CHANGES)
    return tmp_path


def declare(home: Path, topic: str, **members: object) -> None:
    (home / "topics" / f"{topic}.yaml").write_text(yaml.safe_dump({"topic": topic, **members}))


@pytest.fixture
def prefix(kafka_url: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Commands speak to Kafka, under names of this test alone."""
    name = f"test-{uuid4().hex[:12]}."
    monkeypatch.setenv("CX_LOG_URL", kafka_url)
    monkeypatch.setenv("CX_TOPIC_PREFIX", name)
    monkeypatch.setenv("CX_PARTITIONS", "2")
    return name


@pytest.fixture
def topics(kafka_url: str, prefix: str) -> Iterator[KafkaTopics]:
    place = open_topic_place(kafka_url, prefix)
    assert isinstance(place, KafkaTopics)
    yield place

    async def delete() -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka_url.removeprefix("kafka://"))
        await admin.start()
        await admin.delete_topics([prefix + topic for topic in TOPICS])
        await admin.close()

    asyncio.run(delete())


class Outcome(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def cx(capfd: Captured) -> Callable[..., Outcome]:
    """Runs a command in this process."""

    def run_it(*line: str) -> Outcome:
        capfd.readouterr()
        code = run(line)
        return Outcome(code, *capfd.readouterr())

    return run_it


def states(place: KafkaTopics) -> dict[str, tuple[int, str, str]]:
    """Each topic's partitions, retention and cleanup, as the broker says."""
    return {
        topic: (each.partitions, each.settings["retention.ms"], each.settings["cleanup.policy"])
        for topic, each in asyncio.run(place.read()).topics.items()
    }


@pytest.mark.kafka
def test_topics_become_as_declared_and_say_so(topics: KafkaTopics, home: Path, cx: Callable[..., Outcome]) -> None:
    missing = cx("topics", "plan", "-o", "json")
    assert missing.returncode == 1, missing.stderr
    assert [each["step"] for each in json.loads(missing.stdout)["differences"]] == ["create"] * 4
    made = cx("topics", "apply", "--yes", "--why", "a new hub")
    assert made.returncode == 0, made.stderr
    assert "level: all topics" in made.stdout
    assert states(topics) == {
        "cx.interactions": (2, "-1", "delete"),
        "cx.context-changes": (2, "-1", "delete"),
        "cx.dead-letters": (2, "-1", "delete"),
        "cx.stores": (1, "-1", "delete"),
    }
    assert cx("topics", "plan").returncode == 0

    tail = cx("log", "tail", "--type", "cx.operations.topics_changed", "-o", "jsonl")
    (event,) = (json.loads(line) for line in tail.stdout.splitlines())
    assert event["data"]["reason"] == "a new hub"
    assert event["writer"] == "hub/command-line"
    assert event["data"]["agent"]["id"]
    assert {each["topic"] for each in event["data"]["attributes"]["changes"]} == set(TOPICS)


@pytest.mark.kafka
def test_records_are_removed_only_when_told(topics: KafkaTopics, home: Path, cx: Callable[..., Outcome]) -> None:
    assert cx("topics", "apply", "--yes", "--why", "a new hub").returncode == 0
    asyncio.run(topics.set(CONTEXT_CHANGES, {"segment.ms": "3600000"}))
    declare(home, CONTEXT_CHANGES, retention="7d", cleanup="compact,delete", partitions=1)

    drift = cx("topics", "plan", "-o", "jsonl")
    assert drift.returncode == 1
    steps = {each["member"]: each["step"] for each in map(json.loads, drift.stdout.splitlines())}
    assert steps == {"partitions": "refused", "retention": "removes records", "cleanup": "removes records"}

    kept = cx("topics", "apply", "--yes", "--why", "tidying")
    assert kept.returncode == 1
    assert states(topics)[CONTEXT_CHANGES] == (2, "-1", "delete")

    shortened = cx("topics", "apply", "--yes", "--why", "tidying", "--remove-records")
    assert shortened.returncode == 1, "the partitions still differ"
    assert states(topics)[CONTEXT_CHANGES] == (2, "604800000", "compact,delete")
    assert asyncio.run(topics.read()).topics[CONTEXT_CHANGES].own["segment.ms"] == "3600000", "what others set stays"

    declare(home, CONTEXT_CHANGES)
    longer = cx("topics", "apply", "--yes", "--why", "kept after all")
    assert longer.returncode == 0, longer.stderr
    assert states(topics)[CONTEXT_CHANGES] == (2, "-1", "delete")


@pytest.mark.kafka
def test_a_change_needs_a_reason_and_a_yes(topics: KafkaTopics, cx: Callable[..., Outcome]) -> None:
    for line, says in (
        (("topics", "apply", "--yes"), "say why"),
        (("topics", "apply", "--why", "a new hub"), "say --yes"),
    ):
        refused = cx(*line)
        assert refused.returncode == 2
        assert says in refused.stderr
    assert states(topics) == {}
    cx("topics", "apply", "--yes", "--why", "so that there is something to delete")


def test_the_embedded_log_says_what_applies(home: Path, capfd: Captured) -> None:
    declare(home, CONTEXT_CHANGES, retention="7d")
    assert run(["topics", "apply", "--yes", "--why", "a new hub"]) == 0
    captured = capfd.readouterr()
    assert "retention, compaction, replicas and min_in_sync do not apply" in captured.err
    assert "level: all topics" in captured.out
    with sqlite3.connect(home / "home" / "log.db") as file:
        assert dict(file.execute("SELECT name, partitions FROM topics").fetchall())[INTERACTIONS] == 8
    declare(home, CONTEXT_CHANGES, partitions=16)
    assert run(["topics", "plan"]) == 1
    assert "keeps the partitions that it was made with" in " ".join(capfd.readouterr().out.split())


def test_a_wrong_declaration_stops_every_start(home: Path, capfd: Captured) -> None:
    declare(home, INTERACTIONS, retention="7d")
    for line, code in ((["topics", "plan"], 2), (["config", "check"], 1), (["lag"], 2), (["up"], 2)):
        assert run(line) == code, line
        out, err = capfd.readouterr()
        said = " ".join((out + err).split())
        assert "cx.interactions.yaml" in said
        assert "must be forever" in said
    assert not (home / "home" / "log.db").exists()


def test_a_broker_that_is_down_is_told(home: Path, monkeypatch: pytest.MonkeyPatch, capfd: Captured) -> None:
    monkeypatch.setenv("CX_LOG_URL", "kafka://127.0.0.1:1")
    assert run(["topics", "plan"]) == 1
    assert "cx: log: 127.0.0.1:1" in capfd.readouterr().err

"""Replays: stored records sent once more to a topic, an endpoint or a file; refused, killed, resumed, cancelled."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook
from tests.patience import PATIENCE
from tests.receiver import BREAK, FLOOD, OK, Got, answer, receiving
from tests.replay_hubs import Hub, begun, hub_at, killed_in_the_middle, only_state, resume_at_full_rate, sqlite_hub

from cx_events.log.kafka import KafkaLog
from cx_hub.cli import run

pytestmark = pytest.mark.clock

SECRET = "whsec_" + "c2VjcmV0LW9mLXRoaXMtdGVzdC1hbG9uZS0wMDAx"
Captured = pytest.CaptureFixture[str]


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    """On SQLite."""
    return sqlite_hub(tmp_path / "home", monkeypatch)


@pytest.fixture(params=["sqlite", pytest.param("kafka", marks=pytest.mark.kafka)])
def any_hub(request: pytest.FixtureRequest, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    if request.param == "sqlite":
        yield hub
        return
    make: Callable[..., KafkaLog] = request.getfixturevalue("kafka_log")
    made = make(partitions=3)
    where = {"CX_LOG_URL": f"kafka://{made.servers}", "CX_TOPIC_PREFIX": made.prefix, "CX_PARTITIONS": "3"}
    yield hub_at(hub.settings | where, monkeypatch)


def lines_of(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def unmarked(value: bytes | Any) -> Any:
    found = json.loads(value) if isinstance(value, bytes) else dict(value)
    assert found.pop("replayid")
    return found


def test_a_file_gets_each_wanted_record_once(any_hub: Hub, tmp_path: Path, capsys: Captured) -> None:
    told = any_hub.append(30)
    target = tmp_path / "out.jsonl"
    asked = ["--target", str(target), "--where", "type=cx.message.* and data.interaction=chat-1"]
    assert run(["replay", "plan", *asked, "-o", "json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert (plan["records"], plan["wanted"], plan["tenants"]) == (30, 10, {"acme": 10})
    assert not target.exists()
    assert any_hub.acts() == []
    assert run(["replay", "run", *asked, "--why", "for the auditors", "-o", "json"]) == 0
    state = json.loads(capsys.readouterr().out)
    assert (state["phase"], state["read"], state["sent"]) == ("done", 30, 10)
    assert [unmarked(line) for line in lines_of(target)] == [json.loads(each) for each in told[1::3]]
    assert {line["replayid"] for line in lines_of(target)} == {state["id"]}
    acts = any_hub.acts()
    assert [act["data"]["attributes"]["act"] for act in acts] == ["began", "done"]
    assert {act["data"]["reason"] for act in acts} == {"for the auditors"}
    assert run(["replay", "status", "-o", "jsonl"]) == 0
    assert json.loads(capsys.readouterr().out)["phase"] == "done"


def test_another_topic_gets_keys_and_order(any_hub: Hub) -> None:
    any_hub.append(30)
    before = any_hub.records()
    assert run(["replay", "run", "--target", "acme.again"]) == 0
    again = any_hub.records("acme.again")
    for key in {key for key, _ in before}:
        assert [unmarked(v) for k, v in again if k == key] == [json.loads(v) for k, v in before if k == key]
    assert len(again) == 30
    assert len(any_hub.records()) == 32  # and two acts


def test_a_second_hub_takes_a_replay(hub: Hub, tmp_path: Path) -> None:
    told = hub.append(6)
    assert run(["replay", "run", "--target", f"sqlite:///{tmp_path}/other.db#cx.interactions"]) == 0
    other = Hub({"CX_HOME": str(tmp_path), "CX_LOG_URL": f"sqlite:///{tmp_path}/other.db"})
    assert sorted(json.dumps(unmarked(v)) for _, v in other.records()) == sorted(
        json.dumps(json.loads(v)) for v in told
    )


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (["--topic", "cx.interaction", "--target", "x.jsonl"], "unknown-topic"),
        (["--target", "cx.interactions"], "target-is-source"),
        (["--target", "cx.dead-letters"], "target-is-source"),
        (["--target", "{log}#cx.interactions"], "target-is-source"),
        (["--target", "x.jsonl", "--where", "tennant=acme"], "did you mean tenant?"),
        (["--target", "x.jsonl", "--where", "(type=a"], "never closed"),
        (["--target", "x.jsonl", "--from", "2999-01-01T00:00:00Z"], "empty-range"),
        (["--target", "x.jsonl", "--from", "soon"], "bad-range"),
        (["--target", "x.jsonl", "--from", "0/1", "--to", "1/2"], "different partitions"),
        (["--target", "x.jsonl", "--from", "0/999"], "no-such-offset"),
        (["--target", "x.jsonl", "--speed", "fast"], "bad-speed"),
        (["--target", "no/such/folder/x.jsonl"], "bad-target"),
        (["--target", "ftp://example.com/x"], "bad-target"),
        (["--target", "kafka://127.0.0.1:9092"], "say which topic"),
        (["--target", "https://user:word@example.com/"], "bad-target"),
        (["--target", "a topic"], "bad-target"),
        (["--target", "x.jsonl", "--customer", "nobody"], "unknown-customer"),
    ],
)
def test_what_is_asked_wrongly_touches_nothing(
    any_hub: Hub, asked: list[str], says: str, capsys: Captured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    any_hub.append(3)
    asked = [each.replace("{log}", any_hub.settings["CX_LOG_URL"]) for each in asked]
    if asked[1].startswith("kafka://") and "#" in asked[1]:
        asked[1] = asked[1].replace("#", "#" + any_hub.settings["CX_TOPIC_PREFIX"])
    assert run(["replay", "run", *asked]) == 2
    assert says in " ".join(capsys.readouterr().err.split())
    assert not (any_hub.home / "replays").exists()
    assert len(any_hub.records()) == 3
    assert not (tmp_path / "x.jsonl").exists()


def test_a_file_that_is_there_is_kept(hub: Hub, tmp_path: Path, capsys: Captured) -> None:
    hub.append(3)
    (tmp_path / "out.jsonl").write_text("mine")
    assert run(["replay", "run", "--target", str(tmp_path / "out.jsonl")]) == 2
    assert "target-exists" in capsys.readouterr().err
    assert (tmp_path / "out.jsonl").read_text() == "mine"


def test_a_killed_replay_to_a_file_goes_on(any_hub: Hub, tmp_path: Path, capsys: Captured) -> None:
    told = any_hub.append(3_000)
    target = tmp_path / "out.jsonl"
    id = killed_in_the_middle(any_hub, "--target", str(target), "--rate", "400")
    part = tmp_path / "out.jsonl.part"
    with part.open("ab") as file:
        file.write(b'{"torn":')  # as a kill in the middle of a write leaves it
    assert not target.exists()
    assert run(["replay", "status", "-o", "jsonl"]) == 0
    assert json.loads(capsys.readouterr().out)["phase"] == "broken off"
    assert run(["replay", "status", id]) == 0
    assert "broken off" in capsys.readouterr().out
    resume_at_full_rate(any_hub, id)
    lines = [unmarked(line) for line in lines_of(target)]
    assert sorted(lines, key=lambda each: int(each["id"][2:])) == [json.loads(each) for each in told]
    assert [act["data"]["attributes"]["act"] for act in any_hub.acts()].count("went on") == 1
    assert not part.exists()
    assert run(["replay", "resume", id]) == 2
    assert "replay-over" in capsys.readouterr().err


def test_a_killed_replay_to_a_topic_loses_nothing(any_hub: Hub) -> None:
    told = any_hub.append(3_000)
    id = killed_in_the_middle(any_hub, "--target", "acme.again", "--rate", "400")
    resume_at_full_rate(any_hub, id)
    ids = [json.loads(value)["id"] for _, value in any_hub.records("acme.again")]
    assert set(ids) == {f"m-{number}" for number in range(3_000)}
    assert len(ids) < 2 * len(told)


def test_a_working_replay_is_cancelled(hub: Hub, tmp_path: Path, capsys: Captured) -> None:
    hub.append(3_000)
    process = begun(hub, "--target", str(tmp_path / "out.jsonl"), "--rate", "50")
    until = time.monotonic() + PATIENCE
    while not list((hub.home / "replays").glob("*.json")):
        assert time.monotonic() < until
        time.sleep(0.02)
    id = only_state(hub)["id"]
    assert run(["replay", "cancel", id, "--why", "wrong range"]) == 0
    assert process.wait(PATIENCE) == 0
    assert only_state(hub)["phase"] == "cancelled"
    assert run(["replay", "resume", id]) == 2
    assert "replay-over" in capsys.readouterr().err
    assert not (tmp_path / "out.jsonl").exists()


def replayed_to(hub: Hub, react: Callable[[Got], bytes], *more: str) -> tuple[int, list[Got], int]:
    """Run a replay to a receiver; return the exit code, what it got, and the bytes that it flooded."""

    async def both() -> tuple[int, list[Got], int]:
        async with receiving(react) as receiver:
            code = await asyncio.to_thread(run, ["replay", "run", "--target", receiver.url(), *more])
            return code, receiver.got, receiver.flooded

    return asyncio.run(both())


def test_an_endpoint_gets_signed_events_in_order(hub: Hub) -> None:
    told = hub.append(9)
    code, got, _ = replayed_to(hub, lambda _: OK, "--secret", SECRET)
    assert code == 0
    for each in got:
        Webhook(SECRET).verify(each.body, each.headers)
    by_chat = [[json.loads(each) for each in told[n::3]] for n in range(3)]
    bodies = [unmarked(each.body) for each in got]
    assert [[b for b in bodies if b["data"]["interaction"] == f"chat-{n}"] for n in range(3)] == by_chat
    assert {each.headers["replay-id"] for each in got} == {only_state(hub)["id"]}
    assert len({each.headers["webhook-id"] for each in got}) == 9


def test_a_receiver_that_fails_is_tried_again(hub: Hub) -> None:
    hub.append(3)
    reactions = iter([answer(500), BREAK, answer(302, "Location: http://127.0.0.1:1/"), OK, FLOOD])
    code, got, flooded = replayed_to(hub, lambda _: next(reactions, OK))
    assert code == 0
    assert len(got) == 6
    assert len({each.headers["webhook-id"] for each in got}) == 3
    assert flooded < 64 << 20


def test_a_receiver_that_refuses_ends_the_run(hub: Hub, capsys: Captured) -> None:
    hub.append(3)
    code, got, _ = replayed_to(hub, lambda _: answer(410))
    assert (code, len(got)) == (2, 1)
    assert "receiver-refuses" in capsys.readouterr().err
    state = only_state(hub)
    assert (state["phase"], state["sent"]) == ("failed", 0)


def test_private_addresses_are_not_reached(hub: Hub, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    hub.append(3)
    monkeypatch.delenv("CX_OUTBOUND_NETWORKS")
    code, got, _ = replayed_to(hub, lambda _: OK)
    assert (code, got) == (2, [])
    assert "CX_OUTBOUND_NETWORKS" in capsys.readouterr().err

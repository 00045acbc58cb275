"""Replays to a Parquet file: what is in it, how a run goes on, and how another hub takes it."""

from __future__ import annotations

import asyncio
import json
import resource
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from arro3.io import read_parquet
from msgspec.structs import replace
from tests.replay_hubs import Hub, hub_at, killed_in_the_middle, only_state, resume_at_full_rate, sqlite_hub

from cx_events.archive.parquet import ParquetFile
from cx_events.errors import Refused, TryLater
from cx_events.log import CONTEXT_CHANGES, INTERACTIONS, Log, LogRecord, Record
from cx_hub.cli import run
from cx_ops.replay.acts import file_target, new_state
from cx_ops.replay.asked import Asked
from cx_ops.replay.part_file import PartFile
from cx_ops.replay.run import Replay
from cx_ops.replay.selection import select
from cx_ops.replay.state import ReplayState, ReplayStates
from cx_ops.replay.targets import FilePlace

pytestmark = pytest.mark.clock

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    return sqlite_hub(tmp_path / "home", monkeypatch)


def rows_of(path: Path) -> list[dict[str, Any]]:
    """What somebody sees who opens the file with other software."""
    table = read_parquet(path).read_all()
    columns = {name: table.column(name).to_pylist() for name in table.column_names}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def by_key(records: Sequence[tuple[bytes, bytes]]) -> dict[bytes, list[bytes]]:
    found: dict[bytes, list[bytes]] = defaultdict(list)
    for key, value in records:
        found[key].append(value)
    return found


def names_in(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir() if each.is_file())


def test_a_file_has_the_columns_and_the_bytes(hub: Hub, tmp_path: Path, capsys: Captured) -> None:
    told = hub.append(30)
    target = tmp_path / "week.parquet"
    asked = ["--target", str(target), "--where", "type=cx.message.* and data.interaction=chat-1"]
    assert run(["replay", "plan", *asked]) == 0
    assert not target.exists()
    capsys.readouterr()
    assert run(["replay", "run", *asked, "-o", "json"]) == 0
    state = json.loads(capsys.readouterr().out)
    assert (state["phase"], state["read"], state["sent"]) == ("done", 30, 10)
    rows = rows_of(target)
    assert [row["value"] for row in rows] == told[1::3]
    first = json.loads(told[1])
    for name in ("id", "source", "type"):
        assert rows[0][name] == first[name]
    assert rows[0]["time"].isoformat() == "2026-11-22T10:00:01+00:00"
    assert (rows[0]["tenant"], rows[0]["channel"], rows[0]["interaction"]) == ("acme", "chat", "chat-1")
    assert rows[0]["key"].decode() == rows[0]["stream"] == first["partitionkey"]
    assert {row["replay_id"] for row in rows} == {state["id"]}
    assert {row["topic"] for row in rows} == {INTERACTIONS}
    assert rows[0]["offset"] < rows[-1]["offset"]
    assert target.stat().st_mode & 0o777 == 0o600
    assert names_in(tmp_path) == ["week.parquet"]


def test_nothing_that_is_wanted_makes_a_file_without_rows(hub: Hub, tmp_path: Path) -> None:
    hub.append(3)
    assert run(["replay", "run", "--target", str(tmp_path / "none.parquet"), "--where", "type=cx.call.dtmf.v1"]) == 0
    assert rows_of(tmp_path / "none.parquet") == []


def test_without_the_extra_it_says_what_to_install(
    hub: Hub, tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.append(3)
    monkeypatch.setitem(sys.modules, "arro3.core", None)
    for what in (["replay", "plan"], ["replay", "run"]):
        assert run([*what, "--target", str(tmp_path / "week.parquet")]) == 2
        assert "pip install 'throughline[parquet]'" in " ".join(capsys.readouterr().err.split())
    assert run(["import", "log", str(tmp_path / "week.parquet")]) == 2
    assert "no-parquet" in capsys.readouterr().err
    assert not (hub.home / "replays").exists()
    assert names_in(tmp_path) == []
    assert hub.acts() == []
    assert run(["replay", "run", "--target", str(tmp_path / "week.jsonl")]) == 0


@pytest.mark.parametrize("there", ["week.parquet", "week.parquet.part", "week.parquet.draft"])
def test_a_file_that_is_there_is_kept(there: str, hub: Hub, tmp_path: Path, capsys: Captured) -> None:
    hub.append(3)
    (tmp_path / there).write_text("mine")
    assert run(["replay", "run", "--target", str(tmp_path / "week.parquet")]) == 2
    assert "target-exists" in capsys.readouterr().err
    assert names_in(tmp_path) == [there]
    assert (tmp_path / there).read_text() == "mine"


def test_a_killed_replay_goes_on(hub: Hub, tmp_path: Path) -> None:
    told = hub.append(3_000)
    target = tmp_path / "week.parquet"
    id = killed_in_the_middle(hub, "--target", str(target), "--rate", "400")
    assert not target.exists()
    with (tmp_path / "week.parquet.part").open("ab") as file:
        file.write(b"\xff\xff\xff\xfftorn")  # as a kill in the middle of a write leaves it
    resume_at_full_rate(hub, id)
    assert sorted(row["value"] for row in rows_of(target)) == sorted(told)
    assert names_in(tmp_path) == ["week.parquet"]


class Run:
    """A run in this process, whose log may fail. ``target``: the name of its file."""

    def __init__(self, hub: Hub, target: Path) -> None:
        self.hub = hub
        self.path = target
        self.states = ReplayStates(hub.home)

    def begin(self, failing_after: int) -> ReplayState:
        """Begin a run that fails after so many records of the log; return its state as it is kept."""

        async def work() -> None:
            log = self.hub.log()
            await log.start()
            asked = Asked(topic=INTERACTIONS, target=str(self.path))
            state = new_state(asked, await select(log, asked), "ana", "")
            await self._work(_Failing(log, failing_after), state, step=7)
            await log.stop()

        with pytest.raises(Refused, match="broken-here"):
            asyncio.run(work())
        return self.states.all()[0]

    async def _work(self, log: Any, state: ReplayState, step: int) -> None:
        self.states.write(state)
        target = file_target(FilePlace(self.path), state)
        await Replay(log, lambda record: True, target, self.states, state, step=step).run()


class _Failing:
    """A log whose readers fail, once they have given some records."""

    def __init__(self, log: Log, after: int) -> None:
        self._log = log
        self.left = after

    def reader(self) -> Any:
        reader, read = self._log.reader(), None
        read = reader.read

        async def counted(most: int, **how: Any) -> list[LogRecord]:
            if self.left <= 0:
                raise Refused("broken-here", "for this test")
            found = await read(min(most, 3), **how)
            self.left -= len(found)
            return found

        reader.read = counted  # type: ignore[method-assign]
        return reader


@pytest.mark.parametrize("name", ["week.jsonl", "week.parquet"])
def test_a_run_that_failed_has_what_its_state_says(name: str, hub: Hub, tmp_path: Path) -> None:
    """Nothing that a run had read before its log failed is missing when it goes on, and nothing is there twice."""
    told = hub.append(60)
    begun = Run(hub, tmp_path / name)
    state = begun.begin(failing_after=40)
    assert (state.phase, state.sent) == ("failed", sum(state.places.values()))
    assert run(["replay", "resume", state.id]) == 0
    if name == "week.parquet":
        ids = [row["id"] for row in rows_of(begun.path)]
    else:
        ids = [json.loads(line)["id"] for line in begun.path.read_text().splitlines()]
    assert sorted(ids) == sorted(json.loads(each)["id"] for each in told)


@pytest.mark.parametrize("killed", ["before the name", "before the rows went", "before the state"])
def test_a_run_killed_in_the_end_is_done(killed: str, hub: Hub, tmp_path: Path) -> None:
    told = hub.append(30)
    target, part = tmp_path / "week.parquet", tmp_path / "week.parquet.part"
    begun = Run(hub, target)
    state = begun.begin(failing_after=20)
    kept = part.read_bytes()
    assert run(["replay", "resume", state.id]) == 0
    done = begun.states.read(state.id)
    assert done.size > len(kept)
    whole = target.read_bytes()
    # The rows of the run that is done, as they were.
    begun.states.write(replace(state, places=state.begins, read=0, sent=0, bytes=0, size=0, phase="running"))
    target.unlink()
    assert run(["replay", "resume", state.id]) == 0
    assert target.read_bytes() == whole  # the same run writes the same file
    if killed == "before the state":
        begun.states.write(replace(done, phase="running"))
    else:
        part.write_bytes(rows_again(begun, done))
        if killed == "before the name":
            target.rename(tmp_path / "week.parquet.draft")
        begun.states.write(replace(done, phase="running", size=part.stat().st_size))
    assert run(["replay", "resume", state.id]) == 0
    assert begun.states.read(state.id).phase == "done"
    assert sorted(row["value"] for row in rows_of(target)) == sorted(told)
    assert names_in(tmp_path) == ["week.parquet"]


def rows_again(begun: Run, state: ReplayState) -> bytes:
    from cx_events.archive.parquet import batch_bytes, head

    records = [each for some in ParquetFile(begun.path).records() for each in some]
    return head() + batch_bytes(records, state.id)


def test_another_release_does_not_go_on_in_a_file(hub: Hub, tmp_path: Path, capsys: Captured) -> None:
    hub.append(30)
    state = Run(hub, tmp_path / "week.parquet").begin(failing_after=20)
    part = tmp_path / "week.parquet.part"
    content = bytearray(part.read_bytes())
    content[60] ^= 1
    part.write_bytes(content)
    assert run(["replay", "resume", state.id]) == 2
    assert "begun by another release" in " ".join(capsys.readouterr().err.split())
    assert part.read_bytes() == content


def test_a_full_disk_ends_it_and_it_resumes(hub: Hub, tmp_path: Path) -> None:
    told = hub.append(30)
    begun = Run(hub, tmp_path / "week.parquet")
    state = begun.begin(failing_after=20)
    draft = tmp_path / "week.parquet.draft"
    draft.symlink_to("/dev/full")
    assert run(["replay", "resume", state.id]) == 1
    assert only_state(hub)["phase"] == "failed"
    assert "No space left" in only_state(hub)["error"]
    assert not begun.path.exists()
    draft.unlink()
    assert run(["replay", "resume", state.id]) == 0
    assert sorted(row["value"] for row in rows_of(begun.path)) == sorted(told)


@pytest.fixture
def file(hub: Hub, tmp_path: Path) -> Path:
    hub.append(30)
    assert run(["replay", "run", "--target", str(tmp_path / "week.parquet")]) == 0
    return tmp_path / "week.parquet"


def second(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    """Another hub, which this process's settings name from now on, under the key by which the events were made."""
    config = tmp_path / "tenants.yaml"
    config.write_text('tenants: {acme: {id_key: "acme example key"}}')
    where = {"CX_HOME": str(tmp_path / "other"), "CX_LOG_URL": f"sqlite:///{tmp_path}/other/log.db"}
    return hub_at(hub.settings | where | {"CX_CONFIG": str(config)}, monkeypatch)


def test_another_hub_takes_a_file_back(
    hub: Hub, file: Path, tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = [each for each in hub.records() if b'"cx.operations.' not in each[1]]
    other = second(hub, tmp_path, monkeypatch)
    capsys.readouterr()
    assert run(["import", "log", str(file), "--why", "to try", "-o", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["records"] == 30
    here = [each for each in other.records() if b'"cx.operations.' not in each[1]]
    assert by_key(here) == by_key(there)
    assert run(["import", "log", str(file), "-o", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["records"] == 0
    assert len(other.records()) == 31  # and who imported them


def test_an_import_goes_on_in_a_file(hub: Hub, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part of the file was imported, and the rest follows."""
    from cx_ops.moving.parquet_source import parquet_source

    async def read() -> list[LogRecord]:
        source = await parquet_source(file, None)
        some = await source.reader(source.begins).read(7, 1 << 20)
        begins = dict(source.begins) | {(INTERACTIONS, each.partition): each.offset + 1 for each in some}
        rest = source.reader(begins)  # type: ignore[arg-type]
        found = list(some)
        while more := await rest.read(7, 600):
            found += more
        await rest.close()
        return found

    found = asyncio.run(read())
    assert len(found) == 30
    assert [each[:6] for each in found] == [each[:6] for some in ParquetFile(file).records() for each in some]


@pytest.mark.parametrize("damage", ["cut off", "flipped", "missing"])
def test_a_file_that_can_not_be_imported_is_named(
    damage: str, hub: Hub, file: Path, tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = bytearray(file.read_bytes())
    if damage == "missing":
        file.unlink()
    else:
        content[200] ^= 1
        file.write_bytes(content[:-20] if damage == "cut off" else content)
    other = second(hub, tmp_path, monkeypatch)
    assert run(["import", "log", str(file)]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert ("no-such-file" if damage == "missing" else "damaged-file") in said
    assert other.records() == []


def test_what_projectors_make_is_not_imported(
    hub: Hub, tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def append() -> None:
        log = hub.log()
        await log.start()
        await log.append([Record(CONTEXT_CHANGES, b"k", b'{"tenant":"acme","customer":"0f","version":1}')])
        await log.stop()

    asyncio.run(append())
    target = tmp_path / "changes.parquet"
    assert run(["replay", "run", "--topic", CONTEXT_CHANGES, "--target", str(target)]) == 0
    assert rows_of(target)[0]["subject"] == "0f"
    other = second(hub, tmp_path, monkeypatch)
    assert run(["import", "log", str(target)]) == 2
    assert "not-importable" in capsys.readouterr().err
    assert other.records() == []


def test_a_write_that_failed_is_not_counted(tmp_path: Path) -> None:
    file = PartFile(tmp_path / "week.jsonl")
    file.open(0)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, limits[1]))
    try:
        with pytest.raises(TryLater, match="too large"):
            file.write([b"x" * (1 << 20)] * 4)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    with pytest.raises(TryLater, match="failed before"):  # there is room again; which bytes came is not known
        file.settle()
    file.close()

"""Backups of a whole hub on one machine, made while it runs, and restored."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from tests.asking import asked_patiently
from tests.hubs_moved import PEOPLE, SPACES, blobs_in, contexts, happen, letter, started
from tests.integration.test_full_disk import small_disk
from tests.integration.test_moving import changed, command, done, flip
from tests.patience import PATIENCE
from tests.processes import Running, running
from tests.projection import bodies
from tests.stores import sqlite_store

from cx_context.store import open_store
from cx_context.store.epochs import stored
from cx_context.versions import first_version
from cx_events.errors import Fatal, Refused
from cx_events.log import STORES
from cx_events.log.sqlite import SqliteLog
from cx_events.log.sqlite_copy import copy_database, ends_in_file
from cx_ops.backups.backing_up import back_up
from cx_ops.backups.manifest import MANIFEST, read_manifest
from cx_ops.backups.parts import EmbeddedParts, embedded_parts
from cx_ops.backups.restoring import checked_backup

pytestmark = pytest.mark.clock


def parts_of(home: Path) -> EmbeddedParts:
    return EmbeddedParts(home, home / "log.db", home / "store.db", home / "blobs")


@pytest.fixture
async def home(tmp_path: Path) -> Path:
    """The home of a hub that stands still, its store level with its log."""
    home = tmp_path / "hub"
    async with started(SqliteLog(home / "log.db", 5)) as log:
        await happen(log, await blobs_in(home / "blobs"))
        await contexts(log, sqlite_store(home))
    (home / "key").write_text("the only key")
    return home


@pytest.fixture
def backup(home: Path, tmp_path: Path) -> Path:
    back_up(parts_of(home), tmp_path / "backup", SPACES)
    return tmp_path / "backup"


def restored(folder: Path, new: Path, *more: str) -> tuple[int, str]:
    code, _, said = done(command(new, "restore", str(folder), *more))
    return code, said


async def test_a_restored_hub_has_the_same_contexts(home: Path, backup: Path, tmp_path: Path) -> None:
    new = tmp_path / "new"
    assert restored(backup, new, "--why", "a new disk")[0] == 0
    stores = [open_store(f"sqlite+aiosqlite:///{each / 'store.db'}") for each in (home, new)]
    before, after = [await bodies(store, PEOPLE) for store in stores]
    for store in stores:
        await store.stop()
    assert len(before) == 4
    assert after == before
    assert (new / "key").read_text() == "the only key"
    code, out, said = done(command(new, "verify", "-o", "json"))
    assert (code, json.loads(out)["wrong"]) == (0, []), said
    assert {path.stat().st_mode & 0o077 for each in (new, backup) for path in each.rglob("*")} == {0}
    assert not list(new.rglob("*.restoring"))


async def test_versions_rise_above_all_that_were_seen(home: Path, backup: Path, tmp_path: Path) -> None:
    """Also above those of a store that announced itself after the backup, on the log that is replaced."""
    async with started(SqliteLog(home / "log.db")) as log:
        (tmp_path / "another").mkdir()
        await contexts(log, sqlite_store(tmp_path / "another"))
        seen = (await log.end_offsets(STORES))[0]
    assert seen == 2
    code, said = restored(backup, home, "--replace")
    assert code == 0, said
    assert "/log.db.before-" in said
    assert "/store.db.before-" in said
    async with started(SqliteLog(home / "log.db")) as log:
        await contexts(log, f"sqlite+aiosqlite:///{home / 'store.db'}")
        store = open_store(f"sqlite+aiosqlite:///{home / 'store.db'}")
        async with store.reading() as tx:
            now = await stored(tx)
        await store.stop()
    assert now is not None
    assert first_version(now.epoch) > first_version(seen)


def test_a_hub_that_is_there_is_not_replaced_unasked(home: Path, backup: Path) -> None:
    before = (home / "log.db").read_bytes()
    code, said = restored(backup, home)
    assert (code, "not-empty" in said) == (2, True)
    assert (home / "log.db").read_bytes() == before


def test_only_an_empty_folder_takes_a_backup(home: Path, backup: Path, tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"not-empty.*a backup already"):
        back_up(parts_of(home), backup, SPACES)
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "to-ana.txt").touch()
    with pytest.raises(Refused, match=r"not-empty.*other things"):
        back_up(parts_of(home), tmp_path / "letters", SPACES)
    with pytest.raises(Refused, match="no-hub"):
        back_up(parts_of(tmp_path / "nowhere"), tmp_path / "third", SPACES)
    assert not (tmp_path / "third").exists()


def test_every_file_of_a_backup_is_checked_first(backup: Path, tmp_path: Path) -> None:
    names = [json.loads(line)["path"] for line in (backup / "files.jsonl").read_bytes().splitlines()]
    assert {name.partition("/")[0] for name in names} == {"store.db", "log.db", "home", "blobs"}
    for name in (*names, "files.jsonl", MANIFEST):
        path = backup / name
        whole = path.read_bytes()
        flip(path, len(whole) // 2)
        with pytest.raises(Refused, match=path.name):
            checked_backup(backup)
        path.unlink()
        with pytest.raises(Refused, match=path.name):
            checked_backup(backup)
        path.write_bytes(whole)
    checked_backup(backup)
    flip(backup / "log.db", 5_000)
    code, said = restored(backup, tmp_path / "new")
    assert (code, "log.db is not what was written" in said) == (2, True), said
    assert not (tmp_path / "new").exists()


def test_a_backup_of_another_version_is_refused(backup: Path, tmp_path: Path) -> None:
    changed(backup / MANIFEST, version=2)
    whole = json.loads((backup / MANIFEST).read_bytes())
    content = json.dumps(whole["content"])
    (backup / MANIFEST).write_text(f'{{"sha256":"{hashlib.sha256(content.encode()).hexdigest()}","content":{content}}}')
    code, said = restored(backup, tmp_path / "new")
    assert (code, "version 2" in said) == (2, True), said


def fill(path: Path) -> None:
    """Leave 64 KB on a small disk."""
    with path.open("wb") as file:
        try:
            while True:
                file.write(bytes(1 << 16))
                file.flush()
        except OSError:
            pass
    os.truncate(path, path.stat().st_size - (1 << 16))


async def test_a_store_ahead_of_its_log_is_no_hub(home: Path, tmp_path: Path) -> None:
    (home / "log.db").unlink()
    for name in ("log.db-wal", "log.db-shm"):
        (home / name).unlink(missing_ok=True)
    async with started(SqliteLog(home / "log.db", 5)) as log:
        await log.append([letter("l-1")])
    with pytest.raises(Fatal, match="not of one hub, or the log was shortened"):
        back_up(parts_of(home), tmp_path / "backup", SPACES)
    assert not list((tmp_path / "backup").glob("*"))


def test_a_full_disk_leaves_no_half_backup(home: Path, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        fill(disk / "full")
        code, _, said = done(command(home, "backup", str(disk / "backup")))
        assert (code, "disk" in said) == (1, True), said
        assert not [path for path in (disk / "backup").rglob("*") if path.is_file()]
        (disk / "full").unlink()
        assert done(command(home, "backup", str(disk / "backup")))[0] == 0


def test_a_full_disk_leaves_the_hub_as_it_was(home: Path, backup: Path, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        fill(disk / "full")
        code, said = restored(backup, disk / "new")
        assert (code, "disk" in said) == (1, True), said
        assert not (disk / "new" / "log.db").exists()
        (disk / "full").unlink()
        assert restored(backup, disk / "new")[0] == 0


@pytest.mark.parametrize(
    ("urls", "named"),
    [
        (("kafka://a:1", "sqlite+aiosqlite:////s", "file:///b"), "cx export log"),
        (("sqlite:////l", "postgresql+asyncpg://a/b", "file:///b"), "pg_dump"),
        (("sqlite:////l", "sqlite+aiosqlite:////s", "postgresql+asyncpg://a/b"), "blobs are on PostgreSQL"),
    ],
)
def test_parts_on_servers_are_refused_with_the_way(urls: tuple[str, str, str], named: str) -> None:
    with pytest.raises(Refused, match=f"not-embedded.*{named}"):
        embedded_parts(Path("/h"), *urls)


async def test_a_copy_is_of_one_moment_while_others_write(tmp_path: Path) -> None:
    """Of each append of eight records, all or none are in the copy, and the copying ends though appends never do."""
    async with started(SqliteLog(tmp_path / "log.db", 1)) as log:
        await log.append([letter(f"l-{n}", detail="x" * 2_000) for n in range(2_000)])
        stop = asyncio.Event()

        async def write() -> int:
            appends = 0
            while not stop.is_set():
                await log.append([letter(f"m-{appends}-{n}") for n in range(8)])
                appends += 1
            return appends

        writing = asyncio.create_task(write())
        counts = []
        for number in range(5):
            copy = tmp_path / f"copy-{number}.db"
            await asyncio.to_thread(copy_database, tmp_path / "log.db", copy)
            counts.append(sum(ends_in_file(copy).values()))
        stop.set()
        assert await writing
    assert [count % 8 for count in counts] == [0] * 5
    assert counts == sorted(counts)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Running]:
    with running("up", {"CX_HOME": str(tmp_path / "live")}, tmp_path / "said") as process:
        yield process


def send(hub: Running, home: Path, number: int) -> None:
    key = (home / "key").read_text()
    event = {
        "specversion": "1.0",
        "id": f"e-{number}",
        "source": "//acme.example/chat",
        "type": "cx.message.received.v1",
        "data": {
            "channel": "chat",
            "interaction": f"chat-{number % 3}",
            "participants": [
                {"role": "customer", "identifiers": [{"kind": "email", "value": f"p{number % 5}@a.example"}]}
            ],
            "message": {"text": "x" * 500, "content_type": "text/plain"},
            "raw": "y" * 300_000 if number % 10 == 0 else "",
        },
    }
    answer = asked_patiently(
        lambda: httpx2.post(
            f"{hub.url}/v1/events",
            json=event,
            headers={"authorization": f"Bearer {key}", "content-type": "application/cloudevents+json"},
            timeout=PATIENCE,
            trust_env=False,
        )
    )
    assert answer.status_code == 202, answer.text


def test_a_hub_under_load_is_backed_up_whole(hub: Running, tmp_path: Path) -> None:
    home, backup, new = tmp_path / "live", tmp_path / "backup", tmp_path / "new"
    for number in range(40):
        send(hub, home, number)
    process = command(home, "backup", str(backup), CX_CONFIG="")
    number = 40
    while process.poll() is None:
        send(hub, home, number)
        number += 1
    assert done(process)[0] == 0
    code, _, said = done(command(new, "restore", str(backup), CX_CONFIG=""))
    assert code == 0, said
    code, out, said = done(command(new, "verify", "-o", "json", CX_CONFIG=""))
    assert (code, json.loads(out)["wrong"]) == (0, []), said
    assert (new / "id-key-acme").read_text() == (home / "id-key-acme").read_text()
    code, _, said = done(command(home, "restore", str(backup), "--replace", CX_CONFIG=""))
    assert (code, "hub-runs" in said) == (2, True), said
    ends = read_manifest(backup).log_ends
    taken = sum(end for place, end in ends.items() if place.startswith("cx.interactions/"))
    assert 40 <= taken <= number + 2
    shutil.rmtree(backup)
    with sqlite3.connect(new / "log.db") as log:
        assert log.execute("PRAGMA integrity_check").fetchone() == ("ok",)

"""The store's tables go forward: from every revision, while others write, and by one process of many."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Column, Connection, MetaData, Text, inspect
from sqlalchemy.engine import make_url
from tests.patience import PATIENCE
from tests.projection import Worker, bodies, in_partitions, workers
from tests.revisions import (
    BOOKKEEPING,
    RECORDED,
    VERSIONS,
    bring,
    further,
    history,
    later_history,
    looks,
    narrowed,
    narrowing,
    numbers,
    on,
    project,
    record,
    restore,
    seen_by_code,
    store_at,
    told,
)
from tests.stores import sqlite_store

from cx_context.store import Store, open_store
from cx_context.store.all_tables import METADATA
from cx_context.store.migrations import FOLDER, RELEASED, Revisions
from cx_context.store.migrations.run import migrate_postgres
from cx_context.store.operations_tables import OF_SUBSCRIPTIONS
from cx_events.errors import Fatal, TryLater
from cx_events.stamp import StampedEvent
from cx_events.testing.builders import ACME, SECOND, START, an_event
from cx_hub.cli import run

ROOT = Path(__file__).parents[2]
HEAD = RELEASED.head
NEXT, AFTER_NEXT = f"{int(HEAD) + 1:04}", f"{int(HEAD) + 2:04}"

ADD_COLUMNS = """
op.add_column("parts", sa.Column("trial", sa.Text))
op.add_column("events", sa.Column("trial", sa.Text))
"""
ADD_INDEX = 'add_index("trial_index", "events", ["tenant", "recorded"])'

Captured = pytest.CaptureFixture[str]


@asynccontextmanager
async def opened(url: str, revisions: Revisions = RELEASED) -> AsyncIterator[Store]:
    """Code that knows these revisions, at work."""
    store = store_at(url, revisions)
    try:
        await store.start()
        yield store
    finally:
        await store.stop()


async def revision_of(url: str) -> str | None:
    store = store_at(url, Revisions(*RELEASED.folders))
    try:
        return (await store.standing()).revision
    finally:
        await store.stop()


def columns_of(table: str):  # type: ignore[no-untyped-def]
    return lambda connection: {column["name"] for column in inspect(connection).get_columns(table)}


def indexes_of(table: str):  # type: ignore[no-untyped-def]
    return lambda connection: {index["name"] for index in inspect(connection).get_indexes(table)}


# --- where the revisions lead -----------------------------------------------------------------------------------------


def declared_next_to(connection: Connection, metadata: MetaData) -> tuple[set[str], set[str]]:
    """What the tables look like that the revisions made, and what they would as declared, made for a moment aside."""
    made = looks(connection)
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("CREATE SCHEMA declared")
        connection.exec_driver_sql("SET LOCAL search_path TO declared")
        metadata.create_all(connection, checkfirst=False)
        return made, looks(connection)
    for name in inspect(connection).get_table_names():
        connection.exec_driver_sql(f"DROP TABLE {name}")
    metadata.create_all(connection)
    return made, looks(connection)


def difference(connection: Connection, metadata: MetaData) -> str:
    """Empty where both are the same."""
    made, declared = declared_next_to(connection, metadata)
    lines = [f"  tables.py declares  {each}" for each in sorted(declared - made)]
    lines += [f"  the revisions make  {each}" for each in sorted(made - declared)]
    return "\n".join(lines)


async def test_the_revisions_create_the_declared_tables(empty_store_url: str) -> None:
    await bring(empty_store_url, HEAD)
    found = await on(empty_store_url, lambda connection: difference(connection, METADATA))
    assert not found, (
        f"tables.py and {VERSIONS.relative_to(ROOT)} differ. As long as revision {HEAD} is in no release, edit its "
        f"file; otherwise add a revision (CONTRIBUTING.md, 'Change the tables').\n{found}"
    )


async def test_alembic_finds_nothing_to_add_to_the_revisions(empty_store_url: str) -> None:
    await bring(empty_store_url, HEAD)

    def compare(connection: Connection) -> list[object]:
        options = {
            "compare_type": True,
            "compare_server_default": True,
            "include_name": lambda name, kind, _: not (kind == "table" and name in BOOKKEEPING),
        }
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), METADATA))

    assert await on(empty_store_url, compare) == []


async def test_differences_from_the_declared_tables_are_reported(store_url: str) -> None:
    other = MetaData()
    for table in METADATA.sorted_tables:
        table.to_metadata(other)
    other.tables["parts"].append_column(Column("forgotten", Text))
    other.tables["versions"].dialect_options["postgresql"]["with"] = {"fillfactor": 90}
    found = await on(store_url, lambda connection: difference(connection, other))
    assert "tables.py declares  column parts.forgotten" in found
    if store_url.startswith("postgresql"):
        assert "tables.py declares  table versions with {fillfactor=90}" in found
        assert "the revisions make  table versions with {fillfactor=50}" in found


def test_revisions_are_numbered_without_gaps_in_one_chain() -> None:
    found = numbers()
    assert found == [f"{number:04}" for number in range(1, len(found) + 1)]
    for path, number in zip(sorted(VERSIONS.glob("[0-9]*.py")), found, strict=True):
        text = path.read_text(encoding="utf-8")
        before = f'"{int(number) - 1:04}"' if number != "0001" else "None"
        assert f'\nrevision = "{number}"\ndown_revision = {before}\n' in text, path.name


# --- from each revision on --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("revision", numbers())
async def test_a_store_at_any_revision_migrates_and_works(empty_store_url: str, revision: str) -> None:
    await fill_at(empty_store_url, revision)
    async with opened(empty_store_url) as store:
        assert (await store.standing()).revision == HEAD
        await assert_it_goes_on(store)


async def fill_at(url: str, revision: str) -> None:
    """An empty database becomes a store at this revision. The projector of today can fill the newest one; an older one
    holds what was recorded there, or at the one before that was a release's newest."""
    recorded = [path for path in sorted(RECORDED.glob("*.jsonl")) if path.stem <= revision]
    if revision != HEAD:
        assert recorded, (
            f"nobody recorded what a store at revision {revision} holds: check out the release that has it as its "
            "newest one, and run 'python -m tests.revisions' there"
        )
        await bring(url, recorded[-1].stem)
    else:
        await bring(url, HEAD)
    left = store_at(url, RELEASED)
    if revision != HEAD:
        await restore(left, recorded[-1].read_bytes())
    else:
        await project(left, history())
    await left.stop()
    await bring(url, revision)


async def assert_it_goes_on(store: Store) -> None:
    """Every id answers as the definition says, and does so still when more has happened."""
    found, defined = await told(store)
    assert len(defined) > 5
    assert found == defined
    await project(store, [*history(), *later_history()])
    found, defined_later = await told(store)
    assert found == defined_later != defined


async def test_a_recorded_store_goes_on_at_later_revisions(store_url: str, tmp_path: Path) -> None:
    async with opened(f"sqlite+aiosqlite:///{tmp_path / 'recorded.db'}") as store:
        await project(store, history())
        recording = await record(store)
    empty = {line["table"] for line in map(json.loads, recording.splitlines()) if not line["rows"]}
    assert empty <= {
        "dead_letters",
        "discarded_letters",
        "rebuilds",
        "fold_versions",
        "segments",
        "lag_samples",
        "worker_reports",
        "id_keys",
        "short_lived",
        "pollers",
        "listing_waiting",
        "overdue_waits",
        "overdue_lease",
        *(table.name for table in OF_SUBSCRIPTIONS),
    }, (  # fmt: skip
        "the recorded history leaves these tables untried"
    )
    left = store_at(store_url, RELEASED)
    await restore(left, recording)
    await left.stop()
    async with opened(store_url, further(tmp_path / "further", ADD_COLUMNS, ADD_INDEX)) as store:
        assert (await store.standing()).revision == AFTER_NEXT
        await assert_it_goes_on(store)


async def test_no_released_revision_breaks_older_code_undeclared(empty_store_url: str) -> None:
    assert await narrowing(empty_store_url, RELEASED) == {}


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ('op.drop_column("parts", "body")', "parts.body is gone"),
        ('op.drop_table("outbox")', "outbox is gone"),
        (
            'op.add_column("workers", sa.Column("trial", sa.Text, nullable=False))',
            "workers.trial is needed, and older code does not write it",
        ),
        (
            'op.create_index("trial_unique", "parts", ["stream_id"], unique=True)',
            "parts ('stream_id',) must be unique now",
        ),
    ],
)
async def test_a_revision_that_breaks_older_code_undeclared_is_found(
    store_url: str, tmp_path: Path, body: str, why: str
) -> None:
    assert await narrowing(store_url, further(tmp_path / "further", body), since=HEAD) == {NEXT: [why]}
    declared = further(tmp_path / "declared", f'{body}\nbreaking(revision, "{NEXT}")')
    (tmp_path / "fresh").mkdir()
    assert await narrowing(sqlite_store(tmp_path / "fresh"), declared, since=HEAD) == {}


async def test_a_revision_that_only_adds_keeps_older_code_working(store_url: str, tmp_path: Path) -> None:
    bodies = (
        ADD_COLUMNS,
        ADD_INDEX,
        'op.add_column("workers", sa.Column("trial", sa.Text, nullable=False, server_default=""))',
        'op.create_table("trial_table", sa.Column("id", sa.Text, primary_key=True))',
    )
    assert await narrowing(store_url, further(tmp_path / "further", *bodies), since=HEAD) == {}
    seen = await on(store_url, seen_by_code)
    assert narrowed(seen, seen) == []


# --- which databases are used -----------------------------------------------------------------------------------------


async def test_older_code_works_on_a_store_extended_by_newer(store_url: str, tmp_path: Path) -> None:
    async with opened(store_url, further(tmp_path / "further", ADD_COLUMNS, ADD_INDEX)):
        pass
    async with opened(store_url) as older:
        assert (await older.standing()).ahead
        await project(older, history())
        await assert_it_goes_on(older)


async def test_older_code_refuses_a_store_with_a_breaking_revision(store_url: str, tmp_path: Path) -> None:
    body = f'op.drop_column("events", "trial")\nbreaking(revision, "{NEXT}")'
    newest = further(tmp_path / "further", ADD_COLUMNS, body)
    async with opened(store_url, newest):
        pass
    with pytest.raises(Fatal, match=f"at revision {AFTER_NEXT}, which needs software that knows revision {NEXT} or"):
        await open_store(store_url).start()
    # Code that knows the least one was made for the tables without the column.
    async with opened(store_url, further(tmp_path / "between", ADD_COLUMNS)) as between:
        assert (await between.standing()).ahead


async def test_tables_that_no_revision_made_are_left_alone(empty_store_url: str) -> None:
    await on(empty_store_url, METADATA.create_all)
    with pytest.raises(Fatal, match=r"tables .*that no release of this software made: name an empty one"):
        await open_store(empty_store_url).start()
    assert await revision_of(empty_store_url) is None


@pytest.mark.parametrize("revision", ["ae1027a6acf", "9999"])
async def test_a_database_of_something_else_is_left_alone(empty_store_url: str, revision: str) -> None:
    def make(connection: Connection) -> None:
        connection.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        connection.exec_driver_sql(f"INSERT INTO alembic_version VALUES ('{revision}')")

    await on(empty_store_url, make)
    with pytest.raises(Fatal, match=f"at revision '{revision}' of something else"):
        await open_store(empty_store_url).start()


async def test_a_start_without_migrations_does_not_import_alembic(store_url: str) -> None:
    program = (
        "import asyncio, sys\n"
        "from cx_context.store import open_store\n"
        "asyncio.run(open_store(sys.argv[1]).start())\n"
        "assert 'sqlalchemy' in sys.modules and 'alembic' not in sys.modules\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, store_url], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr


@pytest.mark.postgres
async def test_an_account_without_rights_uses_but_cannot_migrate_tables(postgres_database: str, tmp_path: Path) -> None:
    account = f"cx_{uuid4().hex[:8]}"
    owner = await asyncpg.connect(postgres_database.replace("+asyncpg", ""))
    await owner.execute(f"CREATE ROLE {account} LOGIN PASSWORD 'test'")
    url = make_url(postgres_database).set(username=account, password="test").render_as_string(hide_password=False)
    try:
        with pytest.raises(Fatal, match="the store can't be migrated: permission denied"):
            await open_store(url).start()
        await bring(postgres_database, HEAD)
        await owner.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {account}")
        async with opened(url) as store:
            await project(store, history())
        with pytest.raises(Fatal, match="the store can't be migrated: must be owner"):
            await store_at(url, further(tmp_path / "further", ADD_COLUMNS)).start()
    finally:
        await owner.execute(f"DROP OWNED BY {account}")
        await owner.execute(f"DROP ROLE {account}")
        await owner.close()


# --- while others work ------------------------------------------------------------------------------------------------


def traffic(count: int) -> list[StampedEvent]:
    return [
        an_event(
            id=f"m-{number}",
            at=START + number * SECOND,
            email=f"{number % 17}@example.com",
            cookie=f"c-{number % 23}",
            interaction=f"chat-{number % 41}",
            text=f"message {number}",
        )
        for number in range(count)
    ]


PEOPLE = [ACME.profile("email", "", f"{number}@example.com") for number in range(3)]


class Busy:
    """A projector and a reader of code that knows nothing of what comes. Whatever is not to be tried again fails.

    ``held_back``: so many records are left for afterwards, however long the migration takes.
    """

    def __init__(self, store: Store, worker: Worker) -> None:
        self.store = store
        self.worker = worker
        self.held_back = 100
        self.batches = 0
        self.reads = 0
        self.retried = 0

    async def go_on(self) -> None:
        await asyncio.gather(self._project(), self._read())

    async def _project(self) -> None:
        while self.worker.behind:
            try:
                if self.worker.behind > self.held_back:
                    await self.worker.step(2)
                    self.batches += 1
            except TryLater:
                self.retried += 1
            await asyncio.sleep(0.005)

    async def _read(self) -> None:
        while self.worker.behind:
            try:
                self.reads += bool(await bodies(self.store, PEOPLE))
            except TryLater:
                self.retried += 1
            await asyncio.sleep(0.005)


async def test_projector_and_reader_work_while_their_tables_migrate(store_url: str, tmp_path: Path) -> None:
    newest = further(tmp_path / "further", ADD_COLUMNS, ADD_INDEX)
    async with opened(store_url) as store:
        (worker,) = await workers(store, in_partitions(traffic(400), 1), 1)
        busy = Busy(store, worker)
        working = asyncio.create_task(busy.go_on())
        while busy.batches < 10 or busy.reads < 3:
            await asyncio.sleep(0.01)
        async with opened(store_url, newest):
            done_at = busy.batches
            busy.held_back = 0
            await working
        assert busy.batches > done_at >= 10
        found, defined = await told(store)
        assert found == defined
        assert len(found) >= 40
    assert await revision_of(store_url) == AFTER_NEXT
    assert "trial_index" in await on(store_url, indexes_of("events"))


@pytest.mark.postgres
async def test_a_migration_waiting_for_its_lock_lets_writers_pass(postgres_store: str, tmp_path: Path) -> None:
    newest = further(tmp_path / "further", ADD_COLUMNS)
    async with opened(postgres_store) as store, opened(postgres_store) as other:
        (worker,) = await workers(store, in_partitions(traffic(1000), 1), 1)
        async with other.reading() as tx:
            await tx.fetch("SELECT count(*) FROM parts")
            migrating = asyncio.create_task(store_at(postgres_store, newest).start())
            await backend(postgres_store, at="ALTER TABLE")
            async with asyncio.timeout(PATIENCE):
                for _ in range(20):
                    await worker.step(2)
                    await asyncio.sleep(0.1)  # so that the migration tries again meanwhile
            assert not migrating.done()
        await migrating
    assert await revision_of(postgres_store) == NEXT


@pytest.mark.postgres
async def test_a_migration_without_its_lock_asks_to_retry(postgres_store: str, tmp_path: Path) -> None:
    newest = further(tmp_path / "further", ADD_COLUMNS)
    async with opened(postgres_store) as store, store.reading() as tx:
        await tx.fetch("SELECT count(*) FROM parts")
        with pytest.raises(TryLater, match="lock timeout"):
            await migrate_postgres(make_url(postgres_store), newest, patience=1)
    assert await revision_of(postgres_store) == HEAD


async def test_a_refused_revision_is_undone_with_its_reason(store_url: str, tmp_path: Path) -> None:
    refused = "op.execute(\"INSERT INTO workers (id, seen_until) VALUES ('w', 0), ('w', 0)\")"
    newest = further(
        tmp_path / "further", ADD_COLUMNS, f'op.add_column("parts", sa.Column("trial_2", sa.Text))\n{refused}'
    )
    async with opened(store_url) as store:
        await project(store, history())
    with pytest.raises(Fatal, match=r"the store can't be migrated: .*(unique|UNIQUE)"):
        await store_at(store_url, newest).start()
    # Each revision is a transaction of its own on PostgreSQL; SQLite has one for all.
    assert await revision_of(store_url) == (NEXT if store_url.startswith("postgresql") else HEAD)
    assert "trial_2" not in await on(store_url, columns_of("parts"))
    async with opened(store_url) as store:
        await assert_it_goes_on(store)


# --- many processes, and killed ones ----------------------------------------------------------------------------------


def starting(url: str, when: float, *folders: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.migrating", url, str(when), *map(str, folders)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def assert_all_end_at(revision: str, processes: list[subprocess.Popen[str]]) -> None:
    try:
        for process in processes:
            said, complaints = process.communicate(timeout=PATIENCE)
            assert process.returncode == 0, complaints
            assert said.strip() == revision
    finally:
        for process in processes:
            process.kill()


async def test_one_of_many_processes_starting_at_once_migrates(empty_store_url: str, tmp_path: Path) -> None:
    slowly = f"import time\ntime.sleep(0.5)\n{ADD_COLUMNS}"
    newest = further(tmp_path / "further", slowly, ADD_INDEX)
    when = time.time() + 6
    processes = [starting(empty_store_url, when, *newest.folders) for _ in range(4)]
    await asyncio.to_thread(assert_all_end_at, AFTER_NEXT, processes)
    async with opened(empty_store_url, newest) as store:
        await project(store, history())
        await assert_it_goes_on(store)


async def test_a_killed_migration_leaves_the_former_state(store_url: str, tmp_path: Path) -> None:
    flag = tmp_path / "amid"
    newest = further(
        tmp_path / "further",
        f"{ADD_COLUMNS}\nimport pathlib, time\nflag = pathlib.Path({str(flag)!r})\n"
        "if not flag.exists():\n    flag.touch()\n    time.sleep(600)",
    )
    async with opened(store_url) as store:
        await project(store, history())
    killed = starting(store_url, 0, *newest.folders)
    while not flag.exists():
        assert killed.poll() is None, killed.communicate()
        await asyncio.sleep(0.05)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert await revision_of(store_url) == HEAD
    assert "trial" not in await on(store_url, columns_of("parts"))
    async with opened(store_url, newest) as store:
        assert (await store.standing()).revision == NEXT
        await assert_it_goes_on(store)


@pytest.mark.postgres
async def test_an_index_of_a_killed_builder_is_built_later(postgres_store: str, tmp_path: Path) -> None:
    newest = further(tmp_path / "further", ADD_INDEX)
    async with opened(postgres_store) as store:
        await project(store, history())
    old_snapshot = await asyncpg.connect(postgres_store.replace("+asyncpg", ""))
    async with old_snapshot.transaction(isolation="repeatable_read"):
        await old_snapshot.fetch("SELECT count(*) FROM parts")
        killed = starting(postgres_store, 0, *newest.folders)
        builder = await backend(postgres_store, at="CREATE INDEX")
        waiting = starting(postgres_store, 0, *newest.folders)
        await backend(postgres_store, other_than=builder)
        await asyncio.sleep(2)  # whoever waited in a statement would have given up by now
        killed.send_signal(signal.SIGKILL)
        killed.communicate()
        await backend(postgres_store, at="CREATE INDEX", other_than=builder)
    await old_snapshot.close()
    await asyncio.to_thread(assert_all_end_at, NEXT, [waiting])
    seen = await on(postgres_store, looks)
    assert [line for line in seen if "trial_index" in line]
    assert not [line for line in seen if "INVALID" in line]


async def backend(url: str, *, at: str = "", other_than: int = 0) -> int:
    """The server process of a migration, once there is one; ``at``: what its latest statement begins with."""
    driver = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            found = await driver.fetchval(
                "SELECT pid FROM pg_stat_activity WHERE application_name = 'cx migrate' AND starts_with(query, $1) "
                "AND pid <> $2 AND datname = current_database()",
                at,
                other_than,
            )
            if found:
                return int(found)
            await asyncio.sleep(0.05)
        raise AssertionError(f"no migration is at {at!r}")
    finally:
        await driver.close()


# --- the command ------------------------------------------------------------------------------------------------------


@pytest.fixture
def at_store(empty_store_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """Commands run on an empty store."""
    monkeypatch.setenv("CX_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CX_STORE_URL", empty_store_url)
    return empty_store_url


def test_the_command_says_from_where_to_where_it_went(at_store: str, capfd: Captured) -> None:
    assert run(["migrate"]) == 0
    assert capfd.readouterr().out == f"empty → {HEAD}\n"
    assert run(["migrate"]) == 0
    assert capfd.readouterr().out == f"at {HEAD}, up to date\n"


def test_the_command_speaks_json(at_store: str, capfd: Captured) -> None:
    assert run(["migrate", "--check", "-o", "jsonl"]) == 1
    assert json.loads(capfd.readouterr().out) == {"from": None, "to": None, "head": HEAD, "behind": True}
    assert run(["migrate", "-o", "json"]) == 0
    assert json.loads(capfd.readouterr().out) == {"from": None, "to": HEAD, "head": HEAD, "behind": False}


def test_a_check_changes_nothing_and_fails_for_older_stores(at_store: str, capfd: Captured) -> None:
    for _ in range(2):
        assert run(["migrate", "--check"]) == 1
        assert capfd.readouterr().out == f"behind: empty, and this release's is {HEAD}\n"
    if at_store.startswith("sqlite"):
        assert not Path(str(make_url(at_store).database)).exists()
    assert run(["migrate"]) == 0
    assert run(["migrate", "--check"]) == 0


def test_the_migrate_command_reports_and_keeps_a_newer_store(at_store: str, tmp_path: Path, capfd: Captured) -> None:
    asyncio.run(bring(at_store, "head", further(tmp_path / "further", ADD_COLUMNS)))
    for line in (["migrate"], ["migrate", "--check"]):
        assert run(line) == 0
        assert capfd.readouterr().out == f"at {NEXT}, further than this release's {HEAD}, which can go on with it\n"
    asyncio.run(bring(at_store, "head", further(tmp_path / "further", ADD_COLUMNS, f'breaking(revision, "{NEXT}")')))
    for line in (["migrate"], ["migrate", "--check"]):
        assert run(line) == 1
        captured = capfd.readouterr()
        assert captured.out == ""
        assert "use a newer release" in captured.err


def test_a_silent_store_fails_when_the_wait_is_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: Captured
) -> None:
    monkeypatch.setenv("CX_HOME", str(tmp_path))
    monkeypatch.setenv("CX_STORE_URL", "postgresql+asyncpg://nobody@127.0.0.1:1/nothing")
    monkeypatch.setattr("cx_hub.commands.migrate._PAUSE", 0.1)
    began = time.monotonic()
    assert run(["migrate", "--wait", "2.5"]) == 1
    assert time.monotonic() - began > 1.5
    said = capfd.readouterr().err
    assert said.count("waiting: store: ") >= 1
    assert "cx: store: " in said


@pytest.fixture
def later_database(postgres_url: str) -> Iterator[str]:
    """A database that is there after two seconds."""
    name = f"cx_test_{uuid4().hex[:12]}"

    def on_server(statement: str) -> None:
        async def execute() -> None:
            server = await asyncpg.connect(postgres_url.replace("+asyncpg", ""))
            await server.execute(statement)
            await server.close()

        asyncio.run(execute())

    timer = threading.Timer(2, on_server, [f"CREATE DATABASE {name}"])
    timer.start()
    yield f"{postgres_url.rpartition('/')[0]}/{name}"
    timer.join()
    on_server(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.postgres
def test_the_command_waits_for_a_store_that_comes_later(
    later_database: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: Captured
) -> None:
    monkeypatch.setenv("CX_HOME", str(tmp_path))
    monkeypatch.setenv("CX_STORE_URL", later_database)
    assert run(["migrate", "--wait", "60"]) == 0
    captured = capfd.readouterr()
    assert captured.out == f"empty → {HEAD}\n"
    assert "waiting: store: " in captured.err


def test_the_wheel_has_every_revision() -> None:
    """Hatchling takes every Python file under a package; what is no such file would be left behind."""
    assert {path.suffix for path in FOLDER.rglob("*") if path.is_file() and "__pycache__" not in path.parts} == {".py"}

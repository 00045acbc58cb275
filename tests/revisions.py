"""Stores at older revisions: what further revisions are made of, what a store held once, what a database looks like.

    python -m tests.revisions      # records what the projector of today leaves in a store at the newest revision

Part of every release: the projector of tomorrow can't fill the tables of today, so tests fill them from the recording.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Boolean, Connection, inspect
from sqlalchemy.engine import make_url
from tests.projection import RULES, WINDOW, bodies, in_partitions, lists_of, workers

from cx_context.document import encode_body
from cx_context.reference_definition import define, define_bodies
from cx_context.store import Store, open_store
from cx_context.store.all_tables import METADATA
from cx_context.store.migrations import BREAKING_TABLE, FOLDER, RELEASED, SELECT_REVISION, VERSION_TABLE, Revisions
from cx_context.store.postgres import PostgresStore
from cx_context.store.sql import PostgresTx
from cx_context.store.sqlite import SqliteStore
from cx_context.store.table_shapes import Shape
from cx_events.codec import decode
from cx_events.facts import Fact
from cx_events.ids import NodeId, text_of
from cx_events.stamp import StampedEvent
from cx_events.testing.builders import ACME, SECOND, START, a_decision, an_event

VERSIONS = FOLDER / "versions"
RECORDED = Path(__file__).parent / "recorded"

BOOKKEEPING = {VERSION_TABLE, BREAKING_TABLE}
"""Tables of the migrations themselves."""


def numbers(*folders: Path) -> list[str]:
    return sorted(path.name[:4] for folder in folders or (VERSIONS,) for path in folder.glob("[0-9]*.py"))


def further(folder: Path, *bodies: str) -> Revisions:
    """What is released, and after that revisions whose ``upgrade`` has these bodies. ``sa``, ``op``, ``add_index``,
    ``breaking`` and ``revision`` are known there."""
    folder.mkdir(exist_ok=True)
    first = int(RELEASED.head) + 1
    for number, body in enumerate(bodies, first):
        lines = "\n".join(f"    {line}" for line in body.strip().splitlines())
        (folder / f"{number:04}_further.py").write_text(
            "import sqlalchemy as sa\nfrom alembic import op\n"
            "from cx_context.store.migrations.steps import add_index, breaking\n"
            f'revision = "{number:04}"\ndown_revision = "{number - 1:04}"\n\n\ndef upgrade() -> None:\n{lines}\n'
        )
    return Revisions(VERSIONS, folder)


def store_at(url: str, revisions: Revisions) -> Store:
    """A store of code that knows these revisions."""
    parsed = make_url(url)
    if parsed.drivername.startswith("sqlite"):
        return SqliteStore(parsed, revisions=revisions)
    return PostgresStore(parsed, connections=5, revisions=revisions)


async def bring(url: str, to: str, revisions: Revisions = RELEASED) -> None:
    """An empty database, or an older one, to one revision."""
    from cx_context.store.migrations import run

    store = store_at(url, revisions)
    try:
        if isinstance(store, SqliteStore):
            await run.migrate_sqlite(store._engine, revisions, to=to)
        else:
            await run.migrate_postgres(make_url(url), revisions, to=to)
    finally:
        await store.stop()


# --- what a store holds -----------------------------------------------------------------------------------------------


def history() -> list[StampedEvent]:
    """A little of everything that leaves rows."""
    ana, ben = ACME.profile("email", "", "ana@example.com"), ACME.profile("crm", "", "C-2")

    def decided(type: str, id: str, second: int, about: NodeId, **data: Any) -> StampedEvent:
        fields = {"agent": {"id": "agent-1"}, **data}
        return a_decision(f"cx.{type}.v1", id=id, about=about, at=START + second * SECOND, data=fields)

    def said(id: str, second: int, interaction: str, **who: Any) -> StampedEvent:
        return an_event(id=id, at=START + second * SECOND, interaction=interaction, text=f"{id} said", **who)

    link = [{"kind": "email", "value": "ana@example.com"}, {"kind": "account", "value": "a-1"}]
    both = {"a": text_of(ana), "b": text_of(ben)}
    return [
        said("m-1", 0, "chat-1", email="ana@example.com", cookie="c-7"),
        said("m-2", 1, "chat-2", phone="+15550100101", cookie="c-7"),
        said("m-3", 2, "mail-1", email="ana@example.com", phone="+15550100101", verified=True),
        an_event(id="m-1", recorded=START + SECOND, email="ana@example.com", interaction="chat-1", text="otherwise"),
        said("m-4", 3, "chat-3", crm="C-2", phone="+15550100102", weight="asserted"),
        said("m-5", 4, "chat-3", crm="C-2", phone="+15550100102", cookie="c-8", weight="asserted"),
        said("m-6", 5, "chat-4", crm="C-3", phone="+15550100102", weight="asserted"),
        said("m-8", 6, "chat-5", email="cleo@example.com", cookie="c-7"),
        said("m-9", 6, "chat-6", email="dora@example.com", phone="+15550100103"),
        said("m-10", 6, "chat-7", email="eve@example.com", phone="+15550100103"),
        an_event("cx.interaction.started.v1", id="c-1", channel="voice", interaction="call-1"),
        an_event("cx.identity.asserted.v1", id="i-1", source="//acme.example/crm", data={"links": [link]}),
        decided("identity.merged", "d-1", 6, ana, identity=both),
        decided("identity.attributed", "d-2", 7, ana, identity={"interaction": "call-1", "profile": text_of(ana)}),
        decided("conversation.note", "d-3", 8, ana, interaction="chat-1", note="call her back"),
        decided(
            "identity.rules_changed",
            "d-4",
            9,
            ACME.tenant_node(),
            identity={"rules": {"shared_after": {"phone": 1}, "never_link": ["cookie:c-8"]}},
        ),
    ]


def later_history() -> list[StampedEvent]:
    """What comes on top of ``history``: a withdrawal, and more to say."""
    ana = ACME.profile("email", "", "ana@example.com")
    decision = {"decision": "//acme/decisions#d-1"}
    return [
        an_event(id="m-7", at=START + 20 * SECOND, email="ana@example.com", crm="C-9", interaction="chat-9", text="hi"),
        a_decision("cx.identity.unmerged.v1", id="d-5", about=ana, at=START + 21 * SECOND, data={"identity": decision}),
    ]


async def project(store: Store, events: Sequence[StampedEvent], batch: int = 4) -> None:
    """Through the real projector, by the same worker as before and on one partition."""
    (worker,) = await workers(store, in_partitions(events, 1), 1)
    while worker.behind:
        await worker.step(batch)
    await lists_of(store).drain()


async def facts_in(store: Store) -> list[Fact]:
    """Every copy of an event that a store holds."""
    async with store.reading() as tx:
        rows = [*await tx.fetch("SELECT raw FROM events"), *await tx.fetch("SELECT raw FROM copies")]
    return [Fact(decode(bytes(raw)), bytes(raw), ACME) for (raw,) in rows]


async def told(store: Store) -> tuple[dict[NodeId, bytes], dict[NodeId, bytes]]:
    """The body that each id answers with, and the one that it should by the definition over what is stored."""
    facts = await facts_in(store)
    by_customer = define_bodies(facts, ACME, RULES, WINDOW)
    defined = {id: encode_body(by_customer[whose]) for id, whose in define(facts, ACME, RULES).customer_of.items()}
    return await bodies(store, list(defined)), defined


async def record(store: Store) -> bytes:
    """All rows of a store at the newest revision, a table on each line."""
    lines = []
    async with store.reading() as tx:
        for table in METADATA.sorted_tables:
            names = [str(column.name) for column in table.columns]
            rows = await tx.fetch(f"SELECT {', '.join(names)} FROM {table.name}")
            written = [[_written(value, c.type) for value, c in zip(r, table.columns, strict=True)] for r in rows]
            lines.append(msgspec.json.encode({"table": str(table.name), "columns": names, "rows": written}) + b"\n")
    return b"".join(lines)


async def restore(store: Store, recording: bytes) -> None:
    """Into the empty tables of the revision that was recorded."""
    async with store.writing() as tx:
        for line in recording.splitlines():
            table = msgspec.json.decode(line)
            rows = [tuple(map(_read, row)) for row in table["rows"]]
            if isinstance(tx, PostgresTx):  # which knows the types of an older revision's columns
                await tx.driver.copy_records_to_table(table["table"], records=rows, columns=table["columns"])
            else:
                await tx.append(Shape(table["table"], tuple(table["columns"]), ()), rows)


def _written(value: Any, type: Any) -> Any:
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    return bool(value) if isinstance(type, Boolean) else value


def _read(value: Any) -> Any:
    return bytes.fromhex(value["hex"]) if isinstance(value, dict) else value


# --- what a database looks like ---------------------------------------------------------------------------------------

_POSTGRES_LOOKS = (
    # tables, with storage parameters and comments
    """SELECT format('table %s with %s: %s', c.relname, coalesce(c.reloptions::text, '{}'),
              coalesce(obj_description(c.oid, 'pg_class'), '-')), c.relname
       FROM pg_class c WHERE c.relkind IN ('r', 'p') AND c.relnamespace = current_schema()::regnamespace""",
    """SELECT format('column %s.%s %s%s default %s storage %s %s', c.relname, a.attname,
              format_type(a.atttypid, a.atttypmod), CASE WHEN a.attnotnull THEN ' not null' ELSE '' END,
              coalesce(pg_get_expr(d.adbin, d.adrelid), '-'), a.attstorage, a.attcompression), c.relname
       FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
       LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
       WHERE c.relkind IN ('r', 'p') AND c.relnamespace = current_schema()::regnamespace
       AND a.attnum > 0 AND NOT a.attisdropped""",
    """SELECT format('%s with %s%s', pg_get_indexdef(i.indexrelid, 0, true), coalesce(c.reloptions::text, '{}'),
              CASE WHEN i.indisvalid THEN '' ELSE ' INVALID' END), t.relname
       FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
       WHERE t.relkind IN ('r', 'p') AND t.relnamespace = current_schema()::regnamespace""",
    """SELECT format('constraint %s %s %s', t.relname, o.conname, pg_get_constraintdef(o.oid, true)), t.relname
       FROM pg_constraint o JOIN pg_class t ON t.oid = o.conrelid
       WHERE t.relnamespace = current_schema()::regnamespace""",
)


def looks(connection: Connection) -> set[str]:
    """A line for everything about the tables in the current schema that could differ, columns' order apart."""
    if connection.dialect.name == "postgresql":
        rows = [row for query in _POSTGRES_LOOKS for row in connection.exec_driver_sql(query)]
        return {line for line, table in rows if table not in BOOKKEEPING}
    return set(_sqlite_looks(connection))


def _sqlite_looks(connection: Connection) -> Iterator[str]:
    def pragma(name: str, argument: str) -> list[Any]:
        return connection.exec_driver_sql(f"PRAGMA {name}({argument})").all()

    for table in inspect(connection).get_table_names():
        if table in BOOKKEEPING:
            continue
        ((without_rowid, strict),) = [(row[4], row[5]) for row in pragma("table_list", table)]
        yield f"table {table}{' without rowid' if without_rowid else ''}{' strict' if strict else ''}"
        for _, name, type, required, default, key in pragma("table_info", table):
            yield f"column {table}.{name} {type}{' not null' if required else ''} default {default} key {key}"
        for _, index, unique, origin, partial in pragma("index_list", table):
            columns = [row[2] for row in pragma("index_xinfo", index) if row[5]]
            yield f"index {index} on {table} {columns} unique {unique} origin {origin} partial {partial}"


Seen = dict[str, Any]


def seen_by_code(connection: Connection) -> Seen:
    """What running code relies on: of each table its columns, and what must be unique."""
    known = inspect(connection)
    found: Seen = {}
    for table in sorted(set(known.get_table_names()) - BOOKKEEPING):
        columns = {c["name"]: (str(c["type"]), c["nullable"], c["default"]) for c in known.get_columns(table)}
        unique = {tuple(i["column_names"]) for i in known.get_indexes(table) if i["unique"]}
        unique |= {tuple(each["column_names"]) for each in known.get_unique_constraints(table)}
        found[table] = (columns, unique)
    return found


def narrowed(before: Seen, after: Seen) -> list[str]:
    """Why code that knows the tables as they were before can't go on with those after."""
    return list(_narrowed(before, after))


def _narrowed(before: Seen, after: Seen) -> Iterator[str]:
    for table, (columns, unique) in before.items():
        if table not in after:
            yield f"{table} is gone"
            continue
        new_columns, new_unique = after[table]
        for name, column in columns.items():
            if name not in new_columns:
                yield f"{table}.{name} is gone"
            elif new_columns[name] != column:
                yield f"{table}.{name} was {column} and is {new_columns[name]}"
        for name in new_columns.keys() - columns.keys():
            _, nullable, default = new_columns[name]
            if not nullable and default is None:
                yield f"{table}.{name} is needed, and older code does not write it"
        for each in new_unique - unique:
            yield f"{table} {each} must be unique now"


async def narrowing(url: str, revisions: Revisions, since: str = "") -> dict[str, list[str]]:
    """Of each revision but the first: what it takes from older code without saying that it is ``breaking``.

    ``since``: the revision that the database is at, and the first that is looked at; an empty one begins at the first.
    """
    found: dict[str, list[str]] = {}
    store = store_at(url, revisions)
    seen: dict[str, Seen] = {}
    for number in (each for each in numbers(*revisions.folders) if each >= since):
        await bring(url, number, revisions)
        seen[number] = await on(url, seen_by_code)
    async with store.reading() as tx:
        assert (await tx.fetch(SELECT_REVISION))[0][0] == revisions.head
        declared = {row[0] for row in await tx.fetch(f"SELECT revision FROM {BREAKING_TABLE}")}
    await store.stop()
    for older, newer in pairwise(seen):
        why = narrowed(seen[older], seen[newer])
        if why and newer not in declared:
            found[newer] = why
    return found


async def on(url: str, look: Any) -> Any:
    """``look(connection)`` on a database."""
    from sqlalchemy.ext.asyncio import create_async_engine

    engine = create_async_engine(url)
    async with engine.begin() as connection:
        found = await connection.run_sync(look)
    await engine.dispose()
    return found


async def _record_head() -> Path:
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"sqlite+aiosqlite:///{folder}/store.db")
        await store.start()
        await project(store, history())
        recording = await record(store)
        await store.stop()
    RECORDED.mkdir(exist_ok=True)
    place = RECORDED / f"{RELEASED.head}.jsonl"
    place.write_bytes(recording)
    return place


if __name__ == "__main__":
    print(asyncio.run(_record_head()))

"""The floor of the embedded hub: append to a log file, insert each event once in a store file, both durable.

Batches come in as they are sent, some at once, and those share a transaction of the log; the store takes as many in a
transaction as a projector does. Two threads, since SQLite lets go of Python's lock while it works.
"""

from __future__ import annotations

import asyncio
import queue
import resource
import sqlite3
import threading
import time
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec
from tests.bench.children import Go, Task
from tests.bench.floors.projector import AT_ONCE, Known
from tests.bench.workload import make_workload

BATCH = 100
IN_FLIGHT = 8

LOG, STORE = "floor-log.db", "floor-store.db"

_LOG = "CREATE TABLE records (id INTEGER PRIMARY KEY, value BLOB NOT NULL)"
_STORE = (
    "CREATE TABLE events (key BLOB PRIMARY KEY, raw BLOB NOT NULL)",
    "CREATE TABLE offsets (position INTEGER NOT NULL)",
    "INSERT INTO offsets VALUES (0)",
)

_decode = msgspec.json.Decoder(Known).decode

Values = Sequence[bytes]


async def run(task: Task, _over: asyncio.Event, go: Go) -> dict[str, Any]:
    values = [value for _, value in make_workload(task.count).records]
    log, store = _open(Path(task.folder) / LOG, _LOG), _open(Path(task.folder) / STORE, *_STORE)
    await go(listens=False)
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    await asyncio.to_thread(_work, values, log, store)
    seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF)
    log.close()
    store.close()
    return {
        "seconds": seconds,
        "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
    }


def _open(path: Path, *schema: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", "PRAGMA cache_size=-65536", *schema):
        connection.execute(statement)
    return connection


def _work(values: Values, log: sqlite3.Connection, store: sqlite3.Connection) -> None:
    appended: queue.SimpleQueue[Values] = queue.SimpleQueue()
    failed: list[BaseException] = []

    def keep() -> None:
        try:
            _store(store, appended, len(values))
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=keep)
    thread.start()
    for at in range(0, len(values), BATCH * IN_FLIGHT):
        some = values[at : at + BATCH * IN_FLIGHT]
        log.execute("BEGIN IMMEDIATE")
        log.executemany("INSERT INTO records (value) VALUES (?)", [(value,) for value in some])
        log.execute("COMMIT")
        appended.put(some)
    thread.join()
    if failed:
        raise failed[0]


def _store(store: sqlite3.Connection, appended: queue.SimpleQueue[Values], count: int) -> None:
    position = 0
    while position < count:
        some = list(appended.get())
        while len(some) < AT_ONCE and not appended.empty():
            some += appended.get()
        position += len(some)
        store.execute("BEGIN IMMEDIATE")
        store.executemany("INSERT OR IGNORE INTO events VALUES (?, ?)", [(_key(value), value) for value in some])
        store.execute("UPDATE offsets SET position = ?", (position,))
        store.execute("COMMIT")


def _key(value: bytes) -> bytes:
    event = _decode(value)
    return blake2b(f"{event.tenantid}\0{event.source}\0{event.id}".encode(), digest_size=16).digest()

"""The floor of reading: one row by its key, and its bytes as they are.

Bare Starlette and asyncpg: connections kept in a pool without its ceremony, each with the statement prepared.
"""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
from asyncpg.prepared_stmt import PreparedStatement
from starlette.routing import Route
from starlette.types import Receive, Scope, Send
from tests.bench.children import Go, Task
from tests.bench.floors.http import Endpoint, answer, serve
from tests.bench.servers import plain

PATH = "/document"
CREATE = "CREATE TABLE floor_documents (key text PRIMARY KEY, body bytea NOT NULL)"
CONNECTIONS = 8

_SELECT = "SELECT body FROM floor_documents WHERE key = $1"


async def run(task: Task, over: asyncio.Event, go: Go) -> dict[str, Any]:
    databases = [await asyncpg.connect(plain(task.store_url)) for _ in range(CONNECTIONS)]
    idle: asyncio.LifoQueue[PreparedStatement[Any]] = asyncio.LifoQueue()
    for database in databases:
        statement = await database.prepare(_SELECT)
        await statement.fetchval("")  # until it is used, the driver leaves a transaction open around its preparation
        idle.put_nowait(statement)

    class Document(Endpoint):
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            key = scope["query_string"].decode("ascii")
            statement = await idle.get()
            try:
                body = await statement.fetchval(key)
            finally:
                idle.put_nowait(statement)
            if body is None:
                await answer(send, 404, b"", [(b"content-length", b"0")])
                return
            length = str(len(body)).encode()
            await answer(send, 200, body, [(b"content-type", b"application/json"), (b"content-length", length)])

    try:
        await serve([Route(PATH, Document(), methods=["GET"])], over, go)
    finally:
        for database in databases:
            await database.close()
    return {}

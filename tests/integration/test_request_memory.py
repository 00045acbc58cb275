"""A request is forgotten once it is answered, without the garbage collector, which a hub seldom runs."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from tests.patience import PATIENCE
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from cx_runtime.fast_routes import FastRouteApp
from cx_runtime.http import BodyLimits, read_body
from cx_runtime.in_flight import InFlight
from cx_runtime.metrics import Metrics
from cx_runtime.serve import Server, server_config

REQUESTS = 40
LEFT = 4
"""Those of connections that are still open, or just closed."""


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@asynccontextmanager
async def serving() -> AsyncIterator[str]:
    metrics = Metrics()
    app = FastRouteApp(metrics)

    async def echo(request: Request) -> Response:
        body = await read_body(request.headers, request.receive, BodyLimits(max_bytes=1000))
        return Response(str(len(body)), headers={"content-length": str(len(str(len(body))))})

    app.fast_route("/fast", echo, methods={"POST"})
    app.router.routes.append(Route("/plain", echo, methods=["POST"]))
    server = Server(server_config(app, "127.0.0.1", 0, load=InFlight(metrics), log_level="warning", lifespan="off"))
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


def alive(*kinds: type[Any]) -> int:
    return sum(isinstance(each, kinds) for each in gc.get_objects())


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("path", ["/fast", "/plain"])
@pytest.mark.parametrize("size", [10, 50_000])
async def test_answered_requests_leave_nothing(path: str, size: int) -> None:
    async with serving() as url, httpx2.AsyncClient(base_url=url, timeout=PATIENCE, trust_env=False) as http:
        for _ in range(REQUESTS):
            answer = await http.post(path, content=b"x" * size)
            assert answer.status_code == (200 if size < 1000 else 413)
        assert alive(RequestResponseCycle) <= LEFT


@pytest.mark.usefixtures("no_collector")
async def test_closed_connections_leave_nothing() -> None:
    async with serving() as url:
        for _ in range(REQUESTS):
            async with httpx2.AsyncClient(base_url=url, timeout=PATIENCE, trust_env=False) as http:
                assert (await http.post("/fast", content=b"hello")).status_code == 200
        async with asyncio.timeout(PATIENCE):
            while alive(RequestResponseCycle, HttpToolsProtocol) > 2 * LEFT:
                await asyncio.sleep(0.1)

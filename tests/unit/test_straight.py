"""What is answered before the framework, and waiting without a timer."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.websockets import WebSocket

from cx_events.errors import Busy, Refused, TryLater
from cx_runtime.deadline import Within
from cx_runtime.fast_routes import FastRouteApp
from cx_runtime.metrics import Metrics


def app() -> FastRouteApp:
    made = FastRouteApp(Metrics(), docs_url=None, redoc_url=None)

    async def name(request: Request) -> Response:
        return PlainTextResponse(f"straight {request.path_params.get('name', '')}")

    async def slow(request: Request) -> Response:
        return PlainTextResponse(f"by the framework {request.path_params['name']}")

    async def fail(_request: Request) -> Response:
        raise made.state.error

    made.fast_route("/named/{name}", name, methods={"POST"})
    made.fast_route("/between/{name}/steps", name, methods={"POST"})
    made.fast_route("/fixed", name, methods={"POST"})
    made.fast_route("/failing", fail, methods={"POST"})
    made.router.add_route("/named/{name}", slow, methods=["GET", "POST"])
    made.router.add_route("/failing", fail, methods=["GET"])
    return made


async def ask(asked: FastRouteApp, method: str, path: str) -> tuple[int, dict[bytes, bytes], str]:
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "server": ("hub.example", 80),
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [],
    }
    await asked(scope, receive, send)
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return sent[0]["status"], dict(sent[0]["headers"]), body.decode()


@pytest.mark.parametrize(
    ("method", "path", "status", "says"),
    [
        ("POST", "/named/one", 200, "straight one"),
        ("POST", "/between/one/steps", 200, "straight one"),
        ("POST", "/between//steps", 404, "not-found"),
        ("POST", "/between/one/two/steps", 404, "not-found"),
        ("POST", "/between/one/steps/", 404, "not-found"),
        ("POST", "/fixed", 200, "straight "),
        ("GET", "/named/one", 200, "by the framework one"),
        ("PUT", "/named/one", 405, "method-not-allowed"),
        ("GET", "/fixed", 404, "not-found"),
        ("POST", "/named/", 404, "not-found"),
        ("POST", "/named", 404, "not-found"),
        ("POST", "/named/one/two", 404, "not-found"),
        ("POST", "/other", 404, "not-found"),
    ],
)
async def test_only_named_routes_bypass_the_framework(method: str, path: str, status: int, says: str) -> None:
    found, _, body = await ask(app(), method, path)
    assert (found, says in body) == (status, True)


@pytest.mark.parametrize(
    "error",
    [
        Refused("bad-thing", "it is bad", 418),
        Refused("unsupported-encoding", "not that one", 415),
        TryLater("log", "it is away"),
        Busy("hub", "too-many-requests", "full"),
        HTTPException(405, "not so", {"allow": "GET"}),
    ],
)
async def test_an_error_is_answered_alike_on_both_routes(error: Exception) -> None:
    asked = app()
    asked.state.error = error
    assert await ask(asked, "POST", "/failing") == await ask(asked, "GET", "/failing")


async def test_a_fault_on_a_fast_route_shows_no_details() -> None:
    asked = app()
    asked.state.error = ZeroDivisionError("a secret of ours")
    status, headers, body = await ask(asked, "POST", "/failing")
    assert (status, headers[b"content-type"]) == (500, b"application/problem+json")
    assert "secret" not in body


async def test_a_finished_result_is_returned_at_once() -> None:
    async def there() -> str:
        return "there"

    assert await Within(0.0, there()) == "there"


async def test_a_timely_result_is_returned() -> None:
    async def later() -> str:
        for _ in range(3):
            await asyncio.sleep(0)
        await asyncio.sleep(0.001)
        return "later"

    assert await Within(60.0, later()) == "later"


async def test_a_timed_out_call_may_clean_up() -> None:
    cleaned = []

    async def never() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            cleaned.append(True)

    with pytest.raises(TimeoutError):
        await Within(0.001, never())
    assert cleaned == [True]


async def test_an_awaited_call_may_fail_or_be_cancelled() -> None:
    async def fails() -> None:
        await asyncio.sleep(0)
        raise ValueError("of its own")

    with pytest.raises(ValueError, match="of its own"):
        await Within(60.0, fails())
    waiting = asyncio.create_task(_waits())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def _waits() -> None:
    async def never() -> None:
        await asyncio.Event().wait()

    await Within(60.0, never())


async def test_a_websocket_has_a_fast_route_beside_the_frameworks() -> None:
    made = app()
    served: list[str] = []

    async def socket(websocket: WebSocket) -> None:
        served.append(websocket.path_params["name"])

    async def other(websocket: WebSocket) -> None:
        served.append("by the framework")

    made.fast_socket("/chats/{name}", socket)
    made.router.add_websocket_route("/chats/{name}", other)
    made.router.add_websocket_route("/chats/{name}/more", other)

    async def nothing(_message: MutableMapping[str, Any] | None = None) -> Any:
        return {"type": "websocket.connect"}

    for path in ("/chats/ana", "/chats/ana/more"):
        scope = {"type": "websocket", "path": path, "root_path": "", "query_string": b"", "headers": []}
        await made(scope, nothing, nothing)
    assert served == ["ana", "by the framework"]
    with pytest.raises(ValueError, match="last step"):
        made.fast_socket("/chats/{name}/more", socket)

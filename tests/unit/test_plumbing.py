"""The plumbing that every service shares: logs without identifiers, bounded metrics, health by progress, bodies."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import logging
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from asyncpg.exceptions import ConnectionDoesNotExistError
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient
from tests.logs import captured_logs

from cx_events.errors import Refused, TryLater
from cx_runtime.health import Health
from cx_runtime.http import BodyGuard, BodyLimits, decompressed, install_problems
from cx_runtime.logs import OWN_PACKAGES, configure, masked
from cx_runtime.metrics import OTHER, Bounded, Metrics

# --- logs ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("mail from ana@example.com refused", "mail from a***@*** refused"),
        ("GET /v1/context?identifier=crm:C-1001&wait=2s", "GET /v1/context?identifier=***&wait=2s"),
        ("call from +1 555 010-0123 ended", "call from ***23 ended"),
        ("is it phone:+15550100123?", "is it phone:***23?"),
        ("call 5550100123.", "call ***23."),
        ("tel:+1-555-010-0123.", "tel:***23."),
        ("at 2026-11-22T10:02:11Z", "at 2026-11-22T10:02:11Z"),
        ("took 12345 events in 1.234567890 s", "took 12345 events in 1.234567890 s"),
        ("id 2f1c0000-4f7f-8871-abb9-c2d9cb565c72", "id 2f1c0000-4f7f-8871-abb9-c2d9cb565c72"),
    ],
)
def test_identifiers_are_masked_wherever_they_turn_up(text: str, kept: str) -> None:
    assert masked(text) == kept


def test_logs_are_json_lines_without_identifiers_and_secrets(log_stream: io.StringIO) -> None:
    structlog.get_logger("cx_test").warning(
        "mail by ana@example.com", sender=["ben@example.com"], headers={"Authorization": "Bearer x"}, attempt=3
    )
    logging.getLogger("a.library").warning("called %s", "+15550100123")
    try:
        raise ValueError("cleo@example.com")
    except ValueError:
        structlog.get_logger("cx_test").exception("it failed")
    text = log_stream.getvalue()
    lines = [json.loads(line) for line in text.splitlines()]
    assert lines[0]["event"] == "mail by a***@***"
    assert (lines[0]["headers"], lines[0]["attempt"]) == ({"Authorization": "***"}, 3)
    assert lines[1]["logger"] == "a.library"
    assert "ValueError" in lines[2]["exception"]
    assert not [word for word in ("example.com", "+1555", "Bearer") if word in text]


def test_libraries_log_only_warnings(log_stream: io.StringIO) -> None:
    configure("debug", "json", log_stream)
    for name in ("aiokafka.conn", "sqlalchemy.engine", "aiosqlite", "websockets.server", "mail.log", "asyncio"):
        assert logging.getLogger(name).getEffectiveLevel() == logging.WARNING
    for own in OWN_PACKAGES:
        assert logging.getLogger(f"{own}.part").getEffectiveLevel() == logging.DEBUG
    configure("error", "json", log_stream)
    assert logging.getLogger("aiokafka").getEffectiveLevel() == logging.ERROR
    assert logging.getLogger("cx_hub").getEffectiveLevel() == logging.ERROR


def test_a_connection_lost_under_a_statement_is_told_once(log_stream: io.StringIO) -> None:
    logger = logging.getLogger("asyncio")
    for error in (ConnectionDoesNotExistError("closed in the middle"), ValueError("something else")):
        logger.error("Future exception was never retrieved", exc_info=(type(error), error, None))
    lines = [json.loads(line) for line in log_stream.getvalue().splitlines()]
    assert [line["exception"].splitlines()[-1] for line in lines] == ["ValueError"]


def test_logs_go_to_what_stderr_is_now(log_stream: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    then, now = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stderr", then)
    configure("info", "json")
    then.close()
    monkeypatch.setattr(sys, "stderr", now)
    structlog.get_logger("cx_test").warning("hello")
    assert "hello" in now.getvalue()


def test_capturing_logs_restores_the_loggers() -> None:
    names = [None, *OWN_PACKAGES]
    before = [(logging.getLogger(name).level, logging.getLogger(name).handlers) for name in names]
    with captured_logs() as stream:
        structlog.get_logger("cx_test").warning("hello")
        assert "hello" in stream.getvalue()
    assert [(logging.getLogger(name).level, logging.getLogger(name).handlers) for name in names] == before


def test_every_package_is_listed_as_our_own() -> None:
    root = Path(__file__).parents[2]
    packages = {path.parent.name for source in ("libs", "services") for path in (root / source).glob("*/__init__.py")}
    assert packages == set(OWN_PACKAGES)


# --- metrics ---------------------------------------------------------------------------------------------------------


def test_label_values_from_outside_are_bounded() -> None:
    bounded = Bounded(most=2)
    assert [bounded(value) for value in ("a", "b", "c", "a")] == ["a", "b", OTHER, "a"]


def test_each_metrics_has_a_registry_of_its_own() -> None:
    one, other = Metrics(), Metrics()
    one.refused("client", "bad-id")
    assert b'cx_intake_refused_total{provider="client",reason="bad-id"} 1.0' in one.render()[0]
    assert b"bad-id" not in other.render()[0]


# --- health ----------------------------------------------------------------------------------------------------------


async def test_readiness_fails_on_a_worker_that_does_not_progress() -> None:
    now = 0.0
    health = Health(clock=lambda: now)
    progress = health.progress("projector-0", max_age=10.0)
    now = 10.0
    assert (await health.ready()).ok
    now = 11.0
    report = await health.ready()
    assert not report.ok
    assert report.parts["projector-0"].why == "no progress for 11 s; 10 s are allowed"
    assert health.live().ok
    progress.mark()
    assert (await health.ready()).ok
    health.forget("projector-0")
    assert health.ages() == {}


async def test_only_a_stuck_worker_fails_the_liveness_check() -> None:
    now = 0.0
    health = Health(clock=lambda: now)
    stuck = health.progress("projector-0", max_age=10.0)
    waiting = health.progress("projector-1", max_age=10.0)
    now = 101.0
    waiting.tried(TryLater("log", "it is down"))
    assert {name: part.why for name, part in health.live().parts.items()} == {
        "projector-0": "no progress for 101 s; 100 s are allowed"
    }
    assert {name for name, part in (await health.ready()).parts.items() if not part.ok} == {
        "projector-0",
        "projector-1",
    }
    stuck.mark()
    assert health.live().ok


async def test_a_probe_that_raises_or_hangs_names_its_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cx_runtime.health.PROBE_TIMEOUT", 0.05)
    health = Health()

    async def hangs() -> None:
        await asyncio.sleep(60)

    async def down() -> None:
        raise TryLater("log", "it is down")

    async def fine() -> int:
        return 3

    health.probe("store", hangs)
    health.probe("log", down)
    health.probe("blobs", fine)
    report = await health.ready()
    assert {name: part.ok for name, part in report.parts.items()} == {"store": False, "log": False, "blobs": True}
    assert report.parts["log"].why == "log: it is down"


# --- bodies ----------------------------------------------------------------------------------------------------------


@given(st.binary(max_size=300), st.sampled_from(["gzip", "deflate"]))
def test_any_bytes_are_unpacked_or_refused(body: bytes, coding: str) -> None:
    try:
        assert len(decompressed(body, coding, 100)) <= 100
    except Refused as refused:
        assert refused.status in (400, 413)


@given(st.binary(max_size=300), st.sampled_from([("gzip", gzip.compress), ("deflate", zlib.compress)]))
def test_what_was_packed_is_unpacked_up_to_the_limit(content: bytes, packing: tuple[str, Any]) -> None:
    coding, pack = packing
    assert decompressed(pack(content), coding, len(content)) == content
    if content:
        with pytest.raises(Refused, match="too-large"):
            decompressed(pack(content), coding, len(content) - 1)


async def echo(request: Request) -> Response:
    body = await request.body()
    return Response(body, headers={"x-length": request.headers.get("content-length", "none")})


async def fails(_request: Request) -> Response:
    raise RuntimeError("a fault that names ana@example.com")


@pytest.fixture
def guarded() -> Iterator[TestClient]:
    app = Starlette(routes=[Route("/echo", echo, methods=["GET", "POST"]), Route("/fails", fails)])
    install_problems(app, Metrics())
    with TestClient(BodyGuard(app, BodyLimits(max_bytes=100)), raise_server_exceptions=False) as client:
        yield client


def test_a_guarded_app_gets_bodies_whole_and_unpacked(guarded: TestClient) -> None:
    packed = gzip.compress(b"x" * 100)
    response = guarded.post("/echo", content=packed, headers={"content-encoding": "gzip"})
    assert (response.content, response.headers["x-length"]) == (b"x" * 100, "100")
    assert guarded.get("/echo").content == b""


def test_a_guarded_app_never_sees_an_oversized_body(guarded: TestClient) -> None:
    for content in (b"x" * 101, iter([b"x" * 60, b"x" * 60])):
        response = guarded.post("/echo", content=content)
        assert (response.status_code, response.json()["reason"]) == (413, "too-large")
    assert guarded.post("/echo", content=b"x", headers={"content-encoding": "br"}).status_code == 415


def test_a_server_error_is_a_problem_without_details(guarded: TestClient) -> None:
    response = guarded.get("/fails")
    assert (response.status_code, response.json()["reason"]) == (500, "internal")
    assert "ana" not in response.text

"""Test what a process says of itself: who must be at work, what is measured by nobody, and outages told once."""

from __future__ import annotations

import asyncio
import io
import logging

import pytest
import structlog
from tests.patience import PATIENCE

from cx_context.store.batch_loader import BatchLoader
from cx_events.errors import TryLater
from cx_runtime.health import Health
from cx_runtime.logs import Seldom
from cx_runtime.metrics import STALE_SECONDS, FreshGauge, Metrics
from cx_runtime.outages import Outages

DOWN = TryLater("log", "no answer")


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


# --- readiness -------------------------------------------------------------------------------------------------------


async def why(health: Health, name: str) -> str:
    """What readiness says is wrong with a worker."""
    return (await health.ready()).parts[name].why


async def test_an_expected_worker_is_missed_until_it_shows_progress() -> None:
    health = Health()
    health.expect("projector-0")
    assert await why(health, "projector-0") == "it is not at work"
    progress = health.progress("projector-0")
    assert await why(health, "projector-0") == "it has shown no progress yet"
    assert health.ages() == {}
    progress.mark()
    assert (await health.ready()).ok
    assert set(health.ages()) == {"projector-0"}


async def test_an_ended_worker_is_missed_and_reports_no_age() -> None:
    health, metrics = Health(), Metrics()
    metrics.watch(health)
    progress = health.progress("projector-0")
    progress.mark()
    assert b'cx_progress_age_seconds{worker="projector-0"}' in metrics.render()[0]
    progress.end()
    assert await why(health, "projector-0") == "it is not at work"
    assert b"projector-0" not in metrics.render()[0]
    again = health.progress("projector-0")
    assert await why(health, "projector-0") == "it has shown no progress yet"
    again.mark()
    assert (await health.ready()).ok


async def test_a_worker_waiting_for_a_part_is_not_ready() -> None:
    health = Health()
    progress = health.progress("relay")
    progress.tried(DOWN)
    assert await why(health, "relay") == "it waits for log: no answer"
    progress.mark()
    assert (await health.ready()).ok
    progress.failed("a batch failed")
    assert await why(health, "relay") == "a batch failed"


async def test_a_worker_absent_for_long_leaves_the_process_alive() -> None:
    clock = Clock()
    health = Health(clock)
    health.expect("relay")
    health.progress("projector-0").end()
    clock.now += 1_000_000
    assert health.live().ok


async def test_a_probe_that_never_ends_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cx_runtime.health.PROBE_TIMEOUT", 0.01)
    health, asked, over = Health(), 0, asyncio.Event()

    async def does_not_even_stop() -> None:
        nonlocal asked
        asked += 1
        while not over.is_set():
            try:
                await over.wait()
            except asyncio.CancelledError:
                pass

    health.probe("store", does_not_even_stop)
    for _ in range(3):
        assert not (await health.ready()).ok
    assert asked == 1
    over.set()


async def test_a_probe_that_cancels_itself_names_its_part() -> None:
    health = Health()

    async def cancelled() -> None:
        raise asyncio.CancelledError

    health.probe("log", cancelled)
    assert "cancelled" in (await health.ready()).parts["log"].why


# --- metrics ---------------------------------------------------------------------------------------------------------


def test_a_stale_measurement_is_absent_and_not_zero() -> None:
    clock = Clock()
    gauge = FreshGauge("cx_lag", "a lag", "topic", clock=clock)
    gauge.set(3.0, "one")
    clock.now += STALE_SECONDS / 2
    gauge.set(0.0, "two")
    assert _values(gauge) == {"one": 3.0, "two": 0.0}
    clock.now += STALE_SECONDS / 2
    assert _values(gauge) == {"two": 0.0}
    gauge.clear()
    assert _values(gauge) == {}


def _values(gauge: FreshGauge) -> dict[str, float]:
    return {sample.labels["topic"]: sample.value for family in gauge.collect() for sample in family.samples}


def test_counters_start_at_zero_and_lag_is_absent() -> None:
    metrics = Metrics()
    metrics.begin_provider("client")
    text = metrics.render()[0].decode()
    for line in (
        'cx_retries_total{what="task"} 0.0',
        'cx_retries_total{what="log"} 0.0',
        'cx_unavailable_total{part="store"} 0.0',
        'cx_projector_events_total{outcome="new"} 0.0',
        'cx_http_problems_total{reason="try-later",status="503"} 0.0',
        'cx_intake_events_total{provider="client",type="other"} 0.0',
        'cx_intake_refused_total{provider="client",reason="bad-signature"} 0.0',
        'cx_stream_frames_total{kind="state"} 0.0',
        'cx_contexts_shown_total{before_answer="false"} 0.0',
        'cx_dead_letters_total{reason="undecodable",stage="decode"} 0.0',
    ):
        assert line in text
    assert "cx_projector_lag_events{" not in text
    assert "cx_projector_lag_seconds{" not in text
    assert "\ncx_relay_waiting " not in text


# --- logs ------------------------------------------------------------------------------------------------------------


def test_an_outage_is_logged_each_minute_and_when_over(
    log_stream: io.StringIO,
) -> None:
    clock = Clock()
    outages = Outages(clock)
    for _ in range(25 * 90):
        for who in ("projector-0", "relay", "chat-deliveries"):
            outages.away("log", who, "no answer")
        clock.now += 1 / 25
    for who in ("projector-0", "relay", "chat-deliveries"):
        outages.back(who)
        outages.back(who)
    lines = log_stream.getvalue().splitlines()
    assert ["does not answer" in line for line in lines] == [True, True, False]
    assert '"seconds": 90' in lines[2]


def test_a_part_that_comes_and_goes_is_logged_once(log_stream: io.StringIO) -> None:
    clock = Clock()
    outages = Outages(clock)
    for _ in range(100):
        outages.away("store", "relay", "no answer")
        outages.back("relay")
        clock.now += 0.1
    assert len(log_stream.getvalue().splitlines()) == 2


def test_a_librarys_broker_errors_are_not_logged_by_itself(log_stream: io.StringIO) -> None:
    for _ in range(100):
        logging.getLogger("aiokafka.consumer.fetcher").error("Failed fetch messages from %s: %s", 1, "no answer")
        logging.getLogger("aiokafka").warning("Unable to request metadata")
    try:
        raise AssertionError("a fault of its own")
    except AssertionError:
        logging.getLogger("aiokafka.consumer.fetcher").exception("Unexpected error in fetcher routine")
    (line,) = log_stream.getvalue().splitlines()
    assert "a fault of its own" in line


def test_a_repeated_warning_is_logged_each_minute_with_count(log_stream: io.StringIO) -> None:
    clock = Clock()
    for handler in logging.getLogger().handlers:
        handler.filters = [Seldom(clock) if isinstance(each, Seldom) else each for each in handler.filters]
    log = structlog.get_logger("cx_test")
    for _ in range(3):
        log.warning("mail is put off", connection="one", detail=str(clock.now))
        log.warning("mail is put off", connection="two")
        clock.now += 25.0
    log.warning("mail is put off", connection="one")
    lines = log_stream.getvalue().splitlines()
    assert [line.count('"one"') for line in lines] == [1, 0, 1]
    assert '"said_before": 2' in lines[2]


# --- questions that are asked together -------------------------------------------------------------------------------


async def test_a_load_that_cancels_itself_asks_callers_to_retry() -> None:
    async def ask(_keys: list[str]) -> dict[str, str]:
        raise asyncio.CancelledError

    together = BatchLoader(ask, most=10)
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(TryLater):
            await together.of("a")


async def test_a_stopped_loader_asks_callers_to_retry() -> None:
    asked = asyncio.Event()

    async def ask(_keys: list[str]) -> dict[str, str]:
        asked.set()
        await asyncio.Event().wait()
        return {}

    together = BatchLoader(ask, most=10)
    waiting = asyncio.create_task(together.of("a"))
    await asked.wait()
    await together.stop()
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(TryLater):
            await waiting

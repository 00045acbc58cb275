"""``up``: run everything in one process; ``run``: one service of many."""

from __future__ import annotations

import asyncio
import os
import signal
from enum import StrEnum
from typing import Annotated

import structlog
import typer

from cx_hub.cli import FAILED
from cx_hub.compose import SERVICES, Hub, Service, running_hub
from cx_hub.output import to_err
from cx_hub.resources import load_tenants, run_async
from cx_runtime import logs
from cx_runtime.open_tracing import open_tracing
from cx_runtime.setting_names import misspelt_here
from cx_runtime.settings import Settings
from cx_runtime.tracing import Tracing

INTERRUPTED = 130
END_SECONDS = 10.0
"""After requests and mails have had their time: for batches, and for letting go of log and store."""


class ServiceName(StrEnum):
    CHANNELS = "channels"
    POLLERS = "pollers"
    PROJECTORS = "projectors"
    API = "api"
    OPS = "ops"
    DESKTOP = "desktop"


Port = Annotated[int | None, typer.Option("--port", help="HTTP port; 0 picks a free one.", min=0, max=65535)]
Workers = Annotated[int | None, typer.Option("--workers", help="Projector workers in this process.", min=1, max=64)]


def register(app: typer.Typer) -> None:
    app.command("up")(up)
    app.command("run")(run)


def up(port: Port = None, workers: Workers = None) -> None:
    """Run all services in this process, until it is told to stop."""
    _run_until_stopped(_settings(port, workers), SERVICES)


def run(service: ServiceName, port: Port = None, workers: Workers = None) -> None:
    """Run one service, until it is told to stop. Those of one hub share CX_LOG_URL and CX_STORE_URL.

    The HTTP port of pollers and projectors has their health and metrics alone; a free one unless given.
    """
    if service in (ServiceName.POLLERS, ServiceName.PROJECTORS) and port is None:
        port = 0
    _run_until_stopped(_settings(port, workers), frozenset({service.value}))


def _settings(port: int | None, workers: int | None) -> Settings:
    given = {name: value for name, value in (("port", port), ("workers", workers)) if value is not None}
    return Settings().model_copy(update=given)


def _run_until_stopped(settings: Settings, services: frozenset[Service]) -> None:
    name = "-".join(["throughline", *(services if len(services) == 1 else ())])
    tracing = open_tracing(settings.traces, name)
    logs.configure(settings.log_level, settings.log_format, ids=tracing.ids)
    for misspelt in misspelt_here():
        structlog.get_logger("cx_hub.services").warning("a setting is misspelt", reason=str(misspelt))
    try:
        run_async(_serve(settings, services, tracing))
    finally:
        tracing.close()


async def _serve(settings: Settings, services: frozenset[Service], tracing: Tracing) -> None:
    async with running_hub(settings, load_tenants(settings), services, tracing) as hub:
        stop_on_signals(hub)
        told = asyncio.create_task(_tell_when_ready(hub, services))
        await hub.supervisor.stopping.wait()
        told.cancel()
        to_err().print("stopping: what is under way is finished first")
        seconds = settings.linger_seconds + settings.drain_seconds + END_SECONDS
        ending = asyncio.get_running_loop().call_later(seconds, _end_anyway, seconds)
    ending.cancel()
    if hub.supervisor.fatal is not None:
        raise hub.supervisor.fatal


def _end_anyway(seconds: float) -> None:
    """End the process as a crash would: what was acknowledged is durable, everything else is sent or applied again."""
    to_err().print(f"still not done after {seconds:.0f} s: ending all the same")
    os._exit(FAILED)


def stop_on_signals(hub: Hub) -> None:
    """SIGTERM and Ctrl-C ask the hub to stop; a second Ctrl-C ends it at once, as a crash would: nothing that was
    acknowledged is lost by that."""
    loop = asyncio.get_running_loop()

    def stop() -> None:
        hub.supervisor.stopping.set()

    def interrupted() -> None:
        if hub.supervisor.stopping.is_set():
            os._exit(INTERRUPTED)
        stop()

    loop.add_signal_handler(signal.SIGTERM, stop)
    loop.add_signal_handler(signal.SIGINT, interrupted)


async def _tell_when_ready(hub: Hub, services: frozenset[Service]) -> None:
    """Log what readiness lacks, once for each change."""
    told: set[str] = set()
    while not (report := await hub.health.ready()).ok:
        missing = {name: part.why for name, part in report.parts.items() if not part.ok}
        if missing.keys() != told:
            told = set(missing)
            to_err().print(f"not ready yet: {'; '.join(f'{name}: {why}' for name, why in missing.items())}")
        await asyncio.sleep(1.0)
    smtp = f", mail on port {hub.smtp_port}" if hub.smtp_port else ""
    to_err().print(f"ready: {', '.join(sorted(services))} at {hub.url}{smtp}")

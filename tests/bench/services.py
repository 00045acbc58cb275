"""Services of the hub, each as ``cx run`` runs it, and requests sent to a server by the load generator."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from tests import processes
from tests.bench.children import Child
from tests.bench.contest import spent
from tests.bench.load import Load
from tests.bench.measure import cpu_seconds
from tests.bench.report import Result
from tests.bench.requests import CONNECTION, PUBLIC_URL, TOKEN
from tests.bench.workload import ID_KEY, IDS, PARTITIONS

from cx_events.errors import Fatal
from cx_runtime.settings import Settings

KEY = "a-key-of-the-benchmarks"


@contextmanager
def service(
    command: str, settings: Settings, folder: Path, prefix: str = "", id_key: str = ID_KEY
) -> Iterator[processes.Running]:
    """``cx COMMAND``, ready, with one tenant whose identifiers are those of the workload, or of another key."""
    name = command.replace(" ", "-")
    config = folder / f"{name}.yaml"
    tenant = {
        "id_key": id_key,
        "keys": [{"id": "bench", "secret": KEY, "scopes": ["events:write", "context:read"]}],
        "connections": {CONNECTION: {"provider": "voice/twilio", "secrets": [TOKEN], "region": "US"}},
    }
    config.write_text(json.dumps({"tenants": {IDS.tenant: tenant}}), encoding="utf-8")
    variables = {
        "CX_CONFIG": str(config),
        "CX_HOME": str(folder / "home"),
        "CX_LOG_URL": settings.log_url,
        "CX_STORE_URL": settings.store_url,
        "CX_TOPIC_PREFIX": prefix,
        "CX_PARTITIONS": str(PARTITIONS),
        "CX_PUBLIC_URL": PUBLIC_URL,
    }
    said = folder / f"{name}.txt"
    given = {variable: value for variable, value in variables.items() if value}
    # Within the suite, which asks that a benchmark runs and not how fast, a start may be a cheap one.
    measured = "PYTEST_CURRENT_TEST" not in os.environ
    with processes.running(command, given, said, fresh=measured) as running:
        yield running


class Target:
    """A server that requests are sent to. ``others``: processes whose CPU seconds are told beside its own."""

    def __init__(self, url: str, pid: int, others: Mapping[str, int | None]) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        assert parts.port is not None
        self.host, self.port = parts.hostname, parts.port
        self._processes = {"application": pid, **others}

    def cpu(self) -> dict[str, float | None]:
        return {who: cpu_seconds(pid) for who, pid in self._processes.items()}


async def send(
    client: Child,
    target: Target,
    requests: Sequence[bytes],
    folder: Path,
    *,
    connections: int,
    status: str,
    events: int = 0,
    answers: Callable[[list[bytes]], None] | None = None,
) -> Result:
    """All requests, as fast as they are answered; ``Fatal`` unless each answer has that status. ``events``: how many
    they hold, if not one each. ``answers`` sees them all."""
    file, kept = folder / "requests", folder / "answers"
    file.write_bytes(msgspec.msgpack.encode(requests))
    load = Load(target.host, target.port, str(file), connections, str(kept) if answers is not None else "")
    before = target.cpu()
    told = await client.ask(load)
    after = target.cpu()
    if told["statuses"] != {status: len(requests)}:
        raise Fatal(f"{len(requests)} requests were answered {told['statuses']} instead of {status}")
    if answers is not None:
        answers(msgspec.msgpack.decode(kept.read_bytes(), type=list[bytes]))
    return Result(
        events or len(requests),
        told["seconds"],
        spent(before, after),
        requests=len(requests),
        client_cpu=told["cpu"],
        p50=told["p50"],
        p99=told["p99"],
    )

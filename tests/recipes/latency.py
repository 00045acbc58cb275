"""Measure how long the steps of a recipe take: ``python -m tests.recipes.latency``, milliseconds on stdout.

It starts a hub of its own, on files, or on the log and store that ``CX_LOG_URL`` and ``CX_STORE_URL`` name (an empty
database, ``CX_TOPIC_PREFIX`` of its own). Each step is one request after another over one connection, as a warm
function asks: what a network adds between vendor and hub comes on top.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import json
import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml
from tests.processes import running
from tests.recipes import story
from tests.recipes.story import BOT, CHAT, IVR, PHONE, PIN, STRANGERS_CHAT, new_call

TAKEN_OVER = ("CX_LOG_URL", "CX_STORE_URL", "CX_BLOB_URL", "CX_TOPIC_PREFIX", "CX_PARTITIONS")
CUSTOMERS = 500
SOURCE = "//acme.example/latency"


class Connection:
    """One connection that is kept open."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        self._http = http.client.HTTPConnection(parts.hostname, parts.port)

    def post(self, path: str, body: Any, key: str) -> Any:
        """Return the answer, which must be a success."""
        headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        self._http.request("POST", path, json.dumps(body).encode(), headers)
        answer = self._http.getresponse()
        content = answer.read()
        assert answer.status < 300, content
        return json.loads(content)


def event(call: str, what: str, type: str, identifier: Mapping[str, str], **more: Any) -> dict[str, Any]:
    data = {
        "channel": "voice",
        "interaction": f"acme-calls/{call}",
        "participants": [{"role": "customer", "identifiers": [dict(identifier)]}],
        **more,
    }
    return {"specversion": "1.0", "id": f"{call}/{what}", "source": SOURCE, "type": type, "data": data}


def steps(http: Connection) -> Mapping[str, Callable[[], object]]:
    """Return each step by what it does."""
    number = itertools.count()

    def started() -> Any:
        phone = {"kind": "phone", "value": f"+1555{next(number):07}"}
        return http.post("/v1/events", event(new_call(), "started", "cx.interaction.started.v1", phone), IVR)

    def unknown_call() -> Any:
        asked = {"interaction": f"acme-calls/{new_call()}", "identifier": f"phone:{PHONE}"}
        return http.post("/v1/context/brief", asked, IVR)

    def proved() -> Any:
        call = new_call()
        account = {"kind": "account", "value": f"O-{next(number) % CUSTOMERS}", "weight": "proved"}
        proof = event(call, "proved", "cx.identity.verified.v1", account, evidence="ivr-pin")
        http.post("/v1/events", proof, PIN)
        path = f"/v1/context/brief?at_least={SOURCE}%23{call}/proved&wait=10s"
        return http.post(path, {"interaction": f"acme-calls/{call}"}, IVR)

    return {
        "ask of a number": unknown_call,
        "ask of a proved contact, a bot's key": lambda: http.post("/v1/context/brief", {"interaction": CHAT}, BOT),
        "ask of a stranger, a bot's key": lambda: http.post("/v1/context/brief", {"interaction": STRANGERS_CHAT}, BOT),
        "tell that a call came in": started,
        "tell a proof, and ask until it counts": proved,
    }


def tell_of_others(http: Connection, hub: story.Hub) -> None:
    """Let other customers be known, each with an account, so that nothing is measured on an empty store."""
    for number in range(CUSTOMERS):
        account = {"kind": "account", "value": f"O-{number}", "weight": "asserted"}
        http.post("/v1/events", event(f"other-{number}", "crm", "cx.identity.asserted.v1", account), story.ALL)
    hub.context(f"acme-calls/other-{CUSTOMERS - 1}", f"{SOURCE}%23other-{CUSTOMERS - 1}/crm")


def milliseconds(step: Callable[[], object], times: int) -> list[float]:
    """Return how long each run took, sorted; the first ones, which warm up, are left out."""
    took = []
    for _ in range(times + times // 10):
        since = time.perf_counter()
        step()
        took.append((time.perf_counter() - since) * 1000)
    return sorted(took[times // 10 :])


def table(found: Mapping[str, Sequence[float]]) -> str:
    lines = ["| step | p50 ms | p99 ms | worst ms |", "| --- | --- | --- | --- |"]
    for name, took in found.items():
        p50, p99, worst = took[len(took) // 2], took[len(took) * 99 // 100], took[-1]
        lines.append(f"| {name} | {p50:.1f} | {p99:.1f} | {worst:.1f} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--times", type=int, default=1000, help="runs of each step")
    times = parser.parse_args().times
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "tenants.yaml")
        config.write_text(yaml.safe_dump({"tenants": {"acme": story.CONFIG}}), encoding="utf-8")
        given = {name: os.environ[name] for name in TAKEN_OVER if name in os.environ}
        settings = {"CX_HOME": str(Path(folder, "home")), "CX_CONFIG": str(config), **given}
        with running("up", settings, Path(folder, "up.txt")) as process:
            hub = story.Hub(process.url)
            story.tell_the_story(hub)
            http = Connection(process.url)
            tell_of_others(http, hub)
            print(table({name: milliseconds(step, times) for name, step in steps(http).items()}))


if __name__ == "__main__":
    main()

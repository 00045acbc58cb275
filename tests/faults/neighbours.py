"""Two tenants on one hub, one of them hostile in every way that it has, and strangers beside it: the other's requests
are all answered, and hardly more slowly than when it is alone.

    python -m tests.faults.neighbours [--seconds N] [--turns N] [--greed N] [--parts embedded|servers] [--apart]

The quiet tenant sends 200 events and reads 20 contexts and timelines a second, has 50 followers and 10 chats. It is
alone and beside the others by turns, so that whatever else the machine does weighs on both alike. How many the others
are, and how fast they come: ``tests.faults.hostile``. ``--apart``: channels, projectors and API in processes of their
own, where one process has all of them otherwise.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from tests.faults.ground import Ground, Service, Trial, fault_in, home, run, running, servers
from tests.faults.hostile import FILL_SECONDS
from tests.faults.quiet import Quiet, Wires
from tests.processes import bare_environment

from cx_events.ids import text_of
from cx_hub.stack.processes import free_port
from cx_runtime.tenants import Tenants
from cx_runtime.tenants import load as loaded

FACTOR = 3.0
"""The quiet tenant's p99 beside the hostile one, to its p99 alone."""

SETTLE_SECONDS = 3.0
"""After a change, before anything is measured."""

ORDER_SECONDS = 240.0
"""The others run at a low priority, and to end thousands of their connections takes a while."""

HISTORY = 5_000
"""Events of the one customer whose past the hostile tenant asks for."""

_CONFIG = """
tenants:
  quiet:
    id_key: "a lasting key of the quiet one"
    keys: [{id: desk, secret: "the key of the quiet one", scopes: ["*"]}]
    connections:
      quiet-chat: {provider: chat/webchat, secrets: ["the chat of the quiet one"]}
      quiet-calls: {provider: voice/twilio, secrets: ["the calls of the quiet one"]}
      quiet-mail: {provider: email/mime, settings: {addresses: [help@quiet.example]}}
  hostile:
    id_key: "a lasting key of the hostile one"
    keys: [{id: desk, secret: "the key of the hostile one", scopes: ["*"]}]
    connections:
      hostile-chat: {provider: chat/webchat, secrets: ["the chat of the hostile one"]}
      hostile-mail: {provider: email/mime, settings: {addresses: [help@hostile.example]}}
"""


class NeighboursGround(Ground):
    """With two tenants."""

    def configured(self) -> NeighboursGround:
        file = self.home / "tenants.yaml"
        file.write_text(_CONFIG, encoding="utf-8")
        settings = {"CX_CONFIG": str(file), "CX_PUBLIC_URL": "https://hub.example"}
        return NeighboursGround(self.home, {**self.settings, **settings})

    @property
    def tenants(self) -> Tenants:
        return loaded(Path(self.settings["CX_CONFIG"]), self.home, {})

    def secret(self, tenant: str) -> str:
        return self.tenants.by_name[tenant].keys[0].secret


class Ports(NamedTuple):
    """Where a hub listens. ``reading``: for contexts and streams; ``working``: the projectors' process, if that is
    another one."""

    http: int
    reading: int
    smtp: int
    working: int = 0

    @classmethod
    def of_one(cls) -> Ports:
        port = free_port()
        return cls(port, port, free_port())

    @classmethod
    def apart(cls) -> Ports:
        return cls(free_port(), free_port(), free_port(), free_port())

    def services(self, ground: Ground) -> Sequence[Service]:
        mail = {"CX_SMTP_PORT": str(self.smtp)}
        if not self.working:
            return [ground.service(f"up --port {self.http}", "hub", **mail)]
        return [
            ground.service(f"run channels --port {self.http}", "channels", **mail),
            ground.service(f"run projectors --port {self.working}", "projectors"),
            ground.service(f"run api --port {self.reading}", "api"),
        ]


async def neighbours(
    trial: Trial,
    ground: NeighboursGround,
    *,
    seconds: float,
    turns: int,
    greed: int,
    only: str = "",
    load: float = 1.0,
    factor: float = FACTOR,
    patience: float = 0.0,
    apart: bool = False,
) -> Trial:
    """``seconds`` alone, then as many beside the others, ``turns`` times. ``only``: attacks, by commas; else all.
    ``load``: the quiet tenant's, as a share of its usual one. ``patience``: seconds to ask a slow machine again.
    ``apart``: each service in a process of its own."""
    ground = ground.configured()
    ports = Ports.apart() if apart else Ports.of_one()
    services = ports.services(ground)
    with running(services, []):
        for service in services:
            await service.ready()
        quiet = Quiet(
            ports.http, ground.secret("quiet"), ground.tenants.ids("quiet"), "quiet-chat", load, patience, ports.reading
        )
        found = await _history(ground, ports)
        await quiet.fill()
        trial.say(f"the quiet tenant's people are known; the hostile one has a customer of {HISTORY} events")
        living = asyncio.create_task(quiet.run())
        await asyncio.sleep(SETTLE_SECONDS)
        async with _hostile(ground, ports, greed, [*found, only]) as order:
            await _by_turns(trial, quiet, living, order, seconds, turns, FILL_SECONDS * greed)
            answers = await order("told")
            await order("stop")
        living.cancel()
        await asyncio.wait([living])
        _judge(trial, quiet, factor)
        for what, count in sorted(json.loads(answers).items()):
            trial.say(f"    the others heard {count:7} × {what}")
        for service in services:
            code = service.stop()
            trial.check(code == 0, f"cx {service.command} stops when asked to (exit {code})")
            said = service.said.read_text()
            trial.check("Traceback" not in said, f"cx {service.command} told of no fault{fault_in(said)}")
    return trial


async def _by_turns(
    trial: Trial,
    quiet: Quiet,
    living: asyncio.Task[None],
    order: Callable[[str], Awaitable[str]],
    seconds: float,
    turns: int,
    filling: float,
) -> None:
    """Measure alone and beside the others, again and again. ``filling``: seconds until all of them have come."""
    for turn in range(turns):
        for mode, word in (("quiet", "stop"), ("beside", "go")):
            quiet.seen.mode = "between"
            await order(word)
            await asyncio.sleep(SETTLE_SECONDS + (filling if word == "go" else 0.0))
            quiet.seen.mode = mode
            await asyncio.sleep(seconds)
        trial.say(f"turn {turn + 1} of {turns}: {_told(quiet)}")
        assert not living.done(), living.result()
    quiet.seen.mode = "between"


def _told(quiet: Quiet) -> str:
    shown = []
    for what in ("posts", "reads", "frames", "acks"):
        alone, beside = (1e3 * quiet.seen.percentile(what, mode, 99) for mode in ("quiet", "beside"))
        shown.append(f"{what} {alone:.0f}/{beside:.0f}")
    latest = "".join(f"; {each}" for each in quiet.seen.wrong[-2:])
    return f"p99 alone/beside in ms: {', '.join(shown)}; {len(quiet.seen.wrong)} refused or lost{latest}"


def _judge(trial: Trial, quiet: Quiet, factor: float) -> None:
    seen = quiet.seen
    for what in ("posts", "reads", "frames", "acks"):
        told = {
            mode: [1e3 * seen.percentile(what, mode, percent) for percent in (50, 99)] for mode in ("quiet", "beside")
        }
        (alone50, alone), (beside50, beside) = told["quiet"], told["beside"]
        counts = [len(seen.seconds[what, mode]) for mode in ("quiet", "beside")]
        trial.check(
            factor == float("inf") or beside <= factor * alone,
            f"{what}: p99 {alone:.1f} ms alone, {beside:.1f} ms beside (x {beside / alone:.2f}); "
            f"p50 {alone50:.1f} and {beside50:.1f}; of {counts[0]} and {counts[1]}",
        )
    for what, count in Counter(_kind(each) for each in seen.wrong).most_common():
        trial.say(f"    the quiet one heard {count:7} × {what}")
    first = "".join(f"; {each}" for each in seen.wrong[:5])
    trial.check(not seen.wrong, f"{len(seen.wrong)} of the quiet tenant's requests were refused or lost{first}")


def _kind(wrong: str) -> str:
    """When, what and with which status or reason something was refused or lost."""
    reason = re.search(r'"reason": ?"([\w-]+)"|\'reason\': \'([\w-]+)\'|problem:([\w-]+)', wrong)
    words = " ".join(wrong.split(" ")[:3])
    return f"{words} {reason[1] or reason[2] or reason[3]}" if reason else wrong


async def _history(ground: NeighboursGround, ports: Ports) -> list[str]:
    """A customer with a long past: its id, one of its conversations, and a moment after it."""
    wires, reads = Wires(ports.http, ground.secret("hostile")), Wires(ports.reading, ground.secret("hostile"))
    ids = ground.tenants.ids("hostile")
    for begin in range(0, HISTORY, 500):
        events = [_long_past(number) for number in range(begin, begin + 500)]
        body = json.dumps(events).encode()
        status, content = await wires.ask("POST", "/v1/events", body, "application/cloudevents-batch+json")
        assert status == 202, content
    customer = text_of(ids.profile("email", "", "ana@example.com"))
    at_least = f"at_least=//hostile.example/chat%23h-{HISTORY - 1}&wait=20s"
    status, content = await reads.ask("GET", f"/v1/customers/{customer}/context?{at_least}")
    assert status == 200, content
    wires.close()
    reads.close()
    conversation = json.loads(content)["body"]["conversations"][0]["id"]
    return [customer, conversation, datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")]


def _long_past(number: int) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": f"h-{number}",
        "source": "//hostile.example/chat",
        "type": "cx.message.received.v1",
        "data": {
            "channel": "chat",
            "interaction": f"chat-{number % 100}",
            "direction": "inbound",
            "participants": [{"role": "customer", "identifiers": [{"kind": "email", "value": "ana@example.com"}]}],
            "message": {"id": f"h-{number}", "text": f"what was said as number {number} " * 5},
        },
    }


@asynccontextmanager
async def _hostile(ground: NeighboursGround, ports: Ports, greed: int, found: list[str]) -> AsyncIterator[Any]:
    """The others' process, and the way to order it about."""
    arguments = [*map(str, ports[:3]), ground.secret("hostile"), str(greed), *found]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.faults.hostile",
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=bare_environment(),
        limit=1 << 20,
    )
    assert process.stdin is not None
    assert process.stdout is not None

    async def order(word: str) -> str:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{word}\n".encode())
        async with asyncio.timeout(ORDER_SECONDS):
            return (await process.stdout.readline()).decode().strip()

    try:
        yield order
    finally:
        process.kill()
        await process.wait()


async def on_parts(parts: str, **counts: Any) -> Trial:
    trial = Trial(f"neighbours, {parts}")
    with home() as folder:
        if parts == "embedded":
            return await neighbours(trial, NeighboursGround(folder, {}), **counts)
        with servers("kafka", "postgres") as (_, settings):
            return await neighbours(trial, NeighboursGround(folder, settings), **counts)


def _asked() -> Mapping[str, Any]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--turns", type=int, default=4)
    parser.add_argument("--greed", type=int, default=20)
    parser.add_argument("--only", default="", help="some attacks, by commas (tests.faults.hostile)")
    parser.add_argument("--load", type=float, default=1.0, help="a share of the quiet tenant's usual load")
    parser.add_argument("--parts", choices=("embedded", "servers"), default="servers")
    parser.add_argument("--apart", action="store_true", help="each service in a process of its own")
    return vars(parser.parse_args())


if __name__ == "__main__":
    sys.exit(run(on_parts(**_asked())))

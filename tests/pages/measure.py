"""Measure the desk in a browser, by what the API itself takes, and what desktops cost the hub.

    .venv/bin/python -m tests.pages.measure [--events 10000] [--rounds 30] [--offline 60] [--real 3] [--desktops 50]
                                            [--many 500]

One hub (``cx up`` on files of its own), one customer with so many events. It prints one JSON object:

- ``paint``: ms from opening the customer's address to the first frame with name and reason, and of the API's own answer
  for the same context; p50 and p95. ``bound_ms``: 2.5 times the API's and 150 ms more, at most that much is allowed.
  ``whole_ms``: until the timeline stands and the acts do, too.
- ``live``: ms from a message's 202 until it is painted, and until the API's stream told it; at most twice.
- ``offline``: events that came while the browser was cut off, how many of them it showed then (none), and after how
  many seconds of network it shows them all.
- ``desktops`` and ``many``: followers of one process, some of them real pages, the others by protocol; events that any
  of them missed; the hub's memory (KiB) and its CPU (ms an update, applying the update among it) for each.

About five minutes, with the machine to itself: figures of a busy one say nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import quantiles
from typing import Any, NamedTuple

import httpx2
from playwright.async_api import Browser, BrowserContext, Page
from tests.bench.measure import cpu_seconds
from tests.chromium import chromium, visitor
from tests.flaky_network import flaky_network
from tests.patience import PATIENCE
from tests.processes import Running, running
from tests.sse import Stream, following

SOURCE = "//acme.example/measure"
ADDRESS = "/desk/email/ana@example.com"
BATCH = 200
UPDATES = 10

PAINTED = """
window.paintedAt = 0; window.wholeAt = 0; window.seen = {};
new MutationObserver(() => requestAnimationFrame(() => {
  const isUseful = document.querySelector("#customer h1") && document.querySelector(".why h2");
  if (!paintedAt && isUseful) paintedAt = performance.now();
  const isWhole = document.querySelector("#timeline .entry") && document.querySelector("#acts");
  if (!wholeAt && isWhole) wholeAt = performance.now();
  const text = document.querySelector(".said")?.textContent ?? "";
  for (const mark of text.match(/mark-\\d+-/g) ?? []) seen[mark] ??= Date.now();
})).observe(document, {subtree: true, childList: true, characterData: true});
"""

SHOWN = """(marks) => {
  const text = document.querySelector("#timeline").textContent;
  return marks.filter((each) => text.includes(each)).length;
}"""
"""How many of these marks the timeline shows."""


class Sizes(NamedTuple):
    """``offline``: seconds. ``real``: pages among the ``desktops``; ``many``: followers by protocol alone."""

    events: int = 10_000
    rounds: int = 30
    offline: float = 60.0
    real: int = 3
    desktops: int = 50
    many: int = 500


class Api:
    """The hub by its API."""

    def __init__(self, hub: Running, key: str, http: httpx2.AsyncClient) -> None:
        self.url, self.key, self.pid = hub.url, key, hub.process.pid
        self._http = http
        self._sent = 0

    async def say(self, count: int = 1) -> str:
        """Append messages of the customer. Returns the mark that the last one's text begins with."""
        events = [self._message() for _ in range(count)]
        answer = await self._http.post(
            f"{self.url}/v1/events", json=events, headers={"content-type": "application/cloudevents-batch+json"}
        )
        assert answer.status_code == 202, answer.text
        assert answer.json()["rejected"] == [], answer.text
        return f"mark-{self._sent}-"

    def _message(self) -> dict[str, Any]:
        self._sent += 1
        party = {
            "role": "customer",
            "name": "Ana Silva",
            "identifiers": [{"kind": "email", "value": "ana@example.com", "weight": "proved"}],
        }
        text = f"mark-{self._sent}- I was charged twice for my order, and the parcel was to come on Monday."
        data = {
            "channel": "chat", "interaction": f"chat-{self._sent // 20}", "direction": "inbound",
            "participants": [party], "message": {"id": f"m-{self._sent}", "text": text},
        }  # fmt: skip
        named = {"specversion": "1.0", "id": f"m-{self._sent}", "source": SOURCE, "type": "cx.message.received.v1"}
        return {**named, "data": data}

    async def context(self) -> dict[str, Any]:
        """The customer's context, once it has all that was sent."""
        query = {"identifier": "email:ana@example.com", "at_least": f"{SOURCE}#m-{self._sent}", "wait": "10s"}
        while (answer := await self._http.get(f"{self.url}/v1/context", params=query)).status_code != 200:
            assert answer.status_code in (404, 503, 504), answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def read(self) -> float:
        """Read the context as it is. Returns the ms that it took."""
        began = time.perf_counter()
        query = {"identifier": "email:ana@example.com"}
        answer = await self._http.get(f"{self.url}/v1/context", params=query)
        assert answer.status_code == 200, answer.text
        return (time.perf_counter() - began) * 1000


async def measured(sizes: Sizes, home: Path) -> dict[str, Any]:
    """Return all figures."""
    # All follow one customer, the dearest case, and no customer gets more than a share of the streams.
    settings = {"CX_HOME": str(home / "hub"), "CX_MAX_STREAMS": str(max(5_000, 40 * sizes.many))}
    with running("up", settings, home / "hub.txt") as hub:
        key = (home / "hub" / "key").read_text(encoding="utf-8").strip()
        headers = {"authorization": f"Bearer {key}"}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=PATIENCE, trust_env=False) as http,
            chromium() as browser,
            visitor(browser) as context,
            visitor(browser) as other,
        ):
            api = Api(hub, key, http)
            for first in range(0, sizes.events, BATCH):
                await api.say(min(BATCH, sizes.events - first))
            customer: str = (await api.context())["body"]["customer"]["id"]
            page = await signed_in(context, api)
            return {
                "paint": await paint(page, api, sizes.rounds),
                "live": await live(page, api, customer, sizes.rounds),
                "offline": await offline(other, api, sizes.offline),
                "desktops": await desktops(browser, api, customer, sizes.real, sizes.desktops - sizes.real),
                "many": await desktops(browser, api, customer, 0, sizes.many),
            }


async def signed_in(context: BrowserContext, api: Api, url: str = "") -> Page:
    """A tab with the customer. ``url``: of the hub, where it is reached by another way."""
    page = await context.new_page()
    await page.add_init_script(PAINTED)
    await page.goto((url or api.url) + ADDRESS)
    await page.get_by_label("Key").fill(api.key)
    await page.get_by_label("Who you are").fill("ben")
    await page.keyboard.press("Enter")
    await page.wait_for_function("() => paintedAt > 0")
    return page


async def paint(page: Page, api: Api, rounds: int) -> dict[str, Any]:
    """Open the customer again and again, and read the same by the API in between."""
    read, painted, whole = [], [], []
    for _ in range(rounds):
        read.append(await api.read())
        await page.goto(api.url + ADDRESS)
        await page.wait_for_function("() => wholeAt > 0")  # so that no round begins while the page before still works
        painted.append(float(await page.evaluate("paintedAt")))
        whole.append(float(await page.evaluate("wholeAt")))
    told, bound = spread(painted), {name: round(2.5 * each + 150, 1) for name, each in spread(read).items()}
    return {
        "ms": told,
        "api_ms": spread(read),
        "bound_ms": bound,
        "holds": holds(told, bound),
        "whole_ms": spread(whole),
    }


async def live(page: Page, api: Api, customer: str, rounds: int) -> dict[str, Any]:
    """Say something, and see when page and stream have it."""
    painted, streamed = [], []
    async with following(api.url, f"/v1/stream?customer={customer}", api.key) as stream:
        await stream.next("context")
        for _ in range(rounds):
            mark = await api.say()
            accepted = time.time() * 1000
            while mark not in json.dumps((await stream.next("context")).data):
                pass
            streamed.append(max(time.time() * 1000 - accepted, 0.1))
            await page.wait_for_function("(mark) => seen[mark]", arg=mark)
            painted.append(max(float(await page.evaluate("(mark) => seen[mark]", mark)) - accepted, 0.1))
    told, bound = spread(painted), {name: round(2 * each, 1) for name, each in spread(streamed).items()}
    return {"ms": told, "stream_ms": spread(streamed), "bound_ms": bound, "holds": holds(told, bound)}


async def offline(context: BrowserContext, api: Api, seconds: float) -> dict[str, Any]:
    """Break the network to the hub for so long; see whether all that came meanwhile is shown afterwards."""
    with flaky_network(api.url) as network:
        page = await signed_in(context, api, network.url)
        await page.locator(".rail").wait_for()
        network.down = True
        network.cut()
        marks = [await api.say() for _ in range(UPDATES)]
        await asyncio.sleep(seconds)
        shown_before = await page.evaluate(SHOWN, marks)
        network.down = False
        began = time.perf_counter()
        await page.wait_for_function(f"(marks) => ({SHOWN})(marks) === marks.length", arg=marks)
        whole = round(time.perf_counter() - began, 2)
        await page.close()
    return {"seconds": seconds, "came": UPDATES, "shown_before": shown_before, "whole_after_s": whole}


async def desktops(browser: Browser, api: Api, customer: str, real: int, by_protocol: int) -> dict[str, Any]:
    """Have many follow the customer, tell them of updates, and see what each missed and what it costs."""
    before = resident_kib(api.pid)
    async with AsyncExitStack() as stack:
        pages = [await signed_in(await stack.enter_async_context(visitor(browser)), api) for _ in range(real)]
        path = f"/v1/customers/{customer}/stream"
        streams = [await stack.enter_async_context(following(api.url, path, api.key)) for _ in range(by_protocol)]
        refused = [each.problem for each in streams if each.status != 200]
        if refused:
            raise RuntimeError(f"{len(refused)} of {by_protocol} streams were refused: {refused[0]}")
        now = (await api.context())["body"]["counts"]["events"]
        followers = [Heard(each) for each in streams]
        assert all(await asyncio.gather(*(each.until(now) for each in followers)))
        memory, cpu = resident_kib(api.pid) - before, cpu_seconds(api.pid) or 0.0
        hearing = asyncio.gather(*(each.until(now + UPDATES) for each in followers))
        marks = []
        for _ in range(UPDATES):
            marks.append(await api.say())
            await asyncio.sleep(1 / UPDATES)
        missed = (await hearing).count(False)
        for page in pages:
            await page.wait_for_function(f"(marks) => ({SHOWN})(marks) === marks.length", arg=marks)
        spent = (cpu_seconds(api.pid) or 0.0) - cpu
    followed_by = real + by_protocol
    return {
        "real": real,
        "by_protocol": by_protocol,
        "missed": missed,
        "memory_kib_each": round(memory / followed_by, 1),
        "cpu_ms_an_update_each": round(spent * 1000 / UPDATES / followed_by, 3),
    }


class Heard:
    """What one follower was told. ``highest``: the most events that a context of the customer counted."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self.highest = 0

    async def until(self, events: int) -> bool:
        """Read on until a context counts so many. Returns False where the time runs out or the stream ends before."""
        try:
            while self.highest < events:
                told = (await self._stream.next("context")).data
                self.highest = max(self.highest, told["body"]["counts"]["events"])
        except (TimeoutError, EOFError):
            return False
        return self.highest == events


def spread(values: Sequence[float]) -> dict[str, float]:
    """Return the median and the 95th percentile."""
    cuts = quantiles(values, n=20, method="inclusive") if len(values) > 1 else [values[0]] * 19
    return {"p50": round(cuts[9], 1), "p95": round(cuts[18], 1)}


def holds(told: dict[str, float], bound: dict[str, float]) -> bool:
    return all(told[name] <= bound[name] for name in bound)


def resident_kib(pid: int) -> int:
    """Return the memory of a process; proc_pid_statm(5), in pages of 4 KiB."""
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * 4


def sizes_of(arguments: Sequence[str]) -> Sizes:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.pages.measure")
    for name, value in Sizes()._asdict().items():
        parser.add_argument(f"--{name}", type=type(value), default=value)
    return Sizes(**vars(parser.parse_args(arguments)))


async def main(sizes: Sizes) -> None:
    with tempfile.TemporaryDirectory() as home:
        print(json.dumps(await measured(sizes, Path(home)), indent=2))


if __name__ == "__main__":
    asyncio.run(main(sizes_of(sys.argv[1:])))

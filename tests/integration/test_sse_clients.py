"""Customers followed by clients that others wrote, over a restart of the API: they miss nothing."""

from __future__ import annotations

import asyncio
import json
import queue
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from httpx_sse import connect_sse
from sseclient import SSEClient
from tests.api import KEYS, running_api
from tests.patience import PATIENCE

from cx_events.ids import text_of
from cx_events.testing.builders import ACME, SECOND, START, an_event

ANA = text_of(ACME.profile("email", "", "ana@example.com"))


class Told(NamedTuple):
    """What a client tells of an event: its name, its id and its data."""

    name: str
    id: str
    state: dict[str, Any]


Read = Callable[[httpx.Client, str, dict[str, str]], Iterator[Told]]


def by_httpx_sse(client: httpx.Client, url: str, headers: dict[str, str]) -> Iterator[Told]:
    with connect_sse(client, "GET", url, headers=headers) as source:
        source.response.raise_for_status()
        for event in source.iter_sse():
            yield Told(event.event, event.id, event.json())


def by_sseclient(client: httpx.Client, url: str, headers: dict[str, str]) -> Iterator[Told]:
    with client.stream("GET", url, headers=headers) as response:
        response.raise_for_status()
        for event in SSEClient(response.iter_bytes()).events():
            yield Told(event.event, event.id, json.loads(event.data))


class Follower:
    """A program that follows until it is told to end, and comes again with the latest id whenever its stream ends.

    ``url``: where the API is. ``resumed``: the ids with which it came again."""

    def __init__(self, read: Read, url: str) -> None:
        self.url = url
        self.resumed: list[str] = []
        self.over = threading.Event()
        self._read = read
        self._told: queue.Queue[Told] = queue.Queue()

    def run(self) -> None:
        last = ""
        with httpx.Client(timeout=PATIENCE) as client:
            while not self.over.is_set():
                headers = {"authorization": f"Bearer {KEYS['reader']}"}
                if last:
                    headers["last-event-id"] = last
                try:
                    for told in self._read(client, f"{self.url}/v1/customers/{ANA}/stream", headers):
                        if last and headers.get("last-event-id") == last:
                            self.resumed.append(last)
                        last = told.id
                        self._told.put(told)
                except httpx.TransportError:
                    time.sleep(0.02)

    async def next(self) -> Told:
        return await asyncio.to_thread(self._told.get, timeout=PATIENCE)


def said(number: int) -> Any:
    at = START + number * SECOND
    return an_event(id=f"m-{number}", email="ana@example.com", interaction="chat-1", text=f"word {number}", at=at)


@pytest.mark.parametrize("read", [by_httpx_sse, by_sseclient])
async def test_a_restart_of_the_api_hides_nothing(read: Read, tmp_path: Path) -> None:
    async with running_api(tmp_path, heartbeat=60.0) as hub:
        await hub.happen(said(1))
        follower = Follower(read, hub.url)
        running = asyncio.create_task(asyncio.to_thread(follower.run))
        first = await follower.next()
        await hub.api.subscriptions.wanted.wait()
        await hub.happen(said(2))
    async with running_api(tmp_path, heartbeat=60.0) as hub:
        await hub.happen(said(3))
        follower.url = hub.url
        told = [first]
        while told[-1].state["body"]["counts"]["messages"] < 3:
            told.append(await follower.next())
        follower.over.set()
    await running
    assert {each.name for each in told} == {"context"}
    versions = [each.state["meta"]["version"] for each in told]
    assert versions == sorted(set(versions))
    assert follower.resumed[:1] == [told[-2].id]
    assert told[-1].state["body"]["timeline"][0]["text"] == "word 3"

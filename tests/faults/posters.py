"""Writers over HTTP that do what the interface asks of them: what was not acknowledged is sent again."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from cx_events.errors import TryLater
from cx_hub.client import Client, connected

Event = dict[str, Any]
AGAIN_SECONDS = 0.5


@dataclass
class Posters:
    """``acknowledged``: (source, id) of what was answered with 202. ``slowest``: of the refusals, in seconds."""

    url: str
    key: str
    acknowledged: set[tuple[str, str]] = field(default_factory=set)
    answers: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0

    async def post_all(self, requests: Iterable[Sequence[Event]], writers: int) -> None:
        """Send every request until it is acknowledged, by so many writers at once."""
        waiting = iter(requests)

        async def write() -> None:
            async with connected(self.url, self.key) as client:
                for events in waiting:
                    await self._post(client, events)

        async with asyncio.TaskGroup() as group:
            for _ in range(writers):
                group.create_task(write())

    async def _post(self, client: Client, events: Sequence[Event]) -> None:
        while True:
            began = time.monotonic()
            try:
                status, answer = await client.send(events)
            except TryLater as error:
                self.slowest = max(self.slowest, time.monotonic() - began)
                self.answers["no answer" if "no answer" in error.detail else "try later"] += 1
                await asyncio.sleep(AGAIN_SECONDS)
                continue
            self.answers[str(status)] += 1
            if status != 202 or answer["rejected"]:
                raise AssertionError(f"{status}: {answer}")
            self.acknowledged.update((each["source"], each["id"]) for each in answer["accepted"])
            return

    def told(self) -> str:
        return ", ".join(f"{count} × {answer}" for answer, count in sorted(self.answers.items()))


def message(number: int, **who: str) -> Event:
    """What a customer wrote, as a client's CloudEvent."""
    return {
        "specversion": "1.0",
        "id": f"m-{number}",
        "source": "//acme.example/chat",
        "type": "cx.message.received.v1",
        "time": f"2026-11-22T10:{number // 60 % 60:02}:{number % 60:02}Z",
        "data": {
            "channel": "chat",
            "interaction": f"chat-{number % 16}",
            "direction": "inbound",
            "participants": [
                {"role": "customer", "identifiers": [{"kind": kind, "value": value} for kind, value in who.items()]}
            ],
            "message": {"id": f"m-{number}", "text": f"word {number}", "content_type": "text/plain"},
        },
    }

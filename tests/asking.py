"""A client that asks again, as Retry-After says, where a loaded machine let an answer's time run out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import httpx2
from tests.patience import PATIENCE


def ran_out(answer: httpx2.Response) -> bool:
    """Return whether store or log did not answer in time (``cx_runtime.answer_deadline``)."""
    return (
        answer.status_code == 503
        and answer.headers.get("content-type", "").endswith("json")
        and answer.json().get("reason") == "try-later"
    )


class PatientClient(httpx2.AsyncClient):
    """``is_patient``: False where an outage is what is tested."""

    is_patient = True

    async def request(self, *args: Any, **more: Any) -> httpx2.Response:
        async with asyncio.timeout(PATIENCE):
            while ran_out(answer := await super().request(*args, **more)) and self.is_patient:
                await asyncio.sleep(0.2)
        return answer


class PatientBlockingClient(httpx2.Client):
    """The same for programs without an event loop."""

    def request(self, *args: Any, **more: Any) -> httpx2.Response:
        ask = super().request
        return asked_patiently(lambda: ask(*args, **more))


def asked_patiently(
    ask: Callable[[], httpx2.Response], is_late: Callable[[httpx2.Response], bool] = ran_out
) -> httpx2.Response:
    """Return the answer of a client that blocks, asked for again likewise. ``is_late``: which answers are."""
    until = time.monotonic() + PATIENCE
    while is_late(answer := ask()) and time.monotonic() < until:
        time.sleep(0.2)
    return answer

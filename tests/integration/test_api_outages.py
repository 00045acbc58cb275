"""A store that is frozen or gone: said in time, and forgotten when it is back."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Iterable, Iterator
from pathlib import Path

import httpx2
import pytest
from tests.api import Running, running_api
from tests.patience import PATIENCE

from cx_events.testing.builders import an_event
from cx_hub import stack

PATH = "/v1/context?identifier=email:ana@example.com"
pytestmark = [pytest.mark.postgres, pytest.mark.fault]


async def served_again(hub: Running) -> httpx2.Response:
    """The first answer that is not 503."""
    async with asyncio.timeout(PATIENCE):
        while (answer := await hub.get(PATH)).status_code == 503:
            await asyncio.sleep(0.1)
    return answer


def backends(server: int) -> list[int]:
    """The processes of a PostgreSQL server that serve its connections."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[1]) == server:
                found.append(int(stat.parent.name))
    return found


def signal_all(processes: Iterable[int], what: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, what)


@contextlib.contextmanager
def frozen(home: Path) -> Iterator[None]:
    server = stack.status(home)["postgres"].pid
    assert server is not None
    stack.freeze(home, "postgres")
    stopped = backends(server)
    signal_all(stopped, signal.SIGSTOP)
    try:
        yield
    finally:
        signal_all(stopped, signal.SIGCONT)
        stack.thaw(home, "postgres")


@contextlib.contextmanager
def killed(home: Path) -> Iterator[None]:
    stack.kill(home, "postgres")
    try:
        yield
    finally:
        stack.start(home, {"postgres"})


async def test_every_route_answers_503_while_the_store_hangs(
    breakable_home: Path, breakable_database: str, tmp_path: Path
) -> None:
    async with running_api(tmp_path, breakable_database) as hub:
        await hub.happen(an_event(id="m-1", email="ana@example.com", interaction="chat-42", text="Hello"))
        body = (await hub.get(PATH)).json()["body"]
        customer, conversation = body["customer"]["id"], body["conversations"][0]["id"]
        hub.client.is_patient = False
        for outage in (frozen, killed):
            with outage(breakable_home):
                answers = await asyncio.gather(
                    *(hub.get(PATH) for _ in range(5)),
                    hub.get(f"/v1/customers/{customer}/timeline"),
                    hub.get(f"/v1/customers/{customer}/identity"),
                    hub.get("/v1/context?interaction=chat-42"),
                    hub.get(f"{PATH}&at_least=x%23y&wait=10s"),
                    hub.post(f"/v1/conversations/{conversation}/notes", {"note": "x", "agent": {"id": "a"}}),
                    hub.post("/v1/identity/merge", {"a": customer, "b": conversation, "reason": "x"}),
                )
            assert [answer.status_code for answer in answers] == [503] * len(answers)
            assert all(int(answer.headers["retry-after"]) >= 1 for answer in answers)
            assert (await served_again(hub)).json()["body"] == body

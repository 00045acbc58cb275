"""Subscriptions as operators meet them: configured, served by a process that may be killed, shown, paused, retried."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml
from tests.asking import PatientClient
from tests.described import HELD
from tests.patience import PATIENCE
from tests.processes import Running, bare_environment, running
from tests.receiver import LOCAL, OK, Got, Receiver, answer, receiving
from tests.subscribing import SECRET, customer_of

from cx_events.errors import Fatal
from cx_runtime.outbound.reach import Reach
from cx_runtime.outbound.sender import open_sender
from cx_runtime.outbound.signatures import Signatures
from cx_runtime.tenants import load

pytestmark = pytest.mark.clock

KEY = "a-key-of-operators"
URL = "https://crm.example.com/hooks"


def config(folder: Path, **subscription: Any) -> Path:
    path = folder / "cx.yaml"
    body = {
        "id_key": "acme example key",
        "keys": [{"id": "ops", "secret": KEY, "scopes": ["*"]}],
        "subscriptions": {"crm": {"url": URL, "secrets": [SECRET], "since": "beginning", **subscription}},
    }
    path.write_text(yaml.safe_dump({"tenants": {"acme": body}}), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"url": "ftp://crm.example.com"}, "subscriptions.crm.url: .*https://"),
        ({"url": "https://user:hunter2@crm.example.com"}, "subscriptions.crm.url: "),
        ({"secrets": []}, "subscriptions.crm.secrets: "),
        ({"secrets": ["whsec_short"]}, "subscriptions.crm.secrets: .*whsec_"),
        ({"what": "everything"}, "subscriptions.crm.what: "),
        ({"filter": "type=="}, "subscriptions.crm: .*the filter: .*character"),
        ({"filter": "colour=red"}, "subscriptions.crm: .*the filter: .*colour"),
        ({"filtre": "type=*"}, "subscriptions.crm.filtre: "),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path: Path, wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(Fatal, match=told) as error:
        load(config(tmp_path, **wrong), tmp_path, {})
    assert "hunter2" not in str(error.value) and "short" not in str(error.value)


def test_a_secret_serves_one_tenant_alone(tmp_path: Path) -> None:
    path = config(tmp_path)
    both = yaml.safe_load(path.read_text())
    both["tenants"]["other"] = {**both["tenants"]["acme"], "id_key": "other example key", "keys": []}
    path.write_text(yaml.safe_dump(both), encoding="utf-8")
    with pytest.raises(Fatal, match="is the same secret as"):
        load(path, tmp_path, {})


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


def settings(folder: Path, receiver: Receiver, **subscription: Any) -> dict[str, str]:
    return {
        "CX_HOME": str(folder / "home"),
        "CX_CONFIG": str(config(folder, url=receiver.url(), **subscription)),
        "CX_OUTBOUND_NETWORKS": LOCAL,
    }


def event(customer: str, number: int) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": f"{customer}-{number}",
        "source": "//acme.example/chat",
        "type": "cx.message.received.v1",
        "data": {
            "channel": "chat",
            "interaction": f"chat-{customer}",
            "participants": [
                {"role": "customer", "identifiers": [{"kind": "email", "value": f"{customer}@example.com"}]}
            ],
            "message": {"id": f"{customer}-{number}", "text": "hello", "content_type": "text/plain"},
        },
    }


async def send(url: str, events: list[dict[str, Any]]) -> None:
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/cloudevents-batch+json"}
    async with PatientClient(event_hooks=HELD, trust_env=False, timeout=PATIENCE) as http:
        answered = await http.post(f"{url}/v1/events", content=json.dumps(events), headers=headers)
    assert answered.status_code == 202, answered.text


async def until_taken(receiver: Receiver, count: int) -> None:
    """Wait until so many different messages have arrived."""
    async with asyncio.timeout(PATIENCE):
        while len({got.headers["webhook-id"] for got in receiver.got}) < count:
            receiver.arrived.clear()
            await receiver.arrived.wait()


def told(taken: Sequence[Got]) -> dict[str, list[int]]:
    """Return by customer what was taken, in order, without repeats."""
    first = {got.headers["webhook-id"]: got for got in reversed(taken)}
    found: dict[str, list[int]] = defaultdict(list)
    for got in taken:
        if first.get(got.headers["webhook-id"]) is got:
            customer, number = customer_of(got)
            found[customer].append(number)
    return dict(found)


@asynccontextmanager
async def hub_up(reached: dict[str, str], said: Path) -> AsyncIterator[Running]:
    """``cx up``, started and ended while this process goes on receiving."""
    ground = running("up", reached, said)
    hub = await asyncio.to_thread(ground.__enter__)
    try:
        yield hub
    finally:
        await asyncio.to_thread(ground.__exit__, None, None, None)


async def test_a_killed_process_loses_nothing_and_keeps_order(tmp_path: Path, receiver: Receiver) -> None:
    customers, each = [f"c{number}" for number in range(6)], 20
    taken: list[Got] = []
    failed: set[str] = set()

    def react(got: Got) -> bytes:
        if customer_of(got)[1] == 7 and got.headers["webhook-id"] not in failed:
            failed.add(got.headers["webhook-id"])
            return answer(500)
        taken.append(got)
        return OK

    receiver.react = react
    reached = settings(tmp_path, receiver)
    for number, before_end in enumerate((20, 60, len(customers) * each)):
        async with hub_up(reached, tmp_path / f"said{number}") as hub:
            if not number:
                await send(hub.url, [event(each_one, n) for n in range(1, each + 1) for each_one in customers])
            await until_taken(receiver, before_end)
            if number < 2:
                hub.process.send_signal(signal.SIGKILL)
            else:
                async with asyncio.timeout(PATIENCE):
                    while sum(map(len, told(taken).values())) < before_end:
                        receiver.arrived.clear()
                        await receiver.arrived.wait()
    assert told(taken) == {customer: list(range(1, each + 1)) for customer in customers}


async def command(reached: dict[str, str], *words: str) -> tuple[int, Any, str]:
    """Run ``cx subscriptions``; return its exit, what it printed as JSON, and what it said."""
    asked = [sys.executable, "-m", "cx_hub", "subscriptions", *words, "-o", "json"]
    environment = {**bare_environment(), **reached}
    done = await asyncio.to_thread(subprocess.run, asked, env=environment, capture_output=True, timeout=PATIENCE)
    return done.returncode, json.loads(done.stdout or b"null"), done.stderr.decode()


async def test_operators_see_pause_resume_and_retry(tmp_path: Path, receiver: Receiver) -> None:
    receiver.react = lambda got: answer(500) if customer_of(got)[0] == "ana" else OK
    reached = settings(tmp_path, receiver)
    headers = {"Authorization": f"Bearer {KEY}"}
    async with (
        hub_up(reached, tmp_path / "said") as hub,
        PatientClient(event_hooks=HELD, base_url=hub.url, headers=headers, trust_env=False, timeout=PATIENCE) as http,
    ):
        await send(hub.url, [event("ana", 1), event("ben", 1)])
        await until_taken(receiver, 2)
        shown = await until_shown(http, lambda line: line["waiting_keys"] and line["delivered"])
        assert (shown["state"], shown["delivered"], shown["last_error"][:10]) == ("running", 1, "status-500")
        exit, lines, _ = await command(reached, "list")
        assert exit == 0 and lines[0]["id"] == "crm" and lines[0]["waiting_keys"] == 1

        assert (await http.post("/v1/ops/subscription/pause?id=crm")).status_code == 400
        assert (await http.post("/v1/ops/subscription/pause?id=other&why=x")).status_code == 404
        assert (await http.post("/v1/ops/subscription/pause?id=crm&why=a+move")).status_code == 200
        await until_shown(http, lambda line: line["state"] == "paused")
        exit, _, said = await command(reached, "resume", "other")
        assert exit == 2 and "unknown-subscription" in said
        exit, state, _ = await command(reached, "resume", "crm")
        assert (exit, state) == (0, {"id": "crm", "state": "running"})
        assert (await http.post("/v1/ops/subscription/resume?id=crm")).status_code == 409

        receiver.react = lambda _: OK
        exit, asked, _ = await command(reached, "retry", "crm", "--why", "mended")
        assert exit == 0 and asked["waiting_keys"] <= 1, "its own next attempt may have come before"
        await until_shown(http, lambda line: not line["waiting_keys"])
        exit, whole, _ = await command(reached, "show", "crm")
        assert exit == 0 and whole["waiting"] == [] and len(whole["partitions"]) > 1
        assert "whsec" not in json.dumps(whole)
        events = [json.loads(got.body) for got in receiver.got]
        acts = [each["data"]["attributes"]["act"] for each in events if each["type"].startswith("cx.operations.sub")]
        assert acts == ["paused", "resumed", "retried"], "acts are events of the tenant, and delivered like others"


async def until_shown(http: httpx2.AsyncClient, holds: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    async with asyncio.timeout(PATIENCE):
        while True:
            (line,) = (await http.get("/v1/ops/subscriptions")).json()["items"]
            if holds(line):
                return dict(line)
            await asyncio.sleep(0.1)


async def test_a_key_without_the_scope_sees_nothing(tmp_path: Path, receiver: Receiver) -> None:
    reached = settings(tmp_path, receiver)
    async with (
        hub_up(reached, tmp_path / "said") as hub,
        PatientClient(event_hooks=HELD, base_url=hub.url, trust_env=False, timeout=PATIENCE) as http,
    ):
        assert (await http.get("/v1/ops/subscriptions")).status_code == 401
        assert (await http.get("/readyz")).json()["parts"]["subscription acme/crm"]["ok"]


async def test_the_guides_receiver_takes_what_is_signed_once(receiver: Receiver) -> None:
    guide = (Path(__file__).parents[2] / "docs" / "integrating.md").read_text(encoding="utf-8")
    source = next(block for block in guide.split("```python\n")[1:] if "standardwebhooks" in block).partition("```")[0]
    names: dict[str, Any] = {}
    exec(source, names)
    body = b'{"type": "cx.message.received.v1", "id": "m-1"}'
    async with open_sender(Reach.parse(LOCAL)) as sender:
        await sender.post(receiver.url(), body, "msg_1", Signatures((SECRET,)))
    (got,) = receiver.got
    seen: set[str] = set()
    assert [names["received"](got.body, got.headers, SECRET, seen) for _ in range(2)] == [204, 204]
    assert seen == {"msg_1"}
    assert names["received"](got.body + b" ", got.headers, SECRET, seen) == 401

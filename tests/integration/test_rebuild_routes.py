"""A rebuild over HTTP, as a console drives it: started, reviewed, exchanged, undone and dropped, each with a reason."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from tests.asking import PatientBlockingClient
from tests.described import HELD_BLOCKING
from tests.patience import PATIENCE
from tests.processes import running

pytestmark = pytest.mark.clock

REBUILDS = "/v1/ops/rebuilds"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    """A key of the only tenant, at a hub that has a few events."""
    home = tmp_path_factory.mktemp("home")
    with running("up", {"CX_HOME": str(home)}, home / "said") as hub:
        headers = {"Authorization": f"Bearer {(home / 'key').read_text().strip()}"}
        with PatientBlockingClient(
            event_hooks=HELD_BLOCKING, base_url=hub.url, headers=headers, timeout=PATIENCE
        ) as client:
            sent = client.post("/v1/events", content=json.dumps(events()), headers=BATCH)
            assert sent.status_code == 202, sent.text
            until(lambda: client.get("/v1/context", params={"identifier": "email:ana@example.com"}).status_code == 200)
            yield client


BATCH = {"content-type": "application/cloudevents-batch+json"}


def events() -> list[dict[str, Any]]:
    people = [{"role": "customer", "identifiers": [{"kind": "email", "value": "ana@example.com"}]}]
    return [
        {"specversion": "1.0", "id": f"m-{n}", "source": "//acme.example/chat", "type": "cx.message.received.v1",
         "data": {"channel": "chat", "interaction": "chat-1", "participants": people,
                  "message": {"id": f"m-{n}", "text": "hello"}}}
        for n in range(5)
    ]  # fmt: skip


def until(holds: Any) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.05)


def act(client: httpx2.Client, name: str, **query: str) -> httpx2.Response:
    return client.post(f"{REBUILDS}/context/{name}", params={"why": "the fold changed", **query})


def until_phase(client: httpx2.Client, phase: str) -> Any:
    found: dict[str, Any] = {}

    def there() -> bool:
        found.update(client.get(f"{REBUILDS}/context").json())
        return found["phase"] == phase and not found["owner"]

    until(there)
    return found


def test_a_rebuild_goes_its_whole_way_over_http(client: httpx2.Client) -> None:
    assert client.get(REBUILDS).json()["items"] == []
    assert client.get(f"{REBUILDS}/context").status_code == 404
    assert client.get(f"{REBUILDS}/context/plan").json()["events"] >= 5
    assert act(client, "start", review="true").status_code == 202
    compared = until_phase(client, "compared")
    assert (compared["report"]["customers"], compared["report"]["differing"]) == (1, 0)
    assert compared["fold"]["outdated"] is False
    again = act(client, "start")
    assert (again.status_code, again.json()["reason"]) == (409, "rebuild-unfinished")
    assert act(client, "exchange").status_code == 202
    until_phase(client, "switched")
    assert act(client, "undo", rate="1000", workers="2").status_code == 202
    until_phase(client, "undone")
    assert act(client, "drop").status_code == 200
    done = client.get(REBUILDS).json()["items"][0]
    assert done["phase"] == "dropped"
    by_operator = [one for one in done["acts"] if one["why"]]
    assert [one["what"] for one in by_operator] == ["begin", "resume", "undo", "drop"]
    assert {(one["who"], one["why"]) for one in by_operator} == {("key/local", "the fold changed")}
    assert told(client) == ["drop", "exchange", "start", "undo"]


def told(client: httpx2.Client) -> list[str]:
    """Return the acts that the log tells of."""
    page = client.get("/v1/ops/log", params={"type": "cx.operations.contexts_rebuilt.v1", "form": "decoded"}).json()
    return sorted(item["value"]["data"]["attributes"]["act"] for item in page["items"])


@pytest.mark.parametrize("name", ["start", "exchange", "resume", "pause", "cancel", "undo", "drop"])
def test_an_act_without_a_reason_is_refused(client: httpx2.Client, name: str) -> None:
    answer = client.post(f"{REBUILDS}/context/{name}")
    assert (answer.status_code, answer.json()["reason"]) == (400, "no-reason")


@pytest.mark.parametrize("query", [{"rate": "0"}, {"workers": "many"}, {"review": "perhaps"}, {"speed": "10"}])
def test_a_query_that_cannot_be_is_refused(client: httpx2.Client, query: dict[str, str]) -> None:
    assert act(client, "start", **query).status_code == 400

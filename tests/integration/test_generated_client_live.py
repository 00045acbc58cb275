"""A client that a generator made of the document which a live hub serves, used against that hub."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import httpx
import pytest
from tests.clients.live_hub import KEY, LiveHub, live_hub
from tests.openapi_files import documents
from tests.patience import PATIENCE
from tests.unit.test_generated_client import generate

from cx_events.catalogue import catalogue

pytestmark = pytest.mark.clock

PACKAGE = "generated_hub_client"


@pytest.fixture(scope="module")
def hub() -> Iterator[LiveHub]:
    with live_hub() as running:
        yield running


@pytest.fixture(scope="module")
def client(hub: LiveHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A client with all scopes, of a package that was generated of what the hub serves."""
    folder: Path = tmp_path_factory.mktemp("client")
    with urlopen(f"{hub.url}/openapi.json") as answer:
        document = answer.read()
    assert json.loads(document) == documents()["hub"]
    (folder / "hub.json").write_bytes(document)
    generate(folder / "hub.json", folder / PACKAGE)
    sys.path.insert(0, str(folder))
    try:
        yield importlib.import_module(PACKAGE).AuthenticatedClient(
            base_url=hub.url, token=KEY, timeout=httpx.Timeout(PATIENCE)
        )
    finally:
        sys.path.remove(str(folder))


def operation(tag: str, name: str) -> Any:
    return importlib.import_module(f"{PACKAGE}.api.{tag}.{name}")


def model(name: str) -> Any:
    return getattr(importlib.import_module(f"{PACKAGE}.models"), name)


def test_every_module_of_the_client_is_imported(client: Any) -> None:
    folder = Path(importlib.import_module(PACKAGE).__file__ or "").parent
    for path in folder.glob("api/*/*.py"):
        importlib.import_module(f"{PACKAGE}.api.{path.parent.name}.{path.stem}")


def test_a_generated_client_sends_reads_and_writes(client: Any) -> None:
    example = dict(catalogue()["cx.message.received.v1"].example)
    event = model("CloudEvent").from_dict(example)
    taken = operation("events", "send_events").sync(client=client, body=event)
    assert [(each.source, each.id) for each in taken.accepted] == [(example["source"], example["id"])]
    name = f"{example['source']}#{example['id']}"
    read = operation("contexts", "get_context").sync(
        client=client, identifier="email:ana@example.com", at_least=[name], wait="30s"
    )
    assert isinstance(read.body, model("ContextBody"))
    assert read.body.counts.messages == 1
    (thread,) = read.body.conversations
    note = model("Note")(note="refund released", agent=model("Agent")(id="ben", name="Ben"))
    noted = operation("conversations", "add_note").sync(str(thread.id), client=client, body=note)
    assert noted.event.id
    shown = operation("events", "get_event").sync(client=client, source=example["source"], id=example["id"])
    assert shown.event.data.message.text == example["data"]["message"]["text"]
    lag = operation("ops", "get_lag").sync(client=client)
    assert {each.topic for each in lag.items} == {"cx.interactions", "cx.dead-letters"}


def test_a_generated_client_reads_problems(client: Any) -> None:
    nobody = operation("contexts", "get_context").sync_detailed(client=client, identifier="email:nobody@example.com")
    assert nobody.status_code == 404
    assert nobody.parsed.reason == "unknown-customer"
    refused = operation("events", "send_events").sync(client=client, body=model("CloudEvent").from_dict(
        {"specversion": "1.0", "id": "x", "source": "//throughline/acme/x", "type": "cx.message.received.v1"}
    ))  # fmt: skip
    assert [each.reason for each in refused.rejected] == ["reserved-source"]


def test_a_generated_client_reads_health_and_text(client: Any) -> None:
    assert operation("process", "get_readiness").sync(client=client).ok
    script = operation("chat", "get_chat_script").sync_detailed(client=client)
    assert script.status_code == 200

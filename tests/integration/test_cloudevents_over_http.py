"""What the official SDKs send over HTTP, in each of their modes, is one event."""

from __future__ import annotations

import http.client
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio.to_thread
import pytest
from cloudevents.core.bindings.http import to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent
from cloudevents.v1.conversion import to_binary, to_structured
from cloudevents.v1.http import CloudEvent as OldCloudEvent
from tests.channels import WRITER, Hub, running_hub
from tests.patience import PATIENCE

pytestmark = pytest.mark.clock

ATTRIBUTES = {"specversion": "1.0", "type": "cx.message.received.v1", "source": "//acme.example/chat", "id": "café 1"}
DATA = {"channel": "chat", "interaction": "chat-42", "message": {"id": "m-1", "text": "€ 20 — twice"}}


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    async with running_hub(tmp_path) as running:
        yield running


async def post(hub: Hub, headers: Mapping[str, str], body: bytes) -> tuple[int, Any]:
    """Send these headers and no others: most clients would add a content type of their own."""

    def send() -> tuple[int, Any]:
        while True:
            connection = http.client.HTTPConnection(urlsplit(hub.url).netloc, timeout=PATIENCE)
            connection.request("POST", "/v1/events", body, {**headers, "authorization": f"Bearer {WRITER}"})
            response = connection.getresponse()
            if response.status != 503:
                return response.status, json.load(response)

    return await anyio.to_thread.run_sync(send)


def sent_by_sdk(mode: str) -> tuple[Mapping[str, str], bytes]:
    """Return what the Python SDK makes of the event: its headers and its body."""
    if mode in ("binary", "structured"):
        message = (to_binary_event if mode == "binary" else to_structured_event)(CloudEvent(dict(ATTRIBUTES), DATA))
        return message.headers, message.body
    escaped = {**ATTRIBUTES, "id": "caf%C3%A9%201"} if "binary" in mode else ATTRIBUTES  # it escapes no header
    old = OldCloudEvent(escaped, json.dumps(DATA).encode() if "bytes" in mode else DATA)
    headers, body = (to_binary if "binary" in mode else to_structured)(old)
    return headers, body


@pytest.mark.parametrize(
    "mode", ["binary", "structured", "old binary", "old structured", "old binary of bytes", "old structured of bytes"]
)
async def test_each_mode_of_the_python_sdk_is_accepted(hub: Hub, mode: str) -> None:
    headers, body = sent_by_sdk(mode)
    if "binary" in mode:
        assert "content-type" not in {name.lower() for name in headers}
    if mode == "old structured of bytes":
        assert b"data_base64" in body
    assert await post(hub, headers, body) == (
        202,
        {"accepted": [{"source": ATTRIBUTES["source"], "id": ATTRIBUTES["id"]}], "rejected": []},
    )
    (stored,) = await hub.events()
    assert {name: stored[name] for name in ATTRIBUTES} == ATTRIBUTES
    assert stored["data"] == DATA and "data_base64" not in stored


async def test_what_is_no_json_says_so(hub: Hub) -> None:
    headers, body = sent_by_sdk("binary")
    status, answer = await post(hub, headers, body[:-1])
    assert status == 422
    assert "JSON" in answer["rejected"][0]["detail"], answer
    assert await hub.events() == []

"""Follow a customer with npm's eventsource while the hub restarts; needs Node."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import httpx2
from tests.clients import node_client
from tests.clients.live_hub import KEY, LiveHub, live_hub
from tests.patience import PATIENCE

ANA = "ana@example.com"


def send(hub: LiveHub, number: int) -> dict[str, Any]:
    """Send a message of Ana's, and return her context with it."""
    event = {
        "specversion": "1.0",
        "id": f"m-{number}",
        "source": "//acme.example/chat",
        "type": "cx.message.received.v1",
        "data": {
            "channel": "chat",
            "interaction": "chat-1",
            "participants": [{"role": "customer", "identifiers": [{"kind": "email", "value": ANA}]}],
            "message": {"id": f"m-{number}", "text": f"word {number}"},
        },
    }
    with httpx2.Client(base_url=hub.url, headers={"authorization": f"Bearer {KEY}"}, timeout=PATIENCE) as client:
        client.post("/v1/events", json=event).raise_for_status()
        asked = {"identifier": f"email:{ANA}", "at_least": f"//acme.example/chat#m-{number}", "wait": "30s"}
        return client.get("/v1/context", params=asked).raise_for_status().json()  # type: ignore[no-any-return]


def until(client: subprocess.Popen[str], messages: int) -> list[dict[str, Any]]:
    """Return what the client tells, up to the state with so many messages."""
    assert client.stdout is not None
    told: list[dict[str, Any]] = []
    while not told or told[-1].get("messages") != messages:
        line = client.stdout.readline()
        assert line, "the client ended"
        told.append(json.loads(line))
        assert "error" not in told[-1], told[-1]
    return told


def main() -> None:
    with live_hub() as hub:
        customer = send(hub, 1)["body"]["customer"]["id"]
        with node_client.start("eventsource.mjs", hub.environment(), customer) as client:
            try:
                told = until(client, 1)
                send(hub, 2)
                told += until(client, 2)
                before = told[-1]["resumed"]
                hub.stop()
                hub.start()
                send(hub, 3)
                told += until(client, 3)
            finally:
                client.terminate()
    versions = [each["version"] for each in told]
    assert versions == sorted(set(versions)), versions
    assert told[-1]["resumed"] > before, "it did not come again with Last-Event-ID"
    print(f"{len(told)} states in order, over a restart of the hub")


if __name__ == "__main__":
    main()

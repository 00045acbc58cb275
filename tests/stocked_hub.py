"""A hub in a process of its own that holds a bit of everything that commands print."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import yaml
from tests.asking import asked_patiently
from tests.patience import PATIENCE
from tests.processes import running

from cx_channels.kit.signing import sign

PUBLIC_URL = "https://hub.example.com"
TWILIO_SECRET = "a secret of twilio"
KEY = "a key that may do everything"
SOURCE = "//acme.example/a-chat-with-a-name-that-is-longer-than-forty-columns"
CONFIGURATION: Mapping[str, Any] = {
    "tenants": {
        "acme": {
            "id_key": "a lasting key of acme",
            "keys": [{"id": "everything", "secret": KEY, "scopes": ["*"]}],
            "agents": {"mia": {"name": "Mia", "ids": {"any": "mia@acme.example"}, "teams": ["support"]}},
            "connections": {
                "acme-calls": {"provider": "voice/twilio", "secrets": [TWILIO_SECRET]},
                "acme-chat": {"provider": "chat/webchat", "secrets": ["a secret of the chat"]},
                "acme-mail": {"provider": "email/mime", "settings": {"addresses": ["support@acme.example"]}},
            },
            "subscriptions": {
                "to-nobody-who-would-take-them-and-with-a-long-name": {
                    "url": "http://127.0.0.1:9/hook",
                    "secrets": ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
                    "since": "beginning",
                }
            },
        }
    }
}
PHONE = "+15550100123"
SHARED_PHONE = "+15550100177"
OTHERS = ("cem@example.com", "dot@example.com")
"""Who share that phone."""


@dataclass
class StockedHub:
    """``names``: what the hub gave: ids of a ``customer``, a ``conversation`` and a dead ``letter``, the event that
    requested a ``handoff``, and the ``time`` to which all is known."""

    url: str
    home: Path
    settings: Mapping[str, str]
    names: dict[str, str] = field(default_factory=dict)

    def post(self, path: str, body: object, **query: str) -> Any:
        """Return the answer to a request that must succeed."""
        headers = {"authorization": f"Bearer {KEY}"}
        answer = asked_patiently(
            lambda: httpx2.post(
                f"{self.url}{path}", json=body, params=query, headers=headers, timeout=PATIENCE, trust_env=False
            )
        )
        assert answer.is_success, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    def call_without_an_adapter(self, name: str, value: str) -> None:
        """Let Twilio send a request of one field, which becomes a dead letter."""
        signature = sign(TWILIO_SECRET, f"{PUBLIC_URL}/v1/hooks/acme-calls{name}{value}".encode(), "sha1", "base64")
        headers = {"content-type": "application/x-www-form-urlencoded", "x-twilio-signature": signature}
        at = f"{self.url}/v1/hooks/acme-calls"
        answer = asked_patiently(
            lambda: httpx2.post(at, content=f"{name}={value}", headers=headers, trust_env=False, timeout=PATIENCE)
        )
        assert answer.is_success, answer.text


def message(id: str, interaction: str, *identifiers: tuple[str, str], weight: str = "claimed") -> dict[str, Any]:
    """Return a message of a customer."""
    named = [{"kind": kind, "value": value, "weight": weight} for kind, value in identifiers]
    return {
        "specversion": "1.0",
        "id": id,
        "source": SOURCE,
        "type": "cx.message.received.v1",
        "data": {
            "channel": "chat",
            "interaction": interaction,
            "direction": "inbound",
            "participants": [{"role": "customer", "name": "Ana", "identifiers": named}],
            "references": [{"kind": "order", "value": "4711"}],
            "message": {"id": id, "text": "I was charged twice. " * 12 + "\nWhat now?", "content_type": "text/plain"},
        },
    }


EVENTS = (
    message("m-1", "chat-42", ("email", "ana@example.com"), ("phone", PHONE), weight="asserted"),
    *(
        message(f"shared-{at}", f"call-{at}", ("email", other), ("phone", SHARED_PHONE), weight="asserted")
        for at, other in enumerate(OTHERS)
    ),
    message("m-2", "6f0d6b2e-8f0a-4f5e-9a44-0d7f7f6f0001", ("email", "eva@example.com")),
)


@contextmanager
def stocked_hub(home: Path) -> Iterator[StockedHub]:
    """Start the hub, and fill it."""
    (home / "config.yaml").write_text(yaml.safe_dump(CONFIGURATION), encoding="utf-8")
    settings = {
        "CX_HOME": str(home / "home"),
        "CX_CONFIG": str(home / "config.yaml"),
        "CX_PUBLIC_URL": PUBLIC_URL,
        "CX_OUTBOUND_NETWORKS": "127.0.0.1",
    }
    with running("up", settings, home / "said") as process:
        hub = StockedHub(process.url, home, {**settings, "CX_URL": process.url, "CX_KEY": KEY})
        _fill(hub)
        yield hub


def _fill(hub: StockedHub) -> None:
    hub.post("/v1/events", list(EVENTS))
    for event in EVENTS:
        at_least = {"at_least": f"{SOURCE}#{event['id']}", "wait": "60s"}
        found = hub.post("/v1/context/lookup", {"interaction": event["data"]["interaction"]}, **at_least)
        if event["id"] == "m-1":
            hub.names["customer"] = found["body"]["customer"]["id"]
            hub.names["conversation"] = found["body"]["conversations"][0]["id"]
    handoff = {"to": "human", "reason": "refund", "agent": {"id": "ben", "name": "Ben"}}
    told = hub.post(f"/v1/conversations/{hub.names['conversation']}/handoffs", handoff)["event"]
    hub.names["handoff"] = f"{told['source']}#{told['id']}"
    last = hub.post("/v1/context/lookup", {"interaction": "chat-42"}, at_least=hub.names["handoff"], wait="60s")
    hub.names["time"] = last["meta"]["current_to"]
    for number in range(2):
        hub.call_without_an_adapter("ApplicationSid", f"AP{number:032}")
        hub.call_without_an_adapter("MessageSid", f"SM{number:032}")
    _until_letters(hub, 4)


def _until_letters(hub: StockedHub, count: int) -> None:
    until = time.monotonic() + PATIENCE
    headers = {"authorization": f"Bearer {KEY}"}
    while True:
        answer = httpx2.get(f"{hub.url}/v1/ops/dead-letters", headers=headers, timeout=PATIENCE, trust_env=False)
        if len(letters := json.loads(answer.content)["items"]) >= count:
            hub.names["letter"] = next(each["id"] for each in letters if each["reason"] != "no-adapter-yet")
            return
        assert time.monotonic() < until, answer.text
        time.sleep(0.1)

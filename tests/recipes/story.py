"""A hub in a process of its own, and a customer who was charged twice and said so in a chat, logged in.

``Ana``, account A-7, +15550100123: the CRM asserts them. Calls ring under ids that each test makes for itself.
"""

from __future__ import annotations

import json
import re
import shutil
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import yaml
from tests.patience import PATIENCE
from tests.processes import running

RECIPES = Path(__file__).parents[2] / "docs" / "recipes"

ALL, IVR, PIN, BOT = "a-key-of-all-scopes", "a-key-of-the-menu", "a-key-that-checks-pins", "a-key-of-a-bot"
ACCOUNT, PHONE, EMAIL = "A-7", "+15550100123", "ana@example.com"
CHAT, STRANGERS_CHAT = "acme-chat/ana", "acme-chat/stranger"
SOURCE = "//acme.example/story"

CONFIG: dict[str, Any] = {
    "id_key": "a lasting secret of the recipes",
    "keys": [
        {"id": "all", "secret": ALL, "scopes": ["*"]},
        {"id": "ivr", "secret": IVR, "scopes": ["context:read", "events:write", "identity:assert"]},
        {"id": "pin", "secret": PIN, "scopes": ["events:write", "identity:prove"]},
        {
            "id": "bot",
            "secret": BOT,
            "scopes": ["context:read", "events:write", "conversations:write"],
            "required_assurance": "asserted",
        },
    ],
}


@dataclass
class Hub:
    """``url``: where it listens. ``recipes``: those that ask it."""

    url: str
    recipes: Path = RECIPES

    def time_out(self, seconds: float) -> float:
        """Return a vendor's time-out, or patience where the recipes have it."""
        return seconds if self.recipes == RECIPES else PATIENCE

    def ask(self, path: str, body: Any = None, key: str = ALL) -> Any:
        """Return the answer to a POST of ``body``, or to a GET without one; ask again where the hub says so. Raises
        ``HTTPError``."""
        headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        data = json.dumps(body).encode() if body is not None else None
        asked = urllib.request.Request(self.url + path, data, headers)
        until = time.monotonic() + PATIENCE
        while True:
            try:
                with urllib.request.urlopen(asked, timeout=PATIENCE) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError as error:
                if error.code not in (503, 504) or time.monotonic() > until:
                    raise
            time.sleep(0.2)

    def tell(self, id: str, type: str, **data: Any) -> str:
        """Send an event, and return its name."""
        event = {"specversion": "1.0", "id": id, "source": SOURCE, "type": type, "data": data}
        taken = self.ask("/v1/events", event)
        assert not taken["rejected"], taken
        return f"{SOURCE}%23{id}"

    def context(self, interaction: str, at_least: str = "") -> Any:
        """Return the context of a contact, once the event is in it."""
        query = f"&at_least={at_least}&wait=30s" if at_least else "&wait=30s"
        return self.ask(f"/v1/context?interaction={interaction}{query}")


def participants(*identifiers: Mapping[str, str], name: str = "") -> list[dict[str, Any]]:
    return [{"role": "customer", "name": name, "identifiers": list(identifiers)}]


def account(weight: str) -> dict[str, str]:
    return {"kind": "account", "value": ACCOUNT, "weight": weight}


def tell_the_story(hub: Hub) -> None:
    """Let Ana chat with the bot, logged in, and a stranger type her address elsewhere."""
    phone = {"kind": "phone", "value": PHONE, "weight": "asserted"}
    email = {"kind": "email", "value": EMAIL, "weight": "asserted"}
    crm = participants(account("asserted"), phone, email, name="Ana Silva")
    hub.tell("crm", "cx.identity.asserted.v1", channel="crm", participants=crm, evidence="crm record")
    chat: dict[str, Any] = {"channel": "chat", "interaction": CHAT, "participants": participants(account("proved"))}
    hub.tell("login", "cx.identity.verified.v1", **chat, evidence="login")
    hub.tell("m-1", "cx.message.received.v1", **chat, message={"id": "m-1", "text": "I was charged twice"})
    hub.tell("bot-1", "cx.bot.turn.v1", **chat, bot={"text": "Which order?", "slots": {"order": "4711"}})
    hub.tell("q-1", "cx.interaction.queued.v1", **chat, queue={"id": "billing", "name": "Billing"})
    last = hub.tell("a-1", "cx.interaction.answered.v1", **chat, agent={"id": "ben", "name": "Ben"})
    hub.context(CHAT, last)
    typed = participants({"kind": "email", "value": EMAIL})
    said = {"id": "s-1", "text": "What is on my account?"}
    name = hub.tell(
        "s-1",
        "cx.message.received.v1",
        channel="chat",
        interaction=STRANGERS_CHAT,
        participants=typed,
        message=said,
    )
    hub.context(STRANGERS_CHAT, name)


@contextmanager
def hub_with_the_story(folder: Path) -> Iterator[Hub]:
    """Yield a hub that knows the story."""
    config = folder / "tenants.yaml"
    config.write_text(yaml.safe_dump({"tenants": {"acme": CONFIG}}), encoding="utf-8")
    settings = {"CX_HOME": str(folder / "home"), "CX_CONFIG": str(config)}
    with running("up", settings, folder / "up.txt") as process:
        hub = Hub(process.url, patient_recipes(folder / "recipes"))
        tell_the_story(hub)
        yield hub


def patient_recipes(folder: Path) -> Path:
    """Copy the recipes with longer times, so that a loaded machine is no hub that is away; return where they are."""
    shutil.copytree(RECIPES, folder)
    for path in (each for each in folder.rglob("*") if each.suffix in (".py", ".js", ".json")):
        text = path.read_text(encoding="utf-8")
        text = re.sub(r"(?m)^SECONDS = [\d.]+", f"SECONDS = {PATIENCE}", text)
        text = re.sub(r"(?m)^const MILLISECONDS = \d+", f"const MILLISECONDS = {PATIENCE * 1000:.0f}", text)
        path.write_text(re.sub(r"(wait(?:\"?: \"|=))(?:800ms|1s)", r"\g<1>30s", text), encoding="utf-8")
    return folder


@contextmanager
def silent_hub() -> Iterator[Hub]:
    """Yield a hub that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        yield Hub(f"http://127.0.0.1:{listener.getsockname()[1]}")


def absent_hub() -> Hub:
    """Return a hub whose port nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return Hub(f"http://127.0.0.1:{listener.getsockname()[1]}")


def environment(hub: Hub, key: str = IVR) -> dict[str, str]:
    """Return the environment that the recipes ask for."""
    return {"CX_URL": hub.url, "CX_KEY": key, "CX_PIN_KEY": PIN}


def new_call() -> str:
    """Return a call's id, as a UUID."""
    return str(uuid4())

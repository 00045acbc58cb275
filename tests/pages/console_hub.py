"""Share what tests of the operators' console need: a hub with something of everything, and somebody signed in."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Browser, Page
from tests.asking import PatientClient
from tests.chromium import visitor
from tests.patience import PATIENCE

from cx_events.dead_letters import DeadLetter, encode_dead_letter, encode_original
from cx_events.facts import connection_source
from cx_events.log import DEAD_LETTERS, Record
from cx_hub.compose import Hub, running_hub
from cx_hub.demo.run import embedded_settings, until_ready
from cx_runtime.subscription_config import SubscriptionConfig
from cx_runtime.tenants import ConnectionConfig, KeyConfig, TenantConfig, Tenants

ALL, OPS, READER = "the key of whoever may do all", "the key of operators alone", "the key of readers alone"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
COLOR = "#b3261e"


def tenants() -> Tenants:
    """acme with three keys, two connections and a subscription that nobody would take."""
    keys = (("all", ALL, {"*"}), ("ops", OPS, {"ops"}), ("reader", READER, {"context:read"}))
    return Tenants(
        {
            "acme": TenantConfig(
                id_key="a lasting key of acme",
                keys=tuple(KeyConfig(id=id, secret=secret, scopes=frozenset(scopes)) for id, secret, scopes in keys),
                connections={
                    "acme-chat": ConnectionConfig(provider="chat/webchat", secrets=("a secret of the chat",)),
                    "acme-calls": ConnectionConfig(provider="voice/twilio", secrets=("a secret of twilio",)),
                },
                subscriptions={
                    "crm": SubscriptionConfig(url="http://127.0.0.1:9/hook", secrets=(SECRET,), paused=False)
                },
            )
        }
    )


@asynccontextmanager
async def console_hub(home: Path) -> AsyncIterator[Hub]:
    """A hub that is production by its bar."""
    changed = {"environment": "production", "environment_color": COLOR, "outbound_networks": "127.0.0.1"}
    async with running_hub(embedded_settings(home).model_copy(update=changed), tenants()) as hub:
        await until_ready(hub.url)
        yield hub


async def ask(hub: Hub, method: str, path: str, **more: Any) -> Any:
    """The answer's body of a request that must succeed, by the key of all scopes."""
    headers = {"authorization": f"Bearer {ALL}", **more.pop("headers", {})}
    async with PatientClient(base_url=hub.url, trust_env=False, timeout=PATIENCE) as http:
        answer = await http.request(method, path, headers=headers, **more)
    assert answer.is_success, answer.text
    return answer.json()


def message(id: str, text: str, email: str, **names: str) -> dict[str, Any]:
    """What a customer says in a chat. ``names``: the customer's ``name``, the ``source``, the ``interaction``."""
    person = {"role": "customer", "name": names.get("name", "Ana"), "identifiers": [{"kind": "email", "value": email}]}
    return {
        "specversion": "1.0",
        "id": id,
        "source": names.get("source", "//acme.example/chat"),
        "type": "cx.message.received.v1",
        "data": {
            "channel": "chat",
            "interaction": names.get("interaction", f"chat-{email}"),
            "direction": "inbound",
            "participants": [person],
            "message": {"id": id, "text": text, "content_type": "text/plain"},
        },
    }


async def send(hub: Hub, events: Sequence[dict[str, Any]]) -> None:
    """Send events, and wait until they are applied."""
    headers = {"content-type": "application/cloudevents-batch+json"}
    answer = await ask(hub, "POST", "/v1/events", content=json.dumps(events), headers=headers)
    assert answer["rejected"] == [], answer["rejected"]
    await until_applied(hub)


async def until_applied(hub: Hub) -> None:
    """Wait until nothing waits on the log."""
    async with asyncio.timeout(PATIENCE):
        while any(each["events"] for each in (await ask(hub, "GET", "/v1/ops/lag"))["items"]):
            await asyncio.sleep(0.05)


async def customer(hub: Hub, email: str) -> str:
    """The id of a customer."""
    found = await ask(hub, "GET", "/v1/context", params={"identifier": f"email:{email}"})
    return str(found["body"]["customer"]["id"])


async def set_aside(hub: Hub, *ids: str, **said: str) -> None:
    """Let requests by acme-calls lie among the dead letters."""
    usual = {"stage": "map", "reason": "malformed", "connection": "acme-calls", "url": "/v1/hooks/acme-calls"}
    letters = [
        DeadLetter(
            tenant="acme",
            source=connection_source("acme", "acme-calls"),
            id=id,
            recorded="2026-11-22T10:00:00.000000Z",
            original=encode_original(b"CallSid=CA1"),
            method="POST",
            **{**usual, "detail": f"the field {id} is missing", **said},
        )
        for id in ids
    ]
    await hub.log.append([Record(DEAD_LETTERS, each.id.encode(), encode_dead_letter(each)) for each in letters])
    await until_applied(hub)


@asynccontextmanager
async def operator(browser: Browser, hub: Hub, key: str = ALL, path: str = "", **options: Any) -> AsyncIterator[Page]:
    """A tab of somebody who has signed in by keys. What scripts throw, what the policy forbids, and what is asked of
    another host fails the test."""
    wrong: list[str] = []
    async with visitor(browser, **options) as context:
        page = await context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("dialog", lambda dialog: wrong.append(f"a dialog: {dialog.message}"))
        page.on("request", lambda asked: wrong.extend(_elsewhere(hub, asked.url)))
        await page.add_init_script(
            "window.forbidden = []; addEventListener('securitypolicyviolation', (e) => forbidden.push(e.blockedURI))"
        )
        await page.goto(f"{hub.url}/console{path}")
        await page.get_by_label("Key", exact=True).fill(key)
        await page.keyboard.press("Enter")
        await page.locator("#title").wait_for()
        yield page
        assert await page.evaluate("window.forbidden") == []
    assert wrong == []


def _elsewhere(hub: Hub, url: str) -> list[str]:
    asked = urlsplit(url)
    return [] if asked.scheme in ("data", "blob") or asked.netloc == urlsplit(hub.url).netloc else [url]


async def opened(page: Page, hub: Hub, path: str) -> None:
    """Go to an address of the console, as from a bookmark, and wait until it has read what it shows."""
    await page.goto(f"{hub.url}/console{path}")
    await page.locator("#title").wait_for()
    await page.wait_for_function("() => !document.querySelector('.loading')")

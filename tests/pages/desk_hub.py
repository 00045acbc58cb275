"""A hub whose pages are opened by a browser, and what happens in it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from playwright.async_api import Browser, BrowserContext, Page
from tests.asking import PatientClient
from tests.chromium import visitor
from tests.patience import PATIENCE

from cx_events.timestamps import format_time
from cx_hub.compose import running_hub
from cx_hub.demo.run import embedded_settings, until_ready
from cx_hub.stack.processes import free_port
from cx_runtime.tenants import TenantConfig, Tenants

KEY = "the key of acme's desk"
ANSWERER = "the key of a desk that answers chats"
WRITER = "the key of acme's systems"
CAREFUL = "the key of a desk that reads assured contacts alone"

SOURCE = "//acme.example/test"
SHOWN = ("#customer:not([aria-busy]) h1", ".hero h1", ".shut")
"""What stands once the whole desk does: the first frame of a customer comes before it, and says that it is busy."""


def tenants() -> Tenants:
    acme = {
        "id_key": "a lasting key of acme",
        "keys": [
            {"id": "desk", "secret": KEY, "scopes": ["context:read", "conversations:write"]},
            {"id": "answers", "secret": ANSWERER, "scopes": ["context:read", "conversations:write", "events:write"]},
            {"id": "careful", "secret": CAREFUL, "scopes": ["context:read"], "required_assurance": "proved"},
            {"id": "writer", "secret": WRITER, "scopes": ["*"]},
        ],
        "agents": {"ben": {"name": "Ben Okafor", "ids": {"any": "ben@acme.example"}, "queues": ["billing"]}},
        "connections": {"acme-chat": {"provider": "chat/webchat", "secrets": ["a secret of acme's chat"]}},
        "queues": {"billing": {"name": "Billing"}, "rush": {"name": "Rush", "answer_within": "1m"}},
        "identity": {"shared_after": {"phone": 1}},
    }
    return Tenants({"acme": TenantConfig.model_validate(acme)})


def ago(seconds: float) -> str:
    at = datetime.now(UTC) - timedelta(seconds=seconds)
    return format_time(int(at.timestamp() * 1_000_000))


class DeskHub:
    """A hub on files of its own, at one port for good: it can be stopped and started again."""

    def __init__(self, home: Path) -> None:
        port = free_port()
        changed = {"stream_heartbeat": 1.0, "environment": "test", "environment_color": "#8a1c14"}
        self._settings = embedded_settings(home, port).model_copy(update=changed)
        self.url = f"http://127.0.0.1:{port}"
        self._sent = 0
        self._running = AsyncExitStack()

    async def start(self) -> None:
        await self._running.enter_async_context(running_hub(self._settings, tenants()))
        await until_ready(self.url)

    async def stop(self) -> None:
        await self._running.aclose()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        try:
            await self.start()
            yield
        finally:
            await self.stop()

    async def say(self, customer: Customer, text: str, *, role: str = "customer", **data: Any) -> str:
        """Send words of a contact; wait until the context has them. Returns the event's id."""
        kind = "received" if role == "customer" else "sent"
        message = {"text": text, "content_type": "text/plain"}
        return await self.send(customer, f"cx.message.{kind}.v1", role=role, message=message, **data)

    async def send(self, customer: Customer, type: str, *, role: str = "customer", at: str = "", **data: Any) -> str:
        """Send an event of a contact; wait until the context has it. Returns its id."""
        return await self._send(customer, [self._event(customer, type, role, at, data)])

    async def send_all(self, customer: Customer, events: list[tuple[str, dict[str, Any]]]) -> str:
        """Send a customer's events at once, by type and data; wait until the context has the last."""
        return await self._send(customer, [self._event(customer, type, "customer", "", data) for type, data in events])

    def _event(self, customer: Customer, type: str, role: str, at: str, data: dict[str, Any]) -> dict[str, Any]:
        self._sent += 1
        id = f"event-{self._sent}"
        parties = [customer.party()]
        if role != "customer":
            name = "Ben" if role == "agent" else "Acme bot"
            parties.append({"role": role, "id": name.split()[-1].lower(), "name": name})
        if "message" in data:
            data = {**data, "message": {"id": id, **data["message"]}}
        base = {
            "channel": customer.channel,
            "interaction": customer.interaction,
            "direction": "inbound" if role == "customer" else "outbound",
            "participants": parties,
        }
        named = {"specversion": "1.0", "id": id, "source": SOURCE, "type": type, "time": at or ago(0)}
        return {**named, "data": {**base, **data}}

    async def _send(self, customer: Customer, events: list[dict[str, Any]]) -> str:
        async with PatientClient(base_url=self.url, trust_env=False, timeout=PATIENCE, verify=False) as http:
            headers = {"authorization": f"Bearer {WRITER}", "content-type": "application/cloudevents-batch+json"}
            answer = await http.post("/v1/events", json=events, headers=headers)
            assert answer.status_code == 202, answer.text
            assert answer.json()["rejected"] == [], answer.text
            id: str = events[-1]["id"]
            wait = {"identifier": f"email:{customer.email}", "at_least": f"{SOURCE}#{id}", "wait": "10s"}
            while True:
                found = await http.get("/v1/context", params=wait, headers={"authorization": f"Bearer {KEY}"})
                if found.status_code != 504:
                    return id

    async def merge(self, a: str, b: str) -> None:
        """Say that two customers are one person."""
        async with PatientClient(base_url=self.url, trust_env=False, timeout=PATIENCE, verify=False) as http:
            body = {"a": a, "b": b, "reason": "said so", "agent": {"id": "mia", "name": "Mia"}}
            answer = await http.post("/v1/identity/merge", json=body, headers={"authorization": f"Bearer {WRITER}"})
            assert answer.status_code < 300, answer.text

    async def customer_id(self, customer: Customer) -> str:
        async with PatientClient(base_url=self.url, trust_env=False, timeout=PATIENCE, verify=False) as http:
            query = {"identifier": f"email:{customer.email}"}
            answer = await http.get("/v1/context", params=query, headers={"authorization": f"Bearer {KEY}"})
            found: str = answer.json()["body"]["customer"]["id"]
            return found


class Customer(NamedTuple):
    """Somebody and the contact that they are in."""

    email: str
    name: str = "Ana Silva"
    channel: str = "chat"
    interaction: str = "chat-1"
    weight: str = "proved"

    def party(self) -> dict[str, Any]:
        identifier = {"kind": "email", "value": self.email, "weight": self.weight}
        return {"role": "customer", "name": self.name, "identifiers": [identifier]}


@asynccontextmanager
async def agent(
    browser: Browser, hub: DeskHub, key: str = KEY, *, script: str = "", **options: Any
) -> AsyncIterator[Desk]:
    """A browser of its own in which Ben has signed in. What its scripts throw, what its policy forbids and what it asks
    of other hosts fails the test. ``script``: runs before each page's own."""
    async with visitor(browser, **options) as context:
        if script:
            await context.add_init_script(script)
        desk = await opened(context, hub)
        await desk.page.get_by_label("Who you are").fill("ben@acme.example")
        await desk.page.get_by_label("Key", exact=True).fill(key)
        await desk.page.keyboard.press("Enter")
        await desk.page.locator(".rail").wait_for(state="attached")
        yield desk
        await desk.check()


async def opened(context: BrowserContext, hub: DeskHub) -> Desk:
    page = await context.new_page()
    desk = Desk(page, hub)
    page.on("pageerror", lambda error: desk.wrong.append(str(error)))
    page.on("request", lambda request: desk.asked.append(request.url))
    await page.add_init_script(
        "window.forbidden = []; addEventListener('securitypolicyviolation', (e) => forbidden.push(e.violatedDirective))"
    )
    await page.goto(f"{hub.url}/desk")
    return desk


class Desk:
    """A page of the desk."""

    def __init__(self, page: Page, hub: DeskHub) -> None:
        self.page = page
        self.hub = hub
        self.wrong: list[str] = []
        self.asked: list[str] = []

    async def open(self, path: str) -> None:
        """Open an address, as a link from elsewhere does."""
        await self.page.goto(f"{self.hub.url}{path}")
        await self.page.locator(", ".join(SHOWN)).first.wait_for(state="attached")

    async def shows(self, text: str | re.Pattern[str], within: str = "#app") -> None:
        """Wait until the page shows this."""
        await self.page.locator(within).get_by_text(text).first.wait_for()

    async def until(self, script: str) -> None:
        """Wait until a script is true."""
        async with asyncio.timeout(PATIENCE):
            while not await self.page.evaluate(script):
                await asyncio.sleep(0.05)

    async def another(self) -> Desk:
        """A second tab of the same browser."""
        return await opened(self.page.context, self.hub)

    async def check(self) -> None:
        assert self.wrong == []
        assert [url for url in self.asked if not url.startswith(self.hub.url)] == []
        assert await self.page.evaluate("window.forbidden") == []

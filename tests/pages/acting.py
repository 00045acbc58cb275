"""A hub with customers for the desk's acts, agents who are signed in, and what they press."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
from playwright.async_api import Browser, BrowserContext, Page
from tests.asking import PatientClient
from tests.chromium import visitor
from tests.patience import PATIENCE

from cx_hub.compose import running_hub
from cx_hub.demo.run import embedded_settings, until_ready
from cx_runtime.tenants import KeyConfig, TenantConfig, Tenants

KEY = "the key of acme's desk"
READER = "the key of who reads at acme"
SOURCE = "//acme.example/chat"


def tenants() -> Tenants:
    """acme with two agents and a queue."""
    return Tenants(
        {
            "acme": TenantConfig.model_validate(
                {
                    "id_key": "a lasting key of acme",
                    "keys": [
                        KeyConfig(id="desk", secret=KEY, scopes=frozenset({"*"})).model_dump(),
                        KeyConfig(id="reader", secret=READER, scopes=frozenset({"context:read"})).model_dump(),
                    ],
                    "agents": {
                        "ben": {"name": "Ben", "queues": ["billing"]},
                        "chloe": {"name": "Chloe", "queues": ["billing"]},
                    },
                    "queues": {"billing": {"name": "Billing"}},
                    "identity": {"shared_after": {"phone": 1}, "exclusive": ["crm", "account"]},
                }
            )
        }
    )


class Acme:
    """The hub by its API, as other software of the company uses it."""

    def __init__(self, url: str, http: httpx2.AsyncClient) -> None:
        self.url = url
        self._http = http
        self._count = 0

    async def ask(self, method: str, path: str, json: Any = None, key: str = KEY) -> Any:
        """Ask with a key; whatever is not 2xx fails the test."""
        answer = await self._http.request(method, path, json=json, headers={"authorization": f"Bearer {key}"})
        assert answer.status_code < 300, answer.text
        return answer.json()

    async def tell(self, type: str, interaction: str, **data: Any) -> str:
        """Append an event, and wait until contexts have it. Returns the customer's id."""
        self._count += 1
        id = f"{interaction}-{self._count}"
        event = {
            "specversion": "1.0", "id": id, "source": SOURCE, "type": type,
            "data": {"channel": "chat", "interaction": interaction, "direction": "inbound", **data},
        }  # fmt: skip
        await self.ask("POST", "/v1/events", event)
        found = await self.context(interaction, f"{SOURCE}#{id}")
        customer: str = found["customer"]["id"]
        return customer

    async def says(self, interaction: str, text: str, **identifiers: str) -> str:
        """A customer writes. ``identifiers``: by kind, a telephone number claimed, others proved. Returns the id."""
        known = [{"kind": kind, "value": value, "verified": kind != "phone"} for kind, value in identifiers.items()]
        name = identifiers.get("email", "visitor").partition("@")[0].title()
        return await self.tell(
            "cx.message.received.v1",
            interaction,
            participants=[{"role": "customer", "name": name, "identifiers": known}],
            message={"text": text, "content_type": "text/plain"},
        )

    async def context(self, interaction: str, at_least: str = "") -> Any:
        if at_least:
            await self._applied(interaction, at_least)
        return (await self.ask("GET", f"/v1/context?interaction={quote(interaction, safe='')}"))["body"]

    async def _applied(self, interaction: str, event: str) -> None:
        """Wait until contexts have an event."""
        path = f"/v1/context?interaction={quote(interaction, safe='')}&at_least={quote(event, safe='')}&wait=10s"
        async with asyncio.timeout(PATIENCE):
            while (await self._http.get(path, headers={"authorization": f"Bearer {KEY}"})).status_code == 504:
                pass

    async def conversation(self, interaction: str) -> Any:
        """Return the conversation that a contact is in."""
        found = (await self.context(interaction))["conversations"]
        return next(each for each in found if any(one["interaction"] == interaction for one in each["joined"]))

    async def until(self, interaction: str, holds: Callable[[Any], bool]) -> Any:
        """Return the conversation that a contact is in, once it is so."""
        async with asyncio.timeout(PATIENCE):
            while not holds(found := await self.conversation(interaction)):
                await asyncio.sleep(0.05)
        return found

    async def acts(self, interaction: str, act: str, agent: str = "chloe", **body: Any) -> Any:
        """Another agent does something, by other software."""
        id = (await self.conversation(interaction))["id"]
        person = {"agent": {"id": agent, "name": agent.title()}}
        done = await self.ask("POST", f"/v1/conversations/{id}/{act}", {**body, **person})
        await self.context(interaction, f"{done['event']['source']}#{done['event']['id']}")
        return done


@asynccontextmanager
async def running_acme(folder: Path) -> AsyncIterator[Acme]:
    """Run a hub of acme's on SQLite in a folder."""
    async with running_hub(embedded_settings(folder), tenants()) as hub:
        await until_ready(hub.url)
        async with PatientClient(base_url=hub.url, trust_env=False, timeout=PATIENCE) as http:
            yield Acme(hub.url, http)


@asynccontextmanager
async def desk(
    browser: Browser, url: str, path: str = "", *, agent: str = "ben", key: str = KEY, options: Mapping[str, Any] = {}
) -> AsyncIterator[Page]:
    """The desk of an agent who signed in by keys. What its scripts throw, or its policy forbids, fails the test."""
    async with visitor(browser, **options) as context:
        page = await opened(context, url, path)
        await page.get_by_label("Key").press_sequentially(key)
        await page.get_by_label("Who you are").press_sequentially(agent)
        await page.keyboard.press("Enter")
        await page.locator(".rail").wait_for()
        yield page
        assert await page.evaluate("window.wrong") == []


async def opened(context: BrowserContext, url: str, path: str) -> Page:
    """A tab at an address of the desk; ``window.wrong`` has what its scripts throw and its policy forbids."""
    page = await context.new_page()
    await page.add_init_script(
        """window.wrong = [];
        addEventListener("error", (event) => wrong.push(String(event.message)));
        addEventListener("unhandledrejection", (event) => wrong.push(String(event.reason)));
        addEventListener("securitypolicyviolation", (event) => wrong.push(event.violatedDirective));"""
    )
    await page.goto(f"{url}/desk{path}")
    return page


def at(interaction: str) -> str:
    return f"/interactions/{quote(interaction, safe='')}"


async def told(page: Page, words: str) -> None:
    """Wait until the page says what became of an act."""
    await page.locator(".told").get_by_text(words, exact=False).first.wait_for()


async def shown(page: Page, name: str) -> None:
    """Wait for a customer's name at the top."""
    await page.get_by_role("heading", level=1, name=name).wait_for()


async def press(page: Page, *keys: str) -> None:
    for key in keys:
        await page.keyboard.press(key)

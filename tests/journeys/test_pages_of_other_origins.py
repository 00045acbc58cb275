"""A page of another origin uses the API from a real browser, by the code that the guide shows."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Error, Page
from tests.chromium import page_server, visitor
from tests.patience import PATIENCE

from cx_hub.compose import running_hub
from cx_hub.demo.run import embedded_settings, until_ready
from cx_runtime.tenants import KeyConfig, TenantConfig, Tenants

pytestmark = [pytest.mark.clock, pytest.mark.asyncio(loop_scope="module")]

GUIDE = Path(__file__).parents[2] / "docs" / "integrating.md"
KEY = "the key of acme's desk"
ANOTHER_KEY = "the key of another's desk"
PAGE = b"<!doctype html><title>Desk</title><h1>Desk</h1>"

ASK = """async ([url, key, options]) => {
  const headers = {authorization: `Bearer ${key}`, ...options.headers};
  const answer = await fetch(url, {cache: "no-store", ...options, headers});
  const {status} = answer;
  return {status, etag: answer.headers.get("etag"), text: await answer.text(), origin: location.origin};
}"""

FOLLOW = """async ([url, key]) => {
  %s
  window.heard = [];
  window.problem = follow(url, key, (name, data) => window.heard.push([name, data])).catch((problem) => problem);
}"""


@dataclass(frozen=True)
class Doors:
    """``url``: the hub's; ``listed`` and ``strange``: addresses of pages of two origins."""

    url: str
    listed: str
    strange: str


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def doors(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Doors]:
    async with page_server(PAGE) as listed, page_server(PAGE) as strange:
        known = {
            name: TenantConfig(
                id_key=f"a lasting key of {name}",
                keys=(KeyConfig(id="desk", secret=secret, scopes=frozenset({"*"})),),
                cors_origins=origins,
            )
            for name, secret, origins in (("acme", KEY, (listed,)), ("other", ANOTHER_KEY, ()))
        }
        settings = embedded_settings(tmp_path_factory.mktemp("hub"))
        async with running_hub(settings, Tenants(known)) as hub:
            await until_ready(hub.url)
            yield Doors(hub.url, listed, strange)


@asynccontextmanager
async def opened(browser: Browser, address: str) -> AsyncIterator[Page]:
    async with visitor(browser) as context:
        page = await context.new_page()
        await page.goto(address)
        yield page


async def ask(page: Page, url: str, key: str = KEY, **options: Any) -> dict[str, Any]:
    answer: dict[str, Any] = await page.evaluate(ASK, [url, key, {"headers": {}, **options}])
    return answer


def message(number: int) -> dict[str, str]:
    """A message in binary mode: its attributes are headers, which a page must be allowed to send."""
    return {
        "ce-specversion": "1.0",
        "ce-id": f"m-{number}",
        "ce-source": "//acme.example/page",
        "ce-type": "cx.message.received.v1",
        "content-type": "application/json",
    }


DATA = (
    '{"channel": "chat", "interaction": "chat-1", "message": {"text": "hello"}, '
    '"participants": [{"role": "customer", "identifiers": [{"kind": "email", "value": "ana@example.com"}]}]}'
)


async def send(page: Page, doors: Doors, number: int) -> None:
    answer = await ask(page, f"{doors.url}/v1/events", method="POST", body=DATA, headers=message(number))
    assert answer["status"] == 202, answer


def context_url(doors: Doors, last: int, wait: str = "60s") -> str:
    return (
        f"{doors.url}/v1/context?identifier=email:ana@example.com&wait={wait}&at_least=//acme.example/page%23m-{last}"
    )


async def heard(page: Page, count: int) -> list[list[Any]]:
    """Return what the page's stream told, once it is so much."""
    await page.wait_for_function("(count) => window.heard.length >= count", arg=count, timeout=PATIENCE * 1000)
    told: list[list[Any]] = await page.evaluate("window.heard")
    return told


async def test_a_listed_page_sends_reads_and_follows(doors: Doors, browser: Browser) -> None:
    (follow,) = re.findall(r"```js\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    async with opened(browser, doors.listed) as page:
        await send(page, doors, 1)
        context = await ask(page, context_url(doors, 1))
        assert (context["status"], context["origin"]) == (200, doors.listed)
        unchanged = await ask(page, context_url(doors, 1), headers={"if-none-match": context["etag"]})
        assert unchanged["status"] == 304
        customer = (await page.evaluate("JSON.parse", context["text"]))["body"]["customer"]["id"]
        await page.evaluate(FOLLOW % follow, [f"{doors.url}/v1/customers/{customer}/stream", KEY])
        ((name, first),) = await heard(page, 1)
        assert (name, first["body"]["counts"]["messages"]) == ("context", 1)
        await send(page, doors, 2)
        last = (await heard(page, 2))[-1][1]
        assert last["body"]["counts"]["messages"] == 2


async def test_a_listed_page_reads_why_it_is_refused(doors: Doors, browser: Browser) -> None:
    async with opened(browser, doors.listed) as page:
        answer = await ask(page, context_url(doors, 1), "no-such-key")
        assert (answer["status"], '"bad-key"' in answer["text"]) == (401, True)


@pytest.mark.parametrize("case", ["an origin that is not listed", "another tenant's key"])
async def test_a_page_that_is_not_listed_reads_nothing(doors: Doors, browser: Browser, case: str) -> None:
    address, key = (doors.strange, KEY) if "origin" in case else (doors.listed, ANOTHER_KEY)
    async with opened(browser, address) as page:
        with pytest.raises(Error, match="Failed to fetch"):
            await ask(page, context_url(doors, 1, "1s"), key)  # another tenant would wait for what never comes

"""Hostile texts in every field that the console shows run nothing, request nothing, and steer no line."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect
from tests.pages.console_hub import (
    ask,
    console_hub,
    customer,
    message,
    opened,
    operator,
    send,
    set_aside,
)

from cx_hub.compose import Hub

pytestmark = [pytest.mark.clock, pytest.mark.asyncio(loop_scope="module")]

RUN = "window.ran=1"
ELSEWHERE = "//elsewhere.example"
MARKUP = (
    f"<script>{RUN}</script>",
    f'<img src="https:{ELSEWHERE}/i.png" onerror="{RUN}">',
    f"<svg onload={RUN}><script>{RUN}</script></svg>",
    f'"><iframe srcdoc="<script>{RUN}</script>">',
    f"'><link rel=stylesheet href=https:{ELSEWHERE}/s.css>",
    f"<style>@import 'https:{ELSEWHERE}/s.css'</style>",
    f'<a href="javascript:{RUN}" autofocus onfocus="{RUN}">x</a>',
    f"</pre></title></textarea><details open ontoggle={RUN}>",
    f'<meta http-equiv=refresh content="0;url=https:{ELSEWHERE}">',
    f"<base href=https:{ELSEWHERE}><form action=https:{ELSEWHERE}><button autofocus>",
    f"javascript:{RUN}",
    "{{constructor.constructor('window.ran=1')()}} ${window.ran=1}",
)
MARKS = (
    "",
    "\u202e",
    "\u2066\u202e",
    "\u200b",
    "\u0001\u0008\u001b[31m",
    "\u2028\u2029",
    "\u0301" * 40,
    "\U000e0041",
    "مرحبا ",
    "👩‍👩‍👧‍👦",
)
SEPARATORS = ("", "\r\n")


def hostile() -> Iterator[str]:
    """240 texts: markup within marks that turn, hide, stack or break."""
    for mark in MARKS:
        for separator in SEPARATORS:
            for markup in MARKUP:
                yield f"{mark}{separator}{markup}{mark}"


def plain(n: int) -> str:
    """Markup without marks: the hub refuses ids that nobody can see or write."""
    return MARKUP[n % len(MARKUP)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Hub]:
    """A hub whose events, dead letters and reasons all hold hostile texts."""
    texts = list(hostile())
    assert len(texts) >= 200
    async with console_hub(tmp_path_factory.mktemp("hub")) as running:
        await send(
            running,
            [
                message(f"{n}-{plain(n)}", text, f"p{n % 2}@example.com", name=text, interaction=f"{n}-{plain(n)}")
                for n, text in enumerate(texts)
            ],
        )
        for n, text in enumerate(texts[:12]):
            await set_aside(running, f"l-{n}-{text}", reason=text[:60], detail=text, url=text, connection=text)
        one, other = await customer(running, "p0@example.com"), await customer(running, "p1@example.com")
        agent = {"id": texts[1], "name": texts[2]}
        await ask(
            running, "POST", "/v1/identity/merge", json={"a": one, "b": other, "reason": texts[1], "agent": agent}
        )
        await ask(running, "POST", "/v1/ops/subscription/pause", params={"id": "crm", "why": texts[5]})
        yield running


async def test_hostile_texts_are_words(browser: Browser, hub: Hub) -> None:
    async with operator(browser, hub) as page:
        for path in (
            "",
            "/log",
            "/log?order=oldest",
            "/dead-letters",
            "/identity",
            "/connections",
            "/subscriptions",
            "/acts",
        ):
            await opened(page, hub, path)
            assert await page.evaluate("window.ran") is None, path
            assert await page.locator("main").locator("img, script, iframe, link, style, base, meta").count() == 0
        await opened(page, hub, "/log")
        rows = page.get_by_role("group", name="Records").locator("tbody tr")
        shown = await rows.count()
        await page.get_by_role("button", name="Look further").press("Enter")
        await expect(rows).to_have_count(shown + 50)
        await rows.last.get_by_role("link").press("Enter")
        await expect(page.locator(".facts")).to_be_visible()
        assert await page.evaluate("window.ran") is None
        await opened(page, hub, "/dead-letters")
        await page.locator("li.issue").first.get_by_role("link", name="Open").press("Enter")
        await page.get_by_role("group", name="Dead letters").get_by_role("link").first.press("Enter")
        await expect(page.get_by_role("group", name="The original")).to_be_visible()
        assert await page.evaluate("window.ran") is None


async def test_hostile_addresses_are_words(browser: Browser, hub: Hub) -> None:
    async with operator(browser, hub) as page:
        for text in MARKUP:
            await page.goto(
                f"{hub.url}/console/log?{await page.evaluate('(text) => new URLSearchParams({text}).toString()', text)}"
            )
            await expect(page.locator("#log-text")).to_have_value(text)
            assert await page.evaluate("window.ran") is None

"""A real browser that is driven by keys, and pages of another origin that hold the hub's chat.

The browser is Debian's Chromium (``apt-get install chromium libatomic1``; ``.ci/run`` does), never Playwright's own.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from html import escape
from pathlib import Path
from typing import Any, Protocol

import axe_playwright_python
import pytest
from playwright.async_api import Browser, BrowserContext, Error, Page, async_playwright, expect
from tests import one_clock
from tests.channels import Hub
from tests.patience import PATIENCE


class HasUrl(Protocol):
    """A hub at an address."""

    @property
    def url(self) -> str: ...


@contextmanager
def _without_preloads() -> Iterator[None]:
    """Start what is started within on the machine's own time: Node.js may end at once under a false one."""
    preloaded = os.environ.pop("LD_PRELOAD", None)
    try:
        yield
    finally:
        if preloaded is not None:
            os.environ["LD_PRELOAD"] = preloaded


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A browser without windows. Where there is none the test is skipped, but never under ``CI``.

    From then on the process's expectations wait as long as all tests do: Playwright keeps one bound for them all.
    """
    program = shutil.which("chromium")
    if program is None:
        if os.environ.get("CI"):
            raise FileNotFoundError("no chromium here: apt-get install chromium libatomic1")
        pytest.skip("no chromium here: apt-get install chromium libatomic1")
    expect.set_options(timeout=PATIENCE * 1000)
    # The browser keeps the machine's own time: under a false one it waits for its own processes in vain.
    environment = {name: value for name, value in os.environ.items() if name not in one_clock.HIDDEN}
    arguments = ["--disable-dev-shm-usage"]  # a container's /dev/shm may hold 64 MB alone
    async with AsyncExitStack() as stack:
        with _without_preloads():
            playwright = await stack.enter_async_context(async_playwright())
        browser = await playwright.chromium.launch(
            executable_path=program,
            args=arguments,
            chromium_sandbox=os.getuid() != 0,
            env=environment,
            timeout=PATIENCE * 1000,
        )
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def visitor(browser: Browser, **options: Any) -> AsyncIterator[BrowserContext]:
    """Somebody's browser, whose tabs share what it keeps. ``options``: Playwright's, as ``color_scheme``."""
    context = await browser.new_context(**options)
    context.set_default_timeout(PATIENCE * 1000)
    try:
        yield context
    finally:
        await context.close()


@asynccontextmanager
async def site(hub: HasUrl, *, policy: str = "", html: str = "", **data: str) -> AsyncIterator[str]:
    """The address of a page of another origin than the hub's with the chat in it.

    ``data``: attributes of the script's tag. ``policy``: the page's Content-Security-Policy. ``html``: its own content.
    """
    attributes = {"connection": "acme-chat", "title": "Acme", **data}
    tag = " ".join(f'data-{name.replace("_", "-")}="{escape(value)}"' for name, value in attributes.items())
    text = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Shop</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"></head>'
        f'<body><main><h1>Shop</h1><a id="before" href="#x">before</a>{html}</main>'
        f'<script src="{hub.url}/v1/chat/widget.js" {tag} async></script></body></html>'
    )
    async with page_server(text.encode(), policy) as origin:
        yield f"{origin}/"


@asynccontextmanager
async def page_server(body: bytes, policy: str = "") -> AsyncIterator[str]:
    """Yield the origin of a server of one page. ``policy``: its Content-Security-Policy."""
    head = f"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {len(body)}\r\nconnection: close\r\n"
    if policy:
        head += f"content-security-policy: {policy}\r\n"

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(head.encode() + b"\r\n" + body)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # a browser opens connections that it does not use
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


@asynccontextmanager
async def tab(context: BrowserContext, address: str) -> AsyncIterator[Page]:
    """A tab with this page, its chat in place. What its scripts throw, and what its policy forbids, fails the test."""
    page = await context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    await page.add_init_script(
        "window.forbidden = []; addEventListener('securitypolicyviolation', (e) => forbidden.push(e.violatedDirective))"
    )
    await page.goto(address)
    await launcher(page).wait_for()
    yield page
    assert wrong == []
    try:
        assert await page.evaluate("window.forbidden") == []
    except Error:  # the tab was closed
        pass


def launcher(page: Page) -> Any:
    return page.get_by_role("button", name="Chat", exact=False).first


async def opened(page: Page) -> None:
    """Open the chat by keys, as one would from the page."""
    await launcher(page).focus()
    await page.keyboard.press("Enter")
    await page.get_by_role("dialog").wait_for()


def field(page: Page) -> Any:
    return page.get_by_role("textbox", name="Your message")


async def said(hub: Hub) -> list[dict[str, Any]]:
    """The messages of customers that lie on the hub's log."""
    return [one["data"]["message"] for one in await hub.events() if one["type"] == "cx.message.received.v1"]


SETTLED = """() => {
  const roots = [document, ...[...document.querySelectorAll("*")].flatMap((each) => each.shadowRoot ?? [])];
  const moving = roots.flatMap((root) => root.getAnimations()).filter(
    (each) => each.playState === "running" && each.effect?.getComputedTiming().endTime !== Infinity);
  return Promise.all(moving.map((each) => each.finished.catch(() => null))).then(() => null);
}"""
"""Waits in a page until no transition or animation that has an end still runs, in the document or a shadow root."""


async def axe(page: Page) -> list[str]:
    """Return what axe-core finds wrong on the page, the chat's shadow root included, once no transition runs."""
    # A colour on its way from one scheme or state to the next has a contrast that nobody reads.
    await page.evaluate(SETTLED)
    # Evaluated by the browser's own tools, so that a page's policy does not forbid it.
    await page.evaluate((Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8"))
    found = await page.evaluate("axe.run(document, {resultTypes: ['violations', 'incomplete']})")
    return [
        f"{each['id']}: {node['target']} {node['failureSummary']}"
        for each in found["violations"]
        for node in each["nodes"]
    ]


async def words(page: Page) -> list[str]:
    """What the chat shows as said, top to bottom."""
    found: list[str] = await page.locator("[role=log] .words").all_inner_texts()
    return found


async def until(check: Callable[[], Any], what: str = "") -> Any:
    """The first true thing that ``check``, a coroutine function, returns."""
    async with asyncio.timeout(PATIENCE):
        while not (found := await check()):
            await asyncio.sleep(0.05)
    return found

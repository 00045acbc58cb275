"""The desk's first frame: what came with the page, before the rest of the desk has been read."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, Page, Route, expect
from tests.chromium import axe
from tests.pages.desk_hub import Customer, Desk, DeskHub, agent

from cx_desktop.assets import load_assets

pytestmark = [pytest.mark.clock, pytest.mark.asyncio(loop_scope="module")]

REST = "**/desk/desk.js"
"""The module that everything hangs on that the first frame does without."""
ADDRESS = "/desk/email/frame@example.com"
HIDDEN = """
Object.defineProperty(document, "hidden", {get: () => true});
globalThis.requestAnimationFrame = () => 0;
"""
"""A page in a tab that nobody looks at is given no frames."""


@asynccontextmanager
async def reader(browser: Browser, hub: DeskHub, script: str = "") -> AsyncIterator[Desk]:
    await hub.say(Customer("frame@example.com", interaction="chat-frame"), "I was charged twice")
    async with agent(browser, hub, script=script) as desk:
        yield desk


async def goes_to(page: Page, hub: DeskHub) -> None:
    await page.goto(hub.url + ADDRESS, wait_until="commit")
    await page.locator("#customer h1").wait_for()


async def rest_held(page: Page) -> asyncio.Event:
    """Hold the rest of the desk back until what is returned is set."""
    is_let_through = asyncio.Event()

    async def hold(route: Route) -> None:
        await is_let_through.wait()
        await route.continue_()

    await page.route(REST, hold)
    return is_let_through


async def test_who_and_why_stand_before_the_rest_is_read(browser: Browser, desk_hub: DeskHub) -> None:
    async with reader(browser, desk_hub) as desk:
        page = desk.page
        is_let_through = await rest_held(page)
        await goes_to(page, desk_hub)
        await expect(page.locator("#customer")).to_have_attribute("aria-busy", "true")
        await expect(page.locator("#customer h1")).to_have_text("Ana Silva")
        await expect(page.locator(".who .sure.proved")).to_have_text("Proved")
        await desk.shows("I was charged twice", ".why h2")
        assert await page.evaluate("globalThis.desk === undefined")
        assert await axe(page) == []
        await page.evaluate("globalThis.before = [...document.querySelectorAll('h1, .why, .rail, .cols')]")
        is_let_through.set()
        await page.locator("#timeline .entry").first.wait_for()
        await expect(page.locator("#customer")).not_to_have_attribute("aria-busy", "true")
        assert await page.evaluate("before.every((each) => each.isConnected)"), "the first frame's elements stay"
        await page.unroute(REST)


async def test_keys_pressed_before_the_rest_is_read_count(browser: Browser, desk_hub: DeskHub) -> None:
    async with reader(browser, desk_hub) as desk:
        page = desk.page
        is_let_through = await rest_held(page)
        await goes_to(page, desk_hub)
        await page.keyboard.press("?")
        is_let_through.set()
        await expect(page.get_by_role("dialog")).to_contain_text("Keys")
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("dialog")).to_have_count(0)
        await page.unroute(REST)


async def test_a_rest_that_cannot_be_read_is_told(browser: Browser, desk_hub: DeskHub) -> None:
    async def refuse(route: Route) -> None:
        await route.fulfill(status=404, body="")

    async with reader(browser, desk_hub) as desk:
        page = desk.page
        await page.route(REST, refuse)
        await goes_to(page, desk_hub)
        told = page.get_by_role("alert")
        await expect(told).to_contain_text("The rest of the desk could not be loaded.")
        await expect(page.locator("#customer h1")).to_have_text("Ana Silva")
        assert await axe(page) == []
        await page.goto(f"{desk_hub.url}/desk", wait_until="commit")
        await expect(told).to_contain_text("The rest of the desk could not be loaded.")
        assert len(desk.wrong) == 2, "the browser's console has the reason"
        desk.wrong.clear()
        await page.unroute(REST)
        await page.get_by_role("button", name="Load it again").press("Enter")
        await page.locator(".rail .group").first.wait_for()


async def test_a_page_in_the_background_starts_all_the_same(browser: Browser, desk_hub: DeskHub) -> None:
    async with reader(browser, desk_hub, HIDDEN) as desk:
        await desk.page.goto(desk_hub.url + ADDRESS)
        await desk.until("globalThis.desk?.state().link.state === 'live'")


async def test_a_page_names_each_module_once(browser: Browser, desk_hub: DeskHub) -> None:
    async with reader(browser, desk_hub) as desk:
        text = await (await desk.page.request.get(desk_hub.url + ADDRESS)).text()
        found = re.search(r'<script type="application/json" id="later">(.*?)</script>', text)
        assert found is not None
        at_once, later = re.findall(r'rel="modulepreload" href="([^"]+)"', text), json.loads(found[1])
        assets = load_assets()
        assert at_once == [assets.url(each) for each in assets.modules_of("desk/main.js")]
        assert len(at_once) < len(later)
        both = at_once + later
        assert len(both) == len(set(both))
        assert {assets.url(each) for each in assets.modules_of("desk/desk.js")} <= set(both)

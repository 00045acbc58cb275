"""The web chat in a real browser, driven by keys alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page
from tests.channels import Hub, running_hub
from tests.chromium import chromium, launcher, opened, site, tab, until, visitor

pytestmark = pytest.mark.clock


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    async with running_hub(tmp_path) as running:
        yield running


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as running:
        yield running


@pytest.fixture
async def page(hub: Hub, browser: Browser) -> AsyncIterator[Page]:
    async with site(hub) as address, visitor(browser) as context, tab(context, address) as page:
        yield page


async def said(hub: Hub) -> list[dict[str, Any]]:
    return [one["data"]["message"] for one in await hub.events() if one["type"] == "cx.message.received.v1"]


def field(page: Page) -> Any:
    return page.get_by_role("textbox", name="Your message")


async def focused(page: Page) -> dict[str, Any]:
    """The element that has the focus, in the chat or in the page."""
    found: dict[str, Any] = await page.evaluate(
        """() => {
          let at = document.activeElement;
          while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
          const style = getComputedStyle(at);
          return { tag: at.tagName, id: at.id, name: at.getAttribute("aria-label") || at.textContent.trim(),
                   ring: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 };
        }"""
    )
    return found


async def test_what_is_typed_stands_in_the_field_and_is_sent_by_enter(hub: Hub, page: Page) -> None:
    await opened(page)
    await page.keyboard.type("My ordre")
    for _ in range(3):
        await page.keyboard.press("Backspace")
    await page.keyboard.type("der is late")
    assert await field(page).input_value() == "My order is late"
    await page.keyboard.press("Enter")
    assert [one["text"] for one in await until(lambda: said(hub))] == ["My order is late"]
    assert await field(page).input_value() == ""


async def test_escape_closes_and_gives_the_focus_back_to_the_launcher(page: Page) -> None:
    await opened(page)
    await page.keyboard.type("half a word")
    await page.keyboard.press("Escape")
    await page.get_by_role("dialog").wait_for(state="hidden")
    assert (await focused(page))["name"].startswith("Chat")
    await page.keyboard.press("Enter")
    assert await field(page).input_value() == "half a word"
    assert await launcher(page).count() >= 0

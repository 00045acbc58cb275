"""Share what tests of pages need: one browser and one hub for each module."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page
from tests.chromium import chromium, visitor
from tests.pages.desk_hub import DeskHub


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk_hub(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DeskHub]:
    hub = DeskHub(tmp_path_factory.mktemp("hub"))
    async with hub.running():
        yield hub


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def page(browser: Browser, desk_hub: DeskHub) -> AsyncIterator[Page]:
    """A page of the desk in which modules are imported and tried."""
    async with visitor(browser) as context:
        page = await context.new_page()
        await page.goto(f"{desk_hub.url}/desk")
        yield page

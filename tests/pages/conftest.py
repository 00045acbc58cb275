"""What tests of pages share: one browser and one hub for each module."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser
from tests.chromium import chromium
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

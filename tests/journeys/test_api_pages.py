"""The front page and the API's reference in a browser: drawn, by keys, from this host alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from playwright.async_api import Browser
from tests.chromium import axe, visitor
from tests.openapi_files import hub_app

from cx_hub.listening_sockets import listening


@asynccontextmanager
async def served() -> AsyncIterator[str]:
    """The address of a hub's routes with nothing behind them: pages need nothing."""
    with listening("127.0.0.1", 0) as listener:
        server = uvicorn.Server(uvicorn.Config(hub_app(), log_level="warning", lifespan="off"))
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_api_is_read_from_front_page_to_schema(browser: Browser, scheme: Any) -> None:
    async with served() as url, visitor(browser, color_scheme=scheme) as context:
        page = await context.new_page()
        asked: list[str] = []
        complaints: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        await page.goto(url)
        assert await axe(page) == []
        await page.get_by_role("link", name="/docs").focus()
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"{url}/docs")
        assert await page.get_by_role("heading", level=1).inner_text() == "Throughline: the HTTP API"
        assert await page.evaluate("getComputedStyle(document.querySelector('main')).maxWidth") != "none"

        operation = page.locator("details", has=page.locator("#get_context"))
        await operation.locator("summary").focus()
        await page.keyboard.press("Enter")
        await operation.get_by_role("link", name="Context", exact=True).first.focus()
        await page.keyboard.press("Enter")
        schema = page.locator("#schema-Context")
        await schema.wait_for(state="visible")
        assert await schema.is_visible()
        assert await axe(page) == []
        assert {each for each in asked if not each.startswith(f"{url}/")} == set()
        # A browser asks every host for an icon, and says where there is none.
        assert [each for each in complaints if "404" not in each] == []

"""Make screenshots of the pages, with the demo's story behind them, to be looked at.

    .venv/bin/python -m tests.pages.screenshots FOLDER [PAGE...]

writes FOLDER/PAGE-WIDTH-SCHEME.png for each page, width and scheme.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from playwright.async_api import Browser, Page
from rich.console import Console
from tests.chromium import chromium, visitor

from cx_hub.compose import running_hub
from cx_hub.demo.cast import BEN, FIRST
from cx_hub.demo.run import TENANT, Doors, embedded_settings, play, until_ready, with_keys_of_the_story
from cx_hub.demo.stage import Stage
from cx_hub.resources import load_tenants

PAGES: Mapping[str, str] = {
    "sign-in": "/desk",
    "desk": f"/desk/email/{FIRST.email}",
    "desk-home": "/desk",
    "desk-claimed": "/desk/interactions/",
    "desk-unknown": "/desk/email/nobody@example.com",
    "console": "/console",
    "console-palette": "/console",
}
KEYS: Mapping[str, str] = {"console-palette": "Control+k"}
"""Pressed before a page is taken."""
SIZES = ((1280, 900), (1920, 1080), (390, 844))
SCHEMES = ("light", "dark")
SETTLED = "() => document.querySelector('.desk .cols, .console, main') && !document.querySelector('[aria-busy=true]')"


async def main(folder: Path, wanted: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        settings = embedded_settings(Path(home))
        tenants = with_keys_of_the_story(load_tenants(settings))
        async with running_hub(settings, tenants) as hub, chromium() as browser:
            await until_ready(hub.url)
            stage = Stage(Console(quiet=True))
            await play(Doors(hub.url, hub.url, ("127.0.0.1", hub.smtp_port), hub.tenants), stage)
            key = hub.tenants.by_name[TENANT].keys[0].secret
            for scheme in SCHEMES:
                for size in SIZES:
                    await take(browser, hub.url, key, folder, wanted, scheme, size)


async def take(
    browser: Browser, url: str, key: str, folder: Path, wanted: list[str], scheme: str, size: tuple[int, int]
) -> None:
    """Take all pages at one size in one scheme."""
    viewport = {"width": size[0], "height": size[1]}
    async with visitor(browser, viewport=viewport, color_scheme=scheme, has_touch=size[0] < 720) as context:
        page = await context.new_page()
        for name in wanted:
            await page.goto(url + await address(page, PAGES[name]))
            if name == "sign-in":
                await page.get_by_label("Key", exact=True).wait_for()
            await page.wait_for_function(SETTLED)
            await page.wait_for_timeout(700)  # what is read beside the first answer
            if name in KEYS:
                await page.keyboard.press(KEYS[name])
                await page.wait_for_timeout(300)
            await page.screenshot(path=folder / f"{name}-{size[0]}-{scheme}.png")
            if name == "sign-in":
                await page.get_by_label("Who you are").fill(BEN["id"])
                await page.get_by_label("Key", exact=True).fill(key)
                await page.keyboard.press("Enter")
                await page.locator(".rail").wait_for(state="attached")


async def address(page: Page, path: str) -> str:
    """Return the address of a page; that of a claim needs the id of the stranger's chat."""
    if not path.endswith("/interactions/"):
        return path
    script = "() => fetch('/v1/conversations?state=open').then((a) => a.json()).then((a) => a.items[0].interaction)"
    return path + str(await page.evaluate(script))


if __name__ == "__main__":
    named = sys.argv[2:] or list(PAGES)
    asyncio.run(main(Path(sys.argv[1]), ["sign-in", *(each for each in named if each != "sign-in")]))

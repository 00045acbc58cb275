"""The web chat in pages that work against it, and states in which what was typed could be lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page
from tests.channels import Hub
from tests.chromium import axe, field, launcher, opened, said, site, tab, until, visitor

pytestmark = [pytest.mark.clock, pytest.mark.asyncio(loop_scope="module")]

TAG = '<script src="{hub}/v1/chat/widget.js" data-connection="acme-chat"></script>'

HOSTILE_STYLE = """<style>
  * { all: revert !important }
  * { opacity: .3 !important; text-transform: uppercase !important; visibility: hidden !important }
</style>"""

SHORTCUTS = """<input id="trap"><script>
  window.taken = [];
  const take = (event) => { taken.push(event.key); event.preventDefault(); };
  document.addEventListener("keydown", (event) => event.target.tagName !== "INPUT" && take(event));
  document.addEventListener("keydown", take, true);
  document.addEventListener("paste", (event) => event.preventDefault(), true);
  document.addEventListener("focusin", (event) => event.target.id === "trap" || trap.focus());
</script>"""

FOCUSED = """() => {
  let at = document.activeElement;
  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
  return at.getAttribute("aria-label") || at.id || at.tagName;
}"""


async def until_texts(hub: Hub, expected: set[str]) -> None:
    async def all_there() -> bool:
        return {one["text"] for one in await said(hub)} == expected

    await until(all_there)


async def put_in(page: Page, text: str) -> None:
    """Put text into the field that no key gives, as a paste does."""
    await field(page).evaluate(f"(at) => {{ at.value = {text}; }}")
    await field(page).focus()
    await page.keyboard.press("Enter")


async def test_a_page_with_shortcuts_gets_no_keys_of_chats(hub: Hub, browser: Browser) -> None:
    async with site(hub, html=SHORTCUTS) as address, visitor(browser) as context, tab(context, address) as page:
        await launcher(page).click()
        assert await page.evaluate(FOCUSED) == "Your message"
        await page.keyboard.type("jks/?")
        await page.keyboard.press("Backspace")
        await page.keyboard.press("Enter")
        await until_texts(hub, {"jks/"})
        await page.keyboard.press("Escape")
        await page.get_by_role("dialog").wait_for(state="hidden")
        assert await page.evaluate("taken") == []


async def test_a_page_styling_all_elements_leaves_the_chat_visible(hub: Hub, browser: Browser) -> None:
    async with site(hub, html=HOSTILE_STYLE) as address, visitor(browser) as context, tab(context, address) as page:
        style = await page.locator("throughline-chat").evaluate(
            "(at) => { const s = getComputedStyle(at); return [s.position, s.opacity, s.textTransform, s.visibility]; }"
        )
        assert style == ["fixed", "1", "none", "visible"]


async def test_the_chat_is_shown_once_and_survives_another_body(hub: Hub, browser: Browser) -> None:
    html = TAG.format(hub=hub.url) * 2
    async with site(hub, html=html) as address, visitor(browser) as context, tab(context, address) as page:
        await page.wait_for_load_state("load")
        assert await page.locator("throughline-chat").count() == 1
        await opened(page)
        await page.keyboard.type("half")
        await page.evaluate("document.body = document.createElement('body')")
        await page.get_by_role("dialog").wait_for()
        assert await field(page).input_value() == "half"


async def test_at_400_percent_the_whole_panel_is_reachable(hub: Hub, browser: Browser) -> None:
    async with (
        site(hub) as address,
        visitor(browser, viewport={"width": 320, "height": 200}) as context,
        tab(context, address) as page,
    ):
        await opened(page)
        for _ in range(6):
            await page.keyboard.press("Shift+Enter")
        await page.keyboard.type("the last line")
        send: Any = page.get_by_role("button", name="Send")
        await send.focus()
        box = await send.bounding_box()
        assert box["y"] >= 0 and box["y"] + box["height"] <= 200
        assert await page.locator(".log").evaluate("(at) => at.clientHeight") >= 90
        assert await axe(page) == []


async def test_the_focus_stays_when_the_focused_element_goes(hub: Hub, browser: Browser) -> None:
    async with site(hub) as address, visitor(browser) as context, tab(context, address) as page:
        await opened(page)
        await page.get_by_text("Files: pictures").wait_for()
        await page.locator("input[type=file]").set_input_files(
            {"name": "a.html", "mimeType": "text/html", "buffer": b"x"}
        )
        await page.get_by_role("button", name="Remove a.html").press("Enter")
        assert await page.evaluate(FOCUSED) == "Your message"
        await hub.chats.stop(5.0)
        await page.get_by_role("button", name="Try now").press("Enter")
        assert await page.evaluate(FOCUSED) == "Your message"
        await page.get_by_role("heading", name="Acme").click()
        await page.keyboard.press("Escape")
        await page.get_by_role("dialog").wait_for(state="hidden")


async def test_a_refused_message_is_shown_and_not_sent_again(hub: Hub, browser: Browser) -> None:
    async with site(hub) as address, visitor(browser) as context, tab(context, address) as page:
        await opened(page)
        await put_in(page, r"'\x85'")
        await put_in(page, r"'half a \ud83d'")
        await put_in(page, "'a'.repeat(9000)")
        await page.get_by_text("Not sent: too long.").wait_for()
        await put_in(page, "'fine'")
        await until_texts(hub, {"half a \ufffd", "fine"})
        await page.get_by_text("Sending").wait_for(state="hidden")
        line = """([id, text]) => {
          const key = "throughline-chat:acme-chat", kept = JSON.parse(localStorage[key]);
          kept.talk.lines.push({ id, place: 99, from: { role: "customer", name: "" }, text, at: "" });
          localStorage[key] = JSON.stringify(kept);
        }"""
        await page.evaluate(line, ["an-older-one", "\x85"])
        await page.reload()
        await opened(page)
        await page.get_by_text("Not sent: this can’t be taken.").wait_for()


async def test_a_tab_keeps_its_draft_whatever_another_sends(hub: Hub, browser: Browser) -> None:
    async with (
        site(hub) as address,
        visitor(browser) as context,
        tab(context, address) as one,
        tab(context, address) as other,
    ):
        await opened(one)
        await opened(other)
        await other.keyboard.type("half a word")
        await one.keyboard.type("sent")
        await one.keyboard.press("Enter")
        await other.reload()
        await opened(other)
        assert await field(other).input_value() == "half a word"


async def test_a_chat_continues_when_the_clock_is_set_back(hub: Hub, browser: Browser) -> None:
    async def token() -> Any:
        return await page.evaluate("JSON.parse(localStorage['throughline-chat:acme-chat']).talk.session.at")

    async with site(hub) as address, visitor(browser) as context, tab(context, address) as page:
        await opened(page)
        await page.keyboard.type("hello")
        await page.keyboard.press("Enter")
        await page.get_by_text("Sent", exact=True).wait_for()
        before = await token()
        await context.add_init_script("Date.now = () => 1000")
        await page.reload()

        async def renewed() -> bool:
            return bool(await token() > before)

        await until(renewed, "the session of the latest welcome is the one that is kept")


async def test_a_file_removed_before_sending_is_reported(hub: Hub, browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "note.txt"
    file.write_text("one")
    async with site(hub) as address, visitor(browser) as context, tab(context, address) as page:
        await opened(page)
        await page.get_by_text("Files: pictures").wait_for()
        hub.log.broken = True  # until the end, so that no try before the removal succeeds
        await page.locator("input[type=file]").set_input_files(file)
        await page.get_by_text("note.txt").wait_for()
        file.unlink()  # browsers compare a changed file's time by the second
        await page.get_by_text("Not sent: the file can’t be read.").wait_for()

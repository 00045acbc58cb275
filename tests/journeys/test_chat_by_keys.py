"""The web chat in a real browser, driven by keys alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, WebSocketRoute
from tests.browsers import answered
from tests.channels import Hub
from tests.chromium import axe, field, launcher, opened, said, site, tab, until, visitor, words

pytestmark = [pytest.mark.clock, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(loop_scope="module")
async def page(hub: Hub, browser: Browser) -> AsyncIterator[Page]:
    async with site(hub) as address, visitor(browser) as context, tab(context, address) as page:
        yield page


async def focused(page: Page) -> dict[str, Any]:
    """The element that has the focus, in the chat or in the page: its name, and whether a ring shows it."""
    found: dict[str, Any] = await page.evaluate(
        """() => {
          let at = document.activeElement;
          while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
          const style = getComputedStyle(at);
          return { name: at.getAttribute("aria-label") || at.id || at.textContent.trim(),
                   ring: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 };
        }"""
    )
    return found


async def test_enter_sends_the_text_that_was_typed(hub: Hub, page: Page) -> None:
    await opened(page)
    await page.keyboard.type("My ordre")
    for _ in range(3):
        await page.keyboard.press("Backspace")
    await page.keyboard.type("der is late")
    await page.keyboard.press("ArrowLeft")
    await page.keyboard.press("Delete")
    await page.keyboard.type("e!")
    assert await field(page).input_value() == "My order is late!"
    await page.keyboard.press("Enter")
    assert [one["text"] for one in await until(lambda: said(hub))] == ["My order is late!"]
    assert await field(page).input_value() == ""


async def test_shift_and_enter_begin_a_line(hub: Hub, page: Page) -> None:
    await opened(page)
    await page.keyboard.type("one")
    await page.keyboard.press("Shift+Enter")
    await page.keyboard.type("two")
    assert await field(page).input_value() == "one\ntwo"
    assert await said(hub) == []
    await page.keyboard.press("Enter")
    assert [one["text"] for one in await until(lambda: said(hub))] == ["one\ntwo"]


async def test_the_enter_of_an_input_method_sends_nothing(hub: Hub, page: Page) -> None:
    await opened(page)
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("Input.imeSetComposition", {"text": "にほん", "selectionStart": 3, "selectionEnd": 3})
    # Keys that an input method takes bring no text of their own. Most say 229 instead of their code.
    for key, code in (("Enter", 13), ("Enter", 229), ("Escape", 27), ("Escape", 229)):
        await devtools.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", "key": key, "windowsVirtualKeyCode": code})
        await devtools.send("Input.dispatchKeyEvent", {"type": "keyUp", "key": key, "windowsVirtualKeyCode": code})
    assert await page.get_by_role("dialog").is_visible()
    await devtools.send("Input.insertText", {"text": "日本"})
    # Safari has ended the composition before the Enter that ended it comes.
    after = {"type": "rawKeyDown", "key": "Enter", "windowsVirtualKeyCode": 229}
    await devtools.send("Input.dispatchKeyEvent", after)
    assert await field(page).input_value() == "日本"
    assert await said(hub) == []
    await page.keyboard.press("Enter")
    assert [one["text"] for one in await until(lambda: said(hub))] == ["日本"]


async def test_tab_walks_through_the_panel_with_a_visible_focus(page: Page) -> None:
    await opened(page)
    await page.locator("#before").focus()
    walked = []
    for key in ["Tab"] * 7 + ["Shift+Tab"] * 7:
        await page.keyboard.press(key)
        walked.append(await focused(page))
    names = [one["name"] for one in walked]
    assert names[:6] == ["More", "Close the chat", "Messages", "Add a file", "Your message", "Send"]
    assert names[6] not in names[:6], "the focus leaves the panel"
    assert names[7:13] == names[5::-1], "and comes back into it"
    assert names[13] == "before"
    assert all(one["ring"] for one in walked[:6])


async def test_escape_closes_the_panel_and_focuses_the_launcher(page: Page) -> None:
    await opened(page)
    await page.keyboard.type("half a word")
    await page.keyboard.press("Escape")
    await page.get_by_role("dialog").wait_for(state="hidden")
    assert await focused(page) == {"name": "Chat", "ring": True}
    await page.keyboard.press("Enter")
    assert await field(page).input_value() == "half a word"


async def test_what_was_typed_is_there_again_after_a_reload(page: Page) -> None:
    await opened(page)
    await page.keyboard.type("half a word")
    await page.reload()
    await launcher(page).wait_for()
    await opened(page)
    assert await field(page).input_value() == "half a word"


async def test_a_text_too_long_to_send_stays(hub: Hub, page: Page) -> None:
    await opened(page)
    await page.keyboard.insert_text("長" * 7000)
    await page.keyboard.press("Enter")
    await page.get_by_text("Not sent: too long.").wait_for()
    assert await field(page).input_value() == "長" * 7000
    for _ in range(3):
        await page.keyboard.press("Shift+Control+Home")
    await page.keyboard.insert_text("short")
    await page.keyboard.press("Enter")
    assert [one["text"] for one in await until(lambda: said(hub))] == ["short"]


async def test_the_note_about_length_stays_until_the_text_changes(page: Page) -> None:
    held: list[str | bytes] = []
    sockets: list[WebSocketRoute] = []

    def hold(message: str | bytes) -> None:
        """Hold back what the hub says, so that the visitor is always faster than the connection."""
        held.append(message)

    def route(socket: WebSocketRoute) -> None:
        socket.connect_to_server().on_message(hold)
        sockets.append(socket)

    await page.route_web_socket("**", route)
    await page.reload()
    await launcher(page).wait_for()
    await opened(page)
    await page.keyboard.insert_text("長" * 7000)
    await page.keyboard.press("Enter")
    note = page.get_by_text("Not sent: too long.")
    await note.wait_for()
    await until(lambda: _any(held))
    for each in held:
        sockets[0].send(each)
    await page.get_by_role("button", name="Add a file").wait_for()  # the hub said what it takes: the chat is connected
    assert await note.is_visible()
    await page.keyboard.press("Backspace")
    await note.wait_for(state="hidden")


async def _any(found: Sequence[Any]) -> bool:
    return bool(found)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
async def test_axe_finds_no_accessibility_fault(hub: Hub, browser: Browser, scheme: Any, width: int) -> None:
    options = {"color_scheme": scheme, "viewport": {"width": width, "height": 800}}
    async with (
        site(hub, greeting="How can we help?") as address,
        visitor(browser, **options) as context,
        tab(context, address) as page,
    ):
        assert await axe(page) == []
        await opened(page)
        await page.keyboard.type("See https://acme.example/terms")
        await page.keyboard.press("Enter")
        await until(lambda: said(hub))
        interaction = (await hub.events())[0]["data"]["interaction"]
        await answered(hub, interaction, "a-1")
        await until(lambda: _shows(page, "answer a-1"))
        assert await axe(page) == []
        hub.log.broken = True
        await page.keyboard.type("one more")
        await page.keyboard.press("Enter")
        await until(lambda: _shows(page, "one more"))
        assert await axe(page) == [], "while something is not sent yet"
        await page.keyboard.press("Escape")
        hub.log.broken = False
        await answered(hub, interaction, "a-2")
        await page.get_by_role("button", name="Chat, 1 new message").wait_for()
        assert await axe(page) == []


async def _shows(page: Page, text: str) -> bool:
    return text in await words(page)

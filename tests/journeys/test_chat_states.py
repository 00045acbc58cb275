"""The web chat's states in a real browser, walked by keys: greeted, waiting, with a person, ended, gone on with."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect
from tests.browsers import answered, happened
from tests.channels import IMPORTER, Hub, running_hub
from tests.chromium import axe, field, launcher, opened, site, tab, until, visitor, words

from cx_events.timestamps import format_time

pytestmark = [pytest.mark.clock, pytest.mark.asyncio(loop_scope="module")]

BEN = {"id": "ben", "name": "Ben"}

HOSTILE = (
    "<script>top.ran = 1</script><img src=https://evil.example/x onerror=top.ran=1>",
    "\u202egnp.exe\u202c \u2066x\u2069 \x07\x1b[31m",
    "javascript:top.ran=1 data:text/html,<script>top.ran=1</script>",
    "<style>*{display:none}</style><link rel=stylesheet href=https://evil.example/x.css>",
    "${top.ran=1} {{top.ran=1}} `top.ran=1`",
    "مرحبا שלום " + "ا" * 300 + "\U0001f469\u200d\U0001f680" * 50 + "e\u0301" * 40,
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Hub]:
    async with running_hub(tmp_path_factory.mktemp("hub")) as running:
        yield running


async def typed(page: Page, text: str) -> None:
    await page.keyboard.type(text)
    await page.keyboard.press("Enter")


async def chosen(page: Page, *names: str) -> None:
    """Open the menu and go through it, by keys."""
    for name in ("More", *names):
        await page.get_by_role("button", name=name, exact=name == "More").last.focus()
        await page.keyboard.press("Enter")


async def interaction_of(hub: Hub, text: str) -> str:
    """The chat in which this was said."""

    async def found() -> str:
        said = [one for one in await hub.events() if one["data"].get("message", {}).get("text") == text]
        return said[0]["data"]["interaction"] if said else ""

    told: str = await until(found)
    return told


async def stored(hub: Hub, interaction: str, type: str) -> list[dict[str, Any]]:
    found = [one["data"] for one in await hub.events() if one["type"] == type]
    return [data for data in found if data["interaction"] == interaction]


async def shows(page: Page, text: str) -> None:
    await page.get_by_text(text, exact=True).first.wait_for()


async def sent(page: Page, hub: Hub, text: str) -> str:
    """Say this by keys, wait until the page knows that the hub has it (no chat is left before), and return where."""
    await typed(page, text)
    await shows(page, "Sent")
    return await interaction_of(hub, text)


async def forgets(page: Page) -> None:
    """Wait until the browser keeps nothing of what was said about any matter."""
    await page.wait_for_function("!JSON.stringify(localStorage).includes('matter')")


async def is_in_field(page: Page) -> bool:
    focused: bool = await field(page).evaluate("each => each.getRootNode().activeElement === each")
    return focused


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
async def test_a_chat_from_its_greeting_to_its_second_end(hub: Hub, browser: Browser, scheme: Any, width: int) -> None:
    text = f"charged twice {scheme}"
    options = {"color_scheme": scheme, "viewport": {"width": width, "height": 700}}
    hello = {"about": "A bot answers at once", "proactive": "Questions?", "proactive_after": "0"}
    async with (
        site(hub, **hello) as address,
        visitor(browser, **options) as context,
        tab(context, address) as page,
    ):
        await page.get_by_role("button", name="Questions?").wait_for()
        assert await launcher(page).get_attribute("aria-label") == "Chat", "a greeting is nothing unread"
        assert await axe(page) == []
        await page.get_by_role("button", name="Questions?").focus()
        await page.keyboard.press("Enter")
        await shows(page, "A bot answers at once")
        assert await words(page) == ["Questions?"]
        await typed(page, text)
        interaction = await interaction_of(hub, text)

        async def told(id: str, type: str, **data: Any) -> None:
            await happened(hub, interaction, f"{id}-{scheme}", type, **data)

        await told("b-1", "cx.bot.turn.v1", bot={"text": "I can’t do that."})
        await told("r-1", "cx.message.delivered.v1", direction="outbound")
        await shows(page, "Delivered")
        await told("r-2", "cx.message.read.v1", direction="outbound")
        await shows(page, "Read")
        await chosen(page, "Talk to a person")
        await shows(page, "You asked for a person.")
        await shows(page, "You’re waiting for a person")
        await told("q-1", "cx.interaction.queued.v1", waiting={"position": 3})
        await shows(page, "You’re number 3.")
        await told("q-2", "cx.interaction.queued.v1", waiting={"position": 1, "about_s": 50})
        await shows(page, "You’re next, about 1 min.")
        assert not await page.get_by_text("You’re number 3.").count(), "one place at a time"
        await shows(page, "You can close this page. Your chat is here when you come back.")
        assert await is_in_field(page)
        assert await axe(page) == [], "while waiting"
        await told("h-1", "cx.handoff.accepted.v1", agent=BEN)
        await expect(page.get_by_text("You’re next, about 1 min.")).to_have_count(0)
        await told("i-1", "cx.interaction.answered.v1", agent=BEN)
        await told("h-2", "cx.handoff.context_shown.v1", agent=BEN)
        await shows(page, "Ben has read what you told the bot.")
        assert await page.locator(".event").get_by_text("Ben is here.").count() == 1
        await typed(page, "thank you")
        await told("e-1", "cx.interaction.ended.v1", agent=BEN)
        await shows(page, "This chat has ended.")
        assert await axe(page) == [], "ended"
        assert (
            await page.evaluate("document.querySelector('throughline-chat').shadowRoot.activeElement.textContent")
            == "Write again"
        ), "the focus stays in the panel"
        await page.reload()
        await launcher(page).wait_for()
        await opened(page)
        await shows(page, "This chat has ended.")
        await page.get_by_role("button", name="Write again").focus()
        await page.keyboard.press("Enter")
        await shows(page, "You’re back.")
        assert await is_in_field(page)
        await typed(page, f"again {scheme}")
        assert await interaction_of(hub, f"again {scheme}") == interaction
        assert len(await stored(hub, interaction, "cx.interaction.resumed.v1")) == 1
        await chosen(page, "End this chat")
        await page.get_by_role("button", name="Write again").wait_for()


async def test_a_place_is_told_while_it_holds(hub: Hub, browser: Browser) -> None:
    async with site(hub) as address, visitor(browser) as context, tab(context, address) as page:
        await opened(page)
        interaction = await sent(page, hub, "a place in the queue")

        async def queued(id: str, minutes_ago: float, position: int) -> None:
            """Say a place, and 5 minutes to wait, as of some time ago."""
            at = format_time(time.time_ns() // 1000 - int(minutes_ago * 60_000_000))
            data = {"channel": "chat", "interaction": interaction, "waiting": {"position": position, "about_s": 300}}
            await answered(hub, interaction, id, IMPORTER, type="cx.interaction.queued.v1", time=at, data=data)

        await queued("p-1", 0, 3)
        await shows(page, "You’re number 3, about 5 min")
        await queued("p-2", 6, 2)
        await shows(page, "You’re number 2")
        assert await page.get_by_text("about").count() == 0, "an estimate that has passed says nothing"
        await answered(hub, interaction, "p-3")
        await shows(page, "Ben is here.")
        await expect(page.get_by_text("You’re number 2")).to_have_count(0)
        await queued("p-4", 0, 4)
        await shows(page, "You’re number 4, about 5 min")
        await happened(hub, interaction, "p-5", "cx.interaction.ended.v1")
        await shows(page, "This chat has ended.")
        await expect(page.get_by_text("You’re number 4")).to_have_count(0)
        await page.get_by_role("button", name="Write again").focus()
        await page.keyboard.press("Enter")
        await shows(page, "You’re waiting for a person")
        assert await page.get_by_text("number 4").count() == 0, "who left the queue has no place in it"


async def test_a_call_and_codes_are_asked_for_by_keys(hub: Hub, browser: Browser) -> None:
    async with (
        site(hub) as address,
        visitor(browser, viewport={"width": 390, "height": 700}) as context,
        tab(context, address) as page,
    ):
        await opened(page)
        await typed(page, "call me")
        interaction = await interaction_of(hub, "call me")
        await chosen(page, "Call me back")
        await typed(page, "home")
        await shows(page, "A number has five digits or more.")
        assert await axe(page) == []
        await page.keyboard.press("Control+A")
        await page.keyboard.type("+1 555 0100")
        await page.keyboard.press("Tab")
        await typed(page, "after five")
        await shows(page, "You asked to be called back at +1 555 0100.")
        assert await is_in_field(page)

        async def asked() -> list[dict[str, Any]]:
            return await stored(hub, interaction, "cx.handoff.requested.v1")

        (call,) = await until(asked)
        assert call["handoff"]["packet"]["slots"] == {"phone": "+1 555 0100", "when": "after five"}
        await chosen(page, "Go on elsewhere")
        code = page.locator(".code")
        await until(lambda: _digits(code))
        given = (await code.inner_text()).strip()
        assert await axe(page) == []
        await page.keyboard.press("Escape")
        assert await page.get_by_role("dialog").is_visible(), "Escape leaves the view, then the chat"
    async with site(hub) as address, visitor(browser) as context, tab(context, address) as page:
        await opened(page)
        await page.get_by_role("button", name="Add a file").wait_for()
        await chosen(page, "I have a code")
        await typed(page, "12")
        await shows(page, "A code has eight digits.")
        await page.keyboard.press("Control+A")
        await typed(page, given)
        await shows(page, "Go on here. We know what you said before.")
        await typed(page, "here I am")
        elsewhere = await interaction_of(hub, "here I am")
        assert len(await stored(hub, elsewhere, "cx.conversation.token_redeemed.v1")) == 1


async def _digits(code: Any) -> bool:
    return any(each.isdigit() for each in await code.inner_text())


async def test_several_chats_keep_their_own_words(hub: Hub, browser: Browser) -> None:
    async with (
        site(hub) as address,
        visitor(browser) as context,
        tab(context, address) as page,
        tab(context, address) as other,
    ):
        await opened(page)
        first = await sent(page, hub, "the first matter")
        await chosen(page, "New chat")
        assert await words(page) == []
        assert await sent(page, hub, "the second matter") != first
        await answered(hub, first, "a-shelf")
        await opened(other)
        await shows(other, "the second matter")
        assert await words(other) == ["the second matter"], "tabs show one chat"
        await chosen(page, "Your chats", "the first matter")
        await shows(page, "answer a-shelf")
        assert await words(page) == ["the first matter", "answer a-shelf"]
        await page.reload()
        await launcher(page).wait_for()
        await opened(page)
        assert await words(page) == ["the first matter", "answer a-shelf"]
        await page.evaluate("throughlineChat.end()")
        await forgets(page)
        assert await stored(hub, first, "cx.interaction.ended.v1")


async def test_a_tab_that_lags_behind_keeps_no_forgotten_chat(hub: Hub, browser: Browser) -> None:
    async with (
        site(hub) as address,
        visitor(browser) as context,
        tab(context, address) as page,
        tab(context, address) as other,
    ):
        await opened(page)
        await sent(page, hub, "the third matter")
        await chosen(page, "New chat")
        last = await sent(page, hub, "the fourth matter")
        await opened(other)
        await shows(other, "the fourth matter")
        # What one tab writes into the store, another reads some time later, and writes what it read before.
        await other.evaluate(
            "() => { const known = {...localStorage}; Storage.prototype.getItem = (key) => known[key] ?? null; }"
        )
        await page.evaluate("throughlineChat.end()")
        await forgets(page)
        assert await stored(hub, last, "cx.interaction.ended.v1")
        await expect(other.get_by_text("matter")).to_have_count(0)
        await forgets(other)


async def test_hostile_words_run_and_request_nothing(hub: Hub, browser: Browser) -> None:
    requested: list[str] = []
    async with (
        site(
            hub, html='<script>document.documentElement.dir = "rtl"</script>', title=HOSTILE[0], about=HOSTILE[3]
        ) as address,
        visitor(browser, viewport={"width": 390, "height": 700}) as context,
        tab(context, address) as page,
    ):
        page.on("request", lambda request: requested.append(request.url))
        await opened(page)
        await typed(page, "hostile words")
        interaction = await interaction_of(hub, "hostile words")
        for number, text in enumerate(HOSTILE):
            data = {"interaction": interaction, "direction": "outbound", "message": {"id": f"x-{number}", "text": text}}
            data["participants"] = [{"role": "agent", "name": text}]
            await answered(hub, interaction, f"x-{number}", data=data)
            await happened(hub, interaction, f"j-{number}", "cx.handoff.accepted.v1", agent={"id": "x", "name": text})
            await page.keyboard.insert_text(text)
            await page.keyboard.press("Enter")
        await until(lambda: _as_many(page, 1 + 2 * len(HOSTILE)))
        assert await page.evaluate("window.ran") is None
        assert [url for url in requested if "evil" in url] == []
        assert await axe(page) == []
        wide = "each => each.scrollWidth > each.clientWidth"
        assert not await page.locator("[role=log]").evaluate(wide), "nothing is wider than the panel"


async def _as_many(page: Page, count: int) -> bool:
    return len(await words(page)) == count


async def test_a_page_says_it_in_other_words(hub: Hub, browser: Browser) -> None:
    said = json.dumps({"launcher": "دردشة", "field": "رسالتك", "more": "المزيد"})
    html = f'<script>document.documentElement.dir = "rtl"; window.throughlineChat = {{words: {said}}}</script>'
    async with site(hub, html=html) as address, visitor(browser) as context:
        page = await context.new_page()
        await page.goto(address)
        await page.get_by_role("button", name="دردشة").focus()
        await page.keyboard.press("Enter")
        await page.get_by_role("textbox", name="رسالتك").wait_for()
        close, more = page.get_by_role("button", name="Close the chat"), page.get_by_role("button", name="المزيد")
        places = [await each.bounding_box() for each in (close, more)]
        assert places[0] is not None
        assert places[1] is not None
        assert places[0]["x"] < places[1]["x"], "mirrored"

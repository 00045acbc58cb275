"""Test who is who at the desk: two stories side by side, merged and parted; the past; a customer who moves under a
note.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page
from tests.chromium import axe
from tests.pages.acting import Acme, at, desk, press, running_acme, shown, told
from tests.patience import PATIENCE

pytestmark = [pytest.mark.clock, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Acme]:
    async with running_acme(tmp_path_factory.mktemp("hub")) as api:
        yield api


async def found_in_palette(page: Page, words: str) -> None:
    await page.locator("#customer").focus()
    await press(page, "Control+k")
    await page.keyboard.type(words)
    await press(page, "Enter")


async def test_two_stories_side_by_side_then_merged_and_parted(browser: Browser, hub: Acme) -> None:
    one = await hub.says("chat-ana", "My refund is late", email="ana@example.com")
    other = await hub.says("chat-anna", "Still no refund", email="anna@example.com")
    async with desk(browser, hub.url, at("chat-ana")) as page:
        await shown(page, "Ana")
        await found_in_palette(page, "who is who")
        await page.locator("#act-identity[open]").wait_for()
        await page.get_by_role("button", name="Same as another…").press("Enter")
        await page.keyboard.type("anna")
        await page.get_by_role("radio").wait_for()
        await page.get_by_role("radio").press("Space")
        assert await axe(page) == []
        await press(page, "Enter")
        await page.locator("#compare .sides").get_by_text("Still no refund").first.wait_for()
        await page.locator("#compare .sides").get_by_text("My refund is late").first.wait_for()
        await page.locator("#compare").get_by_text("After it: one customer, 2 contacts").wait_for()
        for scheme in ("light", "dark"):
            await page.emulate_media(color_scheme=scheme)
            assert await axe(page) == []
        assert await page.locator("#merge").get_attribute("aria-disabled") == "true", "a reason is asked for"
        await page.locator("#compare-reason").focus()
        await page.keyboard.type("She named both chats")
        await press(page, "Enter")
        await told(page, "Merged")
        await hub.until("chat-anna", lambda each: each is not None)
        assert await _same_customer(hub, one, other)
        await page.locator("#customer").focus()
        await press(page, "u")
        await told(page, "Parted again, without a trace")
        assert not await _same_customer(hub, one, other, wanted=False)


async def _same_customer(hub: Acme, one: str, other: str, *, wanted: bool = True) -> bool:
    """Return whether two ids are one customer's, once that is as wanted or has had its time."""
    until = time.monotonic() + PATIENCE
    while True:
        ids = {(await hub.ask("GET", f"/v1/customers/{id}/context"))["body"]["customer"]["id"] for id in (one, other)}
        if (len(ids) == 1) == wanted or time.monotonic() > until:
            break
        await asyncio.sleep(0.05)
    return len(ids) == 1


async def test_a_note_follows_its_contact_through_a_merge(browser: Browser, hub: Acme) -> None:
    known = await hub.says("chat-known", "Where is my parcel?", email="zoe@example.com")
    visitor = await hub.says("chat-moving", "Hello, it is me", email="zed@example.com")
    async with desk(browser, hub.url, at("chat-moving")) as page:
        await shown(page, "Zed")
        await press(page, "n")
        await page.keyboard.type("He asks for")
        done = await hub.ask("POST", "/v1/identity/merge", {"a": visitor, "b": known, "reason": "one and the same"})
        await page.locator(".acts .moved, .above .banner.info").first.wait_for()
        await page.keyboard.type(" the parcel")
        assert await page.locator("#field-note").input_value() == "He asks for the parcel", (
            "nothing was lost, nor the focus"
        )
        await press(page, "Control+Enter")
        await told(page, "Note added")
        await hub.until(
            "chat-moving", lambda each: [one["text"] for one in each["notes"]] == ["He asks for the parcel"]
        )
        decision = f"{done['event']['source']}#{done['event']['id']}"
        await hub.ask("POST", "/v1/identity/unmerge", {"decision": decision, "reason": "two people after all"})
        await _same_customer(hub, visitor, known, wanted=False)
        (note,) = (await hub.conversation("chat-moving"))["notes"]
        assert note["text"] == "He asks for the parcel", "it stays with the contact that it is about"


async def test_a_standing_merge_is_parted(browser: Browser, hub: Acme) -> None:
    one = await hub.says("chat-p1", "Hello", email="per@example.com")
    other = await hub.says("chat-p2", "Hello", email="pet@example.com")
    await hub.ask("POST", "/v1/identity/merge", {"a": one, "b": other, "reason": "same voice"})
    assert await _same_customer(hub, one, other)
    async with desk(browser, hub.url, at("chat-p1")) as page:
        await page.locator("#act-identity").wait_for()
        await found_in_palette(page, "who is who")
        await page.get_by_text("same voice").wait_for()
        await page.get_by_role("button", name="Part them…").press("Enter")
        assert await axe(page) == []
        await page.locator("#ask-reason").focus()
        await page.keyboard.type("His brother")
        await press(page, "Enter")
        await told(page, "Parted, without a trace")
        assert not await _same_customer(hub, one, other, wanted=False)


async def test_a_contact_is_split_off_and_comes_back(browser: Browser, hub: Acme) -> None:
    await hub.says("chat-s1", "My invoice is wrong", email="sam@example.com")
    await hub.says("chat-s2", "And my address has changed", email="sam@example.com")
    async with desk(browser, hub.url, at("chat-s1")) as page:
        await shown(page, "Sam")
        await found_in_palette(page, "who is who")
        await page.get_by_role("button", name="Its own matter").press("Enter")
        await told(page, "A matter of its own")
        await hub.until("chat-s2", lambda each: len(each["joined"]) == 1)
        await page.locator("#act-identity").get_by_text("Contacts of this matter").wait_for(state="detached")
        await page.locator("#customer").focus()
        await press(page, "u")
        await told(page, "One matter again")
        await hub.until("chat-s2", lambda each: len(each["joined"]) == 2)


async def test_the_past_is_framed_and_idle(browser: Browser, hub: Acme) -> None:
    await hub.says("chat-past", "The first words", email="una@example.com")
    await hub.acts("chat-past", "topic", topic="Parcel")
    for words in ("The second words", "The third words"):
        await asyncio.sleep(1)  # a moment is asked for by whole seconds
        await hub.says("chat-past", words, email="una@example.com")
    async with desk(browser, hub.url, at("chat-past")) as page:
        await shown(page, "Una")
        await press(page, "a")
        await page.locator("#moment[open]").wait_for()
        assert await axe(page) == []
        await press(page, "Enter")
        await page.locator(".past-bar").get_by_text("What stood here then. Nothing can be done in it.").wait_for()
        assert await page.locator(".in-past").count() == 1
        await page.locator("main").get_by_text("The first words").first.wait_for()
        assert await page.locator("main").get_by_text("The third words").count() == 0, "what came later"
        assert await page.locator("#field-note").count() == 0
        for scheme in ("light", "dark"):
            await page.emulate_media(color_scheme=scheme)
            assert await axe(page) == []
        await press(page, "e", "n", "t", "p", "h")
        await page.locator(".acts").get_by_text("Nothing can be done in it").wait_for()
        assert (await hub.conversation("chat-past"))["state"] == "open"
        await hub.says("chat-past", "The fourth words", email="una@example.com")
        await press(page, "Escape")
        await page.locator("#field-note").wait_for()
        await page.locator("main").get_by_text("The fourth words").first.wait_for()
        assert await page.locator(".in-past").count() == 0
        await press(page, "a")
        await page.locator("#moment-at").fill("2001-01-01T00:00:00")
        await press(page, "Enter")
        await page.get_by_role("heading", name="Nothing here yet").wait_for()
        assert await page.locator("main").get_by_text("words").count() == 0, "of a moment before there was anything"
        await press(page, "Escape")
        await page.locator("#field-note").wait_for()


async def test_a_candidate_is_chosen_by_its_number(browser: Browser, hub: Acme) -> None:
    for name in ("lea", "lou"):
        await hub.says(f"chat-{name}", "Hello", email=f"{name}@example.com", phone="+15550100123")
    async with desk(browser, hub.url, "/phone/+15550100123") as page:
        await page.get_by_role("heading", name="2 customers can be meant").wait_for()
        await press(page, "1")
        await page.wait_for_url("**/desk/customers/**")
        await page.locator("#field-note").wait_for()

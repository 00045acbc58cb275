"""Test what the desk does without: a shared worker, an answer in time, a true picture, a page that may frame it."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, Route, expect
from tests.chromium import axe, field, opened, page_server, site, tab, visitor
from tests.pages.desk_hub import SOURCE, WRITER, Customer, DeskHub, agent
from tests.pages.test_desk_typing import asked, interaction_in

pytestmark = [pytest.mark.clock, pytest.mark.asyncio(loop_scope="module")]

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="top.ran=1"><image href="https://elsewhere.example/x"/></svg>'
PAGE = b"<script>top.ran=1</script><iframe src=https://elsewhere.example/x></iframe>"
HOSTILE_NAME = '<img src=x onerror="top.ran=1">.png'


async def test_each_tab_follows_alone_without_a_shared_worker(browser: Browser, desk_hub: DeskHub) -> None:
    ana = Customer("alone@example.com", interaction="chat-alone")
    rui = Customer("alone.rui@example.com", "Rui", interaction="chat-alone-rui")
    await desk_hub.say(ana, "of ana")
    await desk_hub.say(rui, "of rui")
    async with agent(browser, desk_hub, script="delete globalThis.SharedWorker") as desk:
        await desk.open("/desk/email/alone@example.com")
        assert await desk.page.evaluate("'SharedWorker' in globalThis") is False
        another = await desk.another()
        await another.open("/desk/email/alone.rui@example.com")
        for each in (desk, another):
            await each.until("desk.state().link.state === 'live'")
        await desk_hub.say(ana, "more of ana")
        await desk_hub.say(rui, "more of rui")
        await desk.shows("more of ana", ".said")
        await another.shows("more of rui", ".said")


async def test_words_on_their_way_open_by_themselves(browser: Browser, desk_hub: DeskHub) -> None:
    ana = Customer("later@example.com", interaction="chat-later")
    await desk_hub.say(ana, "of before")
    async with agent(browser, desk_hub) as desk:
        await desk.open("/desk/email/later@example.com?at_least=%2F%2Facme.example%2Ftest%23later-1")
        await expect(
            desk.page.get_by_role("status").filter(has_text="The last words are on their way.")
        ).to_be_visible()
        assert await axe(desk.page) == []
        data = {
            "channel": "chat", "interaction": ana.interaction, "direction": "inbound", "participants": [ana.party()],
            "message": {"id": "later-1", "text": "of after"},
        }  # fmt: skip
        event = {
            "specversion": "1.0", "id": "later-1", "source": SOURCE, "type": "cx.message.received.v1", "data": data,
        }  # fmt: skip
        await asked(desk_hub, "POST", "/v1/events", WRITER, event)
        await desk.shows("of after", ".said")


async def test_a_gateway_that_gives_up_is_told(browser: Browser, desk_hub: DeskHub) -> None:
    ana = Customer("gateway@example.com", interaction="chat-gateway")
    await desk_hub.say(ana, "of before")

    async def give_up(route: Route) -> None:
        await route.fulfill(status=504, content_type="text/html", body="<h1>504 Gateway Time-out</h1>")

    async with agent(browser, desk_hub) as desk:
        await desk.page.route("**/v1/context?*", give_up)
        await desk.page.evaluate("desk.open('/desk/email/gateway@example.com')")
        await desk.shows("This customer can’t be read now", ".hero")
        assert await axe(desk.page) == []
        await desk.page.unroute("**/v1/context?*")
        await desk.page.get_by_role("button", name="Try now").click()
        await desk.shows("of before", ".said")


async def test_what_is_called_a_picture_runs_nothing(browser: Browser, desk_hub: DeskHub) -> None:
    async with site(desk_hub) as address, visitor(browser) as context, tab(context, address) as page:
        await opened(page)
        await field(page).press_sequentially("Look at these")
        await page.keyboard.press("Enter")
        interaction = await interaction_in(page)
        for name, content in ((HOSTILE_NAME, SVG), ("page.png", PAGE)):
            file = {"name": name, "mimeType": "image/png", "buffer": content}
            await page.locator("throughline-chat input[type=file]").set_input_files(files=[file])
            await page.get_by_text(name, exact=True).first.wait_for()
        async with agent(browser, desk_hub) as desk:
            await desk.open(f"/desk/interactions/{interaction}")
            await desk.page.get_by_role("button", name="Open it anyway").click()
            files = desk.page.locator("a.file")
            await expect(files).to_have_count(2)
            await expect(files.filter(has_text=HOSTILE_NAME)).to_have_count(1)
            await desk.until("[...document.querySelectorAll('a.file img')].every((each) => each.complete)")
            widths = await desk.page.locator("a.file img").evaluate_all("all => all.map((each) => each.naturalWidth)")
            assert widths == [0, 0], "no picture is made of what is none"
            assert [await each.get_attribute("download") for each in await files.all()] == ["", ""]
            assert await desk.page.evaluate("globalThis.ran") is None
            assert await desk.page.locator("#app iframe").count() == 0


async def test_pictures_elsewhere_are_named_and_not_loaded(browser: Browser, desk_hub: DeskHub) -> None:
    ana = Customer("pictures@example.com", interaction="chat-pictures")
    addresses = ("https://elsewhere.example/x.png", "javascript:top.ran=1", "data:image/svg+xml,<svg onload=top.ran=1>")
    found = [
        {"name": f"{HOSTILE_NAME}{at}", "content_type": "image/png", "url": each} for at, each in enumerate(addresses)
    ]
    message = {"text": "Look", "content_type": "text/plain", "attachments": found}
    await desk_hub.send(ana, "cx.message.received.v1", message=message)
    async with agent(browser, desk_hub) as desk:
        await desk.open("/desk/email/pictures@example.com")
        await expect(desk.page.locator(".file").filter(has_text="not kept here")).to_have_count(3)
        assert await desk.page.locator("#app :is(img, iframe, object, embed)").count() == 0
        assert await desk.page.evaluate("globalThis.ran") is None


async def test_no_strange_page_frames_the_desk(browser: Browser, desk_hub: DeskHub) -> None:
    body = f'<!doctype html><title>Trap</title><iframe src="{desk_hub.url}/desk"></iframe>'.encode()
    async with page_server(body) as origin, visitor(browser) as context:
        page = await context.new_page()
        await page.goto(origin, wait_until="load")
        (frame,) = page.main_frame.child_frames
        await frame.wait_for_load_state()
        assert frame.url.startswith("chrome-error:")

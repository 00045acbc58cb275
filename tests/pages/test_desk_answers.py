"""An agent answers a visitor's chat at the desk, by keys alone."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.async_api import Browser, Page, Route, expect
from tests.asking import PatientClient
from tests.chromium import axe, field, opened, site, tab, visitor
from tests.pages.desk_hub import ANSWERER, KEY, SOURCE, WRITER, Customer, DeskHub, agent
from tests.patience import PATIENCE

pytestmark = [pytest.mark.clock, pytest.mark.asyncio(loop_scope="module")]


async def begun(page: Page, text: str) -> str:
    """Say something in a page's chat. Returns its interaction, once the hub has taken it."""
    await opened(page)
    await field(page).press_sequentially(text)
    await page.keyboard.press("Enter")
    await page.get_by_text("Sent", exact=True).first.wait_for()
    found: str = await page.evaluate("JSON.parse(localStorage['throughline-chat:acme-chat']).talk.session.interaction")
    return found


async def event(hub: DeskHub, source: str, id: str) -> dict[str, Any]:
    async with PatientClient(base_url=hub.url, trust_env=False, timeout=PATIENCE) as http:
        query = {"source": source, "id": id}
        answer = await http.get("/v1/event", params=query, headers={"authorization": f"Bearer {WRITER}"})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()["event"]
        return found


async def words(hub: DeskHub, interaction: str) -> list[dict[str, Any]]:
    """What was said in a contact, newest first."""
    async with PatientClient(base_url=hub.url, trust_env=False, timeout=PATIENCE) as http:
        query = {"interaction": interaction}
        answer = await http.get("/v1/context", params=query, headers={"authorization": f"Bearer {WRITER}"})
        return [each for each in answer.json()["body"]["timeline"] if each["text"]]


async def test_an_answer_reaches_the_visitor(browser: Browser, desk_hub: DeskHub) -> None:
    async with site(desk_hub) as address, visitor(browser) as context, tab(context, address) as page:
        interaction = await begun(page, "I was charged twice")
        async with agent(browser, desk_hub, ANSWERER) as desk:
            await desk.open(f"/desk/interactions/{interaction}")
            answer = desk.page.get_by_label("Answer", exact=True)
            await answer.wait_for()
            await desk.page.locator("#customer").focus()
            await desk.page.keyboard.press("r")
            await expect(answer).to_be_focused()
            await answer.press_sequentially("I see both")
            writing = page.get_by_role("status").filter(has_text="Ben Okafor is writing…")
            await writing.wait_for()
            assert await axe(desk.page) == []
            await desk.page.keyboard.press("Control+Enter")
            await desk.page.locator(".told").get_by_text("Sent to the customer").wait_for()
            await page.get_by_role("log").get_by_text("I see both").wait_for()
            await expect(writing).to_have_count(0)
            await expect(answer).to_have_value("")
            await desk.shows("I see both", "ol.plain")
            said, asked = await words(desk_hub, interaction)
            assert (said["role"], said["name"], asked["text"]) == ("agent", "Ben Okafor", "I was charged twice")
            sent = await event(desk_hub, **said["event"])
            assert sent["causationid"] == asked["event"]["id"], "which words it answers"


async def test_a_note_is_told_to_colleagues_alone(browser: Browser, desk_hub: DeskHub) -> None:
    told: list[str] = []
    async with site(desk_hub) as address, visitor(browser) as context, tab(context, address) as page:
        interaction = await begun(page, "Hello")
        async with agent(browser, desk_hub, ANSWERER) as desk:
            desk.page.on("request", lambda each: told.append(each.post_data or ""))
            await desk.open(f"/desk/interactions/{interaction}")
            async with desk.page.expect_request(lambda each: '"typing"' in (each.post_data or "")):
                await desk.page.locator("#field-note").press_sequentially("Calls often and asks")
            assert [each for each in told if '"answering"' in each] == []
            async with desk.page.expect_request(lambda each: '"answering"' in (each.post_data or "")) as waited:
                await desk.page.locator("#field-answer").press_sequentially("Good day")
            assert json.loads((await waited.value).post_data or "")["answering"] == interaction


async def test_an_answer_that_failed_is_sent_once(browser: Browser, desk_hub: DeskHub) -> None:
    sent: list[dict[str, Any]] = []

    async def cut(route: Route) -> None:
        sent.append(json.loads(route.request.post_data or ""))
        if len(sent) == 1:
            await route.fetch()  # the hub has it, and its answer is lost
            await route.abort()
        else:
            await route.continue_()

    async with site(desk_hub) as address, visitor(browser) as context, tab(context, address) as page:
        interaction = await begun(page, "Is anybody there?")
        async with agent(browser, desk_hub, ANSWERER) as desk:
            await desk.page.route("**/v1/session/events", cut)
            await desk.open(f"/desk/interactions/{interaction}")
            await desk.page.locator("#field-answer").press_sequentially("Yes")
            await desk.page.keyboard.press("Control+Enter")
            await desk.page.get_by_role("alert").get_by_text("It is still here").wait_for()
            await field(page).press_sequentially("Hello?")
            await page.keyboard.press("Enter")
            await desk.shows("Hello?", "ol.plain")
            await desk.page.locator("#field-answer").press("Control+Enter")
            await desk.page.locator(".told").get_by_text("Sent to the customer").wait_for()
            assert sent[0] == sent[1], "also what it answers, though more was said since"
            await expect(page.get_by_role("log").get_by_text("Yes", exact=True)).to_have_count(1)


async def test_who_may_not_answer_is_told_why(browser: Browser, desk_hub: DeskHub) -> None:
    async with site(desk_hub) as address, visitor(browser) as context, tab(context, address) as page:
        interaction = await begun(page, "Hello")
        async with agent(browser, desk_hub, KEY) as desk:
            await desk.open(f"/desk/interactions/{interaction}")
            await desk.shows("ask for the scope events:write", ".acts")
            assert await desk.page.locator("#field-answer").count() == 0


async def test_other_softwares_chats_have_no_field(browser: Browser, desk_hub: DeskHub) -> None:
    for interaction in ("slack-1", "others/chat-1"):
        await desk_hub.say(Customer(f"{interaction[0]}@example.com", interaction=interaction), "Hello")
        async with agent(browser, desk_hub, ANSWERER) as desk:
            await desk.open(f"/desk/interactions/{interaction.replace('/', '%2F')}")
            await desk.page.locator("#field-note").wait_for()
            assert await desk.page.locator("#field-answer").count() == 0


async def test_a_chat_that_ended_is_not_answered(browser: Browser, desk_hub: DeskHub) -> None:
    async with site(desk_hub) as address, visitor(browser) as context, tab(context, address) as page:
        interaction = await begun(page, "That is all")
        async with agent(browser, desk_hub, ANSWERER) as desk:
            await desk.open(f"/desk/interactions/{interaction}")
            await desk.page.locator("#field-answer").wait_for()
            data = {"channel": "chat", "interaction": interaction, "direction": "inbound"}
            ended = {
                "specversion": "1.0",
                "id": f"end {interaction}",
                "source": SOURCE,
                "type": "cx.interaction.ended.v1",
            }
            async with PatientClient(base_url=desk_hub.url, trust_env=False, timeout=PATIENCE) as http:
                headers = {"authorization": f"Bearer {WRITER}"}
                answer = await http.post("/v1/events", json={**ended, "data": data}, headers=headers)
                assert answer.status_code == 202, answer.text
            await expect(desk.page.locator("#field-answer")).to_have_count(0)

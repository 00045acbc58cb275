"""An agent reads a customer: who, how sure, why. Changes are painted, and nothing that was typed is lost."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Browser, expect
from tests.chromium import axe
from tests.pages.desk_hub import CAREFUL, Customer, DeskHub, agent, ago

pytestmark = [pytest.mark.clock, pytest.mark.asyncio(loop_scope="module")]

ANA = Customer("ana@example.com")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_story_is_read_at_a_glance(browser: Browser, desk_hub: DeskHub, scheme: str) -> None:
    ana = ANA._replace(email=f"ana.{scheme}@example.com", interaction=f"chat-{scheme}")
    await desk_hub.say(ana, "Hi, I was charged twice")
    await desk_hub.send(
        ana,
        "cx.bot.turn.v1",
        role="bot",
        bot={"intent": "refund_order", "text": "Which order?", "slots": {"order": "4711"}},
    )
    await desk_hub.say(ana, "We look into it", role="agent")
    await desk_hub.say(ana, "It is order 4711")
    async with agent(browser, desk_hub, color_scheme=scheme) as desk:
        await desk.open(f"/desk/interactions/{ana.interaction}")
        await expect(desk.page.locator("#customer h1")).to_have_text("Ana Silva")
        await expect(desk.page.locator(".who .sure.proved")).to_have_text("Proved")
        await desk.shows("We look into it", ".said")
        await desk.shows("It is order 4711", ".said")
        await desk.shows("4711", ".known")
        await desk.shows("Refund order", ".tried")
        await desk.page.locator(".pic .contact").first.wait_for()
        await desk.shows("test", ".environment")
        assert await axe(desk.page) == []
        assert await desk.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_the_rail_tells_each_customers_mood(browser: Browser, desk_hub: DeskHub) -> None:
    cross = ANA._replace(email="cross@example.com", name="Cross Customer", interaction="chat-cross")
    said = await desk_hub.say(cross, "I was charged twice", queue={"id": "billing"})
    await desk_hub.send(cross, "cx.interaction.queued.v1", queue={"id": "billing"})
    found = {"sentiment": -0.8, "producer": "model", "version": "1"}
    await desk_hub.send(cross, "cx.insight.found.v1", insight=found, references=[{"kind": "message", "value": said}])
    async with agent(browser, desk_hub) as desk:
        row = desk.page.locator(".rail .item", has_text="Cross Customer")
        await expect(row.locator(".mood.upset")).to_have_text("Mood: very upset and steady")
        assert await axe(desk.page) == []


async def test_a_change_is_painted_and_what_is_typed_stays(browser: Browser, desk_hub: DeskHub) -> None:
    ana = ANA._replace(email="typing@example.com", interaction="chat-typing")
    await desk_hub.say(ana, "first words")
    async with agent(browser, desk_hub) as desk:
        await desk.open("/desk/email/typing@example.com")
        await desk.shows("first words", ".said")
        await desk.page.locator(".as-list summary").click()
        field = desk.page.get_by_label("Search in the timeline")
        await field.focus()
        await desk.page.keyboard.type("fir")
        await desk_hub.say(ana, "second words")
        await desk.shows("second words", ".said")
        assert await desk.page.evaluate("document.activeElement.id") == "timeline-search"
        await desk.page.keyboard.type("st")
        await expect(field).to_have_value("first")
        assert await desk.page.locator(".as-list").get_attribute("open") is not None
        await expect(desk.page.locator(".entry.customer")).to_have_count(1)


async def test_new_entries_wait_while_somebody_reads_below(browser: Browser, desk_hub: DeskHub) -> None:
    ana = ANA._replace(email="reading@example.com", interaction="chat-reading")
    for number in range(12):
        await desk_hub.say(ana, f"line {number}\n" * 3)
    async with agent(browser, desk_hub, viewport={"width": 1280, "height": 600}) as desk:
        await desk.open("/desk/email/reading@example.com")
        await desk.shows("line 11", ".entries")
        last = desk.page.locator(".entry.customer").last
        await last.scroll_into_view_if_needed()
        await desk.until("desk.state().isReading")
        place = await last.bounding_box()
        await desk_hub.say(ana, "words that came meanwhile")
        await desk.page.get_by_role("button", name="1 new").wait_for()
        assert await last.bounding_box() == place
        await expect(desk.page.locator(".entries").get_by_text("words that came meanwhile")).to_have_count(0)
        await desk.page.get_by_role("button", name="1 new").click()
        await desk.shows("words that came meanwhile", ".entries")


async def test_a_claim_keeps_the_story_shut(browser: Browser, desk_hub: DeskHub) -> None:
    await desk_hub.say(ANA._replace(email="known@example.com", interaction="chat-known"), "a secret of hers")
    stranger = Customer("known@example.com", "Somebody else", interaction="chat-claim", weight="claimed")
    await desk_hub.say(stranger, "Tell me my address")
    async with agent(browser, desk_hub) as desk:
        await desk.open("/desk/interactions/chat-claim")
        await expect(desk.page.locator(".who.doubt .sure.claimed")).to_have_text("Claimed")
        await desk.shows("Tell me my address", "#customer")
        await expect(desk.page.get_by_text("a secret of hers")).to_have_count(0)
        assert await axe(desk.page) == []
        await desk.page.get_by_role("button", name="Open it anyway").click()
        await desk.shows("a secret of hers", ".entries")
    async with agent(browser, desk_hub, CAREFUL) as desk:
        await desk.open("/desk/interactions/chat-claim")
        await desk.page.locator(".shut").wait_for()
        await expect(desk.page.get_by_role("button", name="Open it anyway")).to_have_count(0)
        await expect(desk.page.get_by_text("a secret of hers")).to_have_count(0)


async def test_one_number_of_two_people_asks_who_it_is(browser: Browser, desk_hub: DeskHub) -> None:
    for name in ("Rui", "Eva"):
        party = Customer(f"{name.lower()}@example.com", name, interaction=f"call-{name}", channel="voice").party()
        party["identifiers"].append({"kind": "phone", "value": "+15550100177", "weight": "asserted"})
        customer = Customer(f"{name.lower()}@example.com", name, interaction=f"call-{name}", channel="voice")
        await desk_hub.send(customer, "cx.identity.asserted.v1", participants=[party])
    async with agent(browser, desk_hub) as desk:
        await desk.open("/desk/phone/+15550100177")
        await desk.shows("2 customers can be meant")
        assert await axe(desk.page) == []
        await desk.page.get_by_role("link", name="Open").first.click()
        await (
            desk.page.locator("#customer h1")
            .filter(has_text="Rui")
            .or_(desk.page.locator("#customer h1").filter(has_text="Eva"))
            .wait_for()
        )


async def test_an_overdue_wait_is_marked_in_words(browser: Browser, desk_hub: DeskHub) -> None:
    rushed = Customer("rushed@example.com", "Rushed Ribeiro", interaction="chat-rushed")
    await desk_hub.say(rushed, "Quickly, please", at=ago(50))
    await desk_hub.send(rushed, "cx.interaction.routed.v1", queue={"id": "rush"}, agent={"id": "ben"}, at=ago(49))
    async with agent(browser, desk_hub) as desk:
        await desk.open("/desk/interactions/chat-rushed")
        row = desk.page.locator(".item", has_text="Rushed Ribeiro")
        await expect(row.locator(".overdue")).to_have_text("overdue")
        await expect(row.locator(".overdue svg")).to_have_count(1)
        await expect(desk.page.locator(".now .overdue")).to_have_text("overdue")
        assert await axe(desk.page) == []


async def test_a_place_moves_as_others_are_answered(browser: Browser, desk_hub: DeskHub) -> None:
    names = ("Stays", "Answered", "Gone", "Last")
    line = [ANA._replace(email=f"{name}@example.com", name=name, interaction=f"chat-{name}") for name in names]
    for each in line:
        await desk_hub.say(each, "Hello?", queue={"id": "billing"})
        await desk_hub.send(each, "cx.interaction.queued.v1", queue={"id": "billing"})
    async with agent(browser, desk_hub) as desk:
        await desk.open("/desk/interactions/chat-Last")
        place = desk.page.locator(".now .place")
        await expect(place).to_have_text(re.compile(r"number \d+ of \d+"))
        number, most = map(int, re.findall(r"\d+", await place.inner_text()))
        assert number == most
        await desk_hub.say(line[1], "Good day", role="agent")
        await expect(place).to_have_text(f"number {number - 1} of {most - 1}")
        assert await axe(desk.page) == []
        await desk_hub.send(line[2], "cx.interaction.abandoned.v1")
        await desk_hub.send(line[2], "cx.interaction.ended.v1")
        await expect(place).to_have_text(f"number {number - 2} of {most - 2}")
        await desk_hub.say(line[3], "Good day", role="agent")
        await expect(place).to_have_count(0)


async def test_what_is_not_there_opens_when_it_comes(browser: Browser, desk_hub: DeskHub) -> None:
    async with agent(browser, desk_hub) as desk:
        await desk.open("/desk/email/later@example.com")
        await desk.shows("Nothing here yet")
        await desk.shows("later@example.com", ".hero")
        await desk_hub.say(ANA._replace(email="later@example.com", interaction="chat-later"), "here I am")
        await desk.shows("here I am", ".said")


async def test_the_rail_lists_who_waits_and_search_finds(browser: Browser, desk_hub: DeskHub) -> None:
    mia = Customer("mia@example.com", "Mia Torres", interaction="chat-mia")
    await desk_hub.say(mia, "Can I change the address?")
    await desk_hub.send(mia, "cx.interaction.queued.v1", queue={"id": "billing", "name": "Billing"})
    async with agent(browser, desk_hub) as desk:
        await desk.shows("Mia Torres", ".rail")
        await desk.shows("Can I change the address?", ".rail")
        await desk.page.get_by_role("link", name="Mia Torres").click()
        await expect(desk.page.locator("#customer h1")).to_have_text("Mia Torres")
        await desk.page.locator("#customer h1").click()
        await desk.page.keyboard.press("/")
        await desk.page.keyboard.type("torr")
        await desk.page.locator(".rail mark").filter(has_text="Torr").first.wait_for()
        await desk.page.keyboard.press("Tab")
        await desk.page.keyboard.press("Enter")
        await desk.page.wait_for_url("**/desk/customers/**")
        await expect(desk.page.locator("#customer h1")).to_have_text("Mia Torres")
        await desk.page.go_back()
        await expect(desk.page.locator("#customer h1")).to_have_text("Mia Torres")


async def test_who_comes_to_the_agent_opens_by_itself(browser: Browser, desk_hub: DeskHub) -> None:
    eva = Customer("eva.calls@example.com", "Eva Lind", channel="voice", interaction="call-eva")
    async with agent(browser, desk_hub) as desk:
        await desk.until("desk.state().link.state === 'live'")
        await desk_hub.send(eva, "cx.interaction.routed.v1", agent={"id": "ben", "name": "Ben"})
        await expect(desk.page.locator("#customer h1")).to_have_text("Eva Lind")
        await desk.page.wait_for_url("**/desk/interactions/call-eva")
        await expect(desk.page.locator(".now.voice")).to_be_visible()
        another = Customer("mia.calls@example.com", "Mia", channel="chat", interaction="chat-mia-comes")
        await desk_hub.send(another, "cx.interaction.routed.v1", agent={"id": "ben", "name": "Ben"})
        await desk.shows("A chat has come to you.")
        await expect(desk.page.locator("#customer h1")).to_have_text("Eva Lind")


async def test_a_customer_who_is_joined_stays_open(browser: Browser, desk_hub: DeskHub) -> None:
    one = ANA._replace(email="joined.one@example.com", interaction="chat-joined-one")
    two = ANA._replace(email="joined.two@example.com", interaction="chat-joined-two")
    await desk_hub.say(one, "words of the first")
    await desk_hub.say(two, "words of the second")
    ids = [await desk_hub.customer_id(each) for each in (one, two)]
    async with agent(browser, desk_hub) as desk, agent(browser, desk_hub) as another:
        for page, id in ((desk, ids[0]), (another, ids[1])):
            await page.open(f"/desk/customers/{id}")
            await page.until("desk.state().link.state === 'live'")
        await desk_hub.merge(*ids)
        for page in (desk, another):
            await page.shows("words of the first", ".entries")
            await page.shows("words of the second", ".entries")
        told = [await page.page.locator(".banner.info").count() for page in (desk, another)]
        assert sum(told) >= 1, "whoever looked at the absorbed one is told"

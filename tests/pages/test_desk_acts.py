"""Test what an agent does at the desk, by keys alone, and what becomes of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Route, expect
from tests.chromium import axe
from tests.pages.acting import Acme, at, desk, press, running_acme, shown, told

pytestmark = [pytest.mark.clock, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Acme]:
    async with running_acme(tmp_path_factory.mktemp("hub")) as api:
        yield api


async def at_field(page: Page, id: str) -> None:
    await page.wait_for_function("(id) => document.activeElement?.id === id", arg=id)


async def test_a_note_is_added_and_taken_back(browser: Browser, hub: Acme) -> None:
    await hub.says("chat-note", "It is day three. Where is my money?", email="nora@example.com")
    async with desk(browser, hub.url, at("chat-note")) as page:
        await shown(page, "Nora")
        await press(page, "n")
        await at_field(page, "field-note")
        await page.keyboard.type("n e are letters here")
        assert (await hub.conversation("chat-note"))["state"] == "open", "keys do nothing in a field"
        await press(page, "Control+Enter")
        await told(page, "Note added")
        (note,) = (await hub.until("chat-note", lambda each: each["notes"]))["notes"]
        assert (note["text"], note["agent"]) == ("n e are letters here", "Ben")
        await expect(page.locator("#field-note")).to_have_value("")
        await page.locator("#customer").focus()
        await press(page, "u")
        await told(page, "Note taken back")
        await hub.until("chat-note", lambda each: each["notes"] == [])


async def test_taking_promising_and_resolving_by_keys(browser: Browser, hub: Acme) -> None:
    await hub.says("chat-keys", "Where is my parcel?", email="kim@example.com")
    async with desk(browser, hub.url, at("chat-keys")) as page:
        await shown(page, "Kim")
        await press(page, "t")
        await told(page, "Taken")
        await hub.until("chat-keys", lambda each: (each["assigned_to"] or {}).get("id") == "ben")
        await press(page, "p")
        await at_field(page, "field-promise")
        await page.keyboard.type("Call back by noon")
        await press(page, "Enter")
        await told(page, "Promise noted")
        await hub.until("chat-keys", lambda each: [one["text"] for one in each["promises"]] == ["Call back by noon"])
        await page.get_by_role("button", name="Kept", exact=True).press("Enter")
        await told(page, "Promise kept")
        await page.locator("#customer").focus()
        await press(page, "u")
        await told(page, "Promise open again")
        await press(page, "e")
        await told(page, "Resolved")
        await hub.until("chat-keys", lambda each: each["state"] == "resolved")
        await press(page, "u")
        await told(page, "Open again")
        await hub.until("chat-keys", lambda each: each["state"] == "open")


async def test_the_palette_finds_what_has_no_key(browser: Browser, hub: Acme) -> None:
    await hub.says("chat-palette", "Hello", email="pia@example.com")
    async with desk(browser, hub.url, at("chat-palette")) as page:
        await shown(page, "Pia")
        await press(page, "Control+k")
        await at_field(page, "palette-text")
        await page.keyboard.type("topic")
        assert await axe(page) == []
        await press(page, "Enter")
        await page.locator("#act-topic[open]").wait_for()
        await press(page, "Tab")
        await page.keyboard.type("Refund")
        await press(page, "Enter")
        await told(page, "Topic: Refund")
        await press(page, "Control+k")
        await page.keyboard.type("rest")
        await press(page, "Enter")
        await page.get_by_role("button", name="1 hour").press("Enter")
        await told(page, "Rests until")
        await hub.until("chat-palette", lambda each: each["topic"] == "Refund" and each["snoozed_until"] is not None)
        await page.locator("#customer").focus()
        await press(page, "u")
        await told(page, "Awake again")
        await press(page, "Control+k")
        await page.keyboard.type("code")
        await press(page, "Enter")
        await page.get_by_role("button", name="Make a code").press("Enter")
        await page.locator("p.code").wait_for()


async def test_the_sheet_of_keys_switches_letters_off(browser: Browser, hub: Acme) -> None:
    await hub.says("chat-sheet", "Hello", email="sue@example.com")
    async with desk(browser, hub.url, at("chat-sheet")) as page:
        await shown(page, "Sue")
        await press(page, "?")
        await page.locator("#keys-dialog[open]").wait_for()
        for scheme in ("light", "dark"):
            await page.emulate_media(color_scheme=scheme)
            assert await axe(page) == []
        await page.get_by_label("Single letters do something").press("Space")
        await press(page, "Escape")
        await page.locator("#keys-dialog").wait_for(state="detached")
        await press(page, "e", "n")
        assert await page.evaluate("document.activeElement?.id") != "field-note"
        assert (await hub.conversation("chat-sheet"))["state"] == "open"


async def test_a_handoff_brings_its_packet_to_the_next(browser: Browser, hub: Acme) -> None:
    await hub.says("chat-hand", "I was charged twice", email="hana@example.com")
    async with desk(browser, hub.url, at("chat-hand")) as page:
        await shown(page, "Hana")
        await press(page, "h")
        await at_field(page, "field-to")
        await press(page, "Tab")
        await page.keyboard.type("She needs the bank")
        await press(page, "Tab")
        await page.keyboard.type("Which card?")
        assert await axe(page) == []
        await press(page, "Control+Enter")
        await told(page, "Handed to Billing")
        asked = (await hub.until("chat-hand", lambda each: each["handoff"] is not None))["handoff"]
        assert (asked["reason"], asked["requested_by"], asked["open"]) == ("She needs the bank", "Ben", True)
    async with desk(browser, hub.url, at("chat-hand"), agent="chloe") as page:
        await page.locator(".asked").get_by_text("She needs the bank").wait_for()
        await page.locator(".asked").get_by_text("Which card?").wait_for()
        await press(page, "d")
        await at_field(page, "field-decline")
        await page.keyboard.type("At lunch")
        await press(page, "Enter")
        await told(page, "Declined")
        await page.locator("#customer").focus()
        await press(page, "t")
        await told(page, "Taken")
        asked = (await hub.until("chat-hand", lambda each: each["handoff"]["accepted_by"] is not None))["handoff"]
        assert asked["accepted_by"]["id"] == "chloe"
        assert [each["reason"] for each in asked["declined"]] == ["At lunch"]


async def test_each_contacts_handoff_is_taken_by_itself(browser: Browser, hub: Acme) -> None:
    """A stranger who typed her address asks for a person, too: in her chat hers comes first, and his says so."""
    await hub.says("chat-hers", "I was charged twice", email="ines@example.com")
    await hub.tell(
        "cx.message.received.v1",
        "chat-his",
        participants=[{"role": "customer", "identifiers": [{"kind": "email", "value": "ines@example.com"}]}],
        message={"text": "Which card is it?", "content_type": "text/plain"},
    )
    for interaction, why in (("chat-hers", "Refund her"), ("chat-his", "He names no login")):
        id = (await hub.conversation(interaction))["id"]
        asked = {"interaction": interaction, "reason": why, "by": "bot"}
        done = await hub.ask("POST", f"/v1/conversations/{id}/handoffs", asked)
        await hub.context(interaction, f"{done['event']['source']}#{done['event']['id']}")
    async with desk(browser, hub.url, at("chat-his")) as page:
        card = page.locator(".asked")
        await card.wait_for()
        assert await card.get_by_text("another contact").count() == 0, "his own comes first in his chat"
        await press(page, "t")
        await told(page, "Taken")
        await card.get_by_text("where who is there is proved").wait_for()
        assert await card.get_by_role("link", name="another contact").get_attribute("href") == "/desk" + at("chat-hers")
        assert await axe(page) == []
    assert await holders(hub, "chat-hers") == {"chat-his": "ben", "chat-hers": None}
    async with desk(browser, hub.url, at("chat-hers")) as page:
        await page.locator(".asked").get_by_text("Refund her").wait_for()
        await press(page, "t")
        await told(page, "Taken")
        await page.locator(".asked").wait_for(state="detached")
    assert await holders(hub, "chat-hers") == {"chat-his": "ben", "chat-hers": "ben"}


async def holders(hub: Acme, interaction: str) -> dict[str, str | None]:
    """Return who accepted the requests of a conversation's contacts."""
    found = await hub.conversation(interaction)
    requests = [found["handoff"], *found["other_handoffs"]]
    return {each["interaction"]: each["accepted_by"] and each["accepted_by"]["id"] for each in requests}


async def test_somebody_was_first_to_take_and_to_resolve(browser: Browser, hub: Acme) -> None:
    await hub.says("chat-first", "Hello", email="fay@example.com")
    await hub.acts("chat-first", "handoffs", agent="bot", queue={"id": "billing", "name": "Billing"})
    async with desk(browser, hub.url, at("chat-first")) as page:
        await page.locator(".asked").wait_for()
        await page.route("**/handoffs/accept", _after(lambda: hub.acts("chat-first", "handoffs/accept")))
        await press(page, "t")
        await told(page, "Chloe took this before you")
        await told(page, "Yours changed nothing.")
        assert await axe(page) == []
        await page.locator("#first-good").press("Enter")
        await page.route("**/resolve", _after(lambda: hub.acts("chat-first", "resolve", reason="Bank found it.")))
        await page.locator("#customer").focus()
        await press(page, "e")
        await page.locator(".told").get_by_text("before you").wait_for()
        await told(page, "Bank found it.")
        assert await page.locator(".told h2").inner_text() != "", "in words, with by how long"


def _after(act: Callable[[], Awaitable[Any]]) -> Callable[[Route], Awaitable[None]]:
    """Let somebody else do it while a request is on its way."""

    async def handle(route: Route) -> None:
        await act()
        await route.continue_()

    return handle


async def test_a_failed_act_stays_and_is_done_once(browser: Browser, hub: Acme) -> None:
    await hub.says("chat-fail", "Hello", email="finn@example.com")
    async with desk(browser, hub.url, at("chat-fail")) as page:
        await shown(page, "Finn")
        sent: list[str] = []

        async def cut(route: Route) -> None:
            sent.append(route.request.headers["idempotency-key"])
            if len(sent) == 1:
                await route.fetch()  # the hub does it, and the answer is lost
                await route.abort()
            else:
                await route.continue_()

        await page.route("**/notes", cut)
        await press(page, "n")
        await at_field(page, "field-note")
        await page.keyboard.type("Asked the bank")
        await press(page, "Control+Enter")
        await page.get_by_role("alert").get_by_text("Not done. It is still here. No connection.").wait_for()
        await expect(page.locator("#field-note")).to_have_value("Asked the bank")
        await press(page, "Control+Enter")
        await told(page, "Note added")
        assert sent[0] == sent[1]
        await hub.until("chat-fail", lambda each: [one["text"] for one in each["notes"]] == ["Asked the bank"])


async def test_a_draft_survives_reload_and_signing_out(browser: Browser, hub: Acme) -> None:
    await hub.says("chat-draft", "Hello", email="dora@example.com")
    async with desk(browser, hub.url, at("chat-draft")) as page:
        await shown(page, "Dora")
        await press(page, "n")
        await at_field(page, "field-note")
        await page.keyboard.type("Half a no")
        await page.reload()
        await shown(page, "Dora")
        await expect(page.locator("#field-note")).to_have_value("Half a no")
        await press(page, "Control+k")
        await page.keyboard.type("sign out")
        await press(page, "Enter")
        await page.get_by_label("Key").wait_for()
        await page.get_by_label("Key").press_sequentially("the key of acme's desk")
        await press(page, "Enter")
        await shown(page, "Dora")
        await expect(page.locator("#field-note")).to_have_value("Half a no")


async def test_a_mere_reader_is_told_the_scope(browser: Browser, hub: Acme) -> None:
    await hub.says("chat-reader", "Hello", email="rea@example.com")
    async with desk(browser, hub.url, at("chat-reader"), key="the key of who reads at acme") as page:
        await shown(page, "Rea")
        await page.locator(".acts").get_by_text("Ask for the scope conversations:write").wait_for()
        assert await page.locator("#field-note").count() == 0
        assert await axe(page) == []


async def test_letters_go_through_mine_and_who_waits(browser: Browser, hub: Acme) -> None:
    for name in ("jo", "jill"):
        await hub.says(f"chat-{name}", "Hello", email=f"{name}@example.com")
        await hub.acts(f"chat-{name}", "assign", agent="chloe")
    await hub.says("chat-wait", "Anybody there?", email="walt@example.com")
    await hub.acts("chat-wait", "handoffs", agent="bot", queue={"id": "billing", "name": "Billing"})
    async with desk(browser, hub.url, at("chat-jo"), agent="chloe") as page:
        await shown(page, "Jo")
        await page.locator(".rail").get_by_text("Jill").first.wait_for()
        names = set()
        for key in ("j", "j", "j", "k"):
            before = page.url
            await press(page, key)
            await page.wait_for_function("(before) => location.href !== before", arg=before)
            names.add(page.url)
        assert len(names) > 1
        await page.locator(".rail").get_by_text("Walt").first.wait_for()
        await press(page, "w")
        await told(page, "Taken")


async def test_who_else_is_here_and_writes(browser: Browser, hub: Acme) -> None:
    await hub.says("chat-here", "Hello", email="hugo@example.com")
    async with (
        desk(browser, hub.url, at("chat-here")) as ben,
        desk(browser, hub.url, at("chat-here"), agent="chloe") as page,
    ):
        await shown(page, "Hugo")
        await ben.locator(".here").get_by_text("Chloe is looking, too").wait_for()
        await press(page, "n")
        await at_field(page, "field-note")
        await page.keyboard.type("I ask the bank")
        await ben.locator(".here").get_by_text("Chloe is writing").wait_for()

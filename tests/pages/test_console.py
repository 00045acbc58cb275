"""The operators' console in a real browser: what it tells, and what is done there by keys alone."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, Route, expect
from tests.chromium import axe, until
from tests.pages.console_hub import (
    ALL,
    OPS,
    READER,
    ask,
    console_hub,
    customer,
    message,
    opened,
    operator,
    send,
    set_aside,
)

from cx_context import fold
from cx_hub.compose import Hub

pytestmark = [pytest.mark.clock, pytest.mark.asyncio(loop_scope="module")]

NOTE = "cx.conversation.note.v1"
PAGES = ("", "/log", "/projectors", "/dead-letters", "/rebuild", "/replay", "/identity", "/connections")
MORE = ("/subscriptions", "/acts", "/event?source=//acme.example/chat&id=m-1", "/dead-letter?id=l-1", "/nowhere")
RECORD = "/record?topic=cx.interactions&partition=0&offset=0"
OPERATIONS = "/v1/ops/log?type=cx.operations."


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Hub]:
    """Two customers of a few messages, and one dead letter."""
    async with console_hub(tmp_path_factory.mktemp("hub")) as running:
        await send(running, [message(f"m-{n}", f"I was charged {n} times", f"p{n % 2}@example.com") for n in range(6)])
        await set_aside(running, "l-1")
        yield running


async def test_bar_and_health_line(browser: Browser, hub: Hub) -> None:
    async with operator(browser, hub, OPS) as page:
        bar = page.get_by_role("banner", name="Environment")
        await expect(bar).to_contain_text("production")
        await expect(bar).to_contain_text("acme · what you do here reaches customers")
        assert await bar.evaluate("(bar) => getComputedStyle(bar).backgroundColor") == "rgb(179, 38, 30)"
        await expect(page.get_by_role("heading", level=1)).to_have_text("Well. All 16 parts are current.")
        await expect(page.locator(".figures")).to_contain_text(re.compile(r"\d dead letter"))  # other tests make more
        assert await page.title() == "Health · Console · production"


async def test_each_page_by_key_passes_axe(browser: Browser, hub: Hub) -> None:
    async with operator(browser, hub) as page:
        for number, path in enumerate([*PAGES, *MORE[:2]]):
            await page.locator("#title").focus()
            await page.keyboard.press(str((number + 1) % 10))
            await page.wait_for_url(f"**/console{path}")
            await expect(page.locator("#title")).to_be_focused()
        for path in (*PAGES, *MORE, RECORD):
            await opened(page, hub, path)
            for scheme in ("light", "dark"):
                await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
                assert await axe(page) == [], (path, scheme)


async def test_no_page_scrolls_sideways_on_phones(browser: Browser, hub: Hub) -> None:
    async with operator(browser, hub, viewport={"width": 390, "height": 844}) as page:
        for path in (*PAGES, *MORE, RECORD):
            await opened(page, hub, path)
            assert await page.evaluate("document.documentElement.scrollWidth") <= 390, path


async def test_log_filtered_event_opened_by_keys(browser: Browser, hub: Hub) -> None:
    async with operator(browser, hub) as page:
        await page.locator("#title").focus()
        await page.keyboard.press("/")
        await expect(page.locator("#log-text")).to_be_focused()
        await page.keyboard.type("charged 3")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/console/log?text=charged+3")
        rows = page.get_by_role("group", name="Records").locator("tbody tr")
        await expect(rows).to_have_count(1)
        await page.reload()
        await expect(rows).to_have_count(1)
        await expect(page.locator("#log-text")).to_have_value("charged 3")
        await page.get_by_role("link", name="Open").focus()
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/console/event?source=*")
        await expect(page.locator(".effects")).to_contain_text("Names email p1@example.com, today of")
        whose = page.locator(f'.effects a[href="/desk/customers/{await customer(hub, "p1@example.com")}"]')
        await expect(whose.first).to_be_visible()
        await expect(page.get_by_role("group", name="The event as it lies on the log")).to_contain_text('"id": "m-3"')
        await page.get_by_role("link", name="Its stream on the log").click()
        await expect(rows).to_have_count(3)
        await page.go_back()
        await page.go_back()
        await expect(page.locator("#log-text")).to_have_value("charged 3")
        await page.get_by_role("link", name="Take away the filter Says: charged 3").click()
        await expect(page.get_by_text("That is all there is.")).to_be_visible()
        await opened(page, hub, "/log?text=nobody+said+this")
        await expect(page.locator(".nothing")).to_contain_text("Nothing fits these filters.")
        await opened(page, hub, "/log?where=type%3D")
        await expect(page.get_by_role("alert")).to_contain_text("Not read.")


async def test_the_palette_finds_pages_events_and_customers(browser: Browser, hub: Hub) -> None:
    async with operator(browser, hub) as page:
        palette, text = page.get_by_role("dialog", name="Do or find"), page.get_by_role("combobox", name="Do or find")

        async def found(typed: str, option: str, path: str) -> None:
            await page.keyboard.press("Control+k")
            await page.keyboard.type(typed)  # at once: no letter of it is taken as a key of the page
            await expect(text).to_have_value(typed)
            await palette.get_by_text(option, exact=True).wait_for()
            labels = await palette.locator("[role=option] .grow").all_inner_texts()
            for label in labels[1 : labels.index(option) + 1]:
                await page.keyboard.press("ArrowDown")
                await expect(palette.get_by_role("option", selected=True)).to_contain_text(label)
            await page.keyboard.press("Enter")
            await page.wait_for_url(f"**{path}")
            await expect(palette).to_have_count(0)

        await page.locator("#title").focus()
        await found("dead", "Dead letters", "/console/dead-letters")
        event = "//acme.example/chat#m-1"
        await found(event, f"Event “{event}”", "/console/event?source=%2F%2Facme.example%2Fchat&id=m-1")
        await expect(page.locator("blockquote")).to_contain_text("I was charged 1 times")
        await page.keyboard.press("Control+k")
        await expect(text).to_have_value("")
        await page.keyboard.type("<img src=x onerror=alert(1)> \u202e")
        await expect(palette.get_by_role("option")).to_have_count(2)
        assert await axe(page) == []
        await page.keyboard.press("Escape")
        await expect(palette).to_have_count(0)
        id = await customer(hub, "p1@example.com")
        await found(id, f"Log of the customer “{id}”", f"/console/log?customer={id}")
        await page.get_by_text("I was charged 1 times").first.wait_for()
        await found("p1@example.com", "Customer “p1@example.com” at the desk", "/desk/email/p1%40example.com")


async def test_times_in_utc_local_and_ago(browser: Browser, hub: Hub) -> None:
    async with operator(browser, hub, timezone_id="Asia/Tokyo", path="/dead-letter?id=l-1") as page:
        recorded = page.locator("time").first
        told = [("UTC", "22 Nov 2026 10:00:00 UTC"), ("Local", "22 Nov 2026 19:00:00")]
        for name, words in told:
            await page.get_by_role("button", name=name, exact=True).click()
            await expect(recorded).to_have_text(words)
        await page.get_by_role("button", name="Ago", exact=True).click()
        await expect(recorded).to_contain_text("ago")
        assert await recorded.get_attribute("title") == "2026-11-22T10:00:00.000Z"
        await page.reload()
        await expect(recorded).to_contain_text("ago")


async def said(page: Page, why: str, within: Locator | None = None) -> None:
    """Give a reason, and choose what comes first, by keys. ``within``: where several things ask for one."""
    await (within or page).get_by_label("Why").focus()
    await page.keyboard.type(why)
    await page.keyboard.press("Enter")


async def test_rebuild_switched_and_undone_by_keys(browser: Browser, hub: Hub) -> None:
    async with operator(browser, hub) as page:
        await page.locator("#title").focus()
        await page.keyboard.press("5")
        stage = page.locator("#stage")
        current = page.locator("[aria-current=step]")
        await expect(current).to_contain_text("Confirm")
        await expect(page.locator(".facts")).to_contain_text("To apply")
        await page.get_by_label("Why").focus()
        await page.keyboard.press("Enter")
        assert (await ask(hub, "GET", "/v1/ops/rebuilds"))["items"] == [], "nothing begins without a reason"
        await said(page, "a new rule")
        await expect(stage).to_have_text(re.compile(r"All \d customers are equal, byte for byte"))
        await expect(current).to_contain_text("Look at differences")
        await expect(page.get_by_role("button", name="Throw away")).to_be_visible()
        await said(page, "they are equal")
        await expect(stage).to_have_text("Readers see the rebuilt contexts")
        await expect(stage).to_be_focused()
        await said(page, "we had rather wait")
        await expect(stage).to_have_text("Undone. Readers have the old tables again")
        await said(page, "room on the disk")
        await expect(stage).to_have_text("Look at the plan, then confirm with a reason")
        await page.get_by_text("Who did what").click()
        await expect(page.locator(".lines")).to_contain_text("key/all undid the switch: “we had rather wait”")
        await page.locator("#title").focus()
        await page.keyboard.press("0")
        acts = page.get_by_role("group", name="Acts").locator("tbody tr").filter(has_text="Rebuild")
        await expect(acts).to_have_count(4)
        await expect(acts.nth(1)).to_contain_text("Rebuild undo")
        await expect(acts.nth(1)).to_contain_text("we had rather wait")


async def test_dead_letter_comes_back_until_mended(browser: Browser, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(part: object, fact: object, at: object) -> None:
        raise ZeroDivisionError

    note = message("note-1", "", "p0@example.com")
    note |= {"type": NOTE, "data": {**note["data"], "message": None, "note": "call back"}}
    del note["data"]["message"]
    with monkeypatch.context() as planted:
        planted.setattr(fold, "HANDLERS", {**fold.HANDLERS, NOTE: broken})
        await send(hub, [note])
        async with operator(browser, hub, path="/dead-letters") as page:
            issue = page.locator("li.issue", has_text="The code failed at this event")
            await expect(issue).to_have_attribute("data-state", "new")
            await issue.get_by_role("link", name="Open").focus()
            await page.keyboard.press("Enter")
            await expect(page.get_by_role("group", name="Dead letters")).to_contain_text("note-1")
            await said(page, "perhaps it works now")
            await expect(issue).to_have_attribute("data-state", "back")
            await expect(issue).to_contain_text("perhaps it works now")
            planted.undo()
            await said(page, "release 0.2 mends it")
            await expect(page.locator(".nothing")).to_contain_text("Nothing of this issue is left here.")
            found = await ask(hub, "GET", "/v1/ops/dead-letters", params={"stage": "fold"})
            assert found["items"] == []


async def test_discards_and_conflicts_say_why(browser: Browser, hub: Hub) -> None:
    await set_aside(hub, "twice-1", stage="conflict", reason="other-content", detail="the copies differ in data.note")
    await set_aside(hub, "junk-1", reason="bad-charset", detail="no rule for x-unknown")
    async with operator(browser, hub, path="/dead-letters") as page:
        await page.locator("li.issue", has_text="Two events under one id").get_by_role("link", name="Open").click()
        await expect(page.locator(".opened")).to_contain_text("it can't be retried")
        await expect(page.get_by_role("button", name="Retry")).to_have_count(0)
        await page.get_by_role("link", name="All issues").click()
        await page.locator("li.issue", has_text="Bad charset").get_by_role("link", name="Open").click()
        await page.get_by_label("Why").fill("a test of the provider's")
        await page.get_by_role("button", name="Discard 1").click()
        await expect(page.locator(".nothing")).to_contain_text("Nothing of this issue is left here.")
        await page.get_by_role("group", name="State").get_by_role("link", name="Discarded").click()
        issue = page.locator("li.issue", has_text="Bad charset")
        await expect(issue).to_have_attribute("data-state", "discarded")
        await expect(issue).to_contain_text("a test of the provider's")


async def merged(hub: Hub, one: str, other: str, reason: str) -> None:
    """Merge the customers of two addresses, and wait until they are one."""
    both = {"a": await customer(hub, one), "b": await customer(hub, other), "reason": reason}
    await ask(hub, "POST", "/v1/identity/merge", json=both)

    async def are_one() -> bool:
        return await customer(hub, one) == await customer(hub, other)

    await until(are_one)


async def test_merge_looked_at_and_undone(browser: Browser, hub: Hub) -> None:
    await merged(hub, "p0@example.com", "p1@example.com", "the same voice")

    async def are_two() -> bool:
        return await customer(hub, "p0@example.com") != await customer(hub, "p1@example.com")

    async with operator(browser, hub, path="/identity") as page:
        decision = page.locator("li.issue", has_text="the same voice")  # other tests' merges stand beside it
        await expect(decision).to_contain_text("Two customers are one")
        await decision.locator("summary").focus()
        await page.keyboard.press("Enter")
        await decision.get_by_role("button", name="What would change?").press("Enter")
        await expect(decision).to_contain_text("2 customers afterwards")
        await said(page, "they are cousins", decision)
        await expect(decision).to_have_attribute("data-state", "withdrawn")
        await until(are_two)


async def test_a_subscription_is_paused_and_goes_on(browser: Browser, hub: Hub) -> None:
    async with operator(browser, hub, OPS, path="/subscriptions") as page:
        await page.get_by_role("link", name="crm").click()
        await page.get_by_label("Why").fill("the receiver moves")
        await page.get_by_role("button", name="Pause").click()
        await expect(page.locator(".facts")).to_contain_text("paused the receiver moves")
        await said(page, "it has moved")
        await expect(page.locator(".facts")).not_to_contain_text("paused")


async def test_a_replay_is_planned_before_it_is_begun(browser: Browser, hub: Hub) -> None:
    async with operator(browser, hub, OPS, path="/replay") as page:
        await page.get_by_label("Where to").fill("copies")
        await page.get_by_label("Which").fill("type=cx.message.*")
        await page.keyboard.press("Enter")
        plan = page.get_by_role("group", name="The plan")
        await expect(plan.get_by_role("heading")).to_contain_text("would be sent")
        await expect(plan).to_contain_text("cx.message.received.v1")
        await said(page, "a mirror")
        await expect(page.locator(".letter")).to_contain_text("done")
        await expect(page.locator(".letter")).to_contain_text("a mirror")
        await page.get_by_label("Where to").fill("cx.interactions")
        await page.get_by_role("button", name="Plan").click()
        await expect(page.get_by_role("alert")).to_contain_text("No plan.")


async def test_missing_scopes_are_told(browser: Browser, hub: Hub) -> None:
    async with operator(browser, hub, READER) as page:
        await expect(page.get_by_role("alert")).to_contain_text("This key may not look in here")
        await expect(page.get_by_role("alert")).to_contain_text("needs the scope ops. The key reader has context:read.")
    await send(hub, [message(f"hello {each}", "hello", each) for each in ("q2@example.com", "q3@example.com")])
    await merged(hub, "q2@example.com", "q3@example.com", "one name")
    async with operator(browser, hub, OPS, path="/identity") as page:
        missing = page.locator(".missing")
        await expect(missing.last).to_contain_text("needs the scope context:read. The key ops has ops.")
        await page.locator("li.issue summary").first.click()
        await expect(missing.first).to_contain_text("needs the scope identity:write")
        await expect(page.get_by_label("Why").first).to_be_disabled()


async def test_failed_reads_leave_the_rest(browser: Browser, hub: Hub) -> None:
    async def away(route: Route) -> None:
        await route.abort()

    async with operator(browser, hub, OPS) as page:
        await expect(page.locator(".health.well")).to_be_visible()
        await page.route("**/v1/ops/connections", away)
        await opened(page, hub, "/connections")
        await expect(page.get_by_role("alert")).to_contain_text("Not read. The hub can't be reached.")
        await expect(page.locator(".health.well")).to_be_visible()
        await page.unroute("**/v1/ops/connections", away)
        await page.get_by_role("button", name="Try again").click()
        await expect(page.locator("[data-connection=acme-calls]")).to_contain_text("last could not be used")
        await expect(page.locator("[data-connection=acme-calls]")).to_contain_text("without the business's own numbers")
        await page.route("**/v1/ops/projectors", away)
        await opened(page, hub, "")
        await expect(page.locator(".health.unknown")).to_contain_text("Not known: The hub can't be reached.")


async def test_a_key_of_all_scopes_sees_no_refusal(browser: Browser, hub: Hub) -> None:
    async with operator(browser, hub, ALL, path="/identity") as page:
        await expect(page.locator(".issues, .nothing").first).to_be_visible()
        await expect(page.locator(".missing")).to_have_count(0)

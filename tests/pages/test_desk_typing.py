"""A customer in the widget and an agent at the desk see each other type."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, Page, expect
from tests.asking import PatientClient
from tests.chromium import axe, field, opened, site, tab, visitor
from tests.pages.desk_hub import KEY, SOURCE, WRITER, DeskHub, agent
from tests.patience import PATIENCE

pytestmark = [pytest.mark.clock, pytest.mark.asyncio(loop_scope="module")]

BEN = {"id": "ben", "name": "Ben Okafor"}


async def asked(hub: DeskHub, method: str, path: str, key: str, body: object) -> None:
    headers = {"authorization": f"Bearer {key}"}
    async with PatientClient(base_url=hub.url, trust_env=False, timeout=PATIENCE) as http:
        answer = await http.request(method, path, json=body, headers=headers)
        assert answer.status_code < 300, answer.text


async def interaction_in(page: Page) -> str:
    """The chat of a page, once the hub has taken what was said in it."""
    await page.get_by_text("Sent", exact=True).first.wait_for()
    found: str = await page.evaluate("JSON.parse(localStorage['throughline-chat:acme-chat']).talk.session.interaction")
    return found


async def test_each_side_sees_the_other_type(browser: Browser, desk_hub: DeskHub) -> None:
    async with site(desk_hub) as address, visitor(browser) as context, tab(context, address) as page:
        await opened(page)
        await field(page).press_sequentially("I was charged twice")
        await page.keyboard.press("Enter")
        interaction = await interaction_in(page)
        async with agent(browser, desk_hub) as desk:
            await desk.open(f"/desk/interactions/{interaction}")
            types = desk.page.locator(".now .types")
            await expect(types).to_have_text("")
            await field(page).press_sequentially("It is order 4711")
            await expect(types).to_have_text("is writing…")
            assert await axe(desk.page) == []
            await page.keyboard.press("Enter")
            await expect(types).to_have_text("")
        await asked(desk_hub, "PUT", "/v1/presence", KEY, {"agent": BEN, "answering": interaction})
        writing = page.get_by_role("status").filter(has_text="Ben Okafor is writing…")
        await writing.wait_for()
        assert await axe(page) == []
        await asked(desk_hub, "PUT", "/v1/presence", KEY, {"agent": BEN})
        data = {
            "channel": "chat", "interaction": interaction, "direction": "outbound", "message": {"text": "I see both."},
            "participants": [{"role": "agent", **BEN}],
        }  # fmt: skip
        event = {"specversion": "1.0", "id": "answer-1", "source": SOURCE, "type": "cx.message.sent.v1", "data": data}
        await asked(desk_hub, "POST", "/v1/events", WRITER, event)
        await page.get_by_text("I see both.").wait_for()
        await expect(writing).to_have_count(0)

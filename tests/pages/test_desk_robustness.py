"""Texts that would like to be more than text, a hub that goes away and comes back, a phone, another direction."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.async_api import Browser, expect
from tests.chromium import axe
from tests.pages.desk_hub import Customer, DeskHub, agent

pytestmark = [pytest.mark.clock, pytest.mark.asyncio(loop_scope="module")]

ELSEWHERE = "https://elsewhere.example/x"
FRAMES = (
    *("<script>{}</script>", '<img src=x onerror="{}">', "<svg onload={}>", "<svg><script>{}</script></svg>"),
    *('<iframe srcdoc="<script>{}</script>">', "<body onload={}>", "<details open ontoggle={}>", "javascript:{}"),
    *('<a href="javascript:{}">press</a>', '<math><mi xlink:href="javascript:{}">', "<style onload={}></style>"),
    *("</script><script>{}</script>", "--><script>{}</script>", "]]><script>{}</script>", '"><script>{}</script>'),
    *("'-{}-'", "${{{}}}", "{{{{{}}}}}", "<input autofocus onfocus={}>", "<video><source onerror={}></video>"),
    *("<template><script>{}</script></template>", '<noscript><p title="</noscript><script>{}</script>">'),
)
TAGS = (
    *("img src", "script src", "link rel=stylesheet href", "iframe src", "video src", "audio src", "object data"),
    *("embed src", "image href", "base href", "form action", "input type=image src", "track src", "meta content"),
)
INVISIBLE = (
    *(0x7F, 0x85, 0xA0, 0xAD, 0x61C, 0xFEFF),
    *(*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2066, 0x206A)),
)


def hostile_texts() -> Iterator[str]:
    """Markup, addresses, control characters and letters of every direction: over 200."""
    for run in ("ran()", "window.ran=1", "globalThis['ran']=1", f"fetch('{ELSEWHERE}')", "top['ran']=1"):
        for frame in FRAMES:
            yield frame.format(run)
    for tag in TAGS:
        for address in (ELSEWHERE, "//elsewhere.example/x", "data:text/html,<script>ran()</script>"):
            yield f'<{tag}="{address}">'
    yield f"<style>body{{background:url({ELSEWHERE})}}</style>"
    yield from (f"@import url({ELSEWHERE})", "<meta http-equiv=refresh content=0>")
    for code in (*range(1, 32), *INVISIBLE):
        yield f"before{chr(code)}after"
    yield from ("e" + "\u0301" * 200, "👩‍👩‍👧‍👦" * 40, "مرحبا " * 40, "a" * 4000, "__proto__", "constructor")
    yield from ("&lt;b&gt;", "\u2028", "%00", "\\u003cscript>")


async def test_hostile_texts_run_nothing_and_ask_nobody(browser: Browser, desk_hub: DeskHub) -> None:
    texts = list(hostile_texts())
    assert len(texts) >= 200
    name = '<img src="https://elsewhere.example/n" onerror="window.ran=1">'
    her = Customer("hostile@example.com", name, interaction="<script>ran()</script>")
    events = []
    for at in range(0, len(texts), 4):
        part = texts[at : at + 4]
        events.append(
            (
                "cx.message.received.v1",
                {"message": {"text": "\n".join(part), "content_type": "text/plain", "html": part[0]}},
            )
        )
    slots = {text[:60]: text[:200] for text in texts[:20]}
    bot = {"intent": texts[0], "text": texts[1], "slots": slots}
    await desk_hub.send(her, "cx.bot.turn.v1", role="bot", bot=bot)
    await desk_hub.send_all(her, events)
    await desk_hub.send(her, "cx.conversation.note.v1", role="agent", note=texts[5], agent={"id": "ben", "name": name})
    await desk_hub.send(
        her, "cx.conversation.topic.v1", role="agent", topic=texts[6], agent={"id": "ben", "name": name}
    )
    await desk_hub.send(her, "cx.interaction.queued.v1", queue={"id": "billing", "name": texts[3]})
    async with agent(browser, desk_hub) as desk:
        await desk.page.add_init_script("window.ran = undefined;")
        await desk.open("/desk/email/hostile@example.com")
        await expect(desk.page.locator("#customer h1")).to_have_text(name)
        await (
            desk.page.get_by_role("button", name="Show older")
            .or_(desk.page.get_by_text("That is all."))
            .first.wait_for()
        )
        await desk.page.locator(".as-list summary").click()
        assert await desk.page.evaluate("window.ran") is None
        found = "script:not([src]):not([type='application/json']), iframe, style, object, embed, base, video"
        found += ", form[action]"
        assert await desk.page.locator("#app").locator(found).count() == 0
        assert await desk.page.locator("#app img").count() == 0
        links = await desk.page.locator("#app a").evaluate_all("all => all.map((each) => each.getAttribute('href'))")
        assert [each for each in links if not each.startswith(("/desk", "#"))] == []
        assert await desk.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "long words are broken"
        assert await axe(desk.page) == []


async def test_a_restart_is_told_and_mended_with_nothing_missed(browser: Browser, desk_hub: DeskHub) -> None:
    ana = Customer("restart@example.com", interaction="chat-restart")
    await desk_hub.say(ana, "before the break")
    async with agent(browser, desk_hub) as desk:
        await desk.open("/desk/email/restart@example.com")
        await desk.shows("before the break", ".said")
        await desk.until("desk.state().link.state === 'live'")
        field = desk.page.get_by_label("Search in the timeline")
        await field.focus()
        await desk_hub.stop()
        await desk.page.locator(".banner.warn").filter(has_text="No connection").wait_for()
        await desk.shows("before the break", ".said")
        await desk.shows("Not connected", ".rail-foot")
        await desk.page.keyboard.type("words")  # goes on while cut off
        await desk_hub.start()
        await desk_hub.say(ana, "words after the break")
        await desk.shows("words after the break", ".said")
        await expect(desk.page.locator(".banner.warn")).to_have_count(0)
        await expect(field).to_have_value("words")
        assert await desk.page.evaluate("document.activeElement.id") == "timeline-search"
        await desk.shows("Current to", ".rail-foot")


async def test_two_tabs_share_one_stream(browser: Browser, desk_hub: DeskHub) -> None:
    ana = Customer("tabs@example.com", interaction="chat-tabs")
    rui = Customer("tabs.rui@example.com", "Rui", interaction="chat-tabs-rui")
    await desk_hub.say(ana, "of ana")
    await desk_hub.say(rui, "of rui")
    async with agent(browser, desk_hub) as desk:
        await desk.open("/desk/email/tabs@example.com")
        another = await desk.another()
        await another.open("/desk/email/tabs.rui@example.com")
        await desk_hub.say(ana, "more of ana")
        await desk_hub.say(rui, "more of rui")
        await desk.shows("more of ana", ".said")
        await another.shows("more of rui", ".said")
        await another.page.close()
        await desk_hub.say(ana, "still more of ana")
        await desk.shows("still more of ana", ".said")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_phone_shows_three_parts_at_first(browser: Browser, desk_hub: DeskHub, scheme: str) -> None:
    ana = Customer("phone@example.com", interaction="chat-phone")
    await desk_hub.say(ana, "Where is my money?")
    await desk_hub.send(
        ana, "cx.bot.turn.v1", role="bot", bot={"intent": "refund", "text": "Which?", "slots": {"order": "4711"}}
    )
    options = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "color_scheme": scheme}
    async with agent(browser, desk_hub, **options) as desk:
        await desk.open("/desk/email/phone@example.com")
        await desk.shows("4711", ".known")
        box = await desk.page.locator(".tried").bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 844 - 60, "parts 1 to 3 are on the first screen"
        assert await desk.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert await axe(desk.page) == []
        await desk.page.get_by_role("button", name="Waiting").click()
        await desk.page.get_by_label("Find a customer").wait_for()
        assert await axe(desk.page) == []


async def test_right_to_left_words_keep_their_direction(browser: Browser, desk_hub: DeskHub) -> None:
    leila = Customer("leila@example.com", "ليلى حداد", interaction="chat-leila")
    await desk_hub.say(leila, "أين طلبي 4711؟")
    async with agent(browser, desk_hub) as desk:
        await desk.open("/desk/email/leila@example.com")
        await desk.shows("أين طلبي", ".said")
        direction = "(at) => getComputedStyle(document.querySelector(at)).direction"
        assert await desk.page.evaluate(direction, "#customer h1 bdi") == "rtl"
        assert await desk.page.evaluate(direction, ".said .customer q") == "rtl"
        await desk.page.evaluate("document.documentElement.dir = 'rtl'")
        rail = await desk.page.locator(".rail").bounding_box()
        assert rail is not None
        assert rail["x"] > 640, "the page is mirrored"
        assert await desk.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_a_session_that_is_over_asks_for_a_key(browser: Browser, desk_hub: DeskHub) -> None:
    async with agent(browser, desk_hub) as desk:
        await desk.page.get_by_role("button", name="; menu").click()
        await desk.page.get_by_role("button", name="Sign out").click()
        await desk.page.get_by_label("Key", exact=True).fill("no key")
        await desk.page.keyboard.press("Enter")
        await desk.shows("This key is not known", "form")
        assert await axe(desk.page) == []

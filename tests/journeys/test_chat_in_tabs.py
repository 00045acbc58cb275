"""The web chat in a real browser: what was missed, two tabs, links, files, and pages of all kinds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, Route
from tests.browsers import answered
from tests.channels import Hub, running_hub
from tests.chromium import axe, field, launcher, opened, said, site, tab, until, visitor, words
from tests.patience import PATIENCE

pytestmark = [pytest.mark.clock, pytest.mark.asyncio(loop_scope="module")]

WIDGET = Path(__file__).parents[2] / "services/cx_channels/chat/webchat/widget"

STRICT = (
    "default-src 'none'; script-src {hub}; connect-src {hub} {socket}; "
    "require-trusted-types-for 'script'; trusted-types 'none'; base-uri 'none'; form-action 'none'"
)


async def typed(page: Page, text: str) -> None:
    await field(page).focus()
    await page.keyboard.type(text)
    await page.keyboard.press("Enter")


async def interaction_of(hub: Hub) -> str:
    first = await until(hub.events)
    found: str = first[0]["data"]["interaction"]
    return found


async def until_shown(page: Page, expected: list[str]) -> None:
    async def shown() -> bool:
        return await words(page) == expected

    await until(shown)


async def until_named(page: Page, name: str) -> None:
    await page.get_by_role("button", name=name, exact=True).wait_for()


# --- what was not seen -----------------------------------------------------------------------------------------------


async def test_the_badge_counts_unseen_messages_without_the_greeting(hub: Hub, browser: Browser) -> None:
    async with (
        site(hub, greeting="How can we help?") as address,
        visitor(browser) as context,
        tab(context, address) as page,
    ):
        await until_named(page, "Chat")
        await opened(page)
        await typed(page, "hello")
        interaction = await interaction_of(hub)
        await answered(hub, interaction, "a-1")
        await until_shown(page, ["How can we help?", "hello", "answer a-1"])
        await page.keyboard.press("Escape")
        await until_named(page, "Chat")
        await answered(hub, interaction, "a-2")
        await until_named(page, "Chat, 1 new message")
        await answered(hub, interaction, "a-3")
        await until_named(page, "Chat, 2 new messages")
        await page.keyboard.press("Enter")
        await until_shown(page, ["How can we help?", "hello", "answer a-1", "answer a-2", "answer a-3"])
        await page.keyboard.press("Escape")
        await until_named(page, "Chat")


async def test_a_closed_panel_counts_messages_sent_during_a_reload(hub: Hub, browser: Browser) -> None:
    async with site(hub) as address, visitor(browser) as context, tab(context, address) as page:
        await opened(page)
        await typed(page, "hello")
        interaction = await interaction_of(hub)
        await until(lambda: said(hub))
        await page.goto("about:blank")
        await answered(hub, interaction, "a-1")
        await page.goto(address)
        await until_named(page, "Chat, 1 new message")
        await answered(hub, interaction, "a-2")
        await until_named(page, "Chat, 2 new messages")
        await opened(page)
        await until_shown(page, ["hello", "answer a-1", "answer a-2"])


async def test_messages_arriving_on_a_hidden_page_are_unseen(hub: Hub, browser: Browser) -> None:
    hide = """(hidden) => {
      Object.defineProperty(document, "visibilityState", { value: hidden ? "hidden" : "visible", configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }"""
    async with site(hub) as address, visitor(browser) as context, tab(context, address) as page:
        await opened(page)
        await typed(page, "hello")
        interaction = await interaction_of(hub)
        await page.evaluate(hide, True)
        await answered(hub, interaction, "a-1")
        await until_shown(page, ["hello", "answer a-1"])
        assert "cx.message.read.v1" not in {one["type"] for one in await hub.events()}
        await page.evaluate(hide, False)

        async def read() -> bool:
            return "cx.message.read.v1" in {one["type"] for one in await hub.events()}

        await until(read)


async def test_a_visitor_who_never_wrote_opens_no_socket(hub: Hub, browser: Browser) -> None:
    async with site(hub) as address, visitor(browser) as context, tab(context, address) as page:
        await until_named(page, "Chat")
        assert hub.counted("cx_chats_open") == 0
        await opened(page)

        async def open() -> bool:
            return hub.counted("cx_chats_open") == 1

        await until(open)


# --- two tabs --------------------------------------------------------------------------------------------------------


async def test_two_tabs_show_both_sides_once_in_one_order(hub: Hub, browser: Browser) -> None:
    async with (
        site(hub) as address,
        visitor(browser) as context,
        tab(context, address) as one,
        tab(context, address) as other,
    ):
        for page in (one, other):
            await opened(page)
        await typed(one, "from the first")
        interaction = await interaction_of(hub)
        await until_shown(other, ["from the first"])
        await answered(hub, interaction, "a-1")
        await until_shown(one, ["from the first", "answer a-1"])
        await typed(other, "from the second")
        await until_shown(one, ["from the first", "answer a-1", "from the second"])
        await answered(hub, interaction, "a-2")
        expected = ["from the first", "answer a-1", "from the second", "answer a-2"]
        for page in (one, other):
            await until_shown(page, expected)
        async with tab(context, address) as third:
            await opened(third)
            await until_shown(third, expected)
    messages = [each for each in await hub.events() if each["type"] == "cx.message.received.v1"]
    assert {each["data"]["interaction"] for each in messages} == {interaction}, "one talk, not one for each tab"
    cookies = {
        known["value"]
        for each in messages
        for known in each["data"]["participants"][0]["identifiers"]
        if known["kind"] == "cookie"
    }
    assert len(cookies) == 1, "one browser"


async def test_a_message_seen_in_one_tab_is_seen(hub: Hub, browser: Browser) -> None:
    async with (
        site(hub) as address,
        visitor(browser) as context,
        tab(context, address) as one,
        tab(context, address) as other,
    ):
        await opened(one)
        await typed(one, "hello")
        interaction = await interaction_of(hub)
        await one.keyboard.press("Escape")
        await answered(hub, interaction, "a-1")
        for page in (one, other):
            await until_named(page, "Chat, 1 new message")
        await opened(one)
        await until_named(other, "Chat")


MERGING = """(trials) => {
  let seed = 7;
  const random = (most) => (seed = (seed * 48271) % 2147483647) % most;
  const pick = (list) => list[random(list.length)];
  const line = () => {
    const id = `m${random(6)}`;
    return { id, place: random(5), text: id, from: { role: random(2) ? "customer" : "agent" },
             sent: !!random(2), seen: !!random(2) };
  };
  const session = () => ({ round: random(2), interaction: pick(["", "a", "b"]), token: pick(["s", "t"]),
                           begun: !!random(2), at: random(3) });
  const once = (lines) => [...new Map(lines.map((each) => [each.id, each])).values()];
  const era = () => Number(random(8) === 0);
  const some = () => ({ forgotten: era(), era: era(), session: session(), lines: once([line(), line(), line()]) });
  const talk = () => merged({ ...EMPTY, forgotten: era(), era: era() }, some());
  const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
  const wrong = [];
  for (let n = 0; n < trials; n++) {
    const [a, b, c] = [talk(), talk(), talk()].map((each) => merged(each, each));
    if (!same(order(merged(a, b)), order(merged(b, a)))) wrong.push(["order", a, b]);
    if (!same(order(merged(merged(a, b), c)), order(merged(a, merged(b, c))))) wrong.push(["grouping", a, b, c]);
    if (!same(order(merged(a, a)), order(a))) wrong.push(["again", a]);
  }
  return wrong.slice(0, 3);

  function order({ forgotten, era, session, lines }) {
    const keys = (each) => Object.fromEntries(Object.entries(each).sort());
    return { forgotten, era, session: keys(session), lines: lines.map(({ role, ...each }) => keys(each)) };
  }
}"""


async def test_tabs_merge_their_messages_in_any_order(browser: Browser) -> None:
    """Of two tabs' lines under one id, who speaks and what is said agree: they are made once."""
    source = (WIDGET / "talk.js").read_text(encoding="utf-8").replace("export ", "")
    async with visitor(browser) as context:
        page = await context.new_page()
        program = MERGING.replace('from: { role: random(2) ? "customer" : "agent" }', 'from: { role: "agent" }')
        assert await page.evaluate(f"() => {{ {source}\nreturn ({program})(3000); }}") == []


STALE = """async (trials) => {
  const { Chat } = await import("https://widget.example/chat.js");
  let seed = 11;
  const random = (most) => (seed = (seed * 48271) % 2147483647) % most;
  const wrong = [];
  for (let trial = 0; trial < trials; trial++) {
    const disk = new Map();
    const tabs = [], late = [];
    const opened = () => {
      const cache = new Map(disk); // what this tab's process reads: what others wrote comes to it later
      const storage = {
        getItem: (key) => cache.get(key) ?? null,
        setItem: (key, text) => {
          cache.set(key, text);
          disk.set(key, text);
          for (const each of tabs) if (each.chat !== chat) late.push([each, () => each.cache.set(key, text)]);
        },
      };
      const channel = {
        postMessage: (data) => {
          const copy = structuredClone(data);
          for (const each of tabs) if (each.chat !== chat) late.push([each, () => each.chat.toldByTab(copy)]);
        },
      };
      class Tab extends Chat {
        connect() {} // nobody is called
      }
      const chat = new Tab({ url: "", storage, key: "chat", tabs: channel });
      tabs.push({ chat, cache });
    };
    const settle = (most) => { // each tab hears in the order of what was sent to it, the tabs in any order
      while (late.length && most-- > 0) {
        const [tab] = late[random(late.length)];
        const index = late.findIndex(([each]) => each === tab);
        late.splice(index, 1)[0][1]();
      }
    };
    opened();
    opened();
    let places = 0;
    const said = new Map(), known = [];
    const say = (chat, text) => {
      if (!chat.talk.session.interaction) settle(1000); // else two tabs may begin one chat together
      if (!chat.talk.session.interaction) {
        known.push(`i${places++}`);
        chat.changeSession({ ...chat.talk.session, interaction: known.at(-1), begun: true, at: places });
      }
      const line = { ...chat.ownLine({ text }), sent: true };
      said.set(text, chat.talk.session.interaction); // what the visitor sees as they write
      chat.changeLines([line]);
    };
    for (let step = 0; step < 12; step++) {
      settle(random(3) ? 1000 : random(3));
      if (tabs.length < 4 && random(5) === 0) opened();
      const { chat } = tabs[random(tabs.length)];
      const others = chat.shelf;
      const act = random(3);
      if (act === 0) say(chat, `${trial}.${step}`);
      else if (act === 1 && chat.talk.session.interaction) settle(1000), chat.turnTo("");
      else if (others.length) settle(1000), chat.turnTo(others[random(others.length)].session.interaction);
    }
    settle(10_000);
    for (const { chat } of tabs) chat.change(chat.talk);
    settle(10_000);
    opened();
    for (const { chat } of tabs) {
      const all = [chat.talk, ...chat.shelf];
      const twice = new Set(all.map((each) => each.session.interaction)).size < all.length;
      for (const [text, interaction] of said) {
        const found = all.find((each) => each.session.interaction === interaction);
        if (twice || !found?.lines.some((line) => line.text === text)) {
          wrong.push([trial, text, interaction, twice, JSON.stringify(all)]);
        }
      }
    }
  }
  return wrong.slice(0, 2);
}"""


async def test_no_tab_loses_a_chat_that_another_put_away(browser: Browser) -> None:
    """What one tab wrote into the store another may not read yet: no writer undoes what it has not read."""

    async def serve(route: Route) -> None:
        name = route.request.url.rsplit("/", 1)[1]
        body = "" if name == "page" else (WIDGET / name).read_text(encoding="utf-8")
        type = "text/html" if name == "page" else "text/javascript"
        await route.fulfill(body=body, content_type=type)

    async with visitor(browser) as context:
        await context.route("https://widget.example/*", serve)
        page = await context.new_page()
        await page.goto("https://widget.example/page")
        assert await page.evaluate(STALE, 300) == []


# --- links -----------------------------------------------------------------------------------------------------------

LINKS = [
    ("See https://a.example/b, please.", ["https://a.example/b"]),
    ("(http://a.example/x_(y))", ["http://a.example/x_(y)"]),
    ("„https://a.example/?q=1&r=2“", ["https://a.example/?q=1&r=2"]),
    ("HTTPS://A.example!", ["https://a.example/"]),
    ("https://a.example/ً؟ شكرا https://b.example،", ["https://a.example/%D9%8B", "https://b.example/"]),
    ("javascript:alert(1) data:text/html,x vbscript:x file:///etc/passwd", []),
    ("xhttps://a.example https:// http://", []),
    ('<a href="https://a.example">x</a><img src=x onerror=alert(1)>', ["https://a.example/"]),
    ("https://a.example/\u202egpj.exe", ["https://a.example/"]),
]


async def test_links_are_links_and_nothing_else_is(hub: Hub, browser: Browser) -> None:
    async with site(hub) as address, visitor(browser) as context, tab(context, address) as page:
        await opened(page)
        await typed(page, "hello")
        interaction = await interaction_of(hub)
        for number, (text, _) in enumerate(LINKS):
            data = {"interaction": interaction, "direction": "outbound", "message": {"id": f"{number}", "text": text}}
            await answered(hub, interaction, f"a-{number}", data=data)
        await until_shown(page, ["hello", *(text for text, _ in LINKS)])
        found = await page.locator(".words").evaluate_all(
            """(all) => all.map((each) => [...each.querySelectorAll("*")].map((at) => [at.tagName, at.href, at.rel,
               at.target]))"""
        )
        assert found == [
            [["A", href, "noopener noreferrer nofollow", "_blank"] for href in expected]
            for _, expected in [("", []), *LINKS]
        ]


# --- pages of all kinds ----------------------------------------------------------------------------------------------


async def test_a_page_with_a_strict_policy_shows_the_chat(hub: Hub, browser: Browser) -> None:
    policy = STRICT.format(hub=hub.url, socket=hub.url.replace("http", "ws", 1))
    async with site(hub, policy=policy) as address, visitor(browser) as context, tab(context, address) as page:
        await opened(page)
        await typed(page, "hello")
        await until(lambda: said(hub))
        await chosen(page, "note.txt", "text/plain", b"a note")
        await until_files(hub, 1)
        assert await page.locator(".panel").evaluate("(at) => getComputedStyle(at).display") == "flex", "it is styled"
        assert await axe(page) == []


async def test_a_chat_returns_to_a_restarted_hub_without_loss(tmp_path: Path, browser: Browser) -> None:
    async with (
        running_hub(tmp_path) as hub,
        site(hub) as address,
        visitor(browser) as context,
        tab(context, address) as page,
    ):
        await opened(page)
        await typed(page, "hello")
        await until(lambda: said(hub))
        await context.set_offline(True)
        await hub.chats.stop(PATIENCE)
        await page.get_by_text("No connection.").wait_for()
        await typed(page, "still here?")
        await page.get_by_text("Not sent yet.").wait_for()
        hub.chats._leaving = False
        await context.set_offline(False)
        await page.get_by_text("Not sent yet.").wait_for(state="hidden")
        await page.get_by_text("No connection.").wait_for(state="hidden")
        assert {one["text"] for one in await said(hub)} == {"hello", "still here?"}


async def test_a_right_to_left_page_mirrors_the_chat(hub: Hub, browser: Browser) -> None:
    html = "<script src='data:,document.documentElement.dir=`rtl`'></script>"
    async with site(hub, html=html) as address, visitor(browser) as context, tab(context, address) as page:
        box = await launcher(page).bounding_box()
        assert box["x"] < 100
        await opened(page)
        await typed(page, "שלום, הזמנה 4711")
        await until(lambda: said(hub))
        assert await page.locator(".words").evaluate("(at) => getComputedStyle(at).direction") == "rtl"


@pytest.mark.parametrize("width", [320, 390])
async def test_on_a_phone_the_panel_fills_the_screen(hub: Hub, browser: Browser, width: int) -> None:
    size: Any = {"width": width, "height": 640}
    async with (
        site(hub) as address,
        visitor(browser, viewport=size, has_touch=True, is_mobile=True, reduced_motion="reduce") as context,
        tab(context, address) as page,
    ):
        await opened(page)
        await typed(page, "x" * 200)
        assert await page.locator(".panel").bounding_box() == {"x": 0, "y": 0, **size}
        assert await page.locator(".panel").evaluate("(at) => getComputedStyle(at).animationName") == "none"
        wide = "(at) => at.scrollWidth > at.clientWidth"
        assert not await page.locator(".log").evaluate(wide)
        sizes = await page.locator("button:visible").evaluate_all("(all) => all.map((at) => at.clientHeight)")
        assert min(sizes) >= 44


# --- files -----------------------------------------------------------------------------------------------------------


async def chosen(page: Page, name: str, type: str, content: bytes) -> None:
    async with page.expect_file_chooser() as choosing:
        await page.get_by_role("button", name="Add a file").click()
    await (await choosing.value).set_files({"name": name, "mimeType": type, "buffer": content})


async def chosen_of_size(page: Page, name: str, type: str, size: int) -> None:
    """As ``chosen``, the file being made in the page: Playwright takes long to hand over a large one."""
    make = """([name, type, size]) => {
      const data = new DataTransfer();
      data.items.add(new File([new Uint8Array(size)], name, { type }));
      const picker = document.querySelector("throughline-chat").shadowRoot.querySelector("input[type=file]");
      picker.files = data.files;
      picker.dispatchEvent(new Event("change"));
    }"""
    await page.evaluate(make, [name, type, size])


async def until_files(hub: Hub, count: int) -> list[dict[str, Any]]:
    async def found() -> list[dict[str, Any]]:
        files = [each for one in await said(hub) for each in one.get("attachments", [])]
        return files if len(files) >= count else []

    files: list[dict[str, Any]] = await until(found)
    return files


HANDED = """([kind, name, type, words]) => {
  const data = new DataTransfer();
  data.items.add(new File(["some bytes"], name, { type }));
  if (words) data.setData("text/plain", words);
  const root = document.querySelector("throughline-chat").shadowRoot;
  const real = { bubbles: true, composed: true };
  const event = kind === "paste" ? new ClipboardEvent("paste", { clipboardData: data, ...real, cancelable: true })
                                 : new DragEvent("drop", { dataTransfer: data, ...real, cancelable: true });
  root.querySelector(kind === "paste" ? "textarea" : ".log").dispatchEvent(event);
}"""


async def test_a_file_is_chosen_pasted_or_dropped_and_sent(hub: Hub, browser: Browser) -> None:
    async with site(hub) as address, visitor(browser) as context, tab(context, address) as page:
        await opened(page)
        await page.get_by_text("Files: pictures, PDF, text, Office documents, up to 10 MB.").wait_for()
        await chosen(page, "rélevé.pdf", "application/pdf", b"%PDF-1.7 a statement")
        (first,) = await until_files(hub, 1)
        assert (first["name"], first["content_type"], first["bytes"]) == ("rélevé.pdf", "application/pdf", 20)
        assert first["blob"] == f"sha256:{first['sha256']}"
        assert await hub.blobs.get("acme", first["blob"]) == b"%PDF-1.7 a statement"
        await page.evaluate(HANDED, ["paste", "picture.png", "image/png", "the text of a cell"])
        await page.evaluate(HANDED, ["paste", "photo.jpg", "image/jpeg", ""])
        await until_files(hub, 2)
        await page.evaluate(HANDED, ["drop", "notes.txt", "text/plain", ""])
        names = {each["name"] for each in await until_files(hub, 3)}
        assert names == {"rélevé.pdf", "photo.jpg", "notes.txt"}, "text that brings its own picture is text"
        await until_shown(page, ["rélevé.pdf, 20 bytes", "photo.jpg, 10 bytes", "notes.txt, 10 bytes"])


async def test_a_file_of_wrong_size_or_type_is_refused(hub: Hub, browser: Browser) -> None:
    async with site(hub) as address, visitor(browser) as context, tab(context, address) as page:
        await opened(page)
        await page.get_by_text("Files: pictures").wait_for()
        await chosen(page, "page.html", "text/html", b"<script>")
        await page.get_by_text("Not sent: only pictures, PDF, text, Office documents can be sent.").wait_for()
        remove = page.get_by_role("button", name="Remove page.html")
        inner, outer = await remove.bounding_box(), await page.locator(".panel").bounding_box()
        assert inner["x"] + inner["width"] < outer["x"] + outer["width"], "it is not cut off"
        await remove.click()
        await until_shown(page, [])
        await chosen_of_size(page, "large.png", "image/png", (10 << 20) + 1)
        await page.get_by_text("Not sent: over 10 MB.").wait_for()
        await chosen(page, "empty.txt", "text/plain", b"")
        await page.get_by_text("Not sent: the file is empty.").wait_for()
        assert await axe(page) == []
    assert await said(hub) == []


async def test_a_chat_that_takes_no_files_offers_none(hub: Hub, browser: Browser) -> None:
    hub.intake.connections["acme-chat"][0].settings["files"] = False  # type: ignore[index]
    async with site(hub) as address, visitor(browser) as context, tab(context, address) as page:
        await opened(page)
        await typed(page, "hello")
        await until(lambda: said(hub))
        assert not await page.get_by_role("button", name="Add a file").is_visible()
        assert json.dumps(await said(hub)).count("attachments") == 0

"""More is followed than one stream of the hub takes: over several streams, and what none has room for is told."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Browser, Page
from tests.pages.desk_hub import Customer, DeskHub, agent
from tests.patience import PATIENCE

from cx_context_api.following.several import MOST_SUBJECTS

pytestmark = [pytest.mark.clock, pytest.mark.asyncio(loop_scope="module")]

SETTING = """
  const base = document.querySelector("script[type=module]").src.replace(/desk\\/main\\.js$/, "");
  const { createStreams } = await import(base + "kit/streams.js");
  const end = Date.now() + PATIENCE;
  const until = async (done) => {
    while (!done()) {
      if (Date.now() > end) throw new Error(`not in time: ${done}`);
      await new Promise((go) => setTimeout(go, 5));
    }
  };
  const of = (kind, from, to) => Array.from({ length: to - from }, (_, at) => ({ kind, id: `${kind}-${from + at}` }));
  const asked = [];
  const followed = () => asked.filter((each) => !each.signal.aborted);
  const fetch = async (path, { signal }) => {
    const one = { signal, customers: new URLSearchParams(path.split("?")[1]).getAll("customer") };
    asked.push(one);
    const body = new ReadableStream({ start(controller) {
      const lines = (name, data) => `event: ${name}\\ndata: ${JSON.stringify(data)}\\n\\n`;
      one.say = (name, data) => controller.enqueue(new TextEncoder().encode(lines(name, data)));
      one.end = () => controller.close();
    } });
    signal.addEventListener("abort", () => { try { one.end(); } catch {} });
    return new Response(body);
  };
  const heard = [];
  const streams = createStreams({ fetch, onEvent: (event) => heard.push(event), onLink: () => {} });
"""
"""``asked``: the streams that were asked for, which a script lets ``say`` something; ``followed``: those that go on."""

ANOTHER = """
  const base = document.querySelector("script[type=module]").src.replace(/desk\\/main\\.js$/, "");
  const { openStream } = await import(base + "kit/stream.js");
  const { me } = desk.state();
  const another = (subjects) => {
    const session = `${me.tenant} ${me.key} ${me.agent.id}`;
    const stream = openStream({ session, onEvent: () => {}, onLink: () => {} });
    stream.follow(subjects);
    return stream;
  };
"""
"""Defines ``another``: a further tab of the agent's browser that follows these subjects."""


async def run(page: Page, script: str) -> Any:
    return await page.evaluate(f"async () => {{ const PATIENCE = {PATIENCE * 1000}; {SETTING} {script} }}")


async def test_a_second_stream_takes_what_one_cannot(page: Page) -> None:
    told = await run(
        page,
        """
  streams.set(of("customer", 0, 50));
  await until(() => followed().length === 1);
  streams.set(of("customer", 0, 53));
  await until(() => followed().length === 2);
  return { sizes: followed().map((each) => each.customers.length), asked: asked.length, last: followed()[1].customers };
""",
    )
    assert told["sizes"] == [MOST_SUBJECTS, 3], "as many as the hub takes"
    assert told["asked"] == 2, "the first stream goes on"
    assert told["last"] == ["customer-50", "customer-51", "customer-52"]


async def test_signs_of_life_of_several_streams_are_one(page: Page) -> None:
    told = await run(
        page,
        """
  streams.set(of("customer", 0, 60));
  await until(() => followed().length === 2);
  followed().forEach((each, at) => {
    each.say("heartbeat", { lag: at });
    each.say("presence", { subject: { kind: "customer", id: at ? "customer-55" : "customer-1" }, present: [] });
  });
  await until(() => heard.filter((each) => each.subject).length === 2);
  streams.set(of("customer", 50, 60));  // the first has nothing left
  followed().at(-1).say("heartbeat", { lag: 7 });
  await until(() => heard.some((each) => each.data.lag === 7));
  return heard.map((each) => each.subject?.id ?? each.data.lag);
""",
    )
    assert sorted(map(str, told)) == ["0", "7", "customer-1", "customer-55"]


async def test_what_no_stream_has_room_for_is_told(page: Page) -> None:
    told = await run(
        page,
        """
  const state = (id) => streams.linkOf([{ kind: "customer", id }]).state;
  streams.set(of("customer", 0, 152));
  await until(() => followed().length === 3);
  for (const each of followed()) each.say("heartbeat", { lag: 0 });
  await until(() => state("customer-0") === "live");
  const sizes = followed().map((each) => each.customers.length);
  const states = ["customer-149", "customer-150", "customer-151"].map(state);
  const { detail } = streams.linkOf(of("customer", 150, 151));
  streams.set(of("customer", 1, 152));
  await until(() => followed().some((each) => each.customers.includes("customer-150")));
  return { sizes, states, detail, then: ["customer-150", "customer-151"].map(state) };
""",
    )
    assert told["sizes"] == [MOST_SUBJECTS] * 3
    assert told["states"] == ["live", "refused", "refused"]
    assert told["detail"].startswith("Too much is open in this browser")
    assert told["then"][0] != "refused"
    assert told["then"][1] == "refused"


async def test_the_worst_of_several_links_is_told(page: Page) -> None:
    told = await run(
        page,
        """
  streams.set(of("customer", 0, 60));
  await until(() => followed().length === 2);
  const [first, second] = followed();
  for (const each of [first, second]) each.say("heartbeat", { lag: 0 });
  await until(() => streams.linkOf([]).state === "live");
  second.end();
  await until(() => streams.linkOf([]).state !== "live");
  return streams.linkOf([]).state;
""",
    )
    assert told == "cut"


async def test_a_customer_of_the_sixtieth_tab_is_kept_current(browser: Browser, desk_hub: DeskHub) -> None:
    ana = Customer("sixtieth@example.com", interaction="chat-sixtieth")
    await desk_hub.say(ana, "of before")
    async with agent(browser, desk_hub) as desk:
        await desk.page.evaluate(
            f"""async () => {{ {ANOTHER}
  globalThis.tabs = Array.from({{ length: 60 }}, (_, at) => another([{{ kind: "queue", id: `queue-${{at}}` }}]));
}}"""
        )
        await desk.page.evaluate("desk.open('/desk/email/sixtieth@example.com')")
        await desk.shows("of before", ".said")
        await desk.until("desk.state().link.state === 'live'")
        await desk_hub.say(ana, "of after")
        await desk.shows("of after", ".said")


async def test_a_tab_too_many_says_so(browser: Browser, desk_hub: DeskHub) -> None:
    ana = Customer("toomany@example.com", interaction="chat-toomany")
    await desk_hub.say(ana, "of before")
    async with agent(browser, desk_hub) as desk:
        await desk.page.evaluate(
            f"""async () => {{ {ANOTHER}
  globalThis.other = another(Array.from({{ length: 160 }}, (_, at) => ({{ kind: "queue", id: `queue-${{at}}` }})));
}}"""
        )
        await desk.page.evaluate("desk.open('/desk/email/toomany@example.com')")
        await desk.shows("Too much is open in this browser", ".banner.bad")
        await desk.page.evaluate("other.close()")
        await desk.until("desk.state().link.state === 'live'")
        await desk_hub.say(ana, "of after")
        await desk.shows("of after", ".said")

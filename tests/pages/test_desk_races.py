"""Answers and events that cross on their way to a desk: none is shown for another customer, and no news is lost."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page

pytestmark = [pytest.mark.clock, pytest.mark.asyncio(loop_scope="module")]

SETTING = """
  const base = document.querySelector("script[type=module]").src.replace(/desk\\/main\\.js$/, "");
  const { createReads } = await import(base + "desk/reads.js");
  const { initialState, reduce } = await import(base + "desk/state.js");
  const until = async (done) => { while (!done()) await new Promise((go) => setTimeout(go, 5)); };
  const asked = [];
  const context = (id, version) => ({ meta: { version }, body: { customer: { id }, timeline: [entry(id)] } });
  const entry = (id) => ({ time: "2026-11-29T10:00:00Z", event: { source: "acme", id } });
  const address = (id) => ({ kind: "customer", id });
  let state = initialState({ agent: null }, address("ana"), 0);
  const desk = {
    state: () => state,
    dispatch: (action) => { state = reduce(state, action); },
    http: { get: (path) => new Promise((answer) => asked.push({ path, answer: (body) => answer({ body }) })) },
  };
  const settled = () => new Promise((go) => setTimeout(go, 20));
  desk.dispatch({ type: "loaded", context: context("ana", 5) });
"""


async def run(page: Page, script: str) -> Any:
    return await page.evaluate(f"async () => {{ {SETTING} {script} }}")


async def test_an_answer_about_another_customer_is_left(page: Page) -> None:
    told = await run(
        page,
        """
  const reads = createReads(desk);
  desk.dispatch({ type: "timeline", timeline: { next: "cursor" } });
  reads.more();
  reads.journey();
  await until(() => asked.length === 2);
  desk.dispatch({ type: "open", address: address("rui") });
  desk.dispatch({ type: "loaded", context: context("rui", 1) });
  for (const each of asked) each.answer({ items: [entry("of ana")], next: null });
  await settled();
  return { entries: state.timeline.items.map((each) => each.event.id), journey: state.journey };
""",
    )
    assert told == {"entries": ["rui"], "journey": None}


async def test_an_earlier_answer_does_not_replace_a_later(page: Page) -> None:
    told = await run(
        page,
        """
  const reads = createReads(desk);
  reads.lists();
  await until(() => asked.length === 2);
  reads.lists();
  await until(() => asked.length === 4);
  const answer = (from, name) => {
    for (const { path, answer } of asked.slice(from, from + 2)) answer({ items: path === "/v1/queues" ? [name] : [] });
  };
  answer(2, "later");
  await until(() => state.rail.queues.length);
  answer(0, "earlier");
  await settled();
  return state.rail.queues;
""",
    )
    assert told == ["later"]


async def test_what_streams_while_the_present_is_read_stays(page: Page) -> None:
    told = await run(
        page,
        """
  desk.dispatch({ type: "past", past: { asOf: "2026-11-28T10:00:00Z", knownAt: null } });
  desk.dispatch({ type: "loaded", context: context("ana", 2) });
  desk.dispatch({ type: "context", context: context("ana", 6) });
  const past = state.context.meta.version;
  desk.dispatch({ type: "past", past: null });
  desk.dispatch({ type: "context", context: context("ana", 8) });
  desk.dispatch({ type: "loaded", context: context("ana", 7) });
  return [past, state.context.meta.version, state.heard];
""",
    )
    assert told == [2, 8, None]


async def test_many_tabs_follow_all_their_customers(page: Page) -> None:
    told = await page.evaluate(
        """async () => {
  const base = document.querySelector("script[type=module]").src.replace(/desk\\/main\\.js$/, "");
  const real = fetch;
  let asked = "";
  globalThis.fetch = async (path, ...more) => {
    if (!String(path).startsWith("/v1/stream")) return real(path, ...more);
    asked = path;
    return new Promise(() => {});
  };
  await import(base + "kit/stream-worker.js");
  const inCommon = ["a", "b", "c", "d"].map((id) => ({ kind: "queue", id }));
  for (let tab = 1; tab <= 12; tab += 1) {
    const { port1, port2 } = new MessageChannel();
    dispatchEvent(new MessageEvent("connect", { ports: [port1] }));
    port2.postMessage({ follow: [...inCommon, { kind: "customer", id: `c-${tab}` }] });
  }
  const customers = () => new URLSearchParams(asked.split("?")[1]).getAll("customer");
  for (let look = 0; look < 200 && customers().length < 12; look += 1) await new Promise((go) => setTimeout(go, 10));
  globalThis.fetch = real;
  return customers();
}"""
    )
    assert told == [f"c-{tab}" for tab in range(1, 13)]

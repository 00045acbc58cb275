"""Somebody signs in from a real browser, over http on the machine itself, and a strange page tries its luck."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Route, expect
from tests.chromium import page_server, visitor

from cx_hub.compose import running_hub
from cx_hub.demo.run import embedded_settings, until_ready
from cx_runtime.tenants import KeyConfig, TenantConfig, Tenants

pytestmark = [pytest.mark.clock, pytest.mark.asyncio(loop_scope="module")]

KEY = "the key of acme's desk"
STRANGE_PAGE = b"<!doctype html><title>Strange</title><h1>Strange</h1>"

SIGN_IN = """async (key) => {
  const body = JSON.stringify({key, agent: "ben"});
  const answer = await fetch("/v1/session", {method: "POST", headers: {"content-type": "application/json"}, body});
  return {status: answer.status, ...(await answer.json())};
}"""

ASK = """async ([method, url, token]) => {
  const headers = token ? {"x-csrf-token": token} : {};
  const answer = await fetch(url, {method, headers, credentials: "include"});
  return {status: answer.status, text: await answer.text()};
}"""

FOLLOW = """() => new Promise((done) => {
  const source = new EventSource("/v1/stream?agent=ben");
  source.addEventListener("live", (event) => { source.close(); done(JSON.parse(event.data)); });
})"""

KEPT = "() => document.cookie + JSON.stringify({...localStorage, ...sessionStorage})"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    key = KeyConfig(id="desk", secret=KEY, scopes=frozenset({"*"}))
    known = Tenants({"acme": TenantConfig(id_key="a lasting key of acme", keys=(key,))})
    async with running_hub(embedded_settings(tmp_path_factory.mktemp("hub")), known) as running:
        await until_ready(running.url)
        yield running.url


async def signed_in(page: Page, address: str) -> dict[str, Any]:
    await page.goto(address)
    me: dict[str, Any] = await page.evaluate(SIGN_IN, KEY)
    assert me["status"] == 201
    return me


async def test_a_page_reads_follows_and_signs_out(browser: Browser, hub: str) -> None:
    for address in (hub, hub.replace("127.0.0.1", "localhost")):
        async with visitor(browser) as context:
            page = await context.new_page()
            me = await signed_in(page, address)
            assert (await page.evaluate(ASK, ["GET", "/v1/me", ""]))["status"] == 200
            assert (await page.evaluate(FOLLOW))["more"] is False
            assert await page.evaluate(KEPT) == "{}", "no script sees the cookie, and nothing else is kept"
            (cookie,) = await context.cookies()
            assert (cookie["name"], cookie["httpOnly"], cookie["secure"]) == ("__Host-throughline", True, True)
            again = await context.new_page()
            await again.goto(address)
            assert (await again.evaluate(ASK, ["GET", "/v1/me", ""]))["status"] == 200
            assert (await page.evaluate(ASK, ["DELETE", "/v1/session", ""]))["status"] == 403
            assert (await page.evaluate(ASK, ["DELETE", "/v1/session", me["session"]["csrf_token"]]))["status"] == 204
            assert await context.cookies() == []
            assert (await again.evaluate(ASK, ["GET", "/v1/me", ""]))["status"] == 401


async def test_plain_http_from_elsewhere_is_told_before_signing_in(browser: Browser, hub: str) -> None:
    elsewhere = "http://hub.example"

    async def answer(route: Route) -> None:
        await route.fulfill(response=await route.fetch(url=route.request.url.replace(elsewhere, hub)))

    async with visitor(browser) as context:
        await context.route(f"{elsewhere}/**", answer)
        page = await context.new_page()
        for path in ("/desk", "/console"):
            await page.goto(elsewhere + path)
            await expect(page.get_by_role("alert")).to_contain_text("browsers keep no session over plain http")
            await expect(page.get_by_role("button", name="Sign in")).to_be_disabled()
            await page.goto(hub + path)
            await expect(page.get_by_role("button", name="Sign in")).to_be_enabled()
            assert await page.get_by_role("alert").count() == 0


async def test_a_strange_page_of_the_same_machine_gets_nothing(browser: Browser, hub: str) -> None:
    async with visitor(browser) as context, page_server(STRANGE_PAGE) as strange:
        me = await signed_in(await context.new_page(), hub)
        token = me["session"]["csrf_token"]
        page = await context.new_page()
        await page.goto(strange)
        statuses: list[tuple[str, int]] = []
        page.on("response", lambda answer: statuses.append((answer.request.method, answer.status)))
        for method, mode in (("GET", "cors"), ("POST", "no-cors")):
            script = """([url, method, mode]) => fetch(url, {method, mode, credentials: "include"}).then(
              (answer) => answer.text(), (error) => `failed: ${error}`)"""
            told = await page.evaluate(
                script, [f"{hub}/v1/me" if method == "GET" else f"{hub}/v1/session", method, mode]
            )
            assert token not in told
            assert "acme" not in told
        assert [status for method, status in statuses if method == "GET"] in ([], [403])
        assert [status for method, status in statuses if method == "POST"] == [403]

"""A key with ``required_assurance``, over HTTP: it reads by a contact that is assured enough, and nothing else."""

from __future__ import annotations

import pytest
from httpx2 import Response
from tests.api import KEYS, Running
from tests.integration.test_api_contacts import (
    CUSTOMER,
    HERS,
    LOGIN,
    OWN,
    STRANGERS,
    TYPED,
    Clock,
    assured_bytes,
    clock,
    hub,
)
from tests.sse import following

from cx_context.document import encode_body
from cx_context_api.openapi.operations import OPERATIONS

BY_CONTACT = {"/v1/context", "/v1/context/lookup", "/v1/customers/{id}/context", "/v1/customers/{id}/stream"}

__all__ = ["Clock", "clock", "hub"]


def body_of(answer: Response) -> bytes:
    return encode_body(answer.json()["body"])


READS = [(each.method, each.path) for each in OPERATIONS if "context:read" in each.scopes]


async def test_a_bots_key_reads_an_assured_contact(hub: Running) -> None:
    await hub.happen(HERS, LOGIN, TYPED)
    answer = await hub.get(f"/v1/context?interaction={OWN}", key="bot")
    assert answer.status_code == 200
    assert answer.json()["meta"]["contact"]["assurance"]["level"] == "proved"
    assert body_of(answer) == assured_bytes(HERS, LOGIN, TYPED)
    by_customer = await hub.get(f"/v1/customers/{CUSTOMER}/context?interaction={OWN}", key="bot")
    assert body_of(by_customer) == assured_bytes(HERS, LOGIN, TYPED)
    looked = await hub.post("/v1/context/lookup", {"interaction": OWN}, key="bot")
    assert body_of(looked) == assured_bytes(HERS, LOGIN, TYPED)


async def test_a_bots_key_is_refused_a_strangers_contact(hub: Running) -> None:
    await hub.happen(HERS, LOGIN, TYPED)
    for path in (f"/v1/context?interaction={STRANGERS}", f"/v1/customers/{CUSTOMER}/context?interaction={STRANGERS}"):
        refused = await hub.get(path, key="bot")
        assert (refused.status_code, refused.json()["reason"]) == (403, "not-assured")
        assert "charged" not in refused.text
    looked = await hub.post("/v1/context/lookup", {"interaction": STRANGERS}, key="bot")
    assert looked.status_code == 403


async def test_a_key_is_told_what_it_may_read(hub: Running) -> None:
    refused = await hub.get(f"/v1/conversations?interaction={OWN}", key="bot")
    assert refused.json()["detail"].startswith("The key 'bot' has required_assurance: it reads contexts and briefs by")


async def test_the_stricter_of_key_and_read_holds(hub: Running) -> None:
    await hub.happen(HERS, LOGIN, TYPED)
    stricter = await hub.get(f"/v1/context?interaction={OWN}&assurance=proved", key="bot")
    assert stricter.status_code == 200
    refused = await hub.get(f"/v1/context?interaction={STRANGERS}&assurance=asserted", key="bot")
    assert refused.status_code == 403


async def test_a_contact_that_is_refused_can_be_handed_over(hub: Running) -> None:
    await hub.happen(HERS, LOGIN, TYPED)
    for time in ("", "&as_of=2026-11-22T12:00:00Z"):
        refused = await hub.get(f"/v1/context?interaction={STRANGERS}{time}", key="bot")
        id = refused.json()["conversation"]
        shown = await hub.get(f"/v1/conversations/{id}")
        assert STRANGERS in [joined["interaction"] for joined in shown.json()["conversation"]["joined"]]
    handed = await hub.post(f"/v1/conversations/{id}/handoffs", {"reason": "wants a person"}, key="bot")
    assert handed.status_code == 202
    await hub.projector.catch_up()
    assert (await hub.get(f"/v1/conversations/{id}/handoff")).json()["request"]["reason"] == "wants a person"


async def test_a_strangers_customer_has_no_conversation_here(hub: Running) -> None:
    await hub.happen(HERS, LOGIN, TYPED)
    refused = await hub.get(f"/v1/customers/{CUSTOMER}/context?interaction=acme-chat/nobodys", key="bot")
    assert (refused.status_code, refused.json()["conversation"]) == (403, None)


@pytest.mark.parametrize(("method", "path"), READS)
async def test_a_bots_key_reads_nothing_without_a_contact(hub: Running, method: str, path: str) -> None:
    await hub.happen(HERS, LOGIN, TYPED)
    conversation = (await hub.body("email:ana@example.com"))["conversations"][0]["id"]
    query = {"/v1/context": "?identifier=email:ana@example.com", "/v1/stream": "?agent=ben"}.get(path, "")
    url = path.replace("{id}", CUSTOMER if path.startswith("/v1/customers") else conversation) + query
    body = {"identifier": "email:ana@example.com"}
    key = {"authorization": f"Bearer {KEYS['bot']}"}
    answer = await hub.client.request(method, url, json=None if method == "get" else body, headers=key)
    expected = "missing-scope" if path.startswith("/v1/identity") and method == "post" else "not-assured"
    assert (answer.status_code, answer.json()["reason"]) == (403, expected)


async def test_the_reads_that_are_tried_include_all_kinds(hub: Running) -> None:
    paths = {path for _, path in READS}
    assert paths >= BY_CONTACT
    assert {"/v1/customers/{id}/timeline", "/v1/event", "/v1/conversations/{id}/handoff", "/v1/stream"} <= paths


async def test_a_bots_stream_is_of_an_assured_contact(hub: Running) -> None:
    await hub.happen(HERS, LOGIN, TYPED)
    async with following(hub.url, f"/v1/customers/{CUSTOMER}/stream?interaction={OWN}", KEYS["bot"]) as stream:
        assert (await stream.next("context")).data["meta"]["contact"]["assurance"]["level"] == "proved"

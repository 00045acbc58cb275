"""Test whose a shared identifier may be: ranked with reasons, and never merged silently."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.api import Running, running_api

from cx_events.ids import text_of
from cx_events.stamp import StampedEvent
from cx_events.testing.builders import ACME, HOUR, MINUTE, START, an_event
from cx_events.timestamps import format_time

HOME_PHONE = "+15550100177"
PHONE = text_of(ACME.profile("phone", "", HOME_PHONE))
ANA = text_of(ACME.profile("email", "", "ana@example.com"))
BOB = text_of(ACME.profile("email", "", "bob@example.com"))
ZOE = text_of(ACME.profile("email", "", "zoe@example.com"))
VERIFIED = "cx.identity.verified.v1"


def said(*type: str, **event: Any) -> StampedEvent:
    """By a system whose word counts."""
    return an_event(*type, **event, weight="asserted")


FAMILY = (
    said(id="a-1", email="ana@example.com", phone=HOME_PHONE, interaction="chat-1", text="Hello", name="Ana"),
    said(id="a-2", at=START + MINUTE, email="ana@example.com", phone=HOME_PHONE, interaction="chat-1", text="Hm?"),
    said(id="a-3", at=START + HOUR, email="ana@example.com", phone=HOME_PHONE, interaction="chat-2", text="And?"),
    said(id="b-1", at=START + 2 * HOUR, email="bob@example.com", phone=HOME_PHONE, interaction="mail-1",
             channel="email", text="Dear all", name="Bob"),
    said(id="b-2", at=START + 5 * HOUR, email="bob@example.com", interaction="chat-9", text="Without it"),
    said("cx.identity.asserted.v1", id="z-1", email="zoe@example.com", phone=HOME_PHONE, channel="crm", name="Zoe",
             data={"evidence": "crm"}),
)  # fmt: skip
CALL = an_event("cx.interaction.started.v1", id="c-1", at=START + 6 * HOUR, phone=HOME_PHONE, interaction="call-1",
                channel="voice")  # fmt: skip


@pytest.fixture
async def hub(store_url: str, tmp_path: Path) -> AsyncIterator[Running]:
    async with running_api(tmp_path, store_url) as running:
        await running.happen(*FAMILY, CALL)
        yield running


async def candidate(hub: Running) -> dict[str, Any]:
    (found,) = (await hub.get("/v1/identity/candidates")).json()["items"]
    return found


async def test_the_last_user_of_a_shared_phone_ranks_first(hub: Running) -> None:
    found = await candidate(hub)
    bob, ana, zoe = found["customers"]
    assert (bob["id"], ana["id"], zoe["id"]) == (BOB, ANA, ZOE)
    assert bob["used"] == {
        "contacts": 1,
        "last": {
            "time": "2026-11-22T12:00:00Z",
            "channel": "email",
            "interaction": "mail-1",
            "event": {"source": "//acme.example/chat", "id": "b-1"},
        },
    }
    assert bob["reasons"] == [
        "asserted: seen-together in //acme.example/chat#b-1",
        "used it in 1 contact",
        "used it last of all, 2026-11-22T12:00:00Z on email",
    ]
    assert (bob["last_user"], ana["last_user"], found["last_user"]) == (True, False, BOB)
    assert (ana["used"]["contacts"], ana["used"]["last"]["event"]["id"]) == (2, "a-3")
    assert (zoe["used"], zoe["rule"], zoe["verified"]) == (None, "crm", False)
    assert found["unclaimed"]["contacts"] == 1
    assert found["unclaimed"]["last"]["interaction"] == "call-1"


async def test_proof_outranks_the_latest_use(hub: Running) -> None:
    proved = an_event(VERIFIED, id="a-4", at=START, email="ana@example.com", phone=HOME_PHONE, channel="web",
                      data={"evidence": "one-time-code"})  # fmt: skip
    await hub.happen(proved)
    found = await candidate(hub)
    ana, bob, _ = found["customers"]
    assert (bob["id"], ana["verified"], bob["verified"]) == (BOB, True, False)
    assert ana["reasons"][0] == "proved: one-time-code in //acme.example/chat#a-4"
    # It is hers now, and so are the calls from it.
    assert found["unclaimed"] is None
    assert ana["used"]["last"]["interaction"] == "call-1"
    assert (ana["actions"], bob["actions"]) == ({}, {"merge": {"a": BOB, "b": PHONE}})


@pytest.mark.parametrize("asked", [f"identifier=phone:{HOME_PHONE}", "interaction=call-1"])
async def test_a_call_from_a_shared_phone_lists_candidates(hub: Running, asked: str) -> None:
    answer = await hub.get(f"/v1/context?{asked}")
    problem = answer.json()
    assert (answer.status_code, problem["reason"]) == (409, f"ambiguous-{asked.partition('=')[0]}")
    assert [(c["id"], c["display"]) for c in problem["candidates"]] == [(BOB, "Bob"), (ANA, "Ana"), (ZOE, "Zoe")]
    assert problem["candidates"][0]["reasons"][-1].endswith("used it last of all, 2026-11-22T12:00:00Z on email")
    assert problem["candidate"]["identifier"]["value"] == HOME_PHONE
    assert problem["candidate"]["unclaimed"]["last"]["interaction"] == "call-1"
    # What the call itself has said so far is read by the identifier's own id.
    own = (await hub.get(f"/v1/customers/{problem['candidate']['identifier']['profile']}/context")).json()["body"]
    assert own["now"]["interaction"] == "call-1"
    assert own["customer"]["id"] == PHONE


async def test_an_attributed_call_answers_with_its_customer(hub: Running) -> None:
    """That call alone: its later callbacks, which name nobody, and what names the shared phone."""
    before = await everything(hub)
    problem = (await hub.get("/v1/context?interaction=call-1")).json()
    ana = next(one for one in problem["candidates"] if one["id"] == ANA)
    assert ana["actions"]["attribute"] == {"interaction": "call-1", "profile": ANA}
    body = {**ana["actions"]["attribute"], "reason": "she gave her order number"}
    foretold = (await hub.post("/v1/identity/attribute?dry_run=true", body)).json()["contexts"]
    told = await hub.decide("/v1/identity/attribute", body)
    shown = {each["customer"]: each["body"] for each in foretold}
    assert shown == {id: await context(hub, id) for id in (ANA, PHONE)}
    await hub.happen(an_event("cx.call.recording.v1", id="c-2", at=START + 7 * HOUR, interaction="call-1"))
    found = (await hub.get("/v1/context?interaction=call-1")).json()["body"]
    assert found["customer"]["display"] == "Ana"
    assert [entry["event"]["id"] for entry in found["timeline"]][:2] == ["c-2", "c-1"]
    assert found["now"]["interaction"] == "call-1"
    assert (await context(hub, PHONE))["counts"]["interactions"] == 0
    pages = (await hub.get(f"/v1/customers/{ANA}/timeline?limit=1")).json()
    assert pages["items"][0]["event"]["id"] == "c-2"
    assert (await hub.get(f"/v1/customers/{ANA}/timeline?limit=1&cursor={pages['next']}")).json()["items"][0]["event"][
        "id"
    ] == "c-1"
    thread = (await hub.get(f"/v1/conversations/{found['conversations'][0]['id']}")).json()
    assert {entry["event"]["id"] for entry in thread["items"]} >= {"c-1", "c-2"}
    (doubt,) = (await hub.get("/v1/identity/candidates")).json()["items"]
    assert (doubt["last_user"], doubt["unclaimed"]) == (ANA, None), "she used it last"
    for id in (ANA, PHONE):
        attributions = (await hub.get(f"/v1/customers/{id}/identity")).json()["attributions"]
        assert [one["interaction"] for one in attributions] == ["call-1"]
    past = (await hub.get(f"/v1/context?interaction=call-1&as_of={format_time(hub.now())}")).json()["body"]
    assert past == found
    decision = f"{told['event']['source']}#{told['event']['id']}"
    await hub.decide("/v1/identity/unmerge", {"decision": decision, "reason": "it was Bob"})
    assert (await hub.get("/v1/context?interaction=call-1")).status_code == 409
    after = await everything(hub)
    assert after[ANA] == before[ANA]
    assert after[PHONE]["counts"]["interactions"] == 1


async def test_actions_in_an_attributed_call_reach_its_customer(hub: Running) -> None:
    await hub.decide("/v1/identity/attribute", {"interaction": "call-1", "profile": ANA, "reason": "her voice"})
    call = next(each for each in (await context(hub, ANA))["conversations"] if each["channels"][-1] == "voice")
    await hub.decide(f"/v1/conversations/{call['id']}/notes", {"note": "wants a new lamp", "agent": {"id": "eva"}})
    (noted,) = [each for each in (await context(hub, ANA))["conversations"] if each["notes"]]
    assert noted["id"] == call["id"]
    span = f"by=known_at&from={format_time(START + 8 * HOUR)}&to={format_time(hub.now())}"
    for id, more in ((ANA, 1), (PHONE, -1)):
        changes = (await hub.get(f"/v1/customers/{id}/diff?{span}")).json()["changes"]
        (moved,) = [change for change in changes if change["path"] == "/counts/interactions"]
        assert moved["to"] == moved["from"] + more
        assert "cx.identity.attributed.v1" in {event["type"] for event in moved["events"]}, id


async def context(hub: Running, id: str) -> dict[str, Any]:
    body: dict[str, Any] = (await hub.get(f"/v1/customers/{id}/context")).json()["body"]
    return body


async def everything(hub: Running) -> dict[str, dict[str, Any]]:
    return {id: await context(hub, id) for id in (ANA, BOB, ZOE, PHONE)}


async def test_an_action_needs_only_a_reason(hub: Running) -> None:
    found = await candidate(hub)
    merging = {**found["customers"][1]["actions"]["merge"], "reason": "she said so, and her order number"}
    dry = await hub.post("/v1/identity/merge?dry_run=true", merging)
    assert [c["customer"] for c in dry.json()["contexts"]] == [min(ANA, PHONE)]
    merged = await hub.decide("/v1/identity/merge", merging)
    assert (await hub.get("/v1/context?interaction=call-1")).json()["body"]["customer"]["display"] == "Ana"
    by_number = f"/v1/context?identifier=phone:{HOME_PHONE}"
    assert (await hub.get(by_number)).json()["body"]["customer"]["display"] == "Ana", "nobody is asked again"
    past = await hub.get(f"{by_number}&as_of={format_time(hub.now())}")
    assert past.json()["body"] == (await hub.get(by_number)).json()["body"]
    assert (await hub.get(f"{by_number}&as_of={format_time(START + 7 * HOUR)}")).status_code == 409
    assert (await hub.get("/v1/identity/candidates")).json()["items"] == []
    assert (await hub.get(f"/v1/customers/{ANA}/identity")).json()["candidates"] == []
    again = await hub.post("/v1/identity/dismiss", {**found["actions"]["dismiss"], "reason": "the family's"})
    assert (again.status_code, again.json()["reason"]) == (404, "unknown-candidate")
    decision = f"{merged['event']['source']}#{merged['event']['id']}"
    await hub.decide("/v1/identity/unmerge", {"decision": decision, "reason": "it was her son"})
    assert await candidate(hub) == found
    assert (await hub.get(by_number)).status_code == 409
    await hub.decide("/v1/identity/dismiss", {**found["actions"]["dismiss"], "reason": "the family's"})
    assert (await hub.get("/v1/identity/candidates")).json()["items"] == []
    nobody = await hub.get(by_number)
    assert nobody.status_code == 409, "it is no one person's"
    assert nobody.json()["candidate"]["actions"] == {}, "what was said need not be said again"
    then = await hub.get(f"{by_number}&as_of={format_time(hub.now())}")
    assert then.json()["candidate"]["actions"] == {}
    before = await hub.get(f"{by_number}&as_of={format_time(START + 7 * HOUR)}")
    assert before.json()["candidate"]["actions"] == found["actions"]


async def test_identity_lists_the_candidate_for_each_customer(hub: Running) -> None:
    found = await candidate(hub)
    for id in (ANA, BOB, PHONE):
        told = (await hub.get(f"/v1/customers/{id}/identity")).json()
        assert told["candidates"] == [found]

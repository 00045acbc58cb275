"""Test who is who, as people see it and decide it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.api import Running, running_api
from tests.patience import PATIENCE

from cx_events.ids import IdSpace, text_of
from cx_events.log import INTERACTIONS
from cx_events.testing.builders import ACME, HOUR, MINUTE, SECOND, START, an_event

BEN = {"id": "agent-7", "name": "Ben"}
ANA = text_of(ACME.profile("email", "", "ana@example.com"))
BOB = text_of(ACME.profile("email", "", "bob@example.com"))
CALLER = text_of(ACME.profile("phone", "", "+15550100123"))
OF_ANA = an_event(id="m-1", email="ana@example.com", interaction="chat-42", text="I was charged twice", name="Ana")
OF_CALLER = an_event(
    "cx.interaction.started.v1", id="c-1", at=START + HOUR, phone="+15550100123", interaction="call-1", channel="voice"
)
OF_BOB = an_event(id="b-1", at=START + MINUTE, email="bob@example.com", interaction="chat-60", text="Hello", name="Bob")
OFFICE = (
    an_event(id="s-1", at=START + 2 * MINUTE, email="ana@example.com", phone="+15550100199", weight="asserted"),
    an_event(id="s-2", at=START + 3 * MINUTE, email="bob@example.com", phone="+15550100199", weight="asserted"),
)
OTHER = IdSpace("other", b"a lasting key of another")
OF_ANOTHER = text_of(OTHER.profile("email", "", "zoe@example.com"))
OTHERS = an_event(id="z-1", email="zoe@example.com", interaction="chat-1", text="Hello", ids=OTHER)
NAMELESS = an_event("cx.interaction.started.v1", id="n-1", at=START + 2 * HOUR, interaction="call-9", channel="voice")


@pytest.fixture
async def hub(store_url: str, tmp_path: Path) -> AsyncIterator[Running]:
    async with running_api(tmp_path, store_url) as running:
        await running.happen(OF_ANA, OF_CALLER, OF_BOB, NAMELESS, OTHERS)
        yield running


async def identity(hub: Running, id: str) -> dict[str, Any]:
    answer = await hub.get(f"/v1/customers/{id}/identity")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def appended(hub: Running) -> int:
    return sum((await hub.log.end_offsets(INTERACTIONS)).values())


async def test_two_customers_become_one_and_say_why(hub: Running) -> None:
    told = await hub.decide("/v1/identity/merge", {"a": ANA, "b": CALLER, "reason": "confirmed by phone", "agent": BEN})
    body = await hub.body("phone:+15550100123")
    assert body == await hub.body("email:ana@example.com")
    assert body["customer"]["id"] == ANA
    assert body["customer"]["aliases"] == [CALLER]
    why = await identity(hub, CALLER)
    assert why["customer"] == ANA
    assert {p["profile"] for p in why["profiles"]} == {ANA, CALLER}
    (decision,) = why["decisions"]
    assert decision["event"] == told["event"]
    assert (decision["kind"], decision["reason"], decision["agent"]) == ("merge", "confirmed by phone", BEN)
    assert decision["standing"]["state"] == "stands"


async def test_a_withdrawn_merge_leaves_no_trace(hub: Running) -> None:
    before = {who: await hub.body(who) for who in ("email:ana@example.com", "phone:+15550100123")}
    told = await hub.decide("/v1/identity/merge", {"a": ANA, "b": CALLER, "reason": "x"})
    name = f"{told['event']['source']}#{told['event']['id']}"
    await hub.decide("/v1/identity/unmerge", {"decision": name, "reason": "wrong phone"})
    assert {who: await hub.body(who) for who in before} == before
    again = await hub.post("/v1/identity/unmerge", {"decision": name, "reason": "again"})
    assert (again.status_code, again.json()["reason"]) == (409, "already-withdrawn")
    states = {d["kind"]: d["standing"]["state"] for d in (await identity(hub, ANA))["decisions"]}
    assert states == {"merge": "withdrawn", "withdraw": "stands"}


async def test_a_fresh_decision_can_be_withdrawn_at_once(hub: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_OWN_DECISION_SECONDS", "DEADLINE_SECONDS"):  # a loaded machine may take longer to apply it
        monkeypatch.setattr(f"cx_context_api.identity.routes.{name}", PATIENCE)
    told = (await hub.post("/v1/identity/merge", {"a": ANA, "b": CALLER, "reason": "x"})).json()["event"]
    withdrawing = asyncio.create_task(
        hub.post("/v1/identity/unmerge", {"decision": f"{told['source']}#{told['id']}", "reason": "no"})
    )
    await asyncio.sleep(0.1)
    await hub.projector.catch_up()
    assert (await withdrawing).status_code == 202


async def test_two_crm_ids_merge_and_unmerge_by_decision(hub: Running) -> None:
    """One decision for each pair that must be named; they are withdrawn together."""
    await hub.happen(
        an_event(id="k-1", at=START + 4 * HOUR, email="ana@example.com", crm="C-1", weight="asserted"),
        an_event(id="k-2", at=START + 4 * HOUR, email="bob@example.com", crm="C-2", weight="asserted"),
    )
    parted = await hub.decide("/v1/identity/unmerge", {"apart": [ANA, BOB], "reason": "two people, they say"})
    apart = f"{parted['event']['source']}#{parted['event']['id']}"
    merging = {"a": ANA, "b": BOB, "reason": "no, one", "despite": ["crm", apart]}
    told = await hub.decide("/v1/identity/merge", merging, idempotency_key="both")
    assert [e["id"] for e in told["events"]] == ["both.1", "both"]
    assert (await hub.body("crm:C-1")) == (await hub.body("crm:C-2"))
    same = await hub.post("/v1/identity/merge", merging, idempotency_key="both")
    assert same.json() == told
    await hub.decide("/v1/identity/unmerge", {"decision": "//throughline/acme/decisions#both", "reason": "two indeed"})
    assert (await hub.body("crm:C-1"))["customer"]["id"] != (await hub.body("crm:C-2"))["customer"]["id"]


async def test_a_blocked_merge_needs_its_obstacles_named(hub: Running) -> None:
    await hub.happen(
        an_event(id="k-1", at=START + 4 * HOUR, email="ana@example.com", crm="C-1"),
        an_event(id="k-2", at=START + 4 * HOUR, email="bob@example.com", crm="C-2"),
    )
    merging: dict[str, Any] = {"a": ANA, "b": BOB, "reason": "the same name"}
    before = await appended(hub)
    for dry_run in ("", "?dry_run=true"):
        refused = await hub.post(f"/v1/identity/merge{dry_run}", merging)
        assert (refused.status_code, refused.json()["reason"]) == (409, "excluded")
        assert "crm:C-1 and crm:C-2 are two values of kind crm" in refused.json()["detail"]
        (against,) = refused.json()["against"]
        assert (against["reason"], against["name"]) == ("exclusive", "crm")
        assert (against["a"]["value"], against["b"]["value"]) == ("C-1", "C-2")
    assert await appended(hub) == before
    parted = await hub.decide("/v1/identity/unmerge", {"apart": [ANA, BOB], "reason": "father and son"})
    refused = await hub.post("/v1/identity/merge", {**merging, "despite": ["crm"]})
    assert (refused.status_code, refused.json()["reason"]) == (409, "kept-apart")
    (against,) = refused.json()["against"]
    assert against["name"] == f"{parted['event']['source']}#{parted['event']['id']}"
    assert (await hub.body("crm:C-1"))["customer"]["id"] != (await hub.body("crm:C-2"))["customer"]["id"]
    await hub.decide("/v1/identity/merge", {**merging, "despite": [against["name"], "crm"]})
    assert (await hub.body("crm:C-1")) == (await hub.body("crm:C-2"))


async def test_another_tenants_ids_are_as_unknown_as_any(hub: Running) -> None:
    before = await appended(hub)
    of_nobody = text_of(ACME.profile("email", "", "nobody@example.com"))
    for path, body in (
        ("merge", {"a": "{}", "b": ANA, "reason": "x"}),
        ("merge", {"a": CALLER, "b": "{}", "reason": "x"}),
        ("unmerge", {"apart": [ANA, "{}"], "reason": "x"}),
        ("attribute", {"interaction": "call-9", "profile": "{}", "reason": "x"}),
        ("dismiss", {"candidate": "{}", "reason": "x"}),
    ):
        answers = []
        for id in (OF_ANOTHER, of_nobody):
            asked = json.loads(json.dumps(body).replace("{}", id))
            answer = await hub.post(f"/v1/identity/{path}", asked)
            answers.append((answer.status_code, answer.text.replace(id, "ID")))
        assert answers[0] == answers[1]
        assert answers[0][0] == 404
    for path in ("context", "identity", "timeline"):
        assert (await hub.get(f"/v1/customers/{OF_ANOTHER}/{path}")).status_code == 404
    assert await appended(hub) == before


async def test_two_profiles_of_one_customer_are_kept_apart(hub: Running) -> None:
    tied = an_event(id="t-1", at=START + HOUR, email="ana@example.com", cookie="c-7", interaction="chat-43")
    await hub.happen(tied)
    cookie = text_of(ACME.profile("cookie", "", "c-7"))
    assert (await hub.body("cookie:c-7"))["customer"]["id"] == ANA
    await hub.decide("/v1/identity/unmerge", {"apart": [ANA, cookie], "reason": "a library's computer"})
    assert (await hub.body("cookie:c-7"))["customer"]["id"] == cookie
    (edge,) = (await identity(hub, ANA))["edges"]
    assert (edge["state"], edge["refused"]["reason"]) == ("refused", "apart")
    assert edge["claimed"]["event"] == {"source": "//acme.example/chat", "id": "t-1"}
    assert {edge["a"]["value"], edge["b"]["value"]} == {"ana@example.com", "c-7"}


async def test_an_interaction_that_names_nobody_is_attributed(hub: Running) -> None:
    body = {"interaction": "call-9", "profile": ANA, "reason": "gave order 4711", "agent": BEN}
    told = await hub.decide("/v1/identity/attribute", body)
    assert {e["interaction"] for e in (await hub.body("email:ana@example.com"))["timeline"]} == {"chat-42", "call-9"}
    (attribution,) = (await identity(hub, ANA))["attributions"]
    assert (attribution["interaction"], attribution["profile"]) == ("call-9", ANA)
    assert (attribution["reason"], attribution["standing"]["state"]) == ("gave order 4711", "stands")
    name = f"{told['event']['source']}#{told['event']['id']}"
    await hub.decide("/v1/identity/unmerge", {"decision": name, "reason": "no, Bob"})
    assert {e["interaction"] for e in (await hub.body("email:ana@example.com"))["timeline"]} == {"chat-42"}
    await hub.decide("/v1/identity/attribute", {**body, "profile": BOB})
    standings = [(a["profile"], a["standing"]["state"]) for a in (await identity(hub, BOB))["attributions"]]
    assert standings == [(BOB, "stands"), (ANA, "withdrawn")]


async def test_a_shared_identifier_is_a_candidate_until_dismissed(hub: Running) -> None:
    await hub.happen(*OFFICE)
    (candidate,) = (await hub.get("/v1/identity/candidates")).json()["items"]
    assert candidate["identifier"]["value"] == "+15550100199"
    assert {c["id"] for c in candidate["customers"]} == {ANA, BOB}
    assert "2 values of kind email" in candidate["reason"]
    why = await identity(hub, ANA)
    assert [c["id"] for c in why["candidates"]] == [candidate["id"]]
    assert [e["state"] for e in why["edges"]] == ["shared"]
    await hub.decide("/v1/identity/dismiss", {"candidate": candidate["id"], "reason": "the office"})
    assert (await hub.get("/v1/identity/candidates")).json() == {"items": [], "next": None}
    again = await hub.post("/v1/identity/dismiss", {"candidate": candidate["id"], "reason": "the office"})
    assert (again.status_code, again.json()["reason"]) == (404, "unknown-candidate")


async def test_candidates_come_in_pages_and_only_the_tenants_own(hub: Running) -> None:
    for office in range(5):
        await hub.happen(
            *(
                an_event(
                    id=f"o-{office}-{person}",
                    at=START + HOUR + office * SECOND,
                    email=f"{person}{office}@example.com",
                    phone=f"+1555010015{office}",
                )
                for person in ("ana", "bob")
            )
        )
    whole = (await hub.get("/v1/identity/candidates")).json()
    assert (len(whole["items"]), whole["next"]) == (5, None)
    found, cursor = [], ""
    while True:
        page = (await hub.get(f"/v1/identity/candidates?limit=2{cursor}")).json()
        found += page["items"]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert found == whole["items"]
    assert (await hub.get("/v1/identity/candidates", key="other")).json()["items"] == []


async def test_a_dry_run_predicts_the_decision_and_writes_nothing(hub: Running) -> None:
    await hub.happen(*OFFICE)
    asked: list[tuple[str, dict[str, Any]]] = [
        ("merge", {"a": ANA, "b": CALLER, "reason": "x"}),
        ("attribute", {"interaction": "call-9", "profile": CALLER, "reason": "x"}),
        ("unmerge", {"apart": [ANA, CALLER], "reason": "x"}),
        ("merge", {"a": BOB, "b": ANA, "reason": "x"}),
    ]
    taken = []
    for path, body in asked:
        taken.append(await _as_foretold(hub, path, body))
    for event in reversed(taken):
        decision = f"{event['source']}#{event['id']}"
        await _as_foretold(hub, "unmerge", {"decision": decision, "reason": "undone"})


async def _as_foretold(hub: Running, path: str, body: dict[str, Any]) -> dict[str, str]:
    before = await appended(hub)
    dry = await hub.post(f"/v1/identity/{path}?dry_run=true", body)
    assert dry.status_code == 200, dry.text
    assert await appended(hub) == before
    told = await hub.decide(f"/v1/identity/{path}", body)
    contexts = dry.json()["contexts"]
    assert contexts
    for context in contexts:
        now = (await hub.get(f"/v1/customers/{context['customer']}/context")).json()["body"]
        assert now["customer"]["id"] == context["customer"]
        for foretold, real in zip(
            context["body"]["customer"]["identifiers"], now["customer"]["identifiers"], strict=True
        ):
            # The decision is another event than the one that was tried.
            if real["joined"] is not None and real["joined"]["rule"] == "person":
                foretold["joined"]["evidence"] = real["joined"]["evidence"]
        assert context["body"] == now
    event: dict[str, str] = told["event"]
    return event


async def test_impossible_decisions_are_refused_and_write_nothing(hub: Running) -> None:
    before = await appended(hub)
    nobody = text_of(ACME.profile("email", "", "nobody@example.com"))
    nameless = text_of(ACME.interaction("call-9"))
    for path, body, status, reason in (
        ("merge", {"a": ANA, "b": ANA, "reason": "x"}, 422, "same-customer"),
        ("merge", {"a": ANA, "b": nobody, "reason": "x"}, 404, "unknown-customer"),
        ("merge", {"a": "ana", "b": BOB, "reason": "x"}, 404, "bad-id"),
        ("merge", {"a": ANA, "b": nameless, "reason": "x"}, 422, "not-a-profile"),
        ("merge", {"a": ANA, "b": BOB}, 422, "bad-body"),
        ("merge", {"a": ANA, "b": BOB, "reason": "a\0b"}, 422, "bad-body"),
        ("unmerge", {"reason": "x"}, 422, "bad-body"),
        ("unmerge", {"decision": "//x#y", "apart": [ANA, BOB], "reason": "x"}, 422, "bad-body"),
        ("unmerge", {"decision": "never", "reason": "x"}, 400, "bad-event-name"),
        ("unmerge", {"decision": "//throughline/acme/decisions#never", "reason": "x"}, 404, "unknown-decision"),
        ("unmerge", {"decision": "//acme.example/chat#m-1", "reason": "x"}, 404, "unknown-decision"),
        ("unmerge", {"apart": [ANA, ANA], "reason": "x"}, 422, "same-profile"),
        ("unmerge", {"apart": [ANA, nobody], "reason": "x"}, 404, "unknown-profile"),
        ("unmerge", {"apart": [ANA], "reason": "x"}, 422, "bad-body"),
        ("attribute", {"interaction": "call-0", "profile": ANA, "reason": "x"}, 404, "unknown-interaction"),
        ("attribute", {"interaction": "call-9", "profile": nobody, "reason": "x"}, 404, "unknown-profile"),
        ("attribute", {"interaction": "chat-42", "profile": BOB, "reason": "x"}, 422, "names-somebody"),
        ("dismiss", {"candidate": ANA, "reason": "x"}, 404, "unknown-candidate"),
        ("dismiss", {"candidate": "x", "reason": "x"}, 404, "bad-id"),
    ):
        for dry_run in ("", "?dry_run=true"):
            answer = await hub.post(f"/v1/identity/{path}{dry_run}", body)
            assert (answer.status_code, answer.json()["reason"]) == (status, reason), answer.text
    assert (await hub.post("/v1/identity/merge?dry_run=perhaps", {})).status_code == 400
    assert await appended(hub) == before


async def test_decisions_and_dry_runs_need_their_scopes(hub: Running) -> None:
    body = {"a": ANA, "b": CALLER, "reason": "x"}
    for key in ("reader", "desk"):
        assert (await hub.post("/v1/identity/merge", body, key=key)).status_code == 403
    assert (await hub.post("/v1/identity/merge?dry_run=true", body, key="judge")).status_code == 403
    assert (await hub.post("/v1/identity/merge", body, key="judge")).status_code == 202
    assert (await hub.get("/v1/identity/candidates", key="judge")).status_code == 403


async def test_whatif_compares_rules_and_writes_nothing(hub: Running) -> None:
    await hub.happen(*OFFICE)
    before = await appended(hub)
    asked = {"rules": {"shared_after": {"phone": 2, "email": 2, "cookie": 2}}, "examples": 1}
    answer = await hub.post("/v1/identity/whatif", asked)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["rules"]["before"]["shared_after"] == {"phone": 1, "email": 2, "cookie": 2}
    assert (found["counts"]["joined"], found["counts"]["customers_joined"]) == (1, 3)
    assert {one["value"] for one in found["joined"][0]["from"]} >= {"ana@example.com", "bob@example.com"}
    assert [one["identifier"]["value"] for one in found["candidates"]["vanish"]] == ["+15550100199"]
    for rules, reason in (
        ({"shared_after": {"phone": "many"}}, "bad-rules"),
        ({"shard_after": {}}, "bad-rules"),
        ([], "bad-body"),
    ):
        refused = await hub.post("/v1/identity/whatif", {"rules": rules})
        assert (refused.status_code, refused.json()["reason"]) == (422, reason)
    for key in ("reader", "judge"):
        assert (await hub.post("/v1/identity/whatif", asked, key=key)).status_code == 403
    others = (await hub.post("/v1/identity/whatif", asked, key="other")).json()
    assert others["counts"]["profiles"] == 1
    assert await appended(hub) == before

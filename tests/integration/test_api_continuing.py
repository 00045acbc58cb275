"""A conversation that goes on elsewhere by a token: issued, presented, and refused where it does not count."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.api import Running, running_api
from tests.integration.test_api_decisions import BEN, conversation_with, on_the_log

from cx_context_api.decisions import IncreasingClock
from cx_events.continuity_tokens import derive_code, sign_token_id
from cx_events.ids import text_of
from cx_events.stamp import StampedEvent
from cx_events.testing.builders import ACME, DAY, HOUR, SECOND, START, an_event, fact_of

CHAT = an_event(id="m-1", email="ana@example.com", interaction="chat-42", text="I was charged twice")
NOW = START + 30 * DAY


def call(name: str, at: int = NOW + HOUR, **who: str) -> StampedEvent:
    return an_event("cx.interaction.started.v1", id=name, at=at, interaction=name, channel="voice", **who)


class Clock:
    """Set by hand."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def hub(store_url: str, tmp_path: Path, clock: Clock) -> AsyncIterator[Running]:
    async with running_api(tmp_path, store_url, now=IncreasingClock(clock)) as running:
        await running.happen(CHAT)
        yield running


async def issue(hub: Running, interaction: str = "chat-42", /, **body: Any) -> dict[str, Any]:
    id = (await conversation_with(hub, interaction))["id"]
    return await hub.decide(f"/v1/conversations/{id}/continue", body)


async def present(hub: Running, token: str, interaction: str, **headers: str) -> tuple[int, str]:
    """Status, and the reason of a refusal."""
    answer = await hub.post("/v1/conversations/continue", {"token": token, "interaction": interaction}, **headers)
    await hub.projector.catch_up()
    return answer.status_code, answer.json().get("reason", "")


async def threads_of(hub: Running, identifier: str = "email:ana@example.com") -> list[list[str]]:
    body = await hub.body(identifier)
    return sorted([j["interaction"] for j in c["joined"]] for c in body["conversations"])


async def test_a_token_is_shown_once_and_never_stored(hub: Running) -> None:
    told = await issue(hub, agent=BEN, expires_in=3600)
    assert len(told["code"]) == 8
    assert told["spoken"] == f"{told['code'][:4]} {told['code'][4:]}"
    assert told["reply_to"] == f"support+{told['link_token']}@acme.example"
    assert told["link"] == f"https://acme.example/chat?continue={told['link_token']}"
    assert told["expires_at"] == "2026-12-22T11:00:00Z"
    event = next(e for e in await on_the_log(hub) if e["type"] == "cx.conversation.token_issued.v1")
    assert event["id"] == told["event"]["id"] == told["token"]
    assert event["data"]["token"] == {"id": told["token"], "lifetime_s": 3600}
    for secret in (told["code"], told["link_token"]):
        assert secret not in str(event)
        assert secret not in str(await hub.body("email:ana@example.com"))


async def test_a_repeated_request_gets_the_same_token(hub: Running) -> None:
    id = (await conversation_with(hub, "chat-42"))["id"]
    path = f"/v1/conversations/{id}/continue"
    first = await hub.post(path, {"expires_in": 3600}, idempotency_key="k")
    at_once = await hub.post(path, {"expires_in": 3600}, idempotency_key="k")
    refused_at_once = await hub.post(path, {"expires_in": 7200}, idempotency_key="k")
    await hub.projector.catch_up()
    later = await hub.post(path, {"expires_in": 3600}, idempotency_key="k")
    refused_later = await hub.post(path, {"expires_in": 7200}, idempotency_key="k")
    assert first.json()["code"] == at_once.json()["code"] == later.json()["code"]
    assert first.json()["expires_at"] == later.json()["expires_at"]
    for refused in (refused_at_once, refused_later):
        assert (refused.status_code, refused.json()["reason"]) == (422, "idempotency-key-reused")
    other = await hub.post(path, {"expires_in": 3600}, idempotency_key="l")
    assert other.json()["code"] != first.json()["code"]


@pytest.mark.parametrize("form", ["code", "spoken", "reply_to", "link", "link_token"])
async def test_every_form_of_a_token_continues_the_conversation(hub: Running, form: str) -> None:
    told = await issue(hub)
    await hub.happen(call("call-1", email="ana@example.com"))
    assert await threads_of(hub) == [["call-1"], ["chat-42"]]
    assert await present(hub, told[form], "call-1") == (202, "")
    conversation = await conversation_with(hub, "call-1")
    assert [(j["interaction"], j["rule"], j["evidence"], j["confidence"]) for j in conversation["joined"]] == [
        ("chat-42", "first", None, 1.0),
        ("call-1", "token", f"token:{told['token']}", 0.98),
    ]
    (token,) = conversation["tokens"]
    assert [(use["interaction"], use["refused"]) for use in token["uses"]] == [("call-1", None)]


async def test_an_anonymous_call_follows_the_tokens_customer(hub: Running) -> None:
    told = await issue(hub)
    await hub.happen(call("call-1"))
    assert await present(hub, told["code"], "call-1") == (202, "")
    assert await threads_of(hub) == [["chat-42", "call-1"]]
    assert (await hub.get("/v1/context?interaction=call-1")).json()["body"]["customer"]["id"] == text_of(
        ACME.profile("email", "", "ana@example.com")
    )


async def test_a_call_unknown_so_far_joins_when_it_arrives(hub: Running) -> None:
    told = await issue(hub)
    assert await present(hub, told["code"], "call-1") == (202, "")
    assert await threads_of(hub) == [["chat-42"]]
    await hub.happen(call("call-1"))
    assert await threads_of(hub) == [["chat-42", "call-1"]]


async def test_an_anonymous_chat_goes_to_its_tokens_presenter(hub: Running) -> None:
    asked = an_event(id="n-1", interaction="chat-9", text="my parcel?", at=NOW)
    await hub.happen(asked)
    node = text_of(fact_of(asked).part_id)
    told = await hub.decide(f"/v1/conversations/{node}/continue", {})
    await hub.happen(call("call-1", phone="+15550100123", at=NOW + 10 * DAY))
    assert await present(hub, told["code"], "call-1") == (202, "")
    assert await threads_of(hub, "phone:+15550100123") == [["chat-9", "call-1"]]


async def test_two_anonymous_contacts_are_not_joined(hub: Running) -> None:
    asked = an_event(id="n-1", interaction="chat-9", text="my parcel?", at=NOW)
    await hub.happen(asked, call("call-1"))
    node = text_of(fact_of(asked).part_id)
    told = await hub.decide(f"/v1/conversations/{node}/continue", {})
    assert await present(hub, told["code"], "call-1") == (409, "nobody-named")


async def test_a_token_used_twice_is_refused_and_nothing_changes(hub: Running) -> None:
    told = await issue(hub)
    await hub.happen(*(call(f"call-{n}", email="ana@example.com", at=NOW + n * 9 * DAY) for n in (1, 2)))
    assert await present(hub, told["code"], "call-1") == (202, "")
    before, log = await hub.body("email:ana@example.com"), await on_the_log(hub)
    assert await present(hub, told["code"], "call-2") == (409, "token-used")
    assert await hub.body("email:ana@example.com") == before
    assert await on_the_log(hub) == log
    assert await present(hub, told["code"], "call-1") == (202, "")


async def test_a_token_presented_twice_at_once_is_taken_once(hub: Running) -> None:
    told = await issue(hub)
    answers = await asyncio.gather(
        *(hub.post("/v1/conversations/continue", {"token": told["code"], "interaction": f"call-{n}"}) for n in range(4))
    )
    assert sorted(answer.status_code for answer in answers) == [202, 409, 409, 409]


async def test_a_token_for_many_uses_is_taken_by_all(hub: Running) -> None:
    told = await issue(hub, single_use=False)
    await hub.happen(*(call(f"call-{n}", email="ana@example.com", at=NOW + n * 9 * DAY) for n in (1, 2)))
    assert [await present(hub, told["code"], f"call-{n}") for n in (1, 2)] == [(202, "")] * 2
    assert await threads_of(hub) == [["chat-42", "call-1", "call-2"]]


async def test_another_customers_token_is_refused_and_merges_nobody(hub: Running) -> None:
    told = await issue(hub)
    await hub.happen(call("call-1", email="bob@example.com"))
    before, log = await hub.body("email:bob@example.com"), await on_the_log(hub)
    assert await present(hub, told["code"], "call-1") == (409, "other-customer")
    assert await hub.body("email:bob@example.com") == before
    assert await on_the_log(hub) == log


async def test_another_customers_use_neither_joins_nor_spends(hub: Running) -> None:
    told = await issue(hub)
    uses = {"references": [{"kind": "token", "value": told["token"]}]}
    await hub.happen(
        an_event("cx.call.dtmf.v1", id="x", at=NOW + SECOND, interaction="call-1", channel="voice",
                 email="bob@example.com", data={"digits": told["code"], **uses})
    )  # fmt: skip
    assert await threads_of(hub, "email:bob@example.com") == [["call-1"]]
    await hub.happen(call("call-2", email="ana@example.com"))
    assert await present(hub, told["code"], "call-2") == (202, "")
    assert await threads_of(hub) == [["chat-42", "call-2"]]


async def test_an_expired_token_is_gone(hub: Running, clock: Clock) -> None:
    told = await issue(hub, expires_in=60)
    await hub.happen(call("call-1", email="ana@example.com"))
    clock.now += 61 * SECOND
    for form in ("code", "link_token"):
        assert await present(hub, told[form], "call-1") == (410, "token-expired")
    assert await threads_of(hub) == [["call-1"], ["chat-42"]]


async def test_a_guessed_or_forged_token_is_unknown(hub: Running) -> None:
    told = await issue(hub)
    forged = told["link_token"][:-1] + ("a" if told["link_token"][-1] != "a" else "b")
    never = derive_code("never issued", ACME)
    for token in (never, forged, told["token"], sign_token_id("thr-aaaaaaaaaaaaaaaa", ACME), "hello", "1234"):
        assert await present(hub, token, "call-1") == (404, "unknown-token"), token


async def test_guessing_codes_is_stopped_while_links_work(hub: Running) -> None:
    told = await issue(hub)
    never = [derive_code(f"never issued {n}", ACME) for n in range(6)]
    assert [await present(hub, code, "call-1") for code in never[:5]] == [(404, "unknown-token")] * 5
    answer = await hub.post("/v1/conversations/continue", {"token": told["code"], "interaction": "call-1"})
    assert (answer.status_code, answer.json()["reason"]) == (429, "rate-limited")
    assert int(answer.headers["retry-after"]) > 60
    assert await present(hub, told["code"], "call-2") == (202, "")
    other = await issue(hub)
    assert await present(hub, other["link_token"], "call-1") == (202, "")


async def test_a_key_that_guesses_in_new_calls_is_stopped(hub: Running) -> None:
    answers = [await present(hub, derive_code(f"never {n}", ACME), f"call-{n}") for n in range(31)]
    assert answers == [(404, "unknown-token")] * 30 + [(429, "rate-limited")]


async def test_bad_requests_are_refused(hub: Running) -> None:
    id = (await conversation_with(hub, "chat-42"))["id"]
    told = await issue(hub)
    for path, body, status, reason in (
        (f"{id}/continue", {"expires_in": 1}, 422, "bad-body"),
        (f"{id}/continue", {"expires_in": 10**9}, 422, "bad-body"),
        (f"{id}/continue", {"page": "javascript:alert(1)"}, 422, "bad-body"),
        (f"{id}/continue", {"connection": "acme-calls"}, 422, "unknown-connection"),
        (f"{text_of(ACME.interaction('x'))}/continue", {}, 404, "unknown-conversation"),
        ("continue", {"token": told["code"]}, 422, "bad-body"),
        ("continue", {"token": told["code"], "interaction": "chat-42"}, 422, "same-interaction"),
    ):
        answer = await hub.post(f"/v1/conversations/{path}", body)
        assert (answer.status_code, answer.json()["reason"]) == (status, reason), answer.text


async def test_presenting_again_with_the_key_is_the_same_event(hub: Running) -> None:
    told = await issue(hub)
    body = {"token": told["code"], "interaction": "call-1"}
    first = await hub.post("/v1/conversations/continue", body, idempotency_key="k")
    await hub.projector.catch_up()
    again = await hub.post("/v1/conversations/continue", body, idempotency_key="k")
    assert first.json() == again.json()
    other = await hub.post("/v1/conversations/continue", {**body, "interaction": "call-2"}, idempotency_key="k")
    assert (other.status_code, other.json()["reason"]) == (422, "idempotency-key-reused")


async def test_the_tokens_of_a_tenant_are_nothing_to_another(hub: Running) -> None:
    told = await issue(hub)
    answer = await hub.post("/v1/conversations/continue", {"token": told["code"], "interaction": "call-1"}, key="other")
    assert (answer.status_code, answer.json()["reason"]) == (404, "unknown-token")


async def guessed_up(hub: Running) -> None:
    """Strangers have been wrong over this key for as often as they may."""
    answers = [await present(hub, derive_code(f"never {n}", ACME), f"stranger-{n}") for n in range(31)]
    assert answers[-1] == (429, "rate-limited")


async def test_strangers_guesses_lock_out_no_known_caller(hub: Running) -> None:
    told = await issue(hub)
    await hub.happen(call("call-1", email="ana@example.com"))
    await guessed_up(hub)
    assert await present(hub, told["code"], "call-1") == (202, "")


async def test_locked_out_strangers_learn_nothing_from_codes(hub: Running) -> None:
    told = await issue(hub)
    await hub.happen(call("call-2", email="mallory@example.com"))
    await guessed_up(hub)
    for interaction in ("nobody's call", "call-2"):
        for code in (told["code"], derive_code("never issued", ACME)):
            assert await present(hub, code, interaction) == (429, "rate-limited")


async def test_a_claimed_customer_gets_few_guesses(hub: Running) -> None:
    told = await issue(hub)
    for number in range(12):
        await hub.happen(call(f"call-{number}", email="ana@example.com"))
    never = [derive_code(f"never issued {n}", ACME) for n in range(10)]
    assert {await present(hub, code, f"call-{n}") for n, code in enumerate(never)} == {(404, "unknown-token")}
    assert await present(hub, told["code"], "call-11") == (429, "rate-limited")
    assert await present(hub, told["link_token"], "call-11") == (202, "")


async def test_claimants_guesses_lock_out_no_proved_customer(hub: Running) -> None:
    told = await issue(hub)
    for number in range(11):
        await hub.happen(call(f"call-{number}", email="ana@example.com"))
        await present(hub, derive_code(f"never issued {number}", ACME), f"call-{number}")
    proof = an_event(
        "cx.identity.verified.v1", id="proof", interaction="call-99", email="ana@example.com", channel="voice"
    )
    await hub.happen(proof)
    assert await present(hub, told["code"], "call-99") == (202, "")


async def test_guesses_with_one_key_lock_no_other(hub: Running) -> None:
    told = await issue(hub)
    await guessed_up(hub)
    answer = await hub.post(
        "/v1/conversations/continue", {"token": told["code"], "interaction": "call-of-nobody"}, "desk"
    )
    assert answer.status_code == 202, answer.text

"""A customer passed on with all that the next one needs, and whether it was on screen before they answered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.api import Running, running_api
from tests.integration.test_api_decisions import BEN, conversation_with, on_the_log

from cx_context_api.conversations.agent_actions import AGENT_ACTIONS
from cx_context_api.decisions import IncreasingClock
from cx_events.ids import text_of
from cx_events.stamp import StampedEvent
from cx_events.testing.builders import ACME, HOUR, MINUTE, SECOND, START, an_event

NOW = START + HOUR
EVA = {"id": "agent-8", "name": "Eva"}


def said(id: str, at: int, role: str, text: str, interaction: str = "chat-42", **more: Any) -> StampedEvent:
    direction = "inbound" if role == "customer" else "outbound"
    who = [{"role": role, "identifiers": [{"kind": "email", "value": "ana@example.com"}]}] if role == "customer" else [
        {"role": role, "id": more.pop("agent", ""), "name": "Ben"},
        {"role": "customer", "identifiers": [{"kind": "email", "value": "ana@example.com"}]},
    ]  # fmt: skip
    return an_event(
        f"cx.message.{'received' if role == 'customer' else 'sent'}.v1", id=id, at=at, interaction=interaction,
        data={"direction": direction, "participants": who, "message": {"id": id, "text": text}}, **more,
    )  # fmt: skip


HISTORY = (
    said("m-1", START, "customer", "I was charged twice"),
    an_event("cx.bot.turn.v1", id="b-1", at=START + MINUTE, interaction="chat-42", role="bot", data={
        "bot": {"intent": "refund", "text": "Which order is it?", "slots": {"order": "4711", "card": "visa"}}}),
    said("m-2", START + 2 * MINUTE, "customer", "4711"),
    an_event("cx.identity.verified.v1", id="v-1", at=START + 3 * MINUTE, interaction="chat-42",
             email="ana@example.com", verified=True),
    an_event("cx.call.transcript.v1", id="t-1", at=START + 30 * MINUTE, interaction="call-1", channel="voice",
             email="ana@example.com", data={"transcript": [{"role": "customer", "text": "still twice"}]}),
)  # fmt: skip
PACKET = {
    "summary": "charged twice for 4711",
    "tried": ["checked the order"],
    "slots": {"card": "mastercard", "amount": "49.90"},
    "open_questions": ["which card was charged?"],
    "mood": "angry",
}


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        self.now += SECOND
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def hub(store_url: str, tmp_path: Path, clock: Clock) -> AsyncIterator[Running]:
    async with running_api(tmp_path, store_url, now=IncreasingClock(clock)) as running:
        await running.happen(*HISTORY)
        yield running


async def path_of(hub: Running, interaction: str = "chat-42") -> str:
    return f"/v1/conversations/{(await conversation_with(hub, interaction))['id']}"


async def handoff(hub: Running) -> dict[str, Any]:
    found: dict[str, Any] = (await conversation_with(hub, "chat-42"))["handoff"]
    return found


def counted(hub: Running, before_answer: str) -> float:
    labels = {"before_answer": before_answer}
    return hub.metrics.registry.get_sample_value("cx_contexts_shown_total", labels) or 0.0


async def test_the_packet_holds_transcript_attempts_slots_and_questions(hub: Running) -> None:
    path = await path_of(hub)
    await hub.decide(f"{path}/handoffs", {"by": "bot", "to": "billing", "reason": "can't refund", "packet": PACKET})
    told = (await hub.get(f"{path}/handoff")).json()
    assert [(line["channel"], line["role"], line["text"]) for line in told["transcript"]] == [
        ("voice", "customer", "still twice"),
        ("chat", "customer", "4711"),
        ("chat", "bot", "Which order is it?"),
        ("chat", "customer", "I was charged twice"),
    ]
    assert told["tried"] == ["checked the order", "Which order is it?"]
    assert told["slots"] == {"order": "4711", "card": "mastercard", "amount": "49.90"}
    assert told["open_questions"] == ["which card was charged?"]
    assert told["summary"] == "charged twice for 4711"
    assert [(v["kind"], v["value"], v["verified_at"]) for v in told["verified"]] == [
        ("email", "ana@example.com", "2026-11-22T10:03:00Z")
    ]
    assert told["packet"] == PACKET
    request = told["request"]
    assert (request["by"], request["to"], request["reason"]) == ("bot", "billing", "can't refund")
    assert request["event"]["source"] == "//throughline/acme/decisions"
    assert told["next"] is None


async def test_a_long_transcript_comes_in_pages(hub: Running) -> None:
    path = await path_of(hub)
    first = (await hub.get(f"{path}/handoff?limit=2")).json()
    assert first["request"] is None
    assert [line["text"] for line in first["transcript"]] == ["still twice"]
    rest = (await hub.get(f"{path}/handoff?limit=10&cursor={first['next']}")).json()
    assert [line["text"] for line in rest["transcript"]] == ["4711", "Which order is it?", "I was charged twice"]
    thread = await hub.get(f"{path}?limit=10&cursor={first['next']}")
    assert thread.status_code == 200


@pytest.mark.parametrize(
    ("asked", "by", "who"),
    [
        ({"by": "bot"}, "bot", None),
        ({"by": "customer"}, "customer", None),
        ({"agent": BEN}, "agent", "Ben"),
        ({"agent": {"id": "helper-bot", "name": "Helper"}, "by": "bot"}, "bot", None),
    ],
)
async def test_a_handoff_shows_who_asked_through_the_api(
    hub: Running, asked: dict[str, Any], by: str, who: str | None
) -> None:
    await hub.decide(f"{await path_of(hub)}/handoffs", asked)
    told = await handoff(hub)
    assert (told["by"], told["requested_by"]) == (by, who)


async def test_a_handoff_shows_who_asked_by_events(hub: Running) -> None:
    asked = an_event("cx.bot.handoff_asked.v1", id="h-1", at=START + 4 * MINUTE, interaction="chat-42", role="bot")
    await hub.happen(asked)
    assert (await handoff(hub))["by"] == "bot"
    await hub.happen(
        an_event("cx.handoff.requested.v1", id="h-2", at=START + 5 * MINUTE, interaction="chat-42",
                 email="ana@example.com")
    )  # fmt: skip
    assert (await handoff(hub))["by"] == "customer"


async def test_a_handoff_is_accepted_once_by_one_agent(hub: Running) -> None:
    path = await path_of(hub)
    before = len(await on_the_log(hub))
    early = await hub.post(f"{path}/handoffs/accept", {"agent": BEN})
    assert (early.status_code, early.json()["reason"]) == (409, "no-handoff")
    assert len(await on_the_log(hub)) == before
    await hub.decide(f"{path}/handoffs", {"by": "bot"})
    await hub.decide(f"{path}/handoffs/accept", {"agent": BEN})
    assert (await handoff(hub))["accepted_by"] == BEN
    late = await hub.post(f"{path}/handoffs/accept", {"agent": EVA})
    assert (late.status_code, late.json()["reason"]) == (409, "already-accepted")
    await hub.decide(f"{path}/handoffs", {"agent": BEN, "to": "second level"})
    assert (await handoff(hub))["accepted_by"] is None
    await hub.decide(f"{path}/handoffs/accept", {"agent": EVA})
    assert (await handoff(hub))["accepted_by"] == EVA


async def test_showing_the_context_before_the_answer_is_measured(hub: Running, clock: Clock) -> None:
    path = await path_of(hub)
    await hub.decide(f"{path}/handoffs", {"by": "bot"})
    await hub.decide(f"{path}/handoffs/accept", {"agent": BEN})
    assert (await handoff(hub))["shown_before_answer"] is None
    await hub.decide(f"{path}/shown", {"agent": BEN, "version": 7})
    told = await handoff(hub)
    assert (told["shown_at"] is not None, told["shown_before_answer"]) == (True, None)
    await hub.happen(said("a-1", clock.now + MINUTE, "agent", "I see it, order 4711", agent=BEN["id"]))
    assert (await handoff(hub))["shown_before_answer"] is True
    event = next(e for e in await on_the_log(hub) if e["type"] == "cx.handoff.context_shown.v1")
    assert (event["data"]["handoff"]["version"], event["data"]["agent"]) == (7, BEN)
    assert counted(hub, "true") == 1


async def test_answering_before_seeing_the_context_is_measured(hub: Running, clock: Clock) -> None:
    path = await path_of(hub)
    await hub.decide(f"{path}/handoffs", {"by": "bot"})
    await hub.decide(f"{path}/handoffs/accept", {"agent": BEN})
    await hub.happen(said("a-1", clock.now + MINUTE, "agent", "Who are you?", agent=BEN["id"]))
    assert (await handoff(hub))["shown_before_answer"] is False
    clock.now += HOUR
    await hub.decide(f"{path}/shown", {"agent": BEN})
    assert (await handoff(hub))["shown_before_answer"] is False
    assert (counted(hub, "true"), counted(hub, "false")) == (0, 1)


async def test_a_late_event_corrects_the_measurement(hub: Running, clock: Clock) -> None:
    path = await path_of(hub)
    await hub.decide(f"{path}/handoffs", {"by": "bot"})
    asked = clock.now
    clock.now += HOUR
    await hub.decide(f"{path}/handoffs/accept", {"agent": BEN})
    await hub.decide(f"{path}/shown", {"agent": BEN})
    await hub.happen(said("a-2", clock.now + MINUTE, "agent", "I see it", agent=BEN["id"]))
    assert (await handoff(hub))["shown_before_answer"] is True
    await hub.happen(said("a-1", asked + MINUTE, "agent", "Hello?", agent=BEN["id"]))
    assert (await handoff(hub))["shown_before_answer"] is False


BODIES: dict[str, dict[str, Any]] = {
    "notes": {"note": "x", "agent": BEN},
    "topic": {"topic": "x", "agent": BEN},
    "disposition": {"disposition": "x", "agent": BEN},
    "resolve": {"agent": BEN},
    "reopen": {"agent": BEN},
    "promise": {"agent": BEN, "text": "a gift"},
    "assign": {"agent": BEN},
    "unassign": {"agent": BEN},
    "snooze": {"agent": BEN, "until": "2026-11-22T18:00:00Z"},
    "undo": {"agent": BEN},
    "link": {"agent": BEN},
    "split": {"interaction": "call-1", "agent": BEN},
    "handoffs": {"by": "bot", "packet": PACKET},
    "handoffs/accept": {"agent": BEN},
    "handoffs/{handoff}/decline": {"agent": BEN},
    "shown": {"agent": BEN, "version": 1},
}


@pytest.mark.parametrize("named", AGENT_ACTIONS)
async def test_every_act_with_its_key_is_one_event(tmp_path: Path, named: str) -> None:
    act = named
    async with running_api(tmp_path) as hub:
        other = an_event(id="m-9", at=START + 900 * HOUR, email="ana@example.com", interaction="chat-50", text="Hi")
        await hub.happen(*HISTORY, other)
        path = await path_of(hub)
        if named.startswith("handoffs/"):
            await hub.decide(f"{path}/handoffs", {"by": "bot"})
            act = act.format(handoff=(await handoff(hub))["id"])
        body = dict(BODIES[named])
        if act == "undo":
            noted = (await hub.decide(f"{path}/notes", BODIES["notes"]))["event"]
            body["event"] = f"{noted['source']}#{noted['id']}"
        if act == "link":
            body["other"] = (await conversation_with(hub, "chat-50"))["id"]
        answers = await asyncio.gather(*(hub.post(f"{path}/{act}", body, idempotency_key="k") for _ in range(3)))
        await hub.projector.catch_up()
        answers.append(await hub.post(f"{path}/{act}", body, idempotency_key="k"))
        assert [answer.status_code for answer in answers] == [202] * 4
        assert {answer.json()["event"]["id"] for answer in answers} == {"k"}
        changed = await hub.post(f"{path}/{act}", {**body, "agent": EVA}, idempotency_key="k")
        assert (changed.status_code, changed.json()["reason"]) == (422, "idempotency-key-reused")
        await hub.projector.catch_up()
        async with hub.store.reading() as tx:
            assert (await tx.fetch("SELECT count(*) FROM copies"))[0][0] == 0
        assert len({e["recordedtime"] for e in await on_the_log(hub) if e["id"] == "k"}) <= 3


async def test_a_misspelt_member_of_a_packet_is_told(hub: Running) -> None:
    path = await path_of(hub)
    packet = {"sumary": "charged twice", "tried": ["restart"], "mood": "calm"}
    answer = await hub.post(f"{path}/handoffs", {"agent": BEN, "packet": packet})
    assert answer.status_code == 202
    assert [(each["place"], each["nearest"]) for each in answer.json()["warnings"]] == [("packet.sumary", "summary")]
    assert "warnings" not in (await hub.post(f"{path}/handoffs", {"agent": BEN, "packet": {"mood": "x"}})).json()


async def test_bad_requests_are_refused(hub: Running) -> None:
    path = await path_of(hub)
    nobody = f"/v1/conversations/{text_of(ACME.interaction('x'))}"
    for where, body, status, reason in (
        (f"{path}/handoffs/accept", {}, 422, "bad-body"),
        (f"{path}/shown", {"agent": BEN, "version": -1}, 422, "bad-body"),
        (f"{path}/handoffs", {"by": "somebody"}, 422, "bad-body"),
        (f"{nobody}/shown", {"agent": BEN}, 404, "unknown-conversation"),
        (f"{nobody}/handoffs/accept", {"agent": BEN}, 404, "unknown-conversation"),
    ):
        answer = await hub.post(where, body)
        assert (answer.status_code, answer.json()["reason"]) == (status, reason), answer.text
    assert (await hub.get(f"{nobody}/handoff")).status_code == 404
    assert (await hub.get(f"{path}/handoff?cursor=x")).json()["reason"] == "bad-cursor"


STRANGER = said("s-1", START + 40 * MINUTE, "customer", "Which address is on file?", interaction="chat-66")


async def own_path(hub: Running, interaction: str) -> str:
    brief = (await hub.post("/v1/context/brief", {"interaction": interaction})).json()
    return f"/v1/conversations/{brief['route']['conversation']}"


async def test_each_contact_has_its_own_request_and_packet(hub: Running) -> None:
    """A stranger who types the customer's address into another chat, within the window, replaces nothing of hers."""
    await hub.happen(STRANGER)
    hers, his = await path_of(hub), await own_path(hub, "chat-66")
    assert hers != his
    await hub.decide(f"{hers}/handoffs", {"by": "bot", "reason": "refund", "packet": {"summary": "hers"}})
    await hub.decide(
        f"{hers}/handoffs",
        {"by": "bot", "reason": "stranger", "packet": {"summary": "his"}, "interaction": "chat-66"},
    )
    for path, query, asked, other in (
        (hers, "", "chat-42", "chat-66"),
        (his, "", "chat-66", "chat-42"),
        (hers, "?interaction=chat-66", "chat-66", "chat-42"),
        (his, "?interaction=chat-42", "chat-42", "chat-66"),
    ):
        told = (await hub.get(f"{path}/handoff{query}")).json()
        assert told["request"]["interaction"] == asked
        assert [each["interaction"] for each in told["others"]] == [other]
        assert told["summary"] == {"chat-42": "hers", "chat-66": "his"}[asked]
        assert (told["request"]["level"], bool(told["verified"])) == {
            "chat-42": ("proved", True),
            "chat-66": ("claimed", False),
        }[asked]
    assert (await handoff(hub))["interaction"] == "chat-42"
    none = await hub.get(f"{hers}/handoff?interaction=call-1")
    assert none.json()["request"] is None
    unknown = await hub.get(f"{hers}/handoff?interaction=chat-99")
    assert (unknown.status_code, unknown.json()["reason"]) == (404, "unknown-interaction")


async def test_a_strangers_resolve_settles_nothing_of_hers(hub: Running) -> None:
    await hub.happen(STRANGER)
    hers, his = await path_of(hub), await own_path(hub, "chat-66")
    await hub.decide(f"{hers}/handoffs", {"by": "bot", "reason": "refund"})
    await hub.decide(f"{his}/handoffs", {"by": "bot", "reason": "stranger"})
    await hub.decide(f"{his}/handoffs/accept", {"agent": BEN})
    await hub.decide(f"{his}/resolve", {"agent": BEN, "reason": "a stranger"})
    conversation = await conversation_with(hub, "chat-42")
    assert (conversation["state"], conversation["handoff"]["reason"]) == ("open", "refund")
    assert (conversation["handoff"]["open"], conversation["other_handoffs"][0]["open"]) == (True, False)
    await hub.decide(f"{hers}/handoffs/accept", {"agent": EVA, "interaction": "chat-42"})
    await hub.decide(f"{hers}/resolve", {"agent": EVA, "disposition": "refunded"})
    conversation = await conversation_with(hub, "chat-42")
    assert (conversation["state"], conversation["disposition"]) == ("resolved", "refunded")


async def test_a_named_contact_is_resolved_alone(hub: Running) -> None:
    path = await path_of(hub)
    for each in ("chat-42", "call-1"):
        assert (await conversation_with(hub, "chat-42"))["state"] == "open"
        await hub.decide(f"{path}/resolve", {"agent": BEN, "interaction": each})
    assert (await conversation_with(hub, "chat-42"))["state"] == "resolved"
    await hub.decide(f"{path}/reopen", {"agent": BEN, "interaction": "call-1"})
    assert (await conversation_with(hub, "chat-42"))["state"] == "open"
    unknown = await hub.post(f"{path}/notes", {"agent": BEN, "note": "x", "interaction": "chat-99"})
    assert (unknown.status_code, unknown.json()["reason"]) == (404, "unknown-interaction")


async def test_the_first_of_two_acceptances_counts(hub: Running) -> None:
    path = await path_of(hub)
    await hub.decide(f"{path}/handoffs", {"by": "bot", "queue": {"id": "billing"}})
    answers = [await hub.post(f"{path}/handoffs/accept", {"agent": agent}) for agent in (BEN, EVA)]
    assert [answer.status_code for answer in answers] == [202, 202]
    await hub.projector.catch_up()
    conversation = await conversation_with(hub, "chat-42")
    assert (conversation["handoff"]["accepted_by"], conversation["agent"]) == (BEN, BEN)
    assert [each["agent"] for each in conversation["handoff"]["also_accepted"]] == [EVA]
    late = await hub.post(f"{path}/handoffs/accept", {"agent": EVA})
    assert (late.status_code, late.json()["accepted_by"]) == (409, BEN)


async def test_a_declined_handoff_goes_on_waiting(hub: Running) -> None:
    path = await path_of(hub)
    await hub.decide(f"{path}/handoffs", {"by": "bot", "to": BEN["id"], "queue": {"id": "billing"}})
    asked = await handoff(hub)
    await hub.decide(f"{path}/handoffs/{asked['id']}/decline", {"agent": BEN, "reason": "on a call"})
    told = await handoff(hub)
    assert [(each["agent"], each["reason"]) for each in told["declined"]] == [(BEN, "on a call")]
    assert (told["id"], told["open"], told["accepted_by"]) == (asked["id"], True, None)
    event = (await on_the_log(hub))[-1]
    assert (event["type"], event["data"]["handoff"]["id"]) == ("cx.handoff.declined.v1", asked["id"])
    await hub.decide(f"{path}/handoffs/accept", {"agent": EVA, "handoff": asked["id"]})
    taken = await hub.post(f"{path}/handoffs/{asked['id']}/decline", {"agent": BEN})
    assert (taken.status_code, taken.json()["reason"], taken.json()["accepted_by"]) == (409, "already-accepted", EVA)
    await hub.decide(f"{path}/handoffs/{asked['id']}/decline", {"agent": EVA, "reason": "wrong team"})
    assert (await handoff(hub))["open"]
    unknown = await hub.post(f"{path}/handoffs/{asked['id'][:-1]}x/decline", {"agent": BEN})
    assert (unknown.status_code, unknown.json()["reason"]) == (404, "unknown-handoff")


async def test_a_request_is_named_by_its_event_too(hub: Running) -> None:
    path = await path_of(hub)
    asked = (await hub.post(f"{path}/handoffs", {"by": "bot"}, idempotency_key="ask-1")).json()["event"]
    await hub.projector.catch_up()
    await hub.decide(f"{path}/handoffs/{asked['id']}/decline", {"agent": BEN})
    assert [each["agent"] for each in (await handoff(hub))["declined"]] == [BEN]

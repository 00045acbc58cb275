"""Test what agents do to conversations: events that are durable before they are answered, the same when repeated."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from tests.api import KEYS, Running, running_api

from cx_context_api.conversations.agent_actions import AGENT_ACTIONS
from cx_context_api.decisions import IncreasingClock
from cx_events.ids import text_of
from cx_events.log import INTERACTIONS, Partition
from cx_events.testing.builders import ACME, HOUR, MINUTE, START, an_event

ANA = ACME.profile("email", "", "ana@example.com")
BEN = {"id": "agent-7", "name": "Ben"}
CHAT = an_event(id="m-1", email="ana@example.com", interaction="chat-42", text="I was charged twice")
CALL = an_event(
    "cx.interaction.started.v1", id="c-1", at=START + HOUR, email="ana@example.com", interaction="call-1",
    channel="voice",
)  # fmt: skip
MUCH_LATER = an_event(id="m-9", at=START + 200 * HOUR, email="ana@example.com", interaction="chat-50", text="Parcel?")
OF_BOB = an_event(id="b-1", email="bob@example.com", interaction="chat-60", text="Hello")


@pytest.fixture
async def hub(store_url: str, tmp_path: Path) -> AsyncIterator[Running]:
    async with running_api(tmp_path, store_url) as running:
        await running.happen(CHAT, CALL, MUCH_LATER, OF_BOB)
        yield running


async def conversation_with(
    hub: Running, interaction: str, identifier: str = "email:ana@example.com"
) -> dict[str, Any]:
    body = await hub.body(identifier)
    return next(c for c in body["conversations"] if any(j["interaction"] == interaction for j in c["joined"]))


async def on_the_log(hub: Running) -> list[dict[str, Any]]:
    reader = hub.log.reader()
    reader.assign({Partition(INTERACTIONS, number): 0 for number in range(4)})
    found = []
    while records := await reader.read(1000, wait=0.05):
        found += [msgspec.json.decode(record.value) for record in records]
    await reader.close()
    return found


async def test_a_note_shows_once_its_event_is_applied(hub: Running) -> None:
    conversation = await conversation_with(hub, "chat-42")
    answer = await hub.post(f"/v1/conversations/{conversation['id']}/notes", {"note": "Refund promised", "agent": BEN})
    assert answer.status_code == 202
    told = answer.json()
    assert told["customer"] == text_of(ANA)
    event = next(e for e in await on_the_log(hub) if e["id"] == told["event"]["id"])
    assert event["source"] == told["event"]["source"] == "//throughline/acme/decisions"
    assert event["type"] == "cx.conversation.note.v1"
    assert event["subject"] == event["partitionkey"] == ANA.hex()
    assert event["time"] == event["recordedtime"]
    assert event["data"]["agent"] == BEN
    assert event["data"]["interaction"] == "chat-42"
    waiting = asyncio.create_task(
        hub.get(
            f"/v1/customers/{told['customer']}/context?wait=20s&at_least="
            + quote(f"{event['source']}#{event['id']}", safe="")
        )
    )
    await hub.projector.catch_up()
    body = (await waiting).json()["body"]
    notes = next(c for c in body["conversations"] if c["id"] == conversation["id"])["notes"]
    assert notes[0]["text"] == "Refund promised"
    assert notes[0]["agent"] == "Ben"
    assert body["counts"]["events"] == 3


async def test_a_conversation_is_settled_and_opened_again(hub: Running) -> None:
    id = (await conversation_with(hub, "chat-42"))["id"]
    await hub.decide(f"/v1/conversations/{id}/resolve", {"agent": BEN, "reason": "refund arrived"})
    assert (await conversation_with(hub, "chat-42"))["state"] == "resolved"
    await hub.decide(f"/v1/conversations/{id}/reopen", {"agent": BEN})
    assert (await conversation_with(hub, "chat-42"))["state"] == "open"


async def test_a_resolve_counts_though_its_clock_is_behind(store_url: str, tmp_path: Path) -> None:
    slow = IncreasingClock(lambda: START - HOUR)
    async with running_api(tmp_path, store_url, now=slow) as hub:
        await hub.happen(CHAT, CALL)
        conversation = await conversation_with(hub, "chat-42")
        for act, state in (("resolve", "resolved"), ("reopen", "open"), ("resolve", "resolved")):
            await hub.post(f"/v1/conversations/{conversation['id']}/{act}", {"agent": BEN})
            await hub.projector.catch_up()
            assert (await conversation_with(hub, "chat-42"))["state"] == state


async def test_topic_and_disposition_are_said_of_the_conversation(hub: Running) -> None:
    id = (await conversation_with(hub, "chat-42"))["id"]
    await hub.decide(f"/v1/conversations/{id}/topic", {"agent": BEN, "topic": "billing"})
    await hub.decide(f"/v1/conversations/{id}/disposition", {"agent": BEN, "disposition": "refund promised"})
    conversation = await conversation_with(hub, "chat-42")
    assert (conversation["topic"], conversation["disposition"]) == ("billing", "refund promised")


async def test_an_interaction_is_split_off_and_linked_again(hub: Running) -> None:
    whole = await conversation_with(hub, "chat-42")
    assert whole["id"] == (await conversation_with(hub, "call-1"))["id"]
    await hub.decide(f"/v1/conversations/{whole['id']}/split", {"interaction": "call-1", "agent": BEN})
    chat, call = await conversation_with(hub, "chat-42"), await conversation_with(hub, "call-1")
    assert chat["id"] != call["id"]
    await hub.decide(f"/v1/conversations/{chat['id']}/link", {"other": call["id"], "agent": BEN, "reason": "the same"})
    again = await conversation_with(hub, "call-1")
    assert again["id"] == chat["id"]
    assert [j["rule"] for j in again["joined"]] == ["first", "person"]


async def test_conversations_far_apart_are_linked_by_a_person(hub: Running) -> None:
    one, other = await conversation_with(hub, "chat-42"), await conversation_with(hub, "chat-50")
    await hub.decide(f"/v1/conversations/{other['id']}/link", {"other": one["id"], "agent": BEN})
    assert (await conversation_with(hub, "chat-50"))["id"] == one["id"]


async def test_a_handoff_shows_who_is_asked(hub: Running) -> None:
    id = (await conversation_with(hub, "chat-42"))["id"]
    asked = {
        "to": "billing",
        "queue": {"id": "billing", "name": "Billing"},
        "reason": "needs a refund",
        "packet": {"tried": ["checked the order"]},
    }
    await hub.decide(f"/v1/conversations/{id}/handoffs", asked)
    conversation = await conversation_with(hub, "chat-42")
    assert conversation["handoff"]["to"] == "billing"
    assert conversation["queue"] == {"id": "billing", "name": "Billing"}


async def test_impossible_actions_are_refused_and_write_nothing(hub: Running) -> None:
    before = len(await on_the_log(hub))
    whole, apart = await conversation_with(hub, "chat-42"), await conversation_with(hub, "chat-50")
    bobs = await conversation_with(hub, "chat-60", "email:bob@example.com")
    nobody = text_of(ACME.interaction("nothing"))
    call_alias = whole["aliases"][0]
    for path, body, status, reason in (
        (f"{nobody}/notes", {"note": "x", "agent": BEN}, 404, "unknown-conversation"),
        ("x/notes", {"note": "x", "agent": BEN}, 404, "bad-id"),
        (f"{whole['id']}/notes", {"note": "x"}, 422, "bad-body"),
        (f"{whole['id']}/notes", {"note": "x", "agent": {}}, 422, "bad-body"),
        (f"{whole['id']}/notes", {"note": "x", "agent": {"id": ""}}, 422, "bad-body"),
        (f"{whole['id']}/notes", {"note": " ", "agent": BEN}, 422, "bad-body"),
        (f"{whole['id']}/notes", {"note": "a\0b", "agent": BEN}, 422, "bad-body"),
        (f"{whole['id']}/notes", {"note": "x", "agent": BEN, "colour": "red"}, 422, "bad-body"),
        (f"{whole['id']}/link", {"other": nobody, "agent": BEN}, 404, "unknown-conversation"),
        (f"{whole['id']}/link", {"other": call_alias, "agent": BEN}, 422, "same-conversation"),
        (f"{whole['id']}/link", {"other": bobs["id"], "agent": BEN}, 422, "other-customer"),
        (f"{whole['id']}/split", {"interaction": "chat-50", "agent": BEN}, 404, "unknown-interaction"),
        (f"{whole['id']}/split", {"interaction": "chat-42", "agent": BEN}, 422, "nothing-to-split"),
        (f"{apart['id']}/split", {"interaction": "chat-50", "agent": BEN}, 422, "nothing-to-split"),
    ):
        answer = await hub.post(f"/v1/conversations/{path}", body)
        assert (answer.status_code, answer.json()["reason"]) == (status, reason), answer.text
    assert len(await on_the_log(hub)) == before


@pytest.mark.parametrize("act", AGENT_ACTIONS)
async def test_only_a_key_with_the_scope_may_write(tmp_path: Path, act: str) -> None:
    async with running_api(tmp_path) as hub:
        path = f"/v1/conversations/{text_of(ANA)}/{act}"
        assert (await hub.post(path, {}, key="reader")).status_code == 403
        assert (await hub.client.post(path, json={})).status_code == 401
        assert (await hub.post(path, {}, key="desk")).status_code in (404, 422)


async def test_the_idempotency_key_becomes_the_events_id(hub: Running) -> None:
    id = (await conversation_with(hub, "chat-42"))["id"]
    path, body = f"/v1/conversations/{id}/notes", {"note": "Refund promised", "agent": BEN}
    first = await hub.post(path, body, idempotency_key="note-1")
    at_once = await hub.post(path, {"agent": BEN, "note": "Refund promised"}, idempotency_key="note-1")
    await hub.projector.catch_up()
    later = await hub.post(path, body, idempotency_key='"note-1"')
    assert first.json()["event"]["id"] == "note-1"
    assert first.json() == at_once.json() == later.json()
    await hub.projector.catch_up()
    assert len((await conversation_with(hub, "chat-42"))["notes"]) == 1
    async with hub.store.reading() as tx:
        assert (await tx.fetch("SELECT count(*) FROM copies"))[0][0] == 0


@pytest.mark.parametrize("applied", [True, False])
async def test_the_same_key_with_another_body_is_refused(hub: Running, applied: bool) -> None:
    id = (await conversation_with(hub, "chat-42"))["id"]
    path = f"/v1/conversations/{id}/notes"
    await hub.post(path, {"note": "one", "agent": BEN}, idempotency_key="k")
    if applied:
        await hub.projector.catch_up()
    for other_path, body in (
        (path, {"note": "two", "agent": BEN}),
        (path, {"note": "one", "agent": {"id": "agent-8"}}),
        (f"/v1/conversations/{id}/topic", {"topic": "one", "agent": BEN}),
    ):
        answer = await hub.post(other_path, body, idempotency_key="k")
        assert (answer.status_code, answer.json()["reason"]) == (422, "idempotency-key-reused")
    answers = [e for e in await on_the_log(hub) if e["id"] == "k"]
    assert [e["data"]["note"] for e in answers] == ["one"]


async def test_another_process_knows_a_key_from_the_store(tmp_path: Path) -> None:
    async with running_api(tmp_path) as hub:
        await hub.happen(CHAT)
        id = (await conversation_with(hub, "chat-42"))["id"]
        await hub.decide(f"/v1/conversations/{id}/notes", {"note": "one", "agent": BEN}, idempotency_key="k")
    async with running_api(tmp_path) as other:
        refused = await other.post(f"/v1/conversations/{id}/notes", {"note": "two", "agent": BEN}, idempotency_key="k")
        assert refused.json()["reason"] == "idempotency-key-reused"
        same = await other.post(f"/v1/conversations/{id}/notes", {"note": "one", "agent": BEN}, idempotency_key="k")
        assert same.status_code == 202


async def test_concurrent_requests_with_one_key_append_one_event(hub: Running) -> None:
    id = (await conversation_with(hub, "chat-42"))["id"]
    answers = await asyncio.gather(
        *(
            hub.post(f"/v1/conversations/{id}/notes", {"note": f"note {number % 2}", "agent": BEN}, idempotency_key="k")
            for number in range(10)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [202] * 5 + [422] * 5
    assert len({e["data"]["note"] for e in await on_the_log(hub) if e["id"] == "k"}) == 1


async def test_a_bad_key_is_refused(tmp_path: Path) -> None:
    async with running_api(tmp_path) as hub:
        await hub.happen(CHAT)
        id = (await conversation_with(hub, "chat-42"))["id"]
        for key in ("", "two words", "k" * 201):
            answer = await hub.post(f"/v1/conversations/{id}/notes", {"note": "x", "agent": BEN}, idempotency_key=key)
            assert (answer.status_code, answer.json()["reason"]) == (400, "bad-idempotency-key")


async def test_a_decision_can_be_repeated_after_the_log_failed(hub: Running) -> None:
    id = (await conversation_with(hub, "chat-42"))["id"]
    path, body = f"/v1/conversations/{id}/notes", {"note": "once", "agent": BEN}
    hub.log.broken, hub.client.is_patient = True, False
    answer = await hub.post(path, body, idempotency_key="k")
    assert (answer.status_code, answer.json()["reason"]) == (503, "try-later")
    assert answer.headers["retry-after"]
    hub.log.broken, hub.client.is_patient = False, True
    await hub.decide(path, body, idempotency_key="k")
    assert len((await conversation_with(hub, "chat-42"))["notes"]) == 1


async def test_a_decision_follows_its_contact_through_an_unmerge(hub: Running) -> None:
    phone = an_event(id="c-5", at=START + MINUTE, phone="+15550100123", interaction="call-5", channel="voice")
    await hub.happen(phone)
    callers = ACME.profile("phone", "", "+15550100123")
    merged = await hub.decide("/v1/identity/merge", {"a": text_of(ANA), "b": text_of(callers), "reason": "the same"})
    conversation = await conversation_with(hub, "call-5")
    part_id = text_of(next(iter(await _anchors(hub, callers))))
    await hub.decide(f"/v1/conversations/{part_id}/notes", {"note": "about the call", "agent": BEN})
    assert (await conversation_with(hub, "call-5"))["id"] == conversation["id"]
    name = f"{merged['event']['source']}#{merged['event']['id']}"
    await hub.decide("/v1/identity/unmerge", {"decision": name, "reason": "not the same"})
    alone = await conversation_with(hub, "call-5", "phone:+15550100123")
    assert [note["text"] for note in alone["notes"]] == ["about the call"]
    assert all(not c["notes"] for c in (await hub.body("email:ana@example.com"))["conversations"])


async def _anchors(hub: Running, stream_id: bytes) -> list[bytes]:
    async with hub.store.reading() as tx:
        return [
            row[0]
            for row in await tx.fetch("SELECT part_id FROM parts WHERE stream_id = :stream_id", stream_id=stream_id)
        ]


async def test_a_query_on_a_decision_is_refused(tmp_path: Path) -> None:
    async with running_api(tmp_path) as hub:
        answer = await hub.client.post(
            f"/v1/conversations/{text_of(ANA)}/notes?x=1",
            json={},
            headers={"authorization": f"Bearer {KEYS['all']}"},
        )
        assert (answer.status_code, answer.json()["reason"]) == (400, "unknown-parameter")

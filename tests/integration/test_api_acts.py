"""Agents promise, assign, let rest and take back over HTTP, and whoever reads or follows sees it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.api import Running, running_api
from tests.integration.test_api_decisions import BEN, CALL, CHAT, OF_BOB, conversation_with, on_the_log

from cx_context_api.conversations.agent_actions import AGENT_ACTIONS

EVA = {"id": "agent-8", "name": "Eva"}


@pytest.fixture
async def hub(store_url: str, tmp_path: Path) -> AsyncIterator[Running]:
    async with running_api(tmp_path, store_url) as running:
        await running.happen(CHAT, CALL, OF_BOB)
        yield running


async def path_of(hub: Running, interaction: str = "chat-42", identifier: str = "email:ana@example.com") -> str:
    return f"/v1/conversations/{(await conversation_with(hub, interaction, identifier))['id']}"


def name_of(told: dict[str, Any]) -> str:
    return f"{told['event']['source']}#{told['event']['id']}"


async def test_a_promise_is_made_and_kept(hub: Running) -> None:
    path = await path_of(hub)
    told = await hub.decide(f"{path}/promise", {"text": "a refund", "due": "2026-11-22T18:00:00+01:00", "agent": BEN})
    promise = (await conversation_with(hub, "chat-42"))["promises"][0]
    assert (promise["text"], promise["due"], promise["kept"]) == ("a refund", "2026-11-22T17:00:00Z", None)
    await hub.decide(f"{path}/promise", {"of": name_of(promise), "kept": True, "agent": EVA})
    assert (await conversation_with(hub, "chat-42"))["promises"][0]["kept"] is True
    last = (await on_the_log(hub))[-1]
    assert last["data"]["promise"] == {"kept": True, "of": name_of(told)}
    entries = (await hub.get(f"/v1/customers/{told['customer']}/timeline?limit=2")).json()["items"]
    assert [entry["promise"]["of"] for entry in entries] == [name_of(told), None]
    assert entries[1]["text"] == "a refund"


async def test_a_conversation_is_assigned_rests_and_is_unassigned(hub: Running) -> None:
    path = await path_of(hub)
    await hub.decide(f"{path}/assign", {"to": EVA, "agent": BEN})
    await hub.decide(f"{path}/snooze", {"until": "2026-12-01T08:00:00Z", "agent": EVA})
    body = await hub.body("email:ana@example.com")
    assert body["conversations"][0]["assigned_to"] == EVA
    assert body["unresolved"][0]["assigned_to"] == EVA
    assert body["unresolved"][0]["snoozed_until"] == "2026-12-01T08:00:00Z"
    await hub.decide(f"{path}/unassign", {"agent": EVA})
    await hub.decide(f"{path}/snooze", {"until": None, "agent": EVA})
    conversation = (await hub.body("email:ana@example.com"))["conversations"][0]
    assert (conversation["assigned_to"], conversation["snoozed_until"]) == (None, None)


async def test_notes_topics_and_promises_are_taken_back(hub: Running) -> None:
    path = await path_of(hub)
    for act, body in (("notes", {"note": "for Bob"}), ("topic", {"topic": "parcel"}), ("promise", {"text": "a gift"})):
        told = await hub.decide(f"{path}/{act}", {**body, "agent": BEN})
        await hub.decide(f"{path}/undo", {"event": name_of(told), "agent": BEN}, idempotency_key=f"undo-{act}")
        again = await hub.decide(f"{path}/undo", {"event": name_of(told), "agent": BEN}, idempotency_key=f"undo-{act}")
        assert again["event"]["id"] == f"undo-{act}"
    conversation = await conversation_with(hub, "chat-42")
    assert (conversation["notes"], conversation["topic"], conversation["promises"]) == ([], None, [])


async def test_an_act_is_undone_though_its_contact_leaves(hub: Running) -> None:
    path = await path_of(hub, "call-1")
    call = next(j for j in (await conversation_with(hub, "call-1"))["joined"] if j["interaction"] == "call-1")
    assert call["rule"] != "first"
    note = await hub.decide(f"{path}/notes", {"note": "oops", "agent": BEN})
    await hub.decide(f"{path}/undo", {"event": name_of(note), "agent": BEN})
    await hub.decide(f"{path}/split", {"interaction": "call-1", "agent": BEN})
    for interaction in ("chat-42", "call-1"):
        assert (await conversation_with(hub, interaction))["notes"] == []


@pytest.mark.parametrize(
    ("act", "body", "status", "reason"),
    [
        ("promise", {}, 422, "bad-body"),
        ("promise", {"text": "a", "of": "a#b"}, 422, "bad-body"),
        ("promise", {"of": "a#b", "due": "2026-11-22T18:00:00Z"}, 422, "bad-body"),
        ("promise", {"text": "a", "due": "tomorrow 5 o'clock"}, 422, "bad-time"),
        ("promise", {"of": "//acme.example/chat#none", "kept": True}, 404, "unknown-act"),
        ("promise", {"of": "//acme.example/chat#m-1", "kept": True}, 422, "wrong-act"),
        ("undo", {"event": "//acme.example/chat#m-1"}, 422, "wrong-act"),
        ("undo", {"event": "//acme.example/chat#b-1"}, 404, "unknown-act"),
        ("undo", {"event": "abc"}, 400, "bad-event-name"),
        ("snooze", {}, 422, "bad-body"),
        ("snooze", {"until": "2026-11-22T18:00:00"}, 422, "bad-time"),
        ("assign", {"to": {"name": "Eva"}}, 422, "bad-body"),
    ],
)
async def test_what_can_t_be_done_says_why(
    hub: Running, act: str, body: dict[str, Any], status: int, reason: str
) -> None:
    answer = await hub.post(f"{await path_of(hub)}/{act}", {**body, "agent": BEN})
    assert (answer.status_code, answer.json()["reason"]) == (status, reason)


async def test_acts_need_the_scope_of_conversations(hub: Running) -> None:
    path = await path_of(hub)
    for act in ("promise", "assign", "unassign", "snooze", "undo"):
        assert act in AGENT_ACTIONS
        assert (await hub.post(f"{path}/{act}", {"agent": BEN}, key="reader")).status_code == 403
        assert (await hub.post(f"{path}/{act}", {"agent": BEN}, key="desk")).status_code in (202, 422)

"""Lists over all customers, and what agents and queues hold."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.api import Running, running_api

from cx_events.ids import text_of
from cx_events.stamp import StampedEvent
from cx_events.testing.builders import ACME, HOUR, MINUTE, START, an_event

pytestmark = pytest.mark.clock

ANA, BEN = (ACME.profile("email", "", f"{name}@example.com") for name in ("ana", "ben"))


def asked(name: str, number: int, text: str, **more: Any) -> StampedEvent:
    """A customer's message in a chat of its own, an hour after the one before."""
    return an_event(
        id=f"{name}-{number}", email=f"{name}@example.com", name=name.title(), interaction=f"chat-{name}-{number}",
        text=text, at=START + number * HOUR, **more,
    )  # fmt: skip


def queued(name: str, number: int, queue: str) -> StampedEvent:
    return an_event(
        "cx.interaction.queued.v1", id=f"q-{name}-{number}", email=f"{name}@example.com",
        interaction=f"chat-{name}-{number}", at=START + number * HOUR + MINUTE,
        data={"queue": {"id": queue, "name": queue.title()}},
    )  # fmt: skip


def answered(name: str, number: int, agent: str) -> StampedEvent:
    return an_event(
        "cx.interaction.answered.v1", id=f"a-{name}-{number}", interaction=f"chat-{name}-{number}",
        at=START + number * HOUR + 2 * MINUTE,
        data={
            "direction": "outbound",
            "agent": {"id": agent, "name": agent.title()},
            "participants": [
                {"role": "agent", "id": agent},
                {"role": "customer", "identifiers": [{"kind": "email", "value": f"{name}@example.com"}]},
            ],
        },
    )  # fmt: skip


def resolved(name: str, number: int) -> StampedEvent:
    return an_event(
        "cx.conversation.resolved.v1", id=f"r-{name}-{number}", email=f"{name}@example.com",
        interaction=f"chat-{name}-{number}", at=START + number * HOUR + 3 * MINUTE, data={"reason": "done"},
    )  # fmt: skip


def felt(name: str, number: int, score: float) -> StampedEvent:
    return an_event(
        "cx.insight.found.v1", id=f"i-{name}-{number}", email=f"{name}@example.com",
        interaction=f"chat-{name}-{number}", at=START + number * HOUR + MINUTE,
        data={
            "insight": {"sentiment": score, "producer": "model", "version": "1"},
            "references": [{"kind": "message", "value": f"{name}-{number}"}],
        },
    )  # fmt: skip


HISTORY = (
    asked("ana", 1, "I was charged twice"),
    queued("ana", 1, "billing"),
    asked("ben", 2, "where is my parcel"),
    felt("ben", 2, -0.6),
    queued("ben", 2, "shipping"),
    answered("ben", 2, "eva"),
    asked("cleo", 3, "thanks"),
    resolved("cleo", 3),
    asked("dora", 4, "hello", channel="sms"),
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    async with running_api(tmp_path_factory.mktemp("lists")) as hub:
        await hub.listed(*HISTORY)
        yield hub


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["dora", "cleo", "ben", "ana"]),
        ("?order=opened", ["dora", "cleo", "ben", "ana"]),
        ("?order=waiting", ["ana", "dora"]),
        ("?state=open", ["dora", "ben", "ana"]),
        ("?state=resolved", ["cleo"]),
        ("?waiting=true", ["dora", "ana"]),
        ("?waiting=false", ["cleo", "ben"]),
        ("?queue=billing", ["ana"]),
        ("?queue=shipping", ["ben"]),
        ("?agent=eva", ["ben"]),
        ("?channel=sms", ["dora"]),
        ("?channel=chat&state=open&order=opened", ["ben", "ana"]),
        ("?channel=chat&queue=billing&waiting=true&order=waiting", ["ana"]),
        ("?agent=eva&queue=billing", []),
        ("?state=resolved&order=waiting", []),
        ("?queue=nobody%25", []),
    ],
)
async def test_conversations_are_listed_by_filter_and_order(hub: Running, query: str, found: list[str]) -> None:
    answer = await hub.get(f"/v1/conversations{query}", "reader")
    assert answer.status_code == 200, answer.text
    assert [each["display"].lower() for each in answer.json()["items"]] == found
    assert answer.json()["next"] is None
    one_by_one, cursor = [], ""
    for _ in range(len(found) + 1):
        page = (await hub.get(f"/v1/conversations{query}{'&' if query else '?'}limit=1{cursor}")).json()
        one_by_one += [each["display"].lower() for each in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert one_by_one == found


@pytest.mark.asyncio(loop_scope="module")
async def test_a_row_tells_what_a_desk_shows(hub: Running) -> None:
    (row,) = (await hub.get("/v1/conversations?queue=billing")).json()["items"]
    body = await hub.body("email:ana@example.com")
    (conversation,) = body["conversations"]
    assert row == {
        "id": conversation["id"],
        "customer": text_of(ANA),
        "display": "Ana",
        "state": "open",
        "topic": None,
        "interaction": "chat-ana-1",
        "channels": ["chat"],
        "contacts": 1,
        "opened_at": conversation["opened_at"],
        "last_at": conversation["last_at"],
        "waiting_since": conversation["waiting_since"],
        "due_at": None,
        "agent": None,
        "queue": {"id": "billing", "name": "Billing"},
        "held_by": [{"kind": "queue", "id": "billing", "name": "Billing", "since": "2026-11-22T11:01:00Z"}],
        "line": {
            "time": "2026-11-22T11:00:00Z", "role": "customer", "name": "Ana", "text": "I was charged twice",
        },
        "sentiment": None,
    }  # fmt: skip


@pytest.mark.asyncio(loop_scope="module")
async def test_a_row_tells_the_mood_of_its_conversation(hub: Running) -> None:
    rows = (await hub.get("/v1/conversations")).json()["items"]
    moods = {each["display"]: each["sentiment"] for each in rows}
    assert moods == {"Ana": None, "Ben": {"current": -0.6, "trend": "steady"}, "Cleo": None, "Dora": None}


@pytest.mark.asyncio(loop_scope="module")
async def test_queues_and_agents_tell_what_they_hold(hub: Running) -> None:
    queues = (await hub.get("/v1/queues")).json()
    assert queues["items"] == [
        {
            "id": "billing", "name": "Billing", "queued": 1, "queued_since": "2026-11-22T11:01:00Z",
            "waiting": 1, "waiting_since": "2026-11-22T11:00:00Z",
            "answer_within": None, "overdue": 0, "overdue_since": None,
        }
    ]  # fmt: skip
    assert queues["meta"]["complete"] is True
    (agent,) = (await hub.get("/v1/agents")).json()["items"]
    assert (agent["id"], agent["name"], agent["held"], agent["waiting"]) == ("eva", "Eva", 1, 0)
    assert [each["customer"] for each in agent["conversations"]] == [text_of(BEN)]


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/v1/conversations?order=name", "bad-query"),
        ("/v1/conversations?state=shut", "bad-query"),
        ("/v1/conversations?waiting=maybe", "bad-query"),
        ("/v1/conversations?agent=", "bad-query"),
        (f"/v1/conversations?queue={'q' * 201}", "bad-query"),
        ("/v1/conversations?queue=%00", "bad-query"),
        ("/v1/conversations?cursor=x", "bad-cursor"),
        ("/v1/conversations?limit=0", "bad-limit"),
        ("/v1/conversations?colour=red", "unknown-parameter"),
        ("/v1/queues?limit=1", "unknown-parameter"),
    ],
)
async def test_a_bad_request_for_a_list_is_told(hub: Running, path: str, reason: str) -> None:
    answer = await hub.get(path)
    assert (answer.status_code, answer.json()["reason"]) == (400, reason)


@pytest.mark.asyncio(loop_scope="module")
async def test_a_cursor_of_another_filter_is_refused(hub: Running) -> None:
    page = (await hub.get("/v1/conversations?limit=1")).json()
    answer = await hub.get(f"/v1/conversations?limit=1&state=open&cursor={page['next']}")
    assert answer.json()["reason"] == "bad-cursor"


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("path", ["/v1/conversations", "/v1/queues", "/v1/agents", "/v1/search?q=ana"])
async def test_lists_are_of_one_tenant_and_scope(hub: Running, path: str) -> None:
    assert (await hub.get(path, "other")).json()["items"] == []
    assert (await hub.get(path, "desk")).json()["reason"] == "missing-scope"
    assert (await hub.get(path, "bot")).json()["reason"] == "not-assured"


async def test_lists_follow_a_merge_and_its_withdrawal(tmp_path: Path) -> None:
    async with running_api(tmp_path) as hub:
        await hub.listed(*HISTORY[:5])
        both = {"a": text_of(ANA), "b": text_of(BEN), "reason": "one person"}
        decided = await hub.decide("/v1/identity/merge", both)
        await hub.listed()
        items = (await hub.get("/v1/conversations")).json()["items"]
        assert {each["customer"] for each in items} == {text_of(ANA)}
        assert sum(each["contacts"] for each in items) == 2
        name = decided["event"]
        await hub.decide("/v1/identity/unmerge", {"decision": f"{name['source']}#{name['id']}", "reason": "two people"})
        await hub.listed()
        items = (await hub.get("/v1/conversations")).json()["items"]
        assert [each["customer"] for each in items] == [text_of(BEN), text_of(ANA)]


async def test_what_waits_is_told_as_freshness(tmp_path: Path) -> None:
    async with running_api(tmp_path) as hub:
        answer = (await hub.get("/v1/conversations")).json()
        assert answer["meta"] == {"current_to": None, "complete": False}
        await hub.happen(*HISTORY)
        late = (await hub.get("/v1/conversations")).json()
        assert (late["items"], late["meta"]["complete"]) == ([], False)
        await hub.listed()
        now = (await hub.get("/v1/conversations")).json()
        assert (len(now["items"]), now["meta"]["complete"]) == (4, True)
        assert now["meta"]["current_to"] >= late["meta"]["current_to"]

"""Search for customers and for what was said, on both stores."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from tests.api import Running, running_api

from cx_events.ids import text_of
from cx_events.stamp import StampedEvent
from cx_events.testing.builders import ACME, HOUR, START, an_event

pytestmark = pytest.mark.clock

ANA, BEN = (ACME.profile("email", "", f"{name}@example.com") for name in ("ana", "ben"))
ORDER = {"references": [{"kind": "order", "value": "AB-4711"}]}


def said(id: str, text: str, name: str = "ana", hours: int = 0, **more: Any) -> StampedEvent:
    return an_event(
        id=id, email=f"{name}@example.com", interaction=f"chat-{name}", text=text, at=START + hours * HOUR, **more
    )


def changed(what: str, id: str, of: str, text: str = "", hours: int = 0) -> StampedEvent:
    """An edit or a deletion of one of Ana's messages."""
    return an_event(
        f"cx.message.{what}.v1", id=id, email="ana@example.com", interaction="chat-ana", at=START + hours * HOUR,
        data={"message": {"id": of, "text": text}},
    )  # fmt: skip


HISTORY = (
    said("m-1", "I was charged twice for my order", name="ana", data=ORDER),
    an_event(id="c-1", email="ana@example.com", phone="+15550100123", name="Ana García", interaction="chat-ana",
             at=START + HOUR, text="please refund the SECOND charge"),
    said("m-2", "the parcel never came, refund me", name="ben", hours=2),
    said("m-3", "東京タワーへの荷物", name="ben", hours=3),
)  # fmt: skip


@pytest.fixture
async def hub(tmp_path: Path, store_url: str) -> AsyncIterator[Running]:
    async with running_api(tmp_path, store_url) as hub:
        yield hub


async def found(hub: Running, q: str, within: str = "messages", **more: Any) -> list[dict[str, Any]]:
    answer = await hub.post("/v1/search", {"q": q, "in": within, **more}, "reader")
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def ids(hub: Running, q: str) -> list[str]:
    return [each["event"]["id"] for each in await found(hub, q)]


async def customers(hub: Running, q: str) -> list[str]:
    return [each["customer"] for each in await found(hub, q, "customers")]


async def test_words_are_found_newest_first(hub: Running) -> None:
    await hub.listed(*HISTORY)
    assert await ids(hub, "refund") == ["m-2", "c-1"]
    assert await ids(hub, "charg") == ["c-1", "m-1"]
    assert await ids(hub, "charge") == ["c-1", "m-1"]
    assert await ids(hub, "second CHARGE") == ["c-1"]
    assert await ids(hub, "second parcel") == []
    assert await ids(hub, "charge second") == ["c-1"]
    assert await ids(hub, "タワー") == ["m-3"]
    assert await ids(hub, "nowhere") == []
    (hit,) = await found(hub, "twice")
    assert hit == {
        "customer": text_of(ANA), "event": {"source": "//acme.example/chat", "id": "m-1"},
        "type": "cx.message.received.v1", "time": "2026-11-22T10:00:00Z", "channel": "chat",
        "interaction": "chat-ana", "direction": "inbound", "role": "customer", "name": None,
        "text": "I was charged twice for my order", "ranges": [[14, 19]], "cut": False, "edited": False,
    }  # fmt: skip


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
async def test_edits_and_deletions_count_in_any_order(hub: Running, order: tuple[int, ...]) -> None:
    events = [said("m-1", "my card is 4711"), changed("edited", "e-1", "m-1", "my card is gone", 1)]
    events.append(changed("deleted", "d-1", "m-1", hours=2))
    for place in order[:-1]:
        await hub.listed(events[place])
    if set(order[:-1]) == {0, 1}:
        assert await ids(hub, "4711") == []
        (hit,) = await found(hub, "gone")
        assert (hit["event"]["id"], hit["text"], hit["edited"]) == ("m-1", "my card is gone", True)
    await hub.listed(events[order[-1]])
    assert await ids(hub, "card") == []


async def test_customers_are_found_by_name_number_address_order(hub: Running) -> None:
    await hub.listed(*HISTORY)
    for q in ("garcia", "GARCÍA ana", "555 0100", "00123", "ana@example.com", "ana@ex", "ab-4711", "4711"):
        assert await customers(hub, q) == [text_of(ANA)], q
    assert await customers(hub, "example") == sorted([text_of(ANA), text_of(BEN)])
    assert await customers(hub, "garcia ben") == []
    (hit,) = await found(hub, "garc", "customers")
    assert (hit["display"], hit["display_weight"], hit["open"]) == ("Ana García", "claimed", 1)
    assert hit["matches"] == [{"kind": "name", "value": "Ana García", "ranges": [[4, 8]]}]


async def test_results_name_todays_customer(hub: Running) -> None:
    await hub.listed(*HISTORY)
    decided = await hub.decide("/v1/identity/merge", {"a": text_of(ANA), "b": text_of(BEN), "reason": "one person"})
    # What was said is found at today's customer before any list is written again.
    assert {each["customer"] for each in await found(hub, "refund")} == {text_of(ANA)}
    await hub.listed()
    assert await customers(hub, "ben@example.com") == [text_of(ANA)]
    name = decided["event"]
    await hub.decide("/v1/identity/unmerge", {"decision": f"{name['source']}#{name['id']}", "reason": "two people"})
    await hub.listed()
    assert await customers(hub, "ben@example.com") == [text_of(BEN)]
    assert [each["customer"] for each in await found(hub, "refund")] == [text_of(BEN), text_of(ANA)]


@pytest.mark.parametrize(("within", "q"), [("messages", "hello"), ("messages", "hello wor"), ("customers", "example")])
async def test_pages_hold_everything_once(hub: Running, within: str, q: str) -> None:
    names = [f"c{number}" for number in range(7)]
    await hub.listed(*(said(f"m-{name}", "hello world", name) for name in names))
    seen: list[str] = []
    cursor = None
    for _ in range(len(names) + 1):
        body = {"q": q, "in": within, "limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await hub.post("/v1/search", body)).json()
        seen += [each["customer"] for each in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert cursor is None
    assert sorted(seen) == sorted(text_of(ACME.profile("email", "", f"{name}@example.com")) for name in names)


HOSTILE = [
    "'", '"', "''; DROP TABLE said; --", "%", "_", "100%_", "*", "te*", "a AND b OR NOT c NEAR d", "NEAR(a b, 2)",
    '"unclosed', "(", ")", ":*", "a & b | !c <-> d", "\\", "a\\", "\\x00", "{}", "[a-z]+", "$1 :name ?", "^x", "col:x",
    "é" * 500, "x" * 512, "a " * 250, "\u202e\u2066abc", "😀",
    "\x01\x02\x1f\x7f", "a\tb\nc", "\u0000", "\ufeff", "\U000e0001", "ﷺ" * 60, "İ", "ß" * 100, "水" * 200,
    "\u0301" * 200,
]  # fmt: skip


async def test_no_query_is_a_fault_of_the_hub(hub: Running) -> None:
    await hub.listed(*HISTORY)
    for q in HOSTILE:
        for within in ("messages", "customers"):
            posted = await hub.post("/v1/search", {"q": q, "in": within})
            asked = await hub.get(f"/v1/search?q={quote(q)}&in={within}")
            assert {posted.status_code, asked.status_code} <= {200, 400}, (q, posted.text, asked.text)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/v1/search", "bad-query"),
        ("/v1/search?q=%25%20-", "no-words"),
        ("/v1/search?q=a&in=events", "bad-query"),
        (f"/v1/search?q={'a' * 513}", "bad-query"),
        ("/v1/search?q=a&cursor=x", "bad-cursor"),
        ("/v1/search?q=a&in=messages&limit=201", "bad-limit"),
        ("/v1/search?q=a&tenant=other", "unknown-parameter"),
    ],
)
async def test_a_bad_search_is_told(tmp_path: Path, path: str, reason: str) -> None:
    async with running_api(tmp_path) as hub:
        answer = await hub.get(path)
        assert (answer.status_code, answer.json()["reason"]) == (400, reason)


async def test_a_search_is_within_its_tenant(hub: Running) -> None:
    await hub.listed(*HISTORY)
    for within in ("messages", "customers"):
        for q in ("refund", "example"):
            assert (await hub.get(f"/v1/search?q={q}&in={within}", "other")).json()["items"] == []

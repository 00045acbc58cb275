"""Histories as of a moment, what changed between two, and why a value is as it is, over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from tests.api import Running, names, running_api

from cx_events.ids import text_of
from cx_events.stamp import StampedEvent
from cx_events.testing.builders import ACME, SECOND, START, a_decision, an_event, fact_of
from cx_events.timestamps import format_time

ANA = ACME.profile("email", "", "ana@example.com")
BEN = ACME.profile("email", "", "ben@example.com")
ID = text_of(ANA)
MINUTE = 60 * SECOND


def at(minutes: float) -> str:
    return format_time(START + int(minutes * MINUTE))


def story() -> list[StampedEvent]:
    """Ana writes at once, a topic is set after 10 minutes and again after 20, Ben is merged into her after 30; a
    message of the fifth minute is told after 40."""
    hello = an_event(id="m-1", at=START, email="ana@example.com", interaction="chat-1", text="Hello")
    chat = fact_of(hello).part_id

    def topic(id: str, minutes: int, words: str) -> StampedEvent:
        data = {"interaction": "chat-1", "channel": "chat", "conversation": {"id": text_of(chat)}, "topic": words}
        when = START + minutes * MINUTE
        return a_decision("cx.conversation.topic.v1", id=id, about=ANA, at=when, recorded=when, data=data)

    return [
        hello,
        an_event(id="b-1", at=START + MINUTE, email="ben@example.com", interaction="chat-2", text="Ben here"),
        topic("t-1", 10, "bill"),
        topic("t-2", 20, "refund"),
        a_decision(
            "cx.identity.merged.v1",
            id="d-1",
            about=ACME.tenant_node(),
            at=START + 30 * MINUTE,
            data={"identity": {"a": text_of(ANA), "b": text_of(BEN)}},
        ),
        an_event(
            id="m-2",
            at=START + 5 * MINUTE,
            recorded=START + 40 * MINUTE,
            email="ana@example.com",
            interaction="chat-1",
            text="Are you there?",
        ),
    ]


@pytest.fixture
async def hub(tmp_path: Path, store_url: str) -> AsyncIterator[Running]:
    async with running_api(tmp_path, store_url) as running:
        await running.happen(*story())
        yield running


async def read(hub: Running, path: str) -> Any:
    answer = await hub.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_every_history_is_read_as_of_a_moment(hub: Running) -> None:
    base = f"/v1/customers/{ID}"
    assert names((await read(hub, f"{base}/timeline?as_of={at(15)}"))["items"]) == ["t-1", "m-2", "m-1"]
    assert names((await read(hub, f"{base}/timeline?known_at={at(15)}"))["items"]) == ["t-1", "m-1"]
    assert names((await read(hub, f"{base}/timeline?as_of={at(4)}&known_at={at(60)}"))["items"]) == ["m-1"]
    pages = await read(hub, f"{base}/timeline?as_of={at(15)}&limit=2")
    rest = await read(hub, f"{base}/timeline?as_of={at(15)}&limit=2&cursor={pages['next']}")
    assert (names(pages["items"]), names(rest["items"]), rest["next"]) == (["t-1", "m-2"], ["m-1"], None)
    assert pages["meta"] == {"version": None, "current_to": None, "as_of": at(15), "known_at": None}

    threads = await read(hub, f"{base}/conversations?as_of={at(15)}")
    assert [each["topic"] for each in threads["items"]] == ["bill"]
    thread = threads["items"][0]["id"]
    assert (await read(hub, f"/v1/conversations/{thread}?as_of={at(15)}"))["conversation"]["topic"] == "bill"
    assert names((await read(hub, f"/v1/conversations/{thread}?known_at={at(15)}"))["items"]) == ["t-1", "m-1"]
    assert (await hub.get(f"/v1/conversations/{thread}?as_of={at(-1)}")).status_code == 404

    def profiles(told: Any) -> set[str]:
        return {each["profile"] for each in told["profiles"]}

    assert profiles(await read(hub, f"{base}/identity?as_of={at(29)}")) == {ID}
    assert profiles(await read(hub, f"{base}/identity?as_of={at(30)}")) == {ID, text_of(BEN)}
    # An id is read as that profile at that instant.
    assert (await read(hub, f"/v1/customers/{text_of(BEN)}/context?as_of={at(29)}"))["body"]["customer"]["id"] != ID
    assert (await read(hub, f"/v1/customers/{text_of(BEN)}/context?as_of={at(31)}"))["body"]["customer"]["id"] == ID


async def test_the_latest_past_identity_equals_todays(hub: Running) -> None:
    today = await read(hub, f"/v1/customers/{ID}/identity")
    then = await read(hub, f"/v1/customers/{ID}/identity?as_of={at(60)}")
    assert {**then, "meta": None} == {**today, "meta": None}
    context = await read(hub, f"/v1/customers/{ID}/context")
    assert (await read(hub, f"/v1/customers/{ID}/context?known_at={at(60)}"))["body"] == context["body"]


@pytest.mark.parametrize(
    ("query", "status", "reason"),
    [
        ("as_of=yesterday", 400, "bad-time"),
        ("as_of=", 400, "bad-time"),
        ("as_of=2999-01-01T00:00:00Z", 400, "future-moment"),
        ("known_at=2999-01-01T00:00:00Z", 400, "future-moment"),
        ("as_of=2026-11-21T00:00:00Z", 404, "unknown-customer"),
        ("as_of=0001-01-01T00:00:00Z", 404, "unknown-customer"),
        ("as_of=2026-11-22T10:00:00Z&as_of=2026-11-22T10:00:00Z", 400, "bad-query"),
    ],
)
async def test_an_invalid_moment_is_refused_everywhere(hub: Running, query: str, status: int, reason: str) -> None:
    for place in ("context", "timeline", "conversations", "identity"):
        answer = await hub.get(f"/v1/customers/{ID}/{place}?{query}")
        assert (answer.status_code, answer.json()["reason"]) == (status, reason), place
    answer = await hub.get(f"/v1/customers/{ID}/lineage?path=/counts&{query}")
    assert (answer.status_code, answer.json()["reason"]) == (status, reason)


async def test_a_lineage_names_the_events_behind_a_value(hub: Running) -> None:
    body = (await read(hub, f"/v1/customers/{ID}/context"))["body"]
    conversation = next(each for each in body["conversations"] if each["topic"] == "refund")

    async def lineage(path: str, more: str = "") -> Any:
        return await read(hub, f"/v1/customers/{ID}/lineage?path={quote(path, safe='/')}{more}")

    topic = await lineage(f"/conversations/{conversation['id']}/topic")
    assert topic["value"] == "refund"
    assert topic["rule"] == "the topic that was said last and that nobody took back"
    assert topic["customer"] == ID
    assert topic["sources"] == [
        {"event": {"source": "//throughline/acme/decisions", "id": "t-2"}, "type": "cx.conversation.topic.v1",
         "time": at(20)},
        {"event": {"source": "//acme.example/chat", "id": "m-1"}, "type": "cx.message.received.v1", "time": at(0),
         "why": "the conversation's id comes from it"},
    ]  # fmt: skip
    assert names((await lineage(f"/conversations/{conversation['id']}/topic", f"&as_of={at(15)}"))["sources"]) == [
        "t-1"
    ]
    alias = next(iter(conversation["aliases"]), conversation["id"])
    assert (await lineage(f"/conversations/{alias}/topic"))["path"] == f"/conversations/{conversation['id']}/topic"

    counts = await lineage("/counts/messages", "&limit=2")
    assert counts["value"] == 3
    rest = await lineage("/counts/messages", f"&limit=2&cursor={counts['next']}")
    assert (names(counts["sources"]), names(rest["sources"]), rest["next"]) == (["m-2", "b-1"], ["m-1"], None)

    entry = body["timeline"][-1]["event"]
    name = f"{entry['source']}#{entry['id']}".replace("/", "~1")
    assert names((await lineage(f"/timeline/{name}/text"))["sources"]) == [entry["id"]]

    joined = await lineage(f"/customer/identifiers/{text_of(BEN)}/joined")
    assert {source["event"]["id"]: source["why"] for source in joined["sources"]} == {
        "d-1": "joined by person", "b-1": "the first event that named it"
    }  # fmt: skip
    assert names((await lineage("/customer/id"))["sources"]) == ["m-1"]


@pytest.mark.parametrize(
    ("query", "status", "reason", "said"),
    [
        ("", 400, "bad-path", "JSON Pointer"),
        ("path=counts", 400, "bad-path", "JSON Pointer"),
        ("path=/~7", 400, "bad-path", "JSON Pointer"),
        ("path=/counts/evnts/x", 404, "unknown-path", "the deepest existing path is /counts"),
        ("path=/nothing", 404, "unknown-path", "the deepest existing path is the whole document"),
        ("path=/conversations/99/topic", 404, "unknown-path", "the deepest existing path is /conversations"),
        ("path=/counts&cursor=x", 400, "bad-cursor", "cursor"),
        ("path=/counts&limit=0", 400, "bad-limit", "limit"),
        ("path=/counts&other=1", 400, "unknown-parameter", "other"),
    ],
)
async def test_an_unknown_path_names_its_deepest_existing_part(
    hub: Running, query: str, status: int, reason: str, said: str
) -> None:
    answer = await hub.get(f"/v1/customers/{ID}/lineage?{query}")
    assert (answer.status_code, answer.json()["reason"]) == (status, reason)
    assert said in answer.json()["detail"]


async def test_a_lineage_over_too_many_events_is_refused(tmp_path: Path) -> None:
    async with running_api(tmp_path, max_events=2) as hub:
        await hub.happen(*story())
        answer = await hub.get(f"/v1/customers/{ID}/lineage?path=/counts")
        assert (answer.status_code, answer.json()["reason"]) == (422, "history-too-long")
        body = (await read(hub, f"/v1/customers/{ID}/context"))["body"]["timeline"][0]["event"]
        name = quote(f"{body['source']}#{body['id']}".replace("/", "~1"))
        assert names((await read(hub, f"/v1/customers/{ID}/lineage?path=/timeline/{name}"))["sources"]) == [body["id"]]


async def test_a_diff_tells_what_changed_and_by_which_events(hub: Running) -> None:
    async def diff(one: float, other: float, more: str = "") -> Any:
        return await read(hub, f"/v1/customers/{ID}/diff?from={at(one)}&to={at(other)}{more}")

    nothing = await diff(2, 3)
    assert (nothing["changes"], nothing["events"], nothing["cut"]) == ([], [], False)

    topics = await diff(15, 25)
    assert names(topics["events"]) == ["t-2"]
    told = {change["path"]: change for change in topics["changes"]}
    topic = next(
        change for path, change in told.items() if path.endswith("/topic") and path.startswith("/conversations")
    )
    assert (topic["from"], topic["to"], names(topic["events"])) == ("bill", "refund", ["t-2"])

    merge = await diff(25, 35)
    told = {change["path"]: change for change in merge["changes"]}
    assert names(merge["events"]) == ["d-1"]
    ben = told[f"/customer/identifiers/{text_of(BEN)}"]
    assert "from" not in ben
    assert names(ben["events"]) == ["d-1"]
    assert (told["/counts/messages"]["from"], told["/counts/messages"]["to"]) == (2, 3)
    assert names(told["/counts/messages"]["events"]) == ["d-1"]

    came = {change["path"]: change for change in (await diff(0.5, 35))["changes"]}
    for path in (f"/customer/identifiers/{text_of(BEN)}", f"/customer/aliases/{text_of(BEN)}"):
        assert names(came[path]["events"]) == ["d-1", "b-1"], "who was not yet there came with both"

    late = await diff(35, 45, "&by=known_at")
    assert names(late["events"]) == ["m-2"]
    assert late["from"]["known_at"] == at(35)
    counted = next(change for change in late["changes"] if change["path"] == "/counts/messages")
    assert (counted["from"], counted["to"], names(counted["events"])) == (2, 3, ["m-2"])
    assert (await diff(35, 45))["changes"] == []


@pytest.mark.parametrize(
    ("query", "status", "reason"),
    [
        ("from=2026-11-22T10:00:00Z", 400, "bad-query"),
        ("from=2026-11-22T10:00:00Z&to=now", 400, "bad-time"),
        ("from=2026-11-22T10:00:00Z&to=2999-01-01T00:00:00Z", 400, "future-moment"),
        ("from=2026-11-23T10:00:00Z&to=2026-11-22T10:00:00Z", 400, "bad-query"),
        ("from=2026-11-22T10:00:00Z&to=2026-11-22T10:00:00Z&by=version", 400, "bad-query"),
        ("from=2026-11-01T10:00:00Z&to=2026-11-22T11:00:00Z", 404, "unknown-customer"),
    ],
)
async def test_a_diff_of_no_span_is_refused(hub: Running, query: str, status: int, reason: str) -> None:
    answer = await hub.get(f"/v1/customers/{ID}/diff?{query}")
    assert (answer.status_code, answer.json()["reason"]) == (status, reason)


async def test_another_tenants_customer_has_no_past_here(hub: Running) -> None:
    for place in (f"context?as_of={at(60)}", "lineage?path=/counts", f"diff?from={at(1)}&to={at(2)}"):
        assert (await hub.get(f"/v1/customers/{ID}/{place}", "other")).status_code == 404

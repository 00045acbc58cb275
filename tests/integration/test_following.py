"""Following over HTTP: the latest state, never an older one, whatever is lost, merged, restarted or slow."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.api import KEYS, Running, running_api, tenants
from tests.patience import PATIENCE
from tests.sse import Stream, following
from tests.stores import sqlite_store

from cx_context_api.following import customers, streams
from cx_context_api.following.resume_token import ResumePoint, decode_resume_point, decode_target, encode_resume_point
from cx_context_api.requests.targets import ById
from cx_events.ids import text_of
from cx_events.testing.builders import ACME, HOUR, SECOND, START, a_decision, an_event
from cx_runtime.rates import Rate
from cx_runtime.tenant_rates import Rates

ANA, BOB = (ACME.profile("email", "", f"{name}@example.com") for name in ("ana", "bob"))
MERGED = {"agent": {"id": "eve"}, "reason": "same person", "identity": {"a": text_of(ANA), "b": text_of(BOB)}}
ROUTED = {"interaction": "chat-ana", "agent": {"id": "ben", "name": "Ben"}}
NO_HEARTBEAT = 60.0


def said(number: int, who: str = "ana", text: str = "") -> Any:
    return an_event(
        id=f"{who}-{number}",
        email=f"{who}@example.com",
        interaction=f"chat-{who}",
        text=text or f"word {number}",
        at=START + number * SECOND,
    )


@pytest.fixture
async def hub(tmp_path: Path, store_url: str) -> AsyncIterator[Running]:
    """Ana and Bob have said something. There is no heartbeat within a test: what is told was hinted at."""
    async with running_api(tmp_path, store_url, heartbeat=NO_HEARTBEAT) as hub:
        await hub.happen(said(1), said(1, "bob"))
        yield hub


def stream(hub: Running, path: str, last_id: str = "", key: str = "reader") -> AbstractAsyncContextManager[Stream]:
    return following(hub.url, path, KEYS[key], last_id)


def ana(query: str = "") -> str:
    return f"/v1/customers/{text_of(ANA)}/stream{query}"


async def listening(hub: Running) -> None:
    """Once the process hears hints."""
    async with asyncio.timeout(PATIENCE):
        while not hub.api.subscriptions.wanted.is_set():
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.2)


async def test_a_stream_without_news_begins_with_a_heartbeat(hub: Running) -> None:
    async with stream(hub, ana()) as follower:
        last = await follower.next()
    async with stream(hub, ana(), last.id) as follower:
        told = await follower.next("heartbeat")
        assert (follower.comments, follower.retry, follower.last_id) == (1, 0, "")
        assert told.data["now"] >= told.data["current_to"]
        await listening(hub)
        await hub.noticed(said(2))
        await follower.next()
        assert follower.retry > 0


async def test_a_follower_gets_the_state_then_newer_ones(hub: Running) -> None:
    async with stream(hub, ana()) as follower:
        assert follower.headers["content-type"].startswith("text/event-stream")
        assert follower.headers["cache-control"] == "no-store"
        first = await follower.next()
        assert (first.name, first.data) == ("context", (await hub.get(f"/v1/customers/{text_of(ANA)}/context")).json())
        assert follower.retry > 0
        await listening(hub)
        await hub.noticed(said(2))
        second = await follower.next()
        assert second.version > first.version
        assert second.data["body"]["counts"]["messages"] == 2


async def test_a_follower_never_hears_of_another_customer(hub: Running) -> None:
    async with stream(hub, ana()) as follower:
        await follower.next()
        await listening(hub)
        await hub.noticed(said(2, "bob"))
        assert await follower.silence(0.5) == []


async def test_following_after_reading_leaves_no_gap(hub: Running) -> None:
    version = (await hub.get(f"/v1/customers/{text_of(ANA)}/context")).json()["meta"]["version"]
    async with stream(hub, ana(f"?from={version}")) as follower:
        assert (await follower.next()).version == version
    await hub.happen(said(2))
    async with stream(hub, ana(f"?from={version}")) as follower:
        assert (await follower.next()).version > version


async def test_a_resumed_follower_gets_only_newer_states(hub: Running) -> None:
    async with stream(hub, ana()) as follower:
        last = (await follower.next()).id
    async with stream(hub, ana("?from=1"), last) as follower:
        assert await follower.silence(0.3) == []
    await hub.happen(said(2), said(3))
    async with stream(hub, ana(), last) as follower:
        assert (await follower.next()).data["body"]["counts"]["messages"] == 3
        assert await follower.silence(0.3) == []


@pytest.mark.parametrize(
    ("query", "status", "reason"),
    [
        ("?from=999999999999999999", 409, "version-ahead"),
        ("?from=-1", 400, "bad-version"),
        ("?from=new", 400, "bad-version"),
        ("?body=half", 400, "bad-query"),
        ("?since=1", 400, "unknown-parameter"),
    ],
)
async def test_an_invalid_stream_request_is_refused_with_reason(
    hub: Running, query: str, status: int, reason: str
) -> None:
    async with stream(hub, ana(query)) as refused:
        assert (refused.status, refused.problem["reason"]) == (status, reason)


async def test_a_future_version_is_refused(hub: Running) -> None:
    version = (await hub.get(f"/v1/customers/{text_of(ANA)}/context")).json()["meta"]["version"]
    async with stream(hub, ana(f"?from={version + 1}")) as refused:
        assert (refused.status, refused.problem["reason"]) == (409, "version-ahead")


async def test_a_foreign_resume_point_gets_the_state_at_once(hub: Running) -> None:
    """A browser that is refused does not come again."""
    bob = f"/v1/customers/{text_of(BOB)}/stream"
    async with stream(hub, ana()) as follower:
        last = (await follower.next()).id
    async with stream(hub, bob) as follower:
        of_bob = (await follower.next()).id
    ahead = ResumePoint(ANA, ANA, 2**64 - 1)
    for id in (
        of_bob,
        "AAAA",
        "-1",
        "0",
        "9" * 400,
        last[:-2] + "AA",
        last * 50,
        "\N{PILE OF POO}",
        encode_resume_point(ACME, customers.STREAM, ahead),
        encode_resume_point(
            ACME, customers.STREAM, ResumePoint(ANA, ANA, 3)
        ),  # as it was told before stores had epochs
        encode_resume_point(tenants().ids("other"), customers.STREAM, ahead),
    ):
        async with stream(hub, ana("?from=1"), id) as follower:
            assert follower.status == 200, (id, follower.problem)
            assert (await follower.next("context")).data["body"]["customer"]["id"] == text_of(ANA), id
    await hub.happen(an_event("cx.interaction.routed.v1", id="r-1", email="ana@example.com", data=ROUTED))
    async with stream(hub, "/v1/stream?agent=ben", last) as follower:
        assert (await follower.next()).name == "assignment"


@settings(max_examples=500)
@given(st.one_of(st.text(), st.binary().map(lambda raw: raw.decode("latin-1")), st.integers().map(str)))
def test_any_last_event_id_is_read_without_error(text: str) -> None:
    assert decode_resume_point(ACME, customers.STREAM, text) is None
    assert decode_target(ACME, b"agent", text) == (b"", frozenset())


async def test_tenants_and_scopes_are_kept_apart(hub: Running) -> None:
    async with stream(hub, ana()) as follower:
        last = (await follower.next()).id
    for key, id, status in (("other", "", 404), ("other", last, 404), ("desk", "", 403)):
        async with stream(hub, ana(), id, key) as refused:
            assert refused.status == status
    async with following(hub.url, ana(), "no-such-key") as refused:
        assert refused.status == 401


async def test_without_bodies_a_follower_hears_of_versions_alone(hub: Running) -> None:
    async with stream(hub, ana("?body=none")) as follower:
        first = await follower.next()
        assert first.data.keys() == {"meta", "customer"}
        assert first.data["customer"] == text_of(ANA)


async def test_a_follower_moves_with_a_merge_and_an_unmerge(
    hub: Running,
) -> None:
    async with stream(hub, ana("?body=none")) as one, stream(hub, f"/v1/customers/{text_of(BOB)}/stream") as other:
        versions = {"one": (await one.next()).version, "other": (await other.next()).version}
        await listening(hub)
        merge = a_decision("cx.identity.merged.v1", id="d-1", about=ANA, at=START + HOUR, data=MERGED)
        await hub.noticed(merge)
        moved = await other.next()
        assert (moved.name, moved.data["why"]) == ("moved", "absorbed")
        assert (moved.data["from"], moved.data["customer"]) == (text_of(BOB), text_of(ANA))
        state = await other.next()
        assert state.data["body"]["customer"]["id"] == text_of(ANA)
        assert state.version > versions["other"]
        assert (await one.next()).version > versions["one"]
        async with stream(hub, f"/v1/customers/{text_of(BOB)}/stream", state.id) as resumed:
            assert await resumed.silence(0.3) == []
        async with stream(hub, ana(), state.id) as resumed:
            assert await resumed.silence(0.3) == [], "whoever was moved may go on there"
        parted = {"agent": {"id": "eve"}, "reason": "not so", "identity": {"decision": "cx:acme#d-1"}}
        source = json.loads(merge.raw)["source"]
        parted["identity"] = {"decision": f"{source}#d-1"}
        await hub.noticed(a_decision("cx.identity.unmerged.v1", id="d-2", about=ANA, at=START + 2 * HOUR, data=parted))
        moved = await other.next()
        assert (moved.name, moved.data["why"], moved.data["customer"]) == ("moved", "parted", text_of(BOB))
        again = await other.next()
        assert again.data["body"]["customer"]["id"] == text_of(BOB)
        assert again.version > state.version


async def test_a_lost_hint_only_delays(tmp_path: Path, store_url: str) -> None:
    async with running_api(tmp_path, store_url, heartbeat=0.3) as hub:
        await hub.happen(said(1))
        async with stream(hub, ana()) as follower:
            first = await follower.next()
            await hub.happen(said(2))  # nobody relays it
            assert (await follower.next()).version > first.version
            while not follower.comments:  # a sign of life
                await follower.next("heartbeat")


async def test_two_replicas_serve_the_same_stream(hub: Running, tmp_path: Path, store_url: str) -> None:
    second = tmp_path / "second"
    second.mkdir()
    url = store_url if store_url.startswith("postgres") else sqlite_store(tmp_path)
    async with running_api(second, url, heartbeat=0.3) as replica:  # it has another log, and hears no hints
        async with stream(hub, ana()) as follower:
            first = await follower.next()
        await hub.happen(said(2))
        async with stream(replica, ana(), first.id) as follower:
            later = await follower.next()
            assert later.version > first.version
            await hub.happen(said(3))
            last = await follower.next()
        async with stream(hub, ana(), last.id) as follower:
            assert await follower.silence(0.3) == []


async def test_a_slow_reader_gets_only_the_latest_state(hub: Running) -> None:
    async with (
        following(hub.url, ana(), KEYS["reader"], receive_buffer=4096) as slow,
        stream(hub, ana("?body=none")) as quick,
    ):
        await quick.next()
        await listening(hub)
        version = 0
        for number in range(2, 80):
            await hub.noticed(said(number, text="x" * 2000))
            version = (await quick.next()).version
        held = [(await slow.next("context")).version]
        while held[-1] < version:
            held.append((await slow.next("context")).version)
        assert held == sorted(set(held))
        assert len(held) < 60, "states that nobody could take were not kept"


async def test_head_of_a_stream_ends_at_once(hub: Running) -> None:
    async with following(hub.url, ana(), KEYS["reader"], method="HEAD") as head:
        assert head.status == 200
        assert head.headers["content-type"].startswith("text/event-stream")
    async with stream(hub, ana()) as follower:
        await follower.next()
        assert len(hub.api.subscriptions) == 1
    async with asyncio.timeout(PATIENCE):
        while len(hub.api.subscriptions):
            await asyncio.sleep(0.01)


async def test_a_conversation_is_followed_where_it_changes(hub: Running) -> None:
    id = (await hub.body("email:ana@example.com"))["conversations"][0]["id"]
    path = f"/v1/conversations/{id}/stream"
    async with stream(hub, path) as follower:
        first = await follower.next()
        assert first.name == "conversation"
        assert first.data["conversation"] == (await hub.get(f"/v1/conversations/{id}")).json()["conversation"]
        await listening(hub)
        await hub.noticed(
            an_event(
                "cx.survey.answered.v1",
                id="s-1",
                email="ana@example.com",
                data={"survey": {"metric": "nps", "score": 9}},
            )
        )
        assert await follower.silence(0.3) == [], "something else of the customer"
        await hub.noticed(said(2))
        second = await follower.next()
        assert second.version > first.version
        assert second.data["conversation"]["messages"][0]["text"] == "word 2"
    async with stream(hub, path, second.id) as follower:
        assert await follower.silence(0.3) == []
    async with stream(hub, f"/v1/conversations/{text_of(BOB)}/stream") as refused:
        assert (refused.status, refused.problem["reason"]) == (404, "unknown-conversation")


async def test_streams_survive_an_outage_of_the_store(hub: Running, monkeypatch: Any) -> None:
    async with stream(hub, ana()) as follower:
        first = await follower.next()
        await listening(hub)
        from cx_events.errors import TryLater

        heads: Callable[..., Any] = hub.api.contexts.find

        async def away(*_: Any) -> Any:
            raise TryLater("store", "away")

        monkeypatch.setattr(hub.api.contexts, "find", away)
        await hub.noticed(said(2))
        assert await follower.silence(0.5) == []
        monkeypatch.setattr(hub.api.contexts, "find", heads)
        assert (await follower.next()).version > first.version


async def test_a_leaving_server_ends_its_streams(hub: Running) -> None:
    async with stream(hub, ana()) as follower:
        last = await follower.next()
        ended = asyncio.create_task(follower.end())
        await asyncio.sleep(0.05)
        await hub.api.leave(5.0)
        assert await asyncio.wait_for(ended, PATIENCE) == []
    async with stream(hub, ana(), last.id) as follower:
        assert await follower.end() == [], "who comes too late is sent on as well"


async def test_a_finished_rendering_is_not_awaited_again(hub: Running) -> None:
    """Its end is not noted yet: whoever needs a newer state in that moment would find it again and again, and the loop
    would never get to note it."""
    head = await hub.api.contexts.find("acme", ById(ANA))
    older = await hub.api.contexts.at("acme", head)
    ended = asyncio.create_task(asyncio.sleep(0, older))
    await ended
    hub.api.contexts._in_progress["acme", ANA] = ended
    await hub.happen(said(2))
    newer = await hub.api.contexts.find("acme", ById(ANA))
    assert (await hub.api.contexts.at("acme", newer)).version == newer.version


async def test_streams_have_their_own_limit(tmp_path: Path) -> None:
    async with (
        running_api(tmp_path, bounds={"max_requests": 1, "max_streams": 20}) as hub,
        AsyncExitStack() as stack,
    ):
        await hub.happen(said(1))
        for _ in range(2):
            follower = await stack.enter_async_context(stream(hub, ana()))
            await follower.next()
        async with stream(hub, ana()) as refused:
            assert (refused.status, refused.problem["reason"]) == (429, "streams-of-customer")
            assert int(refused.headers["retry-after"]) >= 1
        assert (await hub.get(f"/v1/customers/{text_of(ANA)}/context")).status_code == 200
        await stack.aclose()
        async with asyncio.timeout(PATIENCE):
            while len(hub.api.subscriptions):
                await asyncio.sleep(0.01)
        async with stream(hub, ana()) as follower:
            assert follower.status == 200


async def test_one_tenants_streams_leave_room_for_another_tenant(tmp_path: Path) -> None:
    async with (
        running_api(tmp_path, bounds={"max_streams": 8, "tenant_share": 0.5}) as hub,
        AsyncExitStack() as stack,
    ):
        statuses = []
        for number in range(8):
            desk = f"/v1/stream?agent=agent-{number}"
            follower = await stack.enter_async_context(following(hub.url, desk, KEYS["all"]))
            statuses.append(follower.status)
        assert statuses == [200] * 4 + [429] * 4
        async with following(hub.url, "/v1/stream?agent=ben", KEYS["other"]) as other:
            assert other.status == 200


async def test_a_rate_limited_follower_learns_when_to_retry(tmp_path: Path) -> None:
    async with running_api(tmp_path, rates=Rates(tenants(), key=Rate(0.01, 2))) as hub:
        await hub.happen(said(1))
        for _ in range(2):
            async with stream(hub, ana()) as follower:
                assert follower.status == 200
        async with stream(hub, ana()) as refused:
            assert (refused.status, refused.problem["reason"]) == (429, "rate-limited")


async def test_a_follower_that_reads_nothing_is_disconnected(hub: Running, monkeypatch: Any) -> None:
    monkeypatch.setattr(streams, "SLOW_SECONDS", 0.5)
    async with following(hub.url, ana(), KEYS["reader"], receive_buffer=4096):
        await listening(hub)
        number = 2
        async with asyncio.timeout(PATIENCE):
            while len(hub.api.subscriptions):
                await hub.noticed(said(number, text="x" * 2000))
                number += 1

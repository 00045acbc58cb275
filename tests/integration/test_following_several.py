"""Several subjects over one stream: each event names its own, nothing is missed, and patches add up to what is read."""

from __future__ import annotations

import asyncio
import json
import zlib
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.api import KEYS, Running, running_api
from tests.integration.test_following import listening
from tests.integration.test_following_desks import BEN, BILLING, step
from tests.patience import PATIENCE
from tests.projection import RULES, WINDOW
from tests.sse import Event, Stream, following

from cx_client import AsyncClient, Client, StreamEvent, Subjects
from cx_client.core.json_patch import apply_patch
from cx_context.document import encode_body
from cx_context.reference_definition import define_bodies
from cx_context_api.following.json_patches import PatchCache
from cx_events.ids import text_of
from cx_events.stamp import StampedEvent
from cx_events.testing.builders import ACME, SECOND, START, an_event
from cx_events.testing.histories import facts_of, histories

ANA, BO = (text_of(ACME.profile("email", "", f"{name}@example.com")) for name in ("ana", "bo"))
NOBODY = "4e7f1ba4-0000-8000-8000-000000000000"


def said(number: int, who: str = "ana") -> StampedEvent:
    return an_event(
        id=f"{who}-{number}", email=f"{who}@example.com", text=f"text {number}", interaction=f"chat-{who}",
        at=START + number * SECOND,
    )  # fmt: skip


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Running]:
    async with running_api(tmp_path, heartbeat=60.0) as hub:
        yield hub


def several(hub: Running, query: str, last_id: str = "", key: str = "reader") -> AbstractAsyncContextManager[Stream]:
    return following(hub.url, f"/v1/stream?{query}", KEYS[key], last_id)


def taken(event: Event) -> StreamEvent:
    return StreamEvent(event.name, event.data, event.id)


async def body_of(hub: Running, customer: str) -> Any:
    return (await hub.get(f"/v1/customers/{customer}/context")).json()["body"]


async def test_each_event_names_its_subject(hub: Running) -> None:
    await hub.happen(said(1), said(1, "bo"), step(1, "queued", queue=BILLING))
    conversation = (await body_of(hub, ANA))["conversations"][0]["id"]
    query = f"queue=q-billing&agent=ben&customer={ANA}&customer={BO}&conversation={conversation}&body=none"
    async with several(hub, query) as stream:
        found = [await stream.next() for _ in range(5)]
        told = {(each.data["subject"]["kind"], each.data["subject"]["id"]): each for each in found}
        assert {key: each.name for key, each in told.items()} == {
            ("agent", "ben"): "live",
            ("queue", "q-billing"): "live",
            ("customer", ANA): "context",
            ("customer", BO): "context",
            ("conversation", conversation): "conversation",
        }
        (waiting,) = told["queue", "q-billing"].data["assignments"]
        assert (waiting["interaction"], waiting["why"]) == ("call-1", "queued")
        assert "context" not in waiting
        assert told["customer", ANA].data["customer"] == ANA
        await listening(hub)
        await hub.noticed(step(2, "answered", queue=BILLING, agent=BEN), said(2, "bo"))
        later = [await stream.next() for _ in range(3)]
        assert {(each.name, each.data["subject"]["id"]) for each in later} == {
            ("released", "q-billing"), ("assignment", "ben"), ("context", BO),
        }  # fmt: skip


async def test_contexts_follow_assignments_where_bodies_are_asked(hub: Running) -> None:
    await hub.happen(step(1, "queued", queue=BILLING))
    async with several(hub, "queue=q-billing&agent=ben&body=full") as stream:
        found = [await stream.next() for _ in range(3)]
        (assignment,) = [each for each in found if each.name == "assignment"]
        assert assignment.data["context"]["body"] == await body_of(hub, assignment.data["customer"])


async def test_a_resumed_stream_tells_what_has_changed_alone(hub: Running) -> None:
    await hub.happen(said(1), said(1, "bo"), step(1, "queued", queue=BILLING))
    query = f"queue=q-billing&customer={ANA}&customer={BO}&body=patch"
    async with several(hub, query) as stream:
        states = Subjects()
        for _ in range(3):
            event = await stream.next()
            states.apply(taken(event))
        last = stream.last_id
        assert last
    async with several(hub, query, last) as stream:
        assert await stream.silence(0.3) == []
    await hub.happen(said(2), step(2, "queued", "call-2", queue=BILLING))
    async with several(hub, query, last) as stream:
        found = [await stream.next() for _ in range(2)]
        assert {each.data["subject"]["id"] for each in found} == {"q-billing", ANA}
        for each in found:
            states.apply(taken(each))
    assert states.contexts[ANA].body == await body_of(hub, ANA)
    assert {key[0] for key in states.desks["queue", "q-billing"].assignments} == {"call-1", "call-2"}
    async with several(hub, query, last[:-2]) as stream:
        assert len([await stream.next() for _ in range(3)]) == 3, "what is not understood counts as nothing"


async def test_patches_add_up_to_what_is_read(hub: Running) -> None:
    await hub.happen(*(said(number) for number in range(60)))
    patches = hub.api._streams.patches
    async with several(hub, f"customer={ANA}&body=patch") as one, several(hub, f"customer={ANA}&body=patch") as other:
        followers = [(one, Subjects()), (other, Subjects())]
        sizes: list[int] = []
        for stream, states in followers:
            states.apply(taken(await stream.next("context")))
        await listening(hub)
        for number in range(60, 65):
            before = followers[0][1].contexts[ANA].version
            await hub.noticed(said(number))
            for stream, states in followers:
                event = await stream.next("patch")
                assert event.data["from"] == before
                states.apply(taken(event))
                sizes.append(len(json.dumps(event.data)))
            whole = await body_of(hub, ANA)
            assert [states.contexts[ANA].body for _, states in followers] == [whole, whole]
        assert max(sizes) * 5 < len(json.dumps(whole)), "a message is a small part of a context"
        assert patches.made == 5, "followers share what was worked out"


async def test_a_single_customers_stream_sends_patches_too(hub: Running) -> None:
    await hub.happen(*(said(number) for number in range(20)))
    path = f"/v1/customers/{ANA}/stream?body=patch"
    async with following(hub.url, path, KEYS["reader"]) as stream:
        body = (await stream.next("context")).data["body"]
        await listening(hub)
        await hub.noticed(said(20))
        event = await stream.next("patch")
        assert apply_patch(body, event.data["patch"]) == await body_of(hub, ANA)
        last = event.id
    async with following(hub.url, path, KEYS["reader"], last) as stream:
        assert await stream.silence(0.3) == []
    await hub.happen(said(21))
    async with following(hub.url, path, KEYS["reader"], last) as stream:
        assert (await stream.next()).data["body"] == await body_of(hub, ANA), "whole, where the base is not known"


async def test_an_assured_follower_gets_patches_of_its_view(hub: Running) -> None:
    proved = an_event(
        "cx.identity.verified.v1", id="login", email="ana@example.com", interaction="chat-ana", verified=True
    )
    await hub.happen(proved, *(said(number) for number in range(1, 20)))
    path = f"/v1/customers/{ANA}/stream?body=patch&interaction=chat-ana"
    async with following(hub.url, path, KEYS["reader"]) as stream:
        body = (await stream.next("context")).data["body"]
        await listening(hub)
        await hub.noticed(said(20))
        event = await stream.next("patch", "context")
        assert event.name == "patch"
        assert event.data["meta"]["contact"]["interaction"] == "chat-ana"
        assert apply_patch(body, event.data["patch"]) == await body_of(hub, ANA)


async def test_a_merge_is_told_and_patched(hub: Running) -> None:
    await hub.happen(said(1), said(1, "bo"))
    async with several(hub, f"customer={ANA}&customer={BO}&body=patch") as stream:
        states = Subjects()
        for _ in range(2):
            states.apply(taken(await stream.next("context")))
        await listening(hub)
        await hub.decide("/v1/identity/merge", {"a": ANA, "b": BO, "reason": "one person"})
        await hub.relay.step()
        names: list[str] = []
        while sum(name in ("context", "patch") for name in names) < 2:
            event = await stream.next()
            states.apply(taken(event))
            names.append(event.name)
        assert names.count("moved") == 1
    assert states.contexts[ANA].body == states.contexts[BO].body == await body_of(hub, ANA)


async def test_an_unknown_subject_does_not_end_the_others(hub: Running) -> None:
    await hub.happen(said(1))
    async with several(hub, f"customer={NOBODY}&customer={ANA}&body=none") as stream:
        gone, known = await stream.next(), await stream.next()
        assert (gone.name, gone.data["reason"]) == ("gone", "unknown-customer")
        assert gone.data["subject"] == {"kind": "customer", "id": NOBODY}
        assert known.data["customer"] == ANA


@pytest.mark.parametrize(
    ("query", "key", "status"),
    [
        ("&".join(f"agent=a{number}" for number in range(51)), "reader", 400),
        (f"customer={ANA}&body=half", "reader", 400),
        ("customer=x&agent=ben", "reader", 404),
        (f"customer={ANA}&from=1", "reader", 400),
        (f"customer={ANA}", "desk", 403),
        (f"customer={ANA}", "bot", 403),
    ],
)
async def test_what_cannot_be_followed_is_refused(hub: Running, query: str, key: str, status: int) -> None:
    async with several(hub, query, key=key) as stream:
        assert stream.status == status


async def test_another_tenants_customer_is_gone(hub: Running) -> None:
    await hub.happen(said(1))
    async with several(hub, f"customer={ANA}&agent=ben&body=none", key="other") as stream:
        assert {(await stream.next()).name for _ in range(2)} == {"gone", "live"}


async def test_a_thousand_waiting_are_told_in_300_kilobytes(hub: Running) -> None:
    channel = "acme-chat/EwUxvgHK_2uIPDvlvREDJQ"
    await hub.happen(*(step(1, "queued", f"{channel}{number:04}", queue=BILLING) for number in range(1000)))
    async with several(hub, "queue=q-billing&body=none") as stream:
        live = await stream.next("live")
        assert len(live.data["assignments"]) == 1000
        assert len(json.dumps(live.data, separators=(",", ":"))) < 300_000
        assert len(live.id) < 200


async def test_a_stream_is_compressed_for_who_asks(hub: Running) -> None:
    await hub.happen(*(said(number) for number in range(40)))
    headers = {"authorization": f"Bearer {KEYS['reader']}", "accept-encoding": "gzip"}
    async with hub.client.stream("GET", f"/v1/stream?customer={ANA}&body=full", headers=headers) as answer:
        assert answer.headers["content-encoding"] == "gzip"
        reader, raw, text = zlib.decompressobj(16 + zlib.MAX_WBITS), 0, b""
        async with asyncio.timeout(PATIENCE):
            async for chunk in answer.aiter_raw():
                raw += len(chunk)
                text += reader.decompress(chunk)
                if text.endswith(b"\n\n"):
                    break
        assert b"event: context\n" in text
        assert raw * 3 < len(text)
    for refused in ("identity", "gzip;q=0", "*", "br"):
        async with hub.client.stream(
            "GET", f"/v1/stream?customer={ANA}", headers={**headers, "accept-encoding": refused}
        ) as answer:
            assert "content-encoding" not in answer.headers


async def test_heartbeats_tell_how_fresh_an_idle_hub_is(tmp_path: Path) -> None:
    async with running_api(tmp_path, heartbeat=0.1) as hub:
        await hub.happen(said(1))
        async with several(hub, f"customer={ANA}&body=none") as stream:
            found = [(await stream.next("heartbeat")).data for _ in range(2)]
            assert found[0]["now"] < found[1]["now"]
            assert 0.0 <= found[1]["lag"] < PATIENCE
            await hub.arrive(said(2))  # on the log, and nobody applies it
            async with asyncio.timeout(PATIENCE):
                while (told := (await stream.next("heartbeat")).data)["lag"] < 2.0:
                    pass
            stuck = told["current_to"]
            assert (await stream.next("heartbeat")).data["current_to"] == stuck
            await hub.projector.catch_up()
            async with asyncio.timeout(PATIENCE):
                while (await stream.next("heartbeat")).data["current_to"] == stuck:
                    pass


async def test_the_sdk_follows_several_subjects(tmp_path: Path) -> None:
    async with running_api(tmp_path, heartbeat=0.2) as hub:
        await hub.happen(said(1), step(1, "queued", queue=BILLING))
        states = Subjects()
        async with AsyncClient(hub.url, KEYS["reader"]) as client, asyncio.timeout(PATIENCE):
            async for event in client.follow_subjects(queues=["q-billing"], customers=[ANA]):
                states.apply(event)
                if len(states.contexts) == 1 and ("queue", "q-billing") in states.desks and states.freshness:
                    break
        assert states.contexts[ANA].body == await body_of(hub, ANA)

        def in_a_thread() -> Subjects:
            states = Subjects()
            with Client(hub.url, KEYS["reader"]) as client:
                for event in client.follow_subjects(customers=[ANA], body="full"):
                    states.apply(event)
                    if states.contexts:
                        return states
            raise AssertionError("the stream ended")

        assert (await asyncio.to_thread(in_a_thread)).contexts[ANA].body == states.contexts[ANA].body


def bodies(history: list[StampedEvent]) -> list[bytes]:
    """The context of the first customer after each event, as bytes."""
    found: list[bytes] = []
    for upto in range(1, len(history) + 1):
        defined = define_bodies(facts_of(history[:upto]), ACME, RULES, WINDOW)
        if defined:
            found.append(encode_body(defined[min(defined)]))
    return found


@settings(max_examples=25)
@given(histories(min_size=3, max_size=10), st.randoms(use_true_random=False))
def test_patches_from_any_point_make_the_body(history: list[StampedEvent], random: Any) -> None:
    told = bodies(history)
    cache = PatchCache()
    for start in range(len(told)):
        held, at = json.loads(told[start]), start
        while at < len(told) - 1:
            later = random.randint(at + 1, len(told) - 1)  # versions may be skipped
            held = apply_patch(held, json.loads(cache.between(told[at], told[later])))
            at = later
        assert held == json.loads(told[-1])

"""The client against a real hub, through a network that fails: nothing is missed, nothing doubled."""

from __future__ import annotations

import asyncio
import itertools
import json
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.flaky_network import Network, flaky_network
from tests.patience import PATIENCE
from tests.processes import running

from cx_client import (
    AsyncBackgroundSender,
    AsyncClient,
    BackgroundSender,
    Client,
    Desk,
    EventName,
    HubRefused,
    HubUnavailable,
    NotDelivered,
    QueueFull,
    QueueLimits,
    Refused,
    Retry,
    SendingUnavailable,
)
from cx_events.building import EventBuilder, customer
from cx_events.json_types import Json
from cx_events.timestamps import parse_time

pytestmark = pytest.mark.clock

QUICK = Retry(attempts=None, first=0.01, most=0.1, patience=PATIENCE)
CHAT = EventBuilder("//acme.example/chat", channel="chat")
PEOPLE = (f"person-{number}@example.com" for number in itertools.count())


@dataclass(frozen=True)
class Hub:
    """``direct``: its own address; ``key``: of all scopes."""

    direct: str
    key: str
    network: Network

    @property
    def url(self) -> str:
        return self.network.url


@pytest.fixture(scope="module")
def shared_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    home: Path = tmp_path_factory.mktemp("hub")
    settings = {"CX_HOME": str(home / "cx"), "CX_STREAM_HEARTBEAT": "0.5"}
    with running("up", settings, home / "said.txt") as hub, flaky_network(hub.url) as network:
        yield Hub(hub.url, (home / "cx" / "key").read_text().strip(), network)


@pytest.fixture
def hub(shared_hub: Hub) -> Hub:
    shared_hub.network.fates.clear()
    shared_hub.network.met.clear()
    return shared_hub


@pytest.fixture
def client(hub: Hub) -> Iterator[Client]:
    with Client(hub.url, hub.key, retry=QUICK, follow_retry=QUICK, timeout=PATIENCE) as client:
        yield client


@pytest.fixture
async def async_client(hub: Hub) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(hub.url, hub.key, retry=QUICK, follow_retry=QUICK, timeout=PATIENCE) as client:
        yield client


def messages(email: str, count: int, first: int = 0) -> list[Json]:
    """What one customer wrote."""
    chat = f"chat-{email}"
    return [
        CHAT.message_received(f"{email}-{number:03}", chat, f"word {number}", customer(email=email))
        for number in range(first, first + count)
    ]


def counted(client: Client, email: str, last: Json) -> int:
    """Return how many messages of a customer count, once the last event is applied."""
    name = EventName(last["source"], last["id"])
    context = client.context(identifier=f"email:{email}", at_least=[name], wait="60s")
    counts: Json = context.body["counts"]
    assert counts["events"] == counts["messages"]
    return int(counts["messages"])


FATES = ["503", "reset", "lost", "429", "half", "lost"]


def test_events_survive_each_fate_and_count_once(hub: Hub, client: Client) -> None:
    email = next(PEOPLE)
    hub.network.fates.extend([*FATES, "pass", *FATES])
    sent = client.send_many(messages(email, 250))
    assert (len(sent.accepted), sent.rejected) == (250, ())
    assert hub.network.met["lost"] == 4
    assert counted(client, email, messages(email, 1, 249)[0]) == 250


async def test_events_of_the_async_client_count_once(hub: Hub, client: Client, async_client: AsyncClient) -> None:
    email = next(PEOPLE)
    hub.network.fates.extend(FATES)
    events = messages(email, 120)
    sent = await async_client.send_many(events)
    assert len(sent.accepted) == 120
    assert await asyncio.to_thread(counted, client, email, events[-1]) == 120


def test_events_of_a_hub_away_stay_with_the_caller(hub: Hub) -> None:
    hub.network.fates.extend(["pass", *["503"] * 3])
    events = messages(next(PEOPLE), 150)
    with Client(hub.url, hub.key, retry=Retry(attempts=3, first=0.01)) as client:
        with pytest.raises(SendingUnavailable) as caught:
            client.send_many(events)
        remainder = caught.value.remainder
        assert len(remainder.sent.accepted) == 100
        assert list(remainder.unsent) == events[100:]
        assert len(client.send_many(remainder.unsent).accepted) == 50


def test_partial_failures_are_told_per_event(client: Client) -> None:
    good, typo, bad = messages(next(PEOPLE), 3)
    typo["data"]["refernces"] = []
    del bad["data"]["message"]
    sent = client.send_many([good, typo, bad, {"x": float("nan")}])
    assert [name.id for name in sent.accepted] == [good["id"], typo["id"]]
    assert [(one.index, one.reason) for one in sent.rejected] == [(2, "missing-data"), (3, "missing-specversion")]
    assert [(one.index, one.nearest) for one in sent.warnings] == [(1, "references")]


def test_a_too_large_event_is_told_and_spares_others(client: Client) -> None:
    events = messages(next(PEOPLE), 3)
    events[1]["data"]["message"]["text"] = "x" * (3 << 20)
    sent = client.send_many(events)
    assert [(one.index, one.reason) for one in sent.rejected] == [(1, "too-large")]
    assert len(sent.accepted) == 2
    with pytest.raises(Refused) as caught:
        client.send(events[1])
    assert (caught.value.reason, caught.value.status) == ("too-large", 413)


def test_a_dry_run_stores_nothing(client: Client) -> None:
    email = next(PEOPLE)
    sent = client.send_many(messages(email, 2), dry_run=True)
    assert [event["tenantid"] for event in sent.stored] == ["acme", "acme"]
    assert client.find(f"email:{email}") is None


def test_a_wrong_key_is_refused_at_once(hub: Hub) -> None:
    with Client(hub.url, "no-such-key") as client:
        with pytest.raises(HubRefused) as caught:
            client.send(messages(next(PEOPLE), 1)[0])
        assert (caught.value.reason, caught.value.status) == ("bad-key", 401)


def test_contexts_are_found_kept_and_paged(hub: Hub, client: Client) -> None:
    email = next(PEOPLE)
    events = messages(email, 130)
    client.send_many(events)
    assert counted(client, email, events[-1]) == 130
    found = client.find(f"email:{email}")
    assert found is not None
    hub.network.fates.extend(["503", "lost"])
    context = client.context(found.customer)
    assert context.body == found.body
    assert client.context(found.customer, known=context) is context
    timeline = list(client.timeline(found.customer, limit=50))
    assert [entry["event"]["id"] for entry in timeline] == [each["id"] for each in reversed(events)]
    (conversation,) = client.conversations(found.customer)
    note = {"note": "called back", "agent": {"id": "ben"}}
    hub.network.fates.extend(["lost"])
    client.post(f"/v1/conversations/{conversation['id']}/notes", note, idempotency_key=f"note-{email}")
    assert client.get(f"/v1/conversations/{conversation['id']}")["conversation"]["id"] == conversation["id"]


def test_search_and_lists_are_paged(hub: Hub, client: Client) -> None:
    email = next(PEOPLE)
    client.send_many(messages(email, 3))
    until = time.monotonic() + PATIENCE
    while not (found := list(client.search(email))):  # lists follow contexts
        assert time.monotonic() < until
        time.sleep(0.05)
    customer_id = found[0]["customer"]
    assert [each["customer"] for each in client.search(email, limit=1)] == [customer_id]
    hub.network.fates.extend(["503", "lost"])
    listed = list(client.all_conversations(limit=1))
    assert customer_id in {each["customer"] for each in listed}
    assert len({each["id"] for each in listed}) == len(listed)


def send_slowly(hub: Hub, events: list[Json]) -> threading.Thread:
    """Send each event by itself, straight to the hub, in a thread."""
    until = time.monotonic() + PATIENCE

    def run() -> None:
        with Client(hub.direct, hub.key, retry=QUICK, timeout=PATIENCE) as sender:
            for event in events:
                if event is events[-1]:  # whoever watches has met all that the network does by then
                    while hub.network.fates and time.monotonic() < until:
                        hub.network.cut()
                        time.sleep(0.02)
                sender.send(event)
                time.sleep(0.02)

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_a_watched_context_has_no_gap_over_broken_connections(hub: Hub, client: Client) -> None:
    email = next(PEOPLE)
    first, *others = messages(email, 60)
    client.send(first)
    hub.network.fates.extend(["pass", "reset", "503", "half", "pass", "429", "reset"])
    sending = send_slowly(hub, others)
    versions, count = list[int](), 0
    name = EventName(first["source"], first["id"])
    with closing(client.watch(identifier=f"email:{email}", at_least=[name], wait="60s")) as contexts:
        for context in contexts:
            versions.append(context.version or 0)
            count = context.body["counts"]["messages"]
            if count == 60:
                break
            hub.network.cut()
    sending.join(PATIENCE)
    assert count == 60
    assert versions == sorted(set(versions))
    assert not hub.network.fates


async def test_an_async_watch_has_no_gap_over_broken_connections(hub: Hub, async_client: AsyncClient) -> None:
    email = next(PEOPLE)
    first, *others = messages(email, 40)
    await async_client.send(first)
    sending = send_slowly(hub, others)
    versions = []
    name = EventName(first["source"], first["id"])
    async with (
        asyncio.timeout(PATIENCE),
        aclosing(async_client.watch(identifier=f"email:{email}", at_least=[name], wait="60s")) as contexts,
    ):
        async for context in contexts:
            versions.append(context.version or 0)
            if context.body["counts"]["messages"] == 40:
                break
            hub.network.cut()
    await asyncio.to_thread(sending.join, PATIENCE)
    assert versions == sorted(set(versions))


def test_a_stream_without_signs_of_life_is_begun_again(hub: Hub) -> None:
    email = next(PEOPLE)
    with Client(hub.url, hub.key, retry=QUICK, follow_retry=QUICK, silence=1.0) as client:
        (event,) = messages(email, 1)
        client.send(event)
        assert counted(client, email, event) == 1
        found = client.find(f"email:{email}")
        assert found is not None
        hub.network.fates.extend(["mute"])
        with closing(client.follow_customer(found.customer)) as events:
            told = next(events)
        assert told.data["body"] == found.body
        assert hub.network.met["mute"] == 1


def test_following_goes_on_from_the_last_event_id(client: Client) -> None:
    email = next(PEOPLE)
    one, two = messages(email, 2)
    client.send(one)
    assert counted(client, email, one) == 1
    found = client.find(f"email:{email}")
    assert found is not None
    with closing(client.follow_customer(found.customer)) as events:
        last = next(events)
    client.send(two)
    assert counted(client, email, two) == 2
    with closing(client.follow_customer(found.customer, last_event_id=last.id)) as events:
        following = next(events)
    assert following.data["body"]["counts"]["messages"] == 2
    assert following.data["meta"]["version"] > last.data["meta"]["version"]


def test_a_version_of_another_store_begins_anew(client: Client) -> None:
    email = next(PEOPLE)
    (event,) = messages(email, 1)
    client.send(event)
    assert counted(client, email, event) == 1
    found = client.find(f"email:{email}")
    assert found is not None
    with closing(client.follow_customer(found.customer, since=(found.version or 0) + 1_000_000)) as events:
        assert next(events).data["body"] == found.body


def test_nobody_follows_whom_the_hub_does_not_know(client: Client) -> None:
    with pytest.raises(HubRefused) as caught:
        next(client.follow_customer("00000000-0000-4000-8000-000000000000"))
    assert caught.value.status == 404


def test_a_desk_is_the_same_over_broken_connections(hub: Hub, client: Client) -> None:
    agent = f"agent-of-{next(PEOPLE)}"
    chats = [f"desk-{agent}-{number}" for number in range(3)]
    routed = [CHAT.interaction_answered(f"{chat}-answered", chat, {"id": agent}) for chat in chats]
    client.send_many(routed)
    desk = Desk()
    with closing(client.follow_agent(agent)) as events:
        for event in events:
            desk.apply(event)
            if desk.is_complete and len(desk.assignments) == 3:
                break
        hub.network.cut()
        client.send(CHAT.interaction_ended(f"{chats[0]}-ended", chats[0]))
        for event in events:
            desk.apply(event)
            if len(desk.assignments) == 2:
                break
    assert {interaction for interaction, _ in desk.assignments} == set(chats[1:])


def test_a_background_sender_loses_and_doubles_nothing(hub: Hub, client: Client) -> None:
    email = next(PEOPLE)
    events = messages(email, 500)
    hub.network.fates.extend([*FATES, *FATES])
    with BackgroundSender(client, retry=QUICK) as sender:
        for event in events:
            sender.put(event)
        assert sender.flush(PATIENCE) == ()
    assert counted(client, email, events[-1]) == 500


async def test_an_async_background_sender_loses_and_doubles_nothing(
    hub: Hub, client: Client, async_client: AsyncClient
) -> None:
    email = next(PEOPLE)
    events = messages(email, 300)
    hub.network.fates.extend(FATES)
    async with AsyncBackgroundSender(async_client, retry=QUICK) as sender:
        for event in events:
            sender.put(event)
            await asyncio.sleep(0)
        assert await sender.flush(PATIENCE) == ()
    assert await asyncio.to_thread(counted, client, email, events[-1]) == 300


def test_rejected_events_of_a_background_sender_are_handed_back(client: Client) -> None:
    good, bad = messages(next(PEOPLE), 2)
    del bad["data"]["message"]
    sender = BackgroundSender(client, retry=QUICK)
    for event in (bad, good):
        sender.put(event)
    (rejected,) = sender.flush(PATIENCE)
    assert (rejected.index, rejected.reason, rejected.event["id"]) == (0, "missing-data", bad["id"])
    sender.put(bad)
    with pytest.raises(NotDelivered) as caught:
        sender.close(PATIENCE)
    assert ([one.reason for one in caught.value.rejected], caught.value.unsent) == (["missing-data"], ())


def test_what_a_closed_sender_could_not_send_is_raised(hub: Hub, client: Client) -> None:
    events = messages(next(PEOPLE), 3)
    hub.network.down = True
    try:
        sender = BackgroundSender(client, QueueLimits(events=3))
        for event in events:
            sender.put(event)
        with pytest.raises(QueueFull):
            sender.put(events[0])
        with pytest.raises(HubUnavailable, match="not-flushed"):
            sender.flush(0.2)
        with pytest.raises(NotDelivered) as caught:
            sender.close(0.2)
    finally:
        hub.network.down = False
    unsent: list[Any] = list(caught.value.unsent)
    assert [event["id"] for event in unsent] == [event["id"] for event in events]
    assert len(client.send_many(unsent).accepted) == 3


def test_a_revoked_key_stops_a_background_sender(hub: Hub) -> None:
    with Client(hub.url, "no-such-key", retry=QUICK) as client:
        sender = BackgroundSender(client, retry=QUICK)
        sender.put(messages(next(PEOPLE), 1)[0])
        with pytest.raises(HubRefused, match="bad-key"):
            sender.flush(PATIENCE)
        with pytest.raises(HubRefused, match="bad-key"):
            sender.put(messages(next(PEOPLE), 1)[0])
        with pytest.raises(NotDelivered, match="bad-key") as caught:
            sender.close(PATIENCE)
        assert len(caught.value.unsent) == 1


def test_a_waiting_event_has_the_time_of_its_put(client: Client) -> None:
    email = next(PEOPLE)
    (event,) = messages(email, 1)
    before = time.time_ns() // 1000
    with BackgroundSender(client, retry=QUICK) as sender:
        sender.put(event)
        after = time.time_ns() // 1000
        assert sender.flush(PATIENCE) == ()
    assert counted(client, email, event) == 1
    stored = client.get("/v1/event", source=event["source"], id=event["id"])["event"]
    assert before <= parse_time(stored["time"]) <= after


def test_a_sender_on_a_closed_client_says_so(hub: Hub) -> None:
    (event,) = messages(next(PEOPLE), 1)
    client = Client(hub.url, hub.key, retry=QUICK)
    sender = BackgroundSender(client, retry=QUICK)
    client.close()
    sender.put(event)
    with pytest.raises(HubUnavailable, match="sender-stopped"):
        sender.flush(PATIENCE)
    with pytest.raises(NotDelivered) as caught:
        sender.close(PATIENCE)
    assert [each["id"] for each in caught.value.unsent] == [event["id"]]


async def test_an_async_sender_on_a_closed_client_says_so(hub: Hub) -> None:
    (event,) = messages(next(PEOPLE), 1)
    client = AsyncClient(hub.url, hub.key, retry=QUICK)
    await client.close()
    with pytest.raises(NotDelivered, match="sender-stopped"):
        async with AsyncBackgroundSender(client, retry=QUICK) as sender:
            sender.put(event)


def test_a_program_that_ends_sends_what_waits(hub: Hub, client: Client, tmp_path: Path) -> None:
    email = next(PEOPLE)
    (event,) = messages(email, 1)
    program = "import json, sys, cx_client as c\n"
    program += "c.BackgroundSender(c.Client(sys.argv[1], sys.argv[2])).put(json.loads(sys.argv[3]))"
    command = [sys.executable, "-c", program, hub.url, hub.key, json.dumps(event)]
    subprocess.run(command, check=True, timeout=PATIENCE, cwd=tmp_path)
    assert counted(client, email, event) == 1

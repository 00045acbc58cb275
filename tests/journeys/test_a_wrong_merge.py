"""A family shares a telephone; two of them are merged by mistake, and parted again: nothing is left of it. Nor of a
call from it that was said to be one's, and was not.

The same story is told to two hubs, one in which the merge never happens; what they then answer is compared by bytes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.asking import PatientClient
from tests.patience import PATIENCE
from tests.processes import running

from cx_events.ids import IdSpace, text_of

pytestmark = pytest.mark.clock

SECRET = "a-key-of-the-whole-tenant"
ID_KEY = "a lasting key of the family's shop"
CONFIG = f"""\
tenants:
  acme:
    id_key: "{ID_KEY}"
    keys: [{{id: all, secret: "{SECRET}", scopes: ["*"]}}]
"""
IDS = IdSpace("acme", ID_KEY.encode())
SOURCE = "//acme.example/story"
HOME_PHONE = {"kind": "phone", "value": "+15550100188"}
ANAS_MAIL = {"kind": "email", "value": "ana.silva@example.com"}
BOBS_MAIL = {"kind": "email", "value": "bob.silva@example.com"}
ANA, BOB, PHONE = (text_of(IDS.profile(i["kind"], "", i["value"])) for i in (ANAS_MAIL, BOBS_MAIL, HOME_PHONE))
BEN = {"id": "agent-7", "name": "Ben"}
AMBIGUOUS, PROVED = 409, 200

Json = dict[str, Any]
Ground = Callable[[str, str], Awaitable[Mapping[str, str]]]
"""Settings of a hub, by the names of its log and its store: the same names are the same places."""


@pytest.fixture(params=["files", pytest.param("servers", marks=[pytest.mark.kafka, pytest.mark.postgres])])
def ground(request: pytest.FixtureRequest, tmp_path: Path) -> Ground:
    (tmp_path / "tenants.yaml").write_text(CONFIG)
    common = {"CX_HOME": str(tmp_path), "CX_CONFIG": str(tmp_path / "tenants.yaml"), "CX_PARTITIONS": "4"}
    if request.param == "files":

        async def on_files(log: str, store: str) -> Mapping[str, str]:
            return {
                **common,
                "CX_LOG_URL": f"sqlite:///{tmp_path / log}.log",
                "CX_STORE_URL": f"sqlite+aiosqlite:///{tmp_path / store}.db",
            }

        return on_files
    kafka = request.getfixturevalue("kafka_url")
    names = ("topic_prefix", "another_topic_prefix")
    prefixes = {log: request.getfixturevalue(name) for log, name in zip(("wrong", "right"), names, strict=True)}
    databases: Callable[[], Awaitable[str]] = request.getfixturevalue("postgres_databases")
    urls: dict[str, str] = {}

    async def on_servers(log: str, store: str) -> Mapping[str, str]:
        urls[store] = urls.get(store) or await databases()
        return {**common, "CX_LOG_URL": kafka, "CX_TOPIC_PREFIX": prefixes[log], "CX_STORE_URL": urls[store]}

    return on_servers


@dataclass
class Teller:
    """Tells a hub what happens, and waits until each thing is applied. ``told``: each event and whom to ask for it.

    It imports: when an event was recorded is a fact, too, which candidates show.
    """

    client: httpx2.AsyncClient
    told: list[tuple[str, str]] = field(default_factory=list)

    async def happen(self, type: str, id: str, minute: int, *identifiers: Json, **data: Any) -> None:
        """Something about one customer, named strongest first."""
        who = {"role": "customer", "identifiers": identifiers, "name": data.pop("name", "")}
        event = {
            "specversion": "1.0",
            "id": id,
            "source": SOURCE,
            "type": type,
            "time": f"2020-11-22T10:{minute:02}:00Z",
            "recordedtime": f"2020-11-22T10:{minute:02}:01Z",
            "data": {"channel": "chat", "direction": "inbound", "participants": [who], **data},
        }
        answer = await self.client.post(
            "/v1/events", json=event, headers={"content-type": "application/cloudevents+json"}
        )
        assert answer.status_code == 202, answer.text
        self.told.append((text_of(IDS.profile(identifiers[0]["kind"], "", identifiers[0]["value"])), f"{SOURCE}#{id}"))
        await self.applied(*self.told[-1])

    async def say(self, id: str, minute: int, interaction: str, *identifiers: Json, **data: Any) -> None:
        message = {"id": id, "text": f"This is {id}", "content_type": "text/plain"}
        await self.happen(
            "cx.message.received.v1", id, minute, *identifiers, interaction=interaction, message=message, **data
        )

    async def login(self, id: str, minute: int, *identifiers: Json) -> None:
        await self.happen("cx.identity.verified.v1", id, minute, *identifiers, channel="web", evidence="login")

    async def decide(self, what: str, body: Json) -> str:
        answer = await self.client.post(f"/v1/identity/{what}", json={**body, "agent": BEN})
        assert answer.status_code == 202, answer.text
        event = answer.json()["event"]
        self.told.append((ANA, f"{event['source']}#{event['id']}"))
        await self.applied(*self.told[-1])
        return self.told[-1][1]

    async def applied(self, customer: str, name: str) -> None:
        asked = (f"/v1/customers/{customer}/context", {"at_least": name, "wait": "30s"})
        answer = await self.client.get(asked[0], params=asked[1])
        assert answer.status_code == 200, answer.text

    async def get(self, path: str) -> Json:
        answer = await self.client.get(path)
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        return found

    async def customer(self, id: str) -> str:
        body: Json = (await self.get(f"/v1/customers/{id}/context"))["body"]
        return str(body["customer"]["id"])


async def the_family(story: Teller) -> None:
    """Two people, each with a mail address and the same telephone; somebody calls from it."""
    await story.say("a-1", 1, "chat-1", ANAS_MAIL, HOME_PHONE, name="Ana")
    await story.say("b-1", 2, "chat-2", BOBS_MAIL, HOME_PHONE, name="Bob")
    await story.login("a-2", 3, ANAS_MAIL, {"kind": "cookie", "value": "anas-browser"})
    await story.happen("cx.interaction.started.v1", "c-1", 4, HOME_PHONE, interaction="call-1", channel="voice")


async def it_goes_on(story: Teller) -> None:
    await story.say("b-2", 10, "chat-2", BOBS_MAIL, references=[{"kind": "order", "value": "4711"}])
    await story.say("a-3", 11, "chat-3", ANAS_MAIL, references=[{"kind": "order", "value": "4711"}])
    await story.say("b-3", 12, "chat-4", BOBS_MAIL, {"kind": "cookie", "value": "bobs-browser"})
    await story.happen("cx.interaction.ended.v1", "c-2", 13, HOME_PHONE, interaction="call-1", channel="voice")


async def all_answers(story: Teller, *, phone_is: int = AMBIGUOUS) -> dict[str, bytes]:
    """All that the hub says of the three, but for ``meta``: contexts, histories and threads, by bytes. ``phone_is``:
    how it answers whose the telephone is."""
    found: dict[str, bytes] = {}
    threads: set[str] = set()
    for id in (ANA, BOB, PHONE):
        path = f"/v1/customers/{id}/context"
        found[path] = await _but_meta(story, path, b',"body":')
        for name in ("timeline", "conversations"):
            path = f"/v1/customers/{id}/{name}?limit=200"
            found[path] = await _but_meta(story, path, b',"customer":')
        conversations = (await story.get(path))["items"]
        threads.update(thread["id"] for thread in conversations)
    for thread in sorted(threads):
        path = f"/v1/conversations/{thread}?limit=200"
        found[path] = await _but_meta(story, path, b',"customer":')
    candidates = await story.client.get("/v1/identity/candidates")
    found["candidates"] = candidates.content
    asked = await story.client.get("/v1/context", params={"identifier": "phone:+15550100188"})
    assert asked.status_code == phone_is
    found["whose is the phone"] = asked.content.partition(b',"body":')[2] or asked.content
    return found


async def _but_meta(story: Teller, path: str, mark: bytes) -> bytes:
    answer = await story.client.get(path)
    assert answer.status_code == 200, answer.text
    meta, _, rest = answer.content.partition(mark)
    assert meta.startswith(b'{"meta":')
    return rest


def client_of(url: str) -> httpx2.AsyncClient:
    return PatientClient(base_url=url, headers={"authorization": f"Bearer {SECRET}"}, timeout=PATIENCE, trust_env=False)


async def test_an_unmerge_leaves_no_trace_and_an_apart_holds(ground: Ground, tmp_path: Path) -> None:
    with running("up", await ground("right", "right"), tmp_path / "right.txt") as hub:
        async with client_of(hub.url) as client:
            story = Teller(client)
            await the_family(story)
            await it_goes_on(story)
            never_merged = await all_answers(story)
        hub.stop()

    with running("up", await ground("wrong", "wrong"), tmp_path / "wrong.txt") as hub:
        async with client_of(hub.url) as client:
            story = Teller(client)
            await the_family(story)
            assert await story.customer(ANA) != await story.customer(BOB)
            merge = await story.decide("merge", {"a": ANA, "b": BOB, "reason": "the same telephone"})
            await it_goes_on(story)
            together = (await story.get(f"/v1/customers/{BOB}/context"))["body"]
            assert together["customer"]["id"] == await story.customer(ANA)
            assert together["counts"]["interactions"] == 4
            assert [thread["channels"] for thread in together["conversations"]] == [["chat"]]
            assert all(now != never_merged[path] for path, now in (await all_answers(story)).items() if ANA in path)
            await story.decide("unmerge", {"decision": merge, "reason": "it is his mother's"})
            assert await all_answers(story) == never_merged

            said = {"interaction": "call-1", "profile": BOB, "reason": "he said his name"}
            attribution = await story.decide("attribute", said)
            his = (await story.get(f"/v1/customers/{BOB}/context"))["body"]["timeline"]
            assert [each["event"]["id"] for each in his if each["interaction"] == "call-1"] == ["c-2", "c-1"]
            assert (await story.get(f"/v1/customers/{PHONE}/context"))["body"]["counts"]["interactions"] == 0
            await story.decide("unmerge", {"decision": attribution, "reason": "it was his sister"})
            assert await all_answers(story) == never_merged

            apart = await story.decide("unmerge", {"apart": [ANA, BOB], "reason": "mother and son"})
            await story.login("l-1", 20, ANAS_MAIL, BOBS_MAIL)
            await story.login("l-2", 21, BOBS_MAIL, ANAS_MAIL, HOME_PHONE)
            assert await story.customer(ANA) != await story.customer(BOB)
            why = await story.get(f"/v1/customers/{ANA}/identity")
            refused = [edge for edge in why["edges"] if edge["state"] == "refused"]
            assert {(edge["refused"]["reason"], edge["refused"]["by"]) for edge in refused} == {("apart", apart)}
            standings = [(one["kind"], one["standing"]["state"]) for one in why["decisions"]]
            assert standings == [("apart", "stands"), ("withdraw", "stands"), ("merge", "withdrawn")]
            again = await client.post("/v1/identity/merge", json={"a": ANA, "b": BOB, "reason": "the same telephone"})
            assert (again.status_code, again.json()["reason"]) == (409, "kept-apart")
            # While two people only typed the number it might be either's; the second login proves it as one's.
            told, live = story.told, await all_answers(story, phone_is=PROVED)
            assert await story.customer(PHONE) in {await story.customer(ANA), await story.customer(BOB)}
            decided = await identity_of_both(story)
        hub.stop()

    with running("up", await ground("wrong", "replayed"), tmp_path / "replayed.txt") as hub:
        async with client_of(hub.url) as client:
            story = Teller(client)
            for customer, name in told:
                await story.applied(customer, name)
            assert await all_answers(story, phone_is=PROVED) == live
            assert await identity_of_both(story) == decided
        hub.stop()


async def identity_of_both(story: Teller) -> list[Json]:
    """Profiles, edges, decisions and candidates; ``meta`` is each store's own."""
    return [
        {name: value for name, value in (await story.get(f"/v1/customers/{id}/identity")).items() if name != "meta"}
        for id in (ANA, BOB)
    ]

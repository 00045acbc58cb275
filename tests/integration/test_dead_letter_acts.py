"""Dead letters are found, mended and tried again, or discarded with a reason; each act is on the log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.asking import PatientClient
from tests.described import HELD
from tests.patience import PATIENCE

from cx_context import fold
from cx_context.store.dead_letters import LetterFilter
from cx_events.dead_letters import DeadLetter, encode_dead_letter, encode_original
from cx_events.ids import text_of
from cx_events.log import DEAD_LETTERS, INTERACTIONS, Record
from cx_events.testing.builders import HOUR, SECOND, START, an_event
from cx_hub.compose import Hub, running_hub
from cx_hub.demo.run import embedded_settings, until_ready
from cx_hub.remapping import mapping_again, spaces_of
from cx_identity.rules import DEFAULT
from cx_ops.dead_letters.acts import LetterActs, Operator
from cx_ops.dead_letters.selection import Selection
from cx_projectors.tenancy import Tenancy
from cx_projectors.verify import verify
from cx_runtime.settings import Settings
from cx_runtime.tenants import KeyConfig, TenantConfig, Tenants

pytestmark = pytest.mark.clock

OPS, OTHER = "the key of operators", "another tenant's key"
NOTE = "cx.conversation.note.v1"


def tenants() -> Tenants:
    def of(name: str, secret: str) -> TenantConfig:
        key = KeyConfig(id="desk", secret=secret, scopes=frozenset({"ops", "context:read"}))
        return TenantConfig(id_key=f"a lasting key of {name}", keys=(key,))

    return Tenants({"acme": of("acme", OPS), "other": of("other", OTHER)})


@pytest.fixture(
    params=["embedded", pytest.param("servers", marks=[pytest.mark.kafka, pytest.mark.postgres])],
)
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    embedded = embedded_settings(tmp_path)
    if request.param == "embedded":
        return embedded
    log = request.getfixturevalue("kafka_log")(partitions=4)
    url, store = request.getfixturevalue("kafka_url"), request.getfixturevalue("postgres_store")
    return embedded.model_copy(update={"log_url": url, "store_url": store, "topic_prefix": log.prefix, "partitions": 4})


@pytest.fixture
async def hub(settings: Settings) -> AsyncIterator[Hub]:
    async with running_hub(settings, tenants()) as running:
        await until_ready(running.url)
        yield running


async def ask(hub: Hub, method: str, path: str, key: str = OPS, **query: str) -> httpx2.Response:
    async with PatientClient(event_hooks=HELD, base_url=hub.url, trust_env=False, timeout=PATIENCE) as http:
        return await http.request(method, f"/v1/ops/{path}", params=query, headers={"authorization": f"Bearer {key}"})


async def listed(hub: Hub, path: str = "dead-letters", key: str = OPS, **query: str) -> list[dict[str, Any]]:
    answer = await ask(hub, "GET", path, key, **query)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def until_applied(hub: Hub) -> None:
    async with asyncio.timeout(PATIENCE):
        while any(each["events"] for each in await listed(hub, "lag")):
            await asyncio.sleep(0.05)


async def is_correct(hub: Hub) -> None:
    """Every row and every context is what the definition says of the events on the log."""
    known = {name: (Tenancy(hub.tenants.ids(name), DEFAULT), 72 * HOUR) for name in hub.tenants.by_name}
    assert (await verify(hub.store, hub.log, known)).wrong == []


@contextmanager
def broken_notes() -> Iterator[None]:
    """While it lasts, no note can be folded."""

    def broken(part: object, fact: object, at: object) -> None:
        raise ZeroDivisionError

    with pytest.MonkeyPatch.context() as planted:
        planted.setattr(fold, "HANDLERS", {**fold.HANDLERS, NOTE: broken})
        yield


async def append_notes(hub: Hub, count: int) -> None:
    """Notes about ten customers who say something later."""
    ids = hub.tenants.ids("acme")

    def who(number: int) -> dict[str, str]:
        return {"email": f"c{number % 10}@example.com", "interaction": f"chat-{number % 10}"}

    notes = [
        an_event(NOTE, id=f"n-{n}", at=START + n * SECOND, data={"note": f"note {n}"}, ids=ids, **who(n))
        for n in range(count)
    ]
    later = [an_event(id=f"m-{n}", at=START + 2 * HOUR, text="later", ids=ids, **who(n)) for n in range(10)]
    events = [*notes, *later]
    for at in range(0, len(events), 200):
        await hub.log.append([Record(INTERACTIONS, each.key, each.raw) for each in events[at : at + 200]])
    await until_applied(hub)


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch, hub: Hub) -> Iterator[dict[str, int]]:
    """Count appends and opened reads of the operators' acts."""
    seen = {"appends": 0, "reads": 0}
    append, reading = hub.log.append, hub.store.reading

    async def counting_append(records: Any) -> Any:
        seen["appends"] += 1
        return await append(records)

    def counting_reading() -> Any:
        seen["reads"] += 1
        return reading()

    with monkeypatch.context() as planted:
        planted.setattr(hub.log, "append", counting_append)
        planted.setattr(hub.store, "reading", counting_reading)
        yield seen


async def test_a_thousand_dead_letters_are_retried_in_pages(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    with broken_notes():
        await append_notes(hub, 1_000)
        (group,) = await listed(hub, "dead-letters/groups")
    assert (group["letters"], group["stage"], group["reason"]) == (1_000, "fold", "unfoldable")
    acts = LetterActs(
        hub.log, hub.store, spaces_of(hub.tenants), mapping_again(hub.log, hub.blobs, hub.tenants, hub.metrics)
    )
    progress: list[int] = []
    with counted(monkeypatch, hub) as seen:
        outcome = await acts.retry(
            Selection(LetterFilter(), group["id"]),
            Operator("hub/command-line", "ana"),
            "mended",
            report=lambda so_far: progress.append(so_far.done),
        )
    assert (outcome.done, outcome.refused, outcome.is_over) == (1_000, {}, True)
    assert progress == sorted(progress)
    assert len(progress) <= 6
    assert seen["appends"] <= 200, (
        "of the acts and of the relay, which announces what changed: of each it would be 1000"
    )
    await until_applied(hub)
    assert await listed(hub) == []
    await is_correct(hub)


async def test_a_retried_event_takes_its_place_before_later_ones(hub: Hub) -> None:
    with broken_notes():
        await append_notes(hub, 1)
    answer = await ask(hub, "POST", "dead-letters/retry", id="n-0")
    assert answer.json() == {"retried": [{"source": "//acme.example/chat", "id": "n-0"}]}
    await until_applied(hub)
    timeline = (await context_of(hub, "c0@example.com"))["timeline"]
    assert [each["event"]["id"] for each in timeline] == ["m-0", "n-0"]
    await is_correct(hub)


def a_letter(id: str, *, tenant: str = "acme", detail: str = "a field is missing", day: int = 22) -> DeadLetter:
    return DeadLetter(
        tenant=tenant,
        source=f"//throughline/{tenant}/connections/calls",
        id=id,
        stage="map",
        reason="malformed",
        detail=detail,
        recorded=f"2026-11-{day}T10:00:00.000000Z",
        original=encode_original(id.encode()),
        connection="calls",
    )


async def append_letters(hub: Hub, *letters: DeadLetter) -> None:
    for letter in letters:
        await hub.log.append([Record(DEAD_LETTERS, letter.id.encode(), encode_dead_letter(letter))])
    await until_applied(hub)


async def test_dead_letters_are_discarded_with_a_reason_alone(hub: Hub) -> None:
    alike = [a_letter(f"l-{n}", detail=f"field {n} is missing") for n in range(5)]
    await append_letters(hub, *alike, a_letter("other", detail="no body"))
    groups = await listed(hub, "dead-letters/groups")
    assert sorted(group["letters"] for group in groups) == [1, 5]
    (large,) = [group for group in groups if group["letters"] == 5]
    assert (large["origin"], large["pattern"]) == ("calls", "field … is missing")
    refused = await ask(hub, "POST", "dead-letters/discard", group=large["id"])
    assert (refused.status_code, refused.json()["reason"]) == (400, "no-reason")
    assert len(await listed(hub)) == 6

    done = await ask(hub, "POST", "dead-letters/discard", group=large["id"], why="a test of the sender's")
    assert (done.status_code, done.json()["count"], done.json()["more"]) == (202, 5, False)
    await until_applied(hub)
    assert [item["id"] for item in await listed(hub)] == ["other"]
    discarded = await listed(hub, state="discarded")
    assert {item["state"] for item in discarded} == {"discarded"}
    assert len(discarded) == 5
    (whole,) = await listed(hub, "dead-letter", id="l-3")
    assert whole["original"] == encode_original(b"l-3")
    assert (whole["discarded"]["writer"], whole["discarded"]["reason"]) == ("key/desk", "a test of the sender's")
    await append_letters(hub, a_letter("l-3", day=23))
    assert [item["id"] for item in await listed(hub)] == ["other"]
    await is_correct(hub)


async def test_an_act_is_an_event_with_who_and_why(hub: Hub) -> None:
    await append_letters(hub, a_letter("l-1"), a_letter("l-2"))
    await ask(hub, "POST", "dead-letters/discard", id="l-1", why="a test of the sender's")
    await ask(hub, "POST", "dead-letters/retry", stage="map", why="mended")
    events = [item["value"] for item in await listed(hub, "log", type="cx.operations")]
    assert [(each["type"], each["writer"], each["data"]["reason"]) for each in events] == [
        ("cx.operations.dead_letters_retried.v1", "key/desk", "mended"),
        ("cx.operations.dead_letters_discarded.v1", "key/desk", "a test of the sender's"),
    ]
    named = events[1]["data"]["attributes"]["dead_letters"]
    assert [(each["id"], each["stage"]) for each in named] == [("l-1", "map")]
    assert events[0]["data"]["attributes"]["selection"] == {"stage": "map"}
    await until_applied(hub)
    await is_correct(hub)


async def test_a_record_that_can_be_read_is_retried(hub: Hub) -> None:
    event = an_event(id="m-1", email="ana@example.com", text="hi", ids=hub.tenants.ids("acme"))
    await hub.log.append([Record(INTERACTIONS, b"another key", event.raw)])
    await until_applied(hub)
    (letter,) = await listed(hub)
    assert (letter["stage"], letter["reason"]) == ("decode", "wrong-key")
    assert await listed(hub, key=OTHER) == []
    assert (await ask(hub, "POST", "dead-letters/retry", OTHER, id=letter["id"])).status_code == 404
    assert (await ask(hub, "POST", "dead-letters/retry", id=letter["id"])).status_code == 202
    await until_applied(hub)
    assert await listed(hub) == []
    assert [each["event"]["id"] for each in (await context_of(hub, "ana@example.com"))["timeline"]] == ["m-1"]
    await is_correct(hub)


async def context_of(hub: Hub, email: str) -> dict[str, Any]:
    profile = text_of(hub.tenants.ids("acme").profile("email", "", email))
    async with PatientClient(event_hooks=HELD, base_url=hub.url, trust_env=False, timeout=PATIENCE) as http:
        shown = await http.get(f"/v1/customers/{profile}/context", headers={"authorization": f"Bearer {OPS}"})
    body: dict[str, Any] = shown.json()["body"]
    return body


async def test_what_cannot_be_read_is_seen_without_its_content(hub: Hub) -> None:
    await hub.log.append([Record(INTERACTIONS, b"k", b"no JSON of whoever")])
    await until_applied(hub)
    for key in (OPS, OTHER):
        (letter,) = await listed(hub, key=key)
        assert (letter["stage"], letter["reason"], letter["withheld"]) == ("decode", "undecodable", True)
        assert letter["place"].startswith("cx.interactions/")
        assert (await ask(hub, "GET", "dead-letter", key, id=letter["id"])).status_code == 404
        discard = await ask(hub, "POST", "dead-letters/discard", key, id=letter["id"], why="nobody's")
        assert discard.status_code == 404


async def test_tenants_act_on_their_own_dead_letters_alone(hub: Hub) -> None:
    await append_letters(hub, a_letter("mine"), a_letter("theirs", tenant="other"))
    (group,) = await listed(hub, "dead-letters/groups")
    assert (group["tenant"], group["letters"]) == ("acme", 1)
    refused = await ask(hub, "POST", "dead-letters/discard", OTHER, group=group["id"], why="mischief")
    assert (refused.status_code, refused.json()["reason"]) == (404, "unknown-group")
    assert (await ask(hub, "POST", "dead-letters/discard", OTHER, id="mine", why="mischief")).status_code == 404
    await ask(hub, "POST", "dead-letters/discard", OTHER, stage="map", why="mine alone")
    await until_applied(hub)
    assert [item["id"] for item in await listed(hub)] == ["mine"]
    assert await listed(hub, key=OTHER) == []


@pytest.mark.parametrize(
    ("query", "status", "reason"),
    [
        ({}, 400, "nothing-selected"),
        ({"group": "nothing"}, 404, "unknown-group"),
        ({"id": "nothing"}, 404, "unknown-dead-letter"),
        ({"since": "yesterday"}, 400, "bad-time"),
        ({"colour": "red"}, 400, "unknown-parameter"),
    ],
)
@pytest.mark.parametrize("settings", ["embedded"], indirect=True)
async def test_an_act_on_nothing_is_refused(hub: Hub, query: dict[str, str], status: int, reason: str) -> None:
    for act in ("retry", "discard"):
        refused = await ask(hub, "POST", f"dead-letters/{act}", **{**query, "why": "because"})
        assert (refused.status_code, refused.json()["reason"]) == (status, reason)
    assert await listed(hub, "log", type="cx.operations") == []


async def test_an_events_page_tells_where_it_lies(hub: Hub) -> None:
    ids = hub.tenants.ids("acme")
    said = {"email": "ana@example.com", "interaction": "chat-1", "ids": ids}
    trace = "0af7651916cd43dd8448eb211c80319c"
    event = an_event(id="m-1", text="hi", **said)
    raw = event.raw[:-1] + b',"writer":"key/shop","traceparent":"00-%s-b7ad6b7169203331-01"}' % trace.encode()
    (place,) = await hub.log.append([Record(INTERACTIONS, event.key, raw)])
    await until_applied(hub)
    answer = await ask(hub, "GET", "events", source=event.source, id="m-1")
    assert answer.status_code == 200, answer.text
    page = answer.json()
    assert page["raw"].encode() == raw
    assert (page["place"]["partition"], page["place"]["offset"]) == (place.partition, place.offset)
    assert (page["origin"], page["trace_id"]) == ({"writer": "key/shop", "key": "shop"}, trace)
    customer = text_of(ids.profile("email", "", "ana@example.com"))
    assert page["changes"]["customers"] == [customer]
    assert [each["value"] for each in page["changes"]["profiles"]] == ["ana@example.com"]
    shown = await context_of(hub, "ana@example.com")
    assert page["changes"]["conversations"] == [each["id"] for each in shown["conversations"]]
    assert (await ask(hub, "GET", "events", OTHER, source=event.source, id="m-1")).status_code == 404
    assert (await ask(hub, "GET", "events", source=event.source)).status_code == 400

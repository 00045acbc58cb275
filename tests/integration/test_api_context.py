"""Reading contexts over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import httpx2
import pytest
from tests.api import KEYS, Running, running_api

from cx_context.document import encode_body
from cx_context.reference_definition import define, define_bodies
from cx_context.store.dead_letters import write_dead_letters
from cx_context.versions import first_version
from cx_context_api.contexts.body_cache import BodyCache, CachedBody
from cx_events.dead_letters import DeadLetter
from cx_events.ids import IdSpace, text_of
from cx_events.testing.builders import ACME, DAY, HOUR, MINUTE, SECOND, START, a_decision, an_event, fact_of
from cx_identity.rules import Rules

WINDOW = 72 * HOUR
RULES = Rules.parse({"shared_after": {"phone": 1, "email": 2, "cookie": 2}, "exclusive": ["crm"]})
ANA = ACME.profile("email", "", "ana@example.com")
BOB = ACME.profile("email", "", "bob@example.com")
ASKED = an_event(id="m-1", email="ana@example.com", cookie="c-7", interaction="chat-42", text="I was charged twice")
CALLED = an_event(
    "cx.interaction.started.v1",
    id="c-1",
    at=START + HOUR,
    source="//acme.example/calls",
    phone="+15550100123",
    interaction="acme-calls/CA1",
    channel="voice",
)
OF_BOB = an_event(id="m-2", email="bob@example.com", interaction="chat-43", text="Where is my parcel?")


@pytest.fixture
async def hub(store_url: str, tmp_path: Path) -> AsyncIterator[Running]:
    async with running_api(tmp_path, store_url) as running:
        yield running


def named(source: str, id: str) -> str:
    return quote(f"{source}#{id}", safe="")


async def test_an_identifier_finds_the_body_of_the_definition(hub: Running) -> None:
    await hub.happen(ASKED, CALLED, OF_BOB)
    answer = await hub.get("/v1/context?identifier=email:ana@example.com")
    assert answer.status_code == 200
    facts = [fact_of(stamped) for stamped in (ASKED, CALLED, OF_BOB)]
    expected = define_bodies(facts, ACME, RULES, WINDOW)[define(facts, ACME, RULES).customer_of[ANA]]
    assert answer.content.endswith(b',"body":' + encode_body(expected) + b"}")
    assert answer.json()["body"]["conversations"][0]["messages"][0]["text"] == "I was charged twice"
    meta = answer.json()["meta"]
    assert meta["version"] >= 1
    assert meta["current_to"].endswith("Z")


@pytest.mark.parametrize("form", ["+15550100123", "%2B15550100123", "(555)%20010-0123", "tel:+1-555-010-0123"])
async def test_phone_numbers_in_queries_are_read_as_at_intake(hub: Running, form: str) -> None:
    await hub.happen(CALLED)
    answer = await hub.get(f"/v1/context?identifier=phone:{form}")
    assert answer.status_code == 200, answer.text
    assert answer.json()["body"]["customer"]["identifiers"][0]["value"] == "+15550100123"


async def test_every_way_of_asking_leads_to_the_same_bytes(hub: Running) -> None:
    await hub.happen(ASKED)
    by_identifier = await hub.get("/v1/context?identifier=email:Ana@Example.com")
    by_interaction = [
        await hub.get("/v1/context?interaction=chat-42"),
        await hub.post("/v1/context/lookup", {"interaction": "chat-42"}),
    ]
    others = [
        await hub.get(f"/v1/customers/{text_of(ANA)}/context"),
        await hub.get(f"/v1/customers/{text_of(ACME.profile('cookie', '', 'c-7'))}/context"),
        await hub.post("/v1/context/lookup", {"identifier": "email:ana@example.com"}),
        await hub.post("/v1/context/lookup", {"identifier": {"kind": "cookie", "value": "c-7"}}),
    ]
    assert {other.content for other in others} == {by_identifier.content}
    for one in by_interaction:
        meta = one.json()["meta"]
        assert meta.pop("contact")["interaction"] == "chat-42"
        assert meta == by_identifier.json()["meta"]
        assert one.content.partition(b',"body":')[2] == by_identifier.content.partition(b',"body":')[2]


async def test_an_identifier_with_a_scope_is_another_without_it(hub: Running) -> None:
    scoped = an_event(id="m-1", data={"participants": [
        {"role": "customer", "identifiers": [{"kind": "facebook-psid", "value": "9", "scope": "page-1"}]}
    ]})  # fmt: skip
    await hub.happen(scoped)
    assert (await hub.get("/v1/context?identifier=facebook-psid:9&scope=page-1")).status_code == 200
    assert (await hub.get("/v1/context?identifier=facebook-psid:9")).status_code == 404
    lookup = await hub.post("/v1/context/lookup", {"identifier": "facebook-psid:9", "scope": "page-1"})
    assert lookup.status_code == 200


async def test_an_anonymous_interaction_is_read_by_its_id(hub: Running) -> None:
    await hub.happen(an_event("cx.interaction.started.v1", id="c-9", interaction="call-9", channel="voice"))
    answer = await hub.get("/v1/context?interaction=call-9")
    assert answer.status_code == 200
    customer = answer.json()["body"]["customer"]
    assert customer["identifiers"] == []
    assert answer.json()["meta"]["contact"]["assurance"]["level"] == "none"
    assert (await hub.get(f"/v1/customers/{customer['id']}/context")).json()["body"] == answer.json()["body"]


async def test_an_unchanged_context_answers_304(hub: Running) -> None:
    await hub.happen(ASKED)
    path = "/v1/context?identifier=email:ana@example.com"
    first = await hub.get(path)
    tag = first.headers["etag"]
    customer, version = first.json()["body"]["customer"]["id"], first.json()["meta"]["version"]
    assert tag.startswith(f'"{customer}-{version}-')
    for known in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        again = await hub.get(path, headers={"if-none-match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    await hub.happen(an_event(id="m-9", at=START + MINUTE, email="ana@example.com", interaction="chat-42", text="?"))
    changed = await hub.get(path, headers={"if-none-match": tag})
    assert changed.status_code == 200
    assert changed.json()["meta"]["version"] > first.json()["meta"]["version"]


async def test_an_unchanged_context_is_rendered_once(hub: Running) -> None:
    await hub.happen(ASKED, OF_BOB)
    path = "/v1/context?identifier=email:ana@example.com"
    answers = await asyncio.gather(*(hub.get(path) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    assert hub.api.contexts.rendered == 1
    await hub.happen(an_event(id="m-9", at=START + MINUTE, email="ana@example.com", interaction="chat-42", text="?"))
    later = await hub.get(path)
    assert hub.api.contexts.rendered == 2
    assert later.json()["body"]["counts"]["events"] == 2


async def test_at_least_waits_until_the_event_is_applied(hub: Running) -> None:
    await hub.arrive(ASKED)
    name = named("//acme.example/chat", "m-1")
    waiting = asyncio.create_task(hub.get(f"/v1/context?identifier=email:ana@example.com&at_least={name}&wait=20s"))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    await hub.projector.catch_up()
    answer = await waiting
    assert answer.status_code == 200
    assert answer.json()["body"]["timeline"][0]["event"]["id"] == "m-1"


async def test_several_events_are_all_waited_for(hub: Running) -> None:
    later = an_event(id="m-5", at=START + MINUTE, email="ana@example.com", interaction="chat-42", text="Hello?")
    await hub.happen(ASKED)
    both = f"at_least={named('//acme.example/chat', 'm-1')}&at_least={named('//acme.example/chat', 'm-5')}"
    path = f"/v1/customers/{text_of(ANA)}/context?{both}&wait=50ms"
    early = await hub.get(path)
    assert (early.status_code, early.json()["reason"]) == (504, "not-yet")
    await hub.happen(later)
    assert (await hub.get(path)).status_code == 200


async def test_wait_alone_waits_for_a_customer_still_unknown(hub: Running) -> None:
    waiting = asyncio.create_task(hub.get("/v1/context?identifier=email:ana@example.com&wait=20s"))
    await asyncio.sleep(0.05)
    await hub.happen(ASKED)
    assert (await waiting).status_code == 200
    unknown = await hub.get("/v1/context?identifier=email:nobody@example.com&wait=20ms")
    assert (unknown.status_code, unknown.json()["reason"]) == (404, "unknown-customer")


async def test_an_event_of_somebody_else_is_a_conflict(hub: Running) -> None:
    await hub.happen(ASKED, OF_BOB)
    name = named("//acme.example/chat", "m-2")
    answer = await hub.get(f"/v1/context?identifier=email:ana@example.com&at_least={name}")
    assert (answer.status_code, answer.json()["reason"]) == (409, "other-customer")


async def test_an_event_that_links_the_customers_identifiers_counts(hub: Running) -> None:
    link = an_event(
        "cx.identity.asserted.v1",
        id="crm-1",
        source="//acme.example/crm",
        at=START + MINUTE,
        data={"links": [[{"kind": "crm", "value": "C-1"}, {"kind": "email", "value": "ana@example.com"}]]},
    )
    await hub.happen(ASKED, link)
    name = named("//acme.example/crm", "crm-1")
    answer = await hub.get(f"/v1/context?identifier=email:ana@example.com&at_least={name}")
    assert answer.status_code == 200, answer.text


async def test_a_dead_lettered_event_is_a_conflict_at_once(hub: Running) -> None:
    await hub.happen(ASKED)
    letter = DeadLetter(
        tenant="acme",
        source="//acme.example/chat",
        id="lost-1",
        stage="map",
        reason="malformed",
        detail="x",
        recorded="2026-11-22T10:00:00Z",
    )
    async with hub.store.writing() as tx:
        await write_dead_letters(tx, [letter])
    name = named("//acme.example/chat", "lost-1")
    answer = await hub.get(f"/v1/context?identifier=email:ana@example.com&at_least={name}&wait=20s")
    assert (answer.status_code, answer.json()["reason"]) == (409, "dead-lettered")
    assert "malformed" in answer.json()["detail"]


async def test_a_shared_identifier_is_ambiguous_and_lists_candidates(hub: Running) -> None:
    await hub.happen(
        an_event(id="s-1", email="ana@example.com", phone="+15550100199", name="Ana"),
        an_event(id="s-2", at=START + SECOND, email="bob@example.com", phone="+15550100199", name="Bob"),
    )
    answer = await hub.get("/v1/context?identifier=phone:+15550100199")
    problem = answer.json()
    assert (answer.status_code, problem["reason"]) == (409, "ambiguous-identifier")
    assert answer.headers["content-type"] == "application/problem+json"
    assert {(c["id"], c["display"]) for c in problem["candidates"]} == {(text_of(ANA), "Ana"), (text_of(BOB), "Bob")}
    assert "seen-together in //acme.example/chat#s-2" in {c["why"] for c in problem["candidates"]}
    assert (await hub.get("/v1/context?identifier=email:ana@example.com")).status_code == 200


async def test_an_interaction_of_several_people_is_ambiguous(hub: Running) -> None:
    await hub.happen(
        an_event(id="s-1", email="ana@example.com", interaction="post-1", channel="social", name="Ana"),
        an_event(id="s-2", email="bob@example.com", interaction="post-1", channel="social", name="Bob"),
    )
    answer = await hub.get("/v1/context?interaction=post-1")
    assert (answer.status_code, answer.json()["reason"]) == (409, "ambiguous-interaction")
    assert {c["display"] for c in answer.json()["candidates"]} == {"Ana", "Bob"}


async def test_unknown_and_malformed_ids_are_404(hub: Running) -> None:
    await hub.happen(ASKED)
    nobody = text_of(ACME.profile("email", "", "nobody@example.com"))
    for path in (
        "/v1/context?identifier=email:nobody@example.com",
        "/v1/context?interaction=chat-99",
        f"/v1/customers/{nobody}/context",
        "/v1/customers/ana/context",
        "/v1/customers/%00/context",
        "/v1/customers/ana/timeline",
        f"/v1/customers/{nobody}/timeline",
        f"/v1/customers/{nobody}/conversations",
        f"/v1/customers/{nobody}/identity",
        f"/v1/conversations/{nobody}",
        "/v1/conversations/x",
    ):
        answer = await hub.get(path)
        assert answer.status_code == 404, path
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("query", "status", "reason"),
    [
        ("", 400, "bad-query"),
        ("identifier=email:a@example.com&interaction=x", 400, "bad-query"),
        ("identifier=email:a@example.com&identifier=email:b@example.com", 400, "bad-query"),
        ("identifier=ana@example.com", 400, "bad-identifier"),
        ("identifier=phone:anonymous", 422, "unusable-identifier"),
        ("identifier=email:%00", 422, "unusable-identifier"),
        ("identifier=email:%FF", 400, "bad-query"),
        ("identifier=email:a@example.com&colour=red", 400, "unknown-parameter"),
        ("identifier=email:a@example.com&at_least=m-1", 400, "bad-event-name"),
        ("identifier=email:a@example.com&at_least=a%23%00", 400, "bad-event-name"),
        ("identifier=email:a@example.com&wait=soon", 400, "bad-duration"),
        ("identifier=email:a@example.com&wait=-1s", 400, "bad-duration"),
        ("interaction=x&scope=y", 400, "bad-query"),
        ("interaction=x&as_of=yesterday", 400, "bad-time"),
        ("interaction=x&as_of=2026-11-22T10:00:00Z&wait=1s", 400, "bad-query"),
        ("&".join(["identifier=x"] * 100), 400, "bad-query"),
    ],
)
async def test_a_malformed_question_is_refused_with_its_place(
    tmp_path: Path, query: str, status: int, reason: str
) -> None:
    async with running_api(tmp_path) as hub:
        answer = await hub.get(f"/v1/context?{query}")
        assert (answer.status_code, answer.json()["reason"]) == (status, reason)


async def test_a_key_needs_the_scope_of_what_it_asks(hub: Running) -> None:
    await hub.happen(ASKED)
    path = "/v1/context?identifier=email:ana@example.com"
    assert (await hub.client.get(path)).status_code == 401
    assert (await hub.client.get(path, headers={"authorization": "Bearer nope"})).status_code == 401
    assert (await hub.get(path, key="desk")).status_code == 403
    assert (await hub.get(path, key="reader")).status_code == 200


async def test_no_tenant_sees_what_is_anothers(hub: Running) -> None:
    elsewhere = IdSpace("other", b"a lasting key of another")
    await hub.happen(
        ASKED, an_event(id="m-1", email="ana@example.com", interaction="chat-42", text="theirs", ids=elsewhere)
    )
    own = (await hub.get("/v1/context?identifier=email:ana@example.com", key="other")).json()["body"]
    assert own["timeline"][0]["text"] == "theirs"
    conversation = (await hub.body("email:ana@example.com"))["conversations"][0]["id"]
    name = named("//acme.example/chat", "m-1")
    for path in (
        f"/v1/customers/{text_of(ANA)}/context",
        f"/v1/customers/{text_of(ANA)}/context?at_least={name}&wait=10ms",
        f"/v1/customers/{text_of(ANA)}/timeline",
        f"/v1/customers/{text_of(ANA)}/conversations",
        f"/v1/customers/{text_of(ANA)}/identity",
        f"/v1/conversations/{conversation}",
    ):
        assert (await hub.get(path, key="other")).status_code == 404, path
    agent = {"id": "a-1"}
    for path, body in (
        (f"/v1/conversations/{conversation}/notes", {"note": "x", "agent": agent}),
        ("/v1/identity/merge", {"a": text_of(ANA), "b": own["customer"]["id"], "reason": "x"}),
        ("/v1/identity/unmerge", {"apart": [text_of(ANA), own["customer"]["id"]], "reason": "x"}),
        ("/v1/identity/unmerge", {"decision": "//acme.example/chat#m-1", "reason": "x"}),
    ):
        refused = await hub.post(path, body, key="other")
        assert refused.status_code == 404, refused.text


async def test_reads_answer_503_only_while_the_store_is_down(tmp_path: Path) -> None:
    async with running_api(tmp_path) as hub:
        await hub.happen(ASKED)
        path = "/v1/context?identifier=email:ana@example.com"
        assert (await hub.get(path)).status_code == 200
        file, aside = tmp_path / "store.db", tmp_path / "aside.db"
        await hub.api.stop()
        await hub.store.stop()
        file.rename(aside)
        file.mkdir()
        hub.client.is_patient = False
        for broken in (path, f"/v1/customers/{text_of(ANA)}/timeline", "/v1/identity/candidates"):
            answer = await hub.get(broken)
            assert (answer.status_code, answer.json()["reason"]) == (503, "try-later")
            assert int(answer.headers["retry-after"]) >= 1
        file.rmdir()
        aside.rename(file)
        hub.client.is_patient = True
        assert (await hub.get(path)).status_code == 200


async def test_the_past_reads_by_as_of_and_known_at(hub: Running) -> None:
    late = an_event(
        id="m-0", at=START - HOUR, recorded=START + DAY, email="ana@example.com", interaction="chat-1", text="Late"
    )
    merged = a_decision(
        "cx.identity.merged.v1",
        id="d-1",
        about=ACME.tenant_node(),
        at=START + 2 * HOUR,
        data={"identity": {"a": text_of(ANA), "b": text_of(ACME.profile("phone", "", "+15550100123"))}},
    )
    await hub.happen(ASKED, CALLED, late, merged)

    async def then(query: str) -> httpx2.Response:
        return await hub.get(f"/v1/context?identifier=email:ana@example.com&{query}")

    assert (await then("as_of=2026-11-22T10:30:00Z")).json()["body"]["counts"]["events"] == 2
    assert (await then("known_at=2026-11-22T10:30:00Z")).json()["body"]["counts"]["events"] == 1
    assert (await then("known_at=2026-11-22T13:00:00Z")).json()["body"]["counts"]["events"] == 2
    today = await then("known_at=2026-11-24T00:00:00Z")
    assert today.json()["meta"] == {
        "version": None, "current_to": None, "as_of": None, "known_at": "2026-11-24T00:00:00Z",
    }  # fmt: skip
    assert today.json()["body"] == await hub.body("email:ana@example.com")
    assert (await then("as_of=2026-11-01T00:00:00Z")).status_code == 404


async def test_malformed_and_oversized_bodies_are_refused(tmp_path: Path) -> None:
    async with running_api(tmp_path) as hub:
        key = {"authorization": f"Bearer {KEYS['all']}"}

        async def send(content: bytes, content_type: str = "application/json") -> tuple[int, str]:
            answer = await hub.client.post(
                "/v1/context/lookup", content=content, headers={**key, "content-type": content_type}
            )
            return answer.status_code, answer.json()["reason"]

        assert await send(b"") == (400, "json-empty")
        assert await send(b"[" * 10_000) == (400, "json-depth")
        assert await send(b'{"identifier": "\xff"}') == (400, "json-encoding")
        assert await send(b'{"identifier": 1}') == (422, "bad-body")
        assert await send(b'{"identifer": "email:a@example.com"}') == (422, "bad-body")
        assert await send(b"{}", "text/plain") == (415, "unsupported-media-type")
        assert await send(b"{}" + b" " * 70_000) == (413, "too-large")


def test_the_cache_drops_the_least_recently_used_bodies() -> None:
    bodies = BodyCache(10)
    a, b, c = (("acme", bytes([n])) for n in range(3))
    bodies.put(a, CachedBody.of(1, b"12345"))
    bodies.put(b, CachedBody.of(1, b"12345"))
    bodies.get(a)
    bodies.put(c, CachedBody.of(1, b"1"))
    assert bodies.get(b) is None
    assert bodies.get(a) == CachedBody.of(1, b"12345")
    bodies.put(a, CachedBody.of(3, b"3"))
    bodies.put(a, CachedBody.of(2, b"late"))
    assert bodies.get(a) == CachedBody.of(3, b"3")
    bodies.put(a, CachedBody.of(first_version(2), b"anew"))
    bodies.put(a, CachedBody.of(4, b"back"))
    assert bodies.get(a) == CachedBody.of(4, b"back"), "another store's is no late one"

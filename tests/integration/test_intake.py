"""Events and webhooks over HTTP: what is answered, what is durable by then, and what is never lost."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.asking import PatientClient
from tests.channels import IMPORTER, READER, SECRET, WRITER, Hub, running_hub
from tests.described import HELD
from tests.patience import PATIENCE

from cx_channels.kit.signing import sign
from cx_events.blob import blob_name
from cx_events.dead_letters import DeadLetter
from cx_events.timestamps import parse_time

pytestmark = pytest.mark.clock

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    async with running_hub(tmp_path) as running:
        yield running


@pytest.fixture
async def client(hub: Hub) -> AsyncIterator[PatientClient]:
    async with PatientClient(event_hooks=HELD, base_url=hub.url, timeout=PATIENCE) as found:
        yield found


def event(id: str = "m-1", **changes: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": id,
        "source": "//acme.example/chat",
        "type": "cx.message.received.v1",
        "time": "2026-11-22T10:02:11Z",
        "data": {"channel": "chat", "interaction": "chat-42", "message": {"id": id, "text": "I was charged twice"}},
        **changes,
    }


async def send(
    client: httpx2.AsyncClient, body: Any, content_type: str = STRUCTURED, key: str = WRITER, **headers: str
) -> httpx2.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = {"content-type": content_type, "authorization": f"Bearer {key}", **headers}
    return await client.post("/v1/events", content=content, headers=sent)


def is_problem(response: httpx2.Response, status: int, reason: str) -> None:
    assert (response.status_code, response.json()["reason"]) == (status, reason)
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["status"] == status
    assert {"type", "title", "detail"} <= response.json().keys()


# --- events from clients ---------------------------------------------------------------------------------------------


async def test_an_accepted_event_is_already_on_the_log(hub: Hub, client: httpx2.AsyncClient) -> None:
    response = await send(client, event())
    assert response.status_code == 202
    assert response.json() == {"accepted": [{"source": "//acme.example/chat", "id": "m-1"}], "rejected": []}
    (stored,) = await hub.events()
    assert (stored["tenantid"], stored["data"]) == ("acme", event()["data"])
    assert hub.counted("cx_intake_events_total", provider="client", type="cx.message.received.v1") == 1


async def test_valid_events_of_a_batch_survive_invalid_ones(hub: Hub, client: httpx2.AsyncClient) -> None:
    response = await send(client, [event("a"), 7, event("b", source="no uri"), event("c")], BATCH)
    assert response.status_code == 202
    assert [one["id"] for one in response.json()["accepted"]] == ["a", "c"]
    assert [(one["index"], one["reason"]) for one in response.json()["rejected"]] == [
        (1, "not-an-event"),
        (2, "bad-source"),
    ]
    assert sorted(one["id"] for one in await hub.events()) == ["a", "c"]
    assert hub.counted("cx_intake_refused_total", provider="client", reason="bad-source") == 1


async def test_what_json_can_not_hold_is_refused_alone(hub: Hub, client: httpx2.AsyncClient) -> None:
    whole = [json.dumps(event(id)).encode() for id in ("a", "half", "double", "vast", "b")]
    whole[1] = whole[1].replace(b"twice", b"\\ud83d")
    whole[2] = whole[2].replace(b'"channel"', b'"channel": "voice", "channel"')
    whole[3] = whole[3].replace(b'"interaction"', b'"duration_ms": 1e999, "interaction"')
    for content_type in (BATCH, "application/json"):
        response = await send(client, b"[" + b",".join(whole) + b"]", content_type)
        assert response.status_code == 202
        assert [one["id"] for one in response.json()["accepted"]] == ["a", "b"]
        assert [(one["index"], one["reason"]) for one in response.json()["rejected"]] == [
            (1, "json-encoding"),
            (2, "json-duplicate-key"),
            (3, "json-number"),
        ]
    is_problem(await send(client, b"[" + whole[1] + b"]", BATCH), 422, "no-event-accepted")
    is_problem(await send(client, whole[1]), 400, "json-encoding")
    assert {one["id"] for one in await hub.events()} == {"a", "b"}


async def test_a_batch_is_one_append(hub: Hub, client: httpx2.AsyncClient) -> None:
    response = await send(client, [event(str(n)) for n in range(1000)], BATCH)
    assert len(response.json()["accepted"]) == 1000
    assert (hub.log.appends, len(await hub.events())) == (1, 1000)


async def test_a_batch_without_valid_events_answers_422(hub: Hub, client: httpx2.AsyncClient) -> None:
    response = await send(client, event(id=""))
    is_problem(response, 422, "no-event-accepted")
    assert [one["reason"] for one in response.json()["rejected"]] == ["missing-id"]
    assert await hub.events() == []


async def test_an_empty_batch_is_accepted_as_it_is(hub: Hub, client: httpx2.AsyncClient) -> None:
    response = await send(client, [], BATCH)
    assert (response.status_code, response.json()) == (202, {"accepted": [], "rejected": []})


async def test_binary_mode_carries_an_event_in_headers(hub: Hub, client: httpx2.AsyncClient) -> None:
    headers = {
        "ce-specversion": "1.0",
        "ce-id": "b-1",
        "ce-source": "//acme.example/chat",
        "ce-type": "cx.message.received.v1",
        "ce-subject": "Euro%20%E2%82%AC",
    }
    response = await send(client, event()["data"], "application/json", **headers)
    assert response.status_code == 202
    (stored,) = await hub.events()
    assert (stored["subject"], stored["data"]["message"]["text"]) == ("Euro \u20ac", "I was charged twice")


async def test_an_event_without_a_key_is_refused(hub: Hub, client: httpx2.AsyncClient) -> None:
    response = await client.post("/v1/events", json=event())
    is_problem(response, 401, "no-key")
    assert response.headers["www-authenticate"] == 'Bearer realm="throughline"'
    is_problem(await send(client, event(), key="a wrong key"), 401, "bad-key")
    is_problem(await client.post("/v1/events", json=event(), headers={"authorization": "Basic eDp5"}), 401, "no-key")
    refused = await send(client, event(), key=READER)
    is_problem(refused, 403, "missing-scope")
    assert "insufficient_scope" in refused.headers["www-authenticate"]
    assert await hub.events() == []


async def test_the_tenant_is_that_of_the_key(hub: Hub, client: httpx2.AsyncClient) -> None:
    await send(client, event(), key="other-key")
    assert (await hub.events())[0]["tenantid"] == "other"


async def test_only_an_import_may_say_when_it_was_recorded(hub: Hub, client: httpx2.AsyncClient) -> None:
    old = event(recordedtime="2020-01-01T00:00:00Z", tenantid="acme")
    assert (await send(client, old)).json()["rejected"][0]["reason"] == "reserved-attribute"
    assert (await send(client, old, key=IMPORTER)).status_code == 202
    assert (await hub.events())[0]["recordedtime"] == "2020-01-01T00:00:00Z"
    own = event(source="//throughline/acme/connections/acme-chat")
    assert (await send(client, own, key=IMPORTER)).json()["rejected"][0]["reason"] == "reserved-source"


async def test_recorded_times_rise_from_request_to_request(hub: Hub, client: httpx2.AsyncClient) -> None:
    for n in range(20):
        await send(client, event(str(n)))
    times = {int(one["id"]): parse_time(one["recordedtime"]) for one in await hub.events()}
    assert [times[n] for n in range(20)] == sorted(set(times.values()))


async def test_a_log_that_is_down_fails_the_whole_batch(hub: Hub, client: PatientClient) -> None:
    hub.log.broken, client.is_patient = True, False
    response = await send(client, [event("a"), 7], BATCH)
    is_problem(response, 503, "try-later")
    assert int(response.headers["retry-after"]) >= 1
    assert hub.counted("cx_unavailable_total", part="log") == 1
    assert hub.counted("cx_intake_events_total", provider="client", type="cx.message.received.v1") == 0
    hub.log.broken, client.is_patient = False, True
    assert (await send(client, [event("a"), 7], BATCH)).status_code == 202


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "deflate", "identity"])
async def test_compressed_events_are_unpacked(hub: Hub, client: httpx2.AsyncClient, coding: str) -> None:
    pack = {"deflate": zlib.compress, "identity": bytes}.get(coding, gzip.compress)
    response = await send(client, pack(json.dumps(event()).encode()), **{"content-encoding": coding})
    assert response.status_code == 202


async def test_bare_deflate_and_several_gzip_members_are_read(client: httpx2.AsyncClient) -> None:
    body = json.dumps(event()).encode()
    bare = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    packed = bare.compress(body) + bare.flush()
    assert (await send(client, packed, **{"content-encoding": "deflate"})).status_code == 202
    members = gzip.compress(body[:100]) + gzip.compress(body[100:])
    assert (await send(client, members, **{"content-encoding": "gzip"})).status_code == 202


@pytest.mark.parametrize(
    ("body", "headers", "status", "reason"),
    [
        (b"", {}, 400, "json-empty"),
        (b"{", {}, 400, "json-syntax"),
        (b"[" * 200_000, {}, 400, "json-depth"),
        (b'{"a":1,"a":2}', {}, 400, "json-duplicate-key"),
        (b'{"a":' + b"9" * 5000 + b"}", {}, 400, "json-number"),
        (b"\xff", {}, 400, "json-encoding"),
        (b"{}", {"content-type": "text/html"}, 415, "unsupported-media-type"),
        (b"x" * ((1 << 20) + 1), {}, 413, "too-large"),
        # A fixed time, since the bytes name the test and all workers of a run must find the same tests.
        (gzip.compress(b"x" * (2 << 20), mtime=0), {"content-encoding": "gzip"}, 413, "too-large"),
        (gzip.compress(b"{}", mtime=0)[:-3], {"content-encoding": "gzip"}, 400, "bad-encoding"),
        (b"no gzip", {"content-encoding": "gzip"}, 400, "bad-encoding"),
        (b"", {"content-encoding": "gzip"}, 400, "bad-encoding"),
        (b"", {"content-encoding": "deflate"}, 400, "bad-encoding"),
        (zlib.compress(b"{}") + b"more", {"content-encoding": "deflate"}, 400, "bad-encoding"),
        (b"{}", {"content-encoding": "br"}, 415, "unsupported-encoding"),
        (b"{}", {"content-encoding": "gzip, gzip"}, 415, "unsupported-encoding"),
    ],
)
async def test_an_unreadable_body_is_refused_with_its_reason(
    hub: Hub, client: httpx2.AsyncClient, body: bytes, headers: dict[str, str], status: int, reason: str
) -> None:
    sent = {"content-type": STRUCTURED, "authorization": f"Bearer {WRITER}", **headers}
    is_problem(await client.post("/v1/events", content=body, headers=sent), status, reason)
    assert hub.counted("cx_intake_refused_total", provider="client", reason=reason) == 1
    assert hub.counted("cx_http_problems_total", status=str(status), reason=reason) == 1


async def test_a_large_original_goes_to_the_blob_store(hub: Hub, client: httpx2.AsyncClient) -> None:
    original = {"lines": ["x" * 1000] * 300}
    value = event()
    value["data"]["raw"] = original
    assert (await send(client, value)).status_code == 202
    (stored,) = await hub.events()
    kept = await hub.blobs.get("acme", stored["data"]["raw"]["blob"])
    assert kept is not None
    assert json.loads(kept) == original


async def test_unknown_paths_and_methods_are_problems(client: httpx2.AsyncClient) -> None:
    unknown = await client.get("/v1/nothing")
    is_problem(unknown, 404, "not-found")
    assert unknown.json()["detail"] == "there is nothing at this path; GET /openapi.json describes what there is"
    response = await client.get("/v1/events")
    is_problem(response, 405, "method-not-allowed")
    assert response.json()["detail"] == "this path takes POST"
    assert response.headers["allow"] == "POST"


# --- webhooks --------------------------------------------------------------------------------------------------------


async def hook(
    client: httpx2.AsyncClient, body: Any, path: str = "/v1/hooks/acme-echo", signed: bool = True, **headers: str
) -> httpx2.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = {"content-type": "application/json", **headers}
    if signed:
        sent["x-signature"] = sign(SECRET, str(client.base_url).rstrip("/").encode() + path.encode() + content)
    return await client.post(path, content=content, headers=sent)


async def test_a_webhook_becomes_events_and_the_providers_answer(hub: Hub, client: httpx2.AsyncClient) -> None:
    response = await hook(client, {"say": ["hello", "again"], "ignore": ["noise"]})
    assert (response.status_code, response.text) == (200, "took 2")
    stored = await hub.events()
    assert {one["id"] for one in stored} == {"say-hello", "say-again"}
    assert {one["source"] for one in stored} == {"//throughline/acme/connections/acme-echo"}
    assert stored[0]["data"]["raw"] in ("hello", "again")
    assert hub.counted("cx_intake_events_total", provider="chat/echo", type="cx.message.received.v1") == 2
    assert hub.counted("cx_intake_ignored_total", provider="chat/echo", kind="noise") == 1


async def test_a_forged_webhook_is_refused_and_leaves_nothing(hub: Hub, client: httpx2.AsyncClient) -> None:
    unsigned = await hook(client, {"say": ["x"]}, signed=False)
    is_problem(unsigned, 401, "missing-signature")
    assert unsigned.headers["www-authenticate"].startswith("Signature")
    is_problem(await hook(client, {"say": ["x"]}, signed=False, **{"x-signature": "00"}), 401, "bad-signature")
    assert (await hub.stored(), await hub.letters()) == ([], [])
    assert hub.counted("cx_intake_refused_total", provider="chat/echo", reason="bad-signature") == 1


async def test_a_crashing_check_lets_nothing_in(hub: Hub, client: httpx2.AsyncClient) -> None:
    is_problem(await hook(client, {"say": ["x"]}, **{"x-echo": "break"}), 400, "unreadable")
    assert await hub.stored() == []


async def test_a_challenge_is_answered(client: httpx2.AsyncClient) -> None:
    response = await client.get("/v1/hooks/acme-echo?challenge=a%2Bb+c")
    assert (response.status_code, response.text) == (200, "a+b c")


async def test_the_signature_covers_the_url_that_the_provider_called(tmp_path: Path) -> None:
    async with running_hub(tmp_path, public_url="https://hub.example.com/") as hub:
        path, body = "/v1/hooks/acme-echo?a=%2f&b=+&b", b'{"say":["x"]}'
        url = f"https://hub.example.com{path}".encode()
        async with httpx2.AsyncClient(event_hooks=HELD, base_url=hub.url, timeout=PATIENCE) as client:
            headers = {"content-type": "application/json", "x-signature": sign(SECRET, url + body)}
            request = client.build_request("POST", "/", content=body, headers=headers)
            request.url = request.url.copy_with(raw_path=path.encode())
            assert (await client.send(request)).status_code == 200


async def test_unmapped_parts_become_dead_letters_beside_the_mapped_events(
    hub: Hub, client: httpx2.AsyncClient
) -> None:
    body = {"say": ["hello"], "lose": ["this one", "\ud83d\ude42"]}
    response = await hook(client, body, authorization="Basic c2VjcmV0", **{"x-shop-token": "t", "x-kept": "yes"})
    assert (response.status_code, hub.log.appends) == (200, 1)
    assert [one["id"] for one in await hub.events()] == ["say-hello"]
    letters = sorted(await hub.letters(), key=lambda letter: letter.id)
    assert [(one.id, one.reason, one.content.decode()) for one in letters] == [
        ("this one", "lost-on-purpose", "this one"),
        ("\U0001f642", "lost-on-purpose", "\U0001f642"),
    ]
    letter = letters[0]
    assert (letter.tenant, letter.stage, letter.connection, letter.method) == ("acme", "map", "acme-echo", "POST")
    assert letter.headers["x-kept"] == "yes"
    assert not {"authorization", "x-shop-token", "x-signature"} & letter.headers.keys()
    assert hub.counted("cx_dead_letters_total", stage="map", reason="lost-on-purpose") == 2


async def whole_letter(hub: Hub) -> DeadLetter:
    (letter,) = {(one.source, one.id, one.stage): one for one in await hub.letters()}.values()
    return letter


@pytest.mark.parametrize(
    ("body", "reason"),
    [(b"no json", "malformed"), (b'{"fail":true}', "adapter-fault"), (b'{"say":[5]}', "adapter-fault")],
)
async def test_an_unmapped_request_is_kept_whole_and_once(
    hub: Hub, client: httpx2.AsyncClient, body: bytes, reason: str
) -> None:
    for _ in range(2):
        assert (await hook(client, body)).status_code == 200
    letter = await whole_letter(hub)
    assert (letter.reason, letter.content, letter.content_type) == (reason, body, "application/json")
    assert await hub.events() == []


async def test_half_an_emoji_of_a_vendor_loses_nothing(hub: Hub, client: httpx2.AsyncClient) -> None:
    response = await hook(client, b'{"say":["cut \\ud83d","whole \\ud83d\\ude00"]}')
    assert (response.status_code, response.text) == (200, "took 2")
    assert {one["data"]["raw"] for one in await hub.events()} == {"cut \ufffd", "whole \U0001f600"}
    assert await hub.letters() == []
    assert (await hook(client, b'{"lose":["one"],"no json \\ud83d')).status_code == 200
    assert (await whole_letter(hub)).content == b'{"lose":["one"],"no json \\ud83d'


async def test_a_dead_letter_keeps_no_secrets_of_the_query(hub: Hub, client: httpx2.AsyncClient) -> None:
    await hook(client, b"no json", "/v1/hooks/acme-echo?token=t0p&page=2")
    assert (await whole_letter(hub)).url.endswith("/v1/hooks/acme-echo?page=2")


async def test_an_event_with_an_impossible_time_becomes_a_letter(hub: Hub, client: httpx2.AsyncClient) -> None:
    assert (await hook(client, {"say": ["x"], "time": 10**18})).status_code == 200
    letter = await whole_letter(hub)
    assert (letter.reason, letter.content) == ("bad-time", b'"x"')


async def test_large_originals_of_webhooks_go_to_the_blob_store(hub: Hub, client: httpx2.AsyncClient) -> None:
    large, lost = "x" * 300_000, "y" * 300_000
    response = await hook(client, {"say": [large], "lose": [lost], "blobs": ["attachment"]})
    assert response.status_code == 200
    (stored,) = await hub.events()
    assert await hub.blobs.get("acme", stored["data"]["raw"]["blob"]) == json.dumps(large).encode()
    (letter,) = await hub.letters()
    assert (letter.original, await hub.blobs.get("acme", letter.blob)) == ("", lost.encode())
    assert await hub.blobs.get("acme", blob_name(b"attachment")) == b"attachment"
    assert await hub.blobs.get("other", blob_name(b"attachment")) is None


async def test_a_webhook_is_asked_to_retry_without_the_log(hub: Hub, client: PatientClient) -> None:
    hub.log.broken, client.is_patient = True, False
    is_problem(await hook(client, {"say": ["x"]}), 503, "try-later")
    is_problem(await hook(client, b"no json"), 503, "try-later")


async def test_a_provider_that_checks_by_head_finds_its_address(
    client: httpx2.AsyncClient,
) -> None:
    looked = await client.head("/v1/hooks/acme-inbox")
    assert (looked.status_code, looked.content) == (200, b"")
    assert (await client.head("/v1/hooks/nobody")).status_code == 404
    assert (await client.head("/v1/hooks/acme-echo")).status_code == 405


async def test_a_provider_with_paths_of_its_own(hub: Hub, client: httpx2.AsyncClient) -> None:
    """A homeserver's transaction, its ping and its questions (application-service-api)."""
    below, own = "/v1/hooks/acme-rooms/_matrix/app/v1", {"authorization": f"Bearer {SECRET}"}
    said = {"type": "m.room.message", "event_id": "$1", "room_id": "!r:a.example", "sender": "@ana:a.example"}
    body = {"events": [{**said, "content": {"msgtype": "m.text", "body": "hello"}}, 7]}
    for transaction in ("35", "36"):
        taken = await client.put(f"{below}/transactions/{transaction}", json=body, headers=own)
        assert (taken.status_code, taken.json()) == (200, {})
    assert {one["id"] for one in await hub.events()} == {"!r:a.example/$1"}
    assert [each.reason for each in await hub.letters()]
    assert (await client.post(f"{below}/ping", json={"transaction_id": "x"}, headers=own)).json() == {}
    asked = await client.get(f"{below}/users/@helper:a.example", headers=own)
    assert (asked.status_code, asked.json()["errcode"]) == (404, "M_NOT_FOUND")
    is_problem(await client.put(f"{below}/transactions/37", json=body), 401, "missing-signature")
    wrong = {"authorization": "Bearer wrong"}
    is_problem(await client.put(f"{below}/transactions/37", json=body, headers=wrong), 403, "bad-signature")
    is_problem(await client.get(f"{below}/users/@x:a.example", headers=wrong), 403, "bad-signature")
    is_problem(await client.delete(f"{below}/transactions/37", headers=own), 405, "method-not-allowed")


async def test_others_have_nothing_below_their_address(client: httpx2.AsyncClient) -> None:
    is_problem(await hook(client, {}, "/v1/hooks/acme-echo/more"), 404, "unknown-path")
    is_problem(await client.put("/v1/hooks/nobody/more"), 404, "unknown-connection")


async def test_a_request_the_connection_rejects_is_refused_before_reading(client: httpx2.AsyncClient) -> None:
    is_problem(await hook(client, {}, "/v1/hooks/nobody"), 404, "unknown-connection")
    is_problem(await hook(client, {}, "/v1/hooks/acme-chat"), 404, "no-webhook")
    is_problem(await hook(client, {}, **{"content-type": "text/plain"}), 415, "unsupported-media-type")
    is_problem(await client.put("/v1/hooks/acme-echo"), 405, "method-not-allowed")
    is_problem(await hook(client, b"x" * ((3 << 20) + 1)), 413, "too-large")
    many = "&".join("a=1" for _ in range(1001))
    is_problem(await hook(client, {}, f"/v1/hooks/acme-echo?{many}"), 400, "bad-query")


async def test_a_provider_has_a_body_limit_of_its_own(hub: Hub, client: httpx2.AsyncClient) -> None:
    assert (await hook(client, {"say": ["x" * (2 << 20)]})).status_code == 200


# --- for whoever runs it ---------------------------------------------------------------------------------------------


async def test_health_and_metrics_are_served(hub: Hub, client: httpx2.AsyncClient) -> None:
    hub.metrics.watch(hub.health)
    assert (await client.get("/healthz")).status_code == 200
    assert (await client.get("/readyz")).json()["parts"]["chat-deliveries"]["ok"] is True
    metrics = await client.get("/metrics")
    assert 'cx_progress_age_seconds{worker="chat-deliveries"}' in metrics.text

    async def down() -> None:
        raise OSError("no route")

    hub.health.probe("store", down)
    response = await client.get("/readyz")
    is_problem(response, 503, "not-ready")
    assert "store: OSError: no route" in response.json()["detail"]
    hub.health.fail("projector", "it lost its lease")
    is_problem(await client.get("/healthz"), 503, "not-ready")


async def test_the_routes_are_described(client: httpx2.AsyncClient) -> None:
    described = (await client.get("/openapi.json")).json()["paths"]
    assert "application/cloudevents+json" in described["/v1/events"]["post"]["requestBody"]["description"]

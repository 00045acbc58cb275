"""vCons end to end on the embedded parts: imported over HTTP, projected, exported; and what the hub tells itself."""

from __future__ import annotations

import asyncio
import gzip
import json
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import jsonschema_rs
import pytest
from tests.asking import PatientClient
from tests.described import HELD
from tests.patience import PATIENCE
from tests.unit.test_vcon import a_vcon, signed
from tests.vcons import FOLDER, NO_VCONS, Json, faults, lost, recorded, there_or_skip

from cx_events.catalogue import catalogue
from cx_events.log.kafka import KafkaLog
from cx_hub.compose import running_hub
from cx_hub.demo.run import embedded_settings, until_ready
from cx_runtime.tenants import KeyConfig, TenantConfig, Tenants

pytestmark = pytest.mark.clock

KEY = "a-key-of-all-scopes"
WRITER = "a-key-for-writing-alone"


class Asked:
    """A hub, and what tests ask of it."""

    def __init__(self, http: httpx2.AsyncClient, stream_id: Path) -> None:
        self.http = http
        self.stream_id = stream_id

    async def import_(self, content: bytes | Json, content_type: str = "application/vcon", query: str = "") -> Any:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        return await self.http.post(f"/v1/vcons{query}", content=body, headers={"content-type": content_type})

    async def taken(self, vcon: Json | bytes, query: str = "") -> Json:
        answer = await self.import_(vcon, query=query)
        assert answer.status_code == 202, answer.text
        told: Json = answer.json()
        return told

    async def export(self, id: str, query: str = "") -> Json:
        """As soon as it is applied."""
        async with asyncio.timeout(PATIENCE):
            while True:
                answer = await self.http.get(f"/v1/conversations/{id}/vcon{query}")
                if answer.status_code == 200:
                    assert answer.headers["content-type"] == "application/vcon"
                    found: Json = answer.json()
                    return found
                assert answer.status_code in (404, 503), answer.text
                await asyncio.sleep(0.02)

    async def back(self, vcon: Json, query: str = "") -> Json:
        return await self.export((await self.taken(vcon, query))["uuid"])

    async def happen(self, *events: Json) -> None:
        answer = await self.http.post("/v1/events", json=list(events))
        assert answer.status_code == 202, answer.text
        last = events[-1]
        query = {
            "at_least": f"{last['source']}#{last['id']}",
            "wait": "60s",
            "interaction": last["data"]["interaction"],
        }
        context = await self.http.get("/v1/context", params=query)
        assert context.status_code == 200, context.text

    async def conversation(self, interaction: str) -> str:
        body = (await self.http.get("/v1/context", params={"interaction": interaction, "wait": "60s"})).json()["body"]
        found: str = next(
            each["id"]
            for each in body["conversations"]
            if interaction in [joined["interaction"] for joined in each["joined"]]
        )
        return found


@asynccontextmanager
async def asked(stream_id: Path, **settings: str) -> AsyncIterator[Asked]:
    """A hub with all its services; on files alone, unless ``settings`` say otherwise."""

    def key(id: str, secret: str, *scopes: str) -> KeyConfig:
        return KeyConfig.model_validate({"id": id, "secret": secret, "scopes": scopes})

    keys = (key("all", KEY, "*"), key("writer", WRITER, "events:write"))
    tenants = Tenants({"acme": TenantConfig(id_key="a lasting key of acme", keys=keys)})
    async with running_hub(embedded_settings(stream_id).model_copy(update=settings), tenants) as running:
        await until_ready(running.url)
        headers = {"authorization": f"Bearer {KEY}"}
        async with PatientClient(
            event_hooks=HELD, base_url=running.url, trust_env=False, timeout=PATIENCE, headers=headers
        ) as http:
            yield Asked(http, stream_id)


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Asked]:
    async with asked(tmp_path) as found:
        yield found


async def test_every_recorded_vcon_is_imported_and_exported_without_loss(hub: Asked) -> None:
    there_or_skip()
    told = {path: await hub.taken(path.read_bytes()) for path in recorded()}
    for path, answer in told.items():
        vcon = json.loads(path.read_bytes())
        assert lost(vcon, await hub.export(answer["uuid"])) == [], path.name
        current = await hub.export(answer["uuid"], "?syntax=0.4.0")
        assert current["vcon"] == "0.4.0"
        assert not [fault for fault in faults(current) if not fault.startswith("['uuid']")], path.name


@pytest.mark.kafka
@pytest.mark.postgres
async def test_vcons_are_the_same_on_kafka_and_postgresql(
    tmp_path: Path, kafka_url: str, kafka_log: Callable[..., KafkaLog], postgres_database: str
) -> None:
    settings = {
        "log_url": kafka_url,
        "topic_prefix": kafka_log().prefix,
        "store_url": postgres_database,
        "blob_url": postgres_database,
    }
    async with asked(tmp_path, **settings) as hub:
        recording = {"type": "recording", "start": "2020-03-06T09:15:00Z", "parties": [0]}
        recording |= {"body": "QUJD" * 100_000, "encoding": "base64url"}
        large = a_vcon(uuid="large", dialog=[recording])
        several = [a_vcon(vcon="0.0.1"), large, a_vcon(uuid=None, parties=[], dialog=None)]
        told = [await hub.taken(vcon) for vcon in several]
        for answer, vcon in zip(told, several, strict=True):
            found = await hub.export(answer["uuid"])
            assert lost({name: value for name, value in vcon.items() if name != "uuid"}, found) == []
            assert found["uuid"] == vcon["uuid"] or vcon["uuid"] is None
        assert faults(await hub.export(told[0]["conversation"])) == []


@pytest.mark.parametrize("name", [path.name for path in recorded()])
async def test_a_recorded_vcon_alone_is_its_whole_conversation(hub: Asked, name: str) -> None:
    vcon = json.loads((FOLDER / name).read_bytes())
    answer = await hub.taken(vcon)
    assert lost(vcon, await hub.export(answer["conversation"])) == []
    again = await hub.taken(vcon)
    assert again == answer


async def test_recorded_files_that_are_no_vcons_are_refused(hub: Asked) -> None:
    there_or_skip()
    for name in NO_VCONS:
        answer = await hub.import_((FOLDER / name).read_bytes())
        assert (answer.status_code, answer.json()["reason"]) == (422, "not-a-vcon")


async def test_an_imported_conversation_is_read_like_any_other(hub: Asked) -> None:
    there_or_skip()
    answer = await hub.taken((FOLDER / "01-siprec-billing-dispute.json").read_bytes())
    await hub.export(answer["uuid"])
    query = {"identifier": "phone:+15551234567", "wait": "60s"}
    body = (await hub.http.get("/v1/context", params=query)).json()["body"]
    (conversation,) = body["conversations"]
    assert conversation["id"] == answer["conversation"]
    assert conversation["channels"] == ["voice"]
    assert "duplicate $49.99 charge" in conversation["summary"]
    assert body["customer"]["display"] == "Sarah Johnson"
    assert body["sentiment"]["current"] == 0.62
    assert {each["role"] for each in conversation["messages"]} == {"agent", "customer"}


async def test_a_large_inline_recording_is_stored_and_exported_whole(hub: Asked) -> None:
    body = "QUJD" * 300_000
    recording = {"type": "recording", "start": "2020-03-06T09:15:00Z", "parties": [0, 1], "mediatype": "audio/wav"}
    vcon = a_vcon(dialog=[{**recording, "body": body, "encoding": "base64url"}])
    assert lost(vcon, await hub.back(vcon)) == []
    assert any(path.stat().st_size > len(body) for path in (hub.stream_id / "blobs").rglob("*") if path.is_file())


@pytest.mark.parametrize("times", [1, 300_000])
async def test_an_attachment_of_an_imported_vcon_can_be_opened(hub: Asked, times: int) -> None:
    content = b"%PDF-1.7 " + b"ABC" * times
    body = urlsafe_b64encode(content).rstrip(b"=").decode()
    call = {"type": "text", "start": "2020-03-06T09:15:00Z", "parties": [0], "body": "see my bill", "encoding": "none"}
    file = {"start": "2020-03-06T09:15:00Z", "party": 0, "dialog": 0, "filename": "bill.pdf", "body": body}
    vcon = a_vcon(dialog=[call], attachments=[{**file, "mediatype": "application/pdf", "encoding": "base64url"}])
    answer = await hub.taken(vcon)
    await hub.export(answer["uuid"])
    thread = (await hub.http.get(f"/v1/conversations/{answer['conversation']}")).json()
    (told,) = [one for entry in thread["items"] for one in entry.get("attachments", ())]
    assert (told["name"], told["bytes"], told["place"]) == ("bill.pdf", len(content), "hub")
    opened = await hub.http.get(f"/v1/attachments/{told['id']}")
    assert (opened.status_code, opened.content) == (200, content)
    assert lost(vcon, await hub.export(answer["uuid"])) == []


async def test_an_empty_vcon_is_kept_and_opens_no_conversation(hub: Asked) -> None:
    vcon = a_vcon(dialog=[], attachments=[{"content_hash": "sha512-x", "url": "https://x.example/1"}])
    answer = await hub.taken(vcon)
    assert lost(vcon, await hub.export(answer["uuid"])) == []
    assert answer["warnings"] == ["/attachments/0/content_hash: 'sha512-x' has no valid sha512 value"]
    query = {"identifier": "phone:+15550100123", "wait": "60s"}
    body = (await hub.http.get("/v1/context", params=query)).json()["body"]
    assert body["customer"]["display"] == "Ana"
    assert body["counts"]["messages"] == 0
    assert body["now"] is None
    assert [each for each in body["conversations"] if each["state"] == "open"] == []


async def test_an_invalid_vcon_is_refused_and_leaves_nothing(hub: Asked) -> None:
    deep = b'{"parties":' + b"[" * 100 + b"]" * 100 + b"}"
    cases: list[tuple[Any, str, int, str]] = [
        (b"", "application/vcon", 400, "json-empty"),
        (b"{", "application/vcon", 400, "json-syntax"),
        (b"[]", "application/vcon", 422, "not-a-vcon"),
        (deep, "application/json", 400, "json-depth"),
        (b"{}" * (5 << 20), "application/vcon", 413, "too-large"),
        (gzip.compress(b" " * (9 << 20)), "application/vcon+gzip", 413, "too-large"),
        (b"no gzip", "application/vcon+gzip", 400, "bad-encoding"),
        (a_vcon(), "text/plain", 415, "unsupported-media-type"),
        (a_vcon(dialog=[{"parties": [7]}]), "application/vcon", 422, "bad-index"),
        (a_vcon(created_at="soon"), "application/vcon", 422, "bad-time"),
        (a_vcon(critical=["x"]), "application/vcon", 422, "unsupported-extension"),
        ({"ciphertext": "x", "recipients": []}, "application/vcon", 422, "encrypted-vcon"),
        (signed(a_vcon()), "application/vcon", 422, "signed-vcon"),
    ]
    for content, content_type, status, reason in cases:
        answer = await hub.import_(content, content_type)
        assert (answer.status_code, answer.json()["reason"]) == (status, reason)
        assert answer.headers["content-type"] == "application/problem+json"
    assert (await hub.import_(a_vcon(), query="?verified=no")).json()["reason"] == "bad-query"
    assert (await hub.http.get(f"/v1/conversations/{a_vcon()['uuid']}/vcon")).json()["reason"] == "unknown-conversation"
    assert (await hub.http.get("/v1/conversations/x/vcon?syntax=9")).json()["reason"] == "bad-query"


async def test_vcons_need_keys_with_the_scopes(hub: Asked) -> None:
    writer = {"authorization": f"Bearer {WRITER}"}
    body = json.dumps(a_vcon()).encode()
    named = {"content-type": "application/json"}
    assert (await hub.http.post("/v1/vcons", content=body, headers={**named, **writer})).status_code == 202
    assert (await hub.http.get("/v1/conversations/x/vcon", headers=writer)).status_code == 403
    nobody = {"authorization": "Bearer nobody"}
    assert (await hub.http.post("/v1/vcons", content=body, headers={**named, **nobody})).status_code == 401


async def test_signed_and_gzipped_vcons_are_accepted_on_request(hub: Asked) -> None:
    answer = await hub.import_(signed(a_vcon()), query="?unverified=true")
    assert (answer.status_code, answer.json()["verified"]) == (202, False)
    other = a_vcon(uuid="another one")
    packed = gzip.compress(json.dumps(other).encode())
    assert (await hub.import_(packed, "application/vcon+gzip")).status_code == 202
    assert await hub.export(a_vcon()["uuid"]) == a_vcon()
    assert await hub.export("another%20one") == other


async def test_what_happens_after_an_import_is_appended_to_it(hub: Asked) -> None:
    vcon = a_vcon(vcon="0.0.1", appended={"uuid": "earlier"}, group=[])
    answer = await hub.taken(vcon)
    await hub.export(answer["uuid"])
    chat = {"channel": "chat", "interaction": "chat-9", "direction": "inbound"}
    customer = {"role": "customer", "name": "Ana", "identifiers": [{"kind": "phone", "value": "+15550100123"}]}
    event = {"specversion": "1.0", "source": "//acme.example/chat", "time": "2020-03-06T09:20:00Z"}
    message = {"id": "m-9", "text": "One more thing"}
    await hub.happen(
        {**event, "id": "m-9", "type": "cx.message.received.v1",
         "data": {**chat, "participants": [customer], "message": message}},
    )  # fmt: skip
    found = await hub.export(answer["conversation"])
    assert faults(found) == []
    assert (found["vcon"], found["uuid"], found["amended"]) == ("0.4.0", vcon["uuid"], {"uuid": "earlier"})
    assert [each["body"] for each in found["dialog"]] == ["Hi", "One more thing"]
    assert found["dialog"][1]["parties"] == [2]
    assert (found["created_at"], found["updated_at"]) == (vcon["created_at"], "2020-03-06T09:20:00Z")
    assert await hub.export(answer["uuid"]) == vcon


async def test_all_event_types_export_as_a_stable_valid_vcon(hub: Asked) -> None:
    examples = [dict(known.example) for known in catalogue().values() if not known.name.startswith("cx.identity.")]
    past = [each | {"time": f"2020{each['time'][4:]}"} for each in examples if each["data"].get("interaction")]
    events = sorted(past, key=lambda each: each["time"])
    await hub.happen(*events)
    found = await hub.export(await hub.conversation("chat-42"))
    assert faults(found) == []
    assert found["vcon"] == "0.4.0"
    assert found["created_at"] == events[0]["time"]
    texts = [each.get("body") for each in found["dialog"]]
    assert "I was charged twice for order 4711" in texts
    assert {each["type"] for each in found["analysis"]} >= {"sentiment", "summary", "topic", "intent"}
    assert found["extensions"][0] == "CC"
    one, other = [(await hub.http.get(f"/v1/conversations/{found['uuid']}/vcon")).content for _ in range(2)]
    assert one == other
    assert lost(found, await hub.back({**found, "uuid": "an export, imported"})) == ["uuid"]


async def test_a_mails_attachment_is_exported_by_reference(hub: Asked) -> None:
    digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
    file = {
        "name": "bill.pdf",
        "content_type": "application/pdf",
        "sha256": digest,
        "url": "https://example.com/bill.pdf",
    }
    await hub.happen(
        {
            "specversion": "1.0", "id": "mail-1", "source": "//acme.example/mail", "type": "cx.message.received.v1",
            "time": "2020-11-22T10:00:00Z",
            "data": {
                "channel": "email", "interaction": "mail-1", "direction": "inbound",
                "participants": [{"role": "customer", "identifiers": [{"kind": "email", "value": "ana@example.com"}]}],
                "message": {"id": "<1@example.com>", "subject": "My bill", "text": "See below", "attachments": [file]},
            },
        }
    )  # fmt: skip
    found = await hub.export(await hub.conversation("mail-1"))
    assert faults(found) == []
    assert found["subject"] == "My bill"
    assert found["attachments"] == [
        {
            "start": "2020-11-22T10:00:00Z",
            "party": 0,
            "dialog": 0,
            "mediatype": "application/pdf",
            "filename": "bill.pdf",
            "url": "https://example.com/bill.pdf",
            "content_hash": "sha256-n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg",
        }
    ]


def test_the_vcon_schema_is_a_valid_schema() -> None:
    schema = json.loads((Path(__file__).parents[2] / "schemas" / "vcon" / "unsigned.schema.json").read_bytes())
    jsonschema_rs.meta.validate(schema)

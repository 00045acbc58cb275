"""Everything that a customer sent can be seen: attachments are shown and opened, an event is read whole."""

from __future__ import annotations

import asyncio
from base64 import b64encode, urlsafe_b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import jsonschema_rs
import pytest
from tests.api import Running, running_api
from tests.openapi_files import documents
from tests.vcons import faults

from cx_context.sections.attachments import id_of
from cx_events.blob.folder import FolderBlobs
from cx_events.blob.port import blob_name
from cx_events.ids import event_key
from cx_events.stamp import StampedEvent
from cx_events.testing.builders import MINUTE, SECOND, START, an_event

SOURCE = "//acme.example/chat"
PDF = b"%PDF-1.7 a bill"
PAGE = b"<script>alert(document.cookie)</script>"
MAIL = b"From: ana@example.com\r\nSubject: My bill\r\n\r\nSee below \xe4"
ELSEWHERE = "http://cdn.example/picture.png"


def file_of(name: str, content_type: str, content: bytes, **more: Any) -> dict[str, Any]:
    blob = blob_name(content)
    return {
        "name": name,
        "content_type": content_type,
        "bytes": len(content),
        "sha256": blob[7:],
        "blob": blob,
        **more,
    }


def wrote(id: str, *files: dict[str, Any], text: str = "", at: int = START, **data: Any) -> StampedEvent:
    message = {"id": id, "text": text, "attachments": list(files), **data.pop("message", {})}
    return an_event(id=id, at=at, email="ana@example.com", interaction="chat-42", data={"message": message, **data})


def part_at(mail: bytes, place: str) -> bytes | None:
    """Stands for the mail reader: the part with the number 2 is what comes after a line of hyphens."""
    return mail.partition(b"\r\n--\r\n")[2] if place == "2" else None


@pytest.fixture
async def blobs(tmp_path: Path) -> FolderBlobs:
    folder = FolderBlobs(tmp_path / "blobs")
    await folder.start()
    for content in (PDF, PAGE, MAIL):
        await folder.put("acme", content)
    return folder


@pytest.fixture
async def hub(store_url: str, tmp_path: Path, blobs: FolderBlobs) -> AsyncIterator[Running]:
    async with running_api(tmp_path, store_url, blobs=blobs, part_at=part_at) as running:
        yield running


def the_id(event: str, place: int | None = 0) -> str:
    return id_of(event_key("acme", SOURCE, event), place)


async def the_event(hub: Running, id: str, key: str = "all") -> httpx2.Response:
    return await hub.get(f"/v1/event?source=%2F%2Facme.example%2Fchat&id={id}", key)


# --- shown -----------------------------------------------------------------------------------------------------------


async def test_a_file_shows_wherever_its_message_does(hub: Running) -> None:
    await hub.happen(
        wrote("m-1", file_of("bill.pdf", "application/pdf", PDF), text="My bill"),
        wrote("m-2", file_of("page.html", "text/html", PAGE), at=START + SECOND),
        an_event(
            "cx.handoff.requested.v1", id="h-1", at=START + MINUTE, email="ana@example.com", interaction="chat-42"
        ),
    )
    bill = {"id": the_id("m-1"), "name": "bill.pdf", "content_type": "application/pdf", "bytes": 15, "place": "hub"}
    body = await hub.body("email:ana@example.com")
    (conversation,) = body["conversations"]
    assert [each["attachments"] for each in conversation["messages"]][1] == [bill]
    assert body["timeline"][2]["attachments"] == [bill]
    thread = (await hub.get(f"/v1/conversations/{conversation['id']}")).json()
    assert thread["items"][2]["attachments"] == [bill]
    packet = (await hub.get(f"/v1/conversations/{conversation['id']}/handoff")).json()
    assert [line["attachments"][0]["name"] for line in packet["transcript"]] == ["page.html", "bill.pdf"]
    assert (await hub.get(f"/v1/attachments/{bill['id']}")).content == PDF


async def test_a_deleted_message_shows_no_file(hub: Running) -> None:
    taken_back = {"message": {"id": "m-1"}}
    await hub.happen(
        wrote("m-1", file_of("bill.pdf", "application/pdf", PDF), text="My bill"),
        an_event("cx.message.deleted.v1", id="d-1", at=START + SECOND, email="ana@example.com", interaction="chat-42",
                 data=taken_back),
    )  # fmt: skip
    (conversation,) = (await hub.body("email:ana@example.com"))["conversations"]
    assert [("attachments" in each, each["text"]) for each in conversation["messages"]] == [(False, "(deleted)")]


async def test_contexts_show_few_files_and_conversations_all(hub: Running) -> None:
    await hub.happen(wrote("m-1", *[file_of(f"{n}.pdf", "application/pdf", PDF) for n in range(500)]))
    body = await hub.body("email:ana@example.com")
    (conversation,) = body["conversations"]
    for shown in (conversation["messages"][0], body["timeline"][0]):
        assert (len(shown["attachments"]), shown["more_attachments"]) == (3, 497)
    thread = (await hub.get(f"/v1/conversations/{conversation['id']}")).json()
    assert len(thread["items"][0]["attachments"]) == 500
    assert (await hub.get(f"/v1/attachments/{thread['items'][0]['attachments'][499]['id']}")).content == PDF


# --- opened ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content_type", "served"),
    [
        ("page.html", "text/html", "application/octet-stream"),
        ("picture.svg", "image/svg+xml", "application/octet-stream"),
        ("feed", "application/xhtml+xml; charset=utf-8", "application/octet-stream"),
        ("bill.pdf", "application/pdf", "application/pdf"),
        ("a.png", "image/png", "image/png"),
        ("notes.txt", "text/plain; charset=utf-16", "text/plain"),
        ("x", "text/html\r\nset-cookie: a=b", "application/octet-stream"),
    ],
)
async def test_a_strangers_file_never_runs_in_the_browser(
    hub: Running, name: str, content_type: str, served: str
) -> None:
    await hub.happen(wrote("m-1", file_of(name, content_type, PAGE)))
    answer = await hub.get(f"/v1/attachments/{the_id('m-1')}", "reader")
    assert (answer.status_code, answer.content) == (200, PAGE)
    assert answer.headers["content-type"] == served
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert int(answer.headers["content-length"]) == len(PAGE)
    assert "set-cookie" not in answer.headers


async def test_an_unchanged_file_is_not_sent_again(hub: Running) -> None:
    await hub.happen(wrote("m-1", file_of("bill.pdf", "application/pdf", PDF), raw={"a": 1}))
    for path in (f"/v1/attachments/{the_id('m-1')}", f"/v1/attachments/{the_id('m-1', None)}"):
        answer = await hub.get(path)
        again = await hub.get(path, headers={"if-none-match": f"W/{answer.headers['etag']}"})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", answer.headers["etag"])
        assert (await hub.get(path, headers={"if-none-match": '"another"'})).status_code == 200


async def test_nobody_opens_what_another_tenants_customer_sent(hub: Running, blobs: FolderBlobs) -> None:
    await blobs.put("other", PDF)
    await hub.happen(wrote("m-1", file_of("bill.pdf", "application/pdf", PDF), raw={"a": 1}))
    for path in (f"/v1/attachments/{the_id('m-1')}", f"/v1/attachments/{the_id('m-1', None)}"):
        assert (await hub.get(path)).status_code == 200
        answer = await hub.get(path, "other")
        assert (answer.status_code, answer.json()["reason"]) == (404, "unknown-attachment")
    assert (await the_event(hub, "m-1")).status_code == 200
    answer = await the_event(hub, "m-1", "other")
    assert (answer.status_code, answer.json()["reason"]) == (404, "unknown-event")


async def test_no_event_opens_another_tenants_blob(hub: Running, blobs: FolderBlobs) -> None:
    secret = b"a secret of another tenant"
    await blobs.put("other", secret)
    await hub.happen(wrote("m-1", file_of("a", "text/plain", secret), raw={"blob": blob_name(secret)}))
    for place in (0, None):
        answer = await hub.get(f"/v1/attachments/{the_id('m-1', place)}")
        assert (answer.status_code, answer.json()["reason"]) == (404, "attachment-gone")
    original = (await the_event(hub, "m-1")).json()["original"]
    assert (original["place"], original["content"]) == (None, None)


@asynccontextmanager
async def a_server() -> AsyncIterator[tuple[str, list[bytes]]]:
    """Its URL, and what came to it."""
    heard: list[bytes] = []

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(10))
        writer.close()

    server = await asyncio.start_server(hear, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/latest/meta-data", heard


async def test_the_hub_fetches_no_url_of_a_sender(hub: Running) -> None:
    async with a_server() as (url, heard):
        await hub.happen(wrote("m-1", {"name": "a.png", "content_type": "image/png", "url": url}))
        answer = await hub.get(f"/v1/attachments/{the_id('m-1')}")
        assert (answer.status_code, answer.json()["reason"], answer.json()["url"]) == (404, "kept-by-provider", url)
        assert "location" not in answer.headers
        (entry,) = (await hub.body("email:ana@example.com"))["timeline"]
        assert [(each["place"], each["url"]) for each in entry["attachments"]] == [("provider", url)]
        (conversation,) = (await hub.body("email:ana@example.com"))["conversations"]
        exported = (await hub.get(f"/v1/conversations/{conversation['id']}/vcon")).json()
        assert exported["attachments"][0]["url"] == url
        await asyncio.sleep(0)
        assert heard == []


@pytest.mark.parametrize("large", [False, True])
async def test_a_lost_file_is_read_from_its_mail(hub: Running, blobs: FolderBlobs, large: bool) -> None:
    content = b"only in the mail"
    mail = MAIL + b"\r\n--\r\n" + content
    if large:
        await blobs.put("acme", mail)
    raw = {"blob": blob_name(mail), "bytes": len(mail)} if large else {"mime": b64encode(mail).decode()}
    right, wrong = file_of("a.txt", "text/plain", content, part="2"), file_of("b.txt", "text/plain", b"?", part="2")
    without = {**right, "blob": ""}
    nowhere = {**right, "part": "7"}
    await hub.happen(wrote("m-1", right, without, wrong, nowhere, raw=raw, channel="email"))
    for place in (0, 1):
        answer = await hub.get(f"/v1/attachments/{the_id('m-1', place)}")
        assert (answer.status_code, answer.content) == (200, content)
    for place in (2, 3):
        answer = await hub.get(f"/v1/attachments/{the_id('m-1', place)}")
        assert (answer.status_code, answer.json()["reason"]) == (404, "attachment-gone")


async def test_an_unknown_attachment_id_answers_404(hub: Running) -> None:
    await hub.happen(wrote("m-1", file_of("bill.pdf", "application/pdf", PDF)))
    for id in ("x", the_id("m-1", 1), the_id("m-1", 999999), the_id("m-1", None), the_id("m-2"), "%00", "a" * 5000):
        answer = await hub.get(f"/v1/attachments/{id}")
        assert (answer.status_code, answer.json()["reason"]) == (404, "unknown-attachment"), id
    assert (await hub.get(f"/v1/attachments/{the_id('m-1')}", "desk")).status_code == 403


async def test_files_answer_503_while_the_blob_store_is_down(store_url: str, tmp_path: Path) -> None:
    async with running_api(tmp_path, store_url) as hub:
        hub.client.is_patient = False
        await hub.happen(wrote("m-1", file_of("bill.pdf", "application/pdf", PDF)))
        answer = await hub.get(f"/v1/attachments/{the_id('m-1')}")
        assert (answer.status_code, answer.json()["part"]) == (503, "blobs")
        assert answer.headers["retry-after"]


# --- an event whole --------------------------------------------------------------------------------------------------


async def test_an_event_is_read_with_its_original(hub: Running) -> None:
    await hub.happen(
        wrote("inline", file_of("bill.pdf", "application/pdf", PDF), raw={"Body": "I was charged twice"}),
        wrote("small-mail", raw={"mime": b64encode(MAIL).decode()}, channel="email"),
        wrote("large-mail", raw={"blob": blob_name(MAIL), "bytes": len(MAIL), "left_out": ["text"]}, channel="email"),
        wrote("none"),
    )
    whole = (await the_event(hub, "inline", "reader")).json()
    assert whole["event"]["data"]["message"]["attachments"][0]["name"] == "bill.pdf"
    assert whole["attachments"][0]["id"] == the_id("inline")
    assert whole["problem"] is None
    assert whole["original"] == {
        "id": the_id("inline", None),
        "content_type": "application/json",
        "bytes": 30,
        "place": "event",
        "encoding": "json",
        "content": {"Body": "I was charged twice"},
    }
    for id, place in (("small-mail", "event"), ("large-mail", "hub")):
        original = (await the_event(hub, id)).json()["original"]
        assert (original["content_type"], original["bytes"]) == ("message/rfc822", len(MAIL))
        assert (original["place"], original["encoding"]) == (place, "base64url")
        assert original["content"] == urlsafe_b64encode(MAIL).rstrip(b"=").decode()
        answer = await hub.get(f"/v1/attachments/{original['id']}")
        assert answer.content == MAIL
        assert answer.headers["content-disposition"] == 'attachment; filename="original.eml"'
        assert answer.headers["content-type"] == "application/octet-stream"
    assert (await the_event(hub, "none")).json()["original"] is None


async def test_a_very_large_original_is_fetched_by_its_id(hub: Running, blobs: FolderBlobs) -> None:
    mail = MAIL + b"x" * (4 << 20)
    await blobs.put("acme", mail)
    await hub.happen(wrote("m-1", raw={"blob": blob_name(mail)}, channel="email"))
    original = (await the_event(hub, "m-1")).json()["original"]
    assert (original["bytes"], original["encoding"], original["content"]) == (len(mail), None, None)
    assert (await hub.get(f"/v1/attachments/{original['id']}")).content == mail


async def test_an_event_is_named_by_source_and_id(hub: Running) -> None:
    await hub.happen(an_event(id="<a+b%23c@example.com>", email="ana@example.com", text="Hello"))
    answer = await hub.get("/v1/event?source=//acme.example/chat&id=%3Ca+b%2523c@example.com%3E")
    assert answer.json()["event"]["data"]["message"]["text"] == "Hello"
    for query in (
        "",
        "source=a",
        "id=m-1",
        "source=&id=m",
        "source=a&id=%00",
        "source=a&id=b&x=1",
        f"source=a&id={'b' * 600}",
    ):
        answer = await hub.get(f"/v1/event?{query}")
        assert answer.status_code == 400, query
    answer = await the_event(hub, "m-9")
    assert (answer.status_code, answer.json()["reason"]) == (404, "unknown-event")


async def test_answers_are_of_the_shape_that_openapi_says(hub: Running) -> None:
    await hub.happen(
        wrote("m-1", file_of("bill.pdf", "application/pdf", PDF), {"url": ELSEWHERE}, raw={"a": 1},
              message={"subject": "My bill"}),
        an_event("cx.message.failed.v1", id="f-1", at=START + SECOND, email="ana@example.com", interaction="chat-42",
                 data={"message": {"id": "m-0"}, "failure": {"code": "4.2.2", "message": "mailbox full"}}),
        an_event("cx.insight.found.v1", id="i-1", at=START + SECOND, email="ana@example.com", interaction="chat-42",
                 data={"insight": {"producer": "vader", "version": "1", "sentiment": -0.5}}),
    )  # fmt: skip
    schemas = documents()["context"]["components"]["schemas"]

    def check(name: str, answer: Any) -> None:
        schema = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas}}
        jsonschema_rs.validate(schema, answer)

    context = (await hub.get("/v1/context?identifier=email:ana@example.com")).json()
    check("Context", context)
    check("Event", (await the_event(hub, "m-1")).json())
    check("Thread", (await hub.get(f"/v1/conversations/{context['body']['conversations'][0]['id']}")).json())
    failed = next(each for each in context["body"]["timeline"] if each["event"]["id"] == "f-1")
    assert failed["delivery"] == {"state": "failed", "message": "m-0", "code": "4.2.2", "reason": "mailbox full"}


# --- exported --------------------------------------------------------------------------------------------------------


async def exported(hub: Running) -> dict[str, Any]:
    (conversation,) = (await hub.body("email:ana@example.com"))["conversations"]
    answer = await hub.get(f"/v1/conversations/{conversation['id']}/vcon")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    assert faults(found) == []
    return found


async def test_an_exported_conversation_holds_the_files_themselves(hub: Running) -> None:
    await hub.happen(wrote("m-1", file_of("bill.pdf", "application/pdf", PDF), text="My bill"))
    (file,) = (await exported(hub))["attachments"]
    assert (file["filename"], file["mediatype"], file["encoding"]) == ("bill.pdf", "application/pdf", "base64url")
    assert file["body"] == urlsafe_b64encode(PDF).rstrip(b"=").decode()


async def test_large_attachments_are_exported_as_urls(
    store_url: str, tmp_path: Path, blobs: FolderBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_api(tmp_path, store_url, blobs=blobs, public_url="https://hub.example/") as hub:
        monkeypatch.setattr(hub.api.vcons, "_most_content", len(PDF) + 3)
        bill, page = file_of("bill.pdf", "application/pdf", PDF), file_of("page.html", "text/html", PAGE)
        await hub.happen(wrote("m-1", bill, page, {**page, "bytes": None}, text="My bill"))
        told = (await exported(hub))["attachments"]
        assert "body" in told[0]
        for number in (1, 2):
            assert told[number]["url"] == f"https://hub.example/v1/attachments/{the_id('m-1', number)}"
            assert told[number]["content_hash"].startswith("sha256-")
            path = told[number]["url"].removeprefix("https://hub.example")
            assert (await hub.get(path)).content == PAGE


async def test_an_export_omits_an_invalid_hash(hub: Running) -> None:
    files = [{"url": ELSEWHERE, "sha256": given} for given in ("abcd", "no hash", "0" * 63, "g" * 64, "0" * 64)]
    await hub.happen(wrote("m-1", *files))
    told = (await exported(hub))["attachments"]
    assert ["content_hash" in each for each in told] == [False, False, False, False, True]

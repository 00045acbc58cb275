"""Test what a context and its timeline tell of attachments, and under which names and types files are handed out."""

from __future__ import annotations

from email.message import EmailMessage
from typing import Any
from urllib.parse import unquote

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cx_context.fold import new_part
from cx_context.fold_faults import part_of as folded
from cx_context.parts.merge import merge
from cx_context.parts.values import MESSAGES_KEPT
from cx_context.sections.attachments import ATTACHMENTS_SHOWN, id_of, read_id
from cx_context.sections.timeline import timeline_entry
from cx_context_api.events.downloads import MAX_NAME, OPAQUE, disposition, file_name, safe_type
from cx_events.errors import Refused
from cx_events.facts import Fact
from cx_events.testing.builders import SECOND, START, a_fact
from cx_vcon.exporting import export_vcon

BLOB = "sha256:" + "0" * 64


def files(count: int) -> list[dict[str, Any]]:
    return [{"name": f"{n}.pdf", "content_type": "application/pdf", "bytes": n, "blob": BLOB} for n in range(count)]


def sent(id: str, count: int, at: int = START, **message: Any) -> Fact:
    data = {"message": {"id": id, "text": id, "attachments": files(count), **message}}
    return a_fact(id=id, interaction="chat-1", email="ana@example.com", at=at, data=data)


def entry(fact: Fact) -> dict[str, Any]:
    return timeline_entry(fact.event, fact.effective)


# --- what is told ----------------------------------------------------------------------------------------------------


def test_an_entry_shows_the_first_attachments_and_their_count() -> None:
    fact = sent("m-1", ATTACHMENTS_SHOWN + 4)
    told = entry(fact)
    assert [each["name"] for each in told["attachments"]] == [f"{n}.pdf" for n in range(ATTACHMENTS_SHOWN)]
    assert told["more_attachments"] == 4
    assert told["attachments"][1] == {
        "id": id_of(fact.key, 1),
        "name": "1.pdf",
        "content_type": "application/pdf",
        "bytes": 1,
        "place": "hub",
    }
    assert "more_attachments" not in entry(sent("m-2", ATTACHMENTS_SHOWN))
    assert "attachments" not in entry(sent("m-3", 0))


def test_inline_pictures_are_listed_after_files() -> None:
    pictures = [
        {"name": f"logo-{n}.png", "part": f"2.{n}", "cid": f"c{n}", "inline": True}
        for n in range(ATTACHMENTS_SHOWN + 2)
    ]
    fact = a_fact(id="m-1", data={"message": {"id": "m-1", "attachments": [*pictures, *files(1)]}})
    told = entry(fact)
    assert [each["name"] for each in told["attachments"]] == ["0.pdf", "logo-0.png", "logo-1.png"]
    assert told["attachments"][0]["id"] == id_of(fact.key, ATTACHMENTS_SHOWN + 2)
    assert (told["attachments"][1]["cid"], told["attachments"][1]["inline"]) == ("c0", True)
    assert new_part(fact).files[0][3][0][:2] == [ATTACHMENTS_SHOWN + 2, "0.pdf"]


def test_a_file_at_its_provider_is_shown_with_url() -> None:
    url = "https://cdn.example/f"
    (one,) = entry(sent("m-1", 0, attachments=[{"url": url}]))["attachments"]
    assert (one["place"], one["url"]) == ("provider", url)
    (one,) = entry(sent("m-1", 0, attachments=[{"url": f"{url}?{'x' * 5_000}"}]))["attachments"]
    assert one["place"] == "provider"
    assert "url" not in one
    (one,) = entry(sent("m-1", 0, attachments=[{"name": "lost"}]))["attachments"]
    assert one["place"] is None


def test_long_values_of_senders_enlarge_neither_entry_nor_part() -> None:
    huge = {"name": "n" * 10_000, "content_type": "t" * 10_000, "url": "u" * 10_000, "cid": "c" * 10_000}
    fact = sent("m-1", 0, attachments=[{**huge, "bytes": 10**30}] * 500, subject="s" * 100_000)
    assert len(msgspec.json.encode(entry(fact))) < 5_000
    assert len(msgspec.msgpack.encode(new_part(fact))) < 2_000


@given(counts=st.lists(st.integers(0, 2), max_size=3 * MESSAGES_KEPT), data=st.data())
def test_every_message_kept_has_its_attachments_in_any_order(counts: list[int], data: st.DataObject) -> None:
    facts = [sent(f"m-{n:03}", count, START + n * SECOND) for n, count in enumerate(counts)]
    if not facts:
        return
    whole = folded(facts)
    parts = [new_part(fact) for fact in data.draw(st.permutations(facts))]
    total = parts[0]
    for part in parts[1:]:
        total = merge(total, part)
    assert total == whole
    told = {at[4]: count for at, _, count, _ in whole.files}
    assert [told.get(at[4], 0) for at, *_ in whole.latest_messages] == counts[::-1][:MESSAGES_KEPT]


@pytest.mark.parametrize(
    "id",
    ["", "x", "0.0", f"{'0' * 36}.0", f"{'0' * 8}-0000-4000-8000-{'0' * 12}.-1", "../../etc/passwd", "\0", "a.b" * 99],
)
def test_an_invalid_attachment_id_is_unknown(id: str) -> None:
    with pytest.raises(Refused) as refused:
        read_id(id)
    assert refused.value.status == 404


def test_an_id_names_its_event_and_its_place() -> None:
    key = bytes(range(16))
    assert read_id(id_of(key, 7)) == (key, 7)
    assert read_id(id_of(key, None)) == (key, None)


# --- who, what became of it, and values ------------------------------------------------------------------------------


def test_an_entry_shows_subject_and_writer() -> None:
    told = entry(sent("m-1", 0, subject="My bill", automatic="auto-reply"))
    assert (told["subject"], told["automatic"]) == ("My bill", "auto-reply")
    agent = {"id": "agent-7", "name": "Ben"}
    note = entry(a_fact("cx.conversation.note.v1", id="n-1", email="a@b.example", data={"note": "!", "agent": agent}))
    assert (note["name"], note["agent"], note["text"]) == ("Ben", agent, "!")
    reply = entry(a_fact("cx.message.sent.v1", id="m-2", role="agent", text="Hello", data={"agent": agent}))
    assert (reply["role"], reply["name"]) == ("agent", "Ben")
    bot = entry(a_fact("cx.message.sent.v1", id="m-3", role="bot", name="Robby", text="Hello"))
    assert (bot["role"], bot["name"], bot["agent"]) == ("bot", "Robby", None)


def test_an_entry_shows_the_delivery_state_and_its_failure() -> None:
    states = {}
    for what in ("sent", "delivered", "read", "failed"):
        data = {"message": {"id": "m-1"}, "failure": {"code": "4.2.2", "message": "mailbox full"}}
        states[what] = entry(a_fact(f"cx.message.{what}.v1", id=what, data=data if what == "failed" else {
            "message": {"id": "m-1"}}))["delivery"]  # fmt: skip
    assert states == {
        "sent": {"state": "sent", "message": "m-1"},
        "delivered": {"state": "delivered", "message": "m-1"},
        "read": {"state": "read", "message": "m-1"},
        "failed": {"state": "failed", "message": "m-1", "code": "4.2.2", "reason": "mailbox full"},
    }
    assert "delivery" not in entry(sent("m-2", 0))


def test_an_entry_shows_values_other_than_text() -> None:
    mood = {"producer": "vader", "version": "1", "sentiment": -0.6}
    found = entry(a_fact("cx.insight.found.v1", id="i-1", data={"insight": mood}))
    assert (found["insight"], found["text"]) == (mood, None)
    survey = {"metric": "nps", "score": 9.0}
    assert entry(a_fact("cx.survey.answered.v1", id="s-1", data={"survey": survey}))["survey"] == survey
    assert entry(a_fact("cx.message.reacted.v1", id="r-1", data={"reaction": "👍"}))["reaction"] == "👍"
    recording = {"id": "r-1", "url": "https://voice.example/r-1", "duration_ms": 9000}
    assert entry(a_fact("cx.call.recording.v1", id="c-1", data={"recording": recording}))["recording"] == recording
    consent = {"purpose": "marketing", "granted": False}
    assert entry(a_fact("cx.consent.changed.v1", id="p-1", data={"consent": consent}))["consent"] == {
        **consent, "channel": None,
    }  # fmt: skip


# --- how a file is handed out ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [
        "text/html", "TEXT/HTML; charset=utf-8", " text/html", "application/xhtml+xml", "image/svg+xml", "image/svg",
        "text/xml", "application/xml", "application/rss+xml", "text/javascript", "application/javascript", "text/css",
        "application/x-shockwave-flash", "multipart/related", "message/rfc822", "text/x-component", "application/hta",
        "application/vnd.wap.xhtml+xml", "text/vtt", "font/woff", "x", "", "text/plain\r\nx: y", "image/png\0", "*/*",
    ],
)  # fmt: skip
def test_a_type_that_browsers_execute_is_served_as_bytes(given: str) -> None:
    assert safe_type(given) == OPAQUE


@pytest.mark.parametrize(
    "given",
    ["image/png", "image/jpeg", "application/pdf", "text/plain", "audio/ogg", "video/mp4", "application/zip",
     "application/vnd.openxmlformats-officedocument.wordprocessingml.document"],
)  # fmt: skip
def test_a_type_that_no_browser_executes_keeps_its_name(given: str) -> None:
    assert safe_type(f"{given.upper()}; name=x") == given


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("bill.pdf", 'attachment; filename="bill.pdf"'),
        ("", 'attachment; filename="attachment"'),
        ("..", 'attachment; filename="attachment"'),
        ("../../etc/passwd", 'attachment; filename="passwd"'),
        ("C:\\temp\\a b.txt", 'attachment; filename="a b.txt"'),
        ("Žádost.pdf", "attachment; filename=\"Zadost.pdf\"; filename*=UTF-8''%C5%BD%C3%A1dost.pdf"),
        ("注文.pdf", "attachment; filename=\"attachment.pdf\"; filename*=UTF-8''%E6%B3%A8%E6%96%87.pdf"),
        ('a"b\r\nx: y.txt', 'attachment; filename="a_bx_ y.txt"'),
        ("gpj\u202eexe.jpg", 'attachment; filename="gpjexe.jpg"'),
        ("100%.txt", "attachment; filename=\"100_.txt\"; filename*=UTF-8''100%25.txt"),
    ],
)
def test_a_file_is_offered_for_saving_under_its_name(name: str, header: str) -> None:
    assert disposition(name) == header


@given(st.text())
def test_any_name_is_one_header_that_readers_read_back(name: str) -> None:
    header = disposition(name)
    assert header.isascii()
    assert not set(header) & set("\r\n\0")
    read = EmailMessage()
    read["Content-Disposition"] = header
    assert read.get_content_disposition() == "attachment"
    kept = file_name(name)
    assert 0 < len(kept) <= MAX_NAME
    told = unquote(header.rpartition("UTF-8''")[2]) if "UTF-8''" in header else header.partition('"')[2].rstrip('"')
    assert told == kept


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)", "JavaScript:alert(1)", " javascript:alert(1)", "java\tscript:alert(1)", "file:///etc/passwd",
        "data:text/html,<script>alert(1)</script>", "vbscript:x", "blob:https://hub.example/1", "//files.example/a",
        "\\\\files.example\\a", "https:", "https:///", "https:\\\\x", "/etc/passwd", "ftp://files.example/a", "a.pdf",
        "https://files.example/a\nb",
    ],
)  # fmt: skip
def test_a_url_without_a_web_address_is_not_shown(url: str) -> None:
    data = {"message": {"id": "m-1", "text": "see", "attachments": [{"name": "a.pdf", "url": url}]}}
    fact = a_fact(id="m-1", interaction="chat-1", email="ana@example.com", at=START, data=data)
    (told,) = entry(fact)["attachments"]
    assert told["place"] is None
    assert "url" not in told
    (attachment,) = export_vcon("c-1", [fact], {})["attachments"]
    assert "url" not in attachment


def test_a_files_web_address_is_shown_unchanged() -> None:
    for url in ("https://files.example/a.pdf?x=1#p", "HTTP://files.example:8080", "https://u:p@files.example/ü"):
        data = {"message": {"id": "m-1", "text": "see", "attachments": [{"name": "a.pdf", "url": url}]}}
        fact = a_fact(id="m-1", interaction="chat-1", email="ana@example.com", at=START, data=data)
        (told,) = entry(fact)["attachments"]
        assert (told["place"], told["url"]) == ("provider", url)

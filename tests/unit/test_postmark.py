"""Postmark: who may call, what a mail in JSON becomes, and what is told about mail that went out."""

from __future__ import annotations

import json
import os
import time
from base64 import b64encode
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cx_channels.dry_run import dry_run
from cx_channels.email.mime import PROVIDER as MIME
from cx_channels.email.postmark import PROVIDER
from cx_channels.email.postmark.mapping import BOUNCES, KINDS, SENT_FROM, kind_of
from cx_channels.email.postmark.values import WebhookPayload
from cx_channels.provider import Connection, Mapped, Request
from cx_events.blob.port import blob_name
from cx_events.envelope import Draft
from cx_events.errors import Refused

SETTINGS = {"addresses": ["support@acme.example"], "agents": ["bo@acme.example"], "spam_tests": True}
ALIGNED = {"Name": "X-Spam-Tests", "Value": "DKIM_SIGNED,DKIM_VALID,DKIM_VALID_AU,SPF_PASS"}
ACME = Connection("acme-mail", "acme", "email/postmark", ("new:a secret", "old:another: one"), settings=SETTINGS)
NOBODYS = Connection("acme-mail", "acme", "email/postmark")
FIXTURES = Path(str(__import__("cx_channels.email.postmark", fromlist=["x"]).__file__)).parent / "fixtures"
RECORDINGS = Path(__file__).parents[2].parent / "shared" / "fixtures" / "email" / "postmark"

MAIL_ID = "5b8c1d2e-0000-4000-8000-000000000001"
SENT_ID = "5b8c1d2e-0000-4000-8000-000000000900"
HASH = "0f1e2d3c4b5a6978@inbound.postmarkapp.com"


def person(email: str, name: str = "") -> dict[str, str]:
    return {"Email": email, "Name": name, "MailboxHash": ""}


def inbound(*headers: tuple[str, str], **fields: Any) -> dict[str, Any]:
    found = {
        "FromFull": person("ana@example.com", "Ana"),
        "ToFull": [person("support@acme.example", "Acme")],
        "OriginalRecipient": HASH,
        "Subject": "Charged twice",
        "MessageID": MAIL_ID,
        "Date": "Sun, 22 Nov 2026 10:00:00 +0000",
        "TextBody": "Hello",
        "Headers": [{"Name": name, "Value": value} for name, value in (("Message-ID", "<m-1@example.com>"), *headers)],
    }
    return {**found, **fields}


def notice(kind: str, **fields: Any) -> dict[str, Any]:
    return {"RecordType": kind, "MessageID": SENT_ID, "Recipient": "ana@example.com", **fields}


def bounce(type: str, **fields: Any) -> dict[str, Any]:
    found = {"RecordType": "Bounce", "ID": 7, "Type": type, "MessageID": SENT_ID, "Email": "ana@example.com"}
    return {**found, "From": "support@acme.example", "BouncedAt": "2026-11-22T12:00:00Z", **fields}


def mapped(document: Any, connection: Connection = ACME) -> Mapped:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return PROVIDER.map(Request(body, headers={"content-type": "application/json"}), connection)


def event(document: Any, connection: Connection = ACME) -> Draft:
    (draft,) = mapped(document, connection).drafts
    return draft


def people(draft: Draft) -> list[tuple[str, str]]:
    return [(p.role, p.identifiers[0].value if p.identifiers else "") for p in draft.data.participants]


def references(draft: Draft) -> list[str]:
    return [each.value for each in draft.data.references]


def raw_of(draft: Draft) -> dict[str, Any]:
    assert isinstance(draft.data.raw, msgspec.Raw)
    found: dict[str, Any] = json.loads(bytes(draft.data.raw))
    return found


# --- who may call ----------------------------------------------------------------------------------------------------


def verify(authorization: str | None, connection: Connection = ACME) -> None:
    assert PROVIDER.verify is not None
    headers = {} if authorization is None else {"authorization": authorization}
    PROVIDER.verify(Request(b"{}", headers=headers), connection)


def basic(credentials: str) -> str:
    return "Basic " + b64encode(credentials.encode()).decode()


@pytest.mark.parametrize("credentials", ["new:a secret", "old:another: one"])
def test_every_name_and_password_of_the_connection_passes(credentials: str) -> None:
    verify(basic(credentials))
    verify(basic(credentials).replace("Basic", "basic"))


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (None, "no-credentials"), ("", "no-credentials"), ("Basic", "no-credentials"), ("Basic ", "no-credentials"),
        ("Bearer bmV3OmEgc2VjcmV0", "no-credentials"), (basic("new:another: one"), "bad-credentials"),
        (basic("new:a secret "), "bad-credentials"), (basic("new"), "bad-credentials"), (basic(":"), "bad-credentials"),
        (basic(""), "no-credentials"), ("Basic new:a secret", "bad-credentials"), ("Basic /w==", "bad-credentials"),
        ("Basic é", "bad-credentials"), (basic("new:a secret") + "x", "bad-credentials"),
    ],
)  # fmt: skip
def test_nobody_else_passes_and_nobody_is_told_a_secret(given: str | None, reason: str) -> None:
    with pytest.raises(Refused) as caught:
        verify(given)
    assert (caught.value.reason, caught.value.status) == (reason, 401)
    assert "secret" not in caught.value.detail


def test_without_a_secret_nothing_passes() -> None:
    for connection in (NOBODYS, Connection("a", "acme", "email/postmark", ("", "no-colon"))):
        for credentials in ("", ":", "no-colon"):
            with pytest.raises(Refused):
                verify(basic(credentials), connection)


# --- mail that came in -----------------------------------------------------------------------------------------------


def test_a_mail_is_received_under_its_own_id() -> None:
    draft = event(inbound(CcFull=[person("carl@example.com", "Carl")]))
    assert draft.type == "cx.message.received.v1"
    assert draft.id.startswith("m-1@example.com/")
    assert draft.data.message is not None
    assert (draft.data.message.id, draft.data.message.text) == ("m-1@example.com", "Hello")
    assert (draft.data.interaction, draft.data.direction) == ("acme-mail/m-1@example.com", "inbound")
    assert people(draft) == [
        ("customer", "ana@example.com"), ("customer", "carl@example.com"),
        ("business", "support@acme.example"),
    ]  # fmt: skip
    assert draft.time == 1_795_341_600_000_000


def test_a_mail_is_the_same_by_smtp_and_postmark() -> None:
    raw = (
        b"From: Ana <ana@example.com>\r\nTo: Acme <support@acme.example>\r\nSubject: Re: Charged twice\r\n"
        b"Date: Sun, 22 Nov 2026 10:00:00 +0000\r\nMessage-ID: <m-3@example.com>\r\nIn-Reply-To: <m-2@acme.example>\r\n"
        b"References: <m-1@example.com> <m-2@acme.example>\r\n\r\nThat one.\r\n\r\n> Which card was it?\r\n"
    )
    (smtp,) = MIME.map(Request(raw, "SMTP"), ACME).drafts
    document = inbound(
        ("In-Reply-To", "<m-2@acme.example>"), ("References", "<m-1@example.com>\r\n <m-2@acme.example>"),
        Subject="Re: Charged twice", TextBody="That one.\r\n\r\n> Which card was it?\r\n", OriginalRecipient="",
    )  # fmt: skip
    document["Headers"][0]["Value"] = "<m-3@example.com>"
    webhook = event(document)
    assert webhook.data.message == smtp.data.message
    assert webhook.data.references == smtp.data.references
    assert webhook.data.participants == smtp.data.participants
    assert (webhook.data.interaction, webhook.time) == (smtp.data.interaction, smtp.time)


def test_an_answer_joins_the_thread_of_postmarks_notices() -> None:
    answer = event(inbound(("In-Reply-To", f"<{SENT_ID}@{SENT_FROM}>")))
    for told in (notice("Delivery"), notice("Open"), bounce("HardBounce")):
        about = event(told)
        assert about.data.message is not None
        assert about.data.message.id == SENT_ID
        assert about.data.interaction == answer.data.interaction
        assert set(references(about)) == {SENT_ID, f"{SENT_ID}@{SENT_FROM}"}


def test_mail_from_an_own_address_was_sent_by_us() -> None:
    fields: dict[str, Any] = {"FromFull": person("bo@acme.example", "Bo"), "ToFull": [person("ana@example.com", "Ana")]}
    document = inbound(BccFull=[person(HASH)], **fields)
    assert event(document).type == "cx.message.received.v1"
    document["Headers"].insert(0, ALIGNED)
    draft = event(document)
    assert (draft.type, draft.data.direction) == ("cx.message.sent.v1", "outbound")
    assert people(draft) == [("customer", "ana@example.com"), ("agent", "bo@acme.example"), ("business", HASH)]
    assert event(document, NOBODYS).type == "cx.message.received.v1"


def test_a_forwarding_address_of_ours_is_no_customer() -> None:
    draft = event(inbound(OriginalRecipient="Desk+x@acme.test", CcFull=[person("desk@acme.test")]))
    assert people(draft)[1:] == [("business", "support@acme.example"), ("business", "desk@acme.test")]


@pytest.mark.parametrize(
    ("headers", "fields", "expected"),
    [
        ([("Auto-Submitted", "auto-replied")], {}, "auto-reply"),
        ([("X-Autoreply", "yes")], {}, "auto-reply"),
        ([("Return-Path", "<>")], {"Subject": "Automatic reply: Charged twice"}, "auto-reply"),
        ([], {"Subject": "Automatic reply: Charged twice"}, ""),
        ([("Precedence", "bulk")], {}, ""),
        ([("List-Unsubscribe", "<https://example.com/>")], {}, ""),
        ([], {}, ""),
    ],
)
def test_a_machine_is_told_from_a_person(headers: list[tuple[str, str]], fields: dict[str, str], expected: str) -> None:
    message = event(inbound(*headers, **fields)).data.message
    assert message is not None
    assert message.automatic == expected


def test_only_reports_are_read_from_the_original() -> None:
    original = "From: ana@example.com\r\nMessage-ID: <other@example.com>\r\n\r\nGoodbye\r\n"
    assert event(inbound(RawEmail=original)).data.message == event(inbound()).data.message
    report = json.loads((FIXTURES / "delivery-status-with-original.json").read_bytes())
    assert event(report).type == "cx.message.failed.v1"
    assert event({**report, "RawEmail": ""}).data.failure is not None  # a bounce in prose, by its look


ORIGINAL = (
    "From: Ana <ana@example.com>\r\nTo: support@acme.example\r\nSubject: Charged twice\r\n"
    "Date: Sun, 22 Nov 2026 10:00:00 +0000\r\nMessage-ID: <m-1@example.com>\r\nIn-Reply-To: <m-0@acme.example>\r\n"
    "X-Spam-Tests: DKIM_VALID_AU\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nHello\r\n"
    "--b\r\nContent-Type: application/pdf; name=i.pdf\r\n\r\nx\r\n--b--\r\n"
)


def test_fields_that_are_missing_are_read_from_the_original() -> None:
    draft = event({"RecordType": "Inbound", "MessageID": MAIL_ID, "RawEmail": ORIGINAL})
    assert people(draft) == [("customer", "ana@example.com"), ("business", "support@acme.example")]
    assert not draft.data.participants[0].identifiers[0].weight  # the sender may have written the verdict
    message = draft.data.message
    assert message is not None
    assert (message.id, message.subject, message.text) == ("m-1@example.com", "Charged twice", "Hello")
    assert message.in_reply_to == "m-0@acme.example"
    assert [(each.name, each.bytes, each.part) for each in message.attachments] == [("i.pdf", 1, "")]


@pytest.mark.parametrize("missing", ["TextBody", "Subject", "FromFull", "Date", "Headers", "ToFull"])
def test_each_missing_field_is_read_from_the_original(missing: str) -> None:
    whole = event(inbound(("In-Reply-To", "<m-0@acme.example>"), RawEmail=ORIGINAL))
    without = inbound(("In-Reply-To", "<m-0@acme.example>"), RawEmail=ORIGINAL)
    del without[missing]
    draft = event(without)
    assert draft.data.message == whole.data.message
    assert draft.time == whole.time
    assert people(draft) == people(whole)


def test_html_of_the_original_is_read_without_text_fields() -> None:
    original = ORIGINAL.replace("--b\r\n\r\nHello", "--b\r\nContent-Type: text/html\r\n\r\n<p>Hello</p>")
    message = event(inbound(TextBody="", HtmlBody="", StrippedTextReply="cut", RawEmail=original)).data.message
    assert message is not None
    assert (message.text, message.html) == ("Hello", "<p>Hello</p>")


def test_an_inline_picture_keeps_its_id() -> None:
    html = '<p>See <img src="cid:i1@x"></p>'
    picture = {"Name": "i.png", "Content": "eA==", "ContentType": "image/png", "ContentID": "<i1@x>"}
    message = event(inbound(TextBody="", HtmlBody=html, Attachments=[picture])).data.message
    assert message is not None
    assert message.html == html
    assert message.text == "See [cid:i1@x]"
    assert [(each.cid, each.inline) for each in message.attachments] == [("i1@x", True)]


def test_a_signed_mail_given_as_a_file_is_read() -> None:
    # SignedData (RFC 5652) in which all but the content is left out.
    content = b"Content-Type: text/plain\r\n\r\nHello"
    held = b"\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01\xa0\x80\x04" + bytes((len(content),)) + content
    inner = b"\x30\x80\x02\x01\x01\x31\x00" + held
    signed = b"\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02\xa0\x80" + inner
    file = {"Name": "smime.p7m", "Content": b64encode(signed).decode(), "ContentType": "application/pkcs7-mime"}
    message = event(inbound(TextBody="", Attachments=[file])).data.message
    assert message is not None
    assert message.text == "Hello"


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"TextBody": "plain", "HtmlBody": "<p>html</p>", "StrippedTextReply": "cut"}, "plain"),
        ({"TextBody": "", "HtmlBody": "<p>html</p>", "StrippedTextReply": "cut"}, "html"),
        ({"TextBody": None, "HtmlBody": None, "StrippedTextReply": "cut"}, "cut"),
        ({"TextBody": "a\0b\r\nc\u202e", "HtmlBody": ""}, "ab\nc\u202e"),
        ({"TextBody": "", "HtmlBody": ""}, ""),
    ],
)
def test_plain_text_precedes_html_and_the_stripped_reply(fields: Any, text: str) -> None:
    message = event(inbound(**fields)).data.message
    assert message is not None
    assert message.text == text


def test_a_mailbox_hash_of_sufficient_length_is_a_token() -> None:
    tokens = {
        given: [
            each.value for each in event(inbound(MailboxHash=given), NOBODYS).data.references if each.kind == "token"
        ]
        for given in ("tok-5f3a9c21", "ahoy", "", None, "x" * 500)
    }
    assert tokens == {"tok-5f3a9c21": ["tok-5f3a9c21"], "ahoy": [], "": [], None: [], "x" * 500: []}


# --- attachments -----------------------------------------------------------------------------------------------------


def test_attachments_are_blobs_that_the_event_refers_to() -> None:
    found = mapped(inbound(Attachments=[{"Name": "a.bin", "Content": "AP8=", "ContentType": "x/y", "ContentID": "c"}]))
    (draft,) = found.drafts
    assert found.blobs == (b"\0\xff",)
    assert draft.data.message is not None
    (attachment,) = draft.data.message.attachments
    assert (attachment.name, attachment.bytes, attachment.blob) == ("a.bin", 2, blob_name(b"\0\xff"))


@pytest.mark.parametrize(
    "attachment",
    [
        {"Name": "a", "Content": "aGVs*bG8", "ContentType": "x/y", "ContentLength": 5},
        {"Name": "a", "Content": None, "ContentType": "x/y", "ContentLength": 5},
        {"Name": "a", "Content": {"no": "text"}, "ContentLength": 5},
        {"Name": "a", "Content": "A", "ContentLength": 1},
    ],
)
def test_an_incomplete_attachment_is_marked_and_its_request_kept(attachment: dict[str, Any]) -> None:
    body = json.dumps(inbound(Attachments=[attachment])).encode()
    found = mapped(body)
    (draft,) = found.drafts
    assert raw_of(draft) == {"blob": blob_name(body), "bytes": len(body), "left_out": ["attachments"]}
    assert body in found.blobs


def test_line_ends_in_base64_are_no_garbage() -> None:
    found = mapped(inbound(Attachments=[{"Name": "a", "Content": "aGVs\r\nbG8=\n", "ContentType": "x/y"}]))
    assert found.blobs == (b"hello",)


def test_a_large_request_is_stored_as_a_blob() -> None:
    small, large = inbound(), inbound(Tag="x" * 70_000)
    assert raw_of(event(small)) == small
    body = json.dumps(large).encode()
    assert raw_of(event(body)) == {"blob": blob_name(body), "bytes": len(body)}


def test_values_beyond_the_limits_are_left_out_and_named() -> None:
    many = inbound(
        Headers=[{"Name": f"X-{n}", "Value": ""} for n in range(2_000)],
        Attachments=[{"Name": str(n), "Content": "AA==", "ContentType": "x/y"} for n in range(600)],
        TextBody="word " * 60_000,
    )
    found = mapped(many)
    (draft,) = found.drafts
    assert raw_of(draft)["left_out"] == ["headers", "parts", "text"]
    assert len(bytes(msgspec.json.encode(draft))) < 1 << 20


# --- mail that went out ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("type", [type for type, (_, becomes) in BOUNCES.items() if "failed.v1" in becomes])
def test_a_bounces_code_is_its_servers_status_or_type(type: str) -> None:
    told = event(bounce(type, Details="smtp;550 5.1.1 no such user"))
    silent = event(bounce(type, Details="", Description="It did not arrive."))
    assert told.type == silent.type == "cx.message.failed.v1"
    assert told.data.failure is not None
    assert silent.data.failure is not None
    assert (told.data.failure.code, silent.data.failure.code, silent.data.reason) == ("5.1.1", type, type)
    assert people(told) == [("customer", "ana@example.com"), ("business", "support@acme.example")]


def test_a_failure_quotes_the_server_that_refused() -> None:
    """Without the type that a report puts before them (RFC 3464, section 2.3.6)."""
    for details in ("smtp;550 5.1.1 no such user", "smtp; 550 5.1.1 no such user", "550 5.1.1 no such user"):
        failure = event(bounce("HardBounce", Details=details)).data.failure
        assert failure is not None
        assert failure.message == "550 5.1.1 no such user"


def test_a_notice_without_a_description_shows_its_details() -> None:
    message = event(bounce("SpamComplaint", Description="", Details="Reported by Yahoo")).data.message
    assert message is not None
    assert message.text == "Reported by Yahoo"


def test_a_bounce_of_unknown_type_is_a_failure() -> None:
    for type in ("Brand-New", "", None):
        assert event(bounce(type)).type == "cx.message.failed.v1"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("type", "automatic", "direction"),
    [
        ("AutoResponder", "auto-reply", "inbound"),
        ("AddressChange", "auto-reply", "inbound"),
        ("ChallengeVerification", "auto-reply", "inbound"),
        ("Transient", "report", "internal"),
        ("DnsError", "report", "internal"),
    ],
)
def test_an_automatic_answer_and_a_delay_are_no_failures(type: str, automatic: str, direction: str) -> None:
    draft = event(bounce(type, Description="It says so."))
    assert draft.data.message is not None
    assert (draft.type, draft.data.direction) == ("cx.message.received.v1", direction)
    assert (draft.data.message.automatic, draft.data.message.text) == (automatic, "It says so.")
    assert draft.data.message.id != SENT_ID
    assert draft.data.message.in_reply_to == f"{SENT_ID}@{SENT_FROM}"


def test_every_opening_and_click_is_one_event_despite_retries() -> None:
    first = notice("Open", ReceivedAt="2026-11-22T12:00:00Z", FirstOpen=True)
    again = notice("Open", ReceivedAt="2026-11-22T12:01:00Z", FirstOpen=False)
    other = {**first, "Recipient": "carl@example.com"}
    click = notice("Click", ReceivedAt="2026-11-22T12:00:00Z", OriginalLink="https://acme.example/a")
    other_click = {**click, "OriginalLink": "https://acme.example/b"}
    every = (first, again, other, click, other_click)
    assert len({event(each).id for each in every}) == len(every)
    assert event(first).id == event(dict(reversed(first.items()))).id
    assert {event(each).type for each in every} == {"cx.message.read.v1"}


def test_a_mail_to_two_recipients_is_delivered_twice() -> None:
    ids = [event(notice("Delivery", Recipient=each)).id for each in ("ana@example.com", "carl@example.com")]
    assert len(set(ids)) == 2
    assert not any("example" in id for id in ids)
    assert event(notice("Delivery", Recipient="ANA@example.com")).id == ids[0]


# --- consent ---------------------------------------------------------------------------------------------------------


def subscription(suppressed: Any, reason: str | None, origin: str = "Recipient", **more: Any) -> dict[str, Any]:
    found = notice("SubscriptionChange", SuppressSending=suppressed, SuppressionReason=reason, Origin=origin)
    return {**found, "MessageStream": "broadcast", "ChangedAt": "2026-11-22T12:00:00Z", **more}


@pytest.mark.parametrize(
    ("document", "granted"),
    [
        (subscription(True, "ManualSuppression"), False),
        (subscription(True, "ManualSuppression", "Customer", MessageID=None), False),
        (subscription(True, "SpamComplaint"), False),
        (subscription(True, None), False),
        (subscription(False, None), True),
        (bounce("Unsubscribe"), False),
        (bounce("Subscribe"), True),
    ],
)
def test_who_decides_about_mail_changes_a_consent(document: dict[str, Any], granted: bool) -> None:
    draft = event(document)
    assert draft.type == "cx.consent.changed.v1"
    assert draft.data.consent is not None
    assert (draft.data.consent.granted, draft.data.consent.channel) == (granted, "email")
    assert people(draft) == [("customer", "ana@example.com")]


@pytest.mark.parametrize(
    "document",
    [
        subscription(True, "HardBounce"),
        subscription(False, None, "Customer"),
        subscription(False, None, "Admin"),
    ],
)
def test_neither_a_dead_address_nor_the_business_consents(document: dict[str, Any]) -> None:
    found = mapped(document)
    assert not found.drafts
    assert [each.kind.partition("/")[0] for each in found.ignored] == ["SubscriptionChange"]


def test_an_unsubscription_without_address_belongs_to_its_mail() -> None:
    draft = event(subscription(True, "ManualSuppression", Recipient=None))
    assert people(draft) == [("customer", "")]
    assert draft.data.interaction == f"acme-mail/{SENT_ID}@{SENT_FROM}"
    assert draft.data.interaction == event(notice("Delivery", DeliveredAt="2026-11-22T12:00:00Z")).data.interaction
    other = event(subscription(True, "ManualSuppression", Recipient=None, MessageID=MAIL_ID))
    assert other.id != draft.id


def test_a_consent_is_for_the_purpose_of_its_stream() -> None:
    def purpose(settings: dict[str, Any], **more: Any) -> str:
        connection = Connection("acme-mail", "acme", "email/postmark", settings=settings)
        consent = event(subscription(True, "ManualSuppression", **more), connection).data.consent
        assert consent is not None
        return consent.purpose

    assert purpose({}) == "broadcast"
    assert purpose({"streams": {"broadcast": "marketing"}}) == "marketing"
    assert purpose({"streams": {"other": "marketing"}}, MessageStream=None) == "outbound"
    for bad in ("marketing", ["broadcast"], {"broadcast": 1}):
        with pytest.raises(Refused, match="streams"):
            purpose({"streams": bad})


# --- what is no notice -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ([], "malformed"), (None, "malformed"), (b"", "malformed"), (b"\xff", "malformed"),
        (b'{"a":1,"a":2}', "malformed"),
        ({}, "unknown-kind"), ({"RecordType": "Telepathy"}, "unknown-kind"), ({"RecordType": []}, "unknown-kind"),
        ({"RecordType": "Inbound"}, "malformed"), ({"FromFull": person("ana@example.com")}, "malformed"),
        ({"RecordType": "Delivery"}, "malformed"), ({"RecordType": "Open", "MessageID": None}, "malformed"),
        (subscription("true", None), "malformed"),
        (subscription(True, None, Recipient=None, MessageID=None), "malformed"),
        (bounce("InboundError"), "inbound-failed"),
    ],
)  # fmt: skip
def test_a_document_that_is_no_event_is_refused(document: Any, reason: str) -> None:
    with pytest.raises(Refused) as caught:
        mapped(document)
    assert caught.value.reason == reason


def test_a_notice_without_record_type_is_known_by_fields() -> None:
    kinds = {
        kind: {"MessageID": SENT_ID, field: "x"}
        for kind, field in (("Delivery", "DeliveredAt"), ("Open", "FirstOpen"), ("Click", "OriginalLink"))
    }
    kinds["Bounce/HardBounce"] = {"BouncedAt": "x", "Type": "HardBounce"}
    kinds["Inbound"] = {"Headers": []}
    assert {kind: kind_of(WebhookPayload(fields, b"", b"", ACME, "")) for kind, fields in kinds.items()} == {
        kind: kind for kind in kinds
    }


def test_every_kind_has_a_fixture() -> None:
    seen = set()
    for path in FIXTURES.glob("*.json"):
        document = json.loads(path.read_bytes())
        if isinstance(document, dict):
            seen.add(kind_of(WebhookPayload(document, b"", b"", ACME, "")))
    every = {**KINDS, **{f"Bounce/{type}": made for type, made in BOUNCES.items()}}
    shown = {every[kind][0] for kind in seen if kind in every}
    assert {"Inbound", *KINDS} <= seen
    assert shown == {handler for handler, _ in every.values()}


def test_absent_and_null_fields_are_alike() -> None:
    full = json.loads((FIXTURES / "question.json").read_bytes())
    for name in full:
        without = {key: value for key, value in full.items() if key != name}
        (absent, null) = (event(without).data, event({**full, name: None}).data)
        assert (absent.participants, absent.references) == (null.participants, null.references)


# --- hostile ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields",
    [
        {"TextBody": "", "HtmlBody": "<a " + "x=1 " * 400_000 + ">"},
        {"TextBody": "", "HtmlBody": "<div>" * 300_000},
        {"TextBody": "On " + "x" * 500_000 + " wrote:"},
        {"TextBody": "> " * 1_000_000},
        {"TextBody": "\n".join("On Mon, Ana wrote" for _ in range(50_000))},
        {"ToFull": [person("a@example.com")] * 100_000},
        {"FromFull": person("<" * 200_000)},
        {"OriginalRecipient": "<" * 1_000_000},
        {"Subject": "=?utf-8?q?" * 100_000},
        {"Headers": [{"Name": "References", "Value": "<" * 500_000}]},
        {"Headers": [{"Name": "X" * 1000, "Value": "a"}] * 20_000},
        {"Attachments": [{"Name": "=" * 100_000, "Content": "=" * 100_000, "ContentType": ";" * 100_000}] * 20},
        {"RawEmail": "Content-Type: multipart/report; boundary=b\r\n\r\n" + "--b\r\n\r\n" * 50_000},
    ],
)  # fmt: skip
def test_a_hostile_mail_is_mapped_within_the_deadline(fields: dict[str, Any]) -> None:
    document = json.dumps(inbound(**fields)).encode()
    begun = time.process_time()
    assert mapped(document).drafts
    assert time.process_time() - begun < 5.0


def test_mail_is_mapped_apart_from_everybody_else() -> None:
    assert PROVIDER.isolated
    assert MIME.isolated
    assert PROVIDER.max_bytes == MIME.max_bytes == 30 << 20


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=20), st.lists)


@given(st.sampled_from(sorted(inbound())), JSON, st.sampled_from([inbound(), bounce("HardBounce"), notice("Open")]))
def test_any_field_may_hold_anything(name: str, value: Any, document: dict[str, Any]) -> None:
    try:
        mapped({**document, name: value})
    except Refused as refused:
        assert refused.reason in ("malformed", "unknown-kind")


# --- recordings ------------------------------------------------------------------------------------------------------

EXPECTED = {
    "inbound-attachments__1": "cx.message.received.v1",
    "inbound-check_payload__1": "cx.message.received.v1",
    "inbound-check_payload__2": "cx.message.received.v1",
    "inbound-inbound_basics__1": "cx.message.received.v1",
    "inbound-misconfigured_tracking__1": "malformed",
    "webhooks-bounce_event__1": "cx.message.failed.v1",
    "webhooks-click_event__1": "cx.message.read.v1",
    "webhooks-delivered_event__1": "cx.message.delivered.v1",
    "webhooks-misconfigured_inbound__1": "malformed",
    "webhooks-misconfigured_inbound__2": "malformed",
    "webhooks-open_event__1": "cx.message.read.v1",
    "webhooks-spam_event__1": "cx.message.reacted.v1",
    "webhooks-subscription_change_bounce__1": "SubscriptionChange/HardBounce",
    "webhooks-unsubscribe__1": "cx.consent.changed.v1",
}


@pytest.mark.skipif(
    not RECORDINGS.is_dir() and not os.environ.get("CI"), reason="the recordings are not on this machine"
)
@pytest.mark.parametrize(("name", "expected"), EXPECTED.items(), ids=EXPECTED)
def test_a_recorded_request_becomes_its_expected_events(name: str, expected: str) -> None:
    result = dry_run("email/postmark", (RECORDINGS / f"{name}.json").read_bytes(), filename=f"{name}.json")
    found = [json.loads(each.raw)["type"] for each in result.events] + [each.kind for each in result.ignored]
    assert [*found, *([result.refused.reason] if result.refused else [])] == [expected]


def test_a_sender_with_name_is_known_by_address() -> None:
    draft = event(bounce("HardBounce", From='"Acme, Support" <support@acme.example>'))
    assert people(draft)[-1] == ("business", "support@acme.example")

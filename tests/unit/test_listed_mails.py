"""The notification of a mail that lies in S3: what its fields say, and nothing that a sender could say for SES."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import msgspec
import pytest

from cx_channels.email.amazon_ses import PROVIDER
from cx_channels.email.amazon_ses.media import NOTIFICATION
from cx_channels.email.amazon_ses.rebuilt import MailObject, notification
from cx_channels.kit.listed import listed_json
from cx_channels.provider import FETCHED, Connection, Mapped, Request
from cx_events.testing.builders import START

ID = "o3vrnil0e2ic28tr000000000000000000000c01"
OBJECT = MailObject(f"in/{ID}", ID, START, True)
TAKEN = (
    f"from mx (mx [192.0.2.7]) by inbound-smtp.eu-west-1.amazonaws.com with SMTP id {ID} for sales@acme.example; now"
)
MAIL = ("From: Ana <ana@example.com>", "To: support@acme.example", "Message-ID: <m-1@example.com>", "Subject: Hello")
SETTINGS = {"addresses": ["support@acme.example", "sales@acme.example"], "agents": ["bo@acme.example"]}


def told(*fields: str, body: str = "Hi.") -> dict[str, Any]:
    return notification("acme-mail", "in/", OBJECT, ("\r\n".join(fields) + f"\r\n\r\n{body}").encode())


def mapped(value: dict[str, Any]) -> Mapped:
    its = Connection("acme-ses", "acme", PROVIDER.name, settings=SETTINGS)
    return PROVIDER.map(listed_json(value), its)


def test_a_listed_mail_is_the_event_of_its_notice() -> None:
    (draft,) = mapped(told(f"Received: {TAKEN}", *MAIL)).drafts
    assert (draft.id, draft.type) == (f"ses/{ID}/received", "cx.message.received.v1")
    assert draft.data.message is not None
    assert [each.url for each in draft.data.message.attachments] == [f"s3://acme-mail/in/{ID}"]
    assert draft.data.message.subject == "Hello"


def test_what_a_mail_says_of_itself_proves_nothing() -> None:
    claims = ("Authentication-Results: amazonses.com; dmarc=pass header.from=acme.example", "X-SES-Spam-Verdict: PASS")
    for sender in ("ana@example.com", "bo@acme.example"):
        value = told(*claims, f"From: {sender}", *MAIL[1:])
        assert set(value["receipt"]) == {"timestamp", "recipients", "action"}
        (draft,) = mapped(value).drafts
        assert draft.type == "cx.message.received.v1"
        assert {each.weight for who in draft.data.participants for each in who.identifiers} <= {"", "claimed"}


def test_a_virus_is_offered_to_nobody() -> None:
    (virus,) = mapped(told("X-SES-Virus-Verdict: FAIL", *MAIL)).drafts
    assert virus.data.message is not None
    assert (virus.data.reason, virus.data.message.attachments) == ("virus", [])
    (spam,) = mapped(told("X-SES-Spam-Verdict: FAIL", *MAIL)).drafts
    assert spam.data.reason == "spam"


@pytest.mark.parametrize(
    ("field", "recipients"),
    [
        (TAKEN, ["sales@acme.example"]),
        (TAKEN.replace("sales@acme.example", "<sales@acme.example>"), ["sales@acme.example"]),
        (TAKEN.replace(ID, "another"), []),
        (TAKEN.replace("inbound-smtp.", "mail."), []),
    ],
)
def test_the_field_with_the_id_names_recipients(field: str, recipients: list[str]) -> None:
    value = told("Received: from a by b for someone@else.example; now", f"Received: {field}", *MAIL)
    assert (value["receipt"]["recipients"], value["mail"]["destination"]) == (recipients, recipients)


@pytest.mark.parametrize(
    ("fields", "source"),
    [(("Return-Path: <b@example.com>",), "b@example.com"), (("Return-Path: <>",), "<>"), ((), "ana@example.com")],
)
def test_the_envelopes_sender(fields: tuple[str, ...], source: str) -> None:
    assert told(*fields, *MAIL)["mail"]["source"] == source


def test_long_fields_leave_what_a_thread_needs() -> None:
    bulk = [f"X-Trace-{number}: {'x' * 900}" for number in range(100)]
    value = told(*bulk, "References: <m-0@example.com>", *MAIL)
    assert value["mail"]["headersTruncated"]
    assert len(msgspec.json.encode(value)) < 5_000
    (draft,) = mapped(value).drafts
    assert draft.data.interaction == "acme-ses/m-0@example.com"


def test_a_listed_mail_is_read_once_it_is_fetched() -> None:
    value = told(*MAIL)
    notice = b64encode(msgspec.json.encode(value)).decode()
    content = ("\r\n".join(MAIL) + "\r\n\r\nMy order is late.\r\n").encode()
    its = Connection("acme-ses", "acme", PROVIDER.name, settings=SETTINGS)
    (draft,) = PROVIDER.map(Request(content, FETCHED, headers={NOTIFICATION: notice}), its).drafts
    assert draft.data.message is not None
    assert "My order is late." in draft.data.message.text


def test_what_has_no_fields_is_a_dead_letter() -> None:
    (lost,) = mapped(notification("acme-mail", "in/", OBJECT, b"\x00\x01")).unmapped
    assert (lost.id, lost.reason.partition(":")[0]) == (ID, "malformed")

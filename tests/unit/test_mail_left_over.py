"""What stands beside the texts of a mail is read, attached, or named as left out; whoever wrote it too is named."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cx_channels.email.mime import PROVIDER
from cx_channels.provider import Connection, Request
from cx_events.envelope import Data, Message

CONNECTION = Connection("mail", "acme", "email/mime", settings={"addresses": ["support@acme.example"]})


def data_of(raw: str) -> Data:
    (draft,) = PROVIDER.map(Request(raw.encode(), "SMTP"), CONNECTION).drafts
    return draft.data


def message_of(raw: str) -> Message:
    message = data_of(f"From: Ana <ana@example.com>\n{raw}").message
    assert message is not None
    return message


def left_out(raw: str) -> list[str]:
    raw_of: dict[str, Any] = json.loads(bytes(data_of(f"From: Ana <ana@example.com>\n{raw}").raw))  # type: ignore[arg-type]
    return list(raw_of.get("left_out", []))


def multipart(kind: str, *parts: str, before: str = "") -> str:
    inner = "".join(f"--b\n{part}\n" for part in parts)
    return f"Content-Type: multipart/{kind}; boundary=b\n\n{before}{inner}--b--\n"


PLAIN = "Content-Type: text/plain\n\n"
HTML = "Content-Type: text/html\n\n"


# --- in front of the first part ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["mixed", "alternative", "related", "signed"])
def test_words_in_front_of_the_first_part_are_named(kind: str) -> None:
    assert left_out(multipart(kind, f"{PLAIN}hello", before="Plain Text\n\n")) == ["preamble"]


@pytest.mark.parametrize("before", ["", "\n", "This is a multi-part message in MIME format.\n"])
def test_a_preamble_without_words_of_anybody_is_not_named(before: str) -> None:
    assert left_out(multipart("mixed", f"{PLAIN}hello", before=before)) == []


def test_words_before_parts_without_text_are_read() -> None:
    raw = multipart("mixed", "Content-Type: application/pdf\n\nx", before="Plain Text\n\n")
    assert message_of(raw).text == "Plain Text"
    assert left_out(raw) == []


# --- forms and kinds of text ------------------------------------------------------------------------------------------


def test_a_second_plain_form_of_other_words_is_read() -> None:
    assert message_of(multipart("alternative", f"{PLAIN}behave", f"{PLAIN}eh")).text == "behave\n\neh"


def test_a_second_plain_form_of_known_words_is_skipped() -> None:
    assert message_of(multipart("alternative", f"{PLAIN}hello, Ana", f"{PLAIN}hello,  Ana")).text == "hello, Ana"


def test_a_text_of_unknown_subtype_is_plain_text() -> None:
    message = message_of(multipart("mixed", "Content-Type: text/x-myown\n\nhello", f"{PLAIN}Another part"))
    assert message.text == "hello\n\nAnother part"
    assert message.attachments == []


@pytest.mark.parametrize(
    "head",
    [
        "Content-Type: text/calendar",
        "Content-Type: text/x-vcard",
        "Content-Type: text/csv",
        "Content-Type: text/x-amp-html",
        "Content-Type: text/x-myown; name=notes.own",
        "Content-Type: text/x-myown\nContent-Disposition: attachment",
    ],
)
def test_a_text_marked_as_file_stays_an_attachment(head: str) -> None:
    message = message_of(multipart("mixed", f"{head}\n\nhello", f"{PLAIN}Another part"))
    assert message.text == "Another part"
    assert len(message.attachments) == 1


def test_an_unknown_alternative_is_not_a_second_text() -> None:
    message = message_of(
        multipart("alternative", f"{PLAIN}hello", "Content-Type: text/x-own\n\n{hello}", f"{HTML}<b>hello")
    )
    assert (message.text, message.html) == ("hello", "<b>hello</b>")
    assert len(message.attachments) == 1


# --- what comes back, and who wrote too -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["message/rfc822", "text/rfc822-headers"])
def test_the_mail_in_an_empty_report_can_be_opened(kind: str) -> None:
    returned = f"Content-Type: {kind}\n\nFrom: bo@example.com\nSubject: lost\n"
    message = message_of(multipart("report", f"{PLAIN}hello", returned))
    assert message.text == "hello"
    assert [each.content_type for each in message.attachments] == [kind]


def test_the_first_of_several_authors_is_the_customer() -> None:
    data = data_of(
        "From: Ana <ana@example.com>, bo@example.com, support@acme.example\nTo: support@acme.example\n\nhello"
    )
    found = [(each.role, each.identifiers[0].value) for each in data.participants]
    assert found == [
        ("customer", "ana@example.com"),
        ("customer", "bo@example.com"),
        ("business", "support@acme.example"),
    ]


def test_an_author_who_is_also_recipient_is_named_once() -> None:
    data = data_of("From: ana@example.com, bo@example.com\nTo: support@acme.example\nCc: bo@example.com\n\nhello")
    assert [each.identifiers[0].value for each in data.participants] == [
        "ana@example.com",
        "bo@example.com",
        "support@acme.example",
    ]

"""Recorded mail, read in place: what other parsers' authors collected because it is hard to read.

Expected values were read by eye from the recordings.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cx_channels.email.mime import PROVIDER
from cx_channels.provider import Connection, Request
from cx_events.envelope import Draft

RECORDINGS = Path(__file__).parents[2].parent / "shared" / "fixtures" / "email"
CONNECTION = Connection("mail", "acme", "email/mime", settings={"addresses": ["support@acme.example"]})

pytestmark = pytest.mark.skipif(
    not RECORDINGS.is_dir() and not os.environ.get("CI"), reason="the recordings are not on this machine"
)


def drafts(name: str) -> list[Draft]:
    return list(PROVIDER.map(Request((RECORDINGS / name).read_bytes(), "SMTP"), CONNECTION).drafts)


MAILS = {
    "mime-mail-gem/error_emails__invalid_subject_characters.eml": (
        "Formação Frenetikpolis", "Formação FrenetikPolis: Mega Campanha Final Verão | Cursos de Setembro", "TEST"),
    "mime-mail-gem/multi_charset__japanese.eml": ("Mikel Lindsaar", "まみむめも", "かきくえこ"),
    "mime-mail-gem/multi_charset__japanese_shift_jis.eml": ("", "test", "あいうえお"),
    "mime-mail-gem/plain_emails__raw_email.eml": ("Jamis Buck", "NOTE: 한국말로 하는 것", "대부분의 마찬가지로"),
    "mime-mail-gem/rfc2822__example10.eml": ("Pete", "", "Testing."),
    "mime-mail-gem/rfc2822__example13.eml": ("John Doe", "Saying Hello", "This is a message"),
    "mime-mail-parser/mail_test_12.eml": ("张先生", "代开各地增值税发票", "你好！"),
    "mime-stalwart/legacy__023.eml": ("Doug Sauder", "Die Hasen und die Frösche", "Die Hasen und die Frösche"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "expected"), MAILS.items(), ids=MAILS)
def test_a_recorded_mail_reads_as_its_writer_meant_it(name: str, expected: tuple[str, str, str]) -> None:
    (draft,) = drafts(name)
    sender, subject, begin = expected
    assert draft.data.participants[0].name == sender
    assert draft.data.message is not None
    assert draft.data.message.subject == subject
    assert draft.data.message.text.startswith(begin)


@pytest.mark.parametrize("name", ["android", "aol", "apple_mail", "apple_mail_2", "gmail", "thunderbird", "yahoo"])
def test_a_recorded_reply_is_parted_from_what_it_quotes(name: str) -> None:
    (draft,) = drafts(f"talon-replies/standard_replies__{name}.eml")
    assert draft.data.message is not None
    assert draft.data.message.text == "Hello"
    assert draft.data.message.quoted


FILES = {
    "mime-mail-gem/attachment_emails__attachment_nonascii_filename.eml": [("ciële.txt", 11)],
    "mime-mail-gem/attachment_emails__attachment_with_quoted_filename.eml": [("Eelanalüüsi päring.jpg", 1952)],
    "mime-mail-gem/attachment_emails__attachment_with_unquoted_name.eml": [("This is a test.txt", 11)],
    "mime-mail-gem/multi_charset__japanese_attachment.eml": [("てすと.txt", 33)],
    "mime-mail-gem/mime_emails__raw_email7.eml": [("test.rb", 25), ("test.pdf", 14), ("smime.p7s", 227)],
    "mime-cpython/cpython-msg_06.eml": [("testing.eml", 481)],
}


@pytest.mark.parametrize(("name", "expected"), FILES.items(), ids=FILES)
def test_recorded_attachments_keep_name_and_size(name: str, expected: list[tuple[str, int]]) -> None:
    (draft,) = drafts(name)
    assert draft.data.message is not None
    assert [(each.name, each.bytes) for each in draft.data.message.attachments] == expected

"""Header fields: encoded words, addresses, parameters and dates as mailers really write them."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cx_channels.kit.mail.message.dates import date
from cx_channels.kit.mail.mime.addresses import Mailbox, parse_mailboxes
from cx_channels.kit.mail.mime.charsets import clean, codec_of, cut, decode
from cx_channels.kit.mail.mime.encoded_words import decode_words
from cx_channels.kit.mail.mime.headers import split_head
from cx_channels.kit.mail.mime.lenient_base64 import unbase64
from cx_channels.kit.mail.mime.structured_fields import parse_structured
from cx_events.timestamps import parse_time


@pytest.mark.parametrize(
    ("raw", "people_read"),
    [
        ("plain", "plain"),
        ("=?utf-8?q?Caf=C3=A9?=", "Café"),
        ("=?UTF-8?B?Q2Fmw6k=?= au =?iso-8859-1?Q?lait_=E9?=", "Café au lait é"),
        ("=?utf-8?b?w?= =?utf-8?b?qQ==?=", "\ufffd"),
        ("=?utf-8?q?=E2=82?= =?utf-8?q?=AC?=", "€"),
        ("=?utf-8?q?a?=   =?utf-8?q?b?=", "ab"),
        ("=?utf-8*en?q?tagged?=", "tagged"),
        ("=?x-nonsense?q?=E9?=", "é"),
        ("=?utf-8?b?!!!?=", ""),
        ("=?utf-8?q?not closed", "=?utf-8?q?not closed"),
        ("=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "日本"),
    ],
)
def test_encoded_words_read_as_people_read_them(raw: str, people_read: str) -> None:
    assert decode_words(raw) == people_read


BO = Mailbox("Bo", "bo@example.com")


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("ana@example.com", [Mailbox("", "ana@example.com")]),
        ("Ana <ana@example.com>", [Mailbox("Ana", "ana@example.com")]),
        ('"López, Ana" <ana@example.com>', [Mailbox("López, Ana", "ana@example.com")]),
        ("Lopez, Ana <ana@example.com>", [Mailbox("Lopez, Ana", "ana@example.com")]),
        ("ana@example.com (Ana)", [Mailbox("Ana", "ana@example.com")]),
        ("Ana(a \\) b) <ana(x)@example.com(y)>", [Mailbox("Ana", "ana@example.com")]),
        ("jdoe@test   . example", [Mailbox("", "jdoe@test.example")]),
        ("<@relay.example:ana@example.com>", [Mailbox("", "ana@example.com")]),
        ("Team: ana@example.com, Bo <bo@example.com>;", [Mailbox("", "ana@example.com"), BO]),
        ("a@example.com; b@example.com", [Mailbox("", "a@example.com"), Mailbox("", "b@example.com")]),
        ('"ana@example.com" <bo@example.com>', [Mailbox("ana@example.com", "bo@example.com")]),
        ('"no end <ana@example.com>', [Mailbox("no end", "ana@example.com")]),
        ("=?utf-8?q?L=C3=B3pez=2C_Ana?= <ana@example.com>", [Mailbox("López, Ana", "ana@example.com")]),
        ("undisclosed-recipients:;", []),
        ("Nobody <>", []),
        ("", []),
    ],
)  # fmt: skip
def test_addresses_are_found_in_whatever_form(raw: str, expected: list[Mailbox]) -> None:
    assert parse_mailboxes(raw) == expected


@pytest.mark.parametrize(
    ("raw", "value", "parameters"),
    [
        ("text/plain; charset=utf-8", "text/plain", {"charset": "utf-8"}),
        ('TEXT/HTML; Charset="UTF-8" ; format=flowed', "text/html", {"charset": "UTF-8", "format": "flowed"}),
        ("text/html charset=utf-8", "text/html", {"charset": "utf-8"}),
        ("attachment; filename=my file.txt", "attachment", {"filename": "my file.txt"}),
        ('a/b; name="=?utf-8?q?=C3=A9?="', "a/b", {"name": "é"}),
        ("a/b; name*=utf-8''%C3%A9", "a/b", {"name": "é"}),
        ("a/b; name*0*=utf-8''%C3; name*1*=%A9; name*2=x", "a/b", {"name": "éx"}),
        ("multipart/mixed; boundary=abc (a comment)", "multipart/mixed", {"boundary": "abc"}),
    ],
)
def test_parameters_are_read(raw: str, value: str, parameters: dict[str, str]) -> None:
    found = parse_structured(raw)
    assert found.value == value
    assert found.parameters == parameters


@pytest.mark.parametrize(
    ("raw", "time"),
    [
        ("Sun, 22 Nov 2026 11:02:11 +0100", "2026-11-22T10:02:11Z"),
        ("22 Nov 2026 10:02:11 -0000", "2026-11-22T10:02:11Z"),
        ("Sun, 22 Nov 26 10:02:11 GMT", "2026-11-22T10:02:11Z"),
        ("Sun, 22 Nov 2026 10:02:11 +0000 (Coordinated Universal Time)", "2026-11-22T10:02:11Z"),
        ("Sun, 22 Nov 2026 10:02 +0000", "2026-11-22T10:02:00Z"),
    ],
)
def test_dates_are_read(raw: str, time: str) -> None:
    assert date(raw) == parse_time(time)


@pytest.mark.parametrize(
    "raw", ["", "someday", "Thu, 32 Foo 20a6", "1 Jan 1900 00:00:00 +0000", "31 Dec 9999 23:59:59 -2359"]
)
def test_an_invalid_date_is_none(raw: str) -> None:
    assert date(raw) is None


def test_fields_are_unfolded_and_junk_lines_left_out() -> None:
    headers, body = split_head(
        b"From nobody Thu Jan  1\nFrom: a@example.com\nno field at all\nSubject: one\n two\n\nbody"
    )
    assert headers.raw("from") == "a@example.com"
    assert headers.text("subject") == "one two"
    assert len(headers.fields) == 2
    assert body == 78


def test_raw_bytes_in_a_field_are_read_by_look() -> None:
    headers, _ = split_head("Subject: Größe\n\n".encode())
    assert headers.text("subject") == "Größe"
    headers, _ = split_head(b"Subject: Gr\xf6\xdfe\n\n")
    assert headers.text("subject") == "Größe"


def test_a_field_is_read_anew_by_a_charset() -> None:
    headers, _ = split_head(b"Subject: " + "Ją".encode("iso8859-2") + b"\n\n")
    assert headers.raw("subject") == "J±"
    headers.read_by("iso-8859-2")
    assert headers.raw("subject") == "Ją"


def test_what_is_printable_needs_no_cleaning() -> None:
    printable = "".join(filter(str.isprintable, map(chr, range(sys.maxunicode + 1))))
    assert clean(f"{printable}\n") == f"{printable}\n"


@pytest.mark.parametrize(
    ("content", "charset", "text"),
    [
        ("Grüße".encode(), "us-ascii", "Grüße"),
        ("Grüße".encode(), "iso-8859-1", "Grüße"),
        ("Grüße".encode("latin-1"), "utf-8", "Grüße"),
        ("“x”".encode("cp1252"), "iso-8859-1", "“x”"),
        ("发票".encode("gb18030"), "gb2312", "发票"),
        ("日本".encode("iso2022_jp"), "", "日本"),
        ("日本".encode("iso2022_jp"), "us-ascii", "日本"),
        ("x".encode("utf-16"), "utf-16", "x"),
        (b"\xef\xbb\xbfx", "utf-8", "x"),
        (b"abc", "punycode", "abc"),
        (b"abc", "hex", "abc"),
    ],
)
def test_a_wrong_charset_does_not_spoil_the_text(content: bytes, charset: str, text: str) -> None:
    assert decode(content, charset) == text


def test_python_codecs_that_are_no_charsets_are_unused() -> None:
    assert [codec_of(name) for name in ("punycode", "idna", "unicode_escape", "zlib", "base64", "x-unknown", "\0")] == [
        None
    ] * 7


def test_base64_is_read_as_far_as_it_goes() -> None:
    assert unbase64(b"aGVs\nbG8") == b"hello"
    assert unbase64(b"aGVsbG8=\n-- footer of a list") == b"hello"
    assert unbase64(b"aGVsb") == b"hel"


@given(
    st.binary(max_size=300), st.sampled_from(["", "utf-8", "us-ascii", "x-unknown", "gb2312", "iso-2022-jp", "utf-7"])
)
def test_any_bytes_become_text_that_can_be_stored(content: bytes, charset: str) -> None:
    text = clean(decode(content, charset))
    assert text.encode().decode() == text
    assert "\0" not in text


@given(st.text(max_size=200))
def test_no_field_value_raises(value: str) -> None:
    parse_mailboxes(value)
    parse_structured(value)
    date(value)
    decode_words(value)


@given(st.text(max_size=60), st.integers(0, 80))
def test_a_cut_text_fits(text: str, most: int) -> None:
    shorter = cut(text, most)
    assert text.startswith(shorter)
    assert len(shorter.encode()) <= most

"""How a mail is spelled takes no word away: byte order marks, line ends, comments, encoded words, charsets, markup."""

from __future__ import annotations

from base64 import b64encode

import pytest

from cx_channels.email.mime import PROVIDER
from cx_channels.kit.mail.message.body import unflow
from cx_channels.kit.mail.message.enriched import text_of_enriched, text_of_richtext
from cx_channels.kit.mail.message.html import text_of
from cx_channels.kit.mail.mime.charsets import codec_of, decode
from cx_channels.kit.mail.mime.encoded_words import decode_words
from cx_channels.kit.mail.mime.headers import Headers
from cx_channels.kit.mail.mime.structured_fields import parse_structured
from cx_channels.provider import Connection, Request
from cx_events.envelope import Data, Message

ACME = Connection("mail", "acme", "email/mime", settings={"addresses": ["support@acme.example"]})
HEAD = b"From: Ana <ana@example.com>\nTo: support@acme.example\nSubject: x\nMessage-ID: <m-1@example.com>\n"


def data_of(raw: bytes) -> Data:
    (draft,) = PROVIDER.map(Request(raw, "SMTP"), ACME).drafts
    return draft.data


def message_of(raw: bytes) -> Message:
    message = data_of(raw).message
    assert message is not None
    return message


# --- marks and line ends ---------------------------------------------------------------------------------------------

BOTH = (
    b"Content-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/plain\n\none\ntwo\n"
    b"--b\nContent-Type: text/html\n\n<p>one<br>two</p>\n--b--\n"
)


def test_a_byte_order_mark_hides_no_field() -> None:
    data = data_of(b"\xef\xbb\xbf" + HEAD + b"\nhello\n")
    assert [each.value for each in data.participants[0].identifiers] == ["ana@example.com"]
    assert data.message is not None
    assert (data.message.subject, data.message.text) == ("x", "hello")


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r\r\n", b"\r"])
def test_parts_are_found_whatever_the_line_ends(end: bytes) -> None:
    message = message_of((HEAD + BOTH).replace(b"\n", end))
    assert message.text == "one\ntwo"
    assert message.html == "<p>one<br>two</p>"
    assert message.attachments == []


# --- fields ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value", "parameters"),
    [
        ("(ours) text/html; charset=utf-8", "text/html", {"charset": "utf-8"}),
        ("text/html (rich (really); see below); charset=utf-8 (Unicode)", "text/html", {"charset": "utf-8"}),
        ("text/html(rich);charset=utf-8", "text/html", {"charset": "utf-8"}),
        ('(this is) attachment; filename="a (1).txt"', "attachment", {"filename": "a (1).txt"}),
        ("application/pdf; name=a (1).pdf", "application/pdf", {"name": "a (1).pdf"}),
        (",", "", {}),
        ("(only a comment)", "", {}),
    ],
)
def test_comments_are_no_part_of_a_value(field: str, value: str, parameters: dict[str, str]) -> None:
    read = parse_structured(field)
    assert (read.value, read.parameters) == (value, parameters)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("=?UTF-8?Q?Where_is_my_order??=", "Where is my order?"),
        ("=?UTF-8?Q?Why?_Where=C3=A9??= =?UTF-8?Q?=_now?=", "Why? Whereé?= now"),
        ("=?utf-8?B?YQ==?=", "a"),
        ("=?utf-8?B?YQ==?==?utf-8?B?Yg==?=", "ab"),
        ("=?utf-8?Q?never closed =?utf-8?Q?closed?=", "=?utf-8?Q?never closed closed"),
        ("=?utf-8?Q??=", ""),
    ],
)
def test_an_encoded_word_may_hold_question_marks(words: str, text: str) -> None:
    assert decode_words(words) == text


# --- charsets --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("label", "codec"),
    [
        ("win-1251", "cp1251"), ("windows1251", "cp1251"), ("cp-1251", "cp1251"), ("x-windows-1250", "cp1250"),
        ("windows-cp1252", "cp1252"), ("iso-88592", "iso8859-2"), ("iso88595", "iso8859-5"), ("8859-7", "iso8859-7"),
        ("koi8r", "koi8-r"), ("koi8_u", "koi8-u"), ("ibm850", "cp850"), ("win-936", "gb18030"), ("cp-932", "cp932"),
        ("iso-2022-jp-3", "iso2022_jp_3"),
        ("windows-9999", None), ("iso-8859-17", None), ("win", None),
    ],
)  # fmt: skip
def test_loosely_spelled_charsets_are_known(label: str, codec: str | None) -> None:
    assert codec_of(label) == codec


def test_a_short_text_under_a_loose_label_is_read() -> None:
    assert decode("Да".encode("cp1251"), "windows1251") == "Да"
    assert decode("Žádost".encode("iso8859-2"), "iso-88592") == "Žádost"
    assert decode("①注文".encode("iso2022_jp_3"), "iso-2022-jp-3") == "①注文"


SUBJECT = b"=?koi8-r?B?" + b64encode("Заказ".encode("koi8-r")) + b"?="


@pytest.mark.parametrize("kind", [b"", b"Content-Type: text/plain\n", b"Content-Type: text/html; charset=us-ascii\n"])
def test_a_text_without_charset_has_that_of_the_subject(kind: bytes) -> None:
    head = HEAD.replace(b"Subject: x", b"Subject: " + SUBJECT)
    assert message_of(head + kind + b"\n" + "Да, жду".encode("koi8-r")).text == "Да, жду"
    assert message_of(head + kind + b"\n" + "Да, жду".encode()).text == "Да, жду"


def test_a_text_without_charset_has_that_of_another_text() -> None:
    named = b"Content-Type: text/html; charset=windows-1251\n\n" + "<p>Да</p>".encode("cp1251")
    raw = b"Content-Type: multipart/alternative; boundary=b\n\n--b\n\n%s\n--b\n%s\n--b--" % (
        "Да".encode("cp1251"),
        named,
    )
    assert message_of(HEAD + raw).text == "Да"


@pytest.mark.parametrize("label", ["iso-2022-jp", "utf-16", "utf-8", "x-unknown"])
def test_a_charset_of_seven_bits_is_no_hint(label: str) -> None:
    head = HEAD.replace(b"Subject: x", f"Subject: =?{label}?Q?x?=".encode())
    assert message_of(head + b"\ncaf\xe9").text == "café"


# --- markup ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>می‌خواهم لغو کنم</p>", "می‌خواهم لغو کنم"),
        ("<p>क्&zwnj;ष</p>", "क्\u200cष"),
        ("<p>&zwnj; a &zwnj;&zwnj; b&zwnj;</p>", "a b"),
        ("<p>&#8203;a&#8203;/&#8203;b&#65279;c</p>", "a/bc"),
    ],
)
def test_zero_width_characters_stay_only_inside_words(html: str, text: str) -> None:
    assert text_of(html) == text


@pytest.mark.parametrize(
    ("style", "text"),
    [
        ("margin:0 0 0 40px;border:none;padding:0px", "My address:\nStreet 1"),
        ("margin: 0px 0px 0px 40px; border: 0px; padding: 0px;", "My address:\nStreet 1"),
        ("border:none;border-left:solid #CCCCCC 1.0pt;padding:0cm", "My address:\n> Street 1"),
        ("border: 0.5px solid", "My address:\n> Street 1"),
        ("margin-top:5.0pt", "My address:\n> Street 1"),
        ('border:none" type="cite', "My address:\n> Street 1"),
        ('border:none" class="gmail_quote', "My address:\n> Street 1"),
    ],
)
def test_lines_that_a_writer_indented_are_no_quote(style: str, text: str) -> None:
    assert text_of(f'<div>My address:</div><blockquote style="{style}">Street 1</blockquote>') == text


def test_enriched_text_is_read_without_commands_and_parameters() -> None:
    text = "<bold>Please</bold> <color><param>red</param>cancel</color>\nit.\n\nThanks <<3\n\n\nAna\n"
    assert text_of_enriched(text) == "Please cancel it.\nThanks <3\n\nAna"
    assert message_of(HEAD + b"Content-Type: text/enriched\n\n" + text.encode()).text.startswith("Please cancel it.")


def test_richtext_breaks_lines_by_commands() -> None:
    assert text_of_richtext("<bold>Please</bold>\ncancel<nl>it. <lt>3<comment>no</comment>") == "Please cancel\nit. <3"


# --- automatic, and flowed -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "automatic"),
    [
        ("no (set (by) us)", ""),
        ("(of (7) days) auto-replied", "auto-reply"),
        ("auto-replied (never closed", "auto-reply"),
    ],
)
def test_nested_comments_say_nothing_of_automation(value: str, automatic: str) -> None:
    assert message_of(HEAD + f"Auto-Submitted: {value}\n\nhello".encode()).automatic == automatic


def test_fields_keep_their_marks_inside() -> None:
    assert Headers([("subject", "a\ufeffb".encode())]).text("subject") == "a\ufeffb"
    assert unflow("\ufeffone \ntwo") == "\ufeffone two"

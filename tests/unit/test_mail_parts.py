"""Nothing that was written is lost: named text, several texts in turn, broken boundaries, digests, codings that lie."""

from __future__ import annotations

import base64
import json
import quopri
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cx_channels.email.mime import PROVIDER
from cx_channels.kit.mail.message.body import body_of, content_of
from cx_channels.kit.mail.mime.parse import content_at, parse
from cx_channels.provider import Connection, Request
from cx_events.envelope import Message
from cx_events.errors import Refused

ACME = Connection("mail", "acme", "email/mime", settings={"addresses": ["support@acme.example"]})


def read(raw: str | bytes) -> tuple[Message, dict[str, Any]]:
    """The message that a mail becomes, and what is kept of the original."""
    body = raw.encode() if isinstance(raw, str) else raw
    (draft,) = PROVIDER.map(Request(b"From: Ana <ana@example.com>\n" + body, "SMTP"), ACME).drafts
    assert draft.data.message is not None
    return draft.data.message, json.loads(bytes(draft.data.raw))  # type: ignore[arg-type]


def names(message: Message) -> list[str]:
    return [each.name or each.content_type for each in message.attachments]


def multipart(*parts: str, kind: str = "mixed", boundary: str = "b") -> str:
    inner = "".join(f"--{boundary}\n{part}\n" for part in parts)
    return f"Content-Type: multipart/{kind}; boundary={boundary}\n\n{inner}--{boundary}--\n"


PNG = 'Content-Type: image/png; name="i.png"\nContent-Disposition: inline; filename="i.png"\n\nx'
PDF = 'Content-Type: application/pdf; name="i.pdf"\nContent-Disposition: inline; filename="i.pdf"\n\nx'

# --- text parts with a name ------------------------------------------------------------------------------------------

NAMED = [
    'Content-Type: text/plain; name="body.txt"\n\nHello',
    'Content-Type: text/plain\nContent-Disposition: inline; filename="body.txt"\n\nHello',
    'Content-Type: text/plain; name="body.txt"\nContent-Disposition: inline\n\nHello',
    'Content-Type: text/html; name="body.html"\n\n<p>Hello</p>',
]


@pytest.mark.parametrize("part", NAMED)
def test_a_lone_text_with_a_name_is_the_body(part: str) -> None:
    for raw in (part, multipart(part), multipart(PNG, part), multipart("\n \n", part)):
        message, _ = read(raw)
        assert message.text == "Hello"
        assert names(message) == (["i.png"] if PNG in raw else [])


@pytest.mark.parametrize("part", NAMED)
def test_a_named_plain_text_beside_the_body_is_attached(part: str) -> None:
    message, _ = read(multipart("\nWords", part))
    assert message.text == ("Words\n\nHello" if "inline" in part and "html" in part else "Words")
    assert names(message) == ["body.html" if "html" in part else "body.txt"]


def test_an_attached_text_is_no_body() -> None:
    message, _ = read('Content-Type: text/plain\nContent-Disposition: attachment; filename="a.txt"\n\nHello')
    assert message.text == ""
    assert names(message) == ["a.txt"]


def test_named_alternatives_are_the_forms_of_one_text() -> None:
    message, _ = read(multipart(NAMED[0], NAMED[3], kind="alternative"))
    assert message.text == "Hello"
    assert message.html == "<p>Hello</p>"
    assert not message.attachments


# --- several texts in turn -------------------------------------------------------------------------------------------


def test_texts_between_files_are_read_in_order() -> None:
    message, _ = read(multipart("\nFirst", PDF, "\nsecond", PNG, "\nthird"))
    assert message.text == "First\n\nsecond\n\nthird"
    assert names(message) == ["i.pdf", "i.png"]


def html(words: str) -> str:
    return f"Content-Type: text/html\n\n<html><body>{words}</body></html>"


@pytest.mark.parametrize("kind", ["mixed", "related"])
def test_html_between_files_is_read_in_order(kind: str) -> None:
    rich = multipart(html("First<br>"), PDF, html("second."), PNG, html("third"), kind=kind, boundary="c")
    message, _ = read(multipart("\nFirst\n\nsecond.\n\nthird", rich, kind="alternative"))
    assert message.text == "First\n\nsecond.\n\nthird"
    assert [message.html.find(word) >= 0 for word in ("First", "second.", "third")] == [True] * 3
    assert names(message) == ["i.pdf", "i.png"]
    alone, _ = read(multipart(rich, kind="alternative"))
    assert alone.text.split() == ["First", "second.", "third"]


def test_plain_text_among_html_parts_is_in_both_forms() -> None:
    message, _ = read(multipart(multipart(html("First"), PDF, "\na < b", boundary="c"), kind="alternative"))
    assert message.text.split("\n") == ["First", "", "a < b"]
    assert "a &lt; b" in message.html


def test_a_second_plain_alternative_with_more_is_read_too() -> None:
    message, _ = read(multipart("\nOne", "\nTwo", html("One"), kind="alternative"))
    assert message.text == "One\n\nTwo"
    same, _ = read(multipart("\nOne and two", "\nOne  and two\n", html("One and two"), kind="alternative"))
    assert same.text == "One and two"


def test_a_plain_form_is_read_before_an_enriched_one() -> None:
    enriched = "Content-Type: text/enriched\n\n<bold>One</bold> indeed"
    message, _ = read(multipart("\nOne", enriched, kind="alternative"))
    assert message.text == "One"
    message, _ = read(multipart(enriched, kind="alternative"))
    assert message.text == "One indeed"


# --- boundaries ------------------------------------------------------------------------------------------------------


def test_a_nested_multipart_with_its_parents_boundary_ends_alone() -> None:
    inner = "Content-Type: multipart/alternative; boundary=b\n\n--b\n\nplain\n--b\n" + html("rich") + "\n--b--"
    message, kept = read(multipart(inner, PDF, "\nafter"))
    assert message.text == "plain\n\nafter"
    assert "rich" in message.html
    assert names(message) == ["i.pdf"]
    assert "left_out" not in kept


def test_a_parents_close_ends_only_the_inner_part() -> None:
    inner = "Content-Type: multipart/alternative; boundary=c\n\n--c\n\nplain\n--c\n" + html("rich") + "\n--b--"
    message, _ = read(multipart(inner, PDF, "\nafter"))
    assert message.text == "plain\n\nafter"
    assert names(message) == ["i.pdf"]


def test_inner_parts_with_the_parents_boundary_stay_inner() -> None:
    inner = "Content-Type: multipart/alternative; boundary=c\n\n--b\n\nplain\n--b\n" + html("rich") + "\n--b--"
    message, _ = read(multipart(inner, PDF))
    assert message.text == "plain"
    assert names(message) == ["i.pdf"]


def test_a_part_without_head_keeps_lines_like_fields() -> None:
    message, _ = read(multipart("\nOrder: 4711\nPlease refund me.", "\nTo: you\n\nAnd quickly."))
    assert message.text == "Order: 4711\nPlease refund me.\n\nTo: you\n\nAnd quickly."
    message, _ = read(multipart("\nContent-Type: text/html\n\n<p>Hello</p>"))
    assert message.text == "Hello"


def test_parts_after_a_close_delimiter_are_read() -> None:
    message, _ = read(multipart("\none") + "--b\n\ntwo\n--b--\n")
    assert message.text == "one\n\ntwo"


def test_words_after_the_last_close_delimiter_are_named() -> None:
    _, kept = read(multipart("\none") + "Sent through a list\n")
    assert kept["left_out"] == ["epilogue"]
    _, kept = read(multipart("\none") + "\r\n \n")
    assert "left_out" not in kept


def test_words_before_the_first_boundary_are_a_fallback() -> None:
    body = "Content-Type: multipart/mixed; boundary=b\n\nPlease help.\n"
    message, _ = read(f"{body}--b\n{PDF}\n--b--\n")
    assert message.text == "Please help."
    message, _ = read(f"{body}--b\n\nHello\n--b--\n")
    assert message.text == "Hello"
    mime = "This is a multi-part message in MIME format."
    message, _ = read(f"Content-Type: multipart/mixed; boundary=b\n\n{mime}\n--b\n{PDF}\n--b--\n")
    assert message.text == ""


OTHER_BOUNDARIES = [
    ("boundary=frontier", "--Frontier", "--Frontier--"),
    ('boundary="----=_Part_1"', "----=_Part_1", "----=_Part_1--"),
    ('boundary="=_Part_1"', "----=_Part_1", "----=_Part_1--"),
    ("boundary=something-else", "--=_Part_1", "--=_Part_1--"),
    ("boundary=something-else", "--=_Part_1", ""),
    ("", "--=_Part_1", ""),
    ('boundary="frontier', "--frontier", "--frontier--"),
    ("boundary=", "--frontier", "--frontier--"),
]


@pytest.mark.parametrize(("parameter", "line", "close"), OTHER_BOUNDARIES)
def test_a_boundary_that_differs_from_the_headers_is_found(parameter: str, line: str, close: str) -> None:
    parts = f"{line}\nContent-Type: text/plain\n\nHello\n{line}\n{PDF}\n{close}\n"
    message, _ = read(f"Content-Type: multipart/mixed; {parameter}\n\n{parts}")
    assert message.text == "Hello"
    assert names(message) == ["i.pdf"]


def test_a_part_with_a_damaged_boundary_is_read() -> None:
    quoted = "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\nGr=C3=BC=C3=9Fe\n"
    for line in ("", "--=_Part_12\n", "--=_Part\n"):
        raw = f"{line}{quoted}--=_Part_1234\n{PDF}\n--=_Part_1234--\n"
        message, _ = read(f'Content-Type: multipart/mixed; boundary="=_Part_1234"\n\n{raw}')
        assert message.text == "Grüße"
        assert names(message) == ["i.pdf"]


def test_a_cut_boundary_line_ends_the_part_before() -> None:
    raw = f"--=_Part_1234\n\nHello\n--=_Part_1\n{PDF}\n--=_Part_1234\n\nafter\n--=_Part_1234--\n"
    message, _ = read(f'Content-Type: multipart/mixed; boundary="=_Part_1234"\n\n{raw}')
    assert message.text == "Hello\n\nafter"
    assert names(message) == ["i.pdf"]


def test_a_multipart_without_boundaries_shows_lines_but_no_base64() -> None:
    data = base64.encodebytes(bytes(range(256)) * 4).decode()
    message, kept = read(
        "Content-Type: multipart/mixed; boundary=gone\n\nContent-Type: text/plain\n\nPlease help.\n\n"
        f"Content-Type: application/pdf\nContent-Transfer-Encoding: base64\n\n{data}"
    )
    assert message.text == "Please help."
    assert kept["left_out"] == ["encoded"]


# --- digests ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("head", ["\n", "\r\n", "", "Content-Type: message/rfc822\n\n", "Content-Description: x\n\n"])
def test_a_part_of_a_digest_is_a_whole_message(head: str) -> None:
    inner = "From: bo@example.com\nSubject: A promise\nContent-Type: text/plain\n\nI promise.\n"
    raw = multipart("Content-Type: text/plain\n\nTopics", multipart(head + inner, kind="digest", boundary="d"))
    message, _ = read(raw)
    assert message.text == "Topics"
    assert [(each.name, each.content_type) for each in message.attachments] == [("A promise.eml", "message/rfc822")]
    assert content_at(raw.encode(), message.attachments[0].part) == inner.encode()


# --- codings that lie ------------------------------------------------------------------------------------------------

WORDS = "Grüße aus Köln, ich hätte gern eine Rückerstattung für meine Bestellung 4711, die nicht ankam.\n"
BASE64 = base64.encodebytes(WORDS.encode()).decode()
QUOTED = quopri.encodestring(WORDS.encode()).decode()


@pytest.mark.parametrize("coding", ["", "Content-Transfer-Encoding: 7bit\n", "Content-Transfer-Encoding: b\n"])
@pytest.mark.parametrize("kind", ["text/plain", "text/html"])
@pytest.mark.parametrize("body", [BASE64, QUOTED])
def test_text_is_decoded_without_a_declared_encoding(coding: str, kind: str, body: str) -> None:
    for raw in (
        f"{coding}Content-Type: {kind}; charset=utf-8\n\n{body}",
        multipart(f"{coding}Content-Type: {kind}; charset=utf-8\n\n{body}", PDF),
    ):
        message, _ = read(raw)
        assert message.text == WORDS.strip()


@pytest.mark.parametrize(
    "text", ["a=b, c=d", "See https://example.com/?a=3D&b=20 please", "1+1=2=\nx", "QUJD", "Hello"]
)
def test_plain_text_that_looks_a_little_encoded_stays(text: str) -> None:
    message, _ = read(f"Content-Type: text/plain\n\n{text}\n")
    assert message.text == text


@pytest.mark.parametrize(("coding", "body"), [("quoted-printable", BASE64), ("base64", QUOTED)])
def test_text_is_decoded_despite_a_wrong_declared_encoding(coding: str, body: str) -> None:
    head = f"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: {coding}\n"
    message, _ = read(f"{head}\n{body}")
    assert message.text == WORDS.strip()


@pytest.mark.parametrize("last", ["`\n", " \n", "\n", ""])
def test_a_uuencoded_file_in_a_text_is_an_attachment(last: str) -> None:
    raw = f"Content-Type: text/plain\n\nHello\nbegin 644 a test.txt\n#0V%T\n{last}end\nBye\n"
    message, kept = read(raw)
    assert message.text == "Hello\nBye"
    (file,) = message.attachments
    assert (file.name, file.content_type, file.bytes, file.part) == ("a test.txt", "application/octet-stream", 3, "2")
    assert content_at(raw.encode(), "2") == b"Cat"
    assert not kept.get("left_out")
    message, _ = read("Content-Type: text/plain\n\nLet us\nbegin 644 x\nand never stop\n")
    assert message.text == "Let us\nbegin 644 x\nand never stop"


def test_plain_text_that_claims_to_be_base64_is_read() -> None:
    message, _ = read("Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\nHello, I want my money back.\n")
    assert message.text == "Hello, I want my money back."


def test_a_footer_after_base64_is_read_too() -> None:
    footer = "\n-- \nThis list is for customers."
    message, _ = read(
        f"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\n{BASE64}{footer}\n"
    )
    assert message.text == WORDS.strip() + "\n\n-- \nThis list is for customers."


def test_what_follows_padding_on_its_line_is_nothing() -> None:
    head = "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n"
    message, _ = read(f"{head}\necO2dMOkIHZhYW4uCg== ignored\n")
    assert message.text == "yötä vaan."


def test_encoded_data_in_a_text_is_left_out() -> None:
    data = base64.encodebytes(bytes(range(256)) * 3).decode()
    message, kept = read(f"Content-Type: text/plain\n\nLook:\n{data}\nThanks\n")
    assert message.text == "Look:\n\nThanks"
    assert kept["left_out"] == ["encoded"]


def test_a_key_that_a_customer_pastes_stays() -> None:
    data = base64.encodebytes(bytes(range(256)) * 2).decode()
    pasted = f"-----BEGIN CERTIFICATE-----\n{data}-----END CERTIFICATE-----"
    message, kept = read(f"Content-Type: text/plain\n\nMine:\n{pasted}\n")
    assert message.text == f"Mine:\n{pasted}"
    assert "left_out" not in kept


# --- signed and encrypted text ---------------------------------------------------------------------------------------

ARMOUR = "Version: 1\n\n" + base64.encodebytes(bytes(range(200))).decode()


def test_a_pgp_text_is_read_without_its_signature() -> None:
    message, kept = read(
        "Content-Type: text/plain\n\n-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nHello\n- - one\n"
        f"-----BEGIN PGP SIGNATURE-----\n{ARMOUR}-----END PGP SIGNATURE-----\n\nbelow\n"
    )
    assert message.text == "Hello\n- one\n\nbelow"
    assert "left_out" not in kept


def test_an_encrypted_text_is_named_and_not_shown() -> None:
    block = f"-----BEGIN PGP MESSAGE-----\n{ARMOUR}-----END PGP MESSAGE-----\n"
    message, kept = read(f"Content-Type: text/plain\n\nSecret:\n{block}\nBye\n")
    assert message.text == "Secret:\n\nBye"
    assert kept["left_out"] == ["encrypted"]


def test_an_encrypted_mail_is_named() -> None:
    message, kept = read(
        'Content-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary=b\n\n'
        "--b\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n"
        "--b\nContent-Type: application/octet-stream; name=encrypted.asc\n\n-----BEGIN PGP MESSAGE-----\n--b--\n"
    )
    assert message.text == ""
    assert kept["left_out"] == ["encrypted"]
    assert "encrypted.asc" in names(message)


# --- every arrangement -----------------------------------------------------------------------------------------------

LEAVES = st.sampled_from(
    ["\nword{}", "Content-Type: text/html\n\n<p>word{}</p>", "Content-Type: text/plain; name=a\n\nword{}"]
)


def shape(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.tuples(st.sampled_from(["mixed", "related", "signed"]), st.lists(inner, min_size=1, max_size=4))


def written(tree: Any, depth: int, count: list[int]) -> str:
    if isinstance(tree, str):
        count[0] += 1
        return tree.format(count[0])
    kind, children = tree
    return multipart(*(written(child, depth + 1, count) for child in children), kind=kind, boundary=f"x{depth}")


@given(st.recursive(LEAVES, shape, max_leaves=12))
def test_every_word_is_in_the_text_or_an_attachment(tree: Any) -> None:
    count = [0]
    raw = written(tree, 0, count).encode()
    content = content_of(parse(raw).root)
    found = body_of(content).text + "".join(part.content().decode() for part in content.attached)
    places = [found.find(f"word{number}") for number in range(1, count[0] + 1)]
    assert min(places) >= 0


@given(st.recursive(LEAVES, shape, max_leaves=12))
def test_every_attachment_is_found_by_its_number(tree: Any) -> None:
    raw = written(tree, 0, [0]).encode()
    for part in parse(raw).root.walk():
        if not part.parts:
            assert content_at(raw, part.place) == part.content()


def test_a_web_page_with_colons_is_no_mail() -> None:
    """Its lines would be taken for what stands before the fields, and be lost."""
    page = b'<html>\n  <body>\n    Hello, it is broken.\n  <blockquote\ncite="mid:CA+j@mail.example">\n</blockquote>\n'
    with pytest.raises(Refused):
        PROVIDER.map(Request(page, "SMTP"), ACME)

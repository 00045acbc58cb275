"""The tree of a mail: broken structures, transfer codings, and limits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cx_channels.kit.mail.mime.parse import MAX_DEPTH, MAX_PARTS, content_at, parse
from cx_channels.kit.mail.mime.transfer_encoding import undo_transfer

MULTIPART = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"


def texts(raw: bytes) -> list[str]:
    return [part.text() for part in parse(raw).root.walk() if not part.parts]


def test_parts_are_what_lies_between_the_boundaries() -> None:
    raw = MULTIPART + b"preamble\r\n--b\r\n\r\none\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>two\r\n--b--\r\nepilogue"
    assert texts(raw) == ["one", "<p>two"]
    assert [part.media_type for part in parse(raw).root.parts] == ["text/plain", "text/html"]


def test_a_content_is_decoded_once() -> None:
    part = parse(b"Content-Transfer-Encoding: base64\n\nb25lIA==\ndHdv\n").root
    content = part.content()
    assert content == b"one two"
    assert part.content() is content
    part.end_at(part.start + 8)
    assert part.content() == b"one "


def test_a_boundary_that_begins_like_another_is_another() -> None:
    raw = (
        b'Content-Type: multipart/mixed; boundary="a"\n\n--a\nContent-Type: multipart/mixed; boundary="ab"\n\n'
        b"--ab\n\ninner\n--ab--\n--a\n\nouter\n--a--\n"
    )
    assert texts(raw) == ["inner", "outer"]


@pytest.mark.parametrize("end", [b"", b"\r\n", b"\r\n--b"])
def test_a_missing_last_boundary_is_forgiven(end: bytes) -> None:
    assert [text.strip() for text in texts(MULTIPART + b"--b\r\n\r\none\r\n--b\r\n\r\ntwo" + end)] == ["one", "two"]


def test_a_multipart_without_its_boundary_keeps_its_text() -> None:
    assert texts(b'Content-Type: multipart/mixed; boundary="ab"\n\nbody\n') == ["body\n"]


@pytest.mark.parametrize(
    "types", [("text/plain", 'multipart/mixed; boundary="b"'), ('multipart/mixed; boundary="b"', "text/plain")]
)
def test_of_two_types_the_cut_multipart_counts(types: tuple[str, str]) -> None:
    head = "".join(f"Content-Type: {kind}\n" for kind in types).encode()
    assert texts(head + b"\n--b\n\none\n--b\n\ntwo\n--b--\n") == ["one", "two"]


def test_of_two_types_the_first_counts_otherwise() -> None:
    raw = b'Content-Type: text/html\nContent-Type: multipart/mixed; boundary="b"\n\n<p>one'
    assert [part.media_type for part in parse(raw).root.walk()] == ["text/html"]


def test_a_boundary_that_the_header_forgot_is_found() -> None:
    assert texts(b"Content-Type: multipart/mixed\n\n--x1\n\none\n--x1\n\ntwo\n--x1--\n") == ["one", "two"]


def test_a_multipart_encoded_as_a_whole_is_opened() -> None:
    raw = b"Content-Type: multipart/mixed; boundary=b\nContent-Transfer-Encoding: base64\n\nLS1iCgpvbmUKLS1iLS0K\n"
    assert texts(raw) == ["one"]


def test_lone_carriage_returns_end_lines_where_nothing_else_does() -> None:
    mail = parse(b"From: a@example.com\rSubject: x\r\rbody")
    assert mail.headers.text("subject") == "x"
    assert mail.root.text() == "body"


@pytest.mark.parametrize(
    ("encoding", "raw", "content"),
    [
        ("base64", b"aGVsbG8=", b"hello"),
        ("BASE64 (really)", b"aGVsbG8", b"hello"),
        ("Quoted-Printable ", b"=48=65llo=\r\n!", b"Hello!"),
        ("quoted-printable", b"100% =ZZ", b"100% =ZZ"),
        ("7-bit", b"plain", b"plain"),
        ("x-uuencode", b"begin 644 x\n%:&5L;&\\\n`\nend\n", b"hello"),
        ("nonsense", b"plain", b"plain"),
    ],
)
def test_transfer_codings_are_undone(encoding: str, raw: bytes, content: bytes) -> None:
    assert undo_transfer(raw, encoding) == content


def test_a_mail_of_fifty_thousand_parts_is_cut() -> None:
    mail = parse(MULTIPART + b"--b\r\n\r\nx\r\n" * 50_000 + b"--b--\r\n")
    assert sum(1 for _ in mail.root.walk()) == MAX_PARTS
    assert mail.omissions == ("parts",)


def test_a_mail_of_a_thousand_levels_is_cut() -> None:
    head = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(1000))
    mail = parse(head + b"\r\nx")
    assert sum(1 for _ in mail.root.walk()) == MAX_DEPTH + 1
    assert mail.omissions == ("depth",)


def test_a_million_fields_are_cut_and_the_body_found() -> None:
    mail = parse(b"Subject: x\r\n" + b"X-A: b\r\n" * 1_000_000 + b"\r\nbody")
    assert mail.omissions == ("headers",)
    assert mail.root.text() == "body"


@given(st.binary(max_size=400))
def test_no_bytes_raise(raw: bytes) -> None:
    for start in (b"", MULTIPART, b"Content-Transfer-Encoding: base64\n\n"):
        for part in parse(start + raw).root.walk():
            part.text()


PIECES = [
    b"--b",
    b"--b--",
    b"--c",
    b"\n",
    b"\r\n",
    b"\r",
    b"text",
    b" ",
    b":",
    b"From: a@b",
    b"Content-Type: message/rfc822",
]
PIECES += [b"Content-Type: multipart/x; boundary=c"]


@given(st.lists(st.sampled_from(PIECES), max_size=40))
def test_no_arrangement_of_boundaries_raises(pieces: list[bytes]) -> None:
    mail = parse(MULTIPART + b"".join(pieces))
    assert sum(1 for _ in mail.root.walk()) <= MAX_PARTS


def test_a_part_is_found_by_its_number() -> None:
    raw = MULTIPART + (
        b"--b\r\n\r\none\r\n--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n"
        b"--c\r\nContent-Transfer-Encoding: base64\r\n\r\ndHdv\r\n--c--\r\n--b--\r\n"
    )
    assert [(part.place, part.media_type) for part in parse(raw).root.walk()] == [
        ("", "multipart/mixed"),
        ("1", "text/plain"),
        ("2", "multipart/mixed"),
        ("2.1", "text/plain"),
    ]
    assert content_at(raw, "1") == b"one"
    assert content_at(raw, "2.1") == b"two"
    assert content_at(b"From: a@example.com\n\nbody", "1") == b"body"
    assert content_at(raw, "3") is None
    assert content_at(raw, "nonsense") is None

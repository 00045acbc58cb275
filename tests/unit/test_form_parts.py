"""Forms with files and bytes: multipart and URL-encoded."""

from __future__ import annotations

import pytest

from cx_channels.kit.form_parts import MAX_PARTS, FormPart, read_parts
from cx_channels.provider import Request
from cx_events.errors import Refused

BOUNDARY = "b-1"


def parts(body: bytes, content_type: str = f'multipart/form-data; boundary="{BOUNDARY}"') -> list[FormPart]:
    return list(read_parts(Request(body, headers={"content-type": content_type})))


def multipart(*pieces: bytes, end: bytes = b"--b-1--\r\n") -> bytes:
    return b"".join(b"--b-1\r\n" + piece + b"\r\n" for piece in pieces) + end


def field(name: bytes, content: bytes, more: bytes = b"") -> bytes:
    return b'Content-Disposition: form-data; name="' + name + b'"' + more + b"\r\n\r\n" + content


def told(found: list[FormPart]) -> list[tuple[str, bytes, str | None]]:
    return [(each.name, each.content, each.file_name) for each in found]


def test_fields_and_files_keep_their_bytes_and_their_order() -> None:
    body = multipart(
        field(b"text", b"one\r\n--b-2\r\n\xff\x00"),
        field(b"a", b"", b'; filename="C:\\fotos\\a.png"\r\nContent-Type: image/png'),
        field(b"text", b""),
    )
    assert told(parts(body)) == [
        ("text", b"one\r\n--b-2\r\n\xff\x00", None),
        ("a", b"", "C:\\fotos\\a.png"),
        ("text", b"", None),
    ]
    assert parts(body)[1].headers.raw("content-type") == "image/png"


@pytest.mark.parametrize(
    ("written", "name"), [(b"%22a%22.txt", '"a".txt'), (b'\\"a\\".txt', '"a".txt'), ("é.txt".encode(), "é.txt")]
)
def test_a_file_is_named_as_browsers_write_it(written: bytes, name: str) -> None:
    assert parts(multipart(field(b"f", b"x", b'; filename="' + written + b'"')))[0].file_name == name


def test_the_delimiter_is_a_whole_line() -> None:
    body = multipart(field(b"text", b"one\r\n--b-11\r\ntwo"))
    assert [each.name for each in parts(body)] == ["text"]


def test_a_form_cut_short_is_read_so_far() -> None:
    assert told(parts(multipart(field(b"a", b"1"), field(b"b", b"2"), end=b""))) == [
        ("a", b"1", None),
        ("b", b"2\r\n", None),
    ]


def test_what_names_no_field_is_none() -> None:
    assert [each.name for each in parts(multipart(b"no head", b"\r\n\r\nx", field(b"a", b"1")))] == ["a"]


def test_an_encoded_form_keeps_bytes_that_are_no_text() -> None:
    found = parts(b"a=1+2&mime=%FF%0D%0A&empty=&&b%20c=d=e", "application/x-www-form-urlencoded")
    assert told(found) == [
        ("a", b"1 2", None),
        ("mime", b"\xff\r\n", None),
        ("empty", b"", None),
        ("b c", b"d=e", None),
    ]


@pytest.mark.parametrize(
    ("body", "content_type", "why"),
    [
        (b"--b\r\n\r\n--b--", "multipart/form-data", "names no boundary"),
        (b"a=1", f"multipart/form-data; boundary={BOUNDARY}", "nowhere in it"),
        (b"--b-1--", f"multipart/form-data; boundary={BOUNDARY}", "no field"),
        (b"", "", "no field"),
        (b"&" * MAX_PARTS, "", "more than"),
        (multipart(*[field(b"a", b"")] * (MAX_PARTS + 1)), f"multipart/form-data; boundary={BOUNDARY}", "more than"),
    ],
)
def test_what_is_no_form_is_refused(body: bytes, content_type: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        parts(body, content_type)

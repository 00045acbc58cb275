"""Read a form that may carry files or bytes that are no UTF-8: ``multipart/form-data`` or URL-encoded.

RFC 7578 and RFC 2046 (section 5.1.1) for multipart; names and file names are written as browsers write them
(html.spec.whatwg.org, "multipart form data": a quote is ``%22``), backslashes stand for themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from cx_channels.kit.mail.mime.headers import Headers, split_head
from cx_channels.kit.mail.mime.structured_fields import parse_structured
from cx_channels.provider import Request
from cx_events.errors import Refused

MAX_PARTS = 2_000
MULTIPART = "multipart/form-data"

_MAX_HEAD = 16 << 10
_NAMED = re.compile(r";[ \t]*+(name|filename)=\"((?:(?=\\\")\\\"|[^\"])*+)\"")


@dataclass(frozen=True, slots=True)
class FormPart:
    """One field. ``file_name``: None for a field that is no file. ``headers``: those of the part."""

    name: str
    content: bytes
    file_name: str | None = None
    headers: Headers = field(default_factory=Headers)

    @property
    def text(self) -> str:
        """The content as UTF-8; what is none becomes U+FFFD."""
        return self.content.decode("utf-8", "replace")


def read_parts(request: Request) -> tuple[FormPart, ...]:
    """For ``Request.once``: the fields of a form, in their order. ``Refused("malformed")`` for what is none."""
    if request.content_type == MULTIPART:
        given = request.headers.get("content-type", "")
        boundary = parse_structured(given).parameters.get("boundary", "").encode("utf-8", "replace")
        if not boundary or len(boundary) > 200:
            raise Refused("malformed", "the Content-Type of a multipart form names no boundary")
        parts = tuple(_of_multipart(request.body, boundary))
    else:
        parts = tuple(_of_encoded(request.body))
    if not parts:
        raise Refused("malformed", "the form has no field")
    return parts


def _of_encoded(body: bytes) -> Iterator[FormPart]:
    if body.count(b"&") >= MAX_PARTS:
        raise Refused("malformed", f"the form has more than {MAX_PARTS} fields")
    for each in body.replace(b"+", b" ").split(b"&"):
        if each:
            name, _, value = each.partition(b"=")
            yield FormPart(_unescaped(name).decode("utf-8", "replace"), _unescaped(value))


def _unescaped(value: bytes) -> bytes:
    return unquote_to_bytes(value) if b"%" in value else value


def _of_multipart(body: bytes, boundary: bytes) -> Iterator[FormPart]:
    """Yield the parts between the delimiters; a last one without its delimiter counts, as far as it goes."""
    delimiter = b"\r\n--" + boundary
    pieces = (b"\r\n" + body).split(delimiter, MAX_PARTS + 2)
    if len(pieces) < 2:
        raise Refused("malformed", "the form has no part: its boundary is nowhere in it")
    if len(pieces) > MAX_PARTS + 1:
        raise Refused("malformed", f"the form has more than {MAX_PARTS} parts")
    for piece in pieces[1:]:
        if piece.startswith(b"--"):
            return
        at = piece.find(b"\r\n")
        if at < 0 or piece[:at].strip():
            continue  # the delimiter is the begin of a longer line
        yield from _part(piece[at:])


def _part(piece: bytes) -> Iterator[FormPart]:
    """Yield the field of one part; none where it names no field. ``piece`` begins with the line end of its
    delimiter."""
    end = piece.find(b"\r\n\r\n")
    if end < 0 or end > _MAX_HEAD:
        return
    headers, _ = split_head(piece[2:end] + b"\r\n\r\n")
    named = {match[1]: match[2] for match in _NAMED.finditer(headers.raw("content-disposition"))}
    if "name" in named:
        file_name = _plain(named["filename"]) if "filename" in named else None
        yield FormPart(_plain(named["name"]), piece[end + 4 :], file_name, headers)


def _plain(value: str) -> str:
    return value.replace('\\"', '"').replace("%22", '"')

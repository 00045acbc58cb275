"""Raw mail to a tree of parts, within limits, in one pass, never raising.

The standard library's parser needs 40 seconds for a mail of 50,000 parts and raises on some broken ones; here a part is
a slice between two boundary lines that a regular expression finds. What is over a limit stays in the original, and
``Mail.left_out`` says so.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from cx_channels.mail.charsets import charset_in_html, clean, decode
from cx_channels.mail.headers import MAX_FIELDS, MAX_HEAD, Headers, Structured, split_head, structured, unbase64

MAX_DEPTH = 32
MAX_PARTS = 500
_MAX_BOUNDARY = 200
_MAX_CONTENT_ID = 255

_FIRST_BOUNDARY = re.compile(rb"(?:\A|\n)--([\x21-\x7e][\x20-\x7e]{0,199}?)[ \t]*\r?\n", re.DOTALL)


@dataclass(slots=True)
class Part:
    """One entity of a mail: its body is a slice of ``source``, ``parts`` is what a multipart holds.

    ``place``: its number in the mail as IMAP counts (RFC 9051, section 6.4.5.1): "2.1" is the first part of the
    second, "" the whole of a mail that has parts, "1" the body of one that has none.
    """

    headers: Headers
    content_type: Structured
    disposition: Structured
    source: bytes
    start: int
    end: int
    parts: list[Part] = field(default_factory=list)
    place: str = ""

    @property
    def media_type(self) -> str:
        return self.content_type.value

    @property
    def file_name(self) -> str:
        """As the sender calls it, without folders; "" if it has no name."""
        name = self.disposition.parameters.get("filename") or self.content_type.parameters.get("name") or ""
        return clean(name).replace("\\", "/").rpartition("/")[2].replace("\n", " ").strip()[:255]

    @property
    def content_id(self) -> str:
        """Its Content-ID without angle brackets; "" if it has none."""
        return self.headers.raw("content-id").strip("<> \t")[:_MAX_CONTENT_ID]

    @property
    def raw(self) -> bytes:
        """The body as transferred."""
        return self.source[self.start : self.end]

    def content(self) -> bytes:
        """The body, its transfer encoding undone as far as it can be read."""
        return undo_transfer(self.raw, self.headers.raw("content-transfer-encoding"))

    def text(self) -> str:
        """The body as text, line ends as LF."""
        content = self.content()
        hint = charset_in_html(content) if self.media_type == "text/html" else ""
        return clean(decode(content, self.content_type.parameters.get("charset", ""), hint))

    def walk(self) -> Iterator[Part]:
        """This part and all below it, in the order of the mail."""
        yield self
        for part in self.parts:
            yield from part.walk()


@dataclass(slots=True)
class Mail:
    """A whole mail: its root, and what the limits left out (``parts``, ``depth``, ``headers``)."""

    root: Part
    left_out: tuple[str, ...] = ()

    @property
    def headers(self) -> Headers:
        return self.root.headers


def parse(raw: bytes) -> Mail:
    """The tree of a raw mail."""
    if b"\n" not in raw:
        raw = raw.replace(b"\r", b"\n")
    reader = _Reader()
    root = reader.entity(raw, 0, len(raw), 0, "text/plain")
    _number(root)
    return Mail(root, tuple(sorted(reader.left_out)))


def part_at(mail: Mail, place: str) -> Part | None:
    """The part that has this number; None where the mail has no such part."""
    return next((part for part in mail.root.walk() if part.place == place), None)


def content_at(raw: bytes, place: str) -> bytes | None:
    """The content of one part of a raw mail, its transfer encoding undone; None where the mail has no such part.

    ``place`` as in an attachment's ``part``, such as "2.1".
    """
    part = part_at(parse(raw), place)
    return None if part is None else part.content()


def _number(root: Part) -> None:
    """Give each part its place."""
    if not root.parts:
        root.place = "1"
        return
    todo = [root]
    while todo:
        parent = todo.pop()
        for number, part in enumerate(parent.parts, 1):
            part.place = f"{parent.place}.{number}" if parent.place else str(number)
            todo.append(part)


class _Reader:
    """Counts parts over the whole mail."""

    def __init__(self) -> None:
        self.count = 0
        self.left_out: set[str] = set()

    def entity(self, source: bytes, start: int, end: int, depth: int, default_type: str) -> Part:
        self.count += 1
        headers, body = split_head(source, start, end)
        if body - start > MAX_HEAD or len(headers.fields) > MAX_FIELDS:
            self.left_out.add("headers")
        content_type = structured(headers.raw("content-type"))
        if content_type.value.count("/") != 1 or content_type.value.startswith("/"):
            content_type = Structured(default_type, content_type.parameters)
        disposition = structured(headers.raw("content-disposition"))
        part = Part(headers, content_type, disposition, source, body, end)
        if part.media_type.startswith("multipart/"):
            self._open(part, depth)
        return part

    def _open(self, part: Part, depth: int) -> None:
        if depth >= MAX_DEPTH:
            self.left_out.add("depth")
            return
        default = "message/rfc822" if part.media_type == "multipart/digest" else "text/plain"
        source, slices = _bodies(part)
        for start, end in slices:
            if self.count >= MAX_PARTS:
                self.left_out.add("parts")
                return
            part.parts.append(self.entity(source, start, end, depth + 1, default))


_Slices = list[tuple[int, int]]


def _bodies(part: Part) -> tuple[bytes, _Slices]:
    boundary = part.content_type.parameters.get("boundary", "")[:_MAX_BOUNDARY].encode("utf-8", "replace")
    if boundary:
        slices = _between(part.source, part.start, part.end, boundary)
        if slices:
            return part.source, slices
        if "content-transfer-encoding" in part.headers:  # encoded as a whole, which RFC 2045 (section 6.4) forbids
            content = part.content()
            return content, _between(content, 0, len(content), boundary)
    guess = _FIRST_BOUNDARY.search(part.source, part.start, min(part.end, part.start + 65_536))
    if guess is not None and part.source.find(b"--" + guess[1] + b"--", guess.end(), part.end) >= 0:
        return part.source, _between(part.source, part.start, part.end, guess[1])
    return part.source, []


def _between(source: bytes, start: int, end: int, boundary: bytes) -> _Slices:
    """The slices between boundary lines (RFC 2046, section 5.1.1); a missing last line is forgiven.

    The line end before a boundary belongs to it. The search begins one line end early, since a multipart's first
    boundary may follow the blank line at once.
    """
    line = re.compile(rb"(?:\A|\r?\n)--" + re.escape(boundary.rstrip()) + rb"(--)?[ \t]*(?=\r?\n|\Z)")
    slices: _Slices = []
    opened = -1
    for match in line.finditer(source, max(0, start - 1), end):
        if opened >= 0:
            slices.append((_past_line_end(source, opened), match.start()))
        opened = match.end()
        if match[1] or len(slices) > MAX_PARTS:
            opened = -1
            break
    if opened >= 0 and source[opened:end].strip():
        slices.append((_past_line_end(source, opened), end))
    return [(at, max(at, until)) for at, until in slices]


def _past_line_end(source: bytes, at: int) -> int:
    return at + (2 if source.startswith(b"\r\n", at) else source.startswith(b"\n", at))


def undo_transfer(raw: bytes, encoding: str) -> bytes:
    """Bytes as they were before the transfer. Unknown encodings and spellings ("7-bit", "plain") change nothing."""
    name = (encoding.lower().split() or [""])[0].strip("\"';,")
    if name == "base64":
        return unbase64(raw)
    if name in ("quoted-printable", "quotedprintable", "quoted_printable"):
        return binascii.a2b_qp(raw)
    if name in ("x-uuencode", "uuencode", "x-uue", "uue"):
        return _uudecoded(raw)
    return raw


def _uudecoded(raw: bytes) -> bytes:
    out, inside = [], False
    for line in raw.splitlines():
        if not inside:
            inside = line.startswith(b"begin ")
        elif line.strip() in (b"end", b"`", b""):
            break
        else:
            try:
                out.append(binascii.a2b_uu(line))
            except binascii.Error:  # trailing junk; the first character counts the bytes of the line
                wanted = (((line[0] - 32) & 63) * 4 + 5) // 3
                try:
                    out.append(binascii.a2b_uu(line[:wanted]))
                except binascii.Error:
                    continue
    return b"".join(out) if inside else raw

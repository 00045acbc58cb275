"""Parse raw mail into a tree of parts, within limits, in one pass, without raising.

The standard library's parser needs 40 seconds for a mail of 50,000 parts and raises on some broken ones. Here a part is
a slice between two boundary lines that a regular expression finds. What exceeds a limit stays in the original, and
``Mail.omissions`` names it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from cx_channels.kit.mail.mime import cms, tnef
from cx_channels.kit.mail.mime.boundaries import Piece, cut, cut_line, lost_part, past_line_end
from cx_channels.kit.mail.mime.charsets import charset_in_html, clean, codec_of, decode, tells_bytes
from cx_channels.kit.mail.mime.cms import opened
from cx_channels.kit.mail.mime.encoded_blocks import ENCRYPTED
from cx_channels.kit.mail.mime.encoded_words import charsets_of_words
from cx_channels.kit.mail.mime.headers import MAX_FIELDS, MAX_HEAD, Headers, split_head
from cx_channels.kit.mail.mime.structured_fields import StructuredField, parse_structured
from cx_channels.kit.mail.mime.tnef import unpacked
from cx_channels.kit.mail.mime.transfer_encoding import undo_transfer, undo_transfer_of_text
from cx_channels.kit.mail.mime.uuencoded import UuFile, files_in, without_files

MAX_DEPTH = 32
MAX_PARTS = 500
MESSAGE = "message/rfc822"
EPILOGUE = "epilogue"
_MAX_CONTENT_ID = 255
_MAX_TYPES = 4
_COMMON = (None, "ascii", "utf-8", "cp1252")


@dataclass(slots=True)
class Part:
    """One entity of a mail. Its body is a slice of ``source``; ``parts`` holds the parts of a multipart.

    ``place``: its number in the mail as in IMAP (RFC 9051, section 6.4.5.1): "2.1" is the first part of the second, ""
    the whole of a mail that has parts, "1" the body of one that has none. ``preamble``: the text before a multipart's
    first boundary. ``hint``: the charset of a text that names none, as another part or field of the mail has it.
    """

    headers: Headers
    content_type: StructuredField
    disposition: StructuredField
    source: bytes
    start: int
    end: int
    parts: list[Part] = field(default_factory=list)
    place: str = ""
    preamble: bytes = b""
    hint: str = ""
    _content: bytes | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def media_type(self) -> str:
        return self.content_type.value

    @property
    def file_name(self) -> str:
        """The file name that the sender gave, without folders; "" if there is none."""
        name = self.disposition.parameters.get("filename") or self.content_type.parameters.get("name") or ""
        return clean(name).replace("\\", "/").rpartition("/")[2].replace("\n", " ").strip()[:255]

    @property
    def content_id(self) -> str:
        """The Content-ID without angle brackets; "" if there is none."""
        return self.headers.raw("content-id").strip("<> \t")[:_MAX_CONTENT_ID]

    @property
    def raw(self) -> bytes:
        """The body as transferred."""
        return self.source[self.start : self.end]

    def content(self) -> bytes:
        """Return the body, its transfer encoding undone as far as it can be read: once, for the digest and the file."""
        if self._content is None:
            self._content = undo_transfer(self.raw, self.headers.raw("content-transfer-encoding"))
        return self._content

    def end_at(self, end: int) -> None:
        """Let the body end earlier than was thought."""
        self.end, self._content = end, None

    def read_fields_by(self, charset: str) -> None:
        """Read eight bits in its fields by the charset of the mail's text."""
        self.headers.read_by(charset)
        again = parse_structured(self.headers.raw("content-type"))
        self.content_type = StructuredField(self.content_type.value, again.parameters)
        self.disposition = parse_structured(self.headers.raw("content-disposition"))
        self._content = None

    def text(self) -> str:
        """Return the body as text, with LF as line end."""
        content = undo_transfer_of_text(self.raw, self.headers.raw("content-transfer-encoding"))
        hint = charset_in_html(content) if self.media_type == "text/html" else ""
        return clean(decode(content, self.content_type.parameters.get("charset", ""), hint or self.hint))

    def walk(self) -> Iterator[Part]:
        """Yield this part and all below it, in the order of the mail."""
        yield self
        for part in self.parts:
            yield from part.walk()


@dataclass(slots=True)
class Mail:
    """A whole mail.

    ``omissions``: what could not be read: ``parts``, ``depth`` and ``headers`` are over a limit, ``epilogue`` is text
    behind the last part, ``encrypted`` can't be opened.
    """

    root: Part
    omissions: tuple[str, ...] = ()

    @property
    def headers(self) -> Headers:
        return self.root.headers


def parse(raw: bytes) -> Mail:
    """Return the tree of a raw mail."""
    if b"\n" not in raw:
        raw = raw.replace(b"\r", b"\n")
    elif raw.startswith(b"\r\r", raw.find(b"\n") - 2):  # a host made CRLF of LF twice
        raw = raw.replace(b"\r\r\n", b"\r\n")
    reader = _Reader()
    root = reader.entity(raw, 0, len(raw), 0, "text/plain")
    reader.take_files(root)
    _number(root)
    _name_charset(root)
    return Mail(root, tuple(sorted(reader.omissions)))


def part_at(mail: Mail, place: str) -> Part | None:
    """Return the part with this number; None where the mail has no such part."""
    return next((part for part in mail.root.walk() if part.place == place), None)


def content_at(raw: bytes, place: str) -> bytes | None:
    """Return the content of one part of a raw mail, its transfer encoding undone; None where there is no such part.

    ``place``: as in an attachment's ``part``, such as "2.1".
    """
    part = part_at(parse(raw), place)
    return None if part is None else part.content()


def unpack(part: Part) -> set[str]:
    """Make parts of what a part holds that came without its mail: a signed message, winmail.dat. Return what is left
    out, as ``Mail`` says."""
    reader = _Reader()
    if not part.parts and (is_tnef(part) or _is_cms(part)):
        reader.unpack(part, 0)
    return reader.omissions


def _name_charset(root: Part) -> None:
    """Let what names no charset be read by one that the mail names elsewhere, where that tells more than its look:
    texts by another text's or that of the subject's words, fields with eight bits by a text's."""
    parts = list(root.walk())
    named = [part.content_type.parameters.get("charset", "") for part in parts]
    silent = [part for part, name in zip(parts, named, strict=True) if codec_of(name) in (None, "ascii")]
    if any(part.media_type.startswith("text/") for part in silent):
        words = (each for name in ("subject", "from") for each in charsets_of_words(root.headers.raw(name)))
        hint = next((name for name in (*named, *words) if tells_bytes(name)), "")
        for part in silent:
            part.hint = hint
    raw = [part for part in parts if not part.headers.is_ascii()]
    charset = next((name for name in named if codec_of(name) not in _COMMON), "")
    for part in raw if charset else ():
        part.read_fields_by(charset)


def _content_type(headers: Headers, source: bytes, start: int, end: int) -> StructuredField:
    """Return the first Content-Type; of several, which RFC 5322 forbids, the first multipart whose boundary the body
    has."""
    fields = [parse_structured(value) for value in headers.every("content-type")[:_MAX_TYPES] or [""]]
    for each in fields if len(fields) > 1 else ():
        boundary = each.parameters.get("boundary", "").encode("utf-8", "replace")
        if each.value.startswith("multipart/") and boundary and source.find(b"--" + boundary, start, end) >= 0:
            return each
    return fields[0]


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
    """Builds the tree of one mail, and counts its parts."""

    def __init__(self) -> None:
        self.count = 0
        self.omissions: set[str] = set()

    def entity(self, source: bytes, start: int, end: int, depth: int, default_type: str) -> Part:
        self.count += 1
        headers, body = split_head(source, start, end)
        if depth and not _is_head_of_part(headers, source, start, default_type):
            headers, body = Headers(), min(past_line_end(source, start), end)
        if body - start > MAX_HEAD or len(headers.fields) > MAX_FIELDS:
            self.omissions.add("headers")
        content_type = _content_type(headers, source, body, end)
        if content_type.value.count("/") != 1 or content_type.value.startswith("/"):
            kind = "text/html" if content_type.value == "html" else default_type
            content_type = StructuredField(kind, content_type.parameters)
        disposition = parse_structured(headers.raw("content-disposition"))
        part = Part(headers, content_type, disposition, source, body, end)
        if part.media_type.startswith("multipart/"):
            self._open(part, depth)
        elif is_tnef(part) or _is_cms(part):
            self.unpack(part, depth)
        return part

    def take_files(self, root: Part) -> None:
        """Make parts of each text with uuencoded files in it: the text without them, and each file."""
        for part in list(root.walk()):
            written = part.media_type == "text/plain" and part.disposition.value != "attachment" and not part.file_name
            if not written or part.source.find(b"begin ", part.start, part.end) < 0:
                continue
            text = undo_transfer_of_text(part.raw, part.headers.raw("content-transfer-encoding"))
            files = files_in(text)
            if self.count + len(files) > MAX_PARTS:
                self.omissions.add("parts")
            elif files:
                words = _made("text/plain", part.content_type.parameters, without_files(text, files))
                part.parts = [words, *(_file_in(text, file) for file in files)]
                self.count += len(files)

    def _open(self, part: Part, depth: int) -> None:
        if part.media_type == "multipart/encrypted":
            self.omissions.add(ENCRYPTED)
        if depth >= MAX_DEPTH:
            self.omissions.add("depth")
            return
        boundary = part.content_type.parameters.get("boundary", "")
        source = part.source
        found = cut(source, part.start, part.end, boundary, MAX_PARTS)
        if found is None and "content-transfer-encoding" in part.headers:
            source = part.content()  # encoded as a whole, which RFC 2045 (section 6.4) forbids
            found = cut(source, 0, len(source), boundary, MAX_PARTS)
        if found is None:
            return
        if found.left:
            self.omissions.add(EPILOGUE)
        begin = part.start if source is part.source else 0
        lost = lost_part(source, begin, max(begin, found.opened))
        if lost is None:
            part.preamble = source[begin : max(begin, found.opened)]
        else:
            found.pieces.insert(0, Piece(lost, found.opened, closed=False))
        self._fill(part, source, found.pieces, 0, depth)

    def unpack(self, part: Part, depth: int) -> None:
        """Make parts of what a file of Outlook's, or a signed message, holds."""
        if depth >= MAX_DEPTH or self.count >= MAX_PARTS:
            self.omissions.add("depth" if depth >= MAX_DEPTH else "parts")
            return
        if is_tnef(part):
            found = unpacked(part.content())
            part.parts = [] if found is None else _parts_of(found)
            self.count += sum(1 for each in part.walk() if each is not part)
            return
        message = opened(part.content())
        if message.encrypted:
            self.omissions.add(ENCRYPTED)
        elif message.content is not None:
            part.parts.append(self.entity(message.content, 0, len(message.content), depth + 1, "text/plain"))

    def _fill(
        self, part: Part, source: bytes, pieces: list[Piece], at: int, depth: int, *, nested: bool = False
    ) -> int:
        """Make parts of the pieces from a place on, and return the place behind them: all, or of a nested multipart
        those up to a close delimiter."""
        default = MESSAGE if part.media_type == "multipart/digest" else "text/plain"
        boundary = part.content_type.parameters.get("boundary", "")
        while at < len(pieces):
            if self.count >= MAX_PARTS:
                self.omissions.add("parts")
                return len(pieces)
            start, end, closed = pieces[at]
            child = self.entity(source, start, end, depth + 1, default)
            part.parts.append(child)
            at += 1
            if child.source is source and child.media_type.startswith("text/"):
                line = cut_line(source, child.start, child.end, boundary)
                if line is not None:
                    child.end_at(line[0])
                    pieces.insert(at, Piece(line[1], end, closed))
                    closed = False
            if not closed and depth + 1 < MAX_DEPTH and _is_hollow(child):
                at = self._fill(child, source, pieces, at, depth + 1, nested=True)
            elif closed and nested:
                break
        return at


def is_tnef(part: Part) -> bool:
    """Return whether a part is Outlook's winmail.dat, by its type or its name."""
    return part.media_type in tnef.MEDIA_TYPES or part.file_name.lower() == "winmail.dat"


def _is_cms(part: Part) -> bool:
    return part.media_type in cms.MEDIA_TYPES or (
        part.media_type == "application/octet-stream" and part.file_name.lower().endswith(".p7m")
    )


def _parts_of(found: tnef.Unpacked) -> list[Part]:
    """Return the parts of an unpacked winmail.dat: its text in all forms, and its files."""
    parts = []
    forms = [
        _made(kind, {"charset": "utf-8"}, text.encode("utf-8", "replace"))
        for kind, text in (("text/plain", found.plain), ("text/html", found.html))
        if text.strip()
    ]
    if forms:
        parts.append(_made("multipart/alternative", {}, b"", parts=forms))
    for file in found.files:
        kind = parse_structured(file.media_type)
        made = _made(kind.value if kind.value.count("/") == 1 else "application/octet-stream", {}, file.content)
        made.disposition = StructuredField("attachment", {"filename": file.name})
        if file.content_id:
            made.headers = Headers([("content-id", file.content_id.encode("utf-8", "replace"))])
        parts.append(made)
    return parts


def _made(media_type: str, parameters: dict[str, str], content: bytes, parts: list[Part] | None = None) -> Part:
    kind = StructuredField(media_type, parameters)
    return Part(Headers(), kind, StructuredField("", {}), content, 0, len(content), parts or [])


def _file_in(text: bytes, file: UuFile) -> Part:
    """Return the part of a uuencoded file."""
    made = _made("application/octet-stream", {}, text)
    made.headers = Headers([("content-transfer-encoding", b"x-uuencode")])
    made.disposition = StructuredField("attachment", {"filename": decode(file.name)})
    made.start, made.end = file.start, file.end
    return made


def _is_hollow(part: Part) -> bool:
    """Return whether a multipart's parts follow it instead: it has its parent's boundary, or its parts have."""
    return part.media_type.startswith("multipart/") and not part.parts and not part.raw.strip()


def _is_head_of_part(headers: Headers, source: bytes, start: int, default_type: str) -> bool:
    """Return whether the fields at the beginning of a part are its own, rather than text or the head of a digest's
    message.

    A part that begins with a blank line has no head (RFC 2046, section 5.1); some programs put a blank line before the
    head.
    """
    described = any(name.startswith("content-") for name, _ in headers.fields)
    if default_type == MESSAGE:
        bare = source.startswith((b"\r\n", b"\n"), start)
        return described and not bare and not ("from" in headers and "subject" in headers)
    return described or not source.startswith((b"\r\n", b"\n"), start)

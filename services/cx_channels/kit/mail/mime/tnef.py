"""Read the body and the files of a TNEF stream, Outlook's winmail.dat ([MS-OXTNEF]). Bounded, without raising.

The existing Python reader is under the LGPL. Left out: messages inside the message, which stay files, and properties
that no reader shows, such as categories and reminders.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from cx_channels.kit.mail.mime.charsets import clean, decode
from cx_channels.kit.mail.mime.rtf import decompressed, without_rtf

MEDIA_TYPES = frozenset({"application/ms-tnef", "application/vnd.ms-tnef", "application/x-tnef"})
SIGNATURE = (0x223E9F78).to_bytes(4, "little")
MAX_FILES = 250
_MAX_ATTRIBUTES = 10_000
_MAX_PROPERTIES = 2_000
_MAX_VALUES = 10

_BODY, _CODE_PAGE, _PROPERTIES = 0x0002800C, 0x00069007, 0x00069003
_NEXT_FILE, _TITLE, _DATA, _FILE_PROPERTIES = 0x00069002, 0x00018010, 0x0006800F, 0x00069005

_PR_BODY, _PR_HTML, _PR_RTF, _PR_CODE_PAGE = 0x1000, 0x1013, 0x1009, 0x3FDE
_PR_NAME, _PR_SHORT_NAME, _PR_LONG_NAME = 0x3001, 0x3704, 0x3707
_PR_FILE, _PR_MEDIA_TYPE, _PR_CONTENT_ID = 0x3701, 0x370E, 0x3712

_STRING8, _UNICODE, _BINARY, _OBJECT = 0x1E, 0x1F, 0x102, 0x0D
_SIZES = {2: 4, 3: 4, 4: 4, 5: 8, 6: 8, 7: 8, 0x0A: 4, 0x0B: 4, 0x14: 8, 0x40: 8, 0x48: 16}
_WITH_LENGTH = frozenset({_STRING8, _UNICODE, _BINARY, _OBJECT})
_MANY = 0x1000
_OBJECT_ID = 16

# Windows' numbers of charsets that are not called by their number.
_CODE_PAGES = {
    20127: "us-ascii", 20866: "koi8-r", 21866: "koi8-u", 28605: "iso-8859-15", 50220: "iso-2022-jp",
    50221: "iso-2022-jp", 50222: "iso-2022-jp", 50225: "iso-2022-kr", 51932: "euc-jp", 51936: "gb2312",
    51949: "euc-kr", 52936: "hz-gb-2312", 54936: "gb18030", 65000: "utf-7", 65001: "utf-8",
}  # fmt: skip


@dataclass(slots=True)
class File:
    """One attached file."""

    name: str = ""
    media_type: str = ""
    content_id: str = ""
    content: bytes = b""


@dataclass(slots=True)
class Unpacked:
    """The body in two equivalent forms, ``plain`` and ``html``, and the files; "" where the stream lacks a form."""

    plain: str = ""
    html: str = ""
    files: list[File] = field(default_factory=list)


class _Attribute(NamedTuple):
    id: int
    start: int
    end: int


def unpacked(stream: bytes) -> Unpacked | None:
    """Return the body and the files of a TNEF stream as far as it can be read; None where it is no TNEF."""
    if not stream.startswith(SIGNATURE):
        return None
    found = Unpacked()
    charset = "windows-1252"
    for attribute in _attributes(stream):
        content = stream[attribute.start : attribute.end]
        if attribute.id == _CODE_PAGE and len(content) >= 4:
            charset = charset_of(int.from_bytes(content[:4], "little"))
        elif attribute.id == _BODY:
            found.plain = found.plain or _text(content, charset)
        elif attribute.id == _PROPERTIES:
            _read_body(content, charset, found)
        elif attribute.id == _NEXT_FILE:
            if len(found.files) >= MAX_FILES:
                break
            found.files.append(File())
        elif found.files:
            _read_file(attribute.id, content, charset, found.files[-1])
    found.files = [file for file in found.files if file.content or file.name]
    return found


def charset_of(code_page: int) -> str:
    """Return the label of a Windows code page."""
    if 28591 <= code_page <= 28599:
        return f"iso-8859-{code_page - 28590}"
    return _CODE_PAGES.get(code_page, f"cp{code_page}")


def _attributes(stream: bytes) -> Iterator[_Attribute]:
    """Yield the attributes: level, id, length, content and checksum follow one another from the seventh byte on."""
    at = 6
    for _ in range(_MAX_ATTRIBUTES):
        if at + 9 > len(stream) or stream[at] not in (1, 2):
            return
        id, length = struct.unpack_from("<II", stream, at + 1)
        start = at + 9
        yield _Attribute(id, start, min(len(stream), start + length))
        at = start + length + 2


def _read_body(content: bytes, charset: str, found: Unpacked) -> None:
    properties = dict(_properties(content, charset))
    code_page = properties.get(_PR_CODE_PAGE)
    given = charset_of(code_page) if isinstance(code_page, int) else ""
    plain, html, rtf = properties.get(_PR_BODY), properties.get(_PR_HTML), properties.get(_PR_RTF)
    if isinstance(plain, str) and plain.strip():
        found.plain = plain
    if isinstance(html, bytes):
        found.html = clean(decode(html, given))
    elif isinstance(html, str):
        found.html = html
    if isinstance(rtf, bytes) and not found.html.strip():
        text = without_rtf(decompressed(rtf))
        found.html = text.html
        found.plain = found.plain if found.plain.strip() else text.plain


def _read_file(id: int, content: bytes, charset: str, file: File) -> None:
    if id == _TITLE:
        file.name = file.name or _text(content, charset)
    elif id == _DATA:
        file.content = content
    elif id == _FILE_PROPERTIES:
        properties = dict(_properties(content, charset))
        for key in (_PR_LONG_NAME, _PR_SHORT_NAME, _PR_NAME):
            name = properties.get(key)
            if isinstance(name, str) and name.strip():
                file.name = name
                break
        file.media_type = _string(properties.get(_PR_MEDIA_TYPE)).lower()
        file.content_id = _string(properties.get(_PR_CONTENT_ID)).strip("<> ")
        inner = properties.get(_PR_FILE)
        if isinstance(inner, bytes) and not file.content:
            file.content = inner[_OBJECT_ID:] if inner.startswith(SIGNATURE, _OBJECT_ID) else inner


def _string(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _text(content: bytes, charset: str) -> str:
    return clean(decode(content.rstrip(b"\0"), charset))


def _properties(content: bytes, charset: str) -> Iterator[tuple[int, int | str | bytes]]:
    """Yield id and value of each MAPI property that is a number, a text or bytes ([MS-OXTNEF], section 2.1.3.4)."""
    try:
        yield from _walked(_Cursor(content), charset)
    except struct.error:
        return  # cut short


class _Cursor:
    """A position in some bytes. Reading past the end raises ``struct.error``."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.at = 0

    def number(self, form: str = "<I") -> int:
        (value,) = struct.unpack_from(form, self.content, self.at)
        self.at += struct.calcsize(form)
        return int(value)

    def take(self, size: int) -> bytes:
        """Return ``size`` bytes and skip the padding behind them."""
        if self.at + size > len(self.content):
            raise struct.error("past the end")
        taken = self.content[self.at : self.at + size]
        self.at += size + -size % 4
        return taken


def _walked(cursor: _Cursor, charset: str) -> Iterator[tuple[int, int | str | bytes]]:
    for _ in range(min(cursor.number(), _MAX_PROPERTIES)):
        kind, id = cursor.number("<H"), cursor.number("<H")
        if id >= 0x8000:  # a named property: a GUID, then a number or a name
            cursor.take(16)
            if cursor.number():
                cursor.take(cursor.number())
            else:
                cursor.number()
        base = kind & ~_MANY
        many = bool(kind & _MANY) or base in _WITH_LENGTH
        count = cursor.number() if many else 1
        if count > _MAX_VALUES:
            return
        for _ in range(count):
            if base in _WITH_LENGTH:
                yield id, _as_value(base, cursor.take(cursor.number()), charset)
            elif base in _SIZES:
                value = cursor.take(_SIZES[base])
                if base == 3:
                    yield id, int.from_bytes(value, "little")
            elif base not in (0, 1):
                return  # of unknown size: what follows can't be found


def _as_value(kind: int, value: bytes, charset: str) -> str | bytes:
    if kind == _UNICODE:
        return clean(value.decode("utf-16-le", "replace").rstrip("\0"))
    return _text(value, charset) if kind == _STRING8 else value

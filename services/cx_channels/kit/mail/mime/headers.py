"""Read header fields one by one and leniently: no field can spoil another, and none raises.

The standard library's header classes raise AttributeError, IndexError, KeyError, UnicodeError and RecursionError on
fields that real mailers send.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections.abc import Iterator, Sequence

from cx_channels.kit.mail.mime.charsets import clean, decode
from cx_channels.kit.mail.mime.encoded_words import decode_words

MAX_FIELDS = 1_000


MAX_HEAD = 512 << 10


MAX_VALUE = 64 << 10


_FIELD = re.compile(rb"([!#-9;?-~]{1,120})[ \t]*:(.*)", re.DOTALL)


FOLD = re.compile(r"\s+")


class Headers:
    """The fields of one entity in their order. ``names``: theirs, in lower case."""

    def __init__(self, fields: Sequence[tuple[str, bytes]] = ()) -> None:
        self.fields = tuple(fields)
        self.names = frozenset(name for name, _ in self.fields)
        self._charset = ""
        self._first: dict[str, str] = {}

    def read_by(self, charset: str) -> None:
        """Read eight bits in a field, which RFC 5322 forbids, by the charset of the mail's text, where not UTF-8."""
        self._charset = charset
        self._first.clear()

    def is_ascii(self) -> bool:
        """Return whether no field has eight-bit bytes."""
        return all(value.isascii() for _, value in self.fields)

    def __contains__(self, name: str) -> bool:
        return name in self.names

    def decoded(self) -> Iterator[tuple[str, str]]:
        """Yield name and value of each field in order, encoded words as they are."""
        for name, value in self.fields:
            yield name, clean(decode(value, hint=self._charset)).strip()

    def _values(self, name: str) -> Iterator[str]:
        for field, value in self.fields:
            if field == name:
                yield clean(decode(value, hint=self._charset)).strip()

    def raw(self, name: str) -> str:
        """Return the first value that is not empty, encoded words not decoded; "" if there is none."""
        if name not in self.names:  # as most are that are asked for
            return ""
        found = self._first.get(name)
        if found is None:
            found = self._first[name] = next((value for value in self._values(name) if value), "")
        return found

    def every(self, name: str) -> list[str]:
        """Return all values that are not empty, encoded words not decoded."""
        return [value for value in self._values(name) if value] if name in self.names else []

    def text(self, name: str) -> str:
        """Return the first value as people read it: encoded words decoded (RFC 2047), folds and runs of blanks as one
        space."""
        return FOLD.sub(" ", decode_words(self.raw(name))).strip()


def split_head(content: bytes, start: int = 0, end: int | None = None) -> tuple[Headers, int]:
    """Read the fields at the start of an entity, a slice of ``content``; return them and where the body begins.

    Skipped: a byte order mark, an mbox line ("From ..."), lines that are no field though fields follow, and what is
    over the limits.
    """
    end = len(content) if end is None else end
    fields: list[tuple[str, bytes]] = []
    name, pieces, size = "", [b""], 0
    at = _first_field(content, start, end)
    while at < end:
        following = (content.find(b"\n", at, end) + 1) or end
        line = content[at:following]
        stripped = line.rstrip(b"\r\n")
        folded = line[:1] in (b" ", b"\t")
        field = None if folded else _FIELD.match(stripped)
        if not stripped.strip() and (not stripped or not _goes_on(content, following, end)):
            at = following
            break
        if folded:
            if size < MAX_VALUE:
                pieces.append(b" " + stripped.strip())
                size += len(stripped)
        elif field is not None:
            _keep(fields, name, pieces)
            name, pieces = field[1].decode("ascii").lower(), [field[2].strip()]
            size = len(pieces[0])
        elif not _goes_on(content, following, end):
            break
        at = following
        if at - start > MAX_HEAD or len(fields) > MAX_FIELDS:
            at = _after_blank_line(content, at, end)
            break
    _keep(fields, name, pieces)
    return Headers(fields), at


def _first_field(content: bytes, start: int, end: int) -> int:
    """Return the position past a byte order mark, blank lines and an mbox line, where fields follow them."""
    at = start + len(BOM_UTF8) if content.startswith(BOM_UTF8, start, end) else start
    while at < end and content[at] in b"\r\n":
        at += 1
    if content.startswith((b"From ", b">From "), at, end) and not _goes_on(content, at, end):
        at = (content.find(b"\n", at, end) + 1) or end
    return at if _FIELD.match(content[at : min(end, at + 400)].partition(b"\n")[0]) else start


def _goes_on(content: bytes, at: int, end: int) -> bool:
    """Return whether the line at a position is a field or a continuation."""
    line = content[at : min(end, at + 400)].partition(b"\n")[0]
    return bool(line.strip()) and (line[:1] in (b" ", b"\t") or _FIELD.match(line) is not None)


def _after_blank_line(content: bytes, at: int, end: int) -> int:
    marks = (b"\n\n", b"\n\r\n")
    return min((place + len(m) for m in marks if (place := content.find(m, at, end)) >= 0), default=end)


def _keep(fields: list[tuple[str, bytes]], name: str, pieces: list[bytes]) -> None:
    if name:
        fields.append((name, b"".join(pieces)[:MAX_VALUE]))

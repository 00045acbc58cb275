"""Read what a server says: lines with literals become nested values (RFC 9051, section 9). Pure, in linear time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from cx_events.errors import TryLater

Value: TypeAlias = "bytes | list[Value] | None"
"""An atom or string, a list in parentheses, or NIL."""

MOST_DEPTH = 20
_LITERAL = re.compile(rb"\{([0-9]{1,10})\}\Z")
_CODE = re.compile(rb"\[([A-Za-z0-9-]{1,64})(?: ([^\]]{0,500}))?\] ?")
_BACKOFF = re.compile(rb"Backoff Time: ?([0-9]{1,7}) ?milliseconds", re.IGNORECASE)
STATUSES = (b"OK", b"NO", b"BAD", b"BYE", b"PREAUTH")


def unreadable(what: str) -> TryLater:
    """Return the error for what is no IMAP: the connection is begun anew."""
    return TryLater("protocol", f"the mail server's answer can't be read: {what}")


def literal_size(line: bytes) -> int | None:
    """Return how many bytes of a literal follow a line; None for none."""
    found = _LITERAL.search(line[-13:])
    return int(found[1]) if found else None


class Status(NamedTuple):
    """``OK``, ``NO``, ``BAD``, ``BYE`` or ``PREAUTH`` with its code, as ``UIDVALIDITY`` and ``7``, and its text."""

    kind: str
    code: str
    argument: bytes
    text: str

    @property
    def backoff(self) -> int:
        """Return for how many seconds the server asks to stay away (Microsoft 365 when it throttles); 1 at least."""
        found = _BACKOFF.search(self.text.encode())
        return -(-int(found[1]) // 1000) if found else 1


def read_status(words: bytes) -> Status | None:
    """Return what follows the tag of a line, if that is a status."""
    kind, _, rest = words.partition(b" ")
    if kind.upper() not in STATUSES:
        return None
    code = _CODE.match(rest)
    text = rest[code.end() :] if code else rest
    shown = "".join(sign for sign in text.decode("utf-8", "replace")[:300] if sign.isprintable())
    if code is None:
        return Status(kind.upper().decode(), "", b"", shown)
    return Status(kind.upper().decode(), code[1].decode().upper(), code[2] or b"", shown)


def read_values(parts: Sequence[bytes]) -> list[Value]:
    """Return the values of a response. ``parts``: text and literals in turn; a text before a literal ends in ``{n}``.

    Raise ``TryLater`` for parentheses and quotes that don't close.
    """
    outer: list[Value] = []
    stack = [outer]
    for number, part in enumerate(parts):
        if number % 2:
            stack[-1].append(part)
            continue
        found = _LITERAL.search(part[-13:]) if number + 1 < len(parts) else None
        _read_text(part[: len(part) - len(found[0])] if found else part, stack)
    if len(stack) > 1:
        raise unreadable("a parenthesis is not closed")
    return outer


def _read_text(text: bytes, stack: list[list[Value]]) -> None:
    at, end = 0, len(text)
    while at < end:
        sign = text[at : at + 1]
        if sign == b" ":
            at += 1
        elif sign == b"(":
            if len(stack) > MOST_DEPTH:
                raise unreadable("parentheses are nested too deeply")
            inner: list[Value] = []
            stack[-1].append(inner)
            stack.append(inner)
            at += 1
        elif sign == b")":
            if len(stack) == 1:
                raise unreadable("a parenthesis closes that was not opened")
            stack.pop()
            at += 1
        elif sign == b'"':
            at = _read_quoted(text, at + 1, stack[-1])
        else:
            at = _read_atom(text, at, stack[-1])


def _read_quoted(text: bytes, at: int, into: list[Value]) -> int:
    found = bytearray()
    while at < len(text):
        sign = text[at]
        if sign == ord('"'):
            into.append(bytes(found))
            return at + 1
        if sign == ord("\\"):
            at += 1
        found += text[at : at + 1]
        at += 1
    raise unreadable("a quoted string is not closed")


def _read_atom(text: bytes, at: int, into: list[Value]) -> int:
    """Read an atom; brackets belong to it, with all that is in them: ``BODY[HEADER.FIELDS (FROM)]<0>``."""
    begin, brackets = at, 0
    while at < len(text):
        sign = text[at]
        if sign == ord("["):
            brackets += 1
        elif sign == ord("]"):
            brackets = max(brackets - 1, 0)
        elif not brackets and sign in b' ()"':
            break
        at += 1
    atom = text[begin:at]
    into.append(None if atom.upper() == b"NIL" else atom)
    return max(at, begin + 1)


def as_pairs(value: Value) -> dict[bytes, Value]:
    """Return a list of names and values as a dictionary, the names in upper case; empty for anything else."""
    if not isinstance(value, list):
        return {}
    names, values = value[::2], value[1::2]
    return {name.upper(): each for name, each in zip(names, values, strict=False) if isinstance(name, bytes)}


def as_number(value: Value) -> int | None:
    """Return a whole number of at most 20 digits; None for anything else."""
    return int(value) if isinstance(value, bytes) and len(value) <= 20 and value.isdigit() else None

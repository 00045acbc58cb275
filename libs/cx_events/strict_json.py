"""Decode JSON from outside strictly.

Whatever two parsers could read differently, or one could fail on, is refused with its own reason: a byte order mark
or bytes that are not UTF-8 (RFC 8259, section 8.1), lone surrogates (8.2), a duplicate name in an object
(section 4), NaN and Infinity (section 6), numbers beyond 64 bits, and nesting without end. NUL inside a string is legal
JSON and allowed here; readers of the value decide where it may occur.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from math import isfinite
from typing import Any, NoReturn

import msgspec
from msgspec import Struct

from cx_events.errors import Refused

JsonValue = None | bool | int | float | str | list[Any] | dict[str, Any]


class Limits(Struct, frozen=True):
    """Limits of the whole text (``max_bytes``), of nesting (``max_depth``) and of integers (``max_digits``)."""

    max_bytes: int = 1 << 20
    max_depth: int = 64
    max_digits: int = 19


DEFAULT_LIMITS = Limits()

_INT64 = range(-(1 << 63), 1 << 63)
_BOM = b"\xef\xbb\xbf"
_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")
_NO_BRACKET = bytes(set(range(256)) - set(b'"[{]}'))
_DIGITS = bytes.maketrans(b"123456789", b"000000000")
_LONG_INTEGER = b"0" * 19
"""The shortest run of digits, each replaced by 0, that may exceed 64 bits."""

_decode_plain = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")
# A pair, half a pair, or any other escape: a backslash that is escaped begins none.
_ESCAPE = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\.", re.DOTALL
)
_slice_list = msgspec.json.Decoder(list[msgspec.Raw]).decode
_APART = frozenset({"json-encoding", "json-depth", "json-number", "json-duplicate-key"})
"""The faults of a value in a list that say nothing of the values beside it."""


def decode(raw: bytes, limits: Limits = DEFAULT_LIMITS) -> JsonValue:
    """Return the value of a JSON text.

    Raises ``Refused``: ``too-large`` (413), or with status 400 ``json-empty``, ``json-encoding``, ``json-depth``,
    ``json-number``, ``json-duplicate-key`` or ``json-syntax``; the detail names the place.
    """
    text = _checked(raw, limits)
    value: JsonValue = _plain_value(raw, limits)
    return value if value is not _NOT_PLAIN else _careful_value(raw, text, limits)


def decode_written(raw: bytes, limits: Limits = DEFAULT_LIMITS) -> tuple[JsonValue, bytes]:
    """Return the value of a JSON text as ``decode`` does, and the value written without blanks: ``raw`` itself where
    that is the same, so that whoever keeps all of it need not write it again."""
    text = _checked(raw, limits)
    value: JsonValue = _plain_value(raw, limits)
    if value is not _NOT_PLAIN:
        return value, raw
    value = _careful_value(raw, text, limits)
    return value, _encode(value)


def mend_surrogates(raw: bytes) -> bytes:
    """Return a JSON text with U+FFFD for each escape of a lone surrogate, as long as before; itself without any.

    Programs that cut a text by its UTF-16 units leave half an emoji, and vendors' do. The rest of it is to be kept.
    """
    if b"\\" not in raw or _SURROGATE_ESCAPE.search(raw) is None:
        return raw
    mended = _ESCAPE.sub(lambda escape: b"\\ufffd" if escape[1] else escape[0], raw)
    return mended if mended != raw else raw


def decode_mended(raw: bytes, limits: Limits = DEFAULT_LIMITS) -> JsonValue:
    """Return the value of a JSON text as ``decode`` does, with U+FFFD for each lone surrogate."""
    return decode(mend_surrogates(raw), limits)


def decode_each(raw: bytes, limits: Limits = DEFAULT_LIMITS) -> JsonValue:
    """Return the value of a JSON text as ``decode`` does; but of a list each value as it is by itself, and in the place
    of one that ``decode`` refuses that ``Refused``. Raises it where the text as a whole can't be read."""
    try:
        return decode(raw, limits)
    except Refused as refused:
        if refused.reason not in _APART:
            raise
        whole, mended = refused, mend_surrogates(raw)
    try:
        slices = _slice_list(mended)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise whole from None
    found: list[Any] = []
    at = 0
    for each in map(bytes, slices):
        at = mended.index(each, at)
        found.append(_value_or_refusal(raw[at : at + len(each)], limits))
        at += len(each)
    return found


def _value_or_refusal(raw: bytes, limits: Limits) -> Any:
    try:
        return decode(raw, limits)
    except Refused as refused:
        return refused


def decode_plain(raw: bytes, limits: Limits = DEFAULT_LIMITS) -> dict[str, Any] | None:
    """Return the object in a JSON text that comes out the same when it is written again, else None: also for what
    ``decode`` refuses. Each part of such a text is its value, written."""
    try:
        _checked(raw, limits)
    except Refused:
        return None
    value = _plain_value(raw, limits)
    return value if isinstance(value, dict) else None


def _checked(raw: bytes, limits: Limits) -> str:
    """Return the text that some bytes are. ``Refused`` for what can be no JSON text, whatever it says."""
    if len(raw) > limits.max_bytes:
        raise Refused("too-large", f"the JSON text has {len(raw)} bytes; {limits.max_bytes} are allowed", 413)
    if raw.startswith(_BOM):
        raise Refused("json-encoding", "remove the byte order mark at the start, which JSON forbids", 400)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused("json-encoding", f"byte {error.start} is not UTF-8: {error.reason}", 400) from None
    if not text or text.isspace():
        raise Refused("json-empty", "there is no JSON text: the body is empty", 400)
    if raw.count(b"[") + raw.count(b"{") > limits.max_depth:
        _check_depth(raw, limits.max_depth)
    return text


def _careful_value(raw: bytes, text: str, limits: Limits) -> JsonValue:
    """Return the value of a text by a parser that tells of each object's names and each number's digits."""
    try:
        value: JsonValue = _decoder(limits).decode(text)
    except json.JSONDecodeError as error:
        raise _no_json(error) from None
    except _Twice as twice:
        raise _duplicate(text, twice.key) from None
    if _SURROGATE_ESCAPE.search(raw) is not None:
        _check_surrogates(value)
    return value


_NOT_PLAIN: Any = object()


def _plain_value(raw: bytes, limits: Limits) -> Any:
    """Return the value of a text that comes out the same when the value is written again, else ``_NOT_PLAIN``.

    Such a text has one meaning: a duplicate name, a rounded or huge number, an escaped surrogate would each come out
    differently. So does a text with blanks between its tokens, which few programs write; it takes the slow way.
    """
    if limits.max_digits < len(_LONG_INTEGER) - 1 or _LONG_INTEGER in raw.translate(_DIGITS):
        return _NOT_PLAIN
    try:
        value = _decode_plain(raw)
        return value if _encode(value) == raw else _NOT_PLAIN
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return _NOT_PLAIN


def is_json(media_type: str) -> bool:
    """Return whether a media type means JSON: its subtype is ``json`` or ends so (CloudEvents 1.0.2, section 3.1)."""
    subtype = media_type.partition(";")[0].strip().lower().partition("/")[2]
    return subtype == "json" or subtype.endswith("+json")


def _check_depth(raw: bytes, most: int) -> None:
    """Raise ``Refused`` where brackets outside strings are open too deep at once. Without recursion."""
    # Without escaped quotes, of what stands between quotes every other piece is outside strings.
    if b"\\" in raw:
        raw = raw.replace(b"\\\\", b"").replace(b'\\"', b"")
    marks = raw.translate(_STEPS, _NO_BRACKET).replace(b'""', b"")  # two quotes side by side change nothing for others
    brackets = b"".join(marks.split(b'"')[::2])
    deepest = max(accumulate(memoryview(brackets).cast("b")), default=0)
    if deepest > most:
        raise Refused("json-depth", f"arrays and objects are nested {deepest} deep; {most} are allowed", 400)


class _Twice(Exception):
    """Carries a duplicate name out of the parser."""

    def __init__(self, key: str) -> None:
        self.key = key


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Twice(_repeated(pairs))
    return found


def _repeated(pairs: Sequence[tuple[str, Any]]) -> str:
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            return key
        seen.add(key)
    raise AssertionError("no name stands twice")


def _number(text: str) -> float:
    value = float(text)
    if not isfinite(value):
        raise Refused("json-number", f"the number {text[:40]} is beyond what a 64-bit float holds", 400)
    return value


def _constant(text: str) -> NoReturn:
    raise Refused("json-number", f"{text} is not a JSON number", 400)


def _integer_within(max_digits: int) -> Any:
    def integer(text: str) -> int:
        if len(text.removeprefix("-")) > max_digits:
            raise Refused("json-number", f"the integer {text[:24]}... has more than {max_digits} digits", 400)
        value = int(text)
        if value not in _INT64:
            raise Refused("json-number", f"the integer {text} does not fit into 64 bits", 400)
        return value

    return integer


def _decoder_for(limits: Limits) -> json.JSONDecoder:
    return json.JSONDecoder(
        object_pairs_hook=_object,
        parse_int=_integer_within(limits.max_digits),
        parse_float=_number,
        parse_constant=_constant,
    )


_DEFAULT_DECODER = _decoder_for(DEFAULT_LIMITS)


def _decoder(limits: Limits) -> json.JSONDecoder:
    return _DEFAULT_DECODER if limits.max_digits == DEFAULT_LIMITS.max_digits else _decoder_for(limits)


class _Object(list[tuple[str, Any]]):
    """An object as its pairs, to find where a name is duplicated."""


def _no_json(error: json.JSONDecodeError) -> Refused:
    return Refused("json-syntax", f"not JSON: {error.msg} at line {error.lineno}, column {error.colno}", 400)


def _duplicate(text: str, key: str) -> Refused:
    try:
        root = json.JSONDecoder(object_pairs_hook=_Object, parse_int=str, parse_float=str).decode(text)
    except json.JSONDecodeError as error:  # after the object with the name that stands twice
        return _no_json(error)
    place = ""
    for at, value in _places(root):
        if isinstance(value, _Object) and len(dict(value)) != len(value):
            place, key = at, _repeated(value)
            break
    return Refused("json-duplicate-key", f"the name {key[:64]!r} is duplicated in the object at {place!r}", 400)


def _places(root: Any) -> Iterator[tuple[str, Any]]:
    """Yield every value with its JSON Pointer (RFC 6901), cut to 256 characters."""
    waiting: list[tuple[str, Any]] = [("", root)]
    while waiting:
        at, value = waiting.pop()
        yield at, value
        if isinstance(value, _Object):
            named: Iterable[tuple[object, Any]] = value
        elif isinstance(value, dict):
            named = value.items()
        elif isinstance(value, list):
            named = enumerate(value)
        else:
            continue
        for name, item in named:
            token = str(name)[:64].replace("~", "~0").replace("/", "~1")
            waiting.append((f"{at}/{token}"[:256], item))


def _check_surrogates(root: JsonValue) -> None:
    for at, value in _places(root):
        for text in value if isinstance(value, dict) else (value,):
            if isinstance(text, str):
                _check_text(text, at)


def _check_text(text: str, at: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        lone = ord(text[error.start])
        raise Refused("json-encoding", f"the text at {at!r} contains a lone surrogate, \\u{lone:04x}", 400) from None

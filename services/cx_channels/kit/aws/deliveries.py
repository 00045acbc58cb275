"""Find the events in one request of ``doors``: as it is, in Firehose's records, inside notifications of SNS.

A record of Firehose may hold several JSON texts, with or without line ends between them, since a stream can join
records (docs.aws.amazon.com/firehose/latest/dev/dynamic-partitioning.html, "Add a new line delimiter").
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Callable, Iterable, Iterator

import msgspec
from msgspec import Struct

from cx_channels.kit.aws.doors import LIMITS, is_batch
from cx_channels.kit.json_values import obj, text
from cx_channels.kit.outcomes import Outcome, bounded
from cx_channels.kit.signing import sha256_hex
from cx_channels.provider import Request, Unmapped
from cx_events import strict_json
from cx_events.errors import Refused
from cx_events.json_types import Json

_BLANKS = re.compile(r"\s*")
_TEXTS = json.JSONDecoder()


class Notice(Struct, frozen=True, gc=False):
    """One event as AWS brought it. ``raw``: as JSON on one line."""

    value: Json
    raw: bytes

    def digest(self) -> str:
        """Return what tells it from others where it has no id: 32 hex digits."""
        return sha256_hex(self.raw)[:32]

    def lost(self, reason: str, id: str = "") -> Unmapped:
        """Return the dead letter of this event."""
        return Unmapped(id or self.digest(), reason, self.raw)


def outcomes_of(request: Request, map_notice: Callable[[Notice], Iterable[Outcome]]) -> Iterator[Outcome]:
    """Yield what the events of a request become, in their order, so many of each as ``kit.outcomes.bounded`` says.

    Raise ``Refused("malformed")`` where the request as a whole can't be read.
    """
    for each in read_notices(request):
        if isinstance(each, Unmapped):
            yield each
        else:
            yield from bounded(map_notice(each), each.digest, each.raw)


def read_notices(request: Request) -> list[Notice | Unmapped]:
    """Return the events of a request in their order; what is no JSON object is ``Unmapped`` by itself.

    Raise ``Refused("malformed")`` where the request as a whole can't be read.
    """
    try:
        value = strict_json.decode(request.body, LIMITS)
    except Refused as refused:
        raise Refused("malformed", refused.detail) from None
    if isinstance(value, dict) and isinstance(value.get("records"), list) and "requestId" in value:
        return [each for record in value["records"] for each in _in_record(record)]
    if not isinstance(value, dict) or is_batch(request):
        raise Refused("malformed", "the body is neither a JSON object of an event nor a batch of Firehose")
    return [_unwrapped(value, _one_line(request.body, value))]


def _in_record(record: object) -> Iterator[Notice | Unmapped]:
    written = text(obj(record).get("data"))
    try:
        content = b64decode(written, validate=True)
    except (NotBase64, ValueError):
        yield _lost("a record whose data is no base64", msgspec.json.encode(record))
        return
    if not content.strip():
        yield _lost("a record without data", msgspec.json.encode(record))
        return
    for each in _texts_in(strict_json.mend_surrogates(content)):
        try:
            value = strict_json.decode(each, LIMITS)
        except Refused as refused:
            yield _lost(refused.detail, each)
            continue
        yield _unwrapped(value, _one_line(each, value)) if isinstance(value, dict) else _lost("no JSON object", each)


def _texts_in(content: bytes) -> Iterator[bytes]:
    """Yield the JSON texts that follow each other; what can't be read stays whole as the last."""
    try:
        written = content.decode()
        at = _after_blanks(written, 0)
        while at < len(written):
            _, end = _TEXTS.raw_decode(written, at)
            yield written[at:end].encode()
            at = _after_blanks(written, end)
    except UnicodeDecodeError:
        yield content
    except (ValueError, RecursionError):
        yield written[at:].encode()


def _after_blanks(written: str, at: int) -> int:
    found = _BLANKS.match(written, at)
    return found.end() if found else at


def _unwrapped(value: Json, raw: bytes) -> Notice:
    """Return an event, or the one that a notification of SNS holds as text
    (docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html)."""
    if value.get("Type") == "Notification" and "TopicArn" in value and isinstance(value.get("Message"), str):
        try:
            inner = strict_json.decode_mended(value["Message"].encode("utf-8", "replace"), LIMITS)
        except Refused:
            return Notice(value, raw)
        if isinstance(inner, dict):
            return Notice(inner, msgspec.json.encode(inner))
    return Notice(value, raw)


def _one_line(written: bytes, value: object) -> bytes:
    return written if b"\n" not in written and b"\r" not in written else msgspec.json.encode(value)


def _lost(why: str, original: bytes) -> Unmapped:
    return Unmapped(sha256_hex(original)[:32], f"malformed: {why}", original or b"{}")

"""Read CloudEvents 1.0 out of HTTP requests, in all three content modes of the HTTP protocol binding (1.0.2)."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote_to_bytes

from cx_events.errors import Refused
from cx_events.strict_json import Limits, decode, decode_each, is_json

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
PLAIN = "application/json"
MEDIA_TYPES = (STRUCTURED, BATCH, PLAIN)
"""The media types of bodies that are events. In binary mode the body is the data, of any type."""

# An unclosed quote matches the rest at once: otherwise each of many would be searched to the end.
_QUOTED = re.compile(r'"((?:[^"\\]|(?=\\.)\\.)*+)("?)')
_ESCAPED = re.compile(r"\\(.)")
_UTF8 = ("", "utf-8", "utf8", "us-ascii")


def read(body: bytes, headers: Iterable[tuple[str, str]], limits: Limits) -> list[Any]:
    """Return the events of an HTTP request, each as a JSON value in structured form, for ``client_events.accept``.

    ``headers``: names in lower case, values as HTTP carries them (ISO 8859-1), repeated ones repeated. Plain
    ``application/json`` is taken as structured if it holds an object and as a batch if it holds an array.
    An event of a batch that can't be read, such as with a lone surrogate, is the ``Refused`` that says why.
    Raises ``Refused``: 415 ``unsupported-media-type``, 400 for a body or a header that can't be read at all.
    """
    headers = list(headers)
    full_type = ""
    for name, text in headers:
        if name == "content-type":
            full_type = text
            break
    media_type, charset = _media_type(full_type)
    if media_type.startswith("application/cloudevents"):
        if media_type not in (STRUCTURED, BATCH):
            raise _unsupported(f"the event format {media_type!r} is unknown; use {STRUCTURED} or {BATCH}")
        _check_charset(charset)
        return _events(decode_each(body, limits), batch=media_type == BATCH)
    if any(name.startswith("ce-") for name, _ in headers):
        return [_binary(body, headers, full_type, limits)]
    if media_type == PLAIN:
        _check_charset(charset)
        value = decode_each(body, limits)
        return _events(value, batch=isinstance(value, list))
    raise _unsupported(
        f"the content type {media_type!r} carries no event: send {', '.join(MEDIA_TYPES)}, "
        "or the event's attributes as ce- headers"
    )


def _events(value: Any, *, batch: bool) -> list[Any]:
    if batch:
        if not isinstance(value, list):
            raise Refused("not-a-batch", "a batch is a JSON array of events", 400)
        return value
    if not isinstance(value, dict):
        raise Refused("not-an-event", "an event is a JSON object", 400)
    return [value]


def _media_type(text: str) -> tuple[str, str]:
    """Return the bare media type and the charset, both in lower case."""
    media_type, _, parameters = text.partition(";")
    if not parameters:
        return media_type.strip().lower(), ""
    charset = ""
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            charset = value.strip().strip('"').lower()
    return media_type.strip().lower(), charset


def _is_text(media_type: str) -> bool:
    return media_type.startswith("text/") or media_type.endswith(("/xml", "+xml"))


def _check_charset(charset: str) -> None:
    if charset not in _UTF8:
        raise _unsupported(f"the charset {charset[:40]!r} is not supported; JSON is UTF-8 (RFC 8259, section 8.1)")


def _unsupported(detail: str) -> Refused:
    return Refused("unsupported-media-type", detail, 415)


def _binary(body: bytes, headers: Iterable[tuple[str, str]], content_type: str, limits: Limits) -> dict[str, Any]:
    """Return an event in binary content mode: attributes in headers, data as it is (HTTP binding, section 3.1)."""
    event: dict[str, Any] = {}
    for header, value in headers:
        name = header.removeprefix("ce-")
        if name == header:
            continue
        if name in event:
            raise Refused("bad-header", f"send the header {header} once", 400)
        if name in ("data", "data_base64", "datacontenttype"):
            raise Refused("bad-header", f"leave out the header {header}: in binary mode the body is the data", 400)
        event[name] = _header_value(header, value)
    if content_type:
        event["datacontenttype"] = content_type
    if not body:
        return event
    media_type, charset = _media_type(content_type)
    if is_json(media_type):
        _check_charset(charset)
        event["data"] = decode(body, limits)
        return event
    if _is_text(media_type) and charset in _UTF8:
        try:
            event["data"] = body.decode("utf-8")
            return event
        except UnicodeDecodeError:
            pass
    event["data_base64"] = b64encode(body).decode("ascii")
    return event


def _header_value(header: str, value: str) -> str:
    """Unescape double-quoted parts, then percent-decode once (HTTP binding, section 3.1.3.2)."""
    unquoted = _QUOTED.sub(lambda match: _ESCAPED.sub(r"\1", match[1]) if match[2] else match[0], value)
    try:
        # Bytes beyond ASCII should have been percent-encoded; others are read as UTF-8.
        return unquote_to_bytes(unquoted.encode("latin-1")).decode("utf-8")
    except UnicodeError:
        raise Refused("bad-header", f"the header {header} is not percent-encoded UTF-8", 400) from None

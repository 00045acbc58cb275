"""What a file in a vCon says: its text, or its JSON value. Files that are kept elsewhere say nothing here."""

from __future__ import annotations

import binascii
import quopri
import re
from base64 import b64decode, urlsafe_b64decode
from typing import Any

import msgspec

from cx_events.json_types import Json
from cx_vcon.json_values import text

MAX_TEXT = 64 << 10
"""Characters of a text that an event shows; the whole stands in ``raw``."""

IN_BODY = "body"
"""What an attachment's ``part`` is where its content is the ``body`` of the piece that its event keeps."""

_MAX_BODY = 1 << 20
_MAX_PARTS = 50
_DEEP = 4
_BOUNDARY = re.compile(r'boundary\s*=\s*(?:"([^"]{1,200})"|([^\s;"]{1,200}))', re.IGNORECASE)
_HEADER = re.compile(r"^([A-Za-z0-9-]{1,60}):[ \t]*(.*(?:\n[ \t].*)*)", re.MULTILINE)


def media_type(file: Json) -> str:
    """As 0.0.1 (``mimetype``) or later (``mediatype``) calls it, with its parameters."""
    return text(file.get("mediatype")) or text(file.get("mimetype"))


def kind_of(file: Json) -> str:
    """The bare media type in lower case."""
    return media_type(file).partition(";")[0].strip().lower()


def has_content(file: Json) -> bool:
    return file.get("body") not in (None, "") or bool(text(file.get("url")))


def value_of(file: Json) -> Any:
    """The body as JSON where it is that, else as text. JSON came as a string (to 0.3.0) or as itself (0.4.0)."""
    body = file.get("body")
    if not isinstance(body, str):
        return body
    if text(file.get("encoding")) == "base64url":
        body = _unpacked(body)
    if body and (text(file.get("encoding")) == "json" or kind_of(file).endswith("json")):
        try:
            return msgspec.json.decode(body)
        except (msgspec.DecodeError, RecursionError):
            return body
    return body


def bytes_of(file: Json) -> bytes | None:
    """Return the content of an inline file; None where it is kept elsewhere, or can't be read."""
    body = file.get("body")
    if body is None or body == "":
        return None
    if not isinstance(body, str):
        return msgspec.json.encode(body)
    try:
        if text(file.get("encoding")) == "base64url":
            return urlsafe_b64decode(body.encode("ascii") + b"==")
        return body.encode()
    except ValueError:
        return None


def text_of(file: Json) -> str:
    """The words of an inline file, of a mail its first plain text; nothing for what is no text."""
    kind = kind_of(file)
    if kind and not kind.startswith(("text/", "multipart/", "message/", "application/json")):
        return ""
    value = value_of(file)
    if value is None:
        return ""
    if not isinstance(value, str):
        value = msgspec.json.encode(value).decode()
    if kind.startswith("multipart/"):
        value = _first_plain(media_type(file), value[:_MAX_BODY], _DEEP)
    elif kind == "message/rfc822":
        value = _part(value[:_MAX_BODY], _DEEP)
    return value[:MAX_TEXT]


def _unpacked(body: str) -> str:
    try:
        return urlsafe_b64decode(body.encode("ascii") + b"==").decode()
    except (UnicodeError, binascii.Error):
        return ""


def _first_plain(content_type: str, body: str, deep: int) -> str:
    """The first plain text in a multipart body, else its first text of any kind."""
    match = _BOUNDARY.search(content_type)
    if match is None or not deep:
        return ""
    parts = body.replace("\r\n", "\n").split(f"--{match[1] or match[2]}")[1 : 1 + _MAX_PARTS]
    found = (_part(part.removeprefix("\n"), deep - 1) for part in parts if not part.startswith("--"))
    return next(filter(None, found), "")


def _part(part: str, deep: int) -> str:
    """The plain text of a part with its own headers."""
    head, _, body = part.replace("\r\n", "\n").partition("\n\n")
    headers = {name.lower(): value for name, value in _HEADER.findall(head)}
    content_type = headers.get("content-type", "text/plain")
    kind = content_type.partition(";")[0].strip().lower()
    if kind.startswith("multipart/"):
        return _first_plain(content_type, body, deep)
    if kind != "text/plain":
        return ""
    return _transferred(body, headers.get("content-transfer-encoding", "").strip().lower()).strip()


def _transferred(body: str, encoding: str) -> str:
    try:
        if encoding == "quoted-printable":
            return quopri.decodestring(body.encode()).decode("utf-8", "replace")
        if encoding == "base64":
            return b64decode(body).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return ""
    return body

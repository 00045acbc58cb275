"""Read a file of a vCon: its text, or its JSON value. Files that are kept elsewhere have neither."""

from __future__ import annotations

import quopri
import re
from base64 import b64decode
from typing import Any

import msgspec

from cx_events.errors import Refused
from cx_events.json_types import Json
from cx_vcon.json_values import objects, text

MAX_TEXT = 64 << 10
"""Characters of a text that an event shows; ``raw`` has the whole."""

IN_BODY = "body"
"""The ``part`` of an attachment whose content is the ``body`` of the piece in its event."""

_OF_BASE64 = str.maketrans("-_", "+/")
_MAX_BODY = 1 << 20
_MAX_PARTS = 50
_DEEP = 4
_BOUNDARY = re.compile(r'boundary\s*=\s*(?:"([^"]{1,200})"|([^\s;"]{1,200}))', re.IGNORECASE)
_HEADER = re.compile(r"^([A-Za-z0-9-]{1,60}):[ \t]*(.*(?:\n[ \t].*)*)", re.MULTILINE)


def media_type(file: Json) -> str:
    """Return the media type with its parameters (``mimetype`` in 0.0.1, ``mediatype`` later)."""
    return text(file.get("mediatype")) or text(file.get("mimetype"))


def kind_of(file: Json) -> str:
    """Return the bare media type in lower case."""
    return media_type(file).partition(";")[0].strip().lower()


def has_content(file: Json) -> bool:
    return file.get("body") not in (None, "") or bool(text(file.get("url")))


def value_of(file: Json) -> Any:
    """Return the body as JSON where it is JSON, else as text. JSON is a string up to 0.3.0, and itself in 0.4.0."""
    body = file.get("body")
    if not isinstance(body, str):
        return body
    if text(file.get("encoding")) == "base64url":
        body = _decode_text(body)
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
            return decode_base64url(body)
        return body.encode()
    except ValueError:
        return None


def text_of(file: Json) -> str:
    """Return the text of an inline file, for a mail its first plain text; "" for other media types."""
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


def decode_base64url(written: str) -> bytes:
    """Return bytes that are written in base64url, padded or not; blanks and the letters of base64 pass.

    Raise ``ValueError`` for anything else, of which decoders make rubbish.
    """
    letters = "".join(written.split()).rstrip("=").translate(_OF_BASE64)
    return b64decode(letters + "=" * (-len(letters) % 4), validate=True)


def check_bodies(vcon: Json) -> None:
    """Raise ``Refused("bad-vcon")``, naming the place, where a body is not in base64url and says so."""
    for name in ("dialog", "analysis", "attachments"):
        for number, file in enumerate(objects(vcon.get(name))):
            body = file.get("body")
            if isinstance(body, str) and text(file.get("encoding")) == "base64url":
                try:
                    decode_base64url(body)
                except ValueError:
                    detail = f"/{name}/{number}/body is not base64url (RFC 4648, section 5), as its encoding says"
                    raise Refused("bad-vcon", detail) from None


def _decode_text(body: str) -> str:
    try:
        return decode_base64url(body).decode()
    except ValueError:
        return ""


def _first_plain(content_type: str, body: str, deep: int) -> str:
    """Return the first plain text in a multipart body; "" where there is none."""
    match = _BOUNDARY.search(content_type)
    if match is None or not deep:
        return ""
    parts = body.replace("\r\n", "\n").split(f"--{match[1] or match[2]}")[1 : 1 + _MAX_PARTS]
    found = (_part(part.removeprefix("\n"), deep - 1) for part in parts if not part.startswith("--"))
    return next(filter(None, found), "")


def _part(part: str, deep: int) -> str:
    """Return the plain text of a part with its own headers."""
    head, _, body = part.replace("\r\n", "\n").partition("\n\n")
    headers = {name.lower(): value for name, value in _HEADER.findall(head)}
    content_type = headers.get("content-type", "text/plain")
    kind = content_type.partition(";")[0].strip().lower()
    if kind.startswith("multipart/"):
        return _first_plain(content_type, body, deep)
    if kind != "text/plain":
        return ""
    return _decode_transfer(body, headers.get("content-transfer-encoding", "").strip().lower()).strip()


def _decode_transfer(body: str, encoding: str) -> str:
    try:
        if encoding == "quoted-printable":
            return quopri.decodestring(body.encode()).decode("utf-8", "replace")
        if encoding == "base64":
            return b64decode(body).decode("utf-8", "replace")
    except ValueError:
        return ""
    return body

"""Read the original that an event keeps of what the provider sent: in ``data.raw``, or in a blob that it names.

Providers keep a small mail as ``{"mime": BASE64}``, anything large as ``{"blob": "sha256:HEX"}`` with further
members, and all else as the JSON that came.
"""

from __future__ import annotations

from base64 import b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Any

import msgspec

from cx_events.blob.port import digest_of
from cx_events.envelope import Event
from cx_events.errors import Refused

MAIL = "message/rfc822"
JSON = "application/json"
BYTES = "application/octet-stream"

MAX_INLINE = 4 << 20
"""Bytes of an original that is shown with its event. A larger one is fetched by its id."""


@dataclass(frozen=True, slots=True)
class Original:
    """An event's original: its ``content``, or the name of the ``blob`` that holds it."""

    content: bytes = b""
    blob: str = ""
    is_mail: bool = False


def original_of(event: Event) -> Original | None:
    """Return the original of an event, None if it keeps none."""
    raw = event.data.raw
    if raw is msgspec.UNSET:
        return None
    kept = _members(bytes(raw))
    if is_blob(kept.get("blob")):
        return Original(blob=kept["blob"], is_mail=event.data.channel == "email")
    mail = _decoded(kept.get("mime"))
    if mail is not None:
        return Original(content=mail, is_mail=True)
    return Original(content=bytes(raw))


def is_blob(name: Any) -> bool:
    """Return whether this is the name of a blob."""
    if not isinstance(name, str):
        return False
    try:
        digest_of(name)
    except Refused:
        return False
    return True


def encode_original(content: bytes, media_type: str) -> tuple[str | None, Any]:
    """Return the encoding and the JSON value of an original.

    The encodings are a vCon's: ``json`` (a value), ``none`` (text), ``base64url``. (None, None) if it is too large.
    """
    if len(content) > MAX_INLINE:
        return None, None
    if media_type == JSON:
        return "json", msgspec.Raw(content)
    try:
        return "none", content.decode()
    except UnicodeDecodeError:
        return "base64url", urlsafe_b64encode(content).rstrip(b"=").decode()


def media_type_of(original: Original, content: bytes) -> str:
    """Return the media type of an original: JSON if it parses, else a mail in the channel ``email``, else bytes."""
    if content[:1] in (b"{", b"["):
        try:
            msgspec.json.decode(content)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            pass
        else:
            return JSON
    return MAIL if original.is_mail else BYTES if original.blob else JSON


def _members(raw: bytes) -> dict[str, Any]:
    """Return ``blob`` and ``mime`` of a JSON object, as far as they are texts; nothing of other values."""
    try:
        found = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return {name: _text(found[name]) for name in ("blob", "mime") if name in found}


def _text(raw: msgspec.Raw) -> str | None:
    try:
        return msgspec.json.decode(raw, type=str)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _decoded(text: str | None) -> bytes | None:
    if text is None:
        return None
    try:
        return b64decode(text, validate=True)
    except ValueError:
        return None

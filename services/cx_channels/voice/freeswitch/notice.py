"""Read what FreeSWITCH sends: an event of the event socket (JSON or plain), or a JSON CDR in one of its three coats.

signalwire/freeswitch-docs, docs/integration/event-socket.mdx and docs/module-reference/event-handlers/
mod_json_cdr.mdx. Three facts decide how it is read:

- A header may stand twice in one event (``Hangup-Cause`` does, at every end), so its JSON names a member twice. The
  values are the same; the later is taken.
- Names of callers come in whatever encoding the trunk used, so the text may be no UTF-8.
- Plain events percent-encode their values, JSON events do not; in a CDR mod_json_cdr's ``encode-values`` (default true)
  percent-encodes every value.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, unquote_plus

import msgspec

from cx_channels.kit.json_values import obj
from cx_channels.provider import Connection, Request
from cx_events.errors import Refused
from cx_events.json_types import Json
from cx_events.strict_json import mend_surrogates

MOST_HEADERS = 4000
MOST_DEPTH = 60
_decode = msgspec.json.Decoder().decode
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")


@dataclass(frozen=True, slots=True)
class Notice:
    """An event's headers, or a CDR. ``is_record``: which of the two."""

    value: Json
    is_record: bool


def read_notice(request: Request) -> Notice:
    """For ``Request.once``: what a body holds. ``Refused("malformed")`` for what is neither event nor CDR."""
    body = request.body.lstrip()
    if body.startswith(b"{"):
        return _of_json(body)
    if body.startswith(b"cdr=") or request.content_type.endswith("www-form-base64-encoded"):
        return _of_form(body, request.content_type)
    return _of_frame(body)


def decodes_values(connection: Connection) -> bool:
    """For ``Connection.once``: whether values of CDRs are percent-encoded, as FreeSWITCH does by default."""
    return connection.settings.get("encoded_values", True) is not False


def decoded(value: Any, depth: int = 0) -> Any:
    """Return a CDR with each text percent-decoded. Deeper than ``MOST_DEPTH`` nothing is."""
    if isinstance(value, str):
        return unquote(value, errors="replace") if "%" in value and _ESCAPE.search(value) else value
    if depth >= MOST_DEPTH:
        return value
    if isinstance(value, dict):
        return {name: decoded(each, depth + 1) for name, each in value.items()}
    return [decoded(each, depth + 1) for each in value] if isinstance(value, list) else value


def _of_json(body: bytes) -> Notice:
    value = _read_json(body)
    if isinstance(value.get("variables"), dict) or "core-uuid" in value or "callflow" in value:
        return Notice(value, is_record=True)
    if "Event-Name" in value:
        return Notice(value, is_record=False)
    raise Refused("malformed", "the JSON is neither an event (no Event-Name) nor a CDR (no variables)")


def _read_json(body: bytes) -> Json:
    body = mend_surrogates(body)
    if body.count(b"{") + body.count(b"[") > 10_000:
        raise Refused("malformed", "the JSON has more than 10000 objects and arrays")
    try:
        value = _decode(body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        value = _with_replacements(body)
    if not isinstance(value, dict):
        raise Refused("malformed", "the JSON body is no object")
    return value


def _with_replacements(body: bytes) -> Any:
    """Return the value of a text that holds bytes of another encoding, each replaced."""
    try:
        body.decode("utf-8")
        reason = "no JSON"
    except UnicodeDecodeError:
        reason = "neither UTF-8 nor JSON"
    try:
        return _decode(body.decode("utf-8", "replace").encode())
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise Refused("malformed", f"{reason}: {type(error).__name__}: {str(error)[:200]}") from None


def _of_form(body: bytes, content_type: str) -> Notice:
    """Return the CDR of ``cdr=...``, percent-encoded or in base64 (mod_json_cdr's ``encode``)."""
    content = body.partition(b"&")[0].removeprefix(b"cdr=").strip()
    if content_type.endswith("www-form-base64-encoded"):
        try:
            return _of_json(binascii.a2b_base64(b"".join(content.split()), strict_mode=True).lstrip())
        except binascii.Error as error:
            raise Refused("malformed", f"the body is no base64: {error}") from None
    return _of_json(unquote_plus(content.decode("utf-8", "replace")).encode().lstrip())


def _of_frame(body: bytes) -> Notice:
    """Return a plain event, or what a whole frame of the event socket holds."""
    head, rest = _headers(body)
    if head.get("Content-Type", "").startswith("text/event-"):
        rest = rest.lstrip()
        if rest.startswith(b"{"):
            return _of_json(rest)
        head, rest = _headers(rest)
    if "Event-Name" not in head:
        raise Refused("malformed", "the body is no event of FreeSWITCH: it has no header Event-Name")
    value: Json = {name: unquote(each, errors="replace") for name, each in head.items()}
    if rest.strip():
        value["_body"] = rest.decode("utf-8", "replace")
    return Notice(value, is_record=False)


def _headers(body: bytes) -> tuple[dict[str, str], bytes]:
    """Return header lines ``Name: value`` up to an empty line, and what follows it."""
    head, _, rest = body.replace(b"\r\n", b"\n").partition(b"\n\n")
    lines = head.decode("utf-8", "replace").split("\n")
    if len(lines) > MOST_HEADERS:
        raise Refused("malformed", f"the event has more than {MOST_HEADERS} headers")
    pairs = (line.partition(":") for line in lines)
    return {name.strip(): value.strip() for name, colon, value in pairs if colon}, rest


def member(value: Mapping[str, Any], *names: str) -> Json:
    """Return an object inside of objects; an empty one where it is not there."""
    found: Any = value
    for name in names:
        found = obj(found).get(name)
    return obj(found)

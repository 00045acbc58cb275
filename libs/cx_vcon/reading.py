"""Tell the forms of a vCon apart, and check its shape.

Only what the mapping relies on is checked. Beyond that a vCon may be incomplete, as many are (no ``uuid``, a text
without ``encoding``, an empty party), since it is exported as it came.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from hashlib import sha256
from typing import Any, Literal, NamedTuple

import msgspec

from cx_events.errors import Refused
from cx_events.ids import text_of, uuid8
from cx_events.json_types import Json
from cx_events.strict_json import DEFAULT_LIMITS, Limits, decode
from cx_vcon.content import check_bodies, decode_base64url
from cx_vcon.json_values import flat, index, time

MEDIA_TYPE = "application/vcon"

Form = Literal["unsigned", "signed", "encrypted"]

MAX_OBJECTS = 5000
"""Dialogs, analyses and attachments of one vCon together."""

MAX_UUID = 256

_ARRAYS = ("parties", "dialog", "analysis", "attachments")
_EXTENSIONS = frozenset({"CC"})
"""Extensions whose members are understood here."""

_PARTY_INDEXES = ("parties", "originator", "transferee", "transferor", "transfer_target", "transfer-target")
_SIGNED_DEEP = 4
"""A signature may be signed again, for archives that outlive a certificate."""


class VconInput(NamedTuple):
    """A vCon in its unsigned form. ``uuid``: its own, else one that follows from its content. ``signed``: the JWS that
    it came in, whose signature nobody checked."""

    vcon: Json
    uuid: str
    signed: Json | None


def form_of(value: Any) -> Form:
    """Return the form of a vCon, by the members that the draft names. Raises ``Refused("not-a-vcon")``.

    The flattened serialisations of JWE and JWS, which the draft forbids, are recognised, too.
    """
    if not isinstance(value, dict):
        raise Refused("not-a-vcon", "a vCon is a JSON object")
    if "ciphertext" in value and not value.keys().isdisjoint(("recipients", "encrypted_key", "protected")):
        return "encrypted"
    if "payload" in value and not value.keys().isdisjoint(("signatures", "signature")):
        return "signed"
    # Empty arrays may be left out and `vcon` is deprecated, so the only required members are `uuid` and `created_at`.
    if "vcon" in value or any(name in value for name in _ARRAYS) or {"uuid", "created_at"} <= value.keys():
        return "unsigned"
    named = ", ".join(("vcon", *_ARRAYS))
    raise Refused("not-a-vcon", f"none of {named} is there, nor payload and signatures, nor ciphertext and recipients")


def read_vcon(value: Any, *, unverified: bool = False, limits: Limits = DEFAULT_LIMITS) -> VconInput:
    """Return the vCon in a JSON value.

    ``unverified``: read the payload of a signed one without checking the signature. Raises ``Refused``: ``not-a-vcon``,
    ``encrypted-vcon``, ``signed-vcon``, ``bad-payload``, ``unsupported-extension``, ``bad-vcon``, ``bad-index``,
    ``bad-time``, ``too-many-objects``.
    """
    signed: Json | None = None
    for _ in range(_SIGNED_DEEP):
        form = form_of(value)
        if form == "unsigned":
            check_shape(value)
            check_bodies(value)
            return VconInput(value, uuid_of(value), signed)
        if form == "encrypted":
            raise Refused("encrypted-vcon", "this vCon is encrypted (JWE); decrypt it and send its content")
        if not unverified:
            raise Refused(
                "signed-vcon",
                "this vCon is signed (JWS), and signatures are not verified here; send unverified=true to accept its "
                "payload unverified",
            )
        signed = signed if signed is not None else value
        value = _payload(value["payload"], limits)
    raise Refused("bad-payload", f"signatures are nested more than {_SIGNED_DEEP} deep")


def _payload(payload: Any, limits: Limits) -> Any:
    """Return the vCon in the payload of a JWS: base64url of JSON text, which may be gzipped."""
    try:
        content = decode_base64url(payload)
        if content[:2] == b"\x1f\x8b":
            content = zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(content, limits.max_bytes + 1)
    except (AttributeError, ValueError, zlib.error) as error:
        raise Refused("bad-payload", f"the payload of the signed vCon can't be read: {error}") from None
    return decode(content, limits)


def uuid_of(vcon: Json) -> str:
    """Return a vCon's uuid; without one, a UUID that follows from its content."""
    given = vcon.get("uuid")
    if given:
        assert isinstance(given, str)
        return given
    canonical = msgspec.json.encode(vcon, order="sorted")
    return text_of(uuid8(sha256(b"vcon\0" + canonical).digest()))


def check_shape(vcon: Json) -> None:
    """Raise ``Refused`` unless an unsigned vCon has the shape that the mapping relies on."""
    for name in ("vcon", "uuid", "subject"):
        if not isinstance(vcon.get(name), str | None):
            raise _bad(f"/{name}", "expected a string")
    if len(vcon.get("uuid") or "") > MAX_UUID:
        raise _bad("/uuid", f"it has more than {MAX_UUID} characters")
    for name in ("critical", "must_support"):
        unknown = [each for each in flat(vcon.get(name) or []) if each not in _EXTENSIONS]
        if unknown:
            raise Refused(
                "unsupported-extension",
                f"/{name} asks for {str(unknown[0])[:64]!r}, which is not supported; the draft forbids to process it",
            )
    for name in _ARRAYS:
        _check_array(vcon, name)
    count = sum(len(vcon.get(name) or ()) for name in _ARRAYS)
    if count > MAX_OBJECTS:
        raise Refused("too-many-objects", f"the vCon holds {count} objects; {MAX_OBJECTS} are allowed", 413)
    for name in ("created_at", "updated_at"):
        _check_time(vcon.get(name), f"/{name}")
    parties = len(vcon.get("parties") or ())
    for number, dialog in enumerate(vcon.get("dialog") or ()):
        _check_dialog(dialog or {}, parties, f"/dialog/{number}")


def _check_array(vcon: Json, name: str) -> None:
    found = vcon.get(name)
    if found is None:
        return
    if not isinstance(found, list):
        raise _bad(f"/{name}", "expected an array")
    for number, each in enumerate(found):
        if not isinstance(each, dict | None):
            raise _bad(f"/{name}/{number}", "expected an object")


def _check_dialog(dialog: Json, parties: int, place: str) -> None:
    if not isinstance(dialog.get("type"), str | None):
        raise _bad(f"{place}/type", "expected a string")
    _check_time(dialog.get("start"), f"{place}/start")
    for at, value in _party_indexes(dialog):
        if value is not None and index(value, parties) is None:
            raise Refused("bad-index", f"{place}{at} names party {str(value)[:40]}; there are {parties} parties")


def _party_indexes(dialog: Json) -> Iterator[tuple[str, Any]]:
    for name in _PARTY_INDEXES:
        for value in flat(dialog.get(name)):
            yield f"/{name}", value
    history = dialog.get("party_history")
    for number, event in enumerate(history if isinstance(history, list) else ()):
        if isinstance(event, dict):
            yield f"/party_history/{number}/party", event.get("party")


def _check_time(value: Any, place: str) -> None:
    if value not in (None, "") and time(value) is None:
        raise Refused("bad-time", f"{place} is {str(value)[:64]!r}, which is not a time in RFC 3339")


def _bad(place: str, what: str) -> Refused:
    return Refused("bad-vcon", f"{place}: {what}")

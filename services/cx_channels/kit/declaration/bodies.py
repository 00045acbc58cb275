"""Read what a request holds: a JSON body, a form, or JSON in one field of a form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct

from cx_channels.kit.declaration.mistakes import Place
from cx_channels.kit.declaration.paths import Steps, without
from cx_channels.kit.forms import form_fields
from cx_channels.provider import Request
from cx_events.errors import Refused
from cx_events.strict_json import decode, is_json, mend_surrogates

MOST_FIELDS = 1_000
_WAYS = ("auto", "json", "form")
_OBJECT_OR_LIST = (dict, list)


class Body(Struct, frozen=True, gc=False):
    """``value``: an object or a list; of a form, its fields, one that is repeated as a list. ``raw``: the same as JSON
    on one line, as it came where it came so."""

    value: Any
    raw: bytes


def compile_body(given: Any, place: Place) -> Callable[[Request], Body]:
    """Return what reads a body: ``auto`` by its content type, ``json``, ``form``, or ``{json_in: FIELD}`` of a form.

    It raises ``Refused("malformed")`` for what can't be read.
    """
    if isinstance(given, dict):
        field = place.text_at(place.members(given, ("json_in",)), "json_in")
        if not field:
            place.wrong("'json_in' names the field of a form that holds JSON")
        return lambda request: _json(_field(request, field))
    if given not in _WAYS:
        place.wrong(f"expected auto, json, form or {{json_in: FIELD}}, not {str(given)[:64]!r}")
    if given == "json":
        return lambda request: _json(request.body)
    if given == "form":
        return _form
    return _auto


def _auto(request: Request) -> Body:
    """Read a body that is a form or JSON: vendors mislabel theirs, and no form begins like an object or a list."""
    if request.body.lstrip().startswith((b"{", b"[")) or is_json(request.content_type):
        return _json(request.body)
    return _form(request)


def _json(body: bytes) -> Body:
    body = mend_surrogates(body)
    try:
        value = decode(body)
    except Refused as refused:
        raise Refused("malformed", refused.detail) from None
    if not isinstance(value, _OBJECT_OR_LIST):
        raise Refused("malformed", "the JSON body is neither an object nor a list")
    raw = body.strip()
    return Body(value, msgspec.json.encode(value) if b"\n" in raw or b"\r" in raw else raw)


def _form(request: Request) -> Body:
    fields: dict[str, Any] = {}
    for name, value in _pairs(request):
        if name not in fields:
            fields[name] = value
        elif isinstance(fields[name], list):
            fields[name].append(value)
        else:
            fields[name] = [fields[name], value]
    if not fields:
        raise Refused("malformed", "the form has no fields")
    return Body(fields, msgspec.json.encode(fields))


def _pairs(request: Request) -> list[tuple[str, str]]:
    try:
        return form_fields(request.body.strip().decode("utf-8"), MOST_FIELDS)
    except ValueError as error:
        why = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
        raise Refused("malformed", f"the body is no form: {why}") from None


def _field(request: Request, name: str) -> bytes:
    values = [value for each, value in _pairs(request) if each == name]
    if len(values) != 1:
        raise Refused("malformed", f"the form has the field {name[:64]!r} {len(values)} times, not once")
    return values[0].encode("utf-8", "replace")


def kept(value: Any, raw: bytes | None, left_out: tuple[Steps, ...]) -> bytes:
    """Return what an event keeps of a notice, as JSON on one line. ``raw``: the notice as it came, None: write it."""
    slim = value
    for steps in left_out:
        slim = without(slim, steps)
    if slim is value and raw is not None:
        return raw
    return msgspec.json.encode(slim)

"""Read a Twilio request as named fields, whether it came as a form, a query string or JSON."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

from cx_channels.kit.forms import form_fields
from cx_channels.kit.ids import id_part
from cx_channels.kit.signing import sha256_hex
from cx_channels.provider import Request
from cx_events import strict_json
from cx_events.errors import Refused

MAX_FIELDS = 1000
RETRY_HEADER = "i-twilio-idempotency-token"

TWIML = b'<?xml version="1.0" encoding="UTF-8"?><Response/>'
"""The answer that does nothing, for a request that asks what to do."""

_WHOLE = re.compile(r"[0-9]{1,12}")


class Fields:
    """The fields of one request. A name may stand more than once; its first non-empty value is what ``[]`` gives."""

    __slots__ = ("_names", "_said", "_values", "ambiguous")

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._values: dict[str, list[str]] = {}
        self._said: dict[str, str] = {}
        self.ambiguous: set[str] = set()
        """The names that stand with more than one value, empty ones apart."""
        for name, value in pairs:
            self._values.setdefault(name, []).append(value)
            if (said := value.strip()) and self._said.setdefault(name, said) != said:
                self.ambiguous.add(name)
        # One text to search instead of many names; no name of Twilio's holds a line feed.
        self._names = "\n" + "\n".join(self._values)

    def __getitem__(self, name: str) -> str:
        """Without blanks around it; empty where there is none: Twilio sends unknown values as empty fields."""
        return self._said.get(name, "")

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def __len__(self) -> int:
        return len(self._values)

    def first(self, *names: str) -> str:
        """The first of several fields that says something."""
        for name in names:
            if name in self._said:
                return self._said[name]
        return ""

    def whole(self, *names: str) -> int | None:
        """A whole number of at most 12 digits, else None."""
        value = self.first(*names)
        return int(value) if _WHOLE.fullmatch(value) else None

    def milliseconds(self, *names: str) -> int | None:
        """A field of whole seconds, in milliseconds."""
        seconds = self.whole(*names)
        return None if seconds is None else seconds * 1000

    def starting(self, *prefixes: str) -> bool:
        """Return whether any field's name starts so."""
        names = self._names
        for prefix in prefixes:  # noqa: SIM110 - a generator costs more than all else here
            if "\n" + prefix in names:
                return True
        return False

    def raw(self) -> msgspec.Raw:
        """All fields as a JSON object; a name that stands more than once has a list."""
        return msgspec.Raw(msgspec.json.encode({n: v[0] if len(v) == 1 else v for n, v in self._values.items()}))

    def masked(self, name: str) -> Fields:
        """The same with every character of one field as ``*``."""
        pairs = ((n, value) for n, values in self._values.items() for value in values)
        return Fields((n, "*" * len(value) if n == name else value) for n, value in pairs)

    def without(self, names: Collection[str]) -> Fields:
        """The same without some fields."""
        return Fields((n, value) for n, values in self._values.items() for value in values if n not in names)

    def names(self) -> str:
        """For error messages."""
        return ", ".join(list(self._values)[:12])[:200] or "none"


def read_fields(request: Request) -> Fields | list[Any]:
    """For ``Request.once``: the request's fields, or a list where the body is a JSON array. ``Refused("malformed")``
    for anything else."""
    if request.method == "GET":
        return Fields(request.query or _parsed(query_of(request)))
    if strict_json.is_json(request.content_type):
        return _of_json(request.body)
    return Fields(request.once(form_pairs))


def query_of(request: Request) -> str:
    """The query of the URL as it was called, escaped."""
    return urlsplit(request.url).query


def form_pairs(request: Request) -> list[tuple[str, str]]:
    """For ``Request.once``: the parameters of a form body in their order, blank ones included. ``Refused("malformed")``
    if there are too many."""
    return _parsed(request.body.decode("utf-8", "replace"))


def distinct(request: Request, fields: Fields) -> str:
    """Return a digest of the fields that tell this request from others, and that a retry of it repeats.

    The header ``I-Twilio-Idempotency-Token`` is the same for each attempt to deliver one request
    (www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides). Where it is missing, a digest of what was said
    and where: two menus of one call have different URLs. Of masked fields nothing but the mask goes into the digest,
    since a few digits are soon found by trying.
    """
    token = request.headers.get(RETRY_HEADER, "").strip()
    if token:
        return id_part(token)
    at = urlsplit(request.url)
    query = at.query if request.method != "GET" else ""
    return sha256_hex(f"{at.path}?{query}\n".encode("utf-8", "replace") + bytes(fields.raw()))[:32]


def _parsed(text: str) -> list[tuple[str, str]]:
    try:
        return form_fields(text, MAX_FIELDS)
    except ValueError:
        raise Refused("malformed", f"the form has more than {MAX_FIELDS} fields") from None


def _of_json(body: bytes) -> Fields | list[Any]:
    try:
        value = strict_json.decode(body)
    except Refused as refused:
        raise Refused("malformed", refused.detail) from None
    if isinstance(value, list):
        return value
    if not isinstance(value, Mapping):
        raise Refused("malformed", "the JSON body is neither an object nor an array")
    return Fields((name, _text(item)) for name, item in value.items())


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else msgspec.json.encode(value).decode()

"""Read the fields of a query strictly: refuse one that is unknown, repeated or malformed."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import unquote_to_bytes

from cx_events.errors import Refused

MAX_FIELDS = 64


def read_fields(
    raw: bytes, allowed: Collection[str], *, repeatable: Collection[str] = (), prose: Collection[str] = ()
) -> dict[str, list[str]]:
    """Return the values of each field that is given, in order.

    ``+`` is read as ``+``, so that a telephone number or an offset from UTC needs no escaping; only in fields of
    ``prose`` it is a space, as forms write it. Raises ``Refused`` (400): ``bad-query``, ``unknown-parameter``.
    """
    fields: dict[str, list[str]] = {}
    pairs = raw.split(b"&") if raw else []
    if len(pairs) > MAX_FIELDS:
        raise Refused("bad-query", f"The query has more than {MAX_FIELDS} fields.", 400)
    for pair in pairs:
        if not pair:
            continue
        encoded, _, value = pair.partition(b"=")
        name = _text(encoded)
        text = _text(value.replace(b"+", b" ") if name in prose else value)
        if name not in allowed:
            known = ", ".join(sorted(allowed)) or "none"
            raise Refused("unknown-parameter", f"Unknown parameter {name[:64]!r}. This path takes: {known}.", 400)
        values = fields.setdefault(name, [])
        if values and name not in repeatable:
            raise Refused("bad-query", f"The parameter {name} is given twice.", 400)
        values.append(text)
    return fields


def _text(raw: bytes) -> str:
    try:
        return unquote_to_bytes(raw).decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("bad-query", "The query is not UTF-8.", 400) from None

"""Check the attributes of CloudEvents 1.0 that clients send."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any

from cx_events.catalogue import ANYBODYS, check_scopes, permit_of
from cx_events.errors import Refused
from cx_events.facts import HUB_SOURCE, parse_sequence
from cx_events.timestamps import Micros, parse_time

MAX_NAME = 512
"""Characters of ``source``, ``id`` and ``data.interaction``."""

MAX_TYPE = 256
MAX_ATTRIBUTE = 4096
MAX_ATTRIBUTE_NAME = 64
"""The specification says that names SHOULD have 20 characters at most (section 3.1); longer ones do no harm."""

_CACHED = 1024
"""Sources whose form is known: senders have few."""

# What a string attribute may not hold (CloudEvents 1.0.2, section 3.2): controls, surrogates, noncharacters.
_FORBIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef"
    + "".join(f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0, 0x110000, 0x10000))
    + "]"
)
_ATTRIBUTE_NAME = re.compile(r"[a-z0-9]+")
# RFC 3986, appendix A: characters of a URI-reference. IRIs (RFC 3987) pass; "%" only before two hex digits.
_URI_REFERENCE = re.compile(r"(?:[^\x00-\x20\x7f\"<>\\^`{|}%]|%[0-9A-Fa-f]{2})+")
STAMPED = ("tenantid", "recordedtime", "partitionkey", "writer")
"""Attributes that the hub writes; only an import may state some of them."""

_CORE = ("specversion", "id", "source", "type", "time")
_STRINGS = ("subject", "datacontenttype", "dataschema", "traceparent", "causationid", "correlationid")
_NAMED = frozenset((*_CORE, *STAMPED, *_STRINGS))
REPLACED = frozenset((*_CORE, *STAMPED))
"""Attributes that are written anew; all others are stored as the client sent them."""

_INT64 = range(-(1 << 63), 1 << 63)


def kind_of(value: object) -> str:
    """Return what a JSON value is, with its article, for error texts."""
    names = {list: "an array", dict: "an object", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")


def read_attributes(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return all members of an event but its data; null means not set (JSON format, section 2.2).

    Raises ``Refused``: ``bad-attribute-name``, ``bad-attribute``, ``bad-NAME``.
    """
    attributes: dict[str, Any] = {}
    for name, item in value.items():
        if name in _NAMED and isinstance(item, str) and len(item) <= MAX_ATTRIBUTE and item.isprintable():
            attributes[name] = item  # as nearly all are
            continue
        if name in ("data", "data_base64") or item is None:
            continue
        if name in _NAMED:
            if not isinstance(item, str):
                raise Refused(f"bad-{name}", f"{name} must be a string, not {kind_of(item)}")
        elif len(name) > MAX_ATTRIBUTE_NAME or _ATTRIBUTE_NAME.fullmatch(name) is None:
            detail = f"{name[:64]!r} is not an attribute name: use 1 to {MAX_ATTRIBUTE_NAME} of a-z and 0-9"
            raise Refused("bad-attribute-name", detail)
        elif name == "sequence":
            item = _sequence(item)
        elif not isinstance(item, str | int) or (isinstance(item, int) and item not in _INT64):
            raise Refused("bad-attribute", f"{name} must be a string, an integer or a boolean, not {kind_of(item)}")
        if isinstance(item, str) and not (len(item) <= MAX_ATTRIBUTE and item.isprintable()):
            _check_string(name, item)
        attributes[name] = item
    return attributes


def _check_string(name: str, text: str) -> None:
    reason = f"bad-{name}" if name in _CORE or name in _STRINGS else "bad-attribute"
    if len(text) > MAX_ATTRIBUTE:
        raise Refused(reason, f"{name} has {len(text)} characters; {MAX_ATTRIBUTE} are allowed")
    forbidden = forbidden_character(text)
    if forbidden:
        raise Refused(reason, f"{name} contains {forbidden}, which CloudEvents forbids in attributes")


def forbidden_character(text: str) -> str:
    """Return the first character that no attribute may hold, as ``U+000A``; "" where there is none."""
    if text.isprintable():  # a superset of the pattern, and much faster
        return ""
    found = _FORBIDDEN.search(text)
    return "" if found is None else f"U+{ord(found[0]):04X}"


def _sequence(value: object) -> str:
    """Return the source's counter as decimal digits without leading zeros."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise Refused("bad-sequence", f"sequence must be decimal digits, not {kind_of(value)}")
    return str(parse_sequence(str(value)))


def check_core(attributes: Mapping[str, Any], tenant: str, imported: bool) -> None:
    """Raise ``Refused`` unless the required attributes are there and well formed, and the source may be the client's.

    ``imported``: the event may have a source of the hub's own, of this tenant.
    """
    for name in ("specversion", "id", "source", "type"):
        if not attributes.get(name):
            raise Refused(f"missing-{name}", f"the attribute {name} is missing or empty")
    if attributes["specversion"] != "1.0":
        raise Refused("bad-specversion", f"specversion is {attributes['specversion'][:16]!r}; only '1.0' is supported")
    for name, most in (("id", MAX_NAME), ("source", MAX_NAME), ("type", MAX_TYPE)):
        if len(attributes[name]) > most:
            raise Refused(f"bad-{name}", f"{name} has {len(attributes[name])} characters; {most} are allowed")
    source = attributes["source"]
    if is_free_source(source):
        return
    if not _is_uri_reference(source):
        raise Refused("bad-source", f"source {source[:64]!r} is not a URI-reference")
    if not (imported and source.startswith(f"{HUB_SOURCE}{tenant}/")):
        raise Refused("reserved-source", f"sources under {HUB_SOURCE} belong to the hub: choose another source")


@lru_cache(_CACHED)
def is_free_source(source: str) -> bool:
    """Return whether any client may send events of this source, of ``MAX_NAME`` characters at most."""
    return _is_uri_reference(source) and not source.lower().startswith(HUB_SOURCE)


def _is_uri_reference(source: str) -> bool:
    return _URI_REFERENCE.fullmatch(source) is not None


def check_writable(name: str, scopes: Collection[str], imported: bool) -> None:
    """Raise ``Refused`` unless a client with these scopes may send events of the type ``name``."""
    permit = permit_of(name)
    if permit == ANYBODYS:
        return
    if permit.unsupported:
        raise Refused("not-supported", f"{name} is not accepted: {permit.unsupported}")
    if permit.reserved and not imported:
        raise Refused("reserved-type", f"{name} is a person's decision: make it through the hub's own routes")
    check_scopes(name, scopes)


def recorded_time(attributes: Mapping[str, Any], tenant: str, now: Micros, importing: bool) -> Micros:
    """Return when an event was recorded: now, or what an import states.

    Raises ``Refused``: ``reserved-attribute``, ``wrong-tenant``, ``bad-recordedtime``, ``bad-time``.
    """
    if not importing:
        for name in STAMPED:
            if name in attributes:
                raise Refused("reserved-attribute", f"{name} is stamped by the hub; only an import may state it")
        return now
    stated = attributes.get("tenantid", tenant)
    if stated != tenant:
        raise Refused("wrong-tenant", f"tenantid is {stated[:64]!r}; the key belongs to {tenant!r}")
    if "recordedtime" not in attributes:
        return now
    recorded = parse_time(attributes["recordedtime"])
    if recorded > now:
        raise Refused("bad-recordedtime", f"recordedtime {attributes['recordedtime']} lies in the future")
    return recorded

"""Requests that are made of listed objects, in the form of the vendor's webhooks. Pure.

No request of a webhook has their method, so nobody outside chooses what their headers say.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

import msgspec

from cx_channels.kit.times import iso_time
from cx_channels.provider import Request
from cx_events.timestamps import Micros, format_time

METHOD = "MESSAGE"
_AT = "x-listed-at"

_encode = msgspec.json.Encoder().encode


def listed_form(fields: Mapping[str, str], at: Micros | None = None) -> Request:
    """Return a form. ``at``: when it happened, where the fields can't say."""
    return _request(urlencode(fields).encode(), "application/x-www-form-urlencoded", at)


def listed_json(value: Mapping[str, object]) -> Request:
    """Return a JSON body."""
    return _request(_encode(value), "application/json", None)


def _request(body: bytes, content_type: str, at: Micros | None) -> Request:
    told = {_AT: format_time(at)} if at is not None else {}
    return Request(body, METHOD, headers={"content-type": content_type, **told})


def listed_at(request: Request) -> Micros | None:
    """Return when that happened which a listed request tells; None for others."""
    return iso_time(request.headers.get(_AT, "")) if request.method == METHOD else None

"""Make requests of listed objects, in the form of the vendor's webhooks; declare the port that asks for lists. Pure.

No request of a webhook has their method, so nobody outside chooses what their headers say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlencode

import msgspec

from cx_channels.kit.aws.identity import AwsLogin
from cx_channels.kit.aws.signing import AwsKey
from cx_channels.kit.times import iso_time
from cx_channels.provider import FETCHED, Request
from cx_events.timestamps import Micros, format_time

_AT = "x-listed-at"


class Asked(NamedTuple):
    """A GET. ``url``: with its query."""

    url: str
    headers: Mapping[str, str]


class Get(Protocol):
    """Asks a vendor's API, and waits where the vendor says so. Raise what ``Listing.pages`` may raise."""

    async def __call__(
        self, url: str, *, query: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> Any:
        """Return the JSON of an answer."""

    async def content(self, login: AwsLogin, ask: Callable[[AwsKey, Micros], Asked]) -> bytes | None:
        """Return AWS's answer as it came, None where nothing is there (404). ``ask``: makes the request, signed at a
        time, for each try anew."""


_encode = msgspec.json.Encoder().encode


def listed_form(fields: Mapping[str, str], at: Micros | None = None) -> Request:
    """Return a form. ``at``: when it happened, where the fields can't say."""
    return _request(urlencode(fields).encode(), "application/x-www-form-urlencoded", at)


def listed_json(value: Mapping[str, object]) -> Request:
    """Return a JSON body."""
    return _request(_encode(value), "application/json", None)


def _request(body: bytes, content_type: str, at: Micros | None) -> Request:
    told = {_AT: format_time(at)} if at is not None else {}
    return Request(body, FETCHED, headers={"content-type": content_type, **told})


def listed_at(request: Request) -> Micros | None:
    """Return when that happened which a listed request tells; None for others."""
    return iso_time(request.headers.get(_AT, "")) if request.method == FETCHED else None

"""Compile what an HMAC covers, as a declaration lists it: ``[$timestamp, ".", $body]``, and the time in it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cx_channels.kit.declaration.mistakes import Place, shown
from cx_channels.kit.signing import with_headers
from cx_channels.kit.times import iso_time, unix_time
from cx_channels.provider import Request
from cx_events.errors import Refused
from cx_events.timestamps import Micros, format_time

_FORMATS = ("unix_seconds", "unix_milliseconds", "iso")
_DURATION = re.compile(r"([0-9]{1,5})(s|m|h)")
_SECONDS = {"s": 1, "m": 60, "h": 3600}
_LONGEST = 86_400
_HEADER = re.compile(r"\$header\.([!#$%&'*+.^_`|~0-9A-Za-z-]{1,100})")
_INVENTED = "0"
"""What ``sign`` writes into a signed header that a request lacks."""

Part = Callable[[Request, str], bytes]


@dataclass(frozen=True, slots=True)
class Timestamp:
    """The signed time. ``header``: where it stands, behind ``prefix``. Not older nor newer than the tolerance."""

    header: str
    prefix: str
    format: str
    tolerance_seconds: int

    def read(self, written: str) -> Micros:
        """Return the time. ``Refused`` (401) for what is none."""
        at = iso_time(written) if self.format == "iso" else unix_time(written)
        if at is None:
            raise Refused("bad-signature", f"{self.header} holds no time", 401)
        return at

    def write(self, at: Micros) -> str:
        """Return a time as the vendor writes it."""
        if self.format == "iso":
            return format_time(at)
        return str(at // (1_000_000 if self.format == "unix_seconds" else 1_000))


@dataclass(frozen=True, slots=True)
class Signed:
    """``headers``: those whose values are signed, too. ``separator``: between a time and a signature in one header."""

    parts: tuple[Part, ...]
    headers: tuple[str, ...]
    timestamp: Timestamp | None
    separator: str

    def time_in(self, request: Request) -> str:
        """Return the time as it is written in a request; "" where none is signed. ``Refused`` where it is missing."""
        if self.timestamp is None:
            return ""
        value = request.headers.get(self.timestamp.header, "").strip()
        pieces = value.split(self.separator) if self.separator and self.timestamp.prefix else [value]
        prefix = self.timestamp.prefix
        found = [each.strip()[len(prefix) :] for each in pieces if each.strip().startswith(prefix)]
        if len(found) != 1 or not found[0]:
            raise Refused("missing-signature", f"the request has no time in the header {self.timestamp.header}", 401)
        return found[0]

    def of(self, request: Request, time: str) -> bytes:
        """Return what is signed."""
        return b"".join(part(request, time) for part in self.parts)

    def prepared(self, request: Request) -> tuple[Request, str]:
        """Return a request with the headers that are signed, and its time, to be signed."""
        given = {name: request.headers.get(name) or _INVENTED for name in self.headers}
        time = self.timestamp.write(request.received) if self.timestamp is not None else ""
        if self.timestamp is not None:
            given[self.timestamp.header] = f"{self.timestamp.prefix}{time}"
        return with_headers(request, given), time


def compile_content(signed: Any, timestamp: Any, separator: str, place: Place) -> Signed:
    """Return what is signed. A mistake where that leaves out the body, or a time that is to be checked."""
    at = place.at("signed")
    listed = signed if isinstance(signed, list) else [signed]
    time = _timestamp(timestamp, place.at("timestamp")) if timestamp is not None else None
    headers = [found[1].lower() for each in listed if (found := _HEADER.fullmatch(str(each)))]
    if "$body" not in listed:
        at.wrong("$body is missing: then anybody could send any body with a signature that was seen once")
    if time is not None and "$timestamp" not in listed:
        at.wrong("$timestamp is missing: a time that is not signed is anybody's")
    if time is None and "$timestamp" in listed:
        at.wrong("$timestamp is signed, and 'timestamp' does not say in which header it stands")
    parts = tuple(_part(each, at) for each in listed)
    return Signed(parts, tuple(headers), time, separator)


def _part(given: Any, place: Place) -> Part:
    if given == "$body":
        return lambda request, _time: request.body
    if given == "$timestamp":
        return lambda _request, time: time.encode("utf-8", "replace")
    if not isinstance(given, str) or (given.startswith("$") and not _HEADER.fullmatch(given)):
        place.wrong(f"expected $body, $timestamp, $header.NAME or a text, not {shown(given)}")
        return lambda _request, _time: b""
    if given.startswith("$"):
        name = given.removeprefix("$header.").lower()
        return lambda request, _time: request.headers.get(name, "").encode("utf-8", "replace")
    return lambda _request, _time: given.encode()


def _timestamp(given: Any, place: Place) -> Timestamp:
    members = place.members(given, ("header", "prefix", "format", "tolerance"))
    header = place.text_at(members, "header")
    if not _HEADER.fullmatch(f"$header.{header}"):
        place.at("header").wrong("expected the name of the header that holds the time")
    written = str(members.get("tolerance", "5m"))
    duration = _DURATION.fullmatch(written)
    seconds = int(duration[1]) * _SECONDS[duration[2]] if duration else 0
    if not 0 < seconds <= _LONGEST:
        place.at("tolerance").wrong(f"{written[:40]!r} is no duration from 1s to 24h, like 5m")
    form = place.choice_at(members, "format", _FORMATS, _FORMATS[0])
    return Timestamp(header.lower(), place.text_at(members, "prefix"), form, seconds)

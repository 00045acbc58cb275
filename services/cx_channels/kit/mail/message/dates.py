"""Determine when a mail was written: by its Date, or by the first host where the Date can't be right."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from cx_channels.kit.mail.mime.addresses import split_comments
from cx_channels.kit.mail.mime.headers import Headers

_YEAR_10000 = 253_402_300_800
_MAX_RELAYS = 50

FAR = 7 * 24 * 3600 * 1_000_000
"""Microseconds between a Date and the hosts' dates above which the writer's clock counts as wrong. A mail may lie in an
outbox over a weekend or a holiday; clocks that are wrong by more are mostly wrong by months."""

DELIVERED = 5 * 24 * 3600 * 1_000_000
"""Microseconds from the first host to the hub above which no mail is on its way any more: hosts give up after four to
five days (RFC 5321, section 4.5.4.1)."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_AROUND_COLON = re.compile(r"(?<!\s)\s*+:\s*+")
_ISO = re.compile(r"\d{4}-\d\d-\d\d")
_ZONE = re.compile(r"(?:(?<=\s)|(?<=\d))[\"']?(?:(?:GMT|UTC?)\s?)?([+-])(\d{1,2})(?::?(\d\d))?\b.*\Z", re.IGNORECASE)
_NAMED_ZONE = re.compile(r"\s[\"'(]?(?:GMT|UTC?|Z|[ECMPA][SD]T)[\"')]?(?:\s*\(.*)?\Z", re.IGNORECASE)
"""The zones of RFC 5322 (section 4.3), and the Atlantic one, which the standard library reads as well."""
_OF_TWELVE = re.compile(r"(?<![\d:])(0?\d|1[0-2])(:\d\d(?::\d\d)?)\s?([AP])\.?M\b\.?", re.IGNORECASE)
_LEAP_SECOND = re.compile(r"(?<=:\d\d):60\b")


@dataclass(frozen=True, slots=True)
class Moment:
    """A time. ``at``: microseconds since 1970; ``zoned``: whether a zone was given; else ``at`` assumes UTC."""

    at: int
    zoned: bool


def date(raw: str) -> int | None:
    """Return a date as microseconds since 1970, UTC where it names no zone; None where it can't be read."""
    moment = moment_of(raw)
    return moment.at if moment is not None else None


def moment_of(raw: str) -> Moment | None:
    """Return what a date field says (RFC 5322, section 3.3, or ISO 8601); None where it can't be read."""
    text = raw[:200].strip()
    moment = _moment(text)
    if moment is None and text:  # comments and blanks may stand between any two of its words (section 4.3)
        bare = _AROUND_COLON.sub(":", " ".join(split_comments(text)[0].replace(",", ", ").split()))
        moment = _moment(bare.replace(" ,", ",")) if bare != text else None
    return moment


def _moment(text: str) -> Moment | None:
    text = _LEAP_SECOND.sub(":59", _OF_TWELVE.sub(_of_day, text))
    try:
        if _ISO.match(text):
            moment = datetime.fromisoformat(text.replace(" +", "+").replace(" -", "-"))
            zoned = moment.tzinfo is not None
        else:
            offset = _ZONE.search(text)
            if offset is not None:
                text = f"{text[: offset.start()].rstrip()} {offset[1]}{offset[2]:0>2}{offset[3] or '00'}"
            moment = parsedate_to_datetime(text)
            zoned = offset is not None or _NAMED_ZONE.search(text) is not None
        elapsed = (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)) - _EPOCH
    except (ValueError, TypeError, IndexError, OverflowError, AttributeError):
        return None
    seconds = elapsed.days * 86_400 + elapsed.seconds
    return Moment(seconds * 1_000_000, zoned) if 0 <= seconds < _YEAR_10000 else None


def _of_day(match: re.Match[str]) -> str:
    """Return an hour of twelve, which RFC 5322 does not know and some programs write, as one of the day."""
    return f"{int(match[1]) % 12 + 12 * (match[3] in 'Pp'):02}{match[2]}"


def written_at(headers: Headers, arrived: int | None = None) -> int | None:
    """Return when a mail was written, in microseconds since 1970; None where nothing tells.

    That is its Date. The date of the first host that carried it (the last Received) counts instead where the Date
    can't be read or names no known zone (which then says nothing: RFC 5322, section 4.3), or where all hosts' dates are
    more than ``FAR`` later, or earlier.

    ``arrived``: when the hub took it from the host that sent it, in microseconds. A Date within ``FAR`` of that is
    right, whatever hosts say. A Date farther from that is none where no host says that it carried the mail, since its
    writer's program brought it, and where the hosts' dates contradict the Date and are more than ``DELIVERED`` from
    that themselves. A Date that agrees with the hosts counts however old it is: such a mail is brought from an archive.
    """
    given = moment_of(headers.raw("date"))
    relays = headers.every("received")[-_MAX_RELAYS:]
    carried = (at for value in reversed(relays) if (at := date(value.rpartition(";")[2])) is not None)
    first = next(carried, None)
    if given is not None and given.zoned and arrived is not None and abs(given.at - arrived) <= FAR:
        return given.at
    if first is None and given is not None and arrived is not None and abs(given.at - arrived) > FAR:
        return None
    if given is None or first is None:
        return given.at if given is not None else first
    if not given.zoned:
        return first
    if abs(given.at - first) <= FAR:
        return given.at
    every = [first, *carried]
    if min(every) - FAR <= given.at <= max(every) + FAR:
        return given.at
    return first if arrived is None or abs(first - arrived) <= DELIVERED else None

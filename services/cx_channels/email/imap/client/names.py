"""Write folders' names and dates as IMAP has them. Pure."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, date, datetime

from cx_events.timestamps import Micros

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def quoted(text: str) -> bytes:
    """Return a quoted string of ASCII (RFC 9051, section 4.3)."""
    return b'"' + text.replace("\\", "\\\\").replace('"', '\\"').encode("ascii") + b'"'


def folder_name(name: str) -> bytes:
    """Return a folder's name in modified UTF-7 (RFC 3501, section 5.1.3), quoted."""
    found: list[str] = []
    foreign: list[str] = []

    def end_foreign() -> None:
        if foreign:
            coded = b64encode("".join(foreign).encode("utf-16-be")).decode("ascii").rstrip("=").replace("/", ",")
            found.append(f"&{coded}-")
            foreign.clear()

    for letter in name:
        if " " <= letter <= "~":
            end_foreign()
            found.append("&-" if letter == "&" else letter)
        else:
            foreign.append(letter)
    end_foreign()
    return quoted("".join(found))


def date_word(day: date) -> bytes:
    """Return a date as SEARCH has it: ``29-Nov-2026``, in English whatever the locale."""
    return f"{day.day}-{_MONTHS[day.month - 1]}-{day.year}".encode("ascii")


def internal_date(text: bytes) -> datetime | None:
    """Return an INTERNALDATE, ``"29-Nov-2026 09:00:00 +0000"``; None where it can't be read."""
    try:
        day, time, zone = text.decode("ascii").split()
        number, month, year = day.split("-")
        at = datetime.fromisoformat(f"{year}-{_MONTHS.index(month.title()) + 1:02}-{int(number):02}T{time}")
        hours, minutes = int(zone[1:3]), int(zone[3:5])
        offset = (hours * 60 + minutes) * 60 * (-1 if zone[0] == "-" else 1)
        return datetime.fromtimestamp(at.replace(tzinfo=UTC).timestamp() - offset, UTC)
    except (ValueError, UnicodeDecodeError, OverflowError, OSError):
        return None


def micros_of(at: datetime) -> Micros:
    """Return a time in microseconds since 1970."""
    return int(at.timestamp() * 1_000_000)

"""Count units of the API's quota, which begins anew at midnight in California
(developers.google.com/youtube/v3/determine_quota_cost).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cx_channels.social.youtube.cursor import Place
from cx_events.errors import TryLater


def _zone() -> tzinfo:
    try:
        return ZoneInfo("America/Los_Angeles")
    except ZoneInfoNotFoundError:  # a machine without zones: winter's time, so at worst an hour late
        return timezone(timedelta(hours=-8))


def day_of(now: float) -> str:
    """Return the quota's day. ``now``: s since 1970."""
    return datetime.fromtimestamp(now, UTC).astimezone(_zone()).date().isoformat()


def seconds_left(now: float) -> int:
    """Return the seconds until the quota begins anew, and a minute more: clocks differ."""
    here = datetime.fromtimestamp(now, UTC).astimezone(_zone())
    tomorrow = datetime(here.year, here.month, here.day, tzinfo=_zone()) + timedelta(days=1)
    return int(tomorrow.timestamp() - now) + 60


def spend(place: Place, most: int, now: float) -> None:
    """Count one unit. Raise ``TryLater`` until the next day where the day's are used up."""
    today = day_of(now)
    if place.day != today:
        place.day, place.units = today, 0
    if place.units >= most:
        raise TryLater("quota", f"daily_units {most} are used up until midnight in California", seconds_left(now))
    place.units += 1

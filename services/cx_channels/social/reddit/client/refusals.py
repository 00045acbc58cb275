"""Decide what to do about an answer that is no list, by its status (github.com/reddit-archive/reddit/wiki/API)."""

from __future__ import annotations

from cx_channels.kit.json_values import first, number, obj
from cx_channels.pollers.asking import Answered
from cx_events.errors import Refused, TryLater

_RATE_PAUSE = 10
_MOST_PAUSE = 3600


def error_of(answered: Answered, now: float) -> Exception:
    """Return the error that an answer is. ``now``: s since 1970. Reddit's own words are told."""
    given = obj(answered.value)
    told = (
        f"Reddit answers {answered.status}: {first(given.get('reason'), given.get('message'), 'without a word')[:300]}"
    )
    if answered.status == 429:
        return TryLater("rate-limited", told, max(answered.pause(now), reset(answered), _RATE_PAUSE))
    if answered.status == 401:
        return Refused("login-refused", told)
    if answered.status in (400, 403, 404) or 300 <= answered.status < 400:
        # A private, banned or misspelt subreddit; a missing one is a redirect to the search.
        return Refused("request-refused", told)
    return TryLater("vendor", told, answered.pause(now))


def reset(answered: Answered) -> int:
    """Return the seconds until the limit of requests begins anew, 0 where none are told."""
    return min(int(number(answered.headers.get("x-ratelimit-reset")) or 0), _MOST_PAUSE)


def is_used_up(answered: Answered) -> bool:
    """Return whether this answer was the last one that the limit allows."""
    left = number(answered.headers.get("x-ratelimit-remaining"))
    return left is not None and left < 1

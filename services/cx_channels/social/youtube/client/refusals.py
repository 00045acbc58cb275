"""Decide what to do about an error of the API, by its reason (developers.google.com/youtube/v3/docs/errors)."""

from __future__ import annotations

from cx_channels.kit.json_values import first, obj, objects, text
from cx_channels.pollers.asking import Answered
from cx_channels.social.youtube.client.quota import seconds_left
from cx_events.errors import Refused, TryLater

_QUOTA = frozenset({"quotaExceeded", "dailyLimitExceeded", "dailyLimitExceededUnreg"})
_RATE = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "rateLimitExceededUnreg"})
_RATE_PAUSE = 30
_KEY = frozenset({"keyInvalid", "keyExpired", "API_KEY_INVALID", "authError", "unauthorized", "required"})
_ABSENT = frozenset({
    "commentsDisabled", "videoNotFound", "commentNotFound", "commentThreadNotFound", "parentCommentNotFound",
})  # fmt: skip
"""A video or thread has no comments, which is nothing of the channel's."""


class Absent(Exception):
    """Nothing is there by the name that was asked for."""


class PageAged(TryLater):
    """A pageToken is taken no longer: the list has to be walked anew."""


def error_of(answered: Answered, now: float) -> Exception:
    """Return the error that an answer is. ``now``: s since 1970. Google's own words are told."""
    error = obj(obj(answered.value).get("error"))
    reasons = [text(each.get("reason")) for each in [*objects(error.get("errors")), *objects(error.get("details"))]]
    told = (
        f"YouTube answers {answered.status} {first(*reasons)}: {text(error.get('message'))[:300] or 'without a word'}"
    )
    if any(reason in _QUOTA for reason in reasons):
        return TryLater("quota", told, seconds_left(now))
    if answered.status == 429 or any(reason in _RATE for reason in reasons):
        return TryLater("rate-limited", told, max(answered.pause(now), _RATE_PAUSE))
    if any(reason in _ABSENT for reason in reasons):
        return Absent(told)
    if answered.status == 401 or any(reason in _KEY for reason in reasons):
        return Refused("login-refused", told)
    if answered.status in (403, 404):
        return Refused("request-refused", told)
    if "invalidPageToken" in reasons:
        return PageAged("vendor", told, answered.pause(now))
    return TryLater("vendor", told, answered.pause(now))

"""Decide about a record that was not delivered: its key waits, or it is a dead letter. Pure.

It is one after 75 hours. What the receiver itself refuses for its content (400, 413, 415, 422) is one with the fourth
attempt, after some six minutes, if meanwhile it took something else: then it is the record that is at fault, and what
lies behind it in its stream need not wait (docs/decisions/0056-subscriptions.md).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from cx_context.store.subscription_rows import Letter, Waiting
from cx_events.log import LogRecord
from cx_ops.subscriptions.messages import key_text
from cx_runtime.outbound.outcomes import Later
from cx_runtime.outbound.retries import DELAYS, delay_after

GIVE_UP_SECONDS = 75 * 3600.0
"""Seconds after a record's first attempt, from which on a failed attempt is its last."""

REFUSALS = 4
"""Attempts after which a record that is refused for its content is given up."""

_OF_CONTENT = frozenset({400, 413, 415, 422})
"""Answers that are about this request's content: bad request, content too large, unsupported media type, unprocessable
(RFC 9110, section 15.5). 401, 403, 404, 405, 408, 409, 425 and 429 are about the receiver's setup or its moment, and
true of every record."""


class Failed(NamedTuple):
    """``waiting``: the key from now on. ``letter``: None while the record is still tried."""

    waiting: Waiting
    letter: Letter | None


def untried(record: LogRecord, now: float) -> Waiting:
    """Return the row of a key whose next record was not tried, since the receiver rests."""
    return Waiting(record.partition, key_text(record), record.offset, next_at=now)


def failed(
    record: LogRecord,
    before: Waiting | None,
    later: Later,
    now: float,
    random: Callable[[], float],
    taken_at: float = 0.0,
) -> Failed:
    """Return what becomes of a record after an attempt.

    ``before``: the key's row, if it waited at this record. ``taken_at``: when the receiver last took any record.
    """
    is_first = before is None or before.next_offset != record.offset or not before.failures
    failures = 1 if is_first or before is None else before.failures + 1
    first = now if is_first or before is None else before.first_failed
    key, place = key_text(record), (record.partition, record.offset)
    refused = later.status in _OF_CONTENT and before is not None and before.reason == later.reason
    if now - first >= GIVE_UP_SECONDS or (refused and failures >= REFUSALS and taken_at > first):
        letter = Letter(*place, failures, first, now, later.reason, later.detail)
        return Failed(Waiting(record.partition, key, record.offset + 1, next_at=now), letter)
    delay = delay_after(min(failures, len(DELAYS)), later.retry_after, random) or 0.0
    row = Waiting(record.partition, key, record.offset, failures, first, now + delay, later.reason, later.detail)
    return Failed(row, None)

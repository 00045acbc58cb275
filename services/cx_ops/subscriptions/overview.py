"""Say of each subscription how far it is, as operators see it."""

from __future__ import annotations

from collections.abc import Iterable

from cx_context.store import Store, subscription_rows
from cx_events.errors import Refused
from cx_events.json_types import Json
from cx_events.log import Log
from cx_events.timestamps import format_time
from cx_ops.subscriptions.subscription import Subscription

MOST_SHOWN = 100
"""Waiting keys, and dead letters, of one subscription that are shown."""


async def overview(log: Log, store: Store, subscriptions: Iterable[Subscription]) -> list[Json]:
    """Return a line for each subscription. Raises ``TryLater``."""
    return [(await _read(log, store, each))[0] for each in subscriptions]


async def whole(log: Log, store: Store, subscription: Subscription) -> Json:
    """Return one subscription with its partitions, the keys that wait and the dead letters."""
    line, rows, letters, standings = await _read(log, store, subscription)
    return {
        **line,
        "partitions": [each._asdict() for each in standings],
        "waiting": [
            {
                "partition": row.number,
                "key": row.key,
                "offset": row.next_offset,
                "failures": row.failures,
                "first_failed": _time(row.first_failed),
                "next_attempt": _time(row.next_at),
                "reason": row.reason,
                "detail": row.detail,
            }
            for row in rows[:MOST_SHOWN]
        ],
        "dead_letters": [
            {
                "partition": each.number,
                "offset": each.log_offset,
                "failures": each.failures,
                "first_failed": _time(each.first_failed),
                "last_failed": _time(each.last_failed),
                "reason": each.reason,
                "detail": each.detail,
                "wanted": each.wanted,
            }
            for each in letters
        ],
    }


async def _read(
    log: Log, store: Store, subscription: Subscription
) -> tuple[Json, list[subscription_rows.Waiting], list[subscription_rows.Letter], list[subscription_rows.Standing]]:
    name = subscription.name
    ends = await log.end_offsets(name.topic)
    async with store.reading() as tx:
        standings = await subscription_rows.standings(tx, name)
        rows = await subscription_rows.waiting(tx, name, [each.number for each in standings])
        letters = await subscription_rows.letters(tx, name, MOST_SHOWN)
        dead = await subscription_rows.count_letters(tx, name)
        stop = await subscription_rows.stop_of(tx, name)
    failing = [row for row in rows if row.failures]
    last = max(failing, key=lambda row: row.next_at, default=None)
    line: Json = {
        "tenant": name.tenant,
        "id": name.subscription,
        "state": stop.reason if stop else "paused" if subscription.is_paused else "running",
        "why": stop.why if stop else "",
        "topic": name.topic,
        "url": subscription.url,
        "filter": subscription.filter,
        "delivered": sum(each.delivered for each in standings),
        "behind": sum(max(ends.get(each.number, 0) - each.next_offset, 0) for each in standings),
        "waiting_keys": len(rows),
        "oldest_failure": _time(min((row.first_failed for row in failing), default=0.0)),
        "last_error": f"{last.reason}: {last.detail}" if last else "",
        "dead_letter_count": dead,
    }
    return line, rows, letters, standings


def _time(seconds: float) -> str | None:
    return format_time(int(seconds * 1e6)) if seconds else None


def find(subscriptions: Iterable[Subscription], id: str, tenant: str = "") -> Subscription:
    """Return the subscription of this id, of any tenant unless one is named.

    Raises ``Refused``: ``unknown-subscription`` (404), ``ambiguous-subscription`` (400).
    """
    found = [each for each in subscriptions if each.name.subscription == id and tenant in ("", each.name.tenant)]
    if not found:
        raise Refused("unknown-subscription", f"there is no subscription {id[:64]!r}", 404)
    if len(found) > 1:
        raise Refused("ambiguous-subscription", f"several tenants have a subscription {id!r}: name the tenant", 400)
    return found[0]

"""Append to the log in a span, whose ``traceparent`` goes along with each record."""

from __future__ import annotations

from collections.abc import Sequence

from cx_events.log import Log, Record, RecordMetadata
from cx_runtime.tracing import Tracing


async def append_traced(log: Log, records: Sequence[Record], tracing: Tracing) -> list[RecordMetadata]:
    """Return what ``Log.append`` does, and raise the same. ``records``: at least one."""
    if not tracing.on:
        return await log.append(records)
    topic = records[0].topic
    with tracing.span(
        f"send {topic}",
        "producer",
        messaging__destination__name=topic,
        messaging__batch__message_count=len(records),
    ):
        trace = tracing.traceparent()
        return await log.append([record._replace(traceparent=trace) for record in records])

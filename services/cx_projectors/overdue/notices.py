"""Make the notice that a customer has waited for too long. Pure."""

from __future__ import annotations

import msgspec

from cx_context.change_notifications import ContextChange, OverdueWait
from cx_context.store.wait_rows import ToAnnounce
from cx_events.directory import Directory
from cx_events.ids import text_of
from cx_events.log import CONTEXT_CHANGES, Record
from cx_events.timestamps import Micros, format_time
from cx_projectors.overdue.bounds import Due

LATE_MICROS = 3_600_000_000
"""A wait that is found so long after it was due is no news: history was imported, or the hub was down for long."""


def notice_of(due: Due, directory: Directory, now: Micros) -> bytes:
    """Return the notice of a wait that was found, as ``cx.context-changes`` carries it."""
    wait = due.wait
    entry = directory.entries.get(("queue", due.queue))
    overdue = OverdueWait(
        id=f"{text_of(wait.contact)}/{wait.since}/{due.queue}",
        conversation=text_of(wait.conversation),
        interaction=wait.shown.interaction,
        channel=wait.shown.channel,
        queue=due.queue,
        queue_name=(entry.name if entry is not None else "") or wait.shown.label,
        waiting_since=format_time(wait.since),
        due_at=format_time(due.at),
        noticed_at=format_time(now),
        answer_within=due.bound,
        late=now - due.at > LATE_MICROS,
    )
    queues = sorted({due.queue, wait.queue})
    return msgspec.json.encode(ContextChange(wait.tenant, text_of(wait.customer), 0, queues=queues, overdue=overdue))


def record_of(notice: ToAnnounce) -> Record:
    """Return the record of a notice. Its key is the contact: no later change of the context may stand for it where only
    the latest record of a key is kept."""
    return Record(CONTEXT_CHANGES, notice.contact, notice.body)

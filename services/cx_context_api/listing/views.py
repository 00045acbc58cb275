"""Show rows of lists, and what agents and queues hold, as JSON."""

from __future__ import annotations

from cx_context.listing.conversations import OPEN, Named
from cx_context.store.listing_pages import ListedRow, resolved
from cx_context.store.listing_reads import Holding
from cx_context_api.listing.overdue import OverInQueue
from cx_events.directory import Directory, Kind
from cx_events.ids import NodeId, text_of
from cx_events.json_types import Json
from cx_events.timestamps import Micros, format_time


def conversation_view(row: ListedRow, directory: Directory, due: Micros | None) -> Json:
    """Return a conversation as lists show it. ``due``: by when its customer is to be answered."""
    shown = row.shown
    return {
        "id": text_of(row.id),
        "customer": text_of(row.customer),
        "display": row.display,
        "state": "open" if row.state == OPEN else "resolved",
        "topic": shown.topic,
        "interaction": shown.interaction,
        "channels": shown.channels,
        "contacts": shown.contacts,
        "opened_at": format_time(row.opened),
        "last_at": format_time(row.last),
        "waiting_since": time_or_none(row.waiting),
        "due_at": time_or_none(due),
        "agent": _named("agent", shown.agent, directory),
        "queue": _named("queue", shown.queue, directory),
        "held_by": [
            {
                "kind": each.kind,
                **_id_and_name(each.kind, each.name, each.label, each.source, directory),
                "since": time_or_none(each.held),
            }
            for each in shown.held
        ],
        "line": (
            {"time": shown.line.time, "role": shown.line.role, "name": shown.line.name, "text": shown.line.text}
            if shown.line is not None
            else None
        ),
        "sentiment": ({"current": shown.mood.current, "trend": shown.mood.trend} if shown.mood is not None else None),
    }


def _named(kind: Kind, named: Named | None, directory: Directory) -> Json | None:
    return _id_and_name(kind, named.id, named.name, named.source, directory) if named is not None else None


def _id_and_name(kind: str, id: str, name: str, source: str, directory: Directory) -> Json:
    if not directory:
        return {"id": id, "name": name}
    own = resolved(directory, kind, id, source)
    entry = directory.entries.get(("agent" if kind == "agent" else "queue", own))
    return {"id": own, "name": (entry.name if entry is not None else "") or name}


def queue_view(each: Holding, bound: int | None, over: OverInQueue | None) -> Json:
    """Return a queue and what waits in it. ``bound``: the seconds within which customers are to be answered."""
    return {
        "id": each.id,
        "name": each.name,
        "queued": each.held,
        "queued_since": time_or_none(each.held_since),
        "waiting": each.waiting,
        "waiting_since": time_or_none(each.waiting_since),
        "answer_within": bound,
        "overdue": over.waits if over is not None else 0,
        "overdue_since": time_or_none(over.since) if over is not None else None,
    }


def agent_view(each: Holding, held: list[tuple[NodeId, NodeId, Micros]]) -> Json:
    """Return an agent and what they deal with, are offered or were asked to take over."""
    return {
        "id": each.id,
        "name": each.name,
        "held": each.held,
        "held_since": time_or_none(each.held_since),
        "waiting": each.waiting,
        "waiting_since": time_or_none(each.waiting_since),
        "conversations": [
            {"id": text_of(id), "customer": text_of(customer), "since": format_time(since)}
            for id, customer, since in held
        ],
    }


def time_or_none(at: Micros | None) -> str | None:
    """Return a time as JSON has it."""
    return format_time(at) if at is not None else None

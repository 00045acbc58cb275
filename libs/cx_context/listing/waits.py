"""List the waits of a conversation's contacts, each in one queue. Pure.

A wait is in the queue that the contact concerns now; of one that concerns none, in the queue that was named last, of
the contact or else of its conversation; else in ``unassigned``. How long a wait may take is the configuration's, and
whether it took longer is a clock's, so neither stands here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from msgspec import Struct

from cx_context.listing.naming import source_of
from cx_context.parts.model import Part
from cx_context.routing_targets import UNASSIGNED, routing_targets
from cx_context.sections.contact_state import settled_places, waiting_since
from cx_context.threading.contact_model import Contact
from cx_events.facts import Order
from cx_events.ids import NodeId
from cx_events.timestamps import Micros


class ShownWait(Struct, array_like=True):
    """The rest of what is told of a wait. ``label``: what events call the queue."""

    interaction: str
    channel: str
    label: str


class ListedWait(NamedTuple):
    """A contact whose customer waits. ``queue``: the id that the vendor gave, ``source``: whose id that is."""

    contact: NodeId
    queue: str
    source: str
    since: Micros
    shown: bytes


class NamedQueue(NamedTuple):
    """A queue as a vendor named it; ``source``: whose id that is."""

    id: str
    label: str
    source: str


def listed_waits(contacts: Sequence[Contact], last_queue: NamedQueue | None) -> list[ListedWait]:
    """Return the waits of an open conversation. ``last_queue``: the one that was named last in all of it."""
    places = settled_places([contact.part for contact in contacts])
    waits = (_wait_of(contact, settled, last_queue) for contact, settled in zip(contacts, places, strict=True))
    return [wait for wait in waits if wait is not None]


def _wait_of(contact: Contact, settled: Order | None, last_queue: NamedQueue | None) -> ListedWait | None:
    part = contact.part
    since = waiting_since(part, settled)
    if since is None:
        return None
    queue = _queue_of(part) or last_queue or NamedQueue(UNASSIGNED, "", "")
    channel = part.channel[1] if part.channel is not None else ""
    shown = msgspec.msgpack.encode(ShownWait(contact.name, channel, queue.label))
    return ListedWait(contact.known_ids[0][1], queue.id, queue.source, since, shown)


def _queue_of(part: Part) -> NamedQueue | None:
    """Return the queue that a contact concerns now, the latest of several, else the one that it named last."""
    named: NamedQueue | None = None
    if part.queue is not None and part.queue[1][0]:
        at, (id, label) = part.queue
        named = NamedQueue(id, label or "", at[3])
    concerned = [(reason.at, target) for target, reason in routing_targets(part).items() if target.kind == "queue"]
    if not concerned:
        return named
    target = max(concerned)[1]
    label = named.label if named is not None and named.id == target.name else ""
    return NamedQueue(target.name, label, source_of(part, target))

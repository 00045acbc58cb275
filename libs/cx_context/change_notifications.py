"""Define and encode the messages of ``cx.context-changes`` and ``cx.stores``."""

from __future__ import annotations

from msgspec import Struct


class OverdueWait(Struct):
    """A customer has waited longer than is allowed in a queue. Told once for each wait and queue.

    ``id``: of this wait in this queue. ``queue``: by the tenant's directory. ``waiting_since``, ``due_at`` (when the
    bound was passed) and ``noticed_at`` (when the hub found it): RFC 3339. ``answer_within``: the bound, in seconds.
    ``late``: found more than an hour after it was due, as history is that was imported.
    """

    id: str
    conversation: str
    interaction: str
    channel: str
    queue: str
    queue_name: str
    waiting_since: str
    due_at: str
    noticed_at: str
    answer_within: int
    late: bool = False


class ContextChange(Struct, omit_defaults=True):
    """A hint that something is to be read again, never the truth. ``merged_into``: whose context answers for this id
    now, where that is another. ``agents`` and ``queues``: whose desks the change concerns
    (``cx_context.routing_targets``), by the vendors' ids and by those of the
    tenant's directory. ``overdue``: the notice is about a wait instead, and its ``version`` is 0, of no context."""

    tenant: str
    customer: str
    version: int
    merged_into: str = ""
    agents: list[str] = []
    queues: list[str] = []
    overdue: OverdueWait | None = None


class StoreOpened(Struct):
    """A store announces itself. ``store``: its random id in 32 hex digits. The record's offset gives its epoch."""

    store: str

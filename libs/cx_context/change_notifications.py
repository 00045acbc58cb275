"""What ``cx.context-changes`` and ``cx.stores`` carry."""

from __future__ import annotations

from msgspec import Struct


class ContextChange(Struct, omit_defaults=True):
    """A hint that something is to be read again, never the truth. ``merged_into``: whose context answers for this id
    now, where that is another. ``agents`` and ``queues``: whose desks the change concerns
    (``cx_context.routing_targets``), by the vendors' ids and by those of the
    tenant's directory."""

    tenant: str
    customer: str
    version: int
    merged_into: str = ""
    agents: list[str] = []
    queues: list[str] = []


class StoreOpened(Struct):
    """A store announces itself. ``store``: its random id in 32 hex digits. The record's offset gives its epoch."""

    store: str

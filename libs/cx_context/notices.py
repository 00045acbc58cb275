"""What ``cx.context-changes`` carries: a hint that something is to be read again, never the truth."""

from __future__ import annotations

from msgspec import Struct


class ContextChange(Struct, omit_defaults=True):
    """A notice. ``merged_into``: whose context answers for this id now, where that is another. ``agents`` and
    ``queues``: whose desks the change concerns (``cx_context.desks``)."""

    tenant: str
    customer: str
    version: int
    merged_into: str = ""
    agents: list[str] = []
    queues: list[str] = []

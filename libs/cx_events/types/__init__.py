"""Declare the event types, one module per family, each with ``TYPES``.

Modules: ``interaction`` (a contact from start to end), ``message``, ``call``, ``bot``, ``social``, ``media`` (files
that were fetched); ``conversation``,
``handoff`` and ``identity`` (what people decide); ``consent``, ``preference``, ``survey``, ``insight`` (what models
find), ``customer`` (what other systems know), ``directory`` (who agents and queues are), ``operations`` (what operators
did); ``story`` (what the examples have in common).
"""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType

from cx_events.event_type import EventType
from cx_events.types import (
    bot,
    call,
    consent,
    conversation,
    customer,
    directory,
    handoff,
    identity,
    insight,
    interaction,
    media,
    message,
    operations,
    preference,
    social,
    survey,
)

FAMILIES: tuple[ModuleType, ...] = (
    interaction, message, media, call, bot, social, conversation, handoff, identity, consent, preference, survey,
    insight, customer, directory, operations,
)  # fmt: skip


def all_types() -> Iterable[EventType]:
    """Yield every type, family by family."""
    for family in FAMILIES:
        yield from family.TYPES

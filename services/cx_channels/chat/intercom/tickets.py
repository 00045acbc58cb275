"""Map notifications about tickets."""

from __future__ import annotations

from collections.abc import Iterator

from cx_channels.chat.intercom.content import plain
from cx_channels.chat.intercom.conversation import Conversation, read_conversation
from cx_channels.chat.intercom.conversations import NO_ID
from cx_channels.chat.intercom.notification import Notification
from cx_channels.chat.intercom.parts import outcomes_of_parts
from cx_channels.kit.json_values import first, obj
from cx_channels.kit.outcomes import Outcome
from cx_events.envelope import Draft
from cx_events.json_types import Json


def map_created(notification: Notification) -> Iterator[Outcome]:
    """Map a new ticket. Title and description come from a form; Intercom does not say who filled it in."""
    conversation = read_conversation(notification)
    if conversation is None:
        yield notification.lost(NO_ID)
        return
    written = obj(conversation.value.get("ticket_attributes"))
    lines = [plain(written, name) for name in ("_default_title_", "_default_description_")]
    yield conversation.draft(
        "cx.interaction.started.v1",
        f"{conversation.root}/started",
        {"created_at": conversation.value.get("created_at")},
        conversation.customers(),
        reason=first(
            obj(conversation.value.get("ticket_type")).get("name"), conversation.value.get("category"), "ticket"
        ),
        note="\n".join(filter(None, lines)),
    )
    yield from outcomes_of_parts(conversation)


def map_state(notification: Notification) -> Iterator[Outcome]:
    """Map a change of state.

    ``ticket_state`` is a category (2.8 to 2.11), or an object with category and labels (from 2.12).
    """
    conversation = read_conversation(notification)
    if conversation is None:
        yield notification.lost(NO_ID)
        return
    given = conversation.value.get("ticket_state")
    category = first(given, obj(given).get("category")).lower()
    label = first(obj(given).get("external_label"), obj(given).get("internal_label"), category, "unknown")
    part = conversation.parts[-1] if conversation.parts else {}
    id = conversation.id_of(part, "state")
    note = f"ticket state: {label.replace('_', ' ')}"
    yield conversation.draft("cx.customer.fact.v1", id, part, conversation.customers(), topic="ticket", note=note)
    if category == "resolved":
        yield _resolved(conversation, part)


def map_resolved(notification: Notification) -> Iterator[Outcome]:
    """Map a resolved ticket. ``ticket.state.updated`` gives the same event where both carry the same part or time of
    change."""
    conversation = read_conversation(notification)
    if conversation is None:
        yield notification.lost(NO_ID)
        return
    yield _resolved(conversation, conversation.parts[-1] if conversation.parts else {})


def _resolved(conversation: Conversation, part: Json) -> Draft:
    id = conversation.id_of(part, "resolved")
    return conversation.draft("cx.conversation.resolved.v1", id, part, conversation.customers(), reason="resolved")

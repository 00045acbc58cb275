"""Show the open conversations in which the customer waits."""

from __future__ import annotations

from itertools import islice

from msgspec import Raw

from cx_context.sections.acts import ASSIGNEE, SNOOZED_UNTIL
from cx_context.sections.agents import DEALING
from cx_context.sections.contact_state import WAITING
from cx_context.sections.join_fields import THREADING
from cx_context.sections.messages import DELETED_TEXT, WORD_FIELDS
from cx_context.sections.section import Section, made_of
from cx_context.sections.section_inputs import Rendering
from cx_events.json_types import Json
from cx_events.schema_shapes import ID, TEXT, TEXT_OR_NONE, TIME, array, named

UNRESOLVED_SHOWN = 20


def view(of: Rendering) -> list[Json | Raw]:
    """Return ``unresolved``: the first open conversations in which the customer waits."""
    views = (of.view_of(each).unresolved for each in of.waiting_conversations)
    return list(islice((one for one in views if one is not None), UNRESOLVED_SHOWN))


def unresolved_conversation(summary: Json) -> Json:
    """Return what ``unresolved`` says of a conversation, from its summary."""
    return {
        "conversation": summary["id"],
        "topic": summary["topic"],
        "channels": summary["channels"],
        "since": summary["waiting_since"],
        "assigned_to": summary["assigned_to"],
        "snoozed_until": summary["snoozed_until"],
        "text": next((each["text"] for each in summary["messages"] if _is_customers_word(each)), None),
    }


def _is_customers_word(message: Json) -> bool:
    return bool(message["role"] == "customer" and message["text"] != DELETED_TEXT)


SECTION = Section(
    schema=array(
        named(
            "UnresolvedConversation",
            {
                "conversation": ID,
                "topic": TEXT_OR_NONE,
                "channels": array(TEXT),
                "since": TIME,
                "assigned_to": ASSIGNEE,
                "snoozed_until": SNOOZED_UNTIL,
                "text": TEXT_OR_NONE,
            },
        )
    ),
    provenance={
        ("unresolved",): made_of(
            "open conversations in which the customer waits",
            *THREADING, *WAITING, *WORD_FIELDS, *DEALING, "snooze", "names", threaded=True,
        ),
    },
)  # fmt: skip

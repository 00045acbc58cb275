"""Make the document: what a desktop shows in the seconds before "hello".

A pure function of what one customer's facts add up to. It is bounded: long lists are cut to their latest, the whole
history is paged elsewhere. Members stand in a fixed order and maps are sorted, so equal facts give equal bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import msgspec
from msgspec import Raw, structs

from cx_context.sections import (
    conversations,
    counts,
    customer,
    glance,
    last_agent,
    now,
    sentiment,
    timeline,
    unresolved,
)
from cx_context.sections.customer_facts import CustomerFacts
from cx_context.sections.section_inputs import ConversationView, Rendering
from cx_context.threading.conversations import Conversation
from cx_events.json_types import Json
from cx_events.timestamps import Micros


class Document(Rendering):
    """The body of one customer's context, whole or by section."""

    def body(self) -> Json:
        """Return all sections in their order."""
        return {name: view(self) for name, view in VIEWS.items()}

    def section(self, name: str) -> Any:
        """Return one of the body's members."""
        return VIEWS[name](self)

    def timeline(self) -> Sequence[Json] | Raw:
        """Return the latest events, newest first."""
        return timeline.latest_entries(self.known.latest, directory=self.known.directory)

    def render_conversation(self, conversation: Conversation) -> ConversationView:
        """Make the view of a conversation, with the words of its contacts."""
        if self.known.words is None:
            return conversations.conversation_view(conversation, self.trust)
        members = [self.with_words(member) for member in conversation.members]
        return conversations.conversation_view(structs.replace(conversation, members=members), self.trust)


VIEWS: Mapping[str, Callable[[Rendering], Any]] = MappingProxyType(
    {
        "customer": customer.view,
        "now": now.view,
        "glance": glance.view,
        "conversations": conversations.view,
        "timeline": timeline.view,
        "counts": counts.view,
        "sentiment": sentiment.view,
        "last_agent": last_agent.view,
        "unresolved": unresolved.view,
    }
)
"""How each member of the body is rendered, in their order."""


def context_body(known: CustomerFacts, window: Micros) -> Json:
    """Return the body of the context document. ``window``: the tenant's threading window in µs."""
    return Document(known, window).body()


def encode_body(body: Json) -> bytes:
    """Return the bytes of a body."""
    return msgspec.json.encode(body)

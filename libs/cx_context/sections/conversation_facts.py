"""Work out once, for all views of one conversation, what they are made from."""

from __future__ import annotations

from cx_context.sections.agents import names_of
from cx_context.sections.assurance import Trust
from cx_context.sections.contact_state import (
    attended_to,
    conversation_state,
    is_live,
    settled_places,
    unattended_since,
)
from cx_context.sections.handoff_requests import handoff_requests
from cx_context.sections.messages import said_in
from cx_context.sections.notes import latest_topic
from cx_context.threading.conversations import Conversation
from cx_context.threading.one_contact import as_one


class ConversationFacts:
    """A conversation whose contacts have their words, and what its summary and its excerpt both take.

    - ``wholes``: its contacts, those that are one combined; ``attended``: for each the place up to which all is
      answered or settled. ``waiting_since``: since when the customer waits, also where it is resolved.
    - ``said``: what is at hand of what was said, the latest first. ``topic``: the last one, after its place.
    """

    __slots__ = (
        "attended", "conversation", "is_open", "members", "names", "parts", "requests", "said", "topic", "trust",
        "waiting_since", "wholes",
    )  # fmt: skip

    def __init__(self, conversation: Conversation, trust: Trust) -> None:
        self.conversation = conversation
        self.trust = trust
        self.members = members = conversation.members
        self.parts = parts = [member.part for member in members]
        self.wholes = as_one(members)
        wholes = [whole.part for whole in self.wholes]
        self.is_open = conversation_state(wholes) == "open"
        self.attended = list(map(attended_to, wholes, settled_places(wholes)))
        waits = [
            unattended_since(whole, place) for whole, place in zip(wholes, self.attended, strict=True) if is_live(whole)
        ]
        self.waiting_since = min((since for since in waits if since is not None), default=None)
        self.names = names_of(parts)
        self.said = said_in(members)
        self.topic = latest_topic(parts)
        self.requests = handoff_requests(conversation, trust)

"""Keep the document of a customer, the plain one, and work out only what changed of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from itertools import chain
from typing import TypeVar

from cx_context.document import Document
from cx_context.incremental.customer import KeptCustomer
from cx_context.parts.model import Part
from cx_context.sections.customer_facts import CustomerFacts
from cx_context.sections.deciding_parts import deciding_parts
from cx_context.threading.contact_model import Contact
from cx_context.threading.conversations import Conversation
from cx_events.timestamps import Micros

T = TypeVar("T")


class KeptDocument(Document):
    """The body of a kept customer's context. Functions over groups must be a module's own, since they are known by
    what they are."""

    def __init__(self, known: CustomerFacts, window: Micros, kept: KeptCustomer) -> None:
        """``known``: all but the parts."""
        super().__init__(known, window)
        self._kept = kept

    def over_parts(self, work: Callable[[Sequence[Part]], T]) -> Sequence[T]:
        """Return what a function makes of each group of parts, as known or anew."""
        return self._kept.parts.over(work)

    def over_contacts(self, work: Callable[[Sequence[Contact]], T]) -> Sequence[T]:
        """Return what a function makes of each group of contacts, as known or anew."""
        return self._kept.contacts.over(work)

    @cached_property
    def parts(self) -> list[Part]:
        """The customer's parts. It takes time to list them."""
        return list(self._kept.parts)

    @cached_property
    def deciding_parts(self) -> Sequence[Part]:
        """The parts that decide what is said of the customer."""
        return deciding_parts(list(chain.from_iterable(self.over_parts(deciding_parts))))

    @property
    def contacts(self) -> list[Contact]:
        """The customer's contacts, in order of start."""
        return self._kept.threads.contacts

    @property
    def waiting_conversations(self) -> Iterable[Conversation]:
        """The open conversations in which the customer waits, those active last first."""
        return (each for each in self.open_conversations if self._kept.is_waiting(each))

    def conversation_of(self, contact: Contact) -> Conversation:
        """Return the conversation that a contact is in."""
        return self._kept.threads.of[contact.start]

    def _all_threads(self) -> tuple[Sequence[Conversation], int]:
        return self._kept.conversations, self._kept.open_count

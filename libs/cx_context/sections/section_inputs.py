"""Work out what the sections of one customer's document are made from, each thing when it is first asked for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple, Self, TypeVar

from msgspec import Raw

from cx_context.directory_names import named_parts, named_words
from cx_context.parts.keyed_parts import KeyedPart
from cx_context.parts.model import Part
from cx_context.sections.assurance import (
    ASSURED,
    ContactAssurance,
    ProfileAssurance,
    Trust,
    around_core,
    contact_assurance,
    vouched_outside,
)
from cx_context.sections.contact_state import conversation_state, first_wait
from cx_context.sections.customer_facts import CustomerFacts
from cx_context.sections.deciding_parts import parts_about_customers
from cx_context.sections.members import Member, key_of
from cx_context.sections.vouching_facts import contact_assurances
from cx_context.sections.words import with_words
from cx_context.threading.contact_model import Contact
from cx_context.threading.contacts import contacts_of
from cx_context.threading.conversations import Conversation, join_contacts
from cx_context.threading.one_contact import as_one
from cx_events.facts import Order
from cx_events.ids import NodeId
from cx_events.json_types import Json
from cx_events.timestamps import Micros

T = TypeVar("T")

_PROFILES_TRIED = 16
"""Identifiers of a contact that are tried for one that vouches by itself."""


Placed = tuple[Order, Json]
"""What is shown of an event, after the event's place among those of its customer."""

PlacedWords = tuple[Order, Json | Raw]
"""The same of somebody's words, which are bytes where they were rendered before."""


class Excerpt(NamedTuple):
    """The pieces of a conversation that ``glance`` takes: why the customer is here, the last words of each side, open
    promises, what bots learned by name, and what was proved in its contact that was active last."""

    why: Json | Raw | None
    customer: PlacedWords | None
    business: PlacedWords | None
    promises: Sequence[Json]
    slots: Mapping[str, Placed]
    proofs: Sequence[Json]


class ConversationView(NamedTuple):
    """A conversation as ``conversations`` shows it, as ``unresolved`` does where its customer waits, and its excerpt.

    The first two are bytes where they were rendered before.
    """

    summary: Json | Raw
    unresolved: Json | Raw | None
    excerpt: Excerpt


class Rendering(ABC):
    """One customer's contacts, conversations and assurance, as the sections ask for them.

    To render one section costs less than to render all, and who asks what changes a value renders it often.
    """

    def __init__(self, known: CustomerFacts, window: Micros) -> None:
        """``window``: the tenant's threading window in µs."""
        self.known = known
        self.window = window
        self._contacts: list[Contact] | None = None
        self._threads: tuple[list[Conversation], int] | None = None
        self._views: dict[bytes, ConversationView] = {}
        self._whole_contacts: dict[tuple[Micros, str], Contact] = {}
        self._assurances: dict[tuple[Micros, str], ContactAssurance] = {}

    @abstractmethod
    def timeline(self) -> Sequence[Json] | Raw:
        """Return the latest events, newest first; bytes where they were rendered before."""

    @abstractmethod
    def render_conversation(self, conversation: Conversation) -> ConversationView:
        """Make the view of a conversation. ``view_of`` keeps it."""

    def made_of(self, inputs: tuple[object, ...], view: Callable[[Self], Json]) -> Json | Raw:
        """Return what a view shows. ``inputs``: all that it is a function of; whoever keeps them need not ask again."""
        return view(self)

    def over_parts(self, work: Callable[[Sequence[Part]], T]) -> Sequence[T]:
        """Return what a function makes of all parts, or of each of some groups of them that share no interaction."""
        return [work(self.parts)]

    def over_contacts(self, work: Callable[[Sequence[Contact]], T]) -> Sequence[T]:
        """Return what a function makes of all contacts, or of each of some groups that share no interaction."""
        return [work(self.contacts)]

    @cached_property
    def parts(self) -> list[Part]:
        """The customer's parts."""
        return [keyed.part for keyed in self.keyed_parts]

    @cached_property
    def keyed_parts(self) -> Sequence[KeyedPart]:
        """The customer's parts with the names of the tenant's directory."""
        known = self.known
        return named_parts(known.parts, known.directory) if known.directory else known.parts

    @cached_property
    def deciding_parts(self) -> Sequence[Part]:
        """The parts that decide what is said of the customer, others perhaps among them."""
        return parts_about_customers(self.parts)

    @cached_property
    def members(self) -> Sequence[Member]:
        """The customer's profiles, with ``claimed`` said of those outside the core that counts."""
        return around_core(self.known.members, self._each_deciding_part())

    def _each_deciding_part(self) -> Iterator[Part]:
        yield from self.deciding_parts  # mostly nobody asks

    @cached_property
    def trust(self) -> Trust:
        """The identifiers that count."""
        return Trust.of(self.members, self.known.lifetimes)

    @property
    def contacts(self) -> list[Contact]:
        """The customer's contacts, in order of start."""
        if self._contacts is None:
            self._contacts = contacts_of(self.keyed_parts, self.window)
        return self._contacts

    @property
    def conversations(self) -> Sequence[Conversation]:
        """All conversations: the open ones first, and of these as of the others those active last first."""
        return self._all_threads()[0]

    @property
    def open_conversations(self) -> Sequence[Conversation]:
        """The open conversations, those active last first."""
        conversations, count = self._all_threads()
        return conversations[:count]

    def _all_threads(self) -> tuple[Sequence[Conversation], int]:
        """Return all conversations in order, and how many of them are open."""
        if self._threads is None:
            open_ones: list[Conversation] = []
            others: list[Conversation] = []
            for each in join_contacts(self.contacts, self.window):
                (open_ones if is_open(each) else others).append(each)
            for some in (open_ones, others):
                some.sort(key=active_last_first)
            self._threads = open_ones + others, len(open_ones)
        return self._threads

    @property
    def waiting_conversations(self) -> Iterable[Conversation]:
        """The open conversations in which the customer waits, those active last first."""
        return (each for each in self.open_conversations if self._is_waiting(each))

    def _is_waiting(self, conversation: Conversation) -> bool:
        view = self._views.get(conversation.id)  # of an open one
        return view.unresolved is not None if view is not None else is_waiting(conversation)

    def view_of(self, conversation: Conversation) -> ConversationView:
        """Return the view of a conversation, made once."""
        view = self._views.get(conversation.id)
        if view is None:
            view = self._views[conversation.id] = self.render_conversation(conversation)
        return view

    def with_words(self, contact: Contact) -> Contact:
        """Return a contact with all that was said in it."""
        if self.known.words is None:
            return contact
        whole = self._whole_contacts.get(contact.start)
        if whole is None:
            words = named_words(self.known.words, self.known.directory)
            whole = self._whole_contacts[contact.start] = with_words(contact, words)
        return whole

    def conversation_of(self, contact: Contact) -> Conversation:
        """Return the conversation that a contact is in."""
        return next(each for each in self.conversations if any(member is contact for member in each.members))

    def assurance_of(self, contact: Contact) -> ContactAssurance:
        """Return what vouches for who is at the other end of a contact, worked out once."""
        found = self._assurances.get(contact.start)
        if found is None:
            conversation, place = self._place_of(contact)
            found = self._assurances[contact.start] = contact_assurances(conversation, [place], self.trust)[0]
        return found

    def assurance_of_interaction(self, interaction: str) -> ContactAssurance:
        """Return what vouches for who is in an interaction, or in the latest stretch of an endless one.

        Where the customer has no such interaction nothing does.
        """
        contact = self._latest_contact(interaction)
        return self.assurance_of(contact) if contact is not None else ContactAssurance()

    def conversation_id_of_interaction(self, interaction: str) -> NodeId | None:
        """Return an id of the conversation that an interaction is in, one that stays with the interaction's contact.

        None where the customer has no such interaction.
        """
        contact = self._latest_contact(interaction)
        return contact.known_ids[0][1] if contact is not None else None

    def profile_assurance_of(self, interaction: str) -> ProfileAssurance | None:
        """Return what vouches for an interaction's own identifier by itself.

        None where nothing does, or where something vouches for the customer there.
        """
        contact = self._latest_contact(interaction)
        if contact is None or self.assurance_of(contact).level in ASSURED:
            return None
        conversation, place = self._place_of(contact)
        profiles = {key_of(member): member.id for member in self.members}
        parts = [piece.part for each in conversation.contacts_sharing_proofs()[place] for piece in each.pieces]
        for key in vouched_outside(parts, self.trust)[:_PROFILES_TRIED]:
            assurance = contact_assurances(conversation, [place], self.trust.alone(key))[0]
            if assurance.level in ASSURED:
                return ProfileAssurance(profiles[key], assurance)
        return None

    def current_assurance(self) -> ContactAssurance:
        """Return what vouches for the contact that was active last; without any contact, what all parts vouch for."""
        found = (each for each in self.over_contacts(_active_last) if each is not None)
        contact = max(found, key=_last_activity, default=None)
        return self.assurance_of(contact) if contact is not None else contact_assurance(self.parts, self.trust)

    def _latest_contact(self, interaction: str) -> Contact | None:
        return next((each for each in reversed(self.contacts) if each.name == interaction), None)

    def _place_of(self, contact: Contact) -> tuple[Conversation, int]:
        own = self.conversation_of(contact)
        return own, next(place for place, member in zip(own.places, own.members, strict=True) if member is contact)


def is_waiting(conversation: Conversation) -> bool:
    """Return whether the customer waits in one of a conversation's contacts."""
    return first_wait([member.part for member in as_one(conversation.members)]) is not None


def is_open(conversation: Conversation) -> bool:
    """Return whether a conversation is open."""
    return conversation_state([member.part for member in as_one(conversation.members)]) == "open"


def _active_last(contacts: Sequence[Contact]) -> Contact | None:
    return max(contacts, key=_last_activity, default=None)


def _last_activity(contact: Contact) -> tuple[Micros, tuple[Micros, str]]:
    return contact.last_activity, contact.start


def active_last_first(conversation: Conversation) -> tuple[Micros, bytes]:
    """Return the place of a conversation among others."""
    return -conversation.last_activity, conversation.id

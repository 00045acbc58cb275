"""Render a context's body from what is stored, and work out only what was not worked out the last time.

A change touches one part and adds one event; the others, byte for byte as they were, need be neither decoded nor
rendered again. Of each customer is kept what went into the body that was rendered last, by all the content that it is a
function of, never by a name or a version of it:

- of an event its entry in the timeline, by the event's bytes;
- a decoded part, by its part id and its bytes; of a customer with very many only its outline, with the contacts and
  conversations that outlines make (``cx_context.incremental``), and the words are decoded for the few
  conversations that are shown;
- what is shown of the customer, by profiles, parts and claims that tell of one;
- a shown conversation's summary, by its members' part ids, their parts' bytes, what joins them, what other stretches of
  an endless interaction say of its messages, and what became of the tokens that were issued for it; of a customer whose
  identifiers that count are the same.

Whose pieces go where there is no more room is left to chance: of more customers than fit, read in turns, the one that
was read longest ago is the one that is asked for next, and nothing would ever be at hand.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cached_property
from operator import itemgetter
from typing import Self

from msgspec import Raw

from cx_context.directory_names import named_part
from cx_context.document import Document, encode_body
from cx_context.incremental.customer import KeptCustomer
from cx_context.incremental.document import KeptDocument
from cx_context.parts.event_kinds import makes_part
from cx_context.parts.header import ReadWords
from cx_context.parts.keyed_parts import KeyedPart
from cx_context.sections.assurance import Trust
from cx_context.sections.customer_facts import CustomerFacts
from cx_context.sections.section_inputs import ConversationView, PlacedWords
from cx_context.sections.timeline import TIMELINE_SHOWN, timeline_entry
from cx_context.store.changed_parts import PartsReading
from cx_context.store.context_inputs import ContextInputs
from cx_context.store.inputs_postgres import MANY_PARTS
from cx_context.store.part_codec import begin_of, decode_header, decode_words, read_part
from cx_context.threading.contact_model import Contact
from cx_context.threading.contacts import ContactsOfPieces, contacts_by_interaction, in_order
from cx_context.threading.conversations import Conversation
from cx_events.codec import decode_leniently
from cx_events.directory import Directory
from cx_events.envelope import Event
from cx_events.facts import event_times, replace_nul
from cx_events.ids import NodeId
from cx_events.json_types import Json
from cx_events.timestamps import Micros

PIECES_BYTES = 256 << 20
"""With the bodies themselves (``contexts.body_cache.CACHE_BYTES``) 416 MB, for which a process is given up to 1.4 times
as much by the system, since what is dropped leaves gaps. A process of the API takes 115 MB before anything is kept, and
40 MB for a moment to render a customer of 10,000 interactions, a past not much less: within the 1 GB that its container
is given."""

CUSTOMERS_KEPT = 4
"""At least: one that would take more than its share of the bytes (some 17,000 interactions) is not kept."""

# Measured, each with the bytes that it is kept by: what a typical one takes in memory, and what a byte of it adds.
_ENTRY_TAKES, _ENTRY_GROWS = 750, 1
_PART_TAKES, _PART_GROWS = 5_500, 4  # with its contact
_OUTLINE_TAKES, _OUTLINE_GROWS = 3_000, 1
_SUMMARY_TAKES = 1_700
_VIEW_TAKES = 500


_Entry = tuple[bytes, bytes | None]
"""(an event's place, as ``_place_of`` returns it, its entry); None for an event that the timeline does not show."""


class _Pieces:
    """The inputs of one customer's body, worked out.

    - ``contacts``: of a customer without very many parts, by interaction.
    - ``parts``: by part id, each with the bytes that it was decoded from; ``parts_take``: their memory in bytes.
    - ``kept``: of a customer with very many parts, which are outlines then.
    - ``reading``: what the parts were read by, where parts that changed since can be read alone.
    - ``directory``: the digest of the directory that all was read with.
    - ``trust``: the identifiers that count for the summaries.
    - ``place``: among the customers that are kept.
    - ``views``: what views of the whole customer showed, each with what it was made of.
    - ``window``: the threading window that contacts were made in.
    """

    __slots__ = (
        "contacts", "directory", "entries", "kept", "parts", "parts_take", "place", "reading", "summaries", "takes",
        "trust", "views", "window",
    )  # fmt: skip

    def __init__(self, directory: bytes = b"", window: Micros = 0) -> None:
        self.contacts: Mapping[str, ContactsOfPieces] = {}
        self.directory = directory
        self.entries: dict[bytes, _Entry] = {}
        self.kept: KeptCustomer | None = None
        self.parts: dict[NodeId, tuple[bytes, KeyedPart]] = {}
        self.parts_take = 0
        self.reading: PartsReading | None = None
        self.summaries: dict[tuple[object, ...], ConversationView] = {}
        self.takes = 0
        self.trust: Trust | None = None
        self.place = 0
        self.views: dict[Callable[..., Json], tuple[tuple[object, ...], Raw]] = {}
        self.window = window


_NOTHING = _Pieces()


_Customer = tuple[str, NodeId]
"""(tenant, customer)"""


class PartsNotKept(Exception):
    """Raised where parts were read that changed since a reading, of which the others are not kept any more."""


class Renderer:
    """``most_bytes``: about how much memory the pieces may take that are kept. ``many``: of a customer with more parts
    outlines are threaded."""

    def __init__(self, most_bytes: int = PIECES_BYTES, many: int = MANY_PARTS) -> None:
        self._most = most_bytes
        self._many = many
        self.held = 0
        self._kept: dict[_Customer, _Pieces] = {}
        self._customers: list[_Customer] = []

    def reading_of(self, tenant: str, customer: NodeId) -> PartsReading | None:
        """Return what a customer's parts were read by; the next inputs may hold those that changed since alone."""
        pieces = self._kept.get((tenant, customer))
        return pieces.reading if pieces is not None else None

    def body(self, whole: ContextInputs, window: Micros) -> bytes:
        """Return the bytes of ``context_body`` of these inputs. Raises ``PartsNotKept``."""
        key = (whole.ids.tenant, whole.found.customer)
        before = self._take(key)
        if before.directory != whole.directory.digest or before.window != window:
            before = _NOTHING  # names of agents and queues are in all of it, contacts hang on the window
        if whole.since is not None and whole.since is not before.reading:
            raise PartsNotKept
        if whole.since is not None or len(whole.parts) > self._many:
            rendering: _FromPieces = _long_rendering(whole, window, before)
        else:
            rendering = _short_rendering(whole, window, before)
        body = encode_body(rendering.body())
        now = rendering.now
        if now.takes <= self._most // CUSTOMERS_KEPT:
            while self.held + now.takes > self._most:
                self._take(random.choice(self._customers))  # noqa: S311
            now.place = len(self._customers)
            self._customers.append(key)
            self._kept[key] = now
            self.held += now.takes
        return body

    def _take(self, key: _Customer) -> _Pieces:
        """Return what is kept of a customer, which is kept no more."""
        found = self._kept.pop(key, None)
        if found is None:
            return _NOTHING
        self.held -= found.takes
        last = self._customers.pop()
        if last != key:
            self._customers[found.place] = last
            self._kept[last].place = found.place
        return found


def _short_rendering(whole: ContextInputs, window: Micros, before: _Pieces) -> _FromPieces:
    now = _Pieces(whole.directory.digest, window)
    known = before.parts if before.kept is None else {}
    for part_id, body in whole.parts:
        found = known.get(part_id)
        if found is None or found[0] != body:
            found = body, KeyedPart(part_id, read_part(body))
        now.parts[part_id] = found
    now.takes = _PART_TAKES * len(now.parts) + _PART_GROWS * sum([len(body) for body, _ in now.parts.values()])
    facts = _facts(whole, [keyed for _, keyed in now.parts.values()], None)  # nobody changes them
    return _ShortRendering(facts, window).with_pieces(whole.raws, before, now)


def _long_rendering(whole: ContextInputs, window: Micros, before: _Pieces) -> _FromPieces:
    """``before`` is changed and must not be used again."""
    now = _Pieces(whole.directory.digest, window)
    now.reading = whole.reading
    now.kept = before.kept or KeptCustomer(window)
    if before.kept is not None:
        now.parts, now.parts_take = before.parts, before.parts_take
    parts = now.parts
    changed: list[KeyedPart] = []
    for part_id, body in whole.parts:
        found = parts.get(part_id)
        if found is None or found[0] != body:
            now.parts_take += _outline_takes(body) - (_outline_takes(found[0]) if found is not None else 0)
            keyed = KeyedPart(part_id, named_part(decode_header(body), whole.directory))
            parts[part_id] = body, keyed
            changed.append(keyed)
    gone: Collection[NodeId] = ()
    if len(parts) > whole.parts_total:
        if whole.since is not None:
            raise PartsNotKept  # and which of them is gone was not read
        gone = parts.keys() - {part_id for part_id, _ in whole.parts}
        for part_id in gone:
            now.parts_take -= _outline_takes(parts.pop(part_id)[0])
    now.takes = now.parts_take
    now.kept.change(changed, gone)
    facts = _facts(whole, (), lambda part_id: decode_words(parts[part_id][0]))
    return _LongRendering(facts, window, now.kept).with_pieces(whole.raws, before, now)


def _outline_takes(body: bytes) -> int:
    return _OUTLINE_TAKES + _OUTLINE_GROWS * len(body)


def _facts(whole: ContextInputs, parts: Sequence[KeyedPart], words: ReadWords | None) -> CustomerFacts:
    found = whole.found.customer, whole.members, parts, (), words, whole.claims, whole.lifetimes
    return CustomerFacts(*found, directory=whole.directory)


class _FromPieces(Document):
    """A document of which no entry of the timeline is made twice, and no conversation's summary."""

    now: _Pieces

    def with_pieces(self, raws: Sequence[bytes], before: _Pieces, now: _Pieces) -> Self:
        """``raws``: the latest events. ``before``: the pieces of the last time; ``now``: those of this time."""
        self._raws, self._before, self.now = raws, before, now
        self._told: dict[tuple[int, int], frozenset[object]] = {}
        return self

    def timeline(self) -> Raw:
        known, entries, takes = self._before.entries, self.now.entries, 0
        before = iter(known.items())
        expected = next(before, None)
        for read in self._raws:
            raw = read
            if expected is not None and raw == expected[0]:  # mostly; and of its bytes the hash is known
                raw, entry = expected
                expected = next(before, None)
            else:
                found = known.get(raw)
                entry = found if found is not None else _entry_of(raw, self.known.directory)
            entries[raw] = entry
            takes += _ENTRY_TAKES + _ENTRY_GROWS * len(raw)
        self.now.takes += takes
        latest = sorted(entries.values(), key=_place, reverse=True)
        shown = [entry for _, entry in latest if entry is not None]
        return Raw(b"[" + b",".join(shown[:TIMELINE_SHOWN]) + b"]")

    def made_of(self, inputs: tuple[object, ...], view: Callable[[Self], Json]) -> Json | Raw:
        """Return what a view shows, as it was made the last time of the same."""
        before = self._before.views.get(view)
        if before is None or before[0] != inputs:
            before = inputs, Raw(encode_body(view(self)))
        self.now.views[view] = before
        self.now.takes += _VIEW_TAKES + len(before[1])
        return before[1]

    def render_conversation(self, conversation: Conversation) -> ConversationView:
        part_ids = [part_id for member in conversation.members for _, part_id in member.part_ids]
        parts = self.now.parts
        bodies = [parts[part_id][0] for part_id in part_ids]
        key = (*part_ids, *bodies, *conversation.tokens, *_ties(conversation), *self._elsewhere(conversation))
        found = self._known_summaries.get(key)
        if found is None:
            found = _as_bytes(super().render_conversation(conversation))
        self.now.summaries[key] = found
        self.now.takes += _SUMMARY_TAKES + 200 * len(part_ids) + len(found.summary)
        return found

    @cached_property
    def _known_summaries(self) -> Mapping[tuple[object, ...], ConversationView]:
        """The summaries of the last time, none where other identifiers count than did then."""
        self.now.trust = self.trust
        return self._before.summaries if self._before.trust == self.trust else {}

    def _elsewhere(self, conversation: Conversation) -> Iterator[object]:
        """Yield what contacts show that their own parts don't tell: stretches of one endless interaction share it."""
        for contact in conversation.members:
            if contact.is_endless:
                yield contact.start
                if contact.deleted or contact.edits.last:
                    yield contact.edits.number
                    yield self._told_of_messages(contact)

    def _told_of_messages(self, contact: Contact) -> frozenset[object]:
        """Return the edits and deletions of an endless interaction, which thousands of stretches share."""
        edits = contact.edits
        shared = id(edits.last), id(contact.deleted)
        found = self._told.get(shared)
        if found is None:
            told = *edits.last.items(), *edits.before.items(), *contact.deleted.items()
            found = self._told[shared] = frozenset(told)
        return found


class _ShortRendering(_FromPieces):
    """The document of a customer whose contacts are kept, each with the pieces that it was made of."""

    @property
    def contacts(self) -> list[Contact]:
        """The customer's contacts, in order of start."""
        if self._contacts is None:
            self.now.contacts = contacts_by_interaction(self.keyed_parts, self.window, self._before.contacts)
            self._contacts = in_order(self.now.contacts)
        return self._contacts


class _LongRendering(_FromPieces, KeptDocument):
    """The document of a customer with very many parts, of which only outlines are held."""


_place = itemgetter(0)


def _entry_of(raw: bytes, directory: Directory) -> _Entry:
    """Without a ``Fact``, half of whose price are the ids of where it lies."""
    event = replace_nul(decode_leniently(raw)[0], raw)
    effective, recorded, sequence = event_times(event)
    shown = encode_body(timeline_entry(event, effective, directory=directory)) if makes_part(event.type) else None
    return _place_of(event, effective, recorded, sequence), shown


def _place_of(event: Event, effective: Micros, recorded: Micros, sequence: int) -> bytes:
    """Return ``canonical_order`` as bytes that sort as it does, in a third of the memory. No text in it has a NUL."""
    interaction, source, id = event.data.interaction.encode(), event.source.encode(), event.id.encode()
    places = begin_of(effective), interaction, b"\0", sequence.to_bytes(8, "big"), begin_of(recorded), source, b"\0", id
    return b"".join(places)


def _ties(conversation: Conversation) -> Iterator[object]:
    """Yield what joins the contacts of a conversation, as places from its first one on."""
    edges, first = conversation.edges, conversation.places[0]
    for place in conversation.places:
        for other, rule, evidence in edges.get(place, ()):
            yield place - first, other - first, rule, evidence


def _as_bytes(one: ConversationView) -> ConversationView:
    excerpt = one.excerpt
    told = excerpt._replace(
        why=_raw(excerpt.why) if excerpt.why is not None else None,
        customer=_words(excerpt.customer),
        business=_words(excerpt.business),
    )
    return ConversationView(_raw(one.summary), _raw(one.unresolved) if one.unresolved is not None else None, told)


def _words(said: PlacedWords | None) -> PlacedWords | None:
    return (said[0], _raw(said[1])) if said is not None else None


def _raw(shown: Json | Raw) -> Raw:
    return Raw(encode_body(shown)) if isinstance(shown, dict) else shown

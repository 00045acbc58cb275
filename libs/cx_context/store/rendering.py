"""A context's body from what is stored, of which only that is worked out which was not worked out the last time.

A change touches one part and adds one event; the others, byte for byte as they were, need be neither decoded nor
rendered again. Of each customer is kept what went into the body that was rendered last, by all the content that it is a
function of, never by a name or a version of it:

- of an event its entry in the timeline, by the event's bytes;
- a decoded part, by its part id and its bytes; of a customer with very many only its outline, with the contacts and
  conversations that outlines make (``cx_context.kept``), and the words are decoded for the few conversations that are
  shown;
- a shown conversation's summary, by its members' part ids, their parts' bytes, why each is in it, how sure each is, and
  what became of the tokens that were issued for it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Sequence
from operator import itemgetter
from typing import NamedTuple, Self

from msgspec import Raw

from cx_context.directory_names import named_part
from cx_context.document import Document, encode_body
from cx_context.kept.customer import KeptCustomer
from cx_context.kept.document import KeptDocument
from cx_context.parts.event_kinds import makes_part
from cx_context.parts.header import ReadWords
from cx_context.parts.places import KeyedPart
from cx_context.sections.conversations import MEMBERS_SHOWN
from cx_context.sections.customer_facts import CustomerFacts
from cx_context.sections.rendering import ConversationView
from cx_context.sections.timeline import TIMELINE_SHOWN, timeline_entry
from cx_context.sections.vouchers import contact_assurances
from cx_context.store.changed_parts import PartsReading
from cx_context.store.context_inputs import ContextInputs
from cx_context.store.inputs_at_once import MANY_PARTS
from cx_context.store.part_codec import decode_header, decode_part, decode_words
from cx_context.threading.conversations import Conversation
from cx_events.codec import decode_leniently
from cx_events.directory import Directory
from cx_events.facts import Order, canonical_order, event_times, replace_nul
from cx_events.ids import NodeId
from cx_events.timestamps import Micros

PIECES_BYTES = 192 << 20
"""With the bodies themselves (``contexts.kept.CACHE_BYTES``) 352 MB. A process of the API takes 115 MB before
anything is kept, and 40 MB for a moment to render a customer of 10,000 interactions, a past not much less: well within
the 1 GB that its container is given."""

CUSTOMERS_KEPT = 4
"""At least: one that would take more than its share of the bytes (some 13,000 interactions) is not kept."""

# Measured, each with the bytes that it is kept by: what a typical one takes in memory, and what a byte of it adds.
_ENTRY_TAKES, _ENTRY_GROWS = 1_000, 1
_PART_TAKES, _PART_GROWS = 4_000, 4
_OUTLINE_TAKES, _OUTLINE_GROWS = 3_000, 1
_SUMMARY_TAKES = 1_000


class _Entry(NamedTuple):
    """``shown``: None for an event that the timeline does not show."""

    order: Order
    shown: Raw | None


class _Pieces:
    """The inputs of one customer's body, worked out.

    - ``parts``: by part id, each with the bytes that it was decoded from; ``parts_take``: their memory in bytes.
    - ``kept``: of a customer with very many parts, which are outlines then.
    - ``reading``: what the parts were read by, where parts that changed since can be read alone.
    - ``directory``: the digest of the directory that all was read with.
    """

    __slots__ = ("directory", "entries", "kept", "parts", "parts_take", "reading", "summaries", "takes")

    def __init__(self, directory: bytes = b"") -> None:
        self.directory = directory
        self.entries: dict[bytes, _Entry] = {}
        self.kept: KeptCustomer | None = None
        self.parts: dict[NodeId, tuple[bytes, KeyedPart]] = {}
        self.parts_take = 0
        self.reading: PartsReading | None = None
        self.summaries: dict[tuple[object, ...], ConversationView] = {}
        self.takes = 0


_NOTHING = _Pieces()


class PartsNotKept(Exception):
    """Raised where parts were read that changed since a reading, of which the others are not kept any more."""


class Renderer:
    """``most_bytes``: about how much memory the pieces may take that are kept; those of the customers that were
    rendered longest ago go. ``many``: of a customer with more parts outlines are threaded."""

    def __init__(self, most_bytes: int = PIECES_BYTES, many: int = MANY_PARTS) -> None:
        self._most = most_bytes
        self._many = many
        self.held = 0
        self._kept: OrderedDict[tuple[str, NodeId], _Pieces] = OrderedDict()

    def reading_of(self, tenant: str, customer: NodeId) -> PartsReading | None:
        """Return what a customer's parts were read by; the next inputs may hold those that changed since alone."""
        pieces = self._kept.get((tenant, customer))
        return pieces.reading if pieces is not None else None

    def body(self, whole: ContextInputs, window: Micros) -> bytes:
        """Return the bytes of ``context_body`` of these inputs. Raises ``PartsNotKept``."""
        key = (whole.ids.tenant, whole.found.customer)
        before = self._kept.pop(key, _NOTHING)
        self.held -= before.takes
        if before.directory != whole.directory.digest:
            before = _NOTHING  # names of agents and queues are in all of it
        if whole.since is not None and whole.since is not before.reading:
            raise PartsNotKept
        if whole.since is not None or len(whole.parts) > self._many:
            rendering: _FromPieces = _long_rendering(whole, window, before)
        else:
            rendering = _short_rendering(whole, window, before)
        body = encode_body(rendering.body())
        now = rendering.now
        if now.takes <= self._most // CUSTOMERS_KEPT:
            self._kept[key] = now
            self.held += now.takes
            while self.held > self._most:
                _, gone = self._kept.popitem(last=False)
                self.held -= gone.takes
        return body


def _short_rendering(whole: ContextInputs, window: Micros, before: _Pieces) -> _FromPieces:
    now = _Pieces(whole.directory.digest)
    known = before.parts if before.kept is None else {}
    for part_id, body in whole.parts:
        found = known.get(part_id)
        if found is None or found[0] != body:
            found = body, KeyedPart(part_id, decode_part(body))
        now.parts[part_id] = found
    now.takes = _PART_TAKES * len(now.parts) + _PART_GROWS * sum([len(body) for body, _ in now.parts.values()])
    facts = _facts(whole, [keyed for _, keyed in now.parts.values()], None)  # nobody changes them
    return _FromPieces(facts, window).with_pieces(whole.raws, before, now)


def _long_rendering(whole: ContextInputs, window: Micros, before: _Pieces) -> _FromPieces:
    """``before`` is changed and must not be used again."""
    now = _Pieces(whole.directory.digest)
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
        return self

    def timeline(self) -> list[Raw]:
        known, entries, takes = self._before.entries, self.now.entries, 0
        for raw in self._raws:
            entry = known.get(raw)
            if entry is None:
                entry = _entry_of(raw, self.known.directory)
            entries[raw] = entry
            takes += _ENTRY_TAKES + _ENTRY_GROWS * len(raw)
        self.now.takes += takes
        latest = sorted([each for each in entries.values() if each.shown is not None], key=_order_of, reverse=True)
        return [entry.shown for entry in latest[:TIMELINE_SHOWN] if entry.shown is not None]

    def render_conversation(self, conversation: Conversation) -> ConversationView:
        part_ids = [part_id for member in conversation.members for _, part_id in member.part_ids]
        bodies = [self.now.parts[part_id][0] for part_id in part_ids]
        # Proofs and levels hang on who is who, on the edges and on a rule besides.
        places = conversation.places[-MEMBERS_SHOWN:]
        at_hand, *others = contact_assurances(conversation, [conversation.latest_place, *places], self.trust)
        expire = [proof.expires(self.trust.lifetimes) for proof in at_hand.proofs]
        sure = (*at_hand.proofs, *expire, *(each.level for each in others))
        key = (*part_ids, *bodies, *conversation.joined, *conversation.tokens, *sure)
        found = self._before.summaries.get(key)
        if found is None:
            found = _as_bytes(super().render_conversation(conversation))
        self.now.summaries[key] = found
        self.now.takes += _SUMMARY_TAKES + 200 * len(part_ids) + len(found.summary)
        return found


class _LongRendering(_FromPieces, KeptDocument):
    """The document of a customer with very many parts, of which only outlines are held."""


_order_of = itemgetter(0)


def _entry_of(raw: bytes, directory: Directory) -> _Entry:
    """Without a ``Fact``, half of whose price are the ids of where it lies."""
    event = replace_nul(decode_leniently(raw)[0], raw)
    effective, recorded, sequence = event_times(event)
    shown = Raw(encode_body(timeline_entry(event, effective, directory=directory))) if makes_part(event.type) else None
    return _Entry(canonical_order(event, effective, recorded, sequence), shown)


def _as_bytes(one: ConversationView) -> ConversationView:
    unresolved = Raw(encode_body(one.unresolved)) if isinstance(one.unresolved, dict) else one.unresolved
    summary = Raw(encode_body(one.summary)) if isinstance(one.summary, dict) else one.summary
    return ConversationView(summary, unresolved, one.excerpt)

"""The document: what a desktop shows in the seconds before "hello".

A pure function of what one customer's facts add up to. Bounded: long lists are cut to their latest, the whole history
is paged elsewhere. Keys stand in a fixed order and maps are sorted, so equal facts give equal bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec
from msgspec import Raw, structs

from cx_context.parts.fold import makes_part
from cx_context.parts.header import WordsOf, with_words
from cx_context.parts.merge import hashed, later_register
from cx_context.parts.model import KEYS_KEPT, At, Part, Register
from cx_context.sections.assurance import (
    ASSURED,
    LEVELS,
    Alone,
    Lifetimes,
    Proof,
    Standing,
    Trust,
    around_core,
    assurance,
    key_of,
    latest_of_each,
    proofs,
    standing,
    vouched_outside,
)
from cx_context.sections.attachments import told_of
from cx_context.sections.candidates import NO_QUESTIONS, Questions, claims_shown
from cx_context.sections.consents import Purpose, in_force
from cx_context.sections.handoffs import handoff_of
from cx_context.sections.names import Names, named, names_of
from cx_context.sections.sentiment import sentiment
from cx_context.sections.timeline import timeline_entry
from cx_context.sections.vouchers import standings
from cx_context.threading.continuity_tokens import order_of as _order
from cx_context.threading.conversations import Contact, Conversation, IssuedToken, KeyedPart, contacts_of, join_contacts
from cx_context.threading.shared_references import MATTER_KINDS
from cx_events.facts import Fact, Order
from cx_events.identifiers import rank_of
from cx_events.ids import text_of
from cx_events.timestamps import Micros, format_time
from cx_events.weights import CLAIMED, WEIGHT_RANKS

TIMELINE_SHOWN = 50
CONVERSATIONS_SHOWN = 20
MEMBERS_SHOWN = 50
MESSAGES_SHOWN = 6
ALIASES_SHOWN = 100
IDENTIFIERS_SHOWN = 50
TURNS_SHOWN = 6
TOKENS_SHOWN = 10
DELETED = "(deleted)"

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Member:
    """A profile. ``joined``: (rule, evidence, confidence in hundredths, via profile), unless it is the first.
    ``claimed``: a claim alone ties it to the customer's known core, or where there is none to the first profile."""

    id: bytes
    kind: str
    scope: str
    value: str
    first_recorded: Micros
    joined: tuple[str, str, int, bytes] | None = None
    claimed: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """All that one customer's facts add up to. ``latest``: the latest facts for the timeline, in any order. ``words``:
    given where the parts are outlines. ``claims``: those that join nobody, with an end among the members, and that
    nobody settled. ``lifetimes``: the rule ``proof_lifetime`` in force.
    ``assured``: what only a claim ties was left out, and what is said about the customer by a claim is to be;
    ``left_out``: the parts that were."""

    customer: bytes
    members: Sequence[Member]
    parts: Sequence[KeyedPart]
    latest: Iterable[Fact]
    words: WordsOf | None = None
    claims: Questions = NO_QUESTIONS
    lifetimes: Lifetimes = field(default_factory=dict)
    assured: bool = False
    left_out: Sequence[Part] = ()


def encode_body(body: Json) -> bytes:
    return msgspec.json.encode(body)


def context_body(known: Known, window: Micros) -> Json:
    """The body of the context document. ``window``: the tenant's threading window in µs."""
    return Rendering(known, window).body()


class Shown(NamedTuple):
    """A conversation's summary, and what ``unresolved`` says of it where somebody waits. As bytes where it was rendered
    before."""

    summary: Json | Raw
    unresolved: Json | Raw | None


_ALONE_TRIED = 16
"""Identifiers of a contact that are tried for one that vouches by itself."""


class Rendering:
    """The body in the making. A section alone costs less than all: who asks what changes a value renders it often."""

    def __init__(self, known: Known, window: Micros) -> None:
        self.known = known
        self.window = window
        self.parts = [anchored.part for anchored in known.parts]
        self.members = around_core(known.members, self.parts)
        self.trust = Trust.of(self.members, known.lifetimes)
        self._contacts: list[Contact] | None = None
        self._threaded: tuple[list[Conversation], int] | None = None
        self._shown: dict[bytes, Shown] = {}
        self._whole_contacts: dict[tuple[Micros, str], Contact] = {}

    def body(self) -> Json:
        return {name: self.section(name) for name in SECTIONS}

    def section(self, name: str) -> Any:
        """One of the body's members."""
        return SECTIONS[name](self)

    @property
    def contacts(self) -> list[Contact]:
        if self._contacts is None:
            self._contacts = contacts_of(self.known.parts, self.window)
        return self._contacts

    @property
    def conversations(self) -> list[Conversation]:
        """Open ones first, those active last first."""
        return self._threads()[0]

    @property
    def open_ones(self) -> list[Conversation]:
        conversations, count = self._threads()
        return conversations[:count]

    def _threads(self) -> tuple[list[Conversation], int]:
        """All conversations, and how many are open."""
        if self._threaded is None:
            open_ones: list[Conversation] = []
            others: list[Conversation] = []
            for each in join_contacts(self.contacts, self.window):
                state = conversation_state([member.part for member in each.members])
                (open_ones if state == "open" else others).append(each)
            for some in (open_ones, others):
                some.sort(key=_active_last_first)
            self._threaded = open_ones + others, len(open_ones)
        return self._threaded

    def shown(self, conversation: Conversation) -> Shown:
        found = self._shown.get(conversation.id)
        if found is None:
            found = self._shown[conversation.id] = self._show(conversation)
        return found

    def unresolved(self, conversation: Conversation) -> Json | Raw | None:
        """Of an open one; None where nobody waits, which is told without showing it."""
        found = self._shown.get(conversation.id)
        if found is None and any(waiting_since(member.part) is not None for member in conversation.members):
            found = self.shown(conversation)
        return found.unresolved if found is not None else None

    def _show(self, conversation: Conversation) -> Shown:
        members = [self.whole(member) for member in conversation.members]
        summary = conversation_summary(structs.replace(conversation, members=members), self.trust)
        return Shown(summary, _unresolved(summary) if summary["waiting_since"] is not None else None)

    def whole(self, contact: Contact) -> Contact:
        """The contact with all that was said in it."""
        if self.known.words is None:
            return contact
        found = self._whole_contacts.get(contact.start)
        if found is None:
            found = self._whole_contacts[contact.start] = with_words(contact, self.known.words)
        return found

    def conversation_of(self, contact: Contact) -> Conversation:
        return next(each for each in self.conversations if any(member is contact for member in each.members))

    def standing(self, contact: Contact) -> Standing:
        """What vouches for who is at the other end of a contact."""
        own = self.conversation_of(contact)
        place = next(place for place, member in zip(own.places, own.members, strict=True) if member is contact)
        return standings(own, [place], self.trust)[0]

    def standing_of(self, interaction: str) -> Standing:
        """As ``standing``, of an interaction: of an endless one its latest stretch. Nothing where there is none."""
        contact = next((each for each in reversed(self.contacts) if each.name == interaction), None)
        return self.standing(contact) if contact is not None else Standing()

    def alone_of(self, interaction: str) -> Alone | None:
        """Return what vouches for an interaction's own identifier by itself, where something does and nothing vouches
        for the customer there."""
        contact = next((each for each in reversed(self.contacts) if each.name == interaction), None)
        if contact is None or self.standing(contact).level in ASSURED:
            return None
        own = self.conversation_of(contact)
        place = next(place for place, member in zip(own.places, own.members, strict=True) if member is contact)
        profiles = {key_of(member): member.id for member in self.members}
        parts = [piece.part for each in own.vouching()[place] for piece in each.pieces]
        for key in vouched_outside(parts, self.trust)[:_ALONE_TRIED]:
            found = standings(own, [place], self.trust.alone(key))[0]
            if found.level in ASSURED:
                return Alone(profiles[key], found)
        return None

    def at_hand(self) -> Standing:
        """Of the contact that was active last; of a customer with none of all that is known."""
        contact = max(self.contacts, key=lambda each: (each.last_activity, each.start), default=None)
        return self.standing(contact) if contact is not None else standing(self.parts, self.trust)

    def timeline(self) -> Sequence[Json | Raw]:
        return timeline(self.known.latest)


def _active_last_first(conversation: Conversation) -> tuple[Micros, bytes]:
    return -conversation.last_activity, conversation.id


def _shown(of: Rendering) -> list[Json | Raw]:
    return [of.shown(each).summary for each in of.conversations[:CONVERSATIONS_SHOWN]]


def _all_unresolved(of: Rendering) -> list[Json | Raw]:
    """The first open ones in which the customer waits."""
    found = (of.unresolved(each) for each in of.open_ones)
    return list(islice((one for one in found if one is not None), CONVERSATIONS_SHOWN))


def timeline(facts: Iterable[Fact], most: int = TIMELINE_SHOWN) -> list[Json]:
    """The latest events, newest first; identity decisions are not among them."""
    shown = sorted((fact for fact in facts if makes_part(fact.event.type)), key=lambda fact: fact.order, reverse=True)
    return [timeline_entry(fact.event, fact.effective) for fact in shown[:most]]


def _latest_register(parts: Iterable[Part], field: str) -> tuple[Order, Any] | None:
    found: tuple[Order, Any] | None = None
    for part in parts:
        register: Register | None = getattr(part, field)
        if register is not None:
            order = _order(part, register[0])
            if found is None or order > found[0]:
                found = (order, register[1])
    return found


def _latest_by_key(parts: Iterable[Part], field: str) -> dict[str, Any]:
    """The last value of each key, by key; of too many keys those written last."""
    return _best_by_key(((0, part) for part in parts), field)


def _best_by_key(parts: Iterable[tuple[int, Part]], field: str) -> dict[str, Any]:
    """Of each key the value of the greatest weight, of those the last one, by key; of too many keys the first ones in
    that order. ``parts``: each with its weight (``weights.WEIGHT_RANKS``)."""
    found: dict[str, tuple[tuple[int, Order], Any]] = {}
    registers: Mapping[str, Register]
    for weight, part in parts:
        if registers := getattr(part, field):
            for key, (at, value) in registers.items():
                place = (-weight, _order(part, at))
                if key not in found or place > found[key][0]:
                    found[key] = (place, value)
    best = sorted(found, key=lambda key: (found[key][0], key), reverse=True)[:KEYS_KEPT]
    return {key: found[key][1] for key in sorted(best)}


def _display(parts: Iterable[tuple[int, Part]]) -> tuple[str | None, str | None]:
    """Return the name of the greatest weight, of those the last one, and that weight."""
    named = [(-weight, _order(part, part.name[0]), part.name[1]) for weight, part in parts if part.name is not None]
    if not named:
        return None, None
    weight, _, name = max(named)
    return name, LEVELS[-weight]


def _consents(of: Rendering) -> Iterable[tuple[Purpose, bool]]:
    """What a claim says grants nothing, and refuses all the same, also in an assured body that leaves it out."""
    core = of.trust.core
    claims = [part for part in of.parts if part.identifier not in core]
    return in_force([part for part in of.parts if part.identifier in core], [*claims, *of.known.left_out])


def _customer(of: Rendering) -> Json:
    """What is said about a customer goes by weight, then by order: who only claims to be them renames nobody."""
    trust, parts, customer = of.trust, of.parts, of.known.customer
    members = sorted(of.members, key=lambda m: (m.claimed, rank_of(m.kind), m.kind, m.value, m.scope, m.id))
    aliases = sorted((m.claimed, text_of(m.id)) for m in members if m.id != customer)
    weighed = [(trust.weight_of(part), part) for part in parts]
    if of.known.assured:
        weighed = [(weight, part) for weight, part in weighed if weight < WEIGHT_RANKS[CLAIMED]]
    name, weight = _display(weighed)
    verified: dict[str, Order] = {}
    for part in parts:
        if part.verified:
            for key, at in part.verified.items():
                verified[key] = max(_order(part, at), verified.get(key, _order(part, at)))
    latest = latest_of_each(proofs(parts, trust.core | trust.claimed))
    return {
        "id": text_of(customer),
        "aliases": [alias for _, alias in aliases[:ALIASES_SHOWN]],
        "display": name if name is not None else (members[0].value if members else None),
        "display_weight": weight,
        "identifiers": [_identifier(member, verified, latest) for member in members[:IDENTIFIERS_SHOWN]],
        "assurance": assurance(members, of.at_hand(), trust.lifetimes),
        "attributes": _best_by_key(weighed, "attributes"),
        "consent": [
            {"purpose": purpose.name, "channel": purpose.channel or None, "granted": granted}
            for purpose, granted in _consents(of)
        ],
        "preferences": _best_by_key(weighed, "preferences"),
        "candidates": claims_shown(of.known.claims.latest, {member.id for member in members}),
        "candidates_total": of.known.claims.total,
    }


def _identifier(member: Member, verified: Mapping[str, Order], latest: Mapping[str, Proof]) -> Json:
    order = verified.get(key_of(member))
    shown: Json = {"kind": member.kind, "value": member.value}
    if member.scope:
        shown["scope"] = member.scope
    shown["profile"] = text_of(member.id)
    shown["verified_at"] = format_time(order[0]) if order is not None else None
    proof = latest.get(key_of(member))
    shown["verified_by"] = proof.method if proof is not None else None
    shown["claimed"] = member.claimed
    if member.joined is None:
        shown["joined"] = None
    else:
        rule, evidence, confidence, via = member.joined
        shown["joined"] = {
            "rule": rule,
            "evidence": evidence,
            "confidence": confidence / 100,
            "via": text_of(via),
        }
    return shown


def is_live(part: Part) -> bool:
    """An ended interaction stays ended unless an event resumes it."""
    return part.ended is None or (part.resumed is not None and part.resumed > part.ended[0])


def waiting_since(part: Part) -> Micros | None:
    """Since when the customer waits in an interaction that is live: the first thing said (or the queue) unanswered."""
    if not is_live(part):
        return None
    replied = max((at for at in (part.business_spoke, part.answered) if at is not None), default=None)
    waits = [at for at in (part.customer_spoke, part.queued) if at is not None and (replied is None or at > replied)]
    if not waits:
        return None
    for at, role, *_ in part.said:
        if role == "customer" and (replied is None or at > replied):
            waits.append(at)
    return min(waits)[0]


def _now(of: Rendering) -> Json | None:
    """The live contact that was active last. Nobody waits in it where its conversation is resolved."""
    live = [each for each in of.contacts if is_live(each.part)]
    if not live:
        return None
    latest = max(live, key=lambda each: (each.part.last or each.part.first, each.name))
    own, found = of.conversation_of(latest), of.standing(latest)
    latest = of.whole(latest)
    since = waiting_since(latest.part)
    if since is not None and conversation_state(member.part for member in own.members) != "open":
        since = None
    names = names_of(member.part for member in own.members)
    return {
        "channel": latest.part.channel[1] if latest.part.channel is not None else None,
        "interaction": latest.name,
        "waiting_since": format_time(since) if since is not None else None,
        "queue": named("queue", latest.part.queue, names),
        "agent": named("agent", latest.part.agent, names),
        "assurance": found.at(None, of.trust.lifetimes),
        "verified": next(iter(found.shown(of.trust.lifetimes)), None),
    }


def _counts(parts: Sequence[Part], contacts: Sequence[Contact], conversations: Sequence[Conversation]) -> Json:
    by_channel: dict[str, int] = {}
    for part in parts:
        for channel, count in part.channels.items():
            by_channel[channel] = by_channel.get(channel, 0) + count
    return {
        "events": sum(part.events for part in parts),
        "messages": sum(part.messages for part in parts),
        "interactions": len({each.name for each in contacts}),
        "conversations": len(conversations),
        "by_channel": dict(sorted(by_channel.items())),
    }


def _last_agent(contacts: Sequence[Contact]) -> Json | None:
    found: tuple[Order, Contact] | None = None
    for each in contacts:
        if each.part.agent is not None:
            order = _order(each.part, each.part.agent[0])
            if found is None or order > found[0]:
                found = (order, each)
    if found is None:
        return None
    order, each = found
    agent = named("agent", each.part.agent, names_of(contact.part for contact in contacts))
    assert agent is not None
    return {
        **agent,
        "channel": each.part.channel[1] if each.part.channel is not None else None,
        "interaction": each.name,
        "time": format_time(order[0]),
    }


def _unresolved(summary: Json) -> Json:
    return {
        "conversation": summary["id"],
        "topic": summary["topic"],
        "channels": summary["channels"],
        "since": summary["waiting_since"],
        "text": next((m["text"] for m in summary["messages"] if m["role"] == "customer"), None),
    }


def conversation_state(members: Iterable[Part]) -> str:
    """``resolved`` if the latest resolve sorts after the latest customer message and reopening, else ``open``."""
    parts = list(members)
    resolved = [_order(part, part.resolved[0]) for part in parts if part.resolved is not None]
    if not resolved:
        return "open"
    since = [_order(part, at) for part in parts for at in (part.customer_spoke, part.reopened) if at is not None]
    return "resolved" if not since or max(resolved) > max(since) else "open"


def conversation_summary(conversation: Conversation, trust: Trust) -> Json:
    """One conversation as the context shows it. ``verified``: what was proved in its contact that was active last, or
    came to that one by a token or a person's link."""
    parts = [member.part for member in conversation.members]
    joined = list(zip(conversation.places, conversation.joined, strict=True))[-MEMBERS_SHOWN:]
    at_hand, *others = standings(conversation, [conversation.at_hand, *(place for place, _ in joined)], trust)
    topics = [(_order(part, part.topics[0][0]), part.topics[0][1]) for part in parts if part.topics]
    summary = _latest_register(parts, "summary")
    disposition = _latest_register(parts, "disposition")
    state = conversation_state(parts)
    messages = _messages(conversation.members)
    waits = [since for since in map(waiting_since, parts) if since is not None]
    names = names_of(parts)
    channels: dict[str, None] = {}
    for member in conversation.members:
        if member.part.channel is not None:
            channels[member.part.channel[1]] = None
    return {
        "id": text_of(conversation.id),
        "aliases": [text_of(alias) for alias in conversation.aliases[:ALIASES_SHOWN]],
        "topic": max(topics)[1] if topics else None,
        "state": state,
        "channels": list(channels),
        "opened_at": format_time(conversation.members[0].start[0]),
        "last_at": format_time(max(member.last_activity for member in conversation.members)),
        "waiting_since": format_time(min(waits)) if waits and state == "open" else None,
        "summary": summary[1] if summary is not None else _opening(conversation.members),
        "messages": messages,
        "agent": named("agent", _latest_register(parts, "agent"), names),
        "queue": named("queue", _latest_register(parts, "queue"), names),
        "disposition": disposition[1] if disposition is not None else None,
        "notes": _notes(parts, names),
        "bot": _bot(parts),
        "handoff": handoff_of(parts),
        "tokens": [_token(issued) for issued in reversed(conversation.tokens[-TOKENS_SHOWN:])],
        "references": _references(parts),
        "verified": at_hand.shown(trust.lifetimes),
        "joined": [
            {
                "interaction": why.interaction,
                "rule": why.rule,
                "evidence": why.evidence or None,
                "confidence": why.confidence / 100,
                "level": found.level,
            }
            for (_, why), found in zip(joined, others, strict=True)
        ],
    }


def _words(contact: Contact) -> Iterable[tuple[At, str, str, str]]:
    """(at, role, name, text) of what was said and is at hand, as it was edited since."""
    for at, role, name, text, message_id in contact.part.said:
        if message_id:
            edit = _edit_of(contact, message_id)
            deleted = contact.deleted.get(hashed(message_id))
            if deleted is not None and (edit is None or deleted > edit[0]):
                text = DELETED
            elif edit is not None:
                text = edit[1]
        yield at, role, name, text


def _edit_of(contact: Contact, message_id: str) -> Register | None:
    """The latest edit of a message: of an endless interaction it may lie in another stretch."""
    own, elsewhere = contact.part.edits.get(message_id), contact.edits.of(message_id)
    if own is None or elsewhere is None:
        return elsewhere if own is None else own
    return later_register(own, elsewhere)


def _messages(contacts: Sequence[Contact]) -> list[Json]:
    """The latest, each with its attachments; what was deleted shows none."""
    said = [
        (_order(contact.part, at), role, name, text, contact.part, at)
        for contact in contacts
        for at, role, name, text in _words(contact)
    ]
    said.sort(key=lambda item: item[0], reverse=True)
    return [
        {
            "time": format_time(order[0]),
            "channel": part.channel[1] if part.channel is not None else None,
            "interaction": part.interaction,
            "role": role,
            "name": name or None,
            "text": text,
            **(_files(part, at) if part.files and text != DELETED else {}),
        }
        for order, role, name, text, part, at in said[:MESSAGES_SHOWN]
    ]


def _files(part: Part, at: At) -> Json:
    """The attachments of the message that was written at this place."""
    found = next((kept for kept in part.files if kept[0] == at), None)
    return told_of(found) if found is not None else {}


def _opening(contacts: Sequence[Contact]) -> str | None:
    """Without a summary from a model: the earliest words of the customer that are still at hand."""
    words = [
        (_order(contact.part, at), text)
        for contact in contacts
        for at, role, _, text in _words(contact)
        if role == "customer" and text and text != DELETED
    ]
    return min(words)[1] if words else None


def _notes(parts: Sequence[Part], names: Names) -> list[Json]:
    notes = sorted(((_order(p, at), author, text) for p in parts for at, author, text in p.notes), reverse=True)
    return [
        {"time": format_time(o[0]), "agent": names.get(("agent", author), author) or None, "text": text}
        for o, author, text in notes[:MESSAGES_SHOWN]
    ]


def _bot(parts: Sequence[Part]) -> Json | None:
    """What a bot did: its latest turns, oldest first, and all that it learned."""
    turns = sorted((_order(part, at), intent, text) for part in parts for at, intent, text in part.turns)
    slots = _latest_by_key(parts, "slots")
    if not turns and not slots:
        return None
    return {
        "trail": [
            {"time": format_time(order[0]), "intent": intent or None, "text": text or None}
            for order, intent, text in turns[-TURNS_SHOWN:]
        ],
        "slots": slots,
    }


def _token(issued: IssuedToken) -> Json:
    token = issued.token
    return {
        "id": token.id,
        "issued_at": format_time(token.issued[0]),
        "expires_at": format_time(token.expires),
        "single_use": token.single_use,
        "uses": [
            {"interaction": user, "time": format_time(use.at[0]), "refused": use.refused}
            for use, user in zip(token.uses[:TOKENS_SHOWN], issued.users, strict=False)
        ],
    }


def _references(parts: Sequence[Part]) -> list[Json]:
    """What the conversation is about: order and case numbers; ids of messages and calls are plumbing."""
    found = sorted({tuple(key.split("\n", 1)) for part in parts for key in part.references})
    matters = [(kind, value) for kind, value in found if kind in MATTER_KINDS]
    return [{"kind": kind, "value": value} for kind, value in matters[:ALIASES_SHOWN]]


SECTIONS: Mapping[str, Callable[[Rendering], Any]] = MappingProxyType(
    {
        "customer": _customer,
        "now": _now,
        "conversations": _shown,
        "timeline": lambda of: of.timeline(),
        "counts": lambda of: _counts(of.parts, of.contacts, of.conversations),
        "sentiment": lambda of: sentiment(of.parts),
        "last_agent": lambda of: _last_agent(of.contacts),
        "unresolved": _all_unresolved,
    }
)

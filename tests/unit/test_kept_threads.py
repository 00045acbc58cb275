"""Conversations that are kept up to date are those that all contacts make from nothing, whatever changes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from hypothesis import event, given
from hypothesis import strategies as st

from cx_context.fold import new_part
from cx_context.incremental.conversations import KeptThreads
from cx_context.parts.event_kinds import makes_part
from cx_context.parts.keyed_parts import KeyedPart
from cx_context.parts.merge import merge
from cx_context.threading.contacts import contacts_of
from cx_context.threading.conversations import Conversation, join_contacts
from cx_events.continuity_tokens import ISSUED, derive_code, token_id
from cx_events.facts import Fact
from cx_events.ids import text_of
from cx_events.stamp import StampedEvent
from cx_events.testing.builders import ACME, HOUR, MINUTE, START, a_fact
from cx_events.testing.histories import facts_of, histories

WINDOW = 24 * HOUR
TOKENS = [token_id(derive_code(name, ACME), ACME) for name in ("one", "two")]

Told = dict[bytes, Any]


class Customer:
    """The parts of one customer, folded as facts arrive, and the conversations that are kept of them."""

    def __init__(self, most_share: float = 1.0) -> None:
        self.threads = KeptThreads(WINDOW, most_share)
        self.parts: dict[str, dict[bytes, KeyedPart]] = {}

    def add(self, facts: Iterable[Fact]) -> None:
        names = set()
        for fact in facts:
            parts = self.parts.setdefault(fact.event.data.interaction, {})
            known, part = parts.get(fact.part_id), new_part(fact)
            parts[fact.part_id] = KeyedPart(fact.part_id, merge(known.part, part) if known is not None else part)
            names.add(fact.event.data.interaction)
        self.threads.change({name: self.parts[name].values() for name in names})

    def lose(self, name: str) -> None:
        """Let an interaction become another customer's."""
        if self.parts.pop(name, None) is not None:
            self.threads.change({name: ()})

    def kept(self) -> Told:
        every = {id(each): each for each in self.threads.of.values()}
        return told(every.values())

    def anew(self) -> Told:
        pieces = [piece for parts in self.parts.values() for piece in parts.values()]
        return told(join_contacts(contacts_of(pieces, WINDOW), WINDOW))


def told(conversations: Iterable[Conversation]) -> Told:
    """Everything that is said of conversations, but for their places among all contacts."""
    found: Told = {}
    for each in conversations:
        starts = dict(zip(each.places, (member.start for member in each.members), strict=True))
        found[each.id] = (
            [(member.start, member.part_ids, member.known_ids, member.part) for member in each.members],
            each.joined,
            {starts[place]: [c.start for c in group] for place, group in each.contacts_sharing_proofs().items()},
            [(one.token.id, one.users, [(use.at, use.refused) for use in one.token.uses]) for one in each.tokens],
            starts[each.latest_place],
        )
    return found


# Long histories of one customer: mostly messages, each in a contact that began some hours after the one before.


class Step(NamedTuple):
    """``contact``: counted back from the latest. ``later``: hours."""

    what: str
    contact: int
    later: int
    value: int


RARE = ("resolved", "reopened", "topic", "token", "use", "link", "split", "lost", "receipt")
REFERENCES = ("order", "case", "message", "thread", "call", "interaction")


def steps(rare: Sequence[str]) -> st.SearchStrategy[list[Step]]:
    what = st.one_of(
        st.just("message"), st.just("message"), st.sampled_from(REFERENCES), st.sampled_from(("post", "reply", *rare))
    )
    back = st.sampled_from((0, 0, 0, 0, 0, 1, 1, 2, 3, 5, 8, 13))
    step = st.builds(Step, what, back, st.sampled_from((0, 0, 0, 1, 2, 9)), st.integers(0, 3))
    return st.lists(step, min_size=10, max_size=70)


def story(steps: Iterable[Step]) -> list[Fact | str]:
    """Facts of one customer in order of time, and names of interactions that are lost."""
    facts: list[Fact | str] = []
    begun: list[Fact] = []
    for number, step in enumerate(steps):
        own = begun[max(len(begun) - 1 - step.contact, 0)] if begun and (step.contact or step.later) else None
        fact = one_fact(step, number, own, begun)
        if isinstance(fact, Fact) and own is None:
            begun.append(fact)
        facts.append(fact)
    return facts


def one_fact(step: Step, number: int, own: Fact | None, begun: Sequence[Fact]) -> Fact | str:
    at = START + number * 7 * HOUR
    name = own.event.data.interaction if own is not None else f"chat-{number}"
    if own is not None:
        at = own.effective + step.later * HOUR + number * MINUTE
        about = {"conversation": {"id": text_of(own.part_id)}}
        if step.what in ("resolved", "reopened", "split"):
            return decided(step.what, name, number, at, about)
        if step.what == "topic":
            return decided("topic", name, number, at, {**about, "topic": f"topic {step.value}"})
        if step.what == "link":
            other = text_of(begun[step.value % len(begun)].part_id)
            return decided("linked", name, number, at, {"conversation": {"id": text_of(own.part_id), "other": other}})
        if step.what == "token":
            token = {"id": TOKENS[step.value % 2], "lifetime_s": 100_000, "single_use": step.value > 1}
            return a_fact(ISSUED, id=f"e-{number}", interaction=name, email=ANA, at=at, data={**about, "token": token})
        if step.what == "receipt":
            return a_fact("cx.message.read.v1", id=f"e-{number}", interaction=name, email=ANA, at=at)
        if step.what == "lost":
            return name
    data: dict[str, Any] = {}
    channel = "chat"
    if step.what in REFERENCES:
        value = f"chat-{step.value * 3}" if step.what == "interaction" else f"{step.what}-{step.value}"
        data = {"references": [{"kind": step.what, "value": value}]}
        channel = "voice" if step.what == "call" else "email" if step.what == "thread" else "chat"
    if step.what == "use":
        data = {"references": [{"kind": "token", "value": TOKENS[step.value % 2]}]}
    if step.what in ("post", "reply"):
        name, channel = f"messenger-{step.value % 2}", "social"
        data = {"references": [{"kind": "thread", "value": f"thread-{step.value}"}]} if step.value else {}
        if step.what == "reply":
            quoted = f"e-{max(number - 3 * step.value, 0)}"
            data["message"] = {"id": f"e-{number}", "text": "hm", "content_type": "text/plain", "in_reply_to": quoted}
    return a_fact(id=f"e-{number}", interaction=name, channel=channel, email=ANA, text="hm", at=at, data=data)


def decided(what: str, name: str, number: int, at: int, data: dict[str, Any]) -> Fact:
    return a_fact(f"cx.conversation.{what}.v1", id=f"e-{number}", interaction=name, email=ANA, at=at, data=data)


ANA = "ana@example.com"


def follow(facts: Sequence[Fact | str], at_once: int) -> Customer:
    customer = Customer()
    for place in range(0, len(facts), at_once):
        some = facts[place : place + at_once]
        customer.add(fact for fact in some if isinstance(fact, Fact))
        for name in some:
            if isinstance(name, str):
                customer.lose(name)
        assert customer.kept() == customer.anew()
    return customer


@given(steps=steps(()), at_once=st.sampled_from((1, 1, 2, 5)))
def test_kept_conversations_are_those_of_all_contacts(steps: list[Step], at_once: int) -> None:
    customer = follow(story(steps), at_once)
    event(f"joined all anew: {customer.threads.times_joined_all * 10 // len(steps)} tenths")


@given(steps=steps(RARE), at_once=st.sampled_from((1, 1, 2, 5)))
def test_decisions_and_tokens_change_kept_conversations(steps: list[Step], at_once: int) -> None:
    customer = follow(story(steps), at_once)
    event(f"joined all anew: {customer.threads.times_joined_all * 10 // len(steps)} tenths")


@given(steps=steps(RARE), at_once=st.sampled_from((1, 3)), order=st.randoms(use_true_random=False))
def test_late_facts_change_kept_conversations(steps: list[Step], at_once: int, order: Any) -> None:
    facts = story(steps)
    early = {number for number in range(len(facts)) if order.random() < 0.8}
    follow([facts[n] for n in sorted(early)] + [facts[n] for n in range(len(facts)) if n not in early], at_once)


@given(history=histories(max_size=25))
def test_any_history_changes_kept_conversations(history: list[StampedEvent]) -> None:
    facts = [fact for fact in {fact.key: fact for fact in facts_of(history)}.values() if makes_part(fact.event.type)]
    follow(facts, 1)


def test_a_new_contact_joins_few_of_many_anew() -> None:
    customer = Customer(0.5)
    facts = [
        a_fact(id=f"e-{n}", interaction=f"chat-{n}", email=ANA, text="hm", at=START + n * HOUR,
               data={"references": [{"kind": "order", "value": f"{n // 3}"}]})
        for n in range(300)
    ]  # fmt: skip
    customer.add(facts)
    for number in range(10):
        at = START + (300 + number) * HOUR
        customer.add([a_fact(id=f"f-{number}", interaction=f"new-{number}", email=ANA, text="hm", at=at)])
        assert customer.kept() == customer.anew()
    assert customer.threads.times_joined_all == 1

"""Parts add up: whatever the order and the grouping, the same facts give the same part."""

from __future__ import annotations

import random
from collections import defaultdict
from functools import reduce

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from cx_context.fold import HANDLERS, apply, new_part
from cx_context.parts.event_kinds import makes_part
from cx_context.parts.keyed_parts import KeyedPart
from cx_context.parts.merge import combine, merge
from cx_context.parts.model import Part
from cx_context.parts.values import MESSAGES_KEPT, REFERENCES_KEPT
from cx_context.reference_definition import counting_copies
from cx_context.sections.words import with_words
from cx_context.store.part_codec import decode_header, decode_words, encode_part
from cx_context.threading.contacts import contacts_of
from cx_events.facts import Fact
from cx_events.stamp import StampedEvent
from cx_events.testing.builders import DAY, SECOND, START, a_fact
from cx_events.testing.histories import facts_of, histories
from cx_events.testing.history_samples import TYPES


def folded(facts: list[Fact]) -> Part:
    part = new_part(facts[0])
    for fact in facts[1:]:
        apply(part, fact)
    return part


def by_part(history: list[StampedEvent]) -> dict[bytes, list[Fact]]:
    groups: dict[bytes, list[Fact]] = defaultdict(list)
    for fact in counting_copies(facts_of(history)):
        if makes_part(fact.event.type):
            groups[fact.part_id].append(fact)
    return groups


def test_every_type_that_is_folded_comes_in_random_histories() -> None:
    assert not HANDLERS.keys() - TYPES


@given(history=histories(), seed=st.integers(0, 2**32))
def test_any_order_of_facts_gives_the_same_part(history: list[StampedEvent], seed: int) -> None:
    for facts in by_part(history).values():
        shuffled = random.Random(seed).sample(facts, len(facts))
        assert folded(shuffled) == folded(facts)


@given(history=histories(), seed=st.integers(0, 2**32))
def test_any_grouping_of_facts_combines_to_the_same_part(history: list[StampedEvent], seed: int) -> None:
    dice = random.Random(seed)
    for facts in by_part(history).values():
        groups: dict[int, list[Fact]] = defaultdict(list)
        for fact in facts:
            groups[dice.randrange(3)].append(fact)
        parts = [folded(group) for group in groups.values()]
        dice.shuffle(parts)
        assert combine(parts) == folded(facts)


@given(history=histories(), data=st.data())
def test_many_parts_combine_as_in_pairs(history: list[StampedEvent], data: st.DataObject) -> None:
    facts = [fact for group in by_part(history).values() for fact in group]
    parts = [new_part(fact) for fact in data.draw(st.permutations(facts))]
    if parts:
        assert combine(parts) == reduce(merge, parts)


def test_bounded_fields_combine_at_once_as_in_pairs() -> None:
    def told(number: int) -> Fact:
        data = {"references": [{"kind": "order", "value": f"{number}-{each}"} for each in range(40)]}
        id, at = f"m-{number}", START + number * 7 % 10 * SECOND
        return a_fact(id=id, interaction="thread", channel="social", text="hm", at=at, data=data)

    parts = [new_part(told(number)) for number in range(12)]
    both = combine(parts)
    assert both == reduce(merge, parts)
    assert (len(both.references), len(both.latest_messages)) == (REFERENCES_KEPT, MESSAGES_KEPT)


@given(history=histories())
def test_a_part_header_and_its_words_make_the_part(history: list[StampedEvent]) -> None:
    parts = [KeyedPart(part_id, folded(facts)) for part_id, facts in by_part(history).items()]
    bodies = {part_id: encode_part(part) for part_id, part in parts}
    outlines = [KeyedPart(part_id, decode_header(body)) for part_id, body in bodies.items()]
    shown = [with_words(each, lambda part_id: decode_words(bodies[part_id])) for each in contacts_of(outlines, DAY)]
    assert [each.part for each in shown] == [each.part for each in contacts_of(parts, DAY)]


@given(history=histories())
def test_a_part_survives_its_encoding(history: list[StampedEvent]) -> None:
    for facts in by_part(history).values():
        part = folded(facts)
        assert msgspec.msgpack.decode(msgspec.msgpack.encode(part), type=Part) == part


def test_combining_changes_neither_part() -> None:
    one = folded([a_fact(id="1", interaction="chat-1", text="a", data={"attributes": {"tier": "gold"}})])
    other = folded([a_fact(id="2", interaction="chat-1", text="b", at=START + SECOND, email="ana@example.com")])
    before = msgspec.msgpack.encode([one, other])
    both = merge(one, other)
    apply(both, a_fact(id="3", interaction="chat-1", text="c", at=START + 2 * SECOND))
    assert msgspec.msgpack.encode([one, other]) == before


def test_of_many_messages_the_latest_stay() -> None:
    part = folded([a_fact(id=f"{n:02}", interaction="chat-1", text=f"t{n}", at=START + n * SECOND) for n in range(30)])
    assert [said[3] for said in part.latest_messages] == [f"t{n}" for n in range(29, 29 - MESSAGES_KEPT, -1)]
    assert part.messages == 30


def test_decisions_and_insights_are_not_counted() -> None:
    part = folded([
        a_fact(id="1", interaction="chat-1", text="hello"),
        a_fact("cx.conversation.note.v1", id="2", interaction="chat-1", data={"note": "called back"}),
        a_fact("cx.insight.found.v1", id="3", interaction="chat-1", data={
            "insight": {"producer": "vader", "version": "1", "sentiment": -0.4}}),
    ])  # fmt: skip
    assert (part.facts, part.events, part.messages) == (3, 1, 1)
    assert part.notes[0][2] == "called back"
    assert [score for _, (score, _) in part.sentiment.values()] == [-400]


def test_an_out_of_office_note_is_no_customers_message() -> None:
    note = a_fact(id="1", interaction="mail-1", channel="email", data={
        "message": {"id": "1", "text": "I am away", "automatic": "auto-reply"}})  # fmt: skip
    part = folded([note])
    assert part.customer_spoke_at is None
    assert part.latest_messages[0][1] == "system"


def test_an_agent_named_only_as_participant_is_the_agent() -> None:
    ben = {"role": "agent", "id": "ben", "name": "Ben"}
    sent = a_fact("cx.message.sent.v1", id="m-1", text="Hello", data={"direction": "outbound", "participants": [ben]})
    part = folded([sent, a_fact(id="m-2", at=START + SECOND, text="Hm?")])
    assert part.agent is not None
    assert part.agent[1] == ["ben", "Ben"]
    assert list(part.first_answers) == ["ben"]


def test_an_unknown_type_is_counted() -> None:
    assert folded([a_fact("acme.parcel.lost", id="1", interaction="chat-1")]).events == 1


def test_an_ended_interaction_stays_ended_after_a_late_callback() -> None:
    ended = a_fact("cx.interaction.ended.v1", id="e", interaction="call-1", channel="voice", sequence=3)
    answered = a_fact("cx.interaction.answered.v1", id="a", interaction="call-1", channel="voice", sequence=2)
    part = folded([ended, answered])
    assert part.end is not None
    assert part.answered_at is not None
    assert part.end[0] > part.answered_at

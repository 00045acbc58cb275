"""A value's lineage names every event without which the value would be another, and no event in vain."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.examples import examples

from cx_context.document import VIEWS, context_body
from cx_context.explain.counterfactual import CustomerHistory
from cx_context.explain.diff import diff_contexts
from cx_context.explain.json_pointer import (
    KEYS,
    MISSING,
    Path,
    by_key,
    changed_values,
    find_value,
    parse_pointer,
    pattern_of,
    pointer_of,
    value_at,
)
from cx_context.explain.lineage import explain_value
from cx_context.explain.source_fields import PROVENANCE, provenance_of
from cx_context.fold import apply, new_part
from cx_context.parts.keyed_parts import KeyedPart
from cx_context.parts.model import Part
from cx_context.reference_definition import define
from cx_context.sections.customer_facts import CustomerFacts
from cx_events.continuity_tokens import ISSUED
from cx_events.envelope import Identifier
from cx_events.facts import Fact
from cx_events.ids import text_of
from cx_events.stamp import StampedEvent
from cx_events.testing.builders import ACME, DAY, HOUR, MINUTE, SECOND, START, a_decision, a_fact, fact_of
from cx_events.testing.histories import facts_of, histories
from cx_identity.rules import DEFAULT

WINDOW = 72 * 3_600_000_000


def folded(known: CustomerFacts, facts: list[Fact]) -> CustomerFacts:
    """These facts alone, who is who as it was."""
    parts: dict[bytes, Part] = {}
    for fact in facts:
        if fact.part_id in parts:
            apply(parts[fact.part_id], fact)
        else:
            parts[fact.part_id] = new_part(fact)
    return replace(known, parts=[KeyedPart(*each) for each in parts.items()], latest=facts)


def paths(value: Any, path: Path = ()) -> Iterator[Path]:
    """Of every value of the document, containers too."""
    yield path
    if isinstance(value, list):
        value = by_key(value, pattern_of(path))
    if isinstance(value, dict):
        for key, item in value.items():
            yield from paths(item, (*path, key))


@examples(50)
@given(history=histories(min_size=4, max_size=24), seed=st.integers(0, 2**32))
def test_only_what_the_lineage_names_can_change_a_value(history: list[StampedEvent], seed: int) -> None:
    dice = random.Random(seed)
    whole = define(facts_of(history), ACME, DEFAULT)
    for known in whole.known.values():
        facts = list(known.latest)
        body = context_body(known, WINDOW)
        without = {
            fact.key: context_body(folded(known, [other for other in facts if other is not fact]), WINDOW)
            for fact in facts
        }
        every = list(paths(body))
        for path in dice.sample(every, min(25, len(every))):
            found = explain_value(CustomerHistory(known, facts, WINDOW), path)
            value = value_at(body, path)
            assert value is not MISSING
            changing = {key for key, other in without.items() if differ(value_at(other, path), value)}
            names = {fact.key for fact in found.facts}
            assert changing <= names, pointer_of(path)
            if len(names) == 1:
                assert names <= changing, pointer_of(path)
            assert found.feed.rule
            assert found.naming <= names


def differ(one: Any, other: Any) -> bool:
    return (one is MISSING) != (other is MISSING) or (one is not MISSING and one != other)


@examples(50)
@given(
    history=histories(min_size=4, max_size=16), second=st.integers(-1, 13), later=st.sampled_from((0, HOUR, 2 * DAY))
)
def test_a_diff_names_changed_values_and_their_events(history: list[StampedEvent], second: int, later: int) -> None:
    moment = START + second * SECOND + later
    for known in define(facts_of(history), ACME, DEFAULT).known.values():
        facts = list(known.latest)
        before = folded(known, [fact for fact in facts if fact.effective <= moment])
        window = [fact for fact in facts if fact.effective > moment]
        found = diff_contexts(before, CustomerHistory(known, facts, WINDOW), window, ())
        was, now = context_body(before, WINDOW), context_body(known, WINDOW)
        assert [(change.path, change.was, change.now) for change in found] == changed_values(was, now)
        assert bool(found) == (was != now) or not window
        for change in found:
            assert differ(value_at(was, change.path), value_at(now, change.path))
            assert set(change.facts) <= set(window)
            if len(window) == 1:
                assert list(change.facts) == window


def test_a_resolve_that_prevents_a_join_is_named() -> None:
    """Of two conversations that a third contact may continue the one that was active last has it, for as long as it was
    attended to within the window; without its resolve the other one would have had it."""

    def order(number: str) -> dict[str, object]:
        return {"references": [{"kind": "order", "value": number}]}

    ana = ACME.profile("email", "", "ana@example.com")

    def resolved(id: str, interaction: str, after: int) -> Fact:
        data = {"interaction": interaction, "channel": "chat", "reason": "done"}
        return fact_of(
            a_decision("cx.conversation.resolved.v1", id=id, about=ana, at=START + after * HOUR, data=data), ACME
        )

    facts = [
        a_fact(id="one", at=START, email="ana@example.com", interaction="chat-1", data=order("1")),
        resolved("r-1", "chat-1", 50),
        a_fact(id="two", at=START + HOUR, email="ana@example.com", interaction="chat-2", data=order("2")),
        resolved("r-2", "chat-2", 40),
        a_fact(id="three", at=START + 100 * HOUR, email="ana@example.com", interaction="chat-3"),
    ]
    (known,) = define(facts, ACME, DEFAULT).known.values()
    one = next(c for c in context_body(known, WINDOW)["conversations"] if "chat-1" in str(c["joined"]))
    assert len(one["joined"]) == 1
    named = explain_value(CustomerHistory(known, facts, WINDOW), ("conversations", one["id"], "last_at"))
    assert "r-2" in {fact.event.id for fact in named.facts}


# Events that move the start of a contact in another conversation, and by that alone this conversation.

NOW = START + 30 * DAY
ANA = ACME.profile("email", "", "ana@example.com")


def named_for(facts: list[Fact], interaction: str) -> set[str]:
    """The ids of the events that the conversation with this interaction has behind it, by its lineage."""
    (known,) = define(facts, ACME, DEFAULT).known.values()
    own = next(c for c in context_body(known, WINDOW)["conversations"] if interaction in str(c["joined"]))
    return {
        fact.event.id
        for fact in explain_value(CustomerHistory(known, facts, WINDOW), ("conversations", own["id"])).facts
    }


def written(id: str, contact: str, at: int, channel: str = "chat", **data: Any) -> Fact:
    return a_fact(id=id, interaction=contact, channel=channel, email="ana@example.com", at=at, data=data)


def read(id: str, contact: str, at: int) -> Fact:
    """A receipt: counted, so a contact may begin with it, but no activity."""
    return a_fact("cx.message.read.v1", id=id, interaction=contact, email="ana@example.com", at=at)


def order(number: str) -> dict[str, Any]:
    return {"references": [{"kind": "order", "value": number}]}


def decided(type: str, about: Fact, at: int, id: str = "", **data: Any) -> Fact:
    said = {"interaction": about.event.data.interaction, "conversation": {"id": text_of(about.part_id)}, **data}
    return fact_of(a_decision(type, id=id or f"{type}-{at}", about=about.stream_id, at=at, data=said), ACME)


@pytest.mark.parametrize("after", [SECOND, 3 * SECOND])
def test_first_words_that_delay_the_start_are_named(
    after: int,
) -> None:
    """The mail comes a window and a second after the first words: too late, but not for the receipt."""
    chat = [written("first", "chat", NOW), read("receipt", "chat", NOW + after)]
    mail = written("mail", "mail", NOW + WINDOW + SECOND, "email")
    assert "first" in named_for([*chat, mail], "mail")


def test_the_only_words_of_an_older_stretch_are_named() -> None:
    """What is said of the post is no activity: without its start that would be told with the comment of later."""
    post = a_fact("cx.interaction.started.v1", id="start", interaction="post", channel="social", crm="C-1", at=NOW)
    said = a_fact(
        "cx.identity.asserted.v1",
        id="said",
        interaction="post",
        channel="social",
        identifiers=[Identifier(kind="crm", value="C-1", weight="claimed")],  # as that of the post: of one part
        at=NOW,
        data={"note": "!"},
    )
    comment = a_fact(id="comment", interaction="post", channel="social", crm="C-1", text="Hi", at=NOW + 8 * DAY)
    facts = [post, said, comment]
    (known,) = define(facts, ACME, DEFAULT).known.values()
    older, newer = sorted(context_body(known, WINDOW)["conversations"], key=lambda each: each["opened_at"])
    for each, names in ((older, {"start"}), (newer, {"start", "comment"})):
        path = ("conversations", each["id"], "opened_at")
        found = {fact.event.id for fact in explain_value(CustomerHistory(known, facts, WINDOW), path).facts}
        assert names <= found


def test_first_words_before_a_tokens_issue_are_named() -> None:
    """The call used a token of an old chat about order 2. Had it begun after that was issued, that would have been its
    matter: it would have left the chat about order 1 alone and gone on with the parcel's."""
    old = written("old", "old", NOW - 20 * DAY, **order("2"))
    parcel, bill = written("parcel", "parcel", NOW - 3 * HOUR), written("bill", "bill", NOW - 2 * HOUR, **order("1"))
    facts = [
        old,
        parcel,
        decided("cx.conversation.topic.v1", parcel, NOW - 3 * HOUR, topic="parcel"),
        bill,
        decided("cx.conversation.topic.v1", bill, NOW - 2 * HOUR, topic="bill"),
        written("call", "call", NOW),
        decided(
            ISSUED, old, NOW + MINUTE, "thr-aaaaaaaaaaaaaaaa", token={"id": "thr-aaaaaaaaaaaaaaaa", "lifetime_s": DAY}
        ),
        written("again", "call", NOW + 2 * MINUTE, references=[{"kind": "token", "value": "thr-aaaaaaaaaaaaaaaa"}]),
    ]
    assert "call" in named_for(facts, "parcel")


def test_first_words_before_a_quoted_message_are_named() -> None:
    """Within one second the thread goes on, the chat begins, the thread gets the message that its older stretch about
    order 1 quotes, the chat says more. Had the chat, about order 2, begun then, it would have left the thread alone."""
    parcel = written("parcel", "parcel", NOW - 3 * HOUR)
    again = written("thread-2", "dm", NOW, "social")
    quote = {"id": "m-1", "text": "!", "in_reply_to": "m-2"}
    facts = [
        written("thread-1", "dm", NOW - 20 * DAY, "social", message=quote, **order("1")),
        parcel,
        decided("cx.conversation.topic.v1", parcel, NOW - 3 * HOUR, topic="parcel"),
        again,
        decided("cx.conversation.topic.v1", again, NOW, topic="bill"),
        written("chat", "chat", NOW + 200_000),
        written("quoted", "dm", NOW + 400_000, "social", message={"id": "m-2", "text": "!"}),
        written("thread-3", "dm", NOW + 2 * MINUTE, "social"),
        written("chat-2", "chat", NOW + 600_000),
        written("chat-3", "chat", NOW + MINUTE, **order("2")),
    ]
    assert "chat" in named_for(facts, "parcel")


def test_every_section_has_its_rule() -> None:
    assert {path[0] for path in PROVENANCE if path} == set(VIEWS)
    assert {name for feed in PROVENANCE.values() for name in feed.fields} <= set(Part.__struct_fields__)
    assert provenance_of(("conversations", "x")).fields > provenance_of(("conversations", "x", "topic")).fields


def test_every_customer_conversation_and_count_member_has_provenance() -> None:
    (known,) = define([a_fact(id="one", email="ana@example.com", interaction="chat-1")], ACME, DEFAULT).known.values()
    body = context_body(known, WINDOW)
    shown = {
        *(("customer", member) for member in body["customer"]),
        *(("conversations", "*", member) for member in body["conversations"][0]),
        *(("counts", member) for member in body["counts"]),
    }
    assert not shown - PROVENANCE.keys()


@pytest.mark.parametrize("text", ["x", "/a~", "/a~2", "~1"])
def test_an_invalid_pointer_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="JSON Pointer"):
        parse_pointer(text)


@given(st.lists(st.text(), max_size=5))
def test_a_pointer_says_the_path(path: list[str]) -> None:
    assert parse_pointer(pointer_of(path)) == tuple(path)


def test_items_are_addressed_by_key_or_index() -> None:
    notes = [{"time": "t2", "text": "b"}, {"time": "t1", "text": "a2"}, {"time": "t1", "text": "a1"}]
    body = {"conversations": [{"id": "c/1", "notes": notes}], "counts": {}}
    assert value_at(body, parse_pointer("/conversations/c~11/notes/t1/text")) == "a1"
    assert value_at(body, parse_pointer("/conversations/c~11/notes/t1(2)/text")) == "a2"
    assert find_value(body, ("conversations", "0", "notes", "0"))[1] == ("conversations", "c/1", "notes", "t2")
    assert find_value(body, ("conversations", "c/1", "nots", "x")) == (MISSING, ("conversations", "c/1"))
    assert ("conversations",) in KEYS

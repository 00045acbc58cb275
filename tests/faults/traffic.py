"""A contact center's traffic, the same at every run: people under several names, calls whose later callbacks name
nobody, one customer with far more than the others, merges and their withdrawal, deliveries that come twice."""

from __future__ import annotations

import random
from collections.abc import Iterator

from cx_events.facts import decision_source
from cx_events.ids import IdSpace, text_of
from cx_events.stamp import StampedEvent
from cx_events.testing.builders import SECOND, START, a_decision, an_event

EVENTS_PER_PERSON = 100
CONTACTS = 5
EVERY_HOT = 20
MERGES = 0.002
REPEATED = 0.01


def traffic(events: int, ids: IdSpace, seed: int = 1) -> Iterator[StampedEvent]:
    """At least ``events`` records, in the order in which they are recorded; about one in a hundred is a repetition."""
    dice = random.Random(seed)
    people = max(events // EVENTS_PER_PERSON, 4)
    recent: list[StampedEvent] = []
    merged: list[str] = []
    for number in range(events):
        person = 0 if number % EVERY_HOT == 0 else dice.randrange(people)
        if dice.random() < MERGES:
            made = _decided(number, person, (person + 1) % people, merged, ids, dice)
        else:
            made = _happened(number, person, ids, dice)
        yield made
        recent.append(made)
        if dice.random() < REPEATED:
            yield dice.choice(recent[-500:])


def _happened(number: int, person: int, ids: IdSpace, dice: random.Random) -> StampedEvent:
    """Time goes on by a tenth of a second; some reports come late."""
    recorded = START + number * SECOND // 10
    at = recorded - dice.choice((0, 0, 0, 1, 30)) * SECOND
    contact = dice.randrange(CONTACTS)
    kind = dice.randrange(4)
    if kind == 0:
        who = {"cookie": f"c-{person}-{dice.randrange(3)}"}
        if dice.random() < 0.3:
            who["email"] = f"person{person}@example.com"
        text = f"word {number}"
        return an_event(id=f"e-{number}", **who, interaction=f"chat-{person}-{contact}", text=text, at=at, ids=ids)
    if kind == 1:
        who = {"phone": f"+1555010{person % 10_000:04}"} if dice.random() < 0.4 else {}
        type = dice.choice(("cx.interaction.started.v1", "cx.interaction.answered.v1", "cx.interaction.ended.v1"))
        return an_event(
            type,
            id=f"e-{number}",
            source="//acme.example/voice",
            channel="voice",
            interaction=f"call-{person}-{contact}",
            at=at,
            recorded=recorded,
            data={"agent": {"id": f"agent-{number % 30}"}} if "answered" in type else {},
            ids=ids,
            **who,
        )
    if kind == 2:
        return an_event(
            id=f"e-{number}",
            source="//acme.example/mail",
            channel="email",
            email=f"person{person}@example.com",
            crm=f"C-{person}" if dice.random() < 0.2 else "",
            interaction=f"mail-{person}-{contact}",
            text=f"word {number}",
            at=at,
            recorded=recorded,
            ids=ids,
        )
    return an_event(
        "cx.survey.answered.v1",
        id=f"e-{number}",
        email=f"person{person}@example.com",
        at=at,
        recorded=recorded,
        data={"survey": {"metric": "nps", "score": number % 11}},
        ids=ids,
    )


def _decided(
    number: int, person: int, other: int, merged: list[str], ids: IdSpace, dice: random.Random
) -> StampedEvent:
    """Two people are one, or were said to be by mistake."""
    recorded = START + number * SECOND // 10
    a, b = (ids.profile("email", "", f"person{each}@example.com") for each in (person, other))
    fields = {"agent": {"id": "agent-1"}, "reason": "same person"}
    if merged and dice.random() < 0.4:
        decision = merged.pop(dice.randrange(len(merged)))
        fields |= {"identity": {"decision": f"{decision_source(ids.tenant)}#{decision}"}}
        type = "cx.identity.unmerged.v1"
    else:
        merged.append(f"d-{number}")
        fields |= {"identity": {"a": text_of(a), "b": text_of(b)}}
        type = "cx.identity.merged.v1"
    return a_decision(type, id=f"d-{number}", about=a, at=recorded, data=fields, ids=ids)

"""Find the events that can't be folded, and make the part of those that can.

An event is *unfoldable* if a function of the event alone says so: a part is made of it and encoded, or what it says
about identity is worked out, and one of these raises, or yields a text that a store can't hold. Such an event stays
stored, marked with its fault, and has no part, profile, edge or decision. Since nothing but the event is asked, the
same events are left out in any order of arrival.

The part of several events is the sum of the parts of each (``parts.merge.merge``). ``fold.apply`` adds an event in
place and must come to the same; where it raises though the event can be folded alone, the sum is made by merging. So no
event is left out for what else its part holds.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Iterator

import msgspec

from cx_context.fold import apply, new_part
from cx_context.parts.event_kinds import makes_part
from cx_context.parts.merge import merge
from cx_context.parts.model import Part
from cx_events.errors import Refused
from cx_events.facts import Fact
from cx_events.ids import IdSpace
from cx_identity.decisions import decision_of
from cx_identity.evidence import links_of
from cx_identity.model import Decision, evidence_of
from cx_identity.rules import RulesChange

NOT_FOLDED = "not folded: "
"""How the problem of a stored event begins that no part, profile, edge or decision is made of."""

_encode = msgspec.msgpack.Encoder().encode


def is_left_out(problem: str | None) -> bool:
    """Return whether a stored event with this problem is in no part and says nothing about identity."""
    return problem is not None and problem.startswith(NOT_FOLDED)


def fault_of(fact: Fact, ids: IdSpace) -> str | None:
    """Return why an event is unfoldable, as the stored event's problem; None for one that can be folded.

    A decision that does not say what it decides is foldable: it decides nothing (``decision_of`` refuses it).
    """
    try:
        for text in _texts(fact, ids):
            if "\0" in text:
                return f"{NOT_FOLDED}a name holds NUL"
            text.encode()
    except MemoryError:
        raise
    except Exception as error:
        return NOT_FOLDED + told(error)
    return None


def told(error: BaseException) -> str:
    """Return the error's type and the function that raised it. Its message may hold an address or the order of a set,
    which differ from one process to the next."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" in {frames[-1].name}" if frames and not isinstance(error, RecursionError) else ""
    return f"{type(error).__name__}{where}"


def _texts(fact: Fact, ids: IdSpace) -> Iterator[str]:
    """Work everything out that is made of an event; yield the texts that go into columns of their own."""
    yield from (fact.event.source, fact.event.id)
    if makes_part(fact.event.type):
        _encode(new_part(fact))
        named = links_of(fact, ids)
        for profile in named.profiles:
            yield from (profile.kind, profile.scope, profile.value)
        for edge in named.edges:
            yield from (tie.rule for tie in evidence_of(edge))
        return
    try:
        decision = decision_of(fact, ids)
    except Refused:
        return
    if isinstance(decision, Decision):
        yield from (decision.withdraws, decision.reason)
    elif isinstance(decision, RulesChange):
        yield msgspec.json.encode(decision.rules.as_mapping()).decode()


Add = Callable[[Part, Fact], Part]
"""Add an event to a part, and return the part of both. The part given may be changed, too."""


def in_place(part: Part, fact: Fact) -> Part:
    """Add an event as quickly as can be. Where it raises, ``part`` is left half changed."""
    apply(part, fact)
    return part


def by_merging(part: Part, fact: Fact) -> Part:
    """Add an event that can be folded alone; raises nothing, and leaves ``part`` as it was."""
    return merge(part, new_part(fact))


def part_of(facts: Iterable[Fact]) -> Part:
    """Return the part of one or more foldable events of one part id."""
    facts = list(facts)
    try:
        return _sum(facts, in_place)
    except MemoryError:
        raise
    except Exception:
        return _sum(facts, by_merging)


def _sum(facts: list[Fact], add: Add) -> Part:
    part = new_part(facts[0])
    for fact in facts[1:]:
        part = add(part, fact)
    return part

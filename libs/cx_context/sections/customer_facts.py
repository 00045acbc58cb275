"""Hold all that a context is made of: one customer's profiles, parts and latest events."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from cx_context.parts.header import ReadWords
from cx_context.parts.keyed_parts import KeyedPart
from cx_context.parts.model import Part
from cx_context.sections.candidates import NO_REFUSED_CLAIMS, RefusedClaims
from cx_context.sections.members import Member
from cx_context.sections.proofs import Lifetimes
from cx_events.directory import NO_DIRECTORY, Directory
from cx_events.facts import Fact


@dataclass(frozen=True, slots=True)
class CustomerFacts:
    """All that one customer's facts add up to. ``latest``: the latest facts for the timeline, in any order. ``words``:
    given where the parts are outlines. ``claims``: those that join nobody, with an end among the members, and that
    nobody settled. ``lifetimes``: the rule ``proof_lifetime`` in force.
    ``assured``: what only a claim ties was left out, and what is said about the customer by a claim is to be;
    ``left_out``: the parts that were. ``directory``: who the agents and queues are that parts and facts name."""

    customer: bytes
    members: Sequence[Member]
    parts: Sequence[KeyedPart]
    latest: Iterable[Fact]
    words: ReadWords | None = None
    claims: RefusedClaims = NO_REFUSED_CLAIMS
    lifetimes: Lifetimes = field(default_factory=dict)
    assured: bool = False
    left_out: Sequence[Part] = ()
    directory: Directory = NO_DIRECTORY

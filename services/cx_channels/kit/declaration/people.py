"""Hold declared participants to the rules: an identifier weighs what the authentication allows, and nobody is two
people.

Every identifier states its weight, ``claimed`` unless the declaration says more: else the type of an event would lend
it one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from cx_channels.kit.declaration.expressions import compile_value, constant
from cx_channels.kit.declaration.mistakes import Place, listed
from cx_channels.kit.declaration.scope import Read, Unusable
from cx_events.envelope import Identifier, Participant, Weight
from cx_events.weights import CLAIMED, WEIGHT_RANKS, weight_rank

_LEAST_DIGITS = 7
_END = 4


class Member(NamedTuple):
    """A compiled member of a struct. ``varies``: whether something of it comes from the notice."""

    name: str
    read: Read
    varies: bool


def compile_weight(given: Mapping[str, Any], strongest: Weight, place: Place) -> Member:
    """Return an identifier's weight: a constant, or an operator whose outcomes are all weights."""
    if "weight" not in given:
        return Member("weight", constant(CLAIMED).read, False)
    at = place.at("weight")
    weight = compile_value(given["weight"], at)
    outcomes = weight.outcomes
    if not outcomes or not outcomes <= WEIGHT_RANKS.keys():
        at.wrong(f"expected one of {listed(WEIGHT_RANKS)}, as constants: the notice itself must not choose it freely")
        return Member("weight", constant(CLAIMED).read, False)
    for each in sorted(outcomes, key=weight_rank):
        if weight_rank(each) < weight_rank(strongest):
            needs = "a signature that covers the body (authentication.hmac)" if each == "proved" else "authentication"
            at.wrong(f"{each!r} needs {needs}; here nothing may be more than {strongest!r}")
            break
    read = weight.read
    return Member("weight", lambda s: read(s) or CLAIMED, not weight.is_constant)


def check_kind(given: Mapping[str, Any], place: Place) -> None:
    """Note a mistake unless an identifier's kind is a constant: what decides who is who must not come from outside."""
    kind = given.get("kind")
    if kind is not None and not compile_value(kind, Place("")).is_constant:
        place.at("kind").wrong("the kind of an identifier is a constant, like phone")


def check_apart(participants: Iterable[Participant]) -> None:
    """Raise ``Unusable`` where the same identifier is a customer's and somebody else's: nobody can tell who is who."""
    customers: list[Identifier] = []
    others: list[Identifier] = []
    for each in participants:
        (customers if each.role == "customer" else others).extend(each.identifiers)
    for one in customers:
        for other in others:
            if one.kind == other.kind and one.scope.strip() == other.scope.strip() and _may_be_same(one, other):
                raise Unusable("nobody-is-both", f"one {one.kind[:40]} is a customer's and a {one.kind[:40]} of others")


def _may_be_same(one: Identifier, other: Identifier) -> bool:
    """Return whether two values may be one, however each is written; of numbers, with and without their country."""
    ends = one.value[-_END:].lower(), other.value[-_END:].lower()
    if ends[0] != ends[1] and all(end.isascii() and end.isalnum() and len(end) == _END for end in ends):
        return False
    a, b = _letters(one.value), _letters(other.value)
    if a == b:
        return True
    shorter = min(len(a), len(b))
    return one.kind == "phone" and shorter >= _LEAST_DIGITS and a[-shorter:] == b[-shorter:]


def _letters(value: str) -> str:
    return "".join(each for each in value.lower() if each.isalnum()).lstrip("0")

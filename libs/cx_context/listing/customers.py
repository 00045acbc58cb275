"""Make a customer's row of search, and the words by which they are found. Pure.

Found are names, mail addresses, numbers by any of their parts, order and case numbers, and the ids of other systems.
Cookies are not: they name a browser, and nobody looks for one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

import msgspec
from msgspec import Struct

from cx_context.listing.conversations import OPEN, ListedConversation
from cx_context.listing.words import MOST_QUERY, MOST_WORD, MOST_WORDS, Range, digits_in, highlights, query_of, words_of
from cx_context.sections.customer import display_name, strongest_first
from cx_context.sections.section_inputs import Rendering
from cx_context.threading.shared_references import MATTER_KINDS
from cx_events.timestamps import Micros

IDENTIFIERS_LISTED = 50
MATTERS_LISTED = 100
NAMES_LISTED = 20
NUMBER_KINDS = frozenset({"phone", "whatsapp"})
LEAST_DIGITS = 3
"""Digits of a number that a query must have at least."""

_NUMBER = re.compile(r"[+0-9(][0-9 ()./+-]{2,}")


class Value(NamedTuple):
    """A value by which a customer is found. ``kind``: ``name``, an identifier's kind, ``order`` or ``case``."""

    kind: str
    value: str


class ShownCustomer(Struct, array_like=True):
    """The rest of what search shows of a customer. ``weight``: what the name weighs, None of an identifier."""

    display: str | None
    weight: str | None
    values: list[Value]
    open: int
    waiting: Micros | None


class ListedCustomer(NamedTuple):
    """A row. ``last``: of the latest activity, 0 without any. ``words``: sorted."""

    last: Micros
    words: tuple[str, ...]
    shown: bytes


def listed_customer(of: Rendering, conversations: Iterable[ListedConversation]) -> ListedCustomer:
    """Return a customer's row."""
    listed = list(conversations)
    name, weight = display_name(of)
    members = strongest_first(of.members)
    values = [Value("name", each) for each in _names(of, name)]
    values += [Value(each.kind, each.value) for each in members[:IDENTIFIERS_LISTED] if each.kind != "cookie"]
    values += _matters(of)
    words: dict[str, None] = {}
    for value in values:
        words.update(dict.fromkeys(words_of_value(value)))
    open_ones = [each for each in listed if each.state == OPEN]
    shown = ShownCustomer(
        name if name is not None else next((each.value for each in members), None),
        weight,
        values,
        len(open_ones),
        min((each.waiting for each in open_ones if each.waiting is not None), default=None),
    )
    last = max((each.last for each in listed), default=0)
    return ListedCustomer(last, tuple(sorted(list(words)[:MOST_WORDS])), msgspec.msgpack.encode(shown))


def _names(of: Rendering, display: str | None) -> list[str]:
    """Return what the customer is called, then what they were called, the latest first."""
    said = {part.name for part in of.deciding_parts if part.name is not None}
    latest = [name for _, name in sorted(said, reverse=True)]
    return list(dict.fromkeys([*([display] if display is not None else []), *latest]))[:NAMES_LISTED]


def _matters(of: Rendering) -> list[Value]:
    """Return the order and case numbers, those named last first."""
    first: dict[Value, Micros] = {}
    for part in of.parts:
        for key, at in part.references.items():
            kind, _, value = key.partition("\n")
            if kind in MATTER_KINDS:
                first[Value(kind, value)] = max(at, first.get(Value(kind, value), at))
    return sorted(first, key=lambda value: (first[value], value), reverse=True)[:MATTERS_LISTED]


def words_of_value(value: Value) -> list[str]:
    """Return the words by which a value is found: of a number each of its ends, so that any part begins one."""
    if value.kind in NUMBER_KINDS:
        digits = digits_in(value.value)[:MOST_WORD]
        if len(digits) >= LEAST_DIGITS:
            return [digits[at:] for at in range(len(digits) - LEAST_DIGITS + 1)]
    words = words_of(value.value)
    if value.kind == "name":
        return words
    whole = "".join(words)[:MOST_WORD]
    plain = [each.lstrip("0") for each in (*words, whole) if each.isdecimal()]
    return list(dict.fromkeys([*words, whole, *(each for each in plain if each)]))


def customer_query(text: str) -> tuple[str, ...]:
    """Return the words that a customer must have, each as the beginning of one. What looks like a number is one word
    of its digits, without zeros in front, however it is written."""
    text = text[:MOST_QUERY].strip()
    digits = digits_in(text).lstrip("0")
    if _NUMBER.fullmatch(text) is not None and len(digits) >= LEAST_DIGITS:
        return (digits,)
    return query_of(text).words


def matching(shown: ShownCustomer, words: Iterable[str]) -> list[tuple[Value, list[Range]]]:
    """Return the values in which a query's words stand, and where."""
    wanted = list(words)
    found = []
    for value in shown.values:
        ranges = highlights(value.value, wanted)
        if not ranges and any(each.isdecimal() for each in wanted):
            ranges = _digits_at(value.value, [each for each in wanted if each.isdecimal()])
        if ranges:
            found.append((value, ranges))
    return found


def _digits_at(text: str, wanted: Iterable[str]) -> list[Range]:
    places = [at for at, character in enumerate(text) if character.isdigit()]
    digits = digits_in(text)
    found = [(digits.find(each), len(each)) for each in wanted]
    return [Range(places[at], places[at + length - 1] + 1) for at, length in found if at >= 0]

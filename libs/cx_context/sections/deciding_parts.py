"""Find the parts that decide what is said of the customer, among thousands that other parts outdo.

A part decides where it holds the last value of something that is said of the customer at all, or anything that later
words do not take the place of. What ``customer`` shows is the same of the deciding parts as of all; and of the deciding
parts of several groups as of those of all parts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Any

from cx_context.parts.keyed_parts import order_of
from cx_context.parts.model import Part
from cx_context.parts.values import At

_about_customers = attrgetter(
    "name", "attributes", "preferences", "proofs", "assertions", "verifications", "grants", "refusals"
)


def parts_about_customers(parts: Iterable[Part]) -> list[Part]:
    """Return those parts that say anything of the customer; most tell of a contact alone."""
    return [part for part in parts if any(_about_customers(part))]


def deciding_parts(parts: Sequence[Part]) -> list[Part]:
    """Return those parts, in the order given.

    They are the last by each weight of each identifier with a name, an attribute or a preference; the last that prove,
    assert or verify an identifier, by method; and all that grant or refuse consent.
    """
    last: dict[tuple[Any, ...], tuple[tuple[Any, ...], int]] = {}
    deciding: set[int] = set()
    for place, part in enumerate(parts):
        if part.grants or part.refusals:
            deciding.add(place)
        for key, at in _said(part):
            order = order_of(part, at)
            known = last.get(key)
            if known is None or order > known[0]:
                last[key] = (order, place)
    deciding.update(place for _, place in last.values())
    return [parts[place] for place in sorted(deciding)]


def _said(part: Part) -> Iterator[tuple[tuple[Any, ...], At]]:
    """Yield what a part says, each as a key that later words of the same weight replace, and when."""
    who = (part.identifier, part.weight)
    if part.name is not None:
        yield ("name", *who), part.name[0]
    for field, registers in (("attributes", part.attributes), ("preferences", part.preferences)):
        for key, register in registers.items():
            yield (field, *who, key), register[0]
    for field, registers in (("proofs", part.proofs), ("assertions", part.assertions)):
        for key, register in registers.items():
            yield (field, key), register[0]
    for key, at in part.verifications.items():
        yield ("verified", key), at

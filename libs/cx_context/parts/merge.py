"""Merge parts into one, field by field, by each field's declared rule (``cx_context.parts.rules``)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import compress
from operator import attrgetter
from types import MappingProxyType
from typing import Any, NamedTuple, get_type_hints

from cx_context.parts.model import Part
from cx_context.parts.rules import MergeRule


def _rules() -> Iterable[tuple[str, MergeRule]]:
    hints = get_type_hints(Part, include_extras=True)
    for name in Part.__struct_fields__:
        yield name, next(extra for extra in hints[name].__metadata__ if isinstance(extra, MergeRule))


MERGE_RULES: Mapping[str, MergeRule] = MappingProxyType(dict(_rules()))


class PartField(NamedTuple):
    """A field of parts. Unless its rule says ``always``, values that are false say nothing."""

    name: str
    rule: MergeRule


PART_FIELDS = tuple(PartField(name, rule) for name, rule in MERGE_RULES.items())


class PartFields:
    """Fields that are combined together: read by one call for each part, since most parts say nothing in most."""

    __slots__ = ("always", "always_of", "sparse", "sparse_of")

    def __init__(self, fields: Iterable[PartField]) -> None:
        every = list(fields)
        self.always = tuple(field for field in every if field.rule.always)
        self.sparse = tuple(field for field in every if not field.rule.always)
        self.always_of = _reading(self.always)
        self.sparse_of = _reading(self.sparse)


def _reading(fields: Sequence[PartField]) -> Callable[[Part], tuple[Any, ...]]:
    names = [field.name for field in fields]
    return attrgetter(*names) if len(names) > 1 else lambda part: tuple(getattr(part, name) for name in names)


ALL_FIELDS = PartFields(PART_FIELDS)


def merge(one: Part, other: Part) -> Part:
    """Return the part of both sets of facts. In most fields one of the two says nothing."""
    total = Part()
    fields = ALL_FIELDS
    for (name, rule), a, b in zip(fields.always, fields.always_of(one), fields.always_of(other), strict=True):
        setattr(total, name, rule.pair(a, b))
    for (name, rule), a, b in zip(fields.sparse, fields.sparse_of(one), fields.sparse_of(other), strict=True):
        if b:
            setattr(total, name, rule.pair(a, b) if a else b)
        elif a:
            setattr(total, name, a)
    return total


def combine(parts: Iterable[Part]) -> Part:
    """Return the part of all; an empty one of none. Many are combined by field, since most parts say nothing in it."""
    given = list(parts)
    if len(given) < 2:
        return given[0] if given else Part()
    if len(given) == 2:
        return merge(*given)
    total = Part()
    combine_fields(total, given, ALL_FIELDS)
    return total


def combine_fields(total: Part, parts: Sequence[Part], fields: PartFields) -> None:
    """Set these fields of ``total``, where they say nothing, to what all parts say, one at least."""
    for (name, rule), values in zip(fields.always, zip(*map(fields.always_of, parts), strict=True), strict=True):
        setattr(total, name, _combine_values(rule, list(values)))
    columns = list(zip(*map(fields.sparse_of, parts), strict=True))
    for (name, rule), values in compress(zip(fields.sparse, columns, strict=True), map(any, columns)):
        setattr(total, name, _combine_values(rule, list(filter(None, values))))


def _combine_values(rule: MergeRule, values: list[Any]) -> Any:
    """Combine in one go where that is cheaper, else in pairs, so that what grows is not copied for each value."""
    if len(values) == 1:
        return values[0]
    if rule.many is not None:
        return rule.many(values)
    pair = rule.pair
    while len(values) > 1:
        values = [pair(*values[at : at + 2]) if at + 1 < len(values) else values[at] for at in range(0, len(values), 2)]
    return values[0]

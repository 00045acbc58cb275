"""Parts into one, field by field, by the merge rule that each field is declared with (``cx_context.parts.rules``)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter
from types import MappingProxyType
from typing import Any, NamedTuple, get_type_hints

from cx_context.parts.model import Part
from cx_context.parts.rules import MergeRule

_EMPTY = Part()
_NEVER = object()


def _rules() -> Iterable[tuple[str, MergeRule]]:
    hints = get_type_hints(Part, include_extras=True)
    for name in Part.__struct_fields__:
        yield name, next(extra for extra in hints[name].__metadata__ if isinstance(extra, MergeRule))


MERGE_RULES: Mapping[str, MergeRule] = MappingProxyType(dict(_rules()))


class PartField(NamedTuple):
    """A field of parts. ``value``: reads it. ``nothing``: the value that says nothing."""

    name: str
    value: Callable[[Part], Any]
    rule: MergeRule
    nothing: Any


PART_FIELDS = tuple(
    PartField(name, attrgetter(name), rule, _NEVER if rule.always else getattr(_EMPTY, name))
    for name, rule in MERGE_RULES.items()
)
_values = attrgetter(*MERGE_RULES)
_PAIRS = tuple((each.name, each.rule.pair, each.nothing) for each in PART_FIELDS)


def merge(one: Part, other: Part) -> Part:
    """Return the part of both sets of facts. In most fields one of the two says nothing."""
    total = Part()
    for (name, pair, nothing), a, b in zip(_PAIRS, _values(one), _values(other), strict=True):
        if b != nothing:
            setattr(total, name, pair(a, b) if a != nothing else b)
        elif a != nothing:
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
    combine_fields(total, given, PART_FIELDS)
    return total


def combine_fields(total: Part, parts: Sequence[Part], fields: Iterable[PartField]) -> None:
    """Set these fields of ``total``, where they say nothing, to what all parts say."""
    for name, value, rule, nothing in fields:
        said = map(value, parts)
        if nothing is None:
            values = [each for each in said if each is not None]
        else:
            values = list(said if nothing is _NEVER else filter(None, said))
        if values:
            setattr(total, name, values[0] if len(values) == 1 else _combine_values(rule, values))


def _combine_values(rule: MergeRule, values: list[Any]) -> Any:
    """Combine in one go where that is cheaper, else in pairs, so that what grows is not copied for each value."""
    if rule.many is not None:
        return rule.many(values)
    pair = rule.pair
    while len(values) > 1:
        values = [pair(*values[at : at + 2]) if at + 1 < len(values) else values[at] for at in range(0, len(values), 2)]
    return values[0]

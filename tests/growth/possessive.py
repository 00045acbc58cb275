"""Find possessive repetitions that Python before 3.11.5 matches wrongly.

There an iteration that fails after it has consumed some characters does not give them back (python/cpython 106052):
``(?:ab?c)++`` matches ``aca`` whole. Debian 12 has Python 3.11.2. An iteration that begins by looking at all that it
needs, ``(?:(?=ab?c)ab?c)++``, fails before it has consumed anything.
"""

from __future__ import annotations

import re
import re._constants as c
import re._parser as parser
from collections.abc import Iterator
from typing import Any

_REPEATS = (c.MAX_REPEAT, c.MIN_REPEAT, c.POSSESSIVE_REPEAT)
_NOTHING = (c.AT, c.ASSERT, c.ASSERT_NOT)
_Item = tuple[Any, Any]


def wrong_repetitions(pattern: re.Pattern[Any]) -> int:
    """Return how many repetitions of a pattern may keep what an iteration consumed that failed."""
    tree = list(parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG))
    return sum(
        any(_fails_midway(sequence) for sequence in _sequences(item)) for item in _all(tree) if _is_possessive(item)
    )


def _is_possessive(item: _Item) -> bool:
    return item[0] in (c.POSSESSIVE_REPEAT, c.ATOMIC_GROUP)


def _sequences(item: _Item) -> list[list[_Item]]:
    """Return the sequences that an item is made of: of a choice each, of a character none."""
    kind, value = item
    if kind in _REPEATS:
        return [list(value[2])]
    if kind is c.BRANCH:
        return [list(each) for each in value[1]]
    if kind is c.SUBPATTERN:
        return [list(value[3])]
    if kind is c.ATOMIC_GROUP:
        return [list(value)]
    return []


def _all(sequence: list[_Item]) -> Iterator[_Item]:
    for item in sequence:
        yield item
        inner = [list(item[1][1])] if item[0] in (c.ASSERT, c.ASSERT_NOT) else _sequences(item)
        for each in inner:
            yield from _all(each)


def _may_fail(item: _Item) -> bool:
    kind, value = item
    if kind in _REPEATS:
        return value[0] > 0 and any(map(_may_fail, value[2]))
    if kind is c.BRANCH:
        return all(any(map(_may_fail, each)) for each in value[1])
    if kind in (c.SUBPATTERN, c.ATOMIC_GROUP):
        return any(map(_may_fail, _sequences(item)[0]))
    return True


def _fails_midway(sequence: list[_Item]) -> bool:
    """Return whether a sequence may fail after it has consumed something, unless it begins with a look ahead."""
    if sequence and sequence[0][0] is c.ASSERT and sequence[0][1][0] > 0:
        return False
    has_consumed = False
    for item in sequence:
        if has_consumed and _may_fail(item):
            return True
        is_restored = item[0] in _REPEATS and item[1][0] == 0 and not _is_possessive(item)
        if not is_restored and any(_fails_midway(each) for each in _sequences(item)):
            return True
        has_consumed = has_consumed or item[0] not in _NOTHING
    return False

"""The telephone numbers that a connection's setting lists: whole, or with ``*`` for anything."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

from cx_events.envelope import Identifier
from cx_events.identifiers import normalise

_SEPARATORS = re.compile(r"[\s().+-]+")
_CACHED = 4096


def lists(settings: Mapping[str, Any], name: str, number: str, region: str | None) -> bool:
    """Return whether the setting lists a number or name, whatever its separators; YAML reads +49... as a number."""
    given = settings.get(name)
    if not given or not number:
        return False
    values = given if isinstance(given, list | tuple) else (given,)
    return _has(tuple(str(each) for each in values if each), number, region)


@lru_cache(_CACHED)
def _has(values: tuple[str, ...], number: str, region: str | None) -> bool:
    bare = _bare(number)
    if any(fnmatchcase(bare, _bare(each)) for each in values):
        return True
    normal = _normal(number, region)
    return bool(normal) and any(normal == _normal(each, region) for each in values)


def _normal(text: str, region: str | None) -> str:
    found = normalise(Identifier(kind="phone", value=text), region)
    return "" if found.unusable else found.value.partition(";")[0]


def _bare(text: str) -> str:
    return _SEPARATORS.sub("", text.lower())

"""Address values in the document: JSON Pointers (RFC 6901) that name list items by key.

An index may name another item tomorrow, so a path is ``/conversations/{id}/topic``. Where ``KEYS`` has a pattern, an
item is known by its key; equal keys are told apart by ``(2)``, ``(3)``, counted from the last item. A number is read as
an index where no item has it as its key.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

Path = tuple[str, ...]
"""A pointer's tokens, unescaped."""

MISSING: Any = type("Missing", (), {"__repr__": lambda _: "MISSING"})()

KEYS: Mapping[Path, Callable[[Any], str]] = MappingProxyType(
    {
        ("customer", "aliases"): str,
        ("customer", "identifiers"): lambda item: item["profile"],
        ("customer", "consent"): lambda item: item["purpose"] + (f"@{item['channel']}" if item["channel"] else ""),
        ("conversations",): lambda item: item["id"],
        ("conversations", "*", "aliases"): str,
        ("conversations", "*", "channels"): str,
        ("conversations", "*", "messages"): lambda item: f"{item['time']}@{item['interaction']}",
        ("conversations", "*", "notes"): lambda item: item["time"],
        ("conversations", "*", "promises"): lambda item: f"{item['event']['source']}#{item['event']['id']}",
        ("conversations", "*", "bot", "trail"): lambda item: item["time"],
        ("conversations", "*", "references"): lambda item: f"{item['kind']}:{item['value']}",
        ("conversations", "*", "tokens"): lambda item: item["id"],
        ("conversations", "*", "tokens", "*", "uses"): lambda item: item["interaction"],
        ("conversations", "*", "verified"): lambda item: f"{item['kind']}:{item['value']}",
        ("conversations", "*", "joined"): lambda item: item["interaction"],
        ("glance", "promises"): lambda item: f"{item['event']['source']}#{item['event']['id']}",
        ("glance", "known"): lambda item: item["name"],
        ("sentiment", "history"): lambda item: f"{item['event']['source']}#{item['event']['id']}",
        ("timeline",): lambda item: f"{item['event']['source']}#{item['event']['id']}",
        ("unresolved",): lambda item: item["conversation"],
        ("unresolved", "*", "channels"): str,
    }
)
"""The key of a list's items, by the list's path; ``*`` stands for an item of a list above it."""

_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")
_ESCAPE = re.compile(r"~(?![01])")


def parse_pointer(pointer: str) -> Path:
    """Return a pointer's tokens. Raise ``ValueError`` for what is no JSON Pointer."""
    if not pointer:
        return ()
    if not pointer.startswith("/") or _ESCAPE.search(pointer) is not None:
        raise ValueError("expected a JSON Pointer like /conversations/{id}/topic (~ is ~0, / is ~1)")
    return tuple(token.replace("~1", "/").replace("~0", "~") for token in pointer[1:].split("/"))


def pointer_of(path: Sequence[str]) -> str:
    """Return the pointer of a path, escaped."""
    return "".join("/" + token.replace("~", "~0").replace("/", "~1") for token in path)


def pattern_of(path: Path) -> Path:
    """Return the path with each item of a keyed list as ``*``."""
    pattern: list[str] = []
    for token in path:
        pattern.append("*" if tuple(pattern) in KEYS else token)
    return tuple(pattern)


def by_key(items: Sequence[Any], pattern: Path) -> dict[str, Any]:
    """Return a list's items by key, in the list's order; by index where the list is the client's own."""
    key_of = KEYS.get(pattern)
    if key_of is None:
        return {str(index): item for index, item in enumerate(items)}
    seen: dict[str, int] = {}
    keys = []
    for item in reversed(items):
        key = key_of(item)
        seen[key] = seen.get(key, 0) + 1
        keys.append(key if seen[key] == 1 else f"{key}({seen[key]})")
    return dict(zip(reversed(keys), items, strict=True))


def find_value(body: Any, path: Path) -> tuple[Any, Path]:
    """Return the value at a path, or ``MISSING``, and the deepest prefix that exists, with items by their keys."""
    value = body
    reached: list[str] = []
    for token in path:
        if isinstance(value, list):
            items = by_key(value, pattern_of(tuple(reached)))
            if token not in items and _INDEX.fullmatch(token) and int(token) < len(value):
                token = list(items)[int(token)]
            value = items.get(token, MISSING)
        elif isinstance(value, dict):
            value = value.get(token, MISSING)
        else:
            value = MISSING
        if value is MISSING:
            break
        reached.append(token)
    return value, tuple(reached)


def value_at(body: Any, path: Path) -> Any:
    """Return the value at a path, or ``MISSING``."""
    return find_value(body, path)[0]


def changed_values(one: Any, other: Any, path: Path = ()) -> list[tuple[Path, Any, Any]]:
    """Return (path, from, to) of every value that differs. An item that is new or gone is one value."""
    if isinstance(one, list) and isinstance(other, list):
        pattern = pattern_of(path)
        if pattern not in KEYS:
            return [] if one == other else [(path, one, other)]
        one, other = by_key(one, pattern), by_key(other, pattern)
    elif not (isinstance(one, dict) and isinstance(other, dict)):
        return [] if one == other and type(one) is type(other) else [(path, one, other)]
    changed: list[tuple[Path, Any, Any]] = []
    for key in dict.fromkeys((*one, *other)):
        was, now = one.get(key, MISSING), other.get(key, MISSING)
        if was is MISSING or now is MISSING:
            changed.append(((*path, key), was, now))
        else:
            changed += changed_values(was, now, (*path, key))
    return changed

"""Say how one JSON text becomes another, as JSON Patch (RFC 6902), once for all followers.

    patches = PatchCache()
    patches.between(old, new)       # b'[{"op":"add","path":"/timeline/0","value":...}, ...]'

Members of objects are compared by name. Elements of arrays are matched by what identifies them (an id, a kind and
value), so that a new entry at the head of a timeline is one ``add`` and not fifty changes. The SDK's
``core.json_patch`` applies a patch. Whatever is matched, that gives the new value (``tests/unit/test_json_patches``).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Any

import msgspec

_IDENTIFYING = ("event", "id", "interaction", "source", "kind", "value", "name")
"""Members that tell an element of an array from its neighbours, the first ones foremost."""

_MOST_MATCHED = 100_000
"""Pairs of elements that are looked at; an array with more is replaced."""

MOST_PATCHES = 512
MOST_BYTES = 16 << 20

_canonical = msgspec.json.Encoder(order="deterministic").encode


class PatchCache:
    """The patches that followers of one process were sent lately. ``made``: how many had to be worked out."""

    def __init__(self, most: int = MOST_PATCHES, most_bytes: int = MOST_BYTES) -> None:
        self.made = 0
        self._most = most
        self._most_bytes = most_bytes
        self._bytes = 0
        self._known: OrderedDict[tuple[bytes, bytes], bytes] = OrderedDict()

    def between(self, old: bytes, new: bytes) -> bytes:
        """Return the patch from one JSON text to another. Followers of one customer share the texts themselves, so that
        to find it costs nothing."""
        key = (old, new)
        found = self._known.get(key)
        if found is None:
            self.made += 1
            found = self._known[key] = encode_patch(old, new)
            self._bytes += len(old) + len(new) + len(found)
            while len(self._known) > self._most or (self._bytes > self._most_bytes and len(self._known) > 1):
                (before, after), patch = self._known.popitem(last=False)
                self._bytes -= len(before) + len(after) + len(patch)
        else:
            self._known.move_to_end(key)
        return found


def encode_patch(old: bytes, new: bytes) -> bytes:
    """Return the patch from one JSON text to another, as JSON."""
    if old == new:
        return b"[]"
    return msgspec.json.encode(list(operations("", msgspec.json.decode(old), msgspec.json.decode(new))))


def operations(path: str, old: Any, new: Any) -> Iterator[dict[str, Any]]:
    """Yield the operations that make one value of another at ``path``, a JSON Pointer (RFC 6901)."""
    if isinstance(old, dict) and isinstance(new, dict):
        yield from _of_objects(path, old, new)
    elif isinstance(old, list) and isinstance(new, list):
        yield from _of_arrays(path, old, new)
    elif type(old) is not type(new) or old != new:
        yield {"op": "replace", "path": path, "value": new}


def _of_objects(path: str, old: dict[str, Any], new: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for name in old:
        if name not in new:
            yield {"op": "remove", "path": f"{path}/{_step(name)}"}
    for name, value in new.items():
        if name in old:
            yield from operations(f"{path}/{_step(name)}", old[name], value)
        else:
            yield {"op": "add", "path": f"{path}/{_step(name)}", "value": value}


def _of_arrays(path: str, old: list[Any], new: list[Any]) -> Iterator[dict[str, Any]]:
    """Yield operations in the order in which they are applied: each path counts from what those before it left."""
    if len(old) * len(new) > _MOST_MATCHED:
        yield {"op": "replace", "path": path, "value": new}
        return
    matcher = SequenceMatcher(None, [_mark(each) for each in old], [_mark(each) for each in new], autojunk=False)
    shift = 0
    for kind, begin, end, new_begin, new_end in matcher.get_opcodes():
        at = begin + shift
        both = 0 if kind in ("insert", "delete") else min(end - begin, new_end - new_begin)
        for number in range(both):
            yield from operations(f"{path}/{at + number}", old[begin + number], new[new_begin + number])
        for _ in range(end - begin - both):
            yield {"op": "remove", "path": f"{path}/{at + both}"}
        for number in range(new_begin + both, new_end):
            yield {"op": "add", "path": f"{path}/{at + number - new_begin}", "value": new[number]}
        shift += (new_end - new_begin) - (end - begin)


def _mark(element: Any) -> Any:
    """Return what identifies an element of an array; all of it where nothing does."""
    if isinstance(element, dict):
        named = tuple((name, _canonical(element[name])) for name in _IDENTIFYING if name in element)
        if named:
            return named
    return _canonical(element)


def _step(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")

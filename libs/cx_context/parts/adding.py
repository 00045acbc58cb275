"""Add one more value to a field of a part, in place or as a new value: the merge rules, one fact at a time."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from cx_context.parts.values import KEYS_KEPT, At, Register, shorten_name
from cx_events.activity import SECOND
from cx_events.timestamps import Micros

Item = TypeVar("Item", bound=tuple[Any, ...])
Time = TypeVar("Time", int, At)

VALUE_BYTES_KEPT = 2000
VALUE_DEPTH_KEPT = 16
UNSHOWN = "(too large to be shown)"
"""Stands for a client's value that a part can't hold. The stored event has the whole value."""

_INT64 = range(-(1 << 63), 1 << 63)
_encode = msgspec.msgpack.Encoder().encode


def later(one: At | None, other: At) -> At:
    """Return the later of two places."""
    return other if one is None or other > one else one


def later_register(one: Register | None, other: Register) -> Register:
    """Return the register that was written last. Places differ, since a place names its event."""
    return other if one is None or other[0] > one[0] else one


def keep_latest(kept: list[Item], item: Item, most: int) -> list[Item]:
    """Return the latest ``most`` of ``kept`` (latest first) and one more item. Never changes ``kept``.

    Items are compared by place alone: two items of one place are of one event.
    """
    at = item[0]
    if not kept or at > kept[0][0]:  # as nearly always
        return [item, *kept[: most - 1]]
    index = 0
    for index, other in enumerate(kept):  # noqa: B007
        if at > other[0]:
            break
    else:
        index = len(kept)
    if index >= most:
        return kept
    return [*kept[:index], item, *kept[index : most - 1]]


def keep_first_of_second(times: list[Micros], time: Micros) -> None:
    """Add a time to ``times``, in order and of each second the first, in place."""
    if not times or time // SECOND > times[-1] // SECOND:
        times.append(time)
        return
    place = bisect_left(times, time // SECOND * SECOND)
    if times[place] // SECOND > time // SECOND:
        times.insert(place, time)
    elif time < times[place]:
        times[place] = time


def keep_greatest(times: dict[str, Time], key: str, at: Time, most: int) -> None:
    """Set the greatest time of a key, in place; of more than ``most`` keys those with the greatest times are kept."""
    old = times.get(key)
    if old is not None and old >= at:
        return
    times[key] = at
    if len(times) > most:
        del times[min(times, key=lambda name: (times[name], name))]


def keep_first(times: dict[str, Any], key: str, at: Any, most: int) -> None:
    """Set the first time of a key, in place; of more than ``most`` keys those that came first are kept."""
    old = times.get(key)
    if old is not None and old <= at:
        return
    times[key] = at
    if len(times) > most:
        del times[max(times, key=lambda name: (times[name], name))]


def keep_last(registers: dict[str, Any], most: int = KEYS_KEPT) -> None:
    """Leave the ``most`` registers that were written last, in place."""
    if len(registers) > most:
        for key, _ in sorted(registers.items(), key=lambda item: (item[1][0], item[0]))[: len(registers) - most]:
            del registers[key]


def write_values(registers: dict[str, Any], values: Mapping[str, Any], at: At) -> None:
    """Write a client's values by key, in place, each unless a later one is known."""
    for given, value in values.items():
        key, kept = shorten_name(given), _bounded(value)
        old = registers.get(key)
        if old is None or at > old[0]:
            registers[key] = (at, kept)
    keep_last(registers)


def _bounded(value: Any) -> Any:
    """Return what a part holds of a client's JSON value."""
    if isinstance(value, str):
        return value[:VALUE_BYTES_KEPT]
    if _fits(value, VALUE_DEPTH_KEPT) and len(_encode(value)) <= VALUE_BYTES_KEPT:
        return value
    return UNSHOWN


def _fits(value: Any, depth: int) -> bool:
    """Return whether a value is not nested too deeply and holds no integer that MessagePack or a browser can't hold."""
    if isinstance(value, dict):
        return depth > 0 and all(_fits(item, depth - 1) for item in value.values())
    if isinstance(value, list):
        return depth > 0 and all(_fits(item, depth - 1) for item in value)
    return not isinstance(value, int) or value in _INT64

"""Find the last values among several parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cx_context.parts.keyed_parts import order_of
from cx_context.parts.model import Part
from cx_context.parts.values import KEYS_KEPT, Register
from cx_events.facts import Order


def latest_register(parts: Iterable[Part], field: str) -> tuple[Order, Any] | None:
    found: tuple[Order, Any] | None = None
    for part in parts:
        register: Register | None = getattr(part, field)
        if register is not None:
            order = order_of(part, register[0])
            if found is None or order > found[0]:
                found = (order, register[1])
    return found


def latest_by_key(parts: Iterable[Part], field: str) -> dict[str, Any]:
    """The last value of each key, by key; of too many keys those written last."""
    return best_by_key(((0, part) for part in parts), field)


def best_by_key(parts: Iterable[tuple[int, Part]], field: str) -> dict[str, Any]:
    """Return for each key the value of the greatest weight, of several the latest, in the order of keys; of too many
    keys the first. ``parts``: each with its weight (``weights.WEIGHT_RANKS``)."""
    found: dict[str, tuple[tuple[int, Order], Any]] = {}
    registers: Mapping[str, Register]
    for weight, part in parts:
        if registers := getattr(part, field):
            for key, (at, value) in registers.items():
                place = (-weight, order_of(part, at))
                if key not in found or place > found[key][0]:
                    found[key] = (place, value)
    best = sorted(found, key=lambda key: (found[key][0], key), reverse=True)[:KEYS_KEPT]
    return {key: found[key][1] for key in sorted(best)}

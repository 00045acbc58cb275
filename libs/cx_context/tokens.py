"""Which continuity tokens count, inside one customer: a pure function of its interactions.

No clock is asked: a use is in time if its own time is not after the issuing event's time and lifetime; of a token for
one use the first use in time, by the canonical order, joins, and any other interaction's is marked. A token that was
never issued in one of this customer's interactions is nothing here, whoever else's it may be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from cx_context.model import At, Part
from cx_events.facts import Order
from cx_events.timestamps import Micros

if TYPE_CHECKING:
    from cx_context.threading import Interaction

Refusal = Literal["expired", "used-before"]


@dataclass(frozen=True, slots=True)
class Use:
    """By which interaction (its place among those given), and why it does not join; None where it does."""

    interaction: int
    at: Order
    refused: Refusal | None


@dataclass(frozen=True, slots=True)
class Token:
    """``issuer``: the interaction whose conversation it continues. ``uses`` in canonical order."""

    id: str
    issuer: int
    issued: Order
    expires: Micros
    single_use: bool
    uses: tuple[Use, ...]


def tokens_of(interactions: Sequence[Interaction]) -> list[Token]:
    """In order of issue. Issued twice, it is the later one."""
    issued: dict[str, tuple[Order, int, Micros, bool]] = {}
    for index, each in enumerate(interactions):
        for id, (at, (expires, single)) in each.part.tokens.items():
            found = (order_of(each.part, at), index, expires, single)
            if id not in issued or found[0] > issued[id][0]:
                issued[id] = found
    if not issued:
        return []
    presented: dict[str, list[tuple[Order, int]]] = {id: [] for id in issued}
    for index, each in enumerate(interactions):
        for id, at in each.part.token_uses.items():
            if id in presented and issued[id][1] != index:
                presented[id].append((order_of(each.part, at), index))
    return [
        Token(id, issuer, order, expires, single, _judged(sorted(presented[id]), expires, single))
        for id, (order, issuer, expires, single) in sorted(issued.items(), key=lambda item: (item[1][0], item[0]))
    ]


def _judged(presented: Sequence[tuple[Order, int]], expires: Micros, single: bool) -> tuple[Use, ...]:
    uses: list[Use] = []
    used = False
    for at, index in presented:
        refused: Refusal | None = "expired" if at[0] > expires else "used-before" if single and used else None
        used = used or refused is None
        uses.append(Use(index, at, refused))
    return tuple(uses)


def order_of(part: Part, at: At) -> Order:
    """An event's place within its customer, by its place within its interaction."""
    return (at[0], part.interaction, at[1], at[2], at[3], at[4])

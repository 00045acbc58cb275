"""Which continuity tokens count, inside one customer: a pure function of its contacts.

No clock is asked: a use is in time if its own time is not after the issuing event's time and lifetime; of a token for
one use the first use in time, by the canonical order, joins, and any other contact's is marked. A token that was
never issued in one of this customer's contacts is nothing here, whoever else's it may be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from cx_context.parts.places import order_of
from cx_events.facts import Order
from cx_events.timestamps import Micros

if TYPE_CHECKING:
    from cx_context.threading.contacts import Contact

END_OF_TIME: Micros = (1 << 63) - 1

TokenRefusal = Literal["expired", "used-before"]


@dataclass(frozen=True, slots=True)
class TokenUse:
    """By which contact (its place among those given), and why it does not join; None where it does."""

    contact: int
    at: Order
    refused: TokenRefusal | None


@dataclass(frozen=True, slots=True)
class Token:
    """``issuer``: the place of the contact whose conversation it continues. ``uses`` in canonical order."""

    id: str
    issuer: int
    issued: Order
    expires: Micros
    single_use: bool
    uses: tuple[TokenUse, ...]


def tokens_of(contacts: Sequence[Contact], until: Micros = END_OF_TIME) -> list[Token]:
    """In order of issue; by what had happened ``until`` then. Issued twice, it is the later one."""
    issued: dict[str, tuple[Order, int, Micros, bool]] = {}
    for place, each in enumerate(contacts):
        for piece in each.pieces if each.part.tokens else ():
            for id, (at, (expires, single)) in piece.part.tokens.items():
                found = (order_of(piece.part, at), place, expires, single)
                if at[0] <= until and (id not in issued or found[0] > issued[id][0]):
                    issued[id] = found
    if not issued:
        return []
    presented: dict[str, list[tuple[Order, int]]] = {id: [] for id in issued}
    for place, each in enumerate(contacts):
        for id, at in each.part.token_uses.items():
            if id in presented and issued[id][1] != place and at[0] <= until:
                presented[id].append((order_of(each.part, at), place))
    return [
        Token(id, issuer, order, expires, single, _judged(sorted(presented[id]), expires, single))
        for id, (order, issuer, expires, single) in sorted(issued.items(), key=lambda item: (item[1][0], item[0]))
    ]


def _judged(presented: Sequence[tuple[Order, int]], expires: Micros, single: bool) -> tuple[TokenUse, ...]:
    uses: list[TokenUse] = []
    used = False
    for at, place in presented:
        refused: TokenRefusal | None = "expired" if at[0] > expires else "used-before" if single and used else None
        used = used or refused is None
        uses.append(TokenUse(place, at, refused))
    return tuple(uses)

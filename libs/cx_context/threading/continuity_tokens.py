"""Decide which uses of a continuity token count, among one customer's contacts.

No clock is read: a use is in time if its own time is not after the issuing event's time plus lifetime. Of a token for
one use the first use in time, in canonical order, joins; uses by other contacts are marked. A token that was not issued
in one of this customer's contacts counts for nothing here, whoever it belongs to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from cx_context.parts.keyed_parts import order_of
from cx_context.threading.contact_model import Contact
from cx_events.facts import Order
from cx_events.timestamps import END_OF_TIME, Micros

TokenRefusal = Literal["expired", "used-before"]


@dataclass(frozen=True, slots=True)
class TokenUse:
    """A use by the contact at place ``contact``. ``refused`` says why it does not join; None where it does."""

    contact: int
    at: Order
    refused: TokenRefusal | None


@dataclass(frozen=True, slots=True)
class Token:
    """A token that continues the conversation of the contact at place ``issuer``. ``uses`` are in canonical order."""

    id: str
    issuer: int
    issued: Order
    expires: Micros
    single_use: bool
    uses: tuple[TokenUse, ...]


def tokens_of(contacts: Sequence[Contact], until: Micros = END_OF_TIME) -> list[Token]:
    """Return the tokens issued in these contacts in order of issue, by what had happened at ``until``.

    Of a token that was issued twice the later issue counts.
    """
    issued: dict[str, tuple[Order, int, Micros, bool]] = {}
    for place, each in enumerate(contacts):
        for piece in each.pieces if each.part.tokens else ():
            for id, (at, (expires, single)) in piece.part.tokens.items():
                issue = (order_of(piece.part, at), place, expires, single)
                if at[0] <= until and (id not in issued or issue[0] > issued[id][0]):
                    issued[id] = issue
    if not issued:
        return []
    presented: dict[str, list[tuple[Order, int]]] = {id: [] for id in issued}
    for place, each in enumerate(contacts):
        for id, at in each.part.token_uses.items():
            if id in presented and issued[id][1] != place and at[0] <= until:
                presented[id].append((order_of(each.part, at), place))
    return [
        Token(id, issuer, order, expires, single, _judge_uses(sorted(presented[id]), expires, single))
        for id, (order, issuer, expires, single) in sorted(issued.items(), key=lambda item: (item[1][0], item[0]))
    ]


def _judge_uses(presented: Sequence[tuple[Order, int]], expires: Micros, single: bool) -> tuple[TokenUse, ...]:
    uses: list[TokenUse] = []
    used = False
    for at, place in presented:
        refused: TokenRefusal | None = "expired" if at[0] > expires else "used-before" if single and used else None
        used = used or refused is None
        uses.append(TokenUse(place, at, refused))
    return tuple(uses)

"""Keep who types to whom: the customers of contacts, and the agents who answer them. No fact; it lasts some seconds.

Those who serve customers write the first and read the second; those who serve agents the other way round.
"""

from __future__ import annotations

from collections.abc import Collection
from hashlib import blake2b
from typing import Literal

import msgspec
from msgspec import Struct

from cx_context.store import short_lived
from cx_context.store.sql import Tx

Side = Literal["customer", "agent"]
SECONDS = 8.0
"""How long somebody counts as typing who has said so once: pages say it again every three seconds."""

MOST = 1_000
"""Of one side of a tenant that type at once; further ones are not told of."""


class Typist(Struct, frozen=True, order=True):
    """Somebody who types in an interaction. ``agent``, ``name``, ``tab``: of an agent, empty for the customer. A tab
    answers in one interaction at a time."""

    interaction: str
    agent: str = ""
    name: str = ""
    tab: str = ""


_decode = msgspec.json.Decoder(Typist).decode


async def write(tx: Tx, tenant: str, side: Side, typing: Collection[Typist], ended: Collection[Typist] = ()) -> None:
    """Write who types from now on for ``SECONDS``, and who does no more."""
    if ended:
        await short_lived.remove_all(tx, tenant, _kind(side), {_name(side, each) for each in ended})
    if not typing:
        return
    room = MOST - await short_lived.count(tx, tenant, _kind(side))
    some = sorted(typing)[: max(room, 0)] if room < len(typing) else typing
    if some:
        values = {_name(side, each): msgspec.json.encode(each) for each in some}
        await short_lived.put_all(tx, tenant, _kind(side), values, SECONDS)


async def read(tx: Tx, tenant: str, side: Side) -> frozenset[Typist]:
    """Return who types now."""
    return frozenset(_decode(value) for _, value, _ in await short_lived.read(tx, tenant, _kind(side), MOST))


def _kind(side: Side) -> str:
    return f"typing-{side}"


def _name(side: Side, typist: Typist) -> str:
    whose = typist.interaction if side == "customer" else f"{typist.agent}\0{typist.tab}"
    return blake2b(whose.encode(), digest_size=16).hexdigest()

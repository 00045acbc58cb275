"""Find a customer by asking a running hub."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from cx_events.errors import Refused
from cx_events.json_types import Json
from cx_hub.client import Client
from cx_hub.customer_names.readings import Reading, Sort, read_customer_name, unknown

_UNKNOWN = frozenset({"unknown-customer", "unknown-conversation", "unknown-event", "bad-id", "unusable-identifier"})
"""Reasons by which a hub says that nobody is known by what it was asked for."""


class Found(NamedTuple):
    """A customer's id, and the context where the hub told it with the id. ``reading``: how the name was read."""

    customer: str
    context: Json | None
    reading: Reading


async def find_customer(client: Client, text: str, moment: Mapping[str, str]) -> Found:
    """Return the customer whom a text names. ``moment``: ``as_of``, ``known_at``, or nothing for today.

    Raises ``Refused``: ``bad-customer``, ``unknown-customer``, ``ambiguous-identifier`` or ``ambiguous-interaction``
    with the candidates.
    """
    readings = read_customer_name(text)
    refusals: list[Refused] = []
    for reading in readings:
        try:
            return await _find(client, reading, moment)
        except Refused as refused:
            if refused.reason not in _UNKNOWN:
                raise
            refusals.append(refused)
    if all(each.reason == "unusable-identifier" for each in refusals):
        raise refusals[0]
    raise unknown(text, readings)


async def _find(client: Client, reading: Reading, moment: Mapping[str, str]) -> Found:
    match reading.sort:
        case Sort.CUSTOMER:
            return _found(await client.get(f"/v1/customers/{reading.value}/context", **moment), reading)
        case Sort.CONVERSATION:
            answer = await client.get(f"/v1/conversations/{reading.value}", limit=1, **moment)
            return Found(answer["customer"], None, reading)
        case Sort.EVENT:
            source, _, id = reading.value.rpartition("#")
            event = (await client.get("/v1/event", source=source, id=id))["event"]
            interaction = event.get("data", {}).get("interaction")
            if not interaction:
                raise Refused("unknown-customer", f"the event {reading.value[:64]} names no interaction", 404)
            return _found(await client.post("/v1/context/lookup", {"interaction": interaction}, **moment), reading)
        case _:
            asked = {reading.sort.value: reading.value}
            return _found(await client.post("/v1/context/lookup", asked, **moment), reading)


def _found(context: Json, reading: Reading) -> Found:
    return Found(context["body"]["customer"]["id"], context, reading)

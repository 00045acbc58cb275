"""Tell who is on a leg of a Vonage call: which of ``from`` and ``to`` is the customer, if either is.

``from`` of a leg that came in is the caller, ``to`` a number of the account. A leg that went out is to a customer
(``POST /calls``) or to a colleague (NCCO ``connect``), which Vonage does not tell: the connection's ``numbers`` and
``staff`` do. In detail, *ours* being a number that is listed:

====================  =================  ===========================================================
leg                   condition          becomes
====================  =================  ===========================================================
inbound               from is not ours   inbound, the customer is from
inbound, or unsaid    from is a user of  outbound, the customer is to: a colleague calls out of the application
                      the application,
                      to is not ours
outbound, or unsaid   from is ours       outbound, the customer is to, unless ``staff`` lists it
outbound, or unsaid   neither is ours    a leg to a colleague who is shown the caller's number
unsaid                to is ours         inbound, the customer is from
====================  =================  ===========================================================

Without ``numbers`` nobody becomes the customer of an outbound leg, or of one whose direction is not told, by guess
(docs/decisions/0028-who-is-who-on-a-call.md). Numbers are E.164 without a plus (developer.vonage.com/voice/voice-api/
webhook-reference); ``sip:``, ``wss:`` and users of an application are no numbers, and colleagues or bots.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

from msgspec import Struct

from cx_channels.kit.json_values import first, text
from cx_channels.kit.number_lists import has, listed
from cx_channels.provider import Connection
from cx_events.envelope import AgentOrQueue, Direction, Identifier, Participant, Role
from cx_events.json_types import Json
from cx_events.phone_numbers import is_withheld

_NUMBER = re.compile(r"\+?[0-9]{7,15}")
_BOTS = ("ws:", "wss:")
"""A WebSocket: whoever listens there is a program."""
_CACHED = 4096
_EXTENSION = re.compile(r"[0-9]{1,6}")

Side = Literal["business", "staff", "other", "nobody"]


class Parties(Struct, frozen=True):
    """Those who are on a leg. ``agent``: a colleague. ``is_leg``: the call has another leg, with the customer, of which
    this is a part."""

    direction: Direction | None = None
    participants: tuple[Participant, ...] = ()
    agent: AgentOrQueue | None = None
    is_leg: bool = False


def parties_of(fields: Json, connection: Connection) -> Parties:
    """Return who is on the leg. Never raises."""
    staff, numbers = connection.once(_lists)
    return _parties(
        first(fields.get("from"), fields.get("from_user")),
        first(fields.get("to"), fields.get("to_user")),
        "user" if not text(fields.get("from")) and text(fields.get("from_user")) else "",
        text(fields.get("direction")).lower(),
        staff,
        numbers,
        connection.region,
    )


@lru_cache(_CACHED)
def _parties(
    caller: str, called: str, said: str, way: str, staff: tuple[str, ...], numbers: tuple[str, ...], region: str | None
) -> Parties:
    """Return who is on a leg between two addresses. Cached: the notices of a call name and share the same. ``said``:
    ``user`` where Vonage says that the caller is a user of the application."""
    from_side, to_side = _side(caller, staff, numbers, region), _side(called, staff, numbers, region)
    is_user = said == "user" or (has(staff, caller, region) and not _is_number(caller) and ":" not in caller)
    if numbers and way != "outbound" and to_side == "other" and is_user:
        # to of a user's call is whom they dial; of a SIP endpoint's it is a number of the account
        return Parties("outbound", _customer(called) + _ours(caller), _agent(caller, from_side))
    if way == "inbound" and from_side == "other":
        return Parties("inbound", _customer(caller) + _ours(called))
    if way == "inbound":
        return Parties("internal" if caller else "inbound", _ours(caller) + _ours(called), _agent(caller, from_side))
    if to_side == "staff":
        return Parties("internal", _ours(called, "agent"), _agent(called, to_side), is_leg=True)
    if numbers and from_side == "business" and to_side == "other":
        return Parties("outbound", _customer(called) + _ours(caller))
    if numbers and way == "" and to_side == "business" and from_side == "other":
        return Parties("inbound", _customer(caller) + _ours(called))
    if numbers and from_side == "other" and to_side == "other":
        return Parties("internal", _ours(called, "agent"), _agent(called, "staff"), is_leg=True)
    return Parties("outbound" if way == "outbound" else None)


def _lists(connection: Connection) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """For ``Connection.once``: whom the settings ``staff`` and ``numbers`` list."""
    return listed(connection.settings, "staff"), listed(connection.settings, "numbers")


def _side(address: str, staff: tuple[str, ...], numbers: tuple[str, ...], region: str | None) -> Side:
    if not address:
        return "nobody"
    if has(staff, address, region):
        return "staff"
    if has(numbers, address, region):
        return "business"
    return "other" if _is_number(address) else "staff"


def _is_number(address: str) -> bool:
    """Return whether an address is a telephone's; ``unknown`` and its like are callers who withhold theirs."""
    return _NUMBER.fullmatch(address) is not None or is_withheld(address)


def _number(address: str) -> str:
    """Return the number of an address, as identifiers have it; "" for an extension and for what is no telephone's."""
    if _EXTENSION.fullmatch(address) is not None or not _is_number(address):
        return ""
    return f"+{address}" if address.isdecimal() and not is_withheld(address) else address


def _customer(address: str) -> tuple[Participant, ...]:
    return _by_number("customer", address)


def _ours(address: str, role: Role = "business") -> tuple[Participant, ...]:
    if address.lower().startswith(_BOTS):
        return (Participant(role="bot", id=address),)
    return _by_number(role, address)


def _by_number(role: Role, address: str) -> tuple[Participant, ...]:
    number = _number(address)
    return (Participant(role=role, identifiers=[Identifier(kind="phone", value=number)]),) if number else ()


def _agent(address: str, side: Side) -> AgentOrQueue | None:
    is_agent = side == "staff" and address and not address.lower().startswith(_BOTS)
    return AgentOrQueue(id=address) if is_agent else None

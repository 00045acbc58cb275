"""Who is on a leg of a Vonage call: which of ``from`` and ``to`` is the customer, if either is.

``from`` of a leg that came in is the caller, ``to`` a number of the account. A leg that went out is to a customer
(``POST /calls``) or to a colleague (NCCO ``connect``), which Vonage does not tell: the connection's ``numbers`` and
``staff`` do. In detail, *ours* being a number that is listed:

====================  =================  ===========================================================
leg                   condition          becomes
====================  =================  ===========================================================
inbound               from is not ours   inbound, the customer is from
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
from dataclasses import dataclass
from typing import Literal

from cx_channels.kit.json_values import first
from cx_channels.kit.number_lists import lists
from cx_channels.provider import Connection
from cx_events.envelope import AgentOrQueue, Direction, Identifier, Participant
from cx_events.json_types import Json
from cx_events.phone_numbers import WITHHELD

_NUMBER = re.compile(r"\+?[0-9]{7,15}")
_BOTS = ("ws:", "wss:")
"""A WebSocket: whoever listens there is a program."""
_EXTENSION = re.compile(r"[0-9]{1,6}")

Side = Literal["business", "staff", "other", "nobody"]


@dataclass(frozen=True, slots=True)
class Parties:
    """The ends of a leg. ``is_leg``: the call has another leg, with the customer, of which this is a part."""

    direction: Direction | None = None
    participants: tuple[Participant, ...] = ()
    agent: AgentOrQueue | None = None
    is_leg: bool = False


def parties_of(fields: Json, connection: Connection) -> Parties:
    """Return who is on the leg. Never raises."""
    caller, called = first(fields.get("from"), fields.get("from_user")), first(fields.get("to"), fields.get("to_user"))
    way = first(fields.get("direction")).lower()
    knows = bool(connection.settings.get("numbers"))
    from_side, to_side = _side(caller, connection), _side(called, connection)
    if way == "inbound" and from_side == "other":
        return Parties("inbound", (*_customer(caller), *_ours(called)))
    if way == "inbound":
        return Parties("internal" if caller else "inbound", (*_ours(caller), *_ours(called)), _agent(caller, from_side))
    if to_side == "staff":
        return Parties("internal", _ours(called, staff=True), _agent(called, to_side), is_leg=True)
    if knows and from_side == "business" and to_side == "other":
        return Parties("outbound", (*_customer(called), *_ours(caller)))
    if knows and way == "" and to_side == "business" and from_side == "other":
        return Parties("inbound", (*_customer(caller), *_ours(called)))
    if knows and from_side == "other" and to_side == "other":
        return Parties("internal", _ours(called, staff=True), _agent(called, "staff"), is_leg=True)
    return Parties("outbound" if way == "outbound" else None)


def _side(address: str, connection: Connection) -> Side:
    if not address:
        return "nobody"
    if lists(connection.settings, "staff", address, connection.region):
        return "staff"
    if lists(connection.settings, "numbers", address, connection.region):
        return "business"
    return "other" if _is_number(address) else "staff"


def _is_number(address: str) -> bool:
    """Return whether an address is a telephone's; ``unknown`` and its like are callers who withhold theirs."""
    return _NUMBER.fullmatch(address) is not None or address.lower().lstrip("+") in WITHHELD


def _phone(address: str) -> list[Identifier]:
    if _EXTENSION.fullmatch(address) is not None or not _is_number(address):
        return []
    plus = "+" if address.isdecimal() and address not in WITHHELD else ""
    return [Identifier(kind="phone", value=f"{plus}{address}")]


def _customer(address: str) -> tuple[Participant, ...]:
    found = _phone(address)
    return (Participant(role="customer", identifiers=found),) if found else ()


def _ours(address: str, *, staff: bool = False) -> tuple[Participant, ...]:
    if address.lower().startswith(_BOTS):
        return (Participant(role="bot", id=address),)
    found = _phone(address)
    return (Participant(role="agent" if staff else "business", identifiers=found),) if found else ()


def _agent(address: str, side: Side) -> AgentOrQueue | None:
    return AgentOrQueue(id=address) if side == "staff" and address and not address.lower().startswith(_BOTS) else None

"""Tell who is on a call: which of ``From`` and ``To`` is the customer, if either is.

The connection's ``numbers`` decide who is the business, in every direction; ``staff``, softphones and desk phones are
its people. The other end of a call with one of these is the customer. In detail, *ours* being any of them:

================  ================  =====================================================================
From              To                becomes
================  ================  =====================================================================
not ours          ours              inbound, the customer is From; of a leg to staff (below) internal
ours              not ours          outbound, the customer is To
ours              ours              internal, nobody is a customer: colleagues, or a caller who shows our
                                    number
not ours          not ours          outbound legs are internal: they show a caller's number to whom the
                                    caller is carried on to (``<Dial>`` without callerId, CallToken)
================  ================  =====================================================================

What the vendor's own fields prove counts without ``numbers``: ``To`` of a call that comes in from the telephone network
is a number of the account (www.twilio.com/docs/voice/twiml, "Request parameters", To: "the phone number or client
identifier of the called party"; the request is made because a call came to a number of yours). From of an outbound
call proves nothing, since it may be a verified number, or the caller's (CallToken, ``<Dial>``); nor does To of what a
softphone or a SIP endpoint dials. So without ``numbers`` nobody becomes the customer of such a call by guess.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import msgspec

from cx_channels.kit.twilio_forms import Fields
from cx_channels.voice.twilio.addresses import Address, Listed, listed, read_address, same_number
from cx_channels.voice.twilio.attestation import is_attested
from cx_events.envelope import AgentOrQueue, Direction, Participant, Role
from cx_events.weights import ASSERTED

INBOUND = frozenset({"inbound", "trunking-originating"})
OUTBOUND = frozenset({"outbound", "outbound-api", "outbound-dial", "trunking-terminating"})

Side = Literal["business", "staff", "other", "unknown", "nobody"]
"""``other``: not ours; ``unknown``: a number of unknown ownership; ``nobody``: there is no address."""

_OURS = frozenset({"business", "staff"})
_ROLES: Mapping[Side, Role] = {"business": "business", "staff": "agent"}


@dataclass(frozen=True, slots=True)
class Parties:
    """The two ends of a call. ``agent``: the agent, where staff has one end. ``far_end``: the role of whoever Twilio
    hears on this leg."""

    direction: Direction | None = None
    participants: tuple[Participant, ...] = ()
    agent: AgentOrQueue | None = None
    far_end: Role | None = None


@dataclass(frozen=True, slots=True)
class _End:
    """One end of the call."""

    address: Address
    side: Side

    @property
    def is_ours(self) -> bool:
        return self.side in _OURS

    @property
    def as_ours(self) -> tuple[Participant, ...]:
        """The end as a participant, where it is ours."""
        role = _ROLES.get(self.side)
        return () if role is None else _known(Participant(role=role, identifiers=self.address.identifiers))

    @property
    def as_customer(self) -> tuple[Participant, ...]:
        return _known(Participant(role="customer", identifiers=self.address.identifiers))

    @property
    def agent(self) -> AgentOrQueue | None:
        """The agent. A Voice SDK client has the name that the application gave it."""
        if self.side != "staff" or not self.address.text:
            return None
        return AgentOrQueue(id=self.address.text, name=self.address.name if self.address.kind == "softphone" else "")


def parties_of(fields: Fields, settings: Mapping[str, Any], region: str | None = None, plan: str = "") -> Parties:
    """Return both ends of the call, as far as the request names them: later callbacks name nobody.

    ``settings`` and ``region`` are the connection's. ``plan``, its id, is the scope of extensions, which mean another
    telephone at every system. Never raises.
    """
    caller, called = (read_address(fields.first(*names)) for names in (("From", "Caller"), ("To", "Called")))
    found = _parties(fields, settings, region, caller, called)
    if "extension" in (caller.kind, called.kind):
        return replace(found, participants=tuple(_of_plan(person, plan) for person in found.participants))
    return found


def _of_plan(person: Participant, plan: str) -> Participant:
    scoped = [
        msgspec.structs.replace(each, scope=plan) if each.kind == "extension" else each for each in person.identifiers
    ]
    return msgspec.structs.replace(person, identifiers=scoped)


def _parties(
    fields: Fields, settings: Mapping[str, Any], region: str | None, caller: Address, called: Address
) -> Parties:
    numbers = listed(settings, "numbers", region)
    way = _way(fields)
    from_end, to_end = (_End(each, _side(each, numbers, settings, region)) for each in (caller, called))
    if way == "inbound" and _from_the_network(caller, called):
        to_end = to_end if to_end.is_ours else _End(called, "business")
        from_end = from_end if from_end.is_ours else _End(caller, "other")
    if same_number(caller, called, region) and "business" in (from_end.side, to_end.side):
        # Callers who show the number that they call would all be one customer.
        from_end, to_end = _End(read_address(""), "business"), _End(called, "business")
    if way == "inbound" and from_end.side == "other" and to_end.is_ours:
        return _came_in(fields, from_end, to_end, region)
    return _placed(way, from_end, to_end, known=bool(numbers))


def _way(fields: Fields) -> Direction | None:
    """Return whether Twilio says that the call came in or went out.

    Where it says neither, a call that is only just ringing comes in: what an outbound call is to do is asked for once
    it has been answered.
    """
    way = fields["Direction"].lower()
    if way in INBOUND or (not way and fields["CallStatus"].lower() == "ringing" and not fields["CallbackSource"]):
        return "inbound"
    return "outbound" if way in OUTBOUND else None


def _side(address: Address, numbers: Listed, settings: Mapping[str, Any], region: str | None) -> Side:
    if address.kind == "none":
        return "nobody"
    if listed(settings, "staff", region).has(address):
        return "staff"
    if numbers.has(address):
        return "business"
    if address.kind == "softphone":
        return "other" if settings.get("clients") == "customers" else "staff"
    if address.kind in ("device", "extension"):
        return "staff"
    return "other" if numbers or address.kind == "withheld" else "unknown"


def _from_the_network(caller: Address, called: Address) -> bool:
    """Return whether To can only be a number of the account, and not what a softphone or a SIP endpoint chose."""
    from_outside = caller.kind == "withheld" or (caller.kind == "number" and not caller.over_sip)
    return from_outside and (called.kind == "none" or (called.kind == "number" and not called.over_sip))


def _came_in(fields: Fields, from_end: _End, to_end: _End, region: str | None) -> Parties:
    """Return the parties of a call from outside to one of ours."""
    caller = from_end.address
    if same_number(caller, read_address(fields["ForwardedFrom"]), region):
        # Whoever forwards calls to us shows its own number: who called there is not known.
        return Parties("inbound", to_end.as_ours, to_end.agent, far_end="customer")
    name = fields["CallerName"] if fields["CallerName"] != caller.text else ""
    identifiers = caller.identifiers
    if is_attested(fields, caller):
        identifiers = [msgspec.structs.replace(each, weight=ASSERTED) for each in identifiers]
    person = _known(Participant(role="customer", name=name, identifiers=identifiers))
    return Parties("inbound", person + to_end.as_ours, to_end.agent, far_end="customer")


def _placed(way: Direction | None, from_end: _End, to_end: _End, *, known: bool) -> Parties:
    """Return the parties of every other call. ``known``: whether the business's numbers are known."""
    ours = from_end.as_ours + to_end.as_ours
    speaks = _far(way, from_end, to_end)
    if from_end.is_ours and to_end.is_ours:
        return Parties("internal", ours, to_end.agent or from_end.agent, speaks)
    if from_end.is_ours and to_end.side == "other":
        return Parties("outbound", to_end.as_customer + ours, from_end.agent, speaks)
    if way == "outbound" and to_end.is_ours:
        return Parties("internal", to_end.as_ours, to_end.agent, speaks)
    if way == "outbound" and known and from_end.side == "other" and to_end.address.kind == "number":
        colleague = _End(to_end.address, "staff")
        return Parties("internal", colleague.as_ours, colleague.agent, "agent")
    # A softphone that is said to be a customer's, or a withheld number, is no number of ours whoever is called.
    no_number = way == "inbound" and from_end.address.kind in ("softphone", "withheld")
    if from_end.side == "other" and (to_end.is_ours or no_number):
        return Parties("inbound", from_end.as_customer + ours, to_end.agent, speaks)
    return Parties(None, ours, to_end.agent or from_end.agent, speaks)


def _far(way: Direction | None, from_end: _End, to_end: _End) -> Role | None:
    """Return the role of the far end: the caller of a call that comes in, the called party of one that Twilio makes."""
    end = {"inbound": from_end, "outbound": to_end}.get(way or "")
    if end is None or end.side in ("unknown", "nobody"):
        return None
    return "customer" if end.side == "other" else "agent"


def _known(*participants: Participant) -> tuple[Participant, ...]:
    return tuple(each for each in participants if each.identifiers or each.name)

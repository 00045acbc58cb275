"""Who is on a call: which of ``From`` and ``To`` is the customer.

==========================  =====================================  ==========================
Direction                   the customer                           direction of the event
==========================  =====================================  ==========================
inbound                     From                                   inbound
outbound-api                To                                     outbound
outbound-dial               To; a leg to staff is nobody's         outbound; internal to staff
trunking-originating        From (a SIP trunk: into our network)   inbound
trunking-terminating        To (out of it)                         outbound
==========================  =====================================  ==========================

Staff are Voice SDK clients (``client:``), SIP endpoints that are no number, and whatever the connection's setting
``staff`` lists. ``numbers`` lists the business's own: <Dial> shows the caller's number to whom it calls unless told
otherwise, so where they are known, a leg whose From is none of them carries a caller on to a colleague.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from cx_channels.voice.twilio.fields import Fields
from cx_events.envelope import Direction, Identifier, Named, Participant, Role
from cx_events.identifiers import normalise

INBOUND = frozenset({"inbound", "trunking-originating"})
OUTBOUND = frozenset({"outbound", "outbound-api", "outbound-dial", "trunking-terminating"})

_SIP_NUMBER = re.compile(r"sips?:\+?\d{5,15}@.*", re.ASCII | re.IGNORECASE)
# Who calls over SIP without showing a name (RFC 3323, section 4.1.1.3): a caller like any other who withholds it.
_SIP_NOBODY = re.compile(r"sips?:(anonymous|restricted|unavailable|unknown|private)@.*", re.IGNORECASE)
_SEPARATORS = re.compile(r"[\s().-]+")


@dataclass(frozen=True, slots=True)
class Parties:
    """``agent``: whose end of the call is staff's."""

    direction: Direction | None = None
    participants: tuple[Participant, ...] = ()
    agent: Named | None = None


def parties_of(fields: Fields, settings: Mapping[str, Any]) -> Parties:
    """Both ends of the call, as far as the request names them: later callbacks name nobody.

    Without a Direction nobody is told apart, unless the call is only just ringing: then it comes in, since what an
    outbound call is to do is asked for once it has been answered.
    """
    caller, called = fields.first("From", "Caller"), fields.first("To", "Called")
    way = fields["Direction"].lower()
    if not way and fields["CallStatus"].lower() == "ringing" and not fields["CallbackSource"]:
        way = "inbound"
    if way in INBOUND:
        if _is_staff(caller, settings):
            return Parties("outbound", _known(_participant("agent", caller), _business(called)), _agent(caller))
        name = fields["CallerName"] if fields["CallerName"] != caller else ""
        person = Participant(role="customer", name=name, identifiers=_other_than(called, caller))
        return Parties("inbound", _known(person, _business(called)))
    if way not in OUTBOUND:
        return Parties()
    if _is_staff(called, settings) or (way == "outbound-dial" and _carries_a_caller_on(caller, settings)):
        return Parties("internal", _known(_participant("agent", called)), _agent(called))
    person = Participant(role="customer", identifiers=_other_than(caller, called))
    return Parties("outbound", _known(person, _business(caller)))


def _carries_a_caller_on(caller: str, settings: Mapping[str, Any]) -> bool:
    numbers = _listed(settings, "numbers")
    return bool(numbers) and not _matches(caller, numbers)


def _is_staff(address: str, settings: Mapping[str, Any]) -> bool:
    if address.lower().startswith("client:"):
        return settings.get("clients") != "customers"
    if address.lower().startswith(("sip:", "sips:")) and not _SIP_NUMBER.fullmatch(address):
        return _SIP_NOBODY.fullmatch(address) is None
    return _matches(address, _listed(settings, "staff"))


def _listed(settings: Mapping[str, Any], name: str) -> list[str]:
    value = settings.get(name, ())
    values = value if isinstance(value, list | tuple) else (value,)
    return [str(each) for each in values if each]


def _matches(address: str, patterns: list[str]) -> bool:
    return any(fnmatchcase(_bare(address), _bare(pattern)) for pattern in patterns)


def _bare(address: str) -> str:
    return _SEPARATORS.sub("", address.lower()).lstrip("+")


def _other_than(business: str, person: str) -> list[Identifier]:
    """A person's identifiers; none where the number shown is the business's own, as callers who spoof show it: they
    would all be one customer."""
    named = _named(person)
    taken = {(each.kind, normalise(each).value) for each in _named(business)}
    return [] if any((each.kind, normalise(each).value) in taken for each in named) else named


def _agent(address: str) -> Named | None:
    """A Voice SDK client is called by the name that the application gave it."""
    scheme, _, name = address.partition(":")
    return Named(id=address, name=name if scheme.lower() == "client" else "") if address else None


def _business(address: str) -> Participant:
    return _participant("business", address)


def _participant(role: Role, address: str) -> Participant:
    return Participant(role=role, identifiers=_named(address))


def _known(*participants: Participant) -> tuple[Participant, ...]:
    return tuple(each for each in participants if each.identifiers or each.name)


def _named(address: str) -> list[Identifier]:
    """The address as an identifier. A withheld number is one too: intake marks it as of no use."""
    if not address:
        return []
    scheme, _, rest = address.partition(":")
    if scheme.lower() == "client" and rest:
        return [Identifier(kind="twilio-client", value=rest)]
    nobody = _SIP_NOBODY.fullmatch(address)
    if nobody is not None:
        return [Identifier(kind="phone", value=nobody[1].lower())]
    if scheme.lower() in ("sip", "sips") and not _SIP_NUMBER.fullmatch(address):
        return [Identifier(kind="sip", value=rest.partition(";")[0].lower())] if rest else []
    return [Identifier(kind="phone", value=address)]

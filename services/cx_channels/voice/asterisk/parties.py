"""Tell who is on a call: the customer, the agent, the business.

Asterisk has "no concept of what is internal and external" (docs.asterisk.org, "CDR Specification"); the settings
``trunks`` and ``contexts`` tell. In detail, a *root* being the channel with which a call began:

==============================  ====================================================================================
channel                         becomes
==============================  ====================================================================================
root, came from outside         inbound, the customer is its caller
dialled to the outside by a     outbound, the customer is whom was dialled
telephone of ours, or by us
dialled to the outside for a    a colleague's mobile, or whom the call is forwarded to: nobody is the customer by it
call from outside
dialled to a telephone of ours  an agent
==============================  ====================================================================================

A number that ``numbers`` or ``staff`` lists is never a customer's. Without ``trunks`` and ``contexts`` nobody is taken
for the customer by guess (docs/decisions/0028-who-is-who-on-a-call.md).
"""

from __future__ import annotations

import re
from functools import lru_cache

from cx_channels.kit.number_lists import number_in
from cx_channels.provider import Connection
from cx_channels.voice.asterisk.channel import Channel
from cx_channels.voice.asterisk.rules import Ours, is_outside, read_rules
from cx_events.envelope import AgentOrQueue, Identifier, Participant, Weight
from cx_events.phone_numbers import is_withheld
from cx_events.weights import ASSERTED

_CACHED = 4096
_DIALLED = re.compile(r"\+?[0-9]{5,15}")
_VOUCHED = re.compile(r"(?:success|verification passed)/a", re.IGNORECASE)
"""``verify_result/attestation`` of the function STIR_SHAKEN (res_stir_shaken/verification.c); the longer word is that
of releases before 20.8 and 21.3."""


def caller_of(root: Channel, connection: Connection) -> list[Participant]:
    """Return the customer who called, and the number that was called where that can be seen."""
    rules = connection.once(read_rules)
    verdict = root.variables.get(rules.stir_shaken, "") if rules.stir_shaken else ""
    is_vouched_for = bool(verdict) and _VOUCHED.fullmatch(verdict) is not None
    return list(_caller(root.number, root.caller, root.exten, is_vouched_for, rules.ours))


@lru_cache(_CACHED)
def _caller(number: str, name: str, called: str, is_vouched_for: bool, ours: Ours) -> tuple[Participant, ...]:
    """Return who called and which number. Cached: the events of a call name the same."""
    value = number_in(number)
    if value and ours.has(value):
        return _business(called, "", ours)
    weight: Weight | None = ASSERTED if value and is_vouched_for else None
    return *_customer(value, name if name != number else "", weight), *_business(called, value, ours)


def called_by_dialling(dialled: Channel, dial_string: str, connection: Connection) -> list[Participant]:
    """Return the customer who was dialled: by the string that was dialled, else by the channel's own number."""
    found = _DIALLED.search(dial_string)
    for value in (found[0] if found is not None else "", number_in(dialled.number)):
        if value and not is_withheld(value):
            return [] if connection.once(read_rules).ours.has(value) else _customer(value, "", None)
    return []


def agent_of(channel: Channel | None, connection: Connection) -> AgentOrQueue | None:
    """Return the agent at a telephone of ours, known by its endpoint. None for a Local channel, which is nobody, and
    for one to the outside."""
    if channel is None or channel.is_local or "/" not in channel.name or is_outside(channel, connection):
        return None
    return AgentOrQueue(id=channel.endpoint)


def _customer(value: str, name: str, weight: Weight | None) -> list[Participant]:
    identifiers = [Identifier(kind="phone", value=value, weight=weight or "")] if value else []
    return [Participant(role="customer", name=name, identifiers=identifiers)] if identifiers or name else []


def _business(called: str, caller: str, ours: Ours) -> tuple[Participant, ...]:
    """Return the number that was dialled: listed, or as long as one of a country."""
    value = number_in(called)
    if not value or not value.lstrip("+").isdecimal():
        return ()
    if not (ours.has(value) if ours.has_numbers else len(value) >= 7):
        return ()
    if caller and ours.normal(caller) == ours.normal(value):
        return ()
    return (Participant(role="business", identifiers=[Identifier(kind="phone", value=value)]),)

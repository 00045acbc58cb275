"""Tell who is who in a vCon: a role for each party, and whose conversation it is.

Told roles count first: ``role`` (the core of 0.0.1 to 0.0.2, then the contact-center extension), ``meta.role``, or
``type`` ``bot`` and ``organization``. Of the others:

- a name that begins with "Agent " is an agent's, and so is a mail address at the domain of an agent's;
- where an agent, a bot or the business is known, everybody else is a customer;
- where nobody is known, whoever began the conversation is the customer, and of two the other one the agent. A call of
  more people about whom nothing is told has no customer: joining strangers to a profile is worse than none.

All events of a vCon belong to its first customer with an address (``Parties.customer``), so that they stay together.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from cx_events.envelope import AgentOrQueue, Identifier, Participant, Role
from cx_events.json_types import Json
from cx_vcon.json_values import obj, text

_ROLES: dict[str, Role] = {
    "customer": "customer", "caller": "customer", "client": "customer", "consumer": "customer", "contact": "customer",
    "guest": "customer", "lead": "customer", "patient": "customer", "user": "customer", "visitor": "customer",
    "agent": "agent", "supervisor": "agent", "sme": "agent", "specialist": "agent", "expert": "agent",
    "representative": "agent", "host": "agent", "cohost": "agent", "operator": "agent", "manager": "agent",
    "bot": "bot", "ivr": "bot", "assistant": "bot", "virtual agent": "bot",
    "business": "business", "organization": "business", "queue": "business",
    "thirdparty": "system", "third party": "system", "observer": "system", "system": "system",
}  # fmt: skip
_TYPES: dict[str, Role] = {"bot": "bot", "organization": "business"}
_OURS = frozenset({"agent", "bot", "business"})
_SIP_SCHEME = re.compile(r"\Asips?:", re.IGNORECASE)
_AGENT = re.compile(r"agent\s", re.IGNORECASE)
_NUMBER = re.compile(r"\+?[0-9][0-9().\- ]{3,}")


MAX_PARTICIPANTS = 20
"""The most participants of one event; the container has all of a webinar's audience."""

MAX_NAME = 500


@dataclass(frozen=True, slots=True)
class Parties:
    """The parties of a vCon with their roles; ``customer``: the place of the one whose conversation it is."""

    parties: Sequence[Json]
    roles: Sequence[Role]
    customer: int | None
    _each: Sequence[Participant]
    _by_name: Mapping[str, Role]

    def participants(self, involved: Iterable[int]) -> list[Participant]:
        """The customer first, then those involved in their order."""
        first = [self.customer] if self.customer is not None else []
        return [self._each[number] for number in islice(dict.fromkeys(chain(first, involved)), MAX_PARTICIPANTS)]

    def named(self, number: int) -> AgentOrQueue:
        party = self.parties[number]
        known = (text(party.get(name)) for name in ("uuid", "mailto", "tel", "sip", "name"))
        return AgentOrQueue(id=next(filter(None, known), "")[:MAX_NAME], name=text(party.get("name"))[:MAX_NAME])

    def role_by_name(self, name: str) -> Role | None:
        """The role of whoever is called so, by name or by the role's own word."""
        wanted = name.strip().casefold()
        return self._by_name.get(wanted) or _ROLES.get(wanted)


def _parties(parties: Sequence[Json], roles: Sequence[Role]) -> Parties:
    by_name: dict[str, Role] = {}
    each = []
    for party, role in zip(parties, roles, strict=True):
        name = text(party.get("name"))[:MAX_NAME]
        by_name.setdefault(name.strip().casefold(), role)
        id = text(party.get("uuid"))[:MAX_NAME]
        each.append(Participant(role=role, id=id, name=name, identifiers=identifiers(party)))
    by_name.pop("", None)
    return Parties(parties, roles, _customer(each), each, by_name)


def told(party: Json) -> Role | None:
    """The role that a party's members tell."""
    for value in (party.get("role"), obj(party.get("meta")).get("role")):
        role = _ROLES.get(text(value).strip().casefold())
        if role is not None:
            return role
    return _TYPES.get(text(party.get("type")).strip().casefold())


def who_is_who(parties: Sequence[Json], originator: int | None) -> Parties:
    """``originator``: the place of whoever began the conversation, where known."""
    roles = [told(party) for party in parties]
    for number, party in enumerate(parties):
        if roles[number] is None and _AGENT.match(text(party.get("name"))):
            roles[number] = "agent"
    domains = {_domain(party) for party, role in zip(parties, roles, strict=True) if role == "agent"} - {""}
    for number, party in enumerate(parties):
        if roles[number] is None and _domain(party) in domains:
            roles[number] = "agent"
    if any(role in _OURS for role in roles):
        final: list[Role] = [role or "customer" for role in roles]
    elif "customer" in roles:
        final = [role or ("agent" if len(parties) == 2 else "system") for role in roles]
    else:
        began = originator if originator is not None else 0
        few = len(parties) <= 2
        rest: Role = "agent" if few else "system"
        final = [role or ("customer" if few and number == began else rest) for number, role in enumerate(roles)]
    return _parties(parties, final)


def _customer(parties: Sequence[Participant]) -> int | None:
    customers = [number for number, party in enumerate(parties) if party.role == "customer"]
    with_address = (number for number in customers if parties[number].identifiers)
    return next(with_address, customers[0] if customers else None)


def identifiers(party: Json) -> list[Identifier]:
    """By what a party can be known again. ``uuid`` and ``name`` are no addresses."""
    found = []
    party = {name: value for name, value in party.items() if len(text(value)) <= MAX_NAME}
    if tel := text(party.get("tel")).strip():
        found.append(Identifier(kind="phone", value=tel))
    if mail := text(party.get("mailto")).strip():
        found.append(Identifier(kind="email", value=mail.partition("?")[0]))
    if sip := text(party.get("sip")).strip():
        found.append(_sip(sip))
    if did := text(party.get("did")).strip():
        found.append(Identifier(kind="did", value=did))
    return list({(each.kind, each.value): each for each in found}.values())


def _sip(address: str) -> Identifier:
    """A number's SIP address is the number's; any other is a name of its own."""
    user, at, host = _SIP_SCHEME.sub("", address, count=1).partition("@")
    number, semicolon, _ = user.partition(";")
    if _NUMBER.fullmatch(number):
        # With its parameters, an extension among them (RFC 3261, section 19.1.6).
        return Identifier(kind="phone", value=f"tel:{user}" if semicolon and at else number)
    return Identifier(kind="sip", value=(number + at + host.partition(";")[0]).lower())


def _domain(party: Json) -> str:
    mail = text(party.get("mailto")).strip().lower()
    return mail.rpartition("@")[2] if "@" in mail else ""

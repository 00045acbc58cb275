"""Tell who is who in a recorded call. The RFC does not say: the connection's ``numbers`` and ``staff`` do.

An end that they list is the business or its people, and another one in a call with them is the customer. Where nobody
is ours, nobody is taken for the customer; the flat dialect says which way the call went, and is believed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cx_channels.kit.number_lists import lists, number_in
from cx_channels.provider import Connection
from cx_channels.voice.siprec.document import Person, Session
from cx_events.envelope import AgentOrQueue, Direction, Identifier, Participant, Weight
from cx_events.weights import ASSERTED, CLAIMED


@dataclass(frozen=True, slots=True)
class Parties:
    """Those who take part. ``agents``: by the participant's id."""

    direction: Direction | None = None
    participants: list[Participant] = field(default_factory=list)
    agents: Mapping[str, AgentOrQueue] = field(default_factory=dict)


def parties_of(session: Session, connection: Connection) -> Parties:
    """Return who is in a session. Never raises."""
    staff = [each for each in session.people if _lists(connection, "staff", each)]
    business = [each for each in session.people if each not in staff and _lists(connection, "numbers", each)]
    others = [each for each in session.people if each not in staff and each not in business]
    if not staff and not business and session.direction in ("inbound", "outbound"):
        ours = "callee" if session.direction == "inbound" else "caller"
        business = [each for each in others if each.part == ours]
        others = [each for each in others if each.part and each.part != ours]
    elif not staff and not business:
        return Parties()
    weight: Weight = ASSERTED if connection.settings.get("aor_is_asserted") is True else CLAIMED
    customers = others if len(others) == 1 else []
    people = [Participant(role="customer", name=_name(each), identifiers=_phone(each, weight)) for each in customers]
    people += [Participant(role="agent", name=_name(each), identifiers=_phone(each, CLAIMED)) for each in staff]
    people += [Participant(role="business", name=_name(each), identifiers=_phone(each, CLAIMED)) for each in business]
    direction: Direction | None = None
    if not others and session.is_whole:
        direction = "internal"
    elif customers and customers[0].part:
        direction = "inbound" if customers[0].part == "caller" else "outbound"
    agents = {each.id: AgentOrQueue(id=each.address, name=_name(each)) for each in staff}
    return Parties(direction, [each for each in people if each.identifiers or each.name], agents)


def _lists(connection: Connection, name: str, person: Person) -> bool:
    known = (person.address, number_in(person.address))
    return any(lists(connection.settings, name, each, connection.region) for each in known)


def _name(person: Person) -> str:
    return "" if person.name == number_in(person.address) else person.name


def _phone(person: Person, weight: Weight) -> list[Identifier]:
    number = number_in(person.address)
    return [Identifier(kind="phone", value=number, weight=weight)] if number else []

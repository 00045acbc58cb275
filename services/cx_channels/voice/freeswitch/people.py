"""Tell who is who on a leg: which number is the customer's, who is staff, what is the business's own.

``Call-Direction`` says towards FreeSWITCH or away from it, and nothing of the customer: an agent's telephone that dials
out comes in. An end of a leg is, in this order (docs/decisions/0028-who-is-who-on-a-call.md, 0083):

========================================  ===========================================================================
end                                       because
========================================  ===========================================================================
staff                                     ``settings.staff`` lists it
the business                              ``settings.numbers`` lists it
outside                                   its leg runs over a gateway or a profile of ``outside_profiles``
staff                                     FreeSWITCH authenticated it (``sip_authorized``, ``user_name``), or dialled
                                          it as a user of its directory (``dialed_user``)
staff                                     an extension, a name, or an endpoint that is no telephone line
outside                                   any other telephone number
========================================  ===========================================================================

The context is not asked: a call from outside is in another one as soon as the dialplan transfers it. A number is
claimed, since a caller's own exchange writes it, unless ``verstat: trusted`` and mod_sofia found it attested A
(``sip_verstat`` TN-Validation-Passed; a dialplan that copies a caller's headers could set it too, hence the setting).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from cx_channels.kit.number_lists import lists, number_in
from cx_channels.provider import Connection
from cx_channels.voice.freeswitch.leg import Leg
from cx_channels.voice.freeswitch.settings import people_settings
from cx_events.envelope import AgentOrQueue, Direction, Identifier, Participant, Weight
from cx_events.phone_numbers import is_withheld
from cx_events.weights import ASSERTED, CLAIMED

Side = Literal["staff", "business", "outside", "nobody"]

_EXTENSION = re.compile(r"[*#]?[0-9]{1,6}[*#]?")
_CACHED = 4096
_UNSET = "0000000000"
"""FreeSWITCH's default of ``outbound_caller_id_number``: nobody's number."""
_PASSED = "TN-Validation-Passed"


@dataclass(frozen=True, slots=True)
class People:
    """``far``: who is at the telephone of this leg. ``agent``: who of ours is in the call, by this leg alone.
    ``external``: somebody outside who is no customer (a colleague's mobile that a customer's call is passed on to)."""

    direction: Direction | None = None
    participants: tuple[Participant, ...] = ()
    agent: AgentOrQueue | None = None
    far: Side = "nobody"
    external: str = ""


def people_of(leg: Leg, connection: Connection) -> People:
    """Return who is on a leg; nobody where the event is about none. Never raises."""
    if not leg.uuid:
        return People()
    if leg.is_second:
        return _second(leg, connection)
    if leg.direction == "outbound":
        return _called(leg, connection)
    return _calling(leg, connection)


def answering(leg: Leg, connection: Connection) -> tuple[People, AgentOrQueue | None, str]:
    """Return who is in a call that was bridged, the agent who talks now, and ``external`` where somebody outside does
    for the business. ``leg``: the first one, whose other one is the second."""
    people = people_of(leg, connection)
    if people.direction == "outbound":
        return people, people.agent, ""
    far = _side(leg.other_destination, connection, channel=leg.other_channel)
    if people.far == "staff" and people.direction is None and far == "outside":  # an agent's leg was dialled first
        customer = _customer(leg.other_destination, connection)
        return People("outbound", customer, people.agent, people.far), people.agent, ""
    if far == "outside":
        return people, None, leg.other_destination
    return people, _agent(leg.other_destination) or people.agent, ""


def named_caller(number: str, name: str, connection: Connection) -> tuple[Participant, ...]:
    """Return the customer where an event names a caller and no channel; nobody where it is one of ours."""
    return _customer(number, connection, name) if _side(number, connection) == "outside" else ()


def _calling(leg: Leg, connection: Connection) -> People:
    """Return who calls FreeSWITCH: a customer, or one of ours."""
    caller = _side(leg.number, connection, leg=leg, channel=leg.channel)
    called = _side(leg.destination, connection)
    if caller == "outside":
        weight: Weight = ASSERTED if _is_attested(leg, connection) else CLAIMED
        customer = _customer(leg.number, connection, leg.caller_name, weight, hidden=leg.hides_number)
        return People("inbound", _with_business(customer, leg.destination), far="outside")
    agent = _agent(leg.variable("user_name") or leg.number)
    if called == "outside":
        customer = _customer(leg.destination, connection)
        return People("outbound", _with_business(customer, leg.number), agent, "staff")
    return People("internal", (), agent, "staff")


def _called(leg: Leg, connection: Connection) -> People:
    """Return whom FreeSWITCH calls by itself (``originate``): a customer, or an agent whose call it begins."""
    far = _side(leg.destination, connection, channel=leg.channel, dialled=leg)
    if far == "outside":
        return People("outbound", _with_business(_customer(leg.destination, connection), leg.number), far=far)
    return People(None, (), _agent(leg.variable("dialed_user") or leg.destination), "staff")


def _second(leg: Leg, connection: Connection) -> People:
    """Return who is reached by a leg that was made for another one, and whose call that is."""
    far = _side(leg.destination, connection, channel=leg.channel, dialled=leg)
    if leg.member_session:
        number, name = leg.variable("cc_member_cid_number") or leg.number, leg.variable("cc_member_cid_name")
        agent = _agent(leg.variable("cc_agent") or leg.destination)
        if _side(number, connection) != "outside":
            return People("internal", (), agent, "staff")
        return People("inbound", _customer(number, connection, name), agent, "staff")
    number = leg.other_number or leg.number
    caller = _side(number, connection, channel=leg.other_channel)
    if far == "outside" and caller == "outside":
        return People("inbound", _customer(number, connection), far="outside", external=leg.destination)
    if far == "outside":
        return People("outbound", _with_business(_customer(leg.destination, connection), leg.number), far="outside")
    agent = _agent(leg.variable("dialed_user") or leg.destination)
    if caller == "outside":
        return People("inbound", _customer(number, connection), agent, "staff")
    return People("internal", (), agent, "staff")


def _side(
    address: str, connection: Connection, *, leg: Leg | None = None, channel: str = "", dialled: Leg | None = None
) -> Side:
    """Return whose an address is. ``channel``: the name of the leg there, ``sofia/PROFILE/...``. ``leg``: the leg from
    there, where it came in; ``dialled``: the leg to there, where FreeSWITCH made it."""
    listed = connection.once(_Listed).side(address)
    if listed is not None:
        return listed
    endpoint, _, rest = channel.partition("/")
    if endpoint == "sofia" and rest.partition("/")[0] in connection.once(people_settings).profiles:
        return "outside"
    if leg is not None and (leg.variable("sip_authorized") == "true" or leg.variable("user_name")):
        return "staff"
    if dialled is not None and dialled.variable("sip_gateway_name"):
        return "outside"
    if dialled is not None and dialled.variable("dialed_user"):
        return "staff"
    if not address:
        return "outside" if leg is not None else "nobody"
    if _EXTENSION.fullmatch(address) is not None or not (_number(address) or address == _UNSET):
        return "staff"
    return "outside"


class _Listed:
    """Looks addresses up in a connection's settings, and keeps the answers: the same few come again and again."""

    def __init__(self, connection: Connection) -> None:
        self._settings = connection.settings
        self._region = connection.region
        self._sides: dict[str, Side | None] = {}

    def side(self, address: str) -> Side | None:
        """Return ``staff``, ``business``, or nothing where neither lists it."""
        try:
            return self._sides[address]
        except KeyError:
            pass
        found: Side | None = None
        if lists(self._settings, "staff", address, self._region):
            found = "staff"
        elif lists(self._settings, "numbers", address, self._region):
            found = "business"
        if len(self._sides) >= _CACHED:
            self._sides.clear()
        self._sides[address] = found
        return found


@lru_cache(_CACHED)
def _number(address: str) -> str:
    return number_in(address)


def _customer(
    number: str, connection: Connection, name: str = "", weight: Weight = CLAIMED, *, hidden: bool = False
) -> tuple[Participant, ...]:
    """Return the customer by a number. One that is withheld stays as ``anonymous``, which names nobody."""
    if hidden or number == _UNSET:
        return (
            Participant(role="customer", identifiers=[Identifier(kind="phone", value="anonymous", weight=CLAIMED)]),
        )
    found = _number(number)
    if not found or _EXTENSION.fullmatch(found) is not None:
        return (Participant(role="customer", name=name),) if name and name != number else ()
    shown = name if name not in (number, found) and not is_withheld(found) else ""
    identifier = Identifier(kind="phone", value=found, weight=weight)
    return (Participant(role="customer", name=shown, identifiers=[identifier]),)


def _with_business(customer: tuple[Participant, ...], number: str) -> tuple[Participant, ...]:
    """Return the customer and the business's number, where that is one and another one."""
    found = _number(number)
    taken = {each.value for one in customer for each in one.identifiers}
    if not found.lstrip("+").isdecimal() or found in taken or number == _UNSET or _EXTENSION.fullmatch(found):
        return customer
    return (*customer, Participant(role="business", identifiers=[Identifier(kind="phone", value=found)]))


def _agent(address: str) -> AgentOrQueue | None:
    return AgentOrQueue(id=address) if address and address != _UNSET else None


def _is_attested(leg: Leg, connection: Connection) -> bool:
    if not connection.once(people_settings).trusts_verstat or leg.variable("sip_verstat") != _PASSED:
        return False
    detailed = leg.variable("sip_verstat_detailed")
    return detailed in ("", _PASSED, f"{_PASSED}-A") and leg.number.startswith("+")

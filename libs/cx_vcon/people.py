"""Describe those who take part in a conversation of the hub, as parties of a vCon."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from cx_events.envelope import AgentOrQueue, Data, Participant
from cx_events.json_types import Json

_ADDRESSES: Mapping[str, str] = MappingProxyType({"phone": "tel", "email": "mailto", "sip": "sip", "did": "did"})
_TYPE_OF_ROLE: Mapping[str, Json] = MappingProxyType(
    {
        "customer": {"type": "person"},
        "agent": {"type": "person"},
        "bot": {"type": "bot"},
        "business": {"type": "organization"},
        "system": {},
    }
)
_SPEAKING = frozenset({"customer", "agent", "bot", "business"})


class People:
    """``parties``: the array that grows with each who is met for the first time."""

    def __init__(self, parties: list[Json]) -> None:
        self.parties = parties
        self._known: dict[tuple[str, str], int] = {}

    def role(self, place: int) -> str:
        role: str = self.parties[place]["role"]
        return role

    def party(self, participant: Participant) -> int:
        """The place of a participant: known again by an id, an address, or a name alone."""
        role = participant.role
        addresses = [(i.kind, i.value) for i in participant.identifiers if i.kind in _ADDRESSES and not i.unusable]
        keys = [(role, f"{kind}:{value}") for kind, value in addresses]
        keys += [(role, f"id:{participant.id}")] if participant.id else []
        keys += [(role, f"name:{participant.name}")] if participant.name and not keys else []
        if role == "customer":
            keys.append((role, "the customer"))
        keys = keys or [(role, "")]
        place = next((self._known[key] for key in keys if key in self._known), None)
        if place is None:
            place = len(self.parties)
            self.parties.append({"role": role, **_TYPE_OF_ROLE[role]})
        party = self.parties[place]
        for kind, value in addresses:
            party.setdefault(_ADDRESSES[kind], value)
        if participant.name:
            party.setdefault("name", participant.name)
        if participant.id:
            party.setdefault("uuid", participant.id)
        for key in keys:
            self._known.setdefault(key, place)
        return place

    def agent(self, named: AgentOrQueue | None) -> int | None:
        if named is None or not (named.id or named.name):
            return None
        return self.party(Participant(role="agent", id=named.id, name=named.name))

    def everybody(self, data: Data) -> list[int]:
        """The places of all who take part, those of other customers left out."""
        found: list[int] = []
        seen_customer = False
        for participant in data.participants:
            if participant.role == "customer":
                if seen_customer:
                    continue
                seen_customer = True
            if participant.role in _SPEAKING:
                found.append(self.party(participant))
        agent = self.agent(data.agent)
        return list(dict.fromkeys([*found, *([agent] if agent is not None else [])]))

    def author(self, data: Data, everybody: Sequence[int]) -> int | None:
        """Return who said it: by the direction, as the context has it."""
        roles = {"inbound": ("customer",), "outbound": ("agent", "bot", "business")}.get(data.direction or "", ())
        for place in everybody:
            if self.parties[place]["role"] in roles:
                return place
        if data.direction == "inbound":
            return self.party(Participant(role="customer"))
        if data.direction == "outbound":
            return self.party(Participant(role="bot" if data.bot is not None else "agent"))
        return everybody[0] if everybody else None

"""Read and check the agents and queues of a tenant's configuration, by which ids their systems know them.

    agents:
      ben:
        name: Ben Okafor
        ids: {acme-calls: "client:ben", any: [ben@acme.example, "2001"]}
        teams: [support]
        queues: [billing]
    queues:
      billing: {answer_within: 2m}

A system is a connection of the tenant, a provider (for all of its connections), the ``source`` of events that a client
sends, or ``any``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Protocol

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, field_validator

from cx_events.directory import ANY_SYSTEM, Alias, Directory, Entry, Kind, id_forms, systems_named
from cx_events.directory_facts import MAX_ID
from cx_events.spelling import nearest
from cx_runtime.configuration_errors import Mistakes
from cx_runtime.durations import seconds_of

LONGEST_WAIT = 365 * 86_400
"""Seconds that ``answer_within`` may be at most."""

_ID = re.compile(rf"[^\x00-\x1f\x7f]{{1,{MAX_ID}}}")


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


_Id = Annotated[str, StringConstraints(min_length=1, max_length=MAX_ID, pattern=r"^[^\x00-\x1f\x7f]*$")]
_Ids = Annotated[tuple[_Id, ...], BeforeValidator(_as_list)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Known(_Strict):
    """An agent or a queue. ``name``: for display. ``ids``: by system, an id or a list of ids."""

    name: str = ""
    ids: dict[str, _Ids] = {}


class QueueConfig(_Known):
    """A queue. ``answer_within``: how long a customer may wait in it, in seconds, or as ``2m``."""

    answer_within: int | None = Field(default=None, ge=1, le=LONGEST_WAIT)

    @field_validator("answer_within", mode="before")
    @classmethod
    def _duration(cls, value: object) -> object:
        return seconds_of(value)


class AgentConfig(_Known):
    """An agent. ``teams``: by name. ``queues``: of the configuration, from which the agent takes work."""

    teams: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()


class _Connection(Protocol):
    @property
    def provider(self) -> str: ...


class _Tenant(Protocol):
    @property
    def agents(self) -> Mapping[str, AgentConfig]: ...
    @property
    def queues(self) -> Mapping[str, QueueConfig]: ...
    @property
    def connections(self) -> Mapping[str, _Connection]: ...


def directory_of(name: str, tenant: _Tenant) -> Directory:
    """Return a tenant's directory. Raises ``Mistakes``, naming the places, for what can't be meant."""
    place = f"tenants.{name}"
    mistakes: list[str] = []
    entries = [
        *(_entry("queue", f"{place}.queues", id, its, tenant, mistakes) for id, its in tenant.queues.items()),
        *(_entry("agent", f"{place}.agents", id, its, tenant, mistakes) for id, its in tenant.agents.items()),
    ]
    mistakes += _not_once(place, entries)
    for id, agent in tenant.agents.items():
        for queue in agent.queues:
            if queue not in tenant.queues:
                near = _known(queue, tenant.queues)
                mistakes.append(f"{place}.agents.{id}.queues: there is no queue {queue!r}{near}")
    if mistakes:
        raise Mistakes(mistakes)
    return Directory(name, entries)


def _entry(kind: Kind, place: str, id: str, its: _Known, tenant: _Tenant, mistakes: list[str]) -> Entry:
    if _ID.fullmatch(id) is None:
        mistakes.append(f"{place}: {id[:64]!r} is no id: 1 to {MAX_ID} characters, none of them a control character")
    aliases = [
        Alias(system, alias)
        for said, ids in its.ids.items()
        for system in _systems(said, f"{place}.{id}.ids", tenant, mistakes)
        for id_there in ids
        for alias in id_forms(id_there)
    ]
    agent = its if isinstance(its, AgentConfig) else AgentConfig()
    return Entry(kind, id, its.name, tuple(dict.fromkeys(aliases)), agent.teams, agent.queues)


def _systems(said: str, place: str, tenant: _Tenant, mistakes: list[str]) -> Iterable[str]:
    """Return the systems that one in the configuration stands for; none where that is a mistake."""
    systems = systems_named(said, {id: its.provider for id, its in tenant.connections.items()})
    if systems:
        return systems
    known = [*tenant.connections, *(its.provider for its in tenant.connections.values()), ANY_SYSTEM]
    mistakes.append(
        f"{place}: there is no system {said!r}; it may be a connection, the provider of one, the source of a client's "
        f"events (//HOST/NAME), or {ANY_SYSTEM!r}{_known(said, known)}"
    )
    return ()


def _not_once(place: str, entries: Iterable[Entry]) -> Iterator[str]:
    """Yield where an id leads to two, or to who is led on to another."""
    entries = list(entries)
    own = {(entry.kind, entry.id) for entry in entries}
    having: dict[tuple[Kind, Alias], Entry] = {}
    for entry, alias in _aliases(entries):
        at = f"{place}.{entry.kind}s.{entry.id}.ids.{alias.system}"
        other = having.setdefault((entry.kind, alias), entry)
        if other is not entry:
            yield f"{at}: {alias.id!r} is {other.id!r} already; an id in a system is one {entry.kind}'s"
        if alias.system == ANY_SYSTEM and alias.id != entry.id and (entry.kind, alias.id) in own:
            yield f"{at}: {alias.id!r} is an {entry.kind} of its own here; one can't lead on to another"


def _aliases(entries: Iterable[Entry]) -> Iterator[tuple[Entry, Alias]]:
    return ((entry, alias) for entry in entries for alias in entry.aliases)


def _known(said: str, known: Iterable[str]) -> str:
    near = nearest(said, sorted(set(known)))
    return f"; did you mean {near!r}?" if near else ""

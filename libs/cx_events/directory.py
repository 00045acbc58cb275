"""Tell who an agent or a queue is, though each system has an id of its own for it.

Twilio says ``client:ben``, Genesys a UUID, the desk ``ben``: a tenant's directory says that they are one agent. Events
and parts keep what the vendor said; the directory is asked when a context is read or served
(docs/decisions/0059-who-an-agent-is.md). What it doesn't know stays as the vendor names it. It is made of the
configuration and of events (``cx_events.directory_facts``). Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from hashlib import blake2b
from types import MappingProxyType
from typing import Literal, NamedTuple

import msgspec

from cx_events.email_addresses import normalise_address
from cx_events.facts import connection_source

Kind = Literal["agent", "queue"]

ANY_SYSTEM = "any"
"""The system of an id that means the same wherever it stands: a mail address, an extension."""


class Alias(NamedTuple):
    """An id in a system. ``system``: a connection, the ``source`` of events that a client sends, or ``ANY_SYSTEM``."""

    system: str
    id: str


class Entry(NamedTuple):
    """An agent or a queue of a tenant.

    ``name``: for display; where it is empty, the vendors' name is shown. ``teams``: names; ``queues``: ids of queues
    from which an agent takes work.
    """

    kind: Kind
    id: str
    name: str = ""
    aliases: tuple[Alias, ...] = ()
    teams: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()


class Origin(NamedTuple):
    """The event that tells of an agent or a queue. ``recorded``: RFC 3339."""

    source: str
    id: str
    recorded: str


class Unheeded(NamedTuple):
    """An id in a system that an event tells and the directory does not heed, and why; with neither the whole entry."""

    kind: Kind
    entry: str
    system: str
    id: str
    reason: str


class Directory:
    """A tenant's agents and queues. False where there are none.

    ``origins``: of the entries that events tell, by kind and id; the others are configured. ``unheeded``: what events
    tell in vain.
    """

    def __init__(
        self,
        tenant: str,
        entries: Iterable[Entry] = (),
        origins: Mapping[tuple[Kind, str], Origin] = MappingProxyType({}),
        unheeded: Iterable[Unheeded] = (),
    ) -> None:
        self.origins = origins
        self.unheeded = tuple(unheeded)
        self.entries: Mapping[tuple[Kind, str], Entry] = {(each.kind, each.id): each for each in entries}
        self._connections = connection_source(tenant, "")
        self._by_alias = {
            (entry.kind, alias.system, alias.id): entry for entry in self.entries.values() for alias in entry.aliases
        }
        self._having: dict[tuple[Kind, str], list[Entry]] = {}
        for (kind, _, id), entry in self._by_alias.items():
            having = self._having.setdefault((kind, id), [])
            if entry not in having:
                having.append(entry)

    @cached_property
    def digest(self) -> bytes:
        """Return eight bytes that stand for all that it says; none where it says nothing."""
        said = sorted(self.entries.values())
        return blake2b(msgspec.json.encode(said), digest_size=8).digest() if said else b""

    def __bool__(self) -> bool:
        return bool(self.entries)

    def find(self, kind: Kind, id: str, source: str) -> Entry | None:
        """Return whom an id means in an event of a source; None where nobody says.

        What is said of the event's system counts before the directory's own ids, and these before ``ANY_SYSTEM``. Who
        speaks from outside of any connection, as a desk does, may use an id that only one has in whatever system.
        """
        connected = source.startswith(self._connections)
        system = source[len(self._connections) :] if connected else source
        found = (
            self._by_alias.get((kind, system, id))
            or self.entries.get((kind, id))
            or self._by_alias.get((kind, ANY_SYSTEM, id))
        )
        if found is None and not connected:
            having = self._having.get((kind, id), [])
            return having[0] if len(having) == 1 else None
        return found

    def id_of(self, kind: Kind, id: str, source: str) -> str:
        """Return the directory's id of whom an id means in an event of a source, else the id itself."""
        entry = self.find(kind, id, source)
        return entry.id if entry is not None else id

    def asked_for(self, kind: Kind, id: str) -> str:
        """Return the directory's id of whom somebody asks for, from outside of any system, by any of their ids.

        An id that several have, each in another system, is nobody's in particular, and returned as it is.
        """
        return self.id_of(kind, id, "")

    def ids_of(self, kind: Kind, id: str) -> list[str]:
        """Return the ids by which events may name an agent or a queue of the directory, its own first."""
        entry = self.entries.get((kind, id))
        aliases = entry.aliases if entry is not None else ()
        return list(dict.fromkeys([id, *(alias.id for alias in aliases)]))

    def meant_by(self, kind: Kind, id: str) -> set[str]:
        """Return the directory's ids of all whom an id may mean, in whatever system."""
        found = {entry.id for entry in self._having.get((kind, id), ())}
        return found | {id} if (kind, id) in self.entries else found


NO_DIRECTORY = Directory("")
"""The directory of a tenant that has none configured."""


def systems_named(said: str, providers: Mapping[str, str]) -> Iterable[str]:
    """Return the systems that a word stands for: a connection, all connections of a provider, the source of a client's
    events, or ``any``; none where it is none of these. ``providers``: of the tenant's connections."""
    if said in providers or said == ANY_SYSTEM:
        return (said,)
    of_provider = [connection for connection, provider in providers.items() if provider == said]
    if of_provider:
        return of_provider
    return (said,) if "//" in said or ":" in said else ()  # the source of a client's events, a URI


def id_forms(id: str) -> Iterable[str]:
    """Return an id as it is written and, of a mail address, as intake writes it."""
    address, unusable = normalise_address(id) if "@" in id else (id, "")
    return (id,) if unusable or ":" in id else dict.fromkeys((id, address))

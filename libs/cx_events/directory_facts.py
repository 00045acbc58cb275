"""Read who agents and queues are from events, and put that beside what the configuration says. Pure.

Of all events about one agent or queue the last one in the order of events counts, so the directory is a function of the
set of them. What the configuration says of an agent or a queue counts before all events
(docs/decisions/0069-directory-facts.md).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from cx_events.directory import ANY_SYSTEM, Alias, Directory, Entry, Kind, Origin, Unheeded, id_forms, systems_named
from cx_events.envelope import DirectoryEntry, Event
from cx_events.errors import Refused
from cx_events.facts import DIRECTORY_FAMILY, Order, canonical_order, event_times
from cx_events.ids import IdSpace

MAX_ID: Final = 280
"""Characters of an id or a name, as many as parts hold."""

MAX_SYSTEM: Final = 512
"""Characters of a system's name, as many as an event's ``source`` may have."""

MAX_IDS: Final = 1_000
"""Ids of one agent or queue, and its teams and queues."""

_WORD = re.compile(r"[^\x00-\x1f\x7f]+")
_KINDS: Mapping[str, tuple[Kind, bool]] = {
    f"{DIRECTORY_FAMILY}agent_set.v1": ("agent", True),
    f"{DIRECTORY_FAMILY}agent_removed.v1": ("agent", False),
    f"{DIRECTORY_FAMILY}queue_set.v1": ("queue", True),
    f"{DIRECTORY_FAMILY}queue_removed.v1": ("queue", False),
}

Key = tuple[Kind, str]


class ConfiguredDirectory(NamedTuple):
    """A tenant's agents and queues as the configuration says. ``providers``: of its connections."""

    ids: IdSpace
    directory: Directory
    providers: Mapping[str, str]


class DirectoryFact(NamedTuple):
    """The last that an event tells of an agent or a queue. ``told``: None where it is removed."""

    order: Order
    kind: Kind
    id: str
    told: DirectoryEntry | None
    origin: Origin


def check_entry(entry: DirectoryEntry) -> None:
    """Raise ``Refused("bad-directory")``, naming the place, for an entry that can't be used."""
    fault = _fault(entry)
    if fault:
        raise Refused("bad-directory", f"data.directory.{fault}")


def directory_fact(event: Event) -> DirectoryFact | None:
    """Return what an event says of an agent or a queue; None where it says nothing that can be used. Total."""
    found = _KINDS.get(event.type)
    entry = event.data.directory
    if found is None or entry is None or _fault(entry):
        return None
    try:
        order = canonical_order(event, *event_times(event))
    except Refused:
        return None
    kind, is_set = found
    origin = Origin(event.source, event.id, event.recordedtime)
    return DirectoryFact(order, kind, entry.id, entry if is_set else None, origin)


def latest_facts(facts: Iterable[DirectoryFact], known: Mapping[Key, DirectoryFact]) -> dict[Key, DirectoryFact]:
    """Return the last fact of each agent and queue, of these and of those that are known."""
    found = dict(known)
    for fact in facts:
        before = found.get((fact.kind, fact.id))
        if before is None or fact.order > before.order:
            found[fact.kind, fact.id] = fact
    return found


def directory_with(base: ConfiguredDirectory, facts: Iterable[DirectoryFact]) -> Directory:
    """Return the configured directory with what events tell.

    An id in a system is one agent's: the configuration's, else his of whom was told last. Likewise an id that is an
    agent's own, or the configuration's in any system, is nobody else's. What is not heeded for that stands in
    ``Directory.unheeded``.
    """
    configured = base.directory
    kept = [fact for fact in sorted(facts, key=lambda fact: fact.order, reverse=True) if fact.told is not None]
    if not kept:
        return configured
    taken: dict[tuple[Kind, Alias], str] = {
        (entry.kind, alias): entry.id for entry in configured.entries.values() for alias in entry.aliases
    }
    unheeded: list[Unheeded] = []
    heeded: dict[Key, DirectoryFact] = {}
    for fact in kept:
        reason = _overruled(fact, configured, taken)
        if reason:
            unheeded.append(Unheeded(fact.kind, fact.id, "", "", reason))
        else:
            heeded[fact.kind, fact.id] = fact
    owns = {*configured.entries, *heeded}
    entries = [_entry(fact, taken, owns, base.providers, unheeded) for fact in heeded.values()]
    origins = {key: fact.origin for key, fact in heeded.items()}
    return Directory(base.ids.tenant, [*configured.entries.values(), *entries], origins, unheeded)


def _overruled(fact: DirectoryFact, configured: Directory, taken: Mapping[tuple[Kind, Alias], str]) -> str:
    if (fact.kind, fact.id) in configured.entries:
        return "the configuration says who this is"
    other = taken.get((fact.kind, Alias(ANY_SYSTEM, fact.id)))
    return f"the configuration says that this is {other!r}" if other is not None else ""


def _entry(
    fact: DirectoryFact,
    taken: dict[tuple[Kind, Alias], str],
    owns: set[Key],
    providers: Mapping[str, str],
    unheeded: list[Unheeded],
) -> Entry:
    """Return the entry of a fact with those of its ids that are free, which it takes."""
    told = fact.told or DirectoryEntry()
    aliases: dict[Alias, None] = {}
    for said, id in _ids(told):
        systems = systems_named(said, providers)
        if not systems:
            unheeded.append(Unheeded(fact.kind, fact.id, said, id, "there is no such connection, provider or source"))
        for alias in (Alias(system, form) for system in systems for form in id_forms(id)):
            other = taken.setdefault((fact.kind, alias), fact.id)
            if (
                other == fact.id
                and alias.system == ANY_SYSTEM
                and alias.id != fact.id
                and (fact.kind, alias.id) in owns
            ):
                other = alias.id
            if other == fact.id:
                aliases[alias] = None
            else:
                unheeded.append(Unheeded(fact.kind, fact.id, alias.system, alias.id, f"this is {other!r}"))
    teams, queues = (told.teams, told.queues) if fact.kind == "agent" else ((), ())
    return Entry(fact.kind, fact.id, told.name, tuple(aliases), tuple(teams), tuple(queues))


def _ids(entry: DirectoryEntry) -> Iterator[tuple[str, str]]:
    return ((system, id) for system, ids in sorted(entry.ids.items()) for id in ids)


def _fault(entry: DirectoryEntry) -> str:
    """Return what is wrong with an entry, beginning with its place; empty where nothing is."""
    named = [("id", entry.id), *((f"ids.{system[:64]}", id) for system, id in _ids(entry))]
    named += [("teams", each) for each in entry.teams] + [("queues", each) for each in entry.queues]
    if len(named) > MAX_IDS:
        return f"ids: there are {len(named)} ids, teams and queues; {MAX_IDS} are allowed"
    for place, word in named:
        if not _is_word(word, MAX_ID):
            return f"{place}: {word[:64]!r} is no id: 1 to {MAX_ID} characters, none of them a control character"
    if entry.name and not _is_word(entry.name, MAX_ID):
        return f"name: 1 to {MAX_ID} characters, none of them a control character"
    for system in entry.ids:
        if not _is_word(system, MAX_SYSTEM):
            return f"ids: {system[:64]!r} is no system: a connection, a provider, a source or {ANY_SYSTEM!r}"
    return ""


def _is_word(text: str, most: int) -> bool:
    return len(text) <= most and _WORD.fullmatch(text) is not None

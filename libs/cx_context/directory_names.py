"""Read parts with the names of a directory: whoever has several ids is one agent, one queue.

A register's value is exchanged and its place in time stays, so it makes no difference whether parts are resolved before
they are combined or afterwards. What a part holds is never written back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from msgspec import structs

from cx_context.parts.header import ReadWords
from cx_context.parts.keyed_parts import KeyedPart
from cx_context.parts.model import Part
from cx_context.parts.values import At, Register, shorten_name
from cx_events.directory import Directory, Entry, Kind
from cx_events.envelope import AgentOrQueue, Data, Event

SOURCE: Final = 3
"""The place of an event's source in ``At``."""


def named_parts(parts: Iterable[KeyedPart], directory: Directory) -> list[KeyedPart]:
    """Return parts with the directory's ids and names."""
    return [KeyedPart(part_id, named_part(part, directory)) for part_id, part in parts]


def named_part(part: Part, directory: Directory) -> Part:
    """Return a part, its header or its words with the directory's ids and names; the same one where nothing changes."""
    if not directory:
        return part
    changed = {
        name: value
        for name, read in _FIELDS.items()
        if (old := getattr(part, name)) and (value := read(old, directory)) != old
    }
    return structs.replace(part, **changed) if changed else part


def named_words(words: ReadWords, directory: Directory) -> ReadWords:
    """Return a function that reads words with the directory's ids and names."""
    return (lambda part_id: named_part(words(part_id), directory)) if directory else words


def named_data(event: Event, directory: Directory) -> Data:
    """Return an event's data with the directory's ids and names of its agents and queues."""
    data, source = event.data, event.source
    if not directory or (_names_nobody(data)):
        return data
    transfer = data.transfer
    if transfer is not None:
        agent, queue = _named("agent", transfer.agent, source, directory), transfer.queue
        transfer = structs.replace(transfer, agent=agent, queue=_named("queue", queue, source, directory))
    return structs.replace(
        data,
        agent=_named("agent", data.agent, source, directory),
        queue=_named("queue", data.queue, source, directory),
        assignee=_named("agent", data.assignee, source, directory),
        transfer=transfer,
    )


def _names_nobody(data: Data) -> bool:
    return data.agent is None and data.queue is None and data.transfer is None and data.assignee is None


def named_event(event: Event, directory: Directory) -> Event:
    """Return an event whose data has the directory's ids and names."""
    return structs.replace(event, data=named_data(event, directory)) if directory else event


def _named(kind: Kind, one: AgentOrQueue | None, source: str, directory: Directory) -> AgentOrQueue | None:
    entry = directory.find(kind, one.id, source) if one is not None else None
    return AgentOrQueue(id=entry.id, name=entry.name or (one.name if one else "")) if entry is not None else one


def _id_and_name(kind: Kind) -> Callable[[Register, Directory], Register]:
    def read(register: Register, directory: Directory) -> Register:
        at, (id, name) = register
        entry = directory.find(kind, id, at[SOURCE])
        return register if entry is None else (at, [entry.id, entry.name or name])

    return read


def _id(register: Register, directory: Directory) -> Register:
    at, id = register
    return at, directory.id_of("agent", id, at[SOURCE])


def _transfer(register: Register, directory: Directory) -> Register:
    at, (how, agent, queue) = register
    source = at[SOURCE]
    return at, [how, directory.id_of("agent", agent, source), directory.id_of("queue", queue, source)]


def _handoff(register: Register, directory: Directory) -> Register:
    """Resolve to whom the contact is passed on, and the agent who asks, who may be told by id."""
    at, (to, reason, by, asker) = register
    source = at[SOURCE]
    return at, [
        directory.id_of("agent", to, source),
        reason,
        by,
        _shown_name(asker, source, directory) if by == "agent" else asker,
    ]


def _acceptances(acceptances: list[Any], directory: Directory) -> list[Any]:
    return [
        (at, entry.id, entry.name or name, accepted)
        if (entry := directory.find("agent", id, at[SOURCE])) is not None
        else (at, id, name, accepted)
        for at, id, name, accepted in acceptances
    ]


def _declines(declines: Mapping[str, Register], directory: Directory) -> dict[str, Register]:
    """Return each agent's last decline. An id that a hash shortens is no directory's."""
    found: dict[str, Register] = {}
    for id, (at, (name, reason, declined)) in declines.items():
        entry = directory.find("agent", id, at[SOURCE])
        own, shown = (id, name) if entry is None else (shorten_name(entry.id), entry.name or name)
        if own not in found or at > found[own][0]:
            found[own] = (at, [shown, reason, declined])
    return found


def _notes(notes: list[Any], directory: Directory) -> list[Any]:
    return [(at, _shown_name(author, at[SOURCE], directory), text) for at, author, text in notes]


def _promises(promises: list[Any], directory: Directory) -> list[Any]:
    return [(at, _shown_name(author, at[SOURCE], directory), *rest) for at, author, *rest in promises]


def _shown_name(id_or_name: str, source: str, directory: Directory) -> str:
    entry = directory.find("agent", id_or_name, source)
    return (entry.name or entry.id) if entry is not None else id_or_name


def _names(names: Mapping[str, Register], directory: Directory) -> dict[str, Register]:
    """Return the last name that vendors told of each; the directory's own name is preferred where it is shown."""
    found: dict[str, Register] = {}
    for key, (at, name) in names.items():
        kind, _, id = key.partition("\n")
        entry = _entry(directory, kind, id, at)
        register = (at, name) if entry is None else (at, entry.name or name)
        key = key if entry is None else f"{kind}\n{entry.id}"
        if key not in found or at > found[key][0]:
            found[key] = register
    return found


def _entry(directory: Directory, kind: str, id: str, at: At) -> Entry | None:
    return directory.find("agent" if kind == "agent" else "queue", id, at[SOURCE])


def _first_times(times: Mapping[str, At], directory: Directory) -> dict[str, At]:
    """Return when each agent first did something. An id that a hash shortens is no directory's."""
    found: dict[str, At] = {}
    for id, at in times.items():
        own = shorten_name(directory.id_of("agent", id, at[SOURCE]))
        found[own] = min(at, found.get(own, at))
    return found


_FIELDS: Mapping[str, Callable[[Any, Directory], Any]] = {
    "agent": _id_and_name("agent"),
    "mentioned": _id_and_name("agent"),
    "queue": _id_and_name("queue"),
    "names": _names,
    "offer": _id,
    "transfer": _transfer,
    "handoff": _handoff,
    "acceptances": _acceptances,
    "declines": _declines,
    "context_view": _id,
    "first_answers": _first_times,
    "first_views": _first_times,
    "notes": _notes,
    "assignment": _id_and_name("agent"),
    "promises": _promises,
}
"""The fields of a part that name agents or queues, and how each is read with a directory."""

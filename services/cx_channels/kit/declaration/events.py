"""Compile one declared event: its type, when it applies, what it is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from msgspec import Raw, Struct

from cx_channels.kit.declaration.bodies import kept
from cx_channels.kit.declaration.event_ids import EventId, compile_id, compile_root, digest
from cx_channels.kit.declaration.expressions import compile_value, is_operation
from cx_channels.kit.declaration.fields import DATA_MEMBERS, compile_member, constant_texts
from cx_channels.kit.declaration.mistakes import Place
from cx_channels.kit.declaration.moments import compile_time
from cx_channels.kit.declaration.paths import Steps
from cx_channels.kit.declaration.people import Member, check_apart
from cx_channels.kit.declaration.scope import Read, Scope, Unusable, items_of
from cx_channels.kit.json_values import number
from cx_channels.kit.outcomes import MOST_OUTCOMES
from cx_channels.provider import Connection, Ignored, Unmapped
from cx_events.catalogue import catalogue, missing_fields
from cx_events.envelope import Channel, Data, Draft, Weight
from cx_events.event_type import EventType
from cx_events.spelling import nearest

SHARED = frozenset({"id", "time", "sequence", "interaction", *DATA_MEMBERS})
"""Members of an event that ``defaults`` may give to all."""

_MEMBERS = SHARED | {"type", "when", "each", "ignore"}


class Shared(NamedTuple):
    """The members that an event has by itself or from ``defaults``, compiled. ``declared``: as they are written."""

    declared: Mapping[str, Any]
    members: Mapping[str, Member]
    id: EventId | None = None
    root: Read | None = None
    time: Read | None = None
    sequence: Read | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules for all events of a declaration. ``strongest``: the most that an identifier may weigh.
    ``left_out``: paths below a notice that ``raw`` does not keep."""

    channel: Channel
    strongest: Weight
    defaults: Shared
    left_out: tuple[Steps, ...] = ()


@cache
def declarable_types() -> Mapping[str, EventType]:
    """Return the types that a declaration may make: those that every client may send, and whose needs it can state."""
    declarable = {*DATA_MEMBERS, "interaction"}
    return {
        name: each
        for name, each in catalogue().items()
        if each.scope == "events:write"
        and each.kind != "decision"
        and not each.unsupported
        and all(any(path.split(".")[0] in declarable for path in need.split("|")) for need in each.needs)
    }


class Outcomes(Struct, gc=False):
    """The outcomes of one request's notices so far. ``is_full``: there are more than one request may become."""

    drafts: list[Draft] = []
    ignored: list[Ignored] = []
    unmapped: list[Unmapped] = []

    @property
    def is_full(self) -> bool:
        return len(self.drafts) + len(self.unmapped) > MOST_OUTCOMES


@dataclass(frozen=True, slots=True)
class EventRule:
    """One declared event, compiled. ``ignored``: why the notice is left out instead, where ``when`` holds.
    ``needs``: those of its type that the declaration alone does not make sure of. ``constants``: the members of data
    that are the same text for every notice; ``members``: what reads the others."""

    type: str
    what: str
    needs: tuple[str, ...]
    constants: Mapping[str, str]
    members: tuple[tuple[str, Read], ...]
    id: EventId
    root: Read | None
    time: Read | None
    sequence: Read | None
    when: Read | None
    each: Read | None
    left_out: tuple[Steps, ...]
    ignored: str = ""

    def apply(self, s: Scope, connection: Connection, raw: bytes, key: str, found: Outcomes) -> bool:
        """Add what the notice of a scope becomes by this rule; return whether it applies.

        ``raw``: what an event keeps of the notice; ``key``: the kind, as it is declared.
        """
        if self.each is None:
            if self.when is not None and self.when(s) is not True:
                return False
            self._add(s, connection, raw, key, found)
            return True
        try:
            parts = items_of(self.each(s), "each")
        except Unusable as unusable:
            found.unmapped.append(Unmapped(digest(raw), f"{unusable.reason}: {unusable.detail}", raw))
            return True
        applied = False
        for part in parts:
            inner = s.of(part)
            if self.when is None or self.when(inner) is True:
                applied = True
                self._add(inner, connection, kept(part, None, self.left_out), key, found)
                if found.is_full:
                    break
        return applied

    def _add(self, s: Scope, connection: Connection, raw: bytes, key: str, found: Outcomes) -> None:
        if self.ignored:
            found.ignored.append(Ignored(key, self.ignored))
            return
        try:
            found.drafts.append(self._draft(s, connection, raw))
        except Unusable as unusable:
            reason = f"{unusable.reason}: {unusable.detail}"[:500]
            found.unmapped.append(Unmapped(digest(raw, self.type), reason, raw))

    def _draft(self, s: Scope, connection: Connection, raw: bytes) -> Draft:
        values: dict[str, Any] = {**self.constants}
        for name, read in self.members:
            value = read(s)
            if value is not None:
                values[name] = value
        people = values.get("participants")
        if people is not None and len(people) > 1:
            check_apart(people)
        root = self.root(s) if self.root is not None else ""
        counted = number(self.sequence(s)) if self.sequence is not None else None
        if root:
            values["interaction"] = f"{connection.id}/{root}"
        values["raw"] = Raw(raw)
        draft = Draft(
            type=self.type,
            id=self.id.of(s, self.what, raw, root),
            time=self.time(s) if self.time is not None else None,
            sequence=round(counted) if counted is not None and counted >= 0 else None,
            data=Data(**values),
        )
        if self.needs and (lacking := missing_fields(draft, self.needs)):
            raise Unusable("missing-fields", f"{self.type} needs {', '.join(lacking)}, and the notice has none")
        return draft


def compile_shared(given: Mapping[str, Any], place: Place, strongest: Weight) -> Shared:
    """Return the members that are declared at one place, compiled."""
    members = {
        name: compile_member(field, given[name], place.at(name), strongest)
        for name, field in DATA_MEMBERS.items()
        if given.get(name) is not None
    }
    root = given.get("interaction")
    time = given.get("time")
    return Shared(
        given,
        members,
        compile_id(given["id"], place.at("id")) if given.get("id") is not None else None,
        compile_root(root, place.at("interaction")) if root is not None else None,
        compile_time(time, place.at("time")) if time is not None else None,
        _read("sequence", given, place),
    )


def compile_event(given: Any, place: Place, rules: Rules) -> EventRule:
    """Return one declared event, compiled. Mistakes are noted at their places."""
    own = place.members(given, _MEMBERS)
    if "ignore" in own:
        return _ignored(own, place)
    known = _type(own, place)
    base, mine = rules.defaults, compile_shared({k: v for k, v in own.items() if k in SHARED}, place, rules.strongest)
    whole = {**base.declared, **mine.declared}
    for need in known.needs if known else ():
        if not any(_states(whole, path) for path in need.split("|")):
            place.wrong(f"{own['type']} needs {need.replace('|', ' or ')}")
    # Nothing given (null) takes away what defaults give.
    members = [each for each in {**base.members, **mine.members}.values() if whole[each.name] is not None]
    constants = {"channel": rules.channel, **constant_texts(members)}
    return EventRule(
        type=known.name if known else "",
        what=known.name[len("cx.") :].rpartition(".v")[0] if known else "",
        # An interaction that is declared is there, or the event is not made.
        needs=tuple(need for need in known.needs if "interaction" not in need.split("|")) if known else (),
        constants=constants,
        members=tuple((each.name, each.read) for each in members if each.name not in constants),
        id=mine.id or ((base.id if "id" not in own else None) or EventId()),
        root=mine.root or (base.root if "interaction" not in own else None),
        time=mine.time or (base.time if "time" not in own else None),
        sequence=mine.sequence or (base.sequence if "sequence" not in own else None),
        when=_read("when", own, place),
        each=_read("each", own, place),
        left_out=rules.left_out,
    )


def _read(name: str, given: Mapping[str, Any], place: Place) -> Read | None:
    return compile_value(given[name], place.at(name)).read if given.get(name) is not None else None


def _ignored(own: Mapping[str, Any], place: Place) -> EventRule:
    """Return the rule of ``{ignore: WHY, when: CONDITION}``."""
    for name in own.keys() - {"ignore", "when"}:
        place.at(name).wrong("this does not stand beside 'ignore'")
    why = place.text_at(own, "ignore").strip()
    if not why:
        place.at("ignore").wrong("say why it is left out")
    when = _read("when", own, place)
    return EventRule("", "", (), {}, (), EventId(), None, None, None, when, None, (), ignored=why or "as declared")


def _type(own: Mapping[str, Any], place: Place) -> EventType | None:
    name = place.text_at(own, "type")
    if not name:
        place.wrong("'type' is missing, like cx.message.received.v1 (or 'ignore', with a reason)")
        return None
    known = declarable_types()
    if name not in known:
        near = nearest(name, known)
        why = (
            "people and the hub decide it"
            if name in catalogue()
            else f"did you mean {near!r}?"
            if near
            else "see docs/events.md"
        )
        place.at("type").wrong(f"there is no event type {name[:64]!r} to declare; {why}")
    return known.get(name)


def _states(whole: Mapping[str, Any], path: str) -> bool:
    """Return whether a declaration states what a type needs, as ``message.id``."""
    at: Any = whole
    for step in path.split("."):
        if not isinstance(at, Mapping) or is_operation(at):
            return True
        at = at.get(step)
        if at is None:
            return False
    return True


MOST_RULES = MOST_OUTCOMES // 5
"""Events that one kind may become."""

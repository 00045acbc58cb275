"""Compile a whole declaration, and map requests by it.

A declaration has: ``authentication``; ``handshake``; ``body``; ``each``, a path to the notices where a request has
several; ``kind``, what tells a notice's kind; ``leave_out``, paths that ``raw`` does not keep; ``defaults`` for all
events; ``ignore``, kinds that are left out, each with its reason; ``kinds``, each with the event or the events that it
becomes. A kind may end in ``*``: then it stands for all that begin so, and the longest such one counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from cx_channels.kit.declaration.authentication import Authentication, compile_authentication
from cx_channels.kit.declaration.bodies import Body, compile_body, kept
from cx_channels.kit.declaration.event_ids import digest
from cx_channels.kit.declaration.events import (
    MOST_RULES,
    SHARED,
    EventRule,
    Outcomes,
    Rules,
    compile_event,
    compile_shared,
)
from cx_channels.kit.declaration.expressions import compile_parts, compile_value
from cx_channels.kit.declaration.handshakes import Handshake, compile_handshake
from cx_channels.kit.declaration.mistakes import Place, shown
from cx_channels.kit.declaration.paths import Steps, is_path, parse_path
from cx_channels.kit.declaration.scope import Read, Scope
from cx_channels.kit.json_values import written
from cx_channels.kit.outcomes import MOST_OUTCOMES, no_adapter
from cx_channels.provider import Answer, Connection, Ignored, Mapped, Request, Unmapped
from cx_events.envelope import Channel, Draft
from cx_events.errors import Fatal, Refused

SETTING = "mapping"
"""The setting of a connection that holds its declaration."""

DECLARED, IGNORED, UNKNOWN = "declared", "ignored", "unknown"
"""The kinds of notices that a provider of declarations has, whatever its vendor calls them."""

_MEMBERS = ("authentication", "handshake", "body", "each", "kind", "leave_out", "defaults", "ignore", "kinds")
_LONGEST_KIND = 160
_MOST_KINDS = 1_000


class _Kind(NamedTuple):
    """One declared kind. ``key``: as it is written; ``ignored``: why its notices are left out, or ""."""

    key: str
    rules: tuple[EventRule, ...] = ()
    ignored: str = ""


@dataclass(frozen=True, eq=False)
class Declaration:
    """A declaration, compiled. ``prefixes``: the kinds that end in ``*``, without it, longest first."""

    authentication: Authentication
    handshake: Handshake | None
    body: Callable[[Request], Body]
    each: Read | None
    kind: tuple[Read, ...]
    left_out: tuple[Steps, ...]
    kinds: Mapping[str, _Kind]
    prefixes: tuple[tuple[str, _Kind], ...]

    def map(self, request: Request, connection: Connection) -> Mapped:
        """Map a request. ``Refused("malformed")`` for a body that can't be read."""
        body = request.once(self.body)
        found = Outcomes()
        if self.each is None:
            self._notice(body.value, body, request, connection, body.raw, found)
        else:
            notices = self._notices(body, request)
            if notices is None:
                why = "no-notices: the declared 'each' is not in the request, or is no list"
                found.unmapped.append(Unmapped(digest(body.raw), why, body.raw))
            elif not notices:
                found.ignored.append(Ignored("empty", "the request holds no notice"))
            for notice in notices or ():
                self._notice(notice, body, request, connection, None, found)
                if found.is_full:
                    break
        if found.is_full:
            why = f"too-many-events: more than {MOST_OUTCOMES} in one request"
            found.unmapped.append(Unmapped(digest(body.raw), why, body.raw))
        if len(found.drafts) > 1:
            _tell_apart(found.drafts)
        return Mapped(tuple(found.drafts), tuple(found.ignored), tuple(found.unmapped))

    def challenge(self, request: Request, connection: Connection) -> Answer | None:
        """Return the answer to a signed check of the URL, where one is declared; None for any other request."""
        if self.handshake is None or self.handshake.kind.encode() not in request.body:
            return None
        try:
            value = request.once(self.body).value
        except Refused:
            return None
        s = Scope(value, value, value, request)
        if self._kind_of(s) != self.handshake.kind:
            return None
        self.authentication.verify(request, connection.secrets)
        return self.handshake.answer(s, connection.secrets)

    def kinds_of(self, request: Request) -> tuple[str, ...]:
        """Return for each notice whether its kind is declared, ignored or unknown."""
        body = request.once(self.body)
        notices = [body.value] if self.each is None else self._notices(body, request) or []
        found = (self._found(self._kind_of(Scope(each, each, body.value, request))) for each in notices)
        return tuple(UNKNOWN if each is None else IGNORED if each.ignored else DECLARED for each in found)

    @property
    def summary(self) -> str:
        """Return in a sentence what the declaration maps and how its requests are proved."""
        all_kinds = [*self.kinds.values(), *(each for _, each in self.prefixes)]
        types = sorted({rule.type for each in all_kinds for rule in each.rules if rule.type})
        ignored = sum(1 for each in all_kinds if each.ignored)
        return (
            f"{len(all_kinds) - ignored} kinds become {', '.join(types)}; {ignored} are ignored; "
            f"authentication: {self.authentication.summary}"
        )

    def _notices(self, body: Body, request: Request) -> list[Any] | None:
        assert self.each is not None
        found = self.each(Scope(body.value, body.value, body.value, request))
        return found if isinstance(found, list) else None

    def _kind_of(self, s: Scope) -> str:
        if len(self.kind) == 1:
            return _word(self.kind[0](s))[:_LONGEST_KIND]
        parts = [_word(read(s)) for read in self.kind]
        return "/".join(parts)[:_LONGEST_KIND] if any(parts) else ""

    def _found(self, kind: str) -> _Kind | None:
        found = self.kinds.get(kind)
        if found is None and self.prefixes:
            return next((its for prefix, its in self.prefixes if kind.startswith(prefix)), None)
        return found

    def _notice(
        self,
        notice: Any,
        body: Body,
        request: Request,
        connection: Connection,
        raw: bytes | None,
        found: Outcomes,
    ) -> None:
        """Add what one notice becomes. ``raw``: as it came, None: write it anew."""
        s = Scope(notice, notice, body.value, request)
        s.kind = self._kind_of(s)
        declared = self._found(s.kind)
        if declared is not None and declared.ignored:
            found.ignored.append(Ignored(declared.key, declared.ignored))
            return
        original = kept(notice, raw, self.left_out)
        if declared is not None:
            applied = False
            for rule in declared.rules:
                applies = rule.apply(s, connection, original, declared.key, found)
                applied |= applies
                if applies and rule.ignored:
                    break  # what is left out is no other event by what stands below
            if not applied:
                why = "no event of this kind in the mapping applies"
                found.unmapped.append(no_adapter(_shown(s.kind), why, digest(original), original))
        elif s.kind:
            why = "the mapping names no such kind"
            found.unmapped.append(no_adapter(_shown(s.kind), why, digest(original), original))
        else:
            why = "no-kind: nothing stands where the declared 'kind' is"
            found.unmapped.append(Unmapped(digest(original), why, original))


def _word(value: Any) -> str:
    if type(value) is str:
        return value
    return str(value).lower() if isinstance(value, bool) else written(value)


def _shown(kind: str) -> str:
    """Return a kind as a reason may name it: on one line, without what parts a reason."""
    return "".join(each if each.isprintable() else "?" for each in kind).replace(": ", ":_").strip(":")[:80] or "?"


def _tell_apart(drafts: list[Draft]) -> None:
    """Give events ids that differ: an item that stands twice in a list was said twice."""
    seen: dict[str, int] = {}
    for at, each in enumerate(drafts):
        count = seen[each.id] = seen.get(each.id, 0) + 1
        if count > 1:
            drafts[at] = msgspec.structs.replace(each, id=f"{each.id}/{count}")


def compile_mapping(given: Any, place: Place, channel: Channel) -> Declaration:
    """Return a declaration, compiled. All its mistakes are in ``place.mistakes``."""
    declared = place.members(given, _MEMBERS)
    for name in ("authentication", "kind", "kinds"):
        if name not in declared:
            place.wrong(f"{name!r} is missing")
    authentication = compile_authentication(declared.get("authentication", {"basic": True}), place.at("authentication"))
    left_out = _left_out(declared.get("leave_out", []), place.at("leave_out"))
    at = place.at("defaults")
    defaults = compile_shared(at.members(declared.get("defaults", {}), SHARED), at, authentication.strongest)
    rules = Rules(channel, authentication.strongest, defaults, left_out)
    kinds = _kinds(declared, place, rules)
    return Declaration(
        authentication,
        compile_handshake(declared.get("handshake"), place.at("handshake")),
        compile_body(declared.get("body", "auto"), place.at("body")),
        compile_value(declared["each"], place.at("each")).read if "each" in declared else None,
        tuple(compile_parts(declared.get("kind", ""), place.at("kind"))),
        left_out,
        {each.key: each for each in kinds if not each.key.endswith("*")},
        tuple(
            (each.key[:-1], each) for each in sorted(kinds, key=lambda each: -len(each.key)) if each.key.endswith("*")
        ),
    )


def _left_out(given: Any, place: Place) -> tuple[Steps, ...]:
    found = []
    for index, path in enumerate(given if isinstance(given, list) else [given]):
        at = place.at(index)
        begin, steps = parse_path(path, at) if is_path(path) else ("root", ())
        if begin or not steps or not all(isinstance(each, str) for each in steps):
            at.wrong(f"expected a path of names below the notice, like $.attempt, not {shown(path)}")
        else:
            found.append(steps)
    return tuple(found)


def _kinds(declared: Mapping[str, Any], place: Place, rules: Rules) -> list[_Kind]:
    found: list[_Kind] = []
    ignored, mapped = declared.get("ignore", {}), declared.get("kinds", {})
    for name, given in (("ignore", ignored), ("kinds", mapped)):
        if not isinstance(given, Mapping) or len(given) > _MOST_KINDS:
            place.at(name).wrong(f"expected a mapping with a member for each kind, at most {_MOST_KINDS}")
    for kind, why in ignored.items() if isinstance(ignored, Mapping) else ():
        at = place.at("ignore").at(kind)
        if not isinstance(why, str) or not why.strip():
            at.wrong("say in a sentence why notices of this kind are left out")
        if isinstance(mapped, Mapping) and kind in mapped:
            at.wrong("this kind stands below 'kinds', too")
        found.append(_Kind(_word(kind), ignored=str(why).strip() or "as declared"))
    for kind, events in mapped.items() if isinstance(mapped, Mapping) else ():
        found.append(_Kind(_word(kind), _rules(events, place.at("kinds").at(kind), rules)))
    if "kinds" in declared and isinstance(mapped, Mapping) and not mapped:
        place.at("kinds").wrong("expected at least one kind")
    return found


def _rules(given: Any, place: Place, rules: Rules) -> tuple[EventRule, ...]:
    events = given if isinstance(given, list) else [given]
    if not 0 < len(events) <= MOST_RULES:
        place.wrong(f"expected 1 to {MOST_RULES} events, not {len(events)}")
        events = events[:MOST_RULES]
    return tuple(
        compile_event(each, place.at(at) if isinstance(given, list) else place, rules) for at, each in enumerate(events)
    )


def declared_mapping(connection: Connection, channel: Channel) -> Declaration:
    """Return the declaration of a connection. ``Fatal`` with all its mistakes, a line each, with their places."""
    start = f"tenants.{connection.tenant}.connections.{connection.id}.settings.{SETTING}"
    place = Place(start)
    found = compile_mapping(connection.settings.get(SETTING, {}), place, channel)
    if place.mistakes:
        raise Fatal("\n".join(map(str, dict.fromkeys(place.mistakes))))
    return found

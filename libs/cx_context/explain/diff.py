"""Find what changed in a customer's document between two states, and the events that changed it.

Each value that differs names the events of the window without which it would not have become what it is. Where no
single one is needed, it names those that alone would have brought it about.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cx_context.document import Document, context_body
from cx_context.explain.counterfactual import Counterfactual, CustomerHistory
from cx_context.explain.json_pointer import MISSING, Path, changed_values, value_at
from cx_context.fold import new_part
from cx_context.parts.keyed_parts import KeyedPart
from cx_context.parts.merge import merge
from cx_context.sections.customer_facts import CustomerFacts
from cx_events.facts import Fact
from cx_events.ids import NodeId
from cx_events.json_types import Json


@dataclass(frozen=True, slots=True)
class ValueChange:
    """A value that differs. ``moved`` says that people who came together or apart in between had a share in it."""

    path: Path
    was: Any
    now: Any
    facts: Sequence[Fact] = ()
    moved: bool = False


def diff_contexts(
    before: CustomerFacts, after: CustomerHistory, window: Collection[Fact], moved: Collection[NodeId]
) -> list[ValueChange]:
    """Return the values that differ between two states, with the facts that changed them.

    ``window`` are the facts of the later state to try. ``moved`` are streams, and sides of interactions by their part
    ids, that only one of the two states has, by a decision or new evidence. Raise ``WorkLimitExceeded``.
    """
    one, other = context_body(before, after.window), context_body(after.known, after.window)
    changed = changed_values(one, other)
    by_path: dict[Path, list[Fact]] = defaultdict(list)
    counterfactual = Counterfactual(after)
    latest = list(after.known.latest)
    for fact in window:
        body = _body(counterfactual.without(fact), [each for each in latest if each.key != fact.key])
        for path, _, now in changed:
            if _differ(value_at(body, path), now):
                by_path[path].append(fact)
    unexplained = [path for path, _, _ in changed if not by_path[path]]
    if unexplained:
        for fact in window:
            body = context_body(_with(before, fact), after.window)
            for path, _, now in changed:
                if path in unexplained and not _differ(value_at(body, path), now):
                    by_path[path].append(fact)
    by_move: set[Path] = set()
    if moved:
        by_move = _by_coming(after, moved, {fact.key for fact in window}, changed) | _by_leaving(before, after, changed)
    return [ValueChange(path, was, now, by_path[path], path in by_move) for path, was, now in changed]


def _body(rendering: Document, latest: Sequence[Fact]) -> Json:
    return context_body(replace(rendering.known, latest=latest), rendering.window)


def _with(known: CustomerFacts, fact: Fact) -> CustomerFacts:
    """Return the state as if this fact had come, too."""
    part = new_part(fact)
    parts = [
        KeyedPart(each.part_id, merge(each.part, part)) if each.part_id == fact.part_id else each
        for each in known.parts
    ]
    if all(each.part_id != fact.part_id for each in parts):
        parts.append(KeyedPart(fact.part_id, part))
    return replace(known, parts=parts, latest=[*known.latest, fact])


def _by_leaving(before: CustomerFacts, after: CustomerHistory, changed: Sequence[tuple[Path, Any, Any]]) -> set[Path]:
    """Return the paths whose value would be another if the parts that left had stayed."""
    stayed = {anchored.part_id for anchored in after.known.parts}
    left = {anchored.part_id: anchored for anchored in before.parts if anchored.part_id not in stayed}
    if not left:
        return set()
    latest = [*after.known.latest, *(fact for fact in before.latest if fact.part_id in left)]
    whole = replace(after.known, parts=[*after.known.parts, *left.values()], latest=latest)
    body = context_body(whole, after.window)
    return {path for path, _, now in changed if _differ(value_at(body, path), now)}


def _by_coming(
    after: CustomerHistory,
    moved: Collection[NodeId],
    window: Collection[bytes],
    changed: Sequence[tuple[Path, Any, Any]],
) -> set[Path]:
    """Return the paths whose value depends on the facts, older than the window, that came with others; or on who is
    who.
    """
    old = {
        fact.key
        for fact in after.facts
        if (fact.stream_id in moved or fact.part_id in moved) and fact.key not in window
    }
    counterfactual = Counterfactual(after)
    rendering = counterfactual.without_all([fact for fact in after.facts if fact.key in old])
    members = [member for member in after.known.members if member.id not in moved]
    known = replace(
        rendering.known, members=members, latest=[fact for fact in after.known.latest if fact.key not in old]
    )
    body = context_body(known, after.window)
    return {
        path
        for path, _, now in changed
        if path[:2] in (("customer", "id"), ("customer", "aliases"), ("customer", "identifiers"))
        or _differ(value_at(body, path), now)
    }


def _differ(one: Any, other: Any) -> bool:
    return (one is MISSING) != (other is MISSING) or (one is not MISSING and bool(one != other))

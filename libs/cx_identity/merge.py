"""Merging customers: a decision names two profiles, people see two customers; and what stands against it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Literal

from msgspec import Struct

from cx_events.ids import NodeId
from cx_identity.guarded_groups import KINDS_CLAIMS_KEEP_APART
from cx_identity.model import Decision, Profile, newest_first
from cx_identity.rules import Rules


class MergeObstacle(Struct, frozen=True, gc=False):
    """What stands against a merge: two profiles, and why they are not one person's.

    ``name`` is how a person says that she merges in spite of it: of an ``apart`` decision its SOURCE#ID, of two values
    of an exclusive kind the kind.
    """

    reason: Literal["apart", "exclusive"]
    name: str
    a: NodeId
    b: NodeId


def merge_obstacles(
    one: Iterable[Profile], other: Iterable[Profile], rules: Rules, apart: Iterable[Decision] = ()
) -> list[MergeObstacle]:
    """All that stands against two whole customers being one; an obstacle for each of the standing decisions ``apart``
    that parts them, newest first, and for each exclusive kind that both hold. ``one`` and ``other``: all profiles of
    either customer; ``a`` of each obstacle is of the first."""
    ones, others = ({profile.id: profile for profile in customer} for customer in (one, other))
    pairs = [(d.name, *((d.a, d.b) if d.a in ones else (d.b, d.a))) for d in newest_first(apart)]
    found = [MergeObstacle("apart", name, a, b) for name, a, b in pairs if a in ones and b in others]
    mine, theirs = _least_of_kind(ones.values()), _least_of_kind(others.values())
    kinds = [kind for kind in sorted(rules.exclusive) if kind in mine and kind in theirs]
    return found + [MergeObstacle("exclusive", kind, mine[kind], theirs[kind]) for kind in kinds]


def merge_pairs(
    one: Sequence[Profile],
    other: Sequence[Profile],
    rules: Rules,
    apart: Iterable[Decision] = (),
    *,
    core_of: Mapping[NodeId, NodeId],
    claimed: Collection[NodeId],
) -> list[tuple[NodeId, NodeId]]:
    """Return which profiles the merges must name that make two whole customers one; a decision for each pair.

    So they must, since a merge brings together what it names, and with it what proofs and assertions tie to that: of
    two customers with a CRM id each, merged by their telephones, one CRM id would part. Hence a pair for each of the
    obstacles, and one for the two customers' own cores. Of what only a claim ties to either (``claimed``, ``core_of``:
    of ``Resolution``) the claim would part again where the other customer holds a value of a kind of which a claim
    brings no two together: a typed telephone, where the other has one. Whoever merges the two customers means it, too.
    """
    pairs = [(obstacle.a, obstacle.b) for obstacle in merge_obstacles(one, other, rules, apart)]
    stream_id, other_home = (_least(profile for profile in side if profile.id not in claimed) for side in (one, other))
    if not any(a not in claimed and b not in claimed for a, b in pairs):
        pairs.append((stream_id, other_home))
    for side, part_id, facing in ((one, stream_id, other), (other, other_home, one)):
        kinds = KINDS_CLAIMS_KEEP_APART.keys() & {profile.kind for profile in facing}
        cores = {core_of[profile.id] for profile in side if profile.id in claimed and profile.kind in kinds}
        pairs += [(part_id, core) for core in sorted(cores)]
    return list(dict.fromkeys(pairs))


def _least(profiles: Iterable[Profile]) -> NodeId:
    return min((profile.first_recorded, profile.id) for profile in profiles)[1]


def _least_of_kind(profiles: Iterable[Profile]) -> dict[str, NodeId]:
    by_kind: dict[str, list[Profile]] = {}
    for profile in profiles:
        by_kind.setdefault(profile.kind, []).append(profile)
    return {kind: _least(of_kind) for kind, of_kind in by_kind.items()}

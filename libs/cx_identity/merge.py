"""Merge two customers: choose the pairs of profiles that its decisions name, and find what stands against it.

A person merges two customers, but a decision names two profiles. ``unmerge`` tells how a merge is undone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Literal

from msgspec import Struct

from cx_events.ids import NodeId
from cx_identity.guarded_groups import KINDS_CLAIMS_KEEP_APART
from cx_identity.model import Decision, Profile, newest_first
from cx_identity.rules import Rules


class MergeObstacle(Struct, frozen=True, gc=False):
    """An obstacle to a merge: two profiles that can't be one person's, and the reason.

    A person who merges in spite of it says so by ``name``: the SOURCE#ID of an ``apart`` decision, or the kind if both
    are values of one exclusive kind.
    """

    reason: Literal["apart", "exclusive"]
    name: str
    a: NodeId
    b: NodeId


def merge_obstacles(
    one: Iterable[Profile], other: Iterable[Profile], rules: Rules, apart: Iterable[Decision] = ()
) -> list[MergeObstacle]:
    """Return everything that stands against merging two customers.

    There is an obstacle for each standing decision of ``apart`` that parts them, newest first, then one for each
    exclusive kind of which both hold a value. ``one`` and ``other`` are all profiles of each customer; ``a`` of an
    obstacle belongs to the first.
    """
    ones, others = ({profile.id: profile for profile in customer} for customer in (one, other))
    pairs = [(d.name, *((d.a, d.b) if d.a in ones else (d.b, d.a))) for d in newest_first(apart)]
    obstacles = [MergeObstacle("apart", name, a, b) for name, a, b in pairs if a in ones and b in others]
    mine, theirs = _least_of_kind(ones.values()), _least_of_kind(others.values())
    kinds = [kind for kind in sorted(rules.exclusive) if kind in mine and kind in theirs]
    return obstacles + [MergeObstacle("exclusive", kind, mine[kind], theirs[kind]) for kind in kinds]


def merge_pairs(
    one: Sequence[Profile],
    other: Sequence[Profile],
    rules: Rules,
    apart: Iterable[Decision] = (),
    *,
    core_of: Mapping[NodeId, NodeId],
    claimed: Collection[NodeId],
) -> list[tuple[NodeId, NodeId]]:
    """Return the pairs of profiles that must be merged, a decision for each, to make two customers one.

    A merge brings together the two profiles that it names and what proofs and assertions tie to them. If two customers
    with a CRM id each were merged by their telephones, one CRM id would part. So there is a pair for each obstacle, and
    one for the two customers' own cores.

    A member that only a claim ties to its customer (``claimed`` and ``core_of`` as in ``Resolution``) would part again
    if the other customer holds a value of a kind of which claims bring no two together: a typed telephone, where the
    other has one. Merging the customers means that member too, so there is a pair for its core.
    """
    pairs = [(obstacle.a, obstacle.b) for obstacle in merge_obstacles(one, other, rules, apart)]
    own, others_own = (_least(profile for profile in side if profile.id not in claimed) for side in (one, other))
    if not any(a not in claimed and b not in claimed for a, b in pairs):
        pairs.append((own, others_own))
    for side, profile_id, facing in ((one, own, other), (other, others_own, one)):
        kinds = KINDS_CLAIMS_KEEP_APART.keys() & {profile.kind for profile in facing}
        cores = {core_of[profile.id] for profile in side if profile.id in claimed and profile.kind in kinds}
        pairs += [(profile_id, core) for core in sorted(cores)]
    return list(dict.fromkeys(pairs))


def _least(profiles: Iterable[Profile]) -> NodeId:
    return min((profile.first_recorded, profile.id) for profile in profiles)[1]


def _least_of_kind(profiles: Iterable[Profile]) -> dict[str, NodeId]:
    by_kind: dict[str, list[Profile]] = {}
    for profile in profiles:
        by_kind.setdefault(profile.kind, []).append(profile)
    return {kind: _least(of_kind) for kind, of_kind in by_kind.items()}

"""Merging customers: a decision names two profiles, people see two customers."""

from __future__ import annotations

from collections.abc import Iterable

from cx_events.ids import NodeId
from cx_identity.decisions import newest_first
from cx_identity.model import Decision, Profile
from cx_identity.rules import Rules


def merge_pairs(
    one: Iterable[Profile], other: Iterable[Profile], rules: Rules, apart: Iterable[Decision] = ()
) -> list[tuple[NodeId, NodeId]]:
    """Which profiles the merges must name that make two whole customers one; a decision for each pair.

    So they must, since a merge brings together what it names and no more of an exclusive kind: of two customers with a
    CRM id each, merged by their telephones, one CRM id would part. Hence a pair for each exclusive kind that both hold
    and for each of the standing decisions ``apart`` that parts them; if there is none, the two customers' own ids.
    ``one`` and ``other``: all profiles of either customer.
    """
    ones, others = ({profile.id: profile for profile in customer} for customer in (one, other))
    pairs = [(d.a, d.b) if d.a in ones else (d.b, d.a) for d in newest_first(apart)]
    pairs = [(a, b) for a, b in pairs if a in ones and b in others]
    mine, theirs = _least_of_kind(ones.values()), _least_of_kind(others.values())
    pairs += [(mine[kind], theirs[kind]) for kind in sorted(rules.exclusive) if kind in mine and kind in theirs]
    if not pairs:
        pairs = [(_least(ones.values()), _least(others.values()))]
    return list(dict.fromkeys(pairs))


def _least(profiles: Iterable[Profile]) -> NodeId:
    return min((profile.first_recorded, profile.id) for profile in profiles)[1]


def _least_of_kind(profiles: Iterable[Profile]) -> dict[str, NodeId]:
    by_kind: dict[str, list[Profile]] = {}
    for profile in profiles:
        by_kind.setdefault(profile.kind, []).append(profile)
    return {kind: _least(of_kind) for kind, of_kind in by_kind.items()}

"""Claims that join nobody, as a customer's context shows them: ``customer.candidates``.

Somebody said that an identifier is his, and it stands for somebody else (``cx_identity.candidates``). Both customers
show the question, in words that hold whoever they become: profiles and evidence, never another customer's id.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from msgspec import Struct

from cx_events.ids import NodeId, text_of
from cx_events.timestamps import format_time
from cx_identity.candidates import weaker_end
from cx_identity.model import Evidence, Profile, Resolution

CLAIMS_SHOWN = 20


class RefusedClaim(Struct, frozen=True, gc=False):
    """A question for a person: whether the ``identifier``, the weaker end of a refused claim, and the ``other`` are one
    person's. ``reason``: why the claim joins nobody (``cx_identity.model.Refusal``). ``at``: the claim's evidence."""

    identifier: Profile
    other: Profile
    reason: str
    at: Evidence


def refused_claims(resolution: Resolution, profiles: Mapping[NodeId, Profile]) -> Iterable[RefusedClaim]:
    """Yield the questions that nobody settled."""
    for refusal in resolution.refused:
        if refusal.is_question:
            a, b = profiles[refusal.a], profiles[refusal.b]
            identifier, other = (a, b) if weaker_end(a, b) == a.id else (b, a)
            if identifier.id not in resolution.settled:
                yield RefusedClaim(identifier, other, refusal.reason, refusal.at)


def claims_shown(claims: Iterable[RefusedClaim], members: Collection[NodeId]) -> list[dict[str, Any]]:
    """Return the latest ``CLAIMS_SHOWN``, newest evidence first. ``members``: the customer's profiles, of which each
    claim has one."""
    latest = sorted(claims, key=lambda claim: (claim.at, claim.identifier.id, claim.other.id), reverse=True)
    return [
        {
            "identifier": _profile(claim.identifier),
            "other": _profile(claim.other),
            "yours": "identifier" if claim.identifier.id in members else "other",
            "reason": claim.reason,
            "evidence": {"source": claim.at[1], "id": claim.at[2]},
            "at": format_time(claim.at[0]),
        }
        for claim in latest[:CLAIMS_SHOWN]
    ]


def _profile(profile: Profile) -> dict[str, str]:
    shown = {"profile": text_of(profile.id), "kind": profile.kind, "value": profile.value}
    if profile.scope:
        shown["scope"] = profile.scope
    return shown

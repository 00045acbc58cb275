"""Show claims that join nobody in a customer's context: ``customer.candidates``.

Somebody said that an identifier is his, and it stands for somebody else, or several have it
(``cx_identity.candidates``). Both customers show the question, in words that hold whoever they become: profiles and
evidence, never another customer's id.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from cx_context.sections.section import Section, made_of
from cx_events.ids import NodeId, text_of
from cx_events.json_types import Json
from cx_events.schema_shapes import ID, TEXT, TIME, members, ref
from cx_events.timestamps import format_time
from cx_identity.candidates import weaker_end, withheld_claims
from cx_identity.model import Evidence, Graph, Profile, SharedIdentifiers
from cx_identity.outcome import Refusal, Resolution
from cx_identity.rules import Rules

CLAIMS_SHOWN = 20
CLAIMS_COUNTED = 1_000
"""How many questions are counted at most: anybody may claim an address as often as he likes."""


class RefusedClaim(Struct, frozen=True, gc=False):
    """A question for a person: whether the ``identifier``, the weaker end of a refused claim, and the ``other`` are one
    person's. ``reason``: why the claim joins nobody (``cx_identity.outcome.Refusal``). ``at``: the claim's evidence."""

    identifier: Profile
    other: Profile
    reason: str
    at: Evidence

    @classmethod
    def of(cls, refusal: Refusal, profiles: Mapping[NodeId, Profile]) -> RefusedClaim:
        """Return the question that a refusal is."""
        a, b = profiles[refusal.a], profiles[refusal.b]
        identifier, other = (a, b) if weaker_end(a, b) == a.id else (b, a)
        return cls(identifier, other, refusal.reason, refusal.at)


class RefusedClaims(Struct, frozen=True, gc=False):
    """``latest``: at least the latest ``CLAIMS_SHOWN`` questions about a customer's profiles that nobody settled.
    ``total``: how many there are, ``CLAIMS_COUNTED`` where there are more."""

    latest: Sequence[RefusedClaim] = ()
    total: int = 0

    @classmethod
    def of(cls, claims: Iterable[RefusedClaim]) -> RefusedClaims:
        """Return all of these as they are shown and counted."""
        every = list(claims)
        return cls(every, min(len(every), CLAIMS_COUNTED))


NO_REFUSED_CLAIMS = RefusedClaims()


def claims_refused(resolution: Resolution, profiles: Mapping[NodeId, Profile]) -> Iterable[RefusedClaim]:
    """Yield the questions about claims that a guard refused and that nobody settled."""
    for refusal in resolution.refusals:
        if refusal.is_question:
            question = RefusedClaim.of(refusal, profiles)
            if question.identifier.id not in resolution.settled:
                yield question


def unsettled_claims(
    graph: Graph, resolution: Resolution, rules: Rules, shared: SharedIdentifiers | None = None
) -> Iterable[RefusedClaim]:
    """Yield every question that nobody settled: about claims that a guard refused, and about those that aren't tried,
    since an end is shared. ``shared``: where the graph reaches further than the resolution."""
    yield from claims_refused(resolution, graph.profiles)
    known = resolution.shared if shared is None else shared
    for refusal in withheld_claims(graph, known, resolution.customer_of, resolution.settled, rules):
        yield RefusedClaim.of(refusal, graph.profiles)


def claims_view(claims: Iterable[RefusedClaim], members: Collection[NodeId]) -> list[dict[str, Any]]:
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


PROFILE_MEMBERS: Json = {"profile": ID, "kind": TEXT, "value": TEXT}
PROFILE = members(PROFILE_MEMBERS, {"scope": TEXT})

CLAIM = members(
    {
        "identifier": ref("Profile"),
        "other": ref("Profile"),
        "yours": {"enum": ["identifier", "other"]},
        "reason": {"enum": ["exclusive", "known", "kind", "shared"]},
        "evidence": ref("EventName"),
        "at": TIME,
    }
)
"""The schema of an item of ``claims_view``."""

SECTION = Section(
    provenance={
        ("customer", "candidates"): made_of("claims that join nobody, while nobody settles them", identity=True),
        ("customer", "candidates_total"): made_of(f"how many these are, {CLAIMS_COUNTED:,} at most", identity=True),
    },
    components={
        "Profile": PROFILE,
        "RefusedClaim": {
            **CLAIM,
            "description": "Somebody claimed both identifiers, and they stand for two people: whose is `identifier`, "
            "the weaker one? Both customers show it until somebody merges or dismisses it. `yours`: which of the two "
            f"is this customer's. The latest {CLAIMS_SHOWN}.",
        },
    },
)

"""Describe answers about identity."""

from __future__ import annotations

from collections.abc import Mapping

from cx_context.sections.candidates import PROFILE_MEMBERS
from cx_context_api.openapi.shapes import NEXT, STANDING
from cx_events.json_types import Json
from cx_events.schema_shapes import (
    FLAG,
    FREE,
    ID,
    ID_AND_NAME,
    NAME,
    SHARE,
    TEXT,
    TEXT_OR_NONE,
    TIME,
    WHOLE,
    array,
    members,
    named,
    or_none,
    ref,
    values,
    words,
)

_STATE: Json = {
    NAME: "EdgeState",
    **words("links", "refused", "shared", "never-links"),
    "description": "What an edge does: it links, or why not.",
}
_TRIED_STATE = named("TriedEdge", {"state": _STATE, "why": TEXT})

_ACTIONS: Json = {**values(FREE), "description": "Bodies of requests, by operation, that lack their `reason`."}

_LIKELY: Json = {
    "profile": ID,
    "rule": TEXT,
    "verified": FLAG,
    "confidence": SHARE,
    "evidence": ref("Evidence"),
    "used": or_none(ref("Use")),
    "last_user": FLAG,
    "reasons": array(TEXT),
    "actions": _ACTIONS,
}

_EVIDENCE: Json = {"event": ref("EventName"), "recorded": TIME}

_DOUBT: Json = {
    "id": ID,
    "identifier": ref("Profile"),
    "reason": TEXT,
    "last_user": {"type": ["string", "null"], "format": "uuid"},
    "unclaimed": or_none(ref("Use")),
    "actions": _ACTIONS,
}


_AUTHOR: Json = {"reason": TEXT_OR_NONE, "agent": or_none(ID_AND_NAME), "standing": STANDING}
"""Who decided, why, and whether it stands."""

_PROFILE = named(
    "CustomerProfile",
    {
        **PROFILE_MEMBERS,
        "first_recorded": TIME,
        "shared": FLAG,
        "claimed": FLAG,
        "may_link": FLAG,
        "joined": or_none(
            named("ProfileJoin", {"rule": TEXT, "event": ref("EventName"), "confidence": SHARE, "via": ID})
        ),
    },
    {"scope": TEXT},
)
_TIE = named("EdgeEvidence", {"rule": TEXT, **_EVIDENCE})
_RULES = named(
    "IdentityRules",
    {"shared_after": values(WHOLE), "exclusive": array(TEXT), "never_link": array(TEXT), "junk": array(TEXT)},
    {"proof_lifetime": {**values(WHOLE), "description": "Seconds, by method."}},
    "The rules in force, in the form of the configuration.",
)

_CHANGED_CANDIDATE = named(
    "ChangedCandidate", {"id": ID, "identifier": ref("Profile"), "reason": TEXT, "customers": WHOLE}
)


def _change(name: str, whole: str, parts: str) -> Json:
    because = {
        "a": ref("Profile"),
        "b": ref("Profile"),
        "event": ref("EventName"),
        "recorded": TIME,
        "before": _TRIED_STATE,
        "after": _TRIED_STATE,
    }
    return named(
        name,
        {
            whole: ref("Profile"),
            parts: array(ref("Profile")),
            "customers": WHOLE,
            "profiles": WHOLE,
            "because": array(named("EdgeChange", because)),
        },
    )


IDENTITY_SCHEMAS: Mapping[str, Json] = {
    "Possible": {
        **members({"id": ID, "display": TEXT_OR_NONE, "why": TEXT}, _LIKELY),
        "description": "A customer who may be meant, and what speaks for it. Of a shared identifier likeliest first, "
        "with all that a `Candidate` says of a customer.",
    },
    "Use": {
        **members(
            {
                "contacts": WHOLE,
                "last": named(
                    "LatestUse", {"time": TIME, "channel": TEXT_OR_NONE, "interaction": TEXT, "event": ref("EventName")}
                ),
            }
        ),
        "description": "In how many interactions an identifier was used, of the latest 100 events of each identifier "
        "that it is tied to, and when last.",
    },
    "Doubt": {
        **members(_DOUBT),
        "description": "A shared identifier. `unclaimed`: contacts that name it and nobody else, while it is nobody's. "
        "`actions`: what may be decided, as bodies that lack their `reason`.",
    },
    "Obstacle": {
        **members({"reason": {"enum": ["apart", "exclusive"]}, "name": TEXT, "a": ref("Profile"), "b": ref("Profile")}),
        "description": "What stands against a merge; `name` is what `despite` takes.",
    },
    "Evidence": members(_EVIDENCE),
    "Candidate": {
        **members({**_DOUBT, "customers": array(named("LikelyCustomer", {"id": ID, **_LIKELY}))}),
        "description": "An identifier in doubt, shared or claimed by somebody else than whose it is, and whose it may "
        "be: tied by proof first, then who used it last.",
    },
    "CandidatePage": members({"items": array(ref("Candidate")), "next": NEXT}),
    "Identity": members(
        {
            "meta": ref("Meta"),
            "customer": ID,
            "profiles": array(_PROFILE),
            "edges": array(
                named(
                    "Edge",
                    {
                        "a": ref("Profile"),
                        "b": ref("Profile"),
                        "state": _STATE,
                        "confidence": SHARE,
                        "proved": or_none(_TIE),
                        "asserted": or_none(_TIE),
                        "claimed": or_none(_TIE),
                        "refused": or_none(named("EdgeRefusal", {"reason": TEXT, "by": TEXT})),
                    },
                )
            ),
            "decisions": array(
                named(
                    "Decision",
                    {**_EVIDENCE, "kind": TEXT, "profiles": array(ID), "withdraws": TEXT_OR_NONE, **_AUTHOR},
                )
            ),
            "attributions": array(
                named(
                    "Attribution",
                    {
                        **_EVIDENCE,
                        "interaction": TEXT_OR_NONE,
                        "profile": {"type": ["string", "null"], "format": "uuid"},
                        **_AUTHOR,
                    },
                )
            ),
            "candidates": array(ref("Candidate")),
            "totals": values(WHOLE),
            "rules": _RULES,
        }
    ),
    "Tried": {
        **members(
            {
                "rules": named("RuleChange", {"before": _RULES, "after": _RULES}),
                "counts": values(WHOLE),
                "joined": array(_change("JoinedCustomers", "into", "from")),
                "parted": array(_change("PartedCustomers", "from", "into")),
                "candidates": named(
                    "CandidateChanges", {"appear": array(_CHANGED_CANDIDATE), "vanish": array(_CHANGED_CANDIDATE)}
                ),
            }
        ),
        "description": "Customers that would join or part under other rules: counts, and the largest as examples. "
        "Needs `context:read`, too.",
    },
    "Outcome": members(
        {
            "dry_run": {**FLAG, "description": "Always true."},
            "contexts": array(named("OutcomeContext", {"customer": ID, "body": ref("ContextBody")})),
        }
    ),
}

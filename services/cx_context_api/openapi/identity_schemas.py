"""Describe answers about identity."""

from __future__ import annotations

from collections.abc import Mapping

from cx_context.sections.shapes import (
    FLAG,
    FREE,
    ID,
    SHARE,
    TEXT,
    TEXT_OR_NONE,
    TIME,
    WHOLE,
    array,
    members,
    or_none,
    ref,
    values,
)
from cx_context_api.openapi.shapes import NEXT, STANDING
from cx_events.json_types import Json

_STATE = members({"state": {"enum": ["links", "refused", "shared", "never-links"]}, "why": TEXT})

_ACTIONS = values(FREE)

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

_DOUBT: Json = {
    "id": ID,
    "identifier": ref("Profile"),
    "reason": TEXT,
    "last_user": {"type": ["string", "null"], "format": "uuid"},
    "unclaimed": or_none(ref("Use")),
    "actions": _ACTIONS,
}


def _change(whole: str, parts: str) -> Json:
    because = {
        "a": ref("Profile"),
        "b": ref("Profile"),
        "event": ref("EventName"),
        "recorded": TIME,
        "before": _STATE,
        "after": _STATE,
    }
    return members(
        {
            whole: ref("Profile"),
            parts: array(ref("Profile")),
            "customers": WHOLE,
            "profiles": WHOLE,
            "because": array(members(because)),
        }
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
                "last": members(
                    {"time": TIME, "channel": TEXT_OR_NONE, "interaction": TEXT, "event": ref("EventName")}
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
    "Evidence": members({"event": ref("EventName"), "recorded": TIME}),
    "Candidate": {
        **members({**_DOUBT, "customers": array(members({"id": ID, **_LIKELY}))}),
        "description": "An identifier in doubt, shared or claimed by somebody else than whose it is, and whose it may "
        "be: tied by proof first, then who used it last.",
    },
    "CandidatePage": members({"items": array(ref("Candidate")), "next": NEXT}),
    "Identity": members(
        {
            "meta": ref("Meta"),
            "customer": ID,
            "profiles": array({"allOf": [ref("Profile"), members({"shared": FLAG, "claimed": FLAG})]}),
            "edges": array(
                members(
                    {
                        "a": ref("Profile"),
                        "b": ref("Profile"),
                        "state": {"enum": ["links", "refused", "shared", "never-links"]},
                        "confidence": SHARE,
                        "proved": or_none(ref("Evidence")),
                        "asserted": or_none(ref("Evidence")),
                        "claimed": or_none(ref("Evidence")),
                        "refused": or_none(members({"reason": TEXT, "by": TEXT})),
                    }
                )
            ),
            "decisions": array(
                {"allOf": [ref("Evidence"), members({"kind": TEXT, "standing": STANDING, "reason": TEXT_OR_NONE})]}
            ),
            "attributions": array(
                {"allOf": [ref("Evidence"), members({"interaction": TEXT_OR_NONE, "standing": STANDING})]}
            ),
            "candidates": array(ref("Candidate")),
            "totals": values(WHOLE),
            "rules": FREE,
        }
    ),
    "Tried": {
        **members(
            {
                "rules": members({"before": FREE, "after": FREE}),
                "counts": values(WHOLE),
                "joined": array(_change("into", "from")),
                "parted": array(_change("from", "into")),
                "candidates": members({"appear": array(FREE), "vanish": array(FREE)}),
            }
        ),
        "description": "Customers that would join or part under other rules: counts, and the largest as examples. "
        "Needs `context:read`, too.",
    },
    "Outcome": members(
        {
            "dry_run": {"const": True},
            "contexts": array(members({"customer": ID, "body": ref("ContextBody")})),
        }
    ),
}

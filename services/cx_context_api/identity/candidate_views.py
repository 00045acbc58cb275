"""Show candidates, profiles and evidence as JSON."""

from __future__ import annotations

from cx_context_api.identity.candidates import RankedCandidate
from cx_events.ids import text_of
from cx_events.json_types import Json
from cx_events.timestamps import format_time
from cx_identity.candidate_ranking import IdentifierUse, RankedCustomer, is_proved
from cx_identity.model import Evidence, Profile

TIED_SHOWN = 50


def candidate_view(doubt: RankedCandidate, *, dismissed: bool = False) -> Json:
    """``dismissed``: a person said that the identifier stays nobody's; that is withdrawn, not said again."""
    candidate = doubt.candidate
    last = next((one.candidate.customer for one in doubt.customers if one.last_user), None)
    return {
        "id": text_of(candidate.id),
        "identifier": profile_view(doubt.identifier),
        "reason": candidate.reason,
        "customers": [tied_view(one, doubt) for one in doubt.customers[:TIED_SHOWN]],
        "last_user": text_of(last) if last is not None else None,
        "unclaimed": use_view(doubt.unclaimed),
        "actions": {"dismiss": {"candidate": text_of(candidate.id)}} if not dismissed else {},
    }


def tied_view(one: RankedCustomer, doubt: RankedCandidate) -> Json:
    """``actions``: what a person may decide, as bodies that lack their reason."""
    tied = one.candidate
    merge = {"merge": {"a": text_of(tied.customer), "b": text_of(doubt.identifier.id)}}
    return {
        "id": text_of(tied.customer),
        "profile": text_of(tied.profile),
        "rule": tied.rule,
        "verified": is_proved(tied),
        "confidence": tied.confidence / 100,
        "evidence": evidence_view(tied.evidence),
        "used": use_view(one.use),
        "last_user": one.last_user,
        "reasons": list(one.reasons),
        "actions": merge if tied.customer != doubt.owner else {},
    }


def use_view(use: IdentifierUse | None) -> Json | None:
    if use is None:
        return None
    last = use.last
    return {
        "contacts": use.contacts,
        "last": {
            "time": format_time(last.at),
            "channel": last.channel or None,
            "interaction": last.interaction,
            "event": {"source": last.event[0], "id": last.event[1]},
        },
    }


def profile_view(profile: Profile) -> Json:
    shown: Json = {"profile": text_of(profile.id), "kind": profile.kind, "value": profile.value}
    if profile.scope:
        shown["scope"] = profile.scope
    return shown


def evidence_view(evidence: Evidence) -> Json:
    recorded, source, id = evidence
    return {"event": {"source": source, "id": id}, "recorded": format_time(recorded)}

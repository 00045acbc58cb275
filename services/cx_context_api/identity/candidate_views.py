"""Show candidates, profiles and evidence as JSON."""

from __future__ import annotations

from cx_context_api.identity.candidates import RankedCandidate
from cx_events.ids import text_of
from cx_events.json_types import Json
from cx_events.timestamps import format_time
from cx_identity.candidate_ranking import IdentifierUse, RankedCustomer, is_proved
from cx_identity.model import Evidence, Profile

CUSTOMERS_SHOWN = 50


def candidate_view(ranked: RankedCandidate, *, dismissed: bool = False) -> Json:
    """Show a candidate. ``dismissed``: a decision says that it stays nobody's; that can only be withdrawn."""
    candidate = ranked.candidate
    last = next((one.candidate.customer for one in ranked.customers if one.last_user), None)
    return {
        "id": text_of(candidate.id),
        "identifier": profile_view(ranked.identifier),
        "reason": candidate.reason,
        "customers": [customer_view(one, ranked) for one in ranked.customers[:CUSTOMERS_SHOWN]],
        "last_user": text_of(last) if last is not None else None,
        "unclaimed": use_view(ranked.unclaimed),
        "actions": {"dismiss": {"candidate": text_of(candidate.id)}} if not dismissed else {},
    }


def customer_view(customer: RankedCustomer, ranked: RankedCandidate) -> Json:
    """Show a customer who may own an identifier. ``actions``: request bodies of decisions, without their reason."""
    tied = customer.candidate
    merge = {"merge": {"a": text_of(tied.customer), "b": text_of(ranked.identifier.id)}}
    return {
        "id": text_of(tied.customer),
        "profile": text_of(tied.profile),
        "rule": tied.rule,
        "verified": is_proved(tied),
        "confidence": tied.confidence / 100,
        "evidence": evidence_view(tied.evidence),
        "used": use_view(customer.use),
        "last_user": customer.last_user,
        "reasons": list(customer.reasons),
        "actions": merge if tied.customer != ranked.owner else {},
    }


def use_view(use: IdentifierUse | None) -> Json | None:
    """Show in how many contacts an identifier was used, and when last."""
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
    """Show a profile."""
    shown: Json = {"profile": text_of(profile.id), "kind": profile.kind, "value": profile.value}
    if profile.scope:
        shown["scope"] = profile.scope
    return shown


def evidence_view(evidence: Evidence) -> Json:
    """Show the event that is evidence, and when it was recorded."""
    recorded, source, id = evidence
    return {"event": {"source": source, "id": id}, "recorded": format_time(recorded)}

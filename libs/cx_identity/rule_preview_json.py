"""Write the preview of a change of rules as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cx_events.ids import NodeId, text_of
from cx_events.timestamps import format_time
from cx_identity.model import Profile, strongest_evidence
from cx_identity.outcome import Candidate
from cx_identity.rule_preview import CUSTOMERS_SHOWN, ChangedEdge, CustomerChange, RulesPreview


def preview_json(preview: RulesPreview, profiles: Mapping[NodeId, Profile]) -> dict[str, Any]:
    """Return the preview as JSON. ``profiles`` are the graph's."""
    counts = preview.counts
    return {
        "counts": {name: getattr(counts, name) for name in counts.__struct_fields__},
        "joined": [_change(one, "into", "from", profiles) for one in preview.joined],
        "parted": [_change(one, "from", "into", profiles) for one in preview.parted],
        "candidates": {
            "appear": [_candidate(one, profiles) for one in preview.appear],
            "vanish": [_candidate(one, profiles) for one in preview.vanish],
        },
    }


def _change(change: CustomerChange, whole: str, parts: str, profiles: Mapping[NodeId, Profile]) -> dict[str, Any]:
    return {
        whole: _profile(profiles[change.one]),
        parts: [_profile(profiles[id]) for id in change.others[:CUSTOMERS_SHOWN]],
        "customers": len(change.others),
        "profiles": change.profiles,
        "because": [_edge(edge, profiles) for edge in change.because],
    }


def _edge(changed: ChangedEdge, profiles: Mapping[NodeId, Profile]) -> dict[str, Any]:
    edge = changed.edge
    recorded, source, id = strongest_evidence(edge).at
    return {
        "a": _profile(profiles[edge.a]),
        "b": _profile(profiles[edge.b]),
        "event": {"source": source, "id": id},
        "recorded": format_time(recorded),
        "before": {"state": changed.before.state, "why": changed.before.why},
        "after": {"state": changed.after.state, "why": changed.after.why},
    }


def _candidate(candidate: Candidate, profiles: Mapping[NodeId, Profile]) -> dict[str, Any]:
    return {
        "id": text_of(candidate.id),
        "identifier": _profile(profiles[candidate.identifier]),
        "reason": candidate.reason,
        "customers": len(candidate.customers),
    }


def _profile(profile: Profile) -> dict[str, str]:
    scope = {"scope": profile.scope} if profile.scope else {}
    return {"profile": text_of(profile.id), "kind": profile.kind, "value": profile.value, **scope}

"""Write the preview of a change of rules as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cx_events.ids import NodeId, text_of
from cx_events.timestamps import format_time
from cx_identity.model import Profile, strongest_evidence
from cx_identity.outcome import Candidate
from cx_identity.rule_preview import CUSTOMERS_SHOWN, CustomerChange, RulesPreview, Turned


def preview_json(difference: RulesPreview, profiles: Mapping[NodeId, Profile]) -> dict[str, Any]:
    """The difference as JSON has it. ``profiles``: the graph's."""

    def shown(id: NodeId) -> dict[str, str]:
        profile = profiles[id]
        scope = {"scope": profile.scope} if profile.scope else {}
        return {"profile": text_of(id), "kind": profile.kind, "value": profile.value, **scope}

    def turned(one: Turned) -> dict[str, Any]:
        edge = one.edge
        evidence = strongest_evidence(edge).at
        return {
            "a": shown(edge.a),
            "b": shown(edge.b),
            "event": {"source": evidence[1], "id": evidence[2]},
            "recorded": format_time(evidence[0]),
            "before": {"state": one.before.state, "why": one.before.why},
            "after": {"state": one.after.state, "why": one.after.why},
        }

    def change(one: CustomerChange, whole: str, parts: str) -> dict[str, Any]:
        return {
            whole: shown(one.one),
            parts: [shown(id) for id in one.others[:CUSTOMERS_SHOWN]],
            "customers": len(one.others),
            "profiles": one.profiles,
            "because": [turned(edge) for edge in one.because],
        }

    def candidate(one: Candidate) -> dict[str, Any]:
        return {
            "id": text_of(one.id),
            "identifier": shown(one.identifier),
            "reason": one.reason,
            "customers": len(one.customers),
        }

    counts = difference.counts
    return {
        "counts": {name: getattr(counts, name) for name in counts.__struct_fields__},
        "joined": [change(one, "into", "from") for one in difference.joined],
        "parted": [change(one, "from", "into") for one in difference.parted],
        "candidates": {
            "appear": [candidate(one) for one in difference.appear],
            "vanish": [candidate(one) for one in difference.vanish],
        },
    }

"""Tell who may be meant where a target is several people's."""

from __future__ import annotations

from collections.abc import Sequence

from cx_context_api.requests.targets import ById, ByIdentifier, Target
from cx_events.ids import NodeId, text_of
from cx_events.json_types import Json


class AmbiguousTarget(Exception):
    """Several people may be meant; ``asked`` is what was asked for."""

    def __init__(self, asked: Target, candidates: Sequence[NodeId] = (), identifier: NodeId | None = None) -> None:
        """``candidates``: of an interaction in which several take part; ``identifier``: the shared one that is all an
        interaction names."""
        super().__init__("several people may be meant")
        self.asked = asked
        self.candidates = candidates
        self.identifier = identifier


CANDIDATES_SHOWN = 20


def forms_of(ambiguous: AmbiguousTarget) -> list[NodeId]:
    """The profiles that the shared identifier may be, the likeliest first; none where an interaction is several's."""
    asked = ambiguous.asked
    forms = asked.profiles if isinstance(asked, ByIdentifier) else (ambiguous.identifier,)
    return [form for form in forms if form is not None]


def taking_part(ambiguous: AmbiguousTarget) -> list[Json]:
    """Of an interaction that is several people's."""
    return [
        {"id": text_of(id), "why": "takes part in the interaction"} for id in ambiguous.candidates[:CANDIDATES_SHOWN]
    ]


def told_of(doubt: Json, ambiguous: AmbiguousTarget) -> tuple[list[Json], Json]:
    """Who may be meant by a shared identifier, each with why, and what else is known of it."""
    told = [{**one, "why": _why(one)} for one in doubt["customers"][:CANDIDATES_SHOWN]]
    if not isinstance(ambiguous.asked, ById | ByIdentifier):
        interaction = ambiguous.asked.interaction
        for one in told:
            attribute = {"interaction": interaction, "profile": one["profile"]}
            one["actions"] = {"attribute": attribute, **one["actions"]}
    return told, {"candidate": {name: doubt[name] for name in doubt if name != "customers"}}


def _why(candidate: Json) -> str:
    event = candidate["evidence"]["event"]
    return f"{candidate['rule']} in {event['source']}#{event['id']}"

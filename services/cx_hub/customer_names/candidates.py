"""Tell who may be meant where a name stands for several people."""

from __future__ import annotations

from collections.abc import Sequence

from cx_events.errors import Refused
from cx_events.json_types import Json


def ambiguous(reason: str, detail: str, candidates: Sequence[Json]) -> Refused:
    """Return the refusal with a line for each candidate: its id, how it is shown, and why it may be meant."""
    lines = [f"{detail} Say which one, by its id:", *map(_line, candidates)]
    return Refused(reason, "\n".join(lines) if candidates else detail, 409)


def _line(candidate: Json) -> str:
    told = (candidate["id"], candidate.get("display"), candidate.get("why"))
    return "  " + "  ".join(" ".join(str(each).split()) for each in told if each)

"""Tell which fields of parts each value of the document is made of, and by which rule.

The lineage narrows its search by it. The rows stand in the sections, as their ``provenance``.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from cx_context.explain.json_pointer import Path, pattern_of
from cx_context.sections.registry import SECTIONS
from cx_context.sections.section import Provenance, made_of

PROVENANCE: Mapping[Path, Provenance] = MappingProxyType(
    {
        (): made_of("each member by its own rule"),
        **{path: row for section in SECTIONS.values() for path, row in section.provenance.items()},
    }
)


def provenance_of(path: Path) -> Provenance:
    """Return the provenance of the value at a path and of all values below it."""
    pattern = pattern_of(path)
    above = max((known for known in PROVENANCE if known == pattern[: len(known)]), key=len)
    below = [row for known, row in PROVENANCE.items() if len(known) > len(pattern) == _common(known, pattern)]
    rows = [PROVENANCE[above], *below]
    return Provenance(
        PROVENANCE[above].rule,
        frozenset().union(*(row.fields for row in rows)),
        threaded=any(row.threaded for row in rows),
        identity=any(row.identity for row in rows),
        summed=PROVENANCE[above].summed,
    )


def _common(one: Path, other: Path) -> int:
    """Return with how many equal tokens both begin."""
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))

"""Digest what the fold makes of every kind of event, for each version of the fold.

    python -m tests.fold_version      # records the digest of the fold of today as that of ``FOLD_VERSION``

While the version is in no release, record its digest anew. Once it is, raise ``FOLD_VERSION`` first.
"""

from __future__ import annotations

import inspect
import json
from hashlib import blake2b
from pathlib import Path

import msgspec

from cx_context.fold_faults import part_of
from cx_context.fold_version import FOLD_VERSION
from cx_context.parts.event_kinds import makes_part
from cx_context.parts.model import Part
from cx_events.catalogue import catalogue
from cx_events.facts import Fact
from cx_events.json_types import Json
from cx_events.testing.builders import SECOND, START, an_event
from cx_events.testing.histories import facts_of
from cx_events.testing.history_samples import LIFE_CYCLE, OTHERS

PEOPLE: Json = {
    "participants": [{"role": "customer", "name": "A", "identifiers": [{"kind": "email", "value": "a@example.com"}]}]
}

RECORDED = Path(__file__).parent / "recorded" / "fold_versions.json"

_canonical = msgspec.msgpack.Encoder(order="deterministic").encode


def facts() -> list[Fact]:
    """Return facts of every type, a second apart: the samples of random histories, and each type's example."""
    samples = [*LIFE_CYCLE, *OTHERS, *((known.name, known.example["data"]) for known in catalogue().values())]
    return facts_of(
        [
            an_event(type, id=f"s-{at}", at=START + at * SECOND, data={"interaction": "chat-1", **PEOPLE, **data})
            for at, (type, data) in enumerate(samples)
        ]
    )


def digest() -> str:
    """Return the digest of all parts that the fold makes of ``facts``, and of what a part has and how it merges."""
    by_part: dict[bytes, list[Fact]] = {}
    for fact in facts():
        if makes_part(fact.event.type):
            by_part.setdefault(fact.part_id, []).append(fact)
    whole = blake2b(repr(inspect.get_annotations(Part)).encode(), digest_size=16)
    for part_id, found in sorted(by_part.items()):
        whole.update(part_id + _canonical(part_of(found)))
    return whole.hexdigest()


def recorded() -> dict[str, str]:
    """Return the digests, by version."""
    found: dict[str, str] = json.loads(RECORDED.read_text()) if RECORDED.exists() else {}
    return found


if __name__ == "__main__":
    RECORDED.write_text(json.dumps(recorded() | {str(FOLD_VERSION): digest()}, indent=1) + "\n")

"""Events of every released version of every type, and what the fold made of each when it was recorded.

    python -m tests.released_events      # at a release: records the types and versions that are not there yet

What is recorded is never written again: it stands for the events that lie on logs.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import msgspec

from cx_context.fold_faults import part_of
from cx_events.catalogue import catalogue
from cx_events.codec import decode
from cx_events.envelope import Data, Draft
from cx_events.event_type import EventType
from cx_events.facts import Fact
from cx_events.stamp import stamp
from cx_events.testing.builders import ACME, SECOND, START
from cx_events.timestamps import parse_time

RECORDED = Path(__file__).parent / "recorded" / "events.json"


def recorded() -> dict[str, dict[str, Any]]:
    """By type: ``event``, the bytes on the log as text, and ``part``."""
    found: dict[str, dict[str, Any]] = json.loads(RECORDED.read_text()) if RECORDED.exists() else {}
    return found


def raw_of(event_type: EventType) -> bytes:
    """The example of a type as intake stamps it."""
    example = event_type.example
    draft = Draft(
        type=event_type.name,
        id=example["id"],
        data=msgspec.convert(example["data"], Data),
        time=parse_time(example["time"]),
    )
    return stamp(draft, source=example["source"], recorded=START + SECOND, ids=ACME).raw


def folded(raw: bytes) -> dict[str, Any]:
    """The part of one event, as JSON; bytes are in base64."""
    fact = Fact(decode(raw), raw, ACME)
    told = msgspec.to_builtins(part_of([fact]), enc_hook=None, str_keys=True, builtin_types=())
    plain: dict[str, Any] = json.loads(json.dumps(told, default=_as_text, sort_keys=True))
    return plain


def _as_text(value: object) -> str:
    return base64.b64encode(bytes(value)).decode() if isinstance(value, bytes | msgspec.Raw) else str(value)


def record() -> None:
    known = recorded()
    for event_type in catalogue().values():
        if event_type.name not in known:
            raw = raw_of(event_type)
            known[event_type.name] = {"event": raw.decode(), "part": folded(raw)}
    RECORDED.write_text(json.dumps(known, indent=1, sort_keys=True, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    record()

"""Starts the child that tries things, and reads what it says."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import Any, NamedTuple

from tests.growth.patterns import ROOT, Found


class Outcome(NamedTuple):
    """``stuck``: what the kernel ended the child in, or what grew too fast, or nothing. ``tried``: so many pieces."""

    stuck: str
    tried: int


def pattern_task(found: Found, seconds: float) -> dict[str, Any]:
    source = found.pattern.pattern
    return {
        "name": found.place,
        "pattern": source.decode("latin-1") if isinstance(source, bytes) else source,
        "bytes": isinstance(source, bytes),
        "flags": found.pattern.flags,
        "uses": sorted(found.uses),
        "seconds": seconds,
    }


def try_all(tasks: list[dict[str, Any]]) -> Outcome:
    """Raises ``AssertionError`` where the child fails otherwise than by taking too long."""
    child = subprocess.run(
        [sys.executable, "-m", "tests.growth.child"],
        input="".join(json.dumps(task) + "\n" for task in tasks),
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(("libs", "services", "."))},
    )
    said = [json.loads(line) for line in child.stdout.splitlines()]
    begun = [each for each in said if each[0] == "begun"]
    grew = [each for each in said if each[0] == "grew"]
    if child.returncode == -signal.SIGVTALRM:
        return Outcome(f"{begun[-1][1]}: {begun[-1][2]}", len(begun))
    assert child.returncode == 0, child.stderr
    return Outcome(f"{grew[0][1]}: {grew[0][2]}" if grew else "", len(begun))

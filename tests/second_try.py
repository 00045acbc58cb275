"""Run tests, and the few that fail once more, alone: ``.ci/run`` does.

python -m tests.second_try ./cx test -rs        # anything that ends in pytest, from the folder that holds its cache

A fault fails again. A race does not, and is told by name, since it has to be found all the same
(docs/decisions/0093-a-second-try.md).
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

MOST = 3
"""Failures that are tried again. Where more fail, something is wrong with the change or the machine."""

SOME_FAILED = 1
"""pytest's exit code where all was run and some tests failed; others mean that not all was run."""

_FAILED = Path(".pytest_cache/v/cache/lastfailed")


def run(command: Sequence[str]) -> int:
    """Run a command that ends in pytest, and what failed once more in a process of its own; return the exit code."""
    code = subprocess.run(command, check=False).returncode
    failed = _failed()
    if code != SOME_FAILED or not 0 < len(failed) <= MOST:
        return code
    said = "failed, and tried once more alone; one that passes now is a race to be found"
    sys.stderr.write("\n".join(("", f"== {said}", *(f"   {each}" for each in failed), "", "")))
    sys.stderr.flush()
    return subprocess.run([*command, "--last-failed", "--last-failed-no-failures=none"], check=False).returncode


def _failed() -> list[str]:
    """Return the tests that pytest remembers as failed."""
    try:
        return sorted(json.loads(_FAILED.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return []


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))

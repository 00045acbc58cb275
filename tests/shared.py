"""Servers that all workers of a test run share.

The first worker that needs a server starts it while the others wait; the process that began the run ends them all.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests import parts

from cx_hub import stack


class Shared:
    """The servers of one run, and its locks. ``home``: as in ``parts``."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def address(self, part: stack.Server) -> str:
        """Return the URL of the run's server, which is started now if the run has none yet."""
        known = self.home / f"{part}.url"
        with self.turn(part):
            if not known.exists():
                known.write_text(parts.address(self.home, part), encoding="utf-8")
            return known.read_text(encoding="utf-8")

    @contextmanager
    def turn(self, name: str) -> Iterator[None]:
        """Hold the run's lock of that name, which one worker has at a time."""
        with (self.home / f"{name}.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

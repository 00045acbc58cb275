"""One clock for all processes of a run under faketime, and waits that end.

``FAKETIME="@2031-11-01 00:30:00"`` lets each process begin at that moment, so those that tests start would be behind by
as long as the run already takes, and refuse what the tests sign. A distance to the machine's own time is one for all
(https://github.com/wolfcw/libfaketime, "Advanced time specification options").

libfaketime 0.9.10 moves the monotonic clock too, but not sem_clockwait(3), by which Python's threads wait: with a
timeout they would wait for years. So that clock stays the machine's own; ``another_clock`` mends what that breaks.
And stat(2) takes a semaphore that all processes share: one that is killed while it holds it would stop all others. So
files keep their own times.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import MutableMapping
from pathlib import Path

HIDDEN = ("LD_PRELOAD", "FAKETIME", "FAKETIME_SHARED")
"""The variables without which a process has the machine's own time."""

PATCHES = Path(__file__).with_name("another_clock")


def share_clock(environment: MutableMapping[str, str]) -> None:
    """Change what processes started from now on are told, if they are told a time at all: a moment becomes this
    process's distance to the machine's own time, and their monotonic clock is the machine's."""
    if not environment.get("FAKETIME"):
        return
    if environment["FAKETIME"].startswith("@"):
        # Asked in this order: later processes may be ahead by a moment, never behind.
        own = own_time()
        environment["FAKETIME"] = f"{time.time() - own:+.6f}s"
    environment["FAKETIME_DONT_FAKE_MONOTONIC"] = "1"
    environment["NO_FAKE_STAT"] = "1"
    folders = environment.get("PYTHONPATH", "").split(os.pathsep)
    if str(PATCHES) not in folders:
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, (str(PATCHES), *folders)))


def own_time() -> float:
    """Return the machine's own time in seconds since 1970, whatever this process is made to believe."""
    environment = {name: value for name, value in os.environ.items() if name not in HIDDEN}
    asked = subprocess.run(["date", "+%s.%N"], env=environment, capture_output=True, check=True, text=True)
    return float(asked.stdout)

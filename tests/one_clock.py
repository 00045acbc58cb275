"""One clock for all processes of a run under faketime.

``FAKETIME="@2031-11-01 00:30:00"`` lets each process begin at that moment, so those that tests start would be behind by
as long as the run already takes, and refuse what the tests sign. A distance to the machine's own time is one for all
(https://github.com/wolfcw/libfaketime, "Advanced time specification options").

stat(2) takes a semaphore that all processes under faketime share, and one that is killed while it holds it would stop
all others: so files keep their own times.

Python's threads wait by sem_clockwait(3), which libfaketime 0.9.10 leaves alone while it moves the clock by which
such a wait is told when to end: with a timeout, too, it ends when it is woken, else never.
FAKETIME_DONT_FAKE_MONOTONIC would mend that, but ``time.sleep`` fails under it and Kafka does not start. So nothing
that touches a clock may count on such a wait, nor use librdkafka, whose threads wait likewise.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import MutableMapping

HIDDEN = ("LD_PRELOAD", "FAKETIME", "FAKETIME_SHARED")
"""The variables without which a process has the machine's own time."""


def share_clock(environment: MutableMapping[str, str]) -> None:
    """Change what processes started from now on are told, if they are told a time at all: a moment becomes this
    process's distance to the machine's own time, and the times of files are true."""
    if not environment.get("FAKETIME"):
        return
    if environment["FAKETIME"].startswith("@"):
        # Asked in this order: later processes may be ahead by a moment, never behind.
        own = own_time()
        environment["FAKETIME"] = f"{time.time() - own:+.6f}s"
    environment["NO_FAKE_STAT"] = "1"


def own_time() -> float:
    """Return the machine's own time in seconds since 1970, whatever this process is made to believe."""
    environment = {name: value for name, value in os.environ.items() if name not in HIDDEN}
    asked = subprocess.run(["date", "+%s.%N"], env=environment, capture_output=True, check=True, text=True)
    return float(asked.stdout)

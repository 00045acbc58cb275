"""One clock for all processes of a run under faketime.

``FAKETIME="@2031-11-01 00:30:00"`` lets each process begin at that moment, so those that tests start would be behind by
as long as the run already takes, and refuse what the tests sign. A distance to the machine's own time is one for all
(https://github.com/wolfcw/libfaketime, "Advanced time specification options").
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import MutableMapping

HIDDEN = ("LD_PRELOAD", "FAKETIME", "FAKETIME_SHARED")
"""The variables without which a process has the machine's own time."""


def share_clock(environment: MutableMapping[str, str]) -> None:
    """Replace a moment at which each process would begin by this process's distance to the machine's own time."""
    if environment.get("FAKETIME", "").startswith("@"):
        environment["FAKETIME"] = f"{time.time() - own_time():+.3f}s"


def own_time() -> float:
    """Return the machine's own time in seconds since 1970, whatever this process is made to believe."""
    environment = {name: value for name, value in os.environ.items() if name not in HIDDEN}
    asked = subprocess.run(["date", "+%s.%N"], env=environment, capture_output=True, check=True, text=True)
    return float(asked.stdout)

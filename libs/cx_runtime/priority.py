"""Let long work in a process of its own have what others leave of the machine's processors."""

from __future__ import annotations

import os
from contextlib import suppress

_NICE = 10


def give_way() -> None:
    """Lower this process's priority, and that of what it starts, where the system lets it."""
    with suppress(OSError):
        os.nice(_NICE)

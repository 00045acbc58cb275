"""Tune a process that works on many events: garbage is collected seldom, threads are switched often."""

from __future__ import annotations

import gc
import sys

YOUNG = 300_000
"""Containers made before the youngest are looked through."""

OLDER = 50
"""Such looks before one that takes in the older, and again before one that takes in all."""


SWITCH_SECONDS = 0.0005
"""A thread that works out a long history gives way to the event loop after this. Python's own 5 ms would be waited for
again at every turn of the loop, several times in each request."""


STARTING = 50_000
"""As ``YOUNG`` while a process starts. Modules, classes and routes stay to the end, and by Python's own 700 the
collector looks through them hundreds of times, which is a fifth of a start; a command reads and prints in bounded
memory all the same."""


def start_quickly() -> None:
    """Before a process imports what it needs: search seldom for garbage, of which imports make next to none."""
    gc.set_threshold(STARTING, *gc.get_threshold()[1:])


def settle() -> None:
    """Once everything is composed: what is there stays, and what comes is counted off, almost never searched.

    Events, facts and parts make no cycles, so reference counts free them; yet by default Python looks through all that
    a projector remembers whenever that has grown by a quarter, which was half of a projector's time.
    A process that has settled has what it keeps behind it: what a second hub in it makes is left to be freed.
    """
    if not gc.get_freeze_count():
        gc.collect()
        gc.freeze()
    gc.set_threshold(YOUNG, OLDER, OLDER)
    sys.setswitchinterval(SWITCH_SECONDS)

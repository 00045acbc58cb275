"""Let ``time.sleep`` work under faketime where the monotonic clock is the machine's own.

Python reads this file as it starts, for ``tests.one_clock`` puts its folder on ``PYTHONPATH``. libfaketime takes the
absolute times that ``time.sleep`` gives to clock_nanosleep(2) for false ones, and the call fails (EINVAL).
"""

import select
import time


def _sleep(seconds: float) -> None:
    if seconds < 0:
        raise ValueError("sleep length must be non-negative")
    select.select((), (), (), seconds)


time.sleep = _sleep

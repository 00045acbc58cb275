"""Measure the CPU time that a piece of work takes from the event loop; time spent waiting is not counted.

found = await charge_cpu_time(read(tx), lambda seconds: turns.charge("acme", seconds))
"""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine, Generator
from functools import partial
from typing import Any, Generic, TypeVar

T = TypeVar("T")


async def charge_cpu_time(work: Coroutine[Any, Any, T], charge: Callable[[float], None]) -> T:
    """Return or raise what ``work`` does, and charge the seconds of processor time that this thread worked on it, once,
    at its end. What it starts as tasks or threads of their own is not counted."""
    return await _Charged(work, charge)


class _Charged(Generic[T]):
    def __init__(self, work: Coroutine[Any, Any, T], charge: Callable[[float], None]) -> None:
        self._work = work
        self._charge = charge

    def __await__(self) -> Generator[Any, Any, T]:
        spent = 0.0
        step: Callable[[], Any] = partial(self._work.send, None)
        try:
            while True:
                began = time.thread_time()
                try:
                    awaited = step()
                except StopIteration as over:
                    found: T = over.value
                    return found
                finally:
                    spent += time.thread_time() - began
                try:
                    step = partial(self._work.send, (yield awaited))
                except BaseException as error:  # a cancellation, for the most part: it is the work's to hear of it
                    step = partial(self._work.throw, error)
        finally:
            self._work.close()
            self._charge(spent)

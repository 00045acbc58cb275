"""A sampling profiler by CPU time, of the process's main thread, of nothing but the standard library.

A timer of the process's CPU time (``ITIMER_PROF``) interrupts it; where Python then stands is one sample. A call into C
counts for the Python function that made it; what C calls by itself, such as the event loop's reading of sockets, counts
for the Python function that runs next.
"""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

_DEEPEST = 60

Stack = tuple[str, ...]
"""Functions as ``module.py:function``, the innermost last."""

_ROOTS = ("/libs/", "/services/", "/site-packages/", "/lib/python")


@contextmanager
def sampled(seconds: float = 0.002) -> Iterator[Counter[Stack]]:
    """Give how often each stack was met while the block runs: one sample each so many CPU seconds."""
    found: Counter[Stack] = Counter()
    names: dict[object, str] = {}

    def note(_signal: int, frame: FrameType | None) -> None:
        stack: list[str] = []
        while frame is not None and len(stack) < _DEEPEST:
            code = frame.f_code
            if (name := names.get(code)) is None:
                name = names[code] = f"{_module(code.co_filename)}:{code.co_qualname}"
            stack.append(name)
            frame = frame.f_back
        found[tuple(reversed(stack))] += 1

    before = signal.signal(signal.SIGPROF, note)
    signal.setitimer(signal.ITIMER_PROF, seconds, seconds)
    try:
        yield found
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _module(path: str) -> str:
    """Return a file's path below the folder that its package lies in."""
    for root in _ROOTS:
        _, found, below = path.rpartition(root)
        if found:
            return below.partition("/")[2] if root == "/lib/python" else below
    return Path(path).name


def by_function(stacks: Counter[Stack]) -> tuple[Counter[str], Counter[str]]:
    """Return samples by function: those where it was the innermost, and those where it was anywhere. Pure."""
    own: Counter[str] = Counter()
    whole: Counter[str] = Counter()
    for stack, count in stacks.items():
        if stack:
            own[stack[-1]] += count
        for name in set(stack):
            whole[name] += count
    return own, whole

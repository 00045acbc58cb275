"""Tries things on growing texts, in a process that the kernel ends once it has used more CPU time than it may.

``python -m tests.growth.child`` reads tasks, a JSON object a line, and writes a JSON array a line: ``begun`` before
each piece of work, ``grew`` where its time grew too fast, ``done`` after a task. ``share``: of a task of entrances, one
text in so many is tried at each place, at each next place others. The timer counts this process's own
CPU time, so a busy machine makes it slow, never late; its signal is left to the kernel, since no handler would run
while a pattern is matched.
"""

from __future__ import annotations

import gc
import json
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any
from zlib import crc32

from tests.growth.patterns import hard_texts

PATTERN_SIZES = (1 << 10, 8 << 10, 64 << 10)
ENTRY_SIZES = (1 << 10, 8 << 10, 64 << 10)
"""Every text is tried at the first size, at each further one those alone that took longest at the one before."""

_BOUND_OF = 64 << 10
"""Bytes for which the seconds of a task are meant; twice as long a text may take twice as long."""

_TOO_FAST = 32
"""Eight times as long a text takes eight times as long where time is linear, 64 times where it is quadratic."""

_NOISE = 0.00125
"""Seconds below which no growth is read from: what takes 32 times as long at the last size is told from noise."""

_GO_ON = 2
"""So many texts are tried at the size in the middle, and the slowest of these at the last."""

Trial = Callable[[], tuple[str, Callable[[], object]]]
"""Makes what is tried, in words, and the work: a long text is made only where it is tried."""


def _tried(name: str, trials: Callable[[int], Iterator[Trial]], sizes: Sequence[int], seconds: float) -> None:
    """Try all, smallest first, and say what grew too fast."""
    chosen: set[int] | None = None
    before: dict[int, tuple[float, Callable[[], object]]] = {}
    for size in sizes:
        allowed = seconds * max(1, size // _BOUND_OF)
        spent: dict[int, tuple[float, Callable[[], object]]] = {}
        for at, trial in enumerate(trials(size)):
            if chosen is None or at in chosen:
                what, work = trial()
                _say("begun", name, what)
                spent[at] = (_bounded(allowed, work), work)
                if size == sizes[-1] and at in before and _grew(spent[at], before[at], allowed):
                    _say("grew", name, what)
        go_on = _GO_ON if chosen is None else 1
        chosen = set(sorted(spent, key=lambda at: spent[at][0], reverse=True)[:go_on])
        before = spent


def _grew(now: tuple[float, Callable[[], object]], before: tuple[float, Callable[[], object]], allowed: float) -> bool:
    """Whether eight times the length cost so much more that it can't be linear, measured once more to be sure."""
    if now[0] <= _TOO_FAST * max(before[0], _NOISE):
        return False
    return _bounded(allowed, now[1]) > _TOO_FAST * max(_bounded(allowed, before[1]), _NOISE)


def _bounded(seconds: float, work: Callable[[], object]) -> float:
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    # Not the process's: while a timer of its CPU time runs, that clock moves by ticks of some milliseconds.
    begun = time.thread_time()
    work()
    spent = time.thread_time() - begun
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    return spent


def _pattern(task: dict[str, Any]) -> Callable[[int], Iterator[Trial]]:
    source: Any = task["pattern"].encode("latin-1") if task["bytes"] else task["pattern"]
    pattern = re.compile(source, task["flags"])

    def trials(size: int) -> Iterator[Trial]:
        for hard in hard_texts(source, task["flags"], size):
            text: Any = hard.encode("latin-1", "replace") if task["bytes"] else hard
            ways: dict[str, Callable[[], object]] = {
                "match": lambda text=text: pattern.match(text),  # type: ignore[misc]
                "fullmatch": lambda text=text: pattern.fullmatch(text),  # type: ignore[misc]
                "scan": lambda text=text: pattern.sub(lambda match: text[:0], text),  # type: ignore[misc]
            }
            for use in task["uses"]:
                yield lambda use=use, hard=hard, ways=ways: (f"{use} of {_shown(hard)}", ways[use])  # type: ignore[misc]

    return trials


def _entry(task: dict[str, Any]) -> Iterator[tuple[str, Callable[[int], Iterator[Trial]]]]:
    from tests.growth.entries import WRAPPED, entries, hostile, planted

    part, parts = task["part"]
    groups = {**entries(), "planted": planted}
    # What is imported stays: looking through it for garbage would count as the time of what is tried.
    gc.freeze()
    for number, (name, work) in enumerate(groups[task["group"]]()):
        if number % parts != part:
            continue

        def trials(size: int, name: str = name, work: Callable[[str], object] = work) -> Iterator[Trial]:
            share = task.get("share", 1)
            begin = crc32(name.encode()) % share
            for made in islice(hostile(size, task["group"] in WRAPPED), begin, None, share):
                yield partial(_hostile_trial, name, work, made)
                if name.endswith("[]"):  # its length alone counts
                    return

        yield name, trials


def _hostile_trial(
    name: str, work: Callable[[str], object], made: Callable[[], str]
) -> tuple[str, Callable[[], object]]:
    text = made()
    return f"{name}: {_shown(text)}", lambda: work(text)


def _shown(text: str) -> str:
    return f"{len(text)} characters {text[:24]!r}...{text[-12:]!r}"


def _say(*what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def main() -> None:
    signal.signal(signal.SIGVTALRM, signal.SIG_DFL)
    for line in sys.stdin:
        task = json.loads(line)
        work = [(task["name"], _pattern(task))] if "pattern" in task else _entry(task)
        sizes = PATTERN_SIZES if "pattern" in task else ENTRY_SIZES
        for name, trials in work:
            if name not in task.get("without", ()):
                _tried(name, trials, sizes, task["seconds"])
                _say("done", name)


if __name__ == "__main__":
    main()

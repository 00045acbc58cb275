"""Show how far long work is, on stderr: one line that is written over on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType

_TERMINAL_SECONDS = 0.5
_PLAIN_SECONDS = 10.0


class ProgressLine:
    """``what`` is counted, for example ``records exported``. ``total``: of how many; None where nobody knows."""

    def __init__(self, what: str, total: int | None = None) -> None:
        self._what = what
        self._total = total
        self._began = self._told = time.monotonic()
        self._on_terminal = sys.stderr.isatty()
        self._first: int | None = None
        self._done = 0

    def __enter__(self) -> ProgressLine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._on_terminal and self._told != self._began:
            sys.stderr.write("\n")

    def show(self, done: int) -> None:
        """Tell how many are done, unless it was told a moment ago."""
        if self._first is None:
            self._first = done
        self._done = done
        now = time.monotonic()
        if now - self._told >= (_TERMINAL_SECONDS if self._on_terminal else _PLAIN_SECONDS):
            self._told = now
            sys.stderr.write(f"\r\033[K{self._text(now)}" if self._on_terminal else f"{self._text(now)}\n")
            sys.stderr.flush()

    def _text(self, now: float) -> str:
        rate = (self._done - (self._first or 0)) / max(now - self._began, 1e-3)
        text = f"{self._done} {self._what}, {rate:.0f} a second"
        if self._total is None:
            return text
        left = f", {max(self._total - self._done, 0) / rate:.0f} s left" if rate else ""
        return f"{self._done} of {self._total} {self._what}, {rate:.0f} a second{left}"

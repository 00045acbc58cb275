"""Report to operators how a poller gets on, as its owner tells."""

from __future__ import annotations

from typing import Literal

import msgspec

State = Literal["connecting", "connected", "waiting", "retrying", "refused", "stopped"]
"""``waiting``: what came can't be stored now. ``retrying``, ``refused`` and ``stopped``: it failed, by reaction."""

FAILED: frozenset[State] = frozenset({"retrying", "refused", "stopped"})


class PollerReport(msgspec.Struct, omit_defaults=True):
    """Times in seconds since 1970, 0 for never.

    ``since``: of the state. ``reason``, ``detail``, ``failed_at``: of the latest failure, also one that is over.
    ``heard_at``: the vendor was there. ``came_at``: something was accepted; ``accepted``: how many, since the owner
    began. ``lag``: seconds for which the latest had waited at the vendor.
    """

    state: State = "connecting"
    since: float = 0.0
    reason: str = ""
    detail: str = ""
    failed_at: float = 0.0
    heard_at: float = 0.0
    came_at: float = 0.0
    accepted: int = 0
    lag: float | None = None

    def enter(self, state: State, now: float) -> None:
        """Change to a state, unless it is in that already."""
        if state != self.state or not self.since:
            self.state, self.since = state, now

    def fail(self, state: State, reason: str, detail: str, now: float) -> None:
        """Change to the state of a failure."""
        self.enter(state, now)
        self.reason, self.detail, self.failed_at = reason, detail, now


def read_report(stored: bytes) -> PollerReport:
    """Return a report as it was stored; an empty one where nothing was, or by another release in another form."""
    try:
        return msgspec.json.decode(stored, type=PollerReport)
    except msgspec.MsgspecError:
        return PollerReport()

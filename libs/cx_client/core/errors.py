"""Name errors by what to do about them: ``Refused`` (sending the same again is pointless) or ``TryLater`` (it is safe).

``Refused`` and ``TryLater`` are those of ``cx_events.errors``; what a hub answered with is one of the subclasses here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from cx_client.core.outcomes import Rejected, Sent
from cx_events.errors import CxError, Refused, TryLater
from cx_events.json_types import Json


class HubRefused(Refused):
    """The hub refused a request. ``problem``: its problem document (RFC 9457), ``reason`` the word to test."""

    def __init__(self, reason: str, detail: str, status: int, problem: Json | None = None) -> None:
        super().__init__(reason, detail, status)
        self.problem: Json = problem or {}


class HubUnavailable(TryLater):
    """The hub can't be reached or takes no more now, and the client's patience is at an end.

    ``status``: None where there was no answer. ``reason``: a countable word (``no-answer``, ``rate-limited``).
    ``asked``: seconds that the hub asked to wait, None where it did not.
    """

    def __init__(
        self,
        reason: str,
        detail: str,
        *,
        status: int | None = None,
        asked: float | None = None,
        problem: Json | None = None,
    ) -> None:
        super().__init__("hub", f"{reason}: {detail}", max(math.ceil(asked or 0.0), 1))
        self.reason = reason
        self.asked = asked
        self.status = status
        self.problem: Json = problem or {}


@dataclass(frozen=True, slots=True)
class Remainder:
    """The state of a sending that was not ended: ``sent`` is what the hub answered before, ``unsent`` the events whose
    outcome is unknown, in order. To send those again is safe."""

    sent: Sent
    unsent: tuple[Json, ...] = field(repr=False)


class SendingRefused(HubRefused):
    """A whole request with events was refused (a wrong key, a missing scope): see ``remainder``."""

    def __init__(self, cause: HubRefused, remainder: Remainder) -> None:
        super().__init__(cause.reason, cause.detail, cause.status, cause.problem)
        self.remainder = remainder


class SendingUnavailable(HubUnavailable):
    """Events could not be sent in the time that the client's ``Retry`` allows: see ``remainder``."""

    def __init__(self, cause: HubUnavailable, remainder: Remainder) -> None:
        detail = cause.detail.removeprefix(f"{cause.reason}: ")
        super().__init__(cause.reason, detail, status=cause.status, asked=cause.asked, problem=cause.problem)
        self.remainder = remainder


class QueueFull(TryLater):
    """A background sender holds as much as it may. Nothing was taken: put the event again later, or keep it."""

    def __init__(self, detail: str) -> None:
        super().__init__("queue", detail)


class NotDelivered(CxError):
    """A background sender was closed, and these events are not known to be durable.

    ``unsent``: not sent, or their outcome is unknown; to send them again is safe. ``rejected``: refused by the hub,
    each with the reason. ``cause``: why sending stopped, None where time was up.
    """

    def __init__(self, unsent: tuple[Json, ...], rejected: tuple[Rejected, ...], cause: CxError | None = None) -> None:
        why = f"; {cause}" if cause is not None else ""
        super().__init__(f"{len(unsent)} events were not sent and {len(rejected)} were rejected{why}")
        self.unsent = unsent
        self.rejected = rejected
        self.cause = cause

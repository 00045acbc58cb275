"""Errors, designed by what the receiver should do about them.

``Refused``  the sender's fault: tell the sender what is wrong; sending the same again is pointless (HTTP 4xx, exit 2).
``TooFast``  what is sent is good, but more than was agreed: send the same again later (HTTP 429 with Retry-After).
``TryLater`` a part is down or slow: nothing is known to be lost; send again later (HTTP 503 with Retry-After, exit 1).
``Busy``     as much is under way here as there may be: nothing was taken; send again later (as ``TryLater``).
``NotSetUp`` a setting is missing here: nothing was taken; welcome once it is set (as ``TryLater``).
``Fatal``    this process must stop and say why: going on would lose or corrupt something.
"""

from __future__ import annotations


class CxError(Exception):
    """Base of all errors that a user may see; ``str()`` is a sentence for people."""


class Refused(CxError):
    """The input can't be accepted as it is.

    ``reason`` is a stable, countable slug (``bad-signature``, ``too-large``), ``detail`` a sentence that names what is
    wrong and where, ``status`` the HTTP status that says the same.
    """

    def __init__(self, reason: str, detail: str, status: int = 422) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
        self.status = status


class TooFast(Refused):
    """More than a key or a connection may send, or may have under way. Nothing was taken; the same again is welcome
    after ``retry_after`` seconds."""

    def __init__(self, detail: str, retry_after: int, reason: str = "rate-limited") -> None:
        super().__init__(reason, detail, 429)
        self.retry_after = retry_after


class TryLater(CxError):
    """A part that we need does not answer. The outcome of what was asked may be unknown; asking again is safe."""

    def __init__(self, part: str, detail: str, retry_after: int = 1) -> None:
        super().__init__(f"{part}: {detail}")
        self.part = part
        self.detail = detail
        self.retry_after = retry_after


class Busy(TryLater):
    """No room for more: nothing was taken. ``reason`` is a countable slug (``too-many-requests``)."""

    def __init__(self, part: str, reason: str, detail: str, retry_after: int = 1) -> None:
        super().__init__(part, detail, retry_after)
        self.reason = reason


class NotSetUp(Busy):
    """A setting is missing without which this can't be taken: nothing was, and the same is welcome once it is set."""


class Fatal(CxError):
    """Stop and say why."""

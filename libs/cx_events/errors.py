"""Define the errors, one for each thing that the receiver should do about them.

``Refused``  the sender's fault: report what is wrong; sending the same again is pointless (HTTP 4xx, exit 2).
``TooFast``  over the rate limit: send the same again later (HTTP 429 with Retry-After).
``TryLater`` a dependency is down or slow: nothing is known to be lost; send again later (HTTP 503 with Retry-After,
             exit 1).
``Busy``     too much is under way here: nothing was stored; send again later (as ``TryLater``).
``NotSetUp`` a setting is missing here: nothing was stored; send again once it is set (as ``TryLater``).
``Fatal``    this process must stop and report why: going on would lose or corrupt something.
"""

from __future__ import annotations


class CxError(Exception):
    """The base of all errors that a user may see; ``str()`` is a sentence for people."""


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
    """A key or a connection sends more than it may, or has too much under way.

    Nothing was stored; the same may be sent again after ``retry_after`` seconds.
    """

    def __init__(self, detail: str, retry_after: int, reason: str = "rate-limited") -> None:
        super().__init__(reason, detail, 429)
        self.retry_after = retry_after


class TryLater(CxError):
    """A dependency does not answer. The outcome may be unknown; trying again is safe. ``part``: which one."""

    def __init__(self, part: str, detail: str, retry_after: int = 1) -> None:
        super().__init__(f"{part}: {detail}")
        self.part = part
        self.detail = detail
        self.retry_after = retry_after


class Busy(TryLater):
    """There is no capacity for more: nothing was stored. ``reason``: a countable slug (``too-many-requests``)."""

    def __init__(self, part: str, reason: str, detail: str, retry_after: int = 1) -> None:
        super().__init__(part, detail, retry_after)
        self.reason = reason


class NotSetUp(Busy):
    """A setting is missing. Nothing was stored; the same may be sent again once it is set."""


class Fatal(CxError):
    """This process must stop and report why."""

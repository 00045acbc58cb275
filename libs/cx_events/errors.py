"""Errors, designed by what the receiver should do about them.

``Refused``  the sender's fault: tell the sender what is wrong; sending the same again is pointless (HTTP 4xx, exit 2).
``TryLater`` a part is down or slow: nothing is known to be lost; send again later (HTTP 503 with Retry-After, exit 1).
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


class TryLater(CxError):
    """A part that we need does not answer. The outcome of what was asked may be unknown; asking again is safe."""

    def __init__(self, part: str, detail: str, retry_after: int = 1) -> None:
        super().__init__(f"{part}: {detail}")
        self.part = part
        self.detail = detail
        self.retry_after = retry_after


class Fatal(CxError):
    """Stop and say why."""

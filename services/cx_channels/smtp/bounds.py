"""Limit how much of the SMTP listener one address and one tenant may use.

A session may last long, but not for ever, and is there for mail: a client that sends command after command and no mail
is answered ever more slowly, then disconnected. A client is known by its address alone; the tenant, by the recipients.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from cx_events.errors import Busy, TooFast
from cx_runtime import shares
from cx_runtime.addresses import Addresses
from cx_runtime.in_flight import Pacer
from cx_runtime.rates import Rate
from cx_runtime.shares import Path, Pool, Share, Slot

COMMANDS_AT_ONCE = 10
"""Commands of a session since its last mail that are answered at once, recipients apart; a mail takes five."""

MOST_COMMANDS = 100
"""Commands since the last mail after which the session ends."""

SESSION_SECONDS = 900.0
"""The longest session: time for a mail of 30 MiB at 35 KB/s."""

PACE = Rate(50.0, 500.0)
"""Sessions, and commands beyond ``COMMANDS_AT_ONCE``, of one address that are answered at once."""

_SESSION_SHARE = 0.2
_BYTES_SHARE = 0.5


class SmtpLimits(NamedTuple):
    """The limits of one listener. ``tenant_share``: see ``shares.share_among``.

    Trusted proxies have no share of sessions of their own: all clients are behind them.
    """

    session_seconds: float = SESSION_SECONDS
    commands: int = MOST_COMMANDS
    pace: Rate = PACE
    tenant_share: float = 1.0
    addresses: Addresses = Addresses()


class SmtpBounds:
    """The bounds of one listener: ``sessions`` at once, and ``mail_bytes`` of mails under way."""

    def __init__(self, sessions: int, mail_bytes: int, limits: SmtpLimits) -> None:
        self.limits = limits
        self.sessions = Pool("sessions", sessions)
        self.mail_bytes = Pool("mail-bytes", mail_bytes)
        self._pacer = Pacer(limits.pace)

    def begun(self, peer: object) -> SessionBudget:
        """Begin a session. Raise ``Busy`` or ``TooFast`` where it is one too many."""
        host = str(peer[0]) if isinstance(peer, tuple) and peer else ""
        address = self.limits.addresses.of(host, {})
        trusted = self.limits.addresses.trusts(host)
        path = (Share("address", address, 1.0 if trusted else _SESSION_SHARE),)
        return SessionBudget(self, address, self.sessions.take(path))

    async def pause(self, address: str) -> None:
        """Wait as long as the pace of this address demands."""
        await self._pacer.pause(address)


class SessionBudget:
    """The resources that one client's session uses. ``end`` gives them back, except those of mails under way."""

    def __init__(self, bounds: SmtpBounds, address: str, slot: Slot) -> None:
        self.address = address
        self._bounds = bounds
        self._slot = slot
        self._commands = 0

    async def answers(self) -> bool:
        """Count a command before its answer; return whether the session goes on after it."""
        self._commands += 1
        if self._commands == 1 or self._commands > COMMANDS_AT_ONCE:
            await self._bounds.pause(self.address)
        return self._commands <= self._bounds.limits.commands

    def took(self) -> None:
        """Give a command back: it was part of a mail, such as a recipient."""
        self._commands = max(self._commands - 1, 1)

    def mail_ended(self) -> None:
        """Reset the count after a mail."""
        self._commands = 1

    def mail_of(self, tenants: Iterable[str]) -> Slot:
        """Return an empty slot, which grows with the mail."""
        path: Path = (Share("address", self.address, _BYTES_SHARE),)
        for tenant in sorted(set(tenants))[:1]:
            path = (shares.tenant(tenant, self._bounds.limits.tenant_share), *path)
        return Slot(self._bounds.mail_bytes, path)

    def end(self) -> None:
        """Give back the session's slot."""
        self._slot.end()


def too_many(error: Busy | TooFast) -> str:
    """Return the answer to a client that is turned away (RFC 5321, section 3.1; RFC 3463, section 3.8)."""
    if isinstance(error, TooFast):
        return "421 4.7.0 too many connections from your address, try again later"
    return "421 4.3.2 too many connections, try again later"

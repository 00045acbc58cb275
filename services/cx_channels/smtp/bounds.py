"""How much of the SMTP listener one address and one tenant may use.

A session may last long, but not for ever, and is there for mail: whoever says command after command and sends none is
answered ever more slowly, then sent away. Who it is that sends is known by address alone; whose mail it is, by its
recipients.
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
"""Of a session since its last mail, recipients apart; a mail takes five."""

MOST_COMMANDS = 100
"""Since its last mail; then the session ends."""

SESSION_SECONDS = 900.0
"""A mail of 30 MiB at 35 KB/s."""

PACE = Rate(50.0, 500.0)
"""Sessions, and commands beyond ``COMMANDS_AT_ONCE``, of one address that are answered at once."""

_SESSION_SHARE = 0.2
_BYTES_SHARE = 0.5


class SmtpLimits(NamedTuple):
    """``tenant_share``: see ``shares.share_among``. Trusted proxies have no share of sessions of their own: behind them
    is everybody."""

    session_seconds: float = SESSION_SECONDS
    commands: int = MOST_COMMANDS
    pace: Rate = PACE
    tenant_share: float = 1.0
    addresses: Addresses = Addresses()


class SmtpBounds:
    """Of one listener, for ``sessions`` at once and so many ``mail_bytes`` of mails under way."""

    def __init__(self, sessions: int, mail_bytes: int, limits: SmtpLimits) -> None:
        self.limits = limits
        self.sessions = Pool("sessions", sessions)
        self.mail_bytes = Pool("mail-bytes", mail_bytes)
        self._pacer = Pacer(limits.pace)

    def begun(self, peer: object) -> SessionBudget:
        """``Busy``, ``TooFast`` where one more is one too many."""
        host = str(peer[0]) if isinstance(peer, tuple) and peer else ""
        address = self.limits.addresses.of(host, {})
        trusted = self.limits.addresses.trusts(host)
        path = (Share("address", address, 1.0 if trusted else _SESSION_SHARE),)
        return SessionBudget(self, address, self.sessions.take(path))

    async def pause(self, address: str) -> None:
        await self._pacer.pause(address)


class SessionBudget:
    """One client's. ``end`` gives back what it holds, but for mails on their way."""

    def __init__(self, bounds: SmtpBounds, address: str, slot: Slot) -> None:
        self.address = address
        self._bounds = bounds
        self._slot = slot
        self._commands = 0

    async def answers(self) -> bool:
        """Before each answer: whether the session goes on after it."""
        self._commands += 1
        if self._commands == 1 or self._commands > COMMANDS_AT_ONCE:
            await self._bounds.pause(self.address)
        return self._commands <= self._bounds.limits.commands

    def took(self) -> None:
        """What a mail needs: a recipient, or the mail itself."""
        self._commands = max(self._commands - 1, 1)

    def mail_ended(self) -> None:
        self._commands = 1

    def mail_of(self, tenants: Iterable[str]) -> Slot:
        """Holds nothing yet: grows with the mail."""
        path: Path = (Share("address", self.address, _BYTES_SHARE),)
        for tenant in sorted(set(tenants))[:1]:
            path = (shares.tenant(tenant, self._bounds.limits.tenant_share), *path)
        return Slot(self._bounds.mail_bytes, path)

    def end(self) -> None:
        self._slot.end()


def too_many(error: Busy | TooFast) -> str:
    """What one who is turned away hears (RFC 5321, section 3.1; RFC 3463, section 3.8)."""
    if isinstance(error, TooFast):
        return "421 4.7.0 too many connections from your address, try again later"
    return "421 4.3.2 too many connections, try again later"

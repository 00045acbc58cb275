"""Take mail for the tenants' connections over SMTP (RFC 5321), and answer 250 once a mail is durable.

What aiosmtpd leaves open is done in this package: a reader for DATA (aiosmtpd's keeps a list of all lines, refuses long
lines that real senders write, and closes on a slow sender), PIPELINING, limits of connections and of bytes in memory,
and an orderly stop.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterable

from cx_channels.kit.mail.settings import mail_settings
from cx_channels.provider import Connection
from cx_channels.smtp.bounds import SmtpBounds, SmtpLimits
from cx_channels.smtp.session import SmtpSession
from cx_channels.smtp.state import ByRecipient, Deliver, ListenerState
from cx_events.cancellation import close_within
from cx_events.errors import Fatal, TryLater

_CLOSE_SECONDS = 5.0


def by_recipient(connections: Iterable[Connection]) -> ByRecipient:
    """Return a function that finds the connection of an address; it returns None for an address of nobody here.

    A connection owns the addresses of ``settings.addresses`` and ``settings.domains``; a listed address goes before a
    domain. Raise ``Refused("bad-settings")`` as ``mail_settings`` does.
    """
    known = [(connection, mail_settings(connection.settings).own) for connection in connections]

    def find(address: str) -> Connection | None:
        belonging = [(connection, own) for connection, own in known if own.has(address)]
        exact = [connection for connection, own in belonging if own.lists(address)]
        return next(iter([*exact, *(connection for connection, _ in belonging)]), None)

    return find


class SmtpListener:
    """An SMTP server in the running event loop; ``start`` opens it.

    ``port``: 0 picks a free one. ``deliver``: returns once the mail is durable. ``max_bytes``: the largest mail,
    announced as SIZE. ``idle_seconds``: the time in which a command must be complete or 16 KiB of a mail must have
    come. ``max_in_flight``: the bytes of all mails under way; above it a mail is answered 452, and its server sends
    it again. ``tls``: offers STARTTLS. ``require_tls``: no mail is taken before STARTTLS. ``clock``: microseconds
    since 1970, for ``Request.received``. ``limits``: those of one address and one tenant. ``refused``: called with
    the reason whenever a client is turned away.
    """

    def __init__(
        self,
        host: str,
        port: int,
        connections: ByRecipient,
        deliver: Deliver,
        *,
        max_bytes: int = 30 << 20,
        idle_seconds: float = 15.0,
        max_connections: int = 100,
        max_in_flight: int = 128 << 20,
        hostname: str = "throughline",
        tls: ssl.SSLContext | None = None,
        require_tls: bool = False,
        clock: Callable[[], int] | None = None,
        limits: SmtpLimits = SmtpLimits(),
        refused: Callable[[str], None] = lambda reason: None,
    ) -> None:
        self._host = host
        self._port = port
        self.state = ListenerState(
            connections=connections,
            deliver=deliver,
            bounds=SmtpBounds(max_connections, max_in_flight, limits),
            max_bytes=max_bytes,
            idle_seconds=idle_seconds,
            hostname=hostname,
            tls=tls,
            require_tls=require_tls,
            clock=clock or (lambda: 0),
            refused=refused,
        )
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen. Raise ``Fatal`` where the address can't be bound."""
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(lambda: SmtpSession(self.state, loop), self._host, self._port)
        except OSError as error:
            where = "CX_HOST and CX_SMTP_PORT say where to listen, port 0 takes a free one"
            raise Fatal(f"no SMTP listener on {self._host}:{self._port}: {error.strerror or error}; {where}") from None

    async def check(self) -> None:
        """Raise ``TryLater`` unless the listener accepts connections."""
        if self._server is None or not self._server.is_serving():
            raise TryLater("mail", "the SMTP listener does not listen")

    @property
    def port(self) -> int:
        """The port that is listened on."""
        if self._server is None or not self._server.sockets:
            return self._port
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def held(self) -> int:
        """Bytes of mails under way."""
        return self.state.bounds.mail_bytes.held

    async def stop(self, seconds: float = 10.0) -> None:
        """Stop listening, finish the mails under way for up to ``seconds``, then answer 421 to every client."""
        state = self.state
        state.leaving = True
        if self._server is not None:
            self._server.close()
        for session in list(state.open):
            session.leave()
        until = asyncio.get_running_loop().time() + seconds
        while under_way := state.delivering | state.answering:
            left = until - asyncio.get_running_loop().time()
            if left <= 0:
                break
            await asyncio.wait(under_way, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        for late in state.delivering:
            late.cancel()
        for session in list(state.open):
            session.say_goodbye()
        if self._server is not None:
            await close_within(self._server.wait_closed(), _CLOSE_SECONDS)
            self._server = None

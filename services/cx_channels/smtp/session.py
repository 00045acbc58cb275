"""Hold one client's SMTP session."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from typing import Any

import structlog
from aiosmtpd.smtp import SMTP, Envelope, Session

from cx_channels.smtp.bounds import SessionBudget, too_many
from cx_channels.smtp.data import CHUNK, NO_ROOM, DataReader, has_room
from cx_channels.smtp.delivery import deliver_mail
from cx_channels.smtp.state import ListenerState
from cx_events.errors import Busy, TooFast

MAX_RECIPIENTS = 100
_COMMAND_BYTES = 1_024


class _CommandHandler:
    """Answers aiosmtpd at each command."""

    def __init__(self, state: ListenerState) -> None:
        self._state = state

    async def handle_EHLO(  # noqa: N802 (the name is aiosmtpd's)
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        offered = [line for line in responses if not line.startswith("250-AUTH")]
        return [*offered[:-1], "250-PIPELINING", "250-ENHANCEDSTATUSCODES", *offered[-1:]]

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if len(envelope.rcpt_tos) >= MAX_RECIPIENTS:
            return "452 4.5.3 too many recipients"
        if self._state.connections(address) is None:
            return "550 5.1.1 no such recipient here"
        envelope.rcpt_tos.append(address)
        assert isinstance(server, SmtpSession)
        server.bounded.took()
        return "250 2.1.5 OK"


class SmtpSession(SMTP):
    """One connected client."""

    line_length_limit = CHUNK

    def __init__(self, state: ListenerState, loop: asyncio.AbstractEventLoop) -> None:
        # aiosmtpd keeps this in its class, where each connection resets the limits of all others.
        self.command_size_limits = defaultdict(lambda: _COMMAND_BYTES)
        super().__init__(
            _CommandHandler(state),
            data_size_limit=state.max_bytes,
            enable_SMTPUTF8=True,
            hostname=state.hostname,
            ident="Throughline",
            tls_context=state.tls,
            require_starttls=state.require_tls,
            timeout=state.idle_seconds,
            auth_exclude_mechanism=["LOGIN", "PLAIN"],
            loop=loop,
        )
        self._state = state
        self._turned_away = False
        self._in_data = self._delivering = False
        self._life: asyncio.TimerHandle | None = None
        self.bounded: SessionBudget

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self not in self._state.open:  # else it is STARTTLS
            try:
                self.bounded = self._state.bounds.begun(transport.get_extra_info("peername"))
            except (Busy, TooFast) as refused:
                self._turned_away = True
                self._state.refused(refused.reason)
                writing: Any = transport  # uvloop's is no asyncio.WriteTransport by name
                writing.write(f"{too_many(refused)}\r\n".encode())
                transport.close()
                return
            self._life = self.loop.call_later(self._state.bounds.limits.session_seconds, self._outlived)
        self._state.open.add(self)
        super().connection_made(transport)

    def _outlived(self) -> None:
        """End a session whose time is up, also amid a slow mail; a complete mail is still answered."""
        self._state.refused("session-too-long")
        if self.transport is not None and not self._delivering:
            self._last_words("421 4.4.2 the session lasts too long")

    async def push(self, status: Any) -> None:
        is_last = bytes(status[3:4], "ascii") != b"-" if isinstance(status, str) else status[3:4] != b"-"
        if not is_last or self.transport is None or await self.bounded.answers():
            await super().push(status)
            return
        self._state.refused("commands-without-mail")
        self._last_words("421 4.7.0 too many commands without a mail")

    def data_received(self, data: bytes) -> None:
        if not self._turned_away:
            super().data_received(data)

    def eof_received(self) -> bool | None:
        return None if self._turned_away else super().eof_received()

    def connection_lost(self, error: Exception | None) -> None:
        self._state.open.discard(self)
        if not self._turned_away:
            self.bounded.end()
            if self._life is not None:
                self._life.cancel()
            super().connection_lost(error)

    def close(self) -> None:
        """Hang up; what was written before is sent first."""
        if self.transport is not None:
            self.transport.close()

    def leave(self) -> None:
        """Say goodbye, once the mail under way is answered."""
        if not self._in_data:
            self.say_goodbye()

    def say_goodbye(self) -> None:
        """Answer 421 and close the connection."""
        self._last_words(f"421 4.3.2 {self.hostname} stops, try again later")

    def _last_words(self, words: str) -> None:
        """Write a last answer and close: 421 may answer any command (RFC 5321, section 3.8)."""
        transport: Any = self.transport
        if transport is not None and not transport.is_closing():
            transport.write(f"{words}\r\n".encode())
            transport.close()

    def _timeout_cb(self) -> None:
        with contextlib.suppress(Exception):
            self._writer.write(f"421 4.4.2 {self.hostname} timeout\r\n".encode())
        super()._timeout_cb()  # type: ignore[no-untyped-call]

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        try:
            return super()._getaddr(arg)
        except (IndexError, AttributeError, ValueError, RecursionError):  # the address parser of the standard library
            return None, None

    async def handle_exception(self, error: Exception) -> str:
        _log().error("an SMTP command failed", exc_info=error)
        return "451 4.3.0 the command could not be carried out"

    async def smtp_DATA(self, arg: str | None) -> None:  # noqa: N802
        if await self.check_helo_needed():
            return
        assert self.envelope is not None
        if not self.envelope.rcpt_tos:
            await self.push("503 5.5.1 send RCPT first")
            return
        if arg:
            await self.push("501 5.5.4 DATA takes no argument")
            return
        slot = self.bounded.mail_of(self._tenants_of(self.envelope))
        if not has_room(slot, CHUNK):
            await self.push(NO_ROOM)
            return
        self._in_data = True
        answered: asyncio.Future[str] = self.loop.create_future()
        self._state.answering.add(answered)
        try:
            await self.push("354 End data with <CR><LF>.<CR><LF>")
            reader = DataReader(self._reader, slot, self._state.max_bytes, self._reset_timeout, self._state.refused)
            status, content = await reader.read(self.close)
            if content is not None:
                self.envelope.content = self.envelope.original_content = content
                self._hold_timeout()
                self._delivering = True
                status = await deliver_mail(self._state, self.envelope, slot, self._peer())
                self.bounded.mail_ended()
            self._set_post_data_state()  # type: ignore[no-untyped-call]
            await self.push(status)
        finally:
            self._in_data = self._delivering = False
            self._state.answering.discard(answered)
            answered.set_result("")
            if self.transport is not None:
                self._reset_timeout()
        if self._state.leaving:
            self.say_goodbye()

    def _peer(self) -> str:
        """Return the client's address; "" where the socket has none."""
        peer = self.session.peer if self.session is not None else None
        return str(peer[0]) if isinstance(peer, tuple) and peer else ""

    def _tenants_of(self, envelope: Envelope) -> list[str]:
        found = [self._state.connections(address) for address in envelope.rcpt_tos]
        return [connection.tenant for connection in found if connection is not None]

    def _hold_timeout(self) -> None:
        """Stop the idle timer while the mail is stored: that delay is ours."""
        if self._timeout_handle is not None:
            self._timeout_handle.cancel()


def _log() -> Any:
    return structlog.get_logger("cx_channels.smtp.session")

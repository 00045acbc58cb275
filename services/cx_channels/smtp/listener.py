"""The SMTP listener (RFC 5321): mail for our connections is taken once it is durable, and refused in clear words.

``250`` is sent after ``deliver`` has returned, and not before. ``451`` asks the sender to try again; its server will.
What aiosmtpd leaves to us is done here: an own DATA reader, since its keeps a list of all lines, refuses long ones that
real senders write, and closes on a slow but living sender; PIPELINING; limits of connections and bytes in memory; and
stopping in order.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import structlog
from aiosmtpd.smtp import SMTP, Envelope, Session

from cx_channels.kit.mail.settings import mail_settings
from cx_channels.provider import Connection, Request
from cx_channels.smtp.bounds import SessionBudget, SmtpBounds, SmtpLimits, too_many
from cx_events.cancellation import close_within
from cx_events.errors import Busy, Fatal, Refused, TooFast, TryLater
from cx_runtime.shares import Slot

Deliver = Callable[[Request, Connection], Awaitable[object]]
ByRecipient = Callable[[str], Connection | None]

MAX_RECIPIENTS = 100
_CLOSE_SECONDS = 5.0
_COMMAND_BYTES = 1_024
_CHUNK = 64 << 10
_PROGRESS = 16 << 10
_END = b"\r\n.\r\n"
_TOO_LARGE = "552 5.3.4 the mail is larger than SIZE allows"
_NO_ROOM = "452 4.3.1 too much mail is on its way, try again later"


def by_recipient(connections: Iterable[Connection]) -> ByRecipient:
    """The connection that an address belongs to, by ``settings.addresses`` and ``settings.domains``; a listed address
    goes before a domain. ``Refused("bad-settings")`` as ``mail_settings`` does."""
    known = [(connection, mail_settings(connection.settings).own) for connection in connections]

    def find(address: str) -> Connection | None:
        belonging = [(connection, own) for connection, own in known if own.has(address)]
        exact = [connection for connection, own in belonging if own.lists(address)]
        return next(iter([*exact, *(connection for connection, _ in belonging)]), None)

    return find


class SmtpListener:
    """Listens in the running event loop. ``deliver`` returns once the mail is durable."""

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
        """``port`` 0 picks a free one. ``max_bytes``: of one mail, announced as SIZE. ``idle_seconds``: within them a
        command must be complete, or 16 KiB of a mail have come. ``max_in_flight``: bytes of all mails under way; above
        it a mail is told 452, and its server sends it again. ``tls``: offers STARTTLS. ``require_tls``: takes no mail
        before it. ``clock``: microseconds since 1970, for ``Request.received``. ``limits``: of one address and one
        tenant. ``refused``: told the reason whenever somebody is turned away."""
        self._host = host
        self._port = port
        self.connections = connections
        self.deliver = deliver
        self.max_bytes = max_bytes
        self.idle_seconds = idle_seconds
        self.bounds = SmtpBounds(max_connections, max_in_flight, limits)
        self.refused = refused
        self.hostname = hostname
        self.tls = tls
        self.require_tls = require_tls
        self.clock = clock or (lambda: 0)
        self.open: set[SmtpSession] = set()
        self.delivering: set[asyncio.Future[str]] = set()
        self.answering: set[asyncio.Future[str]] = set()
        self.leaving = False
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen. ``Fatal`` where the address can't be had."""
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(lambda: SmtpSession(self, loop), self._host, self._port)
        except OSError as error:
            raise Fatal(f"no SMTP listener on {self._host}:{self._port}: {error.strerror or error}") from None

    async def check(self) -> None:
        """``TryLater`` where nobody listens."""
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
        return self.bounds.mail_bytes.held

    async def stop(self, seconds: float = 10.0) -> None:
        """Take no new mail. Those that are on their way are taken and answered, if ``seconds`` suffice; everybody is
        told 421 and goes."""
        self.leaving = True
        if self._server is not None:
            self._server.close()
        for conversation in list(self.open):
            conversation.leave()
        until = asyncio.get_running_loop().time() + seconds
        while under_way := self.delivering | self.answering:
            left = until - asyncio.get_running_loop().time()
            if left <= 0:
                break
            await asyncio.wait(under_way, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        for late in self.delivering:
            late.cancel()
        for conversation in list(self.open):
            conversation.say_goodbye()
        if self._server is not None:
            await close_within(self._server.wait_closed(), _CLOSE_SECONDS)
            self._server = None


class _Handler:
    """What aiosmtpd asks at each command."""

    def __init__(self, listener: SmtpListener) -> None:
        self._listener = listener

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
        if self._listener.connections(address) is None:
            return "550 5.1.1 no such recipient here"
        envelope.rcpt_tos.append(address)
        assert isinstance(server, SmtpSession)
        server.bounded.took()
        return "250 2.1.5 OK"

    async def delivered(self, envelope: Envelope, slot: Slot, peer: str) -> str:
        """One delivery for each connection among the recipients. It goes on where the client hangs up meanwhile:
        then the client sends the mail again, which is the same event. ``slot``: the mail's, which ends with it.
        ``peer``: the client's address."""
        task = asyncio.create_task(self._delivered(envelope, peer))
        self._listener.delivering.add(task)
        task.add_done_callback(self._ended(slot))
        return await asyncio.shield(task)

    def _ended(self, slot: Slot) -> Callable[[asyncio.Task[str]], None]:
        def end(task: asyncio.Task[str]) -> None:
            self._listener.delivering.discard(task)
            slot.end()

        return end

    async def _delivered(self, envelope: Envelope, peer: str) -> str:
        answers = [await self._delivered_to(*each) for each in _requests(envelope, self._listener, peer)]
        # The sender hears the worst: with 451 it sends all again, which is safe; a refusal must not be hidden.
        return max(answers, key=lambda answer: {"4": 2, "5": 1}.get(answer[0], 0))

    async def _delivered_to(self, request: Request, connection: Connection) -> str:
        try:
            await self._listener.deliver(request, connection)
        except TryLater as later:
            _log().warning("mail is put off", connection=connection.id, part=later.part, detail=later.detail)
            return "451 4.3.0 try again later"
        except TooFast as too_fast:
            _log().info("mail is put off", connection=connection.id, reason=too_fast.reason)
            return f"451 4.7.1 more mail than may be at once, try again in {too_fast.retry_after} s"
        except Refused as refused:
            _log().info("mail is refused", connection=connection.id, reason=refused.reason)
            return _refusal(refused)
        except Exception as error:  # whatever it is, the sender keeps the mail and tries again
            _log().error("mail could not be taken", connection=connection.id, exc_info=error)
            return "451 4.3.0 try again later"
        return "250 2.0.0 OK"


def _requests(envelope: Envelope, listener: SmtpListener, peer: str) -> list[tuple[Request, Connection]]:
    """The mail as each of its connections gets it, with the recipients that are that connection's."""
    recipients: dict[str, list[str]] = {}
    found: dict[str, Connection] = {}
    for address in envelope.rcpt_tos:
        connection = listener.connections(address)
        if connection is not None:
            found[connection.id] = connection
            recipients.setdefault(connection.id, []).append(address)
    content = envelope.content if isinstance(envelope.content, bytes) else b""
    received = listener.clock()
    return [
        (
            Request(
                body=content,
                method="SMTP",
                headers={
                    "content-type": "message/rfc822",
                    "x-envelope-from": _plain(envelope.mail_from or "<>"),
                    "x-envelope-to": _plain(", ".join(recipients[id])),
                    "x-envelope-peer": peer,
                },
                received=received,
            ),
            connection,
        )
        for id, connection in found.items()
    ]


def _refusal(refused: Refused) -> str:
    words = " ".join(_plain(refused.detail).split())[:200]
    words = words.encode("ascii", "replace").decode("ascii")
    if refused.status == 413 or refused.reason == "too-large":
        return f"552 5.3.4 {words}"
    if refused.status in (403, 404):
        return f"550 5.7.1 {words}"
    return f"554 5.6.0 {words}"


def _plain(text: str) -> str:
    """Without the lone surrogates that stand for bytes that are no UTF-8."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


class SmtpSession(SMTP):
    """One client."""

    line_length_limit = _CHUNK

    def __init__(self, listener: SmtpListener, loop: asyncio.AbstractEventLoop) -> None:
        # aiosmtpd keeps this in its class, where each connection resets the limits of all others.
        self.command_size_limits = defaultdict(lambda: _COMMAND_BYTES)
        super().__init__(
            _Handler(listener),
            data_size_limit=listener.max_bytes,
            enable_SMTPUTF8=True,
            hostname=listener.hostname,
            ident="Throughline",
            tls_context=listener.tls,
            require_starttls=listener.require_tls,
            timeout=listener.idle_seconds,
            auth_exclude_mechanism=["LOGIN", "PLAIN"],
            loop=loop,
        )
        self._listener = listener
        self._turned_away = False
        self._in_data = self._delivering = False
        self._life: asyncio.TimerHandle | None = None
        self.bounded: SessionBudget

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self not in self._listener.open:  # else it is STARTTLS
            try:
                self.bounded = self._listener.bounds.begun(transport.get_extra_info("peername"))
            except (Busy, TooFast) as refused:
                self._turned_away = True
                self._listener.refused(refused.reason)
                writing: Any = transport  # uvloop's is no asyncio.WriteTransport by name
                writing.write(f"{too_many(refused)}\r\n".encode())
                transport.close()
                return
            self._life = self.loop.call_later(self._listener.bounds.limits.session_seconds, self._outlived)
        self._listener.open.add(self)
        super().connection_made(transport)

    def _outlived(self) -> None:
        """Its time is up, also amid a mail that comes drop by drop; one that has come is answered."""
        self._listener.refused("session-too-long")
        if self.transport is not None and not self._delivering:
            self._last_words("421 4.4.2 the session lasts too long")

    async def push(self, status: Any) -> None:
        is_last = bytes(status[3:4], "ascii") != b"-" if isinstance(status, str) else status[3:4] != b"-"
        if not is_last or self.transport is None or await self.bounded.answers():
            await super().push(status)
            return
        self._listener.refused("commands-without-mail")
        self._last_words("421 4.7.0 too many commands without a mail")

    def data_received(self, data: bytes) -> None:
        if not self._turned_away:
            super().data_received(data)

    def eof_received(self) -> bool | None:
        return None if self._turned_away else super().eof_received()

    def connection_lost(self, error: Exception | None) -> None:
        self._listener.open.discard(self)
        if not self._turned_away:
            self.bounded.end()
            if self._life is not None:
                self._life.cancel()
            super().connection_lost(error)

    def close(self) -> None:
        """Hang up. What was written before is sent first."""
        if self.transport is not None:
            self.transport.close()

    def leave(self) -> None:
        """Say goodbye, once the mail that is on its way is answered."""
        if not self._in_data:
            self.say_goodbye()

    def say_goodbye(self) -> None:
        self._last_words(f"421 4.3.2 {self.hostname} stops, try again later")

    def _last_words(self, words: str) -> None:
        """RFC 5321, section 3.8: 421 may be said to anything."""
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
        if not _has_room(slot, _CHUNK):
            await self.push(_NO_ROOM)
            return
        self._in_data = True
        answered: asyncio.Future[str] = self.loop.create_future()
        self._listener.answering.add(answered)
        try:
            await self.push("354 End data with <CR><LF>.<CR><LF>")
            status, content = await self._data(slot)
            if content is not None:
                self.envelope.content = self.envelope.original_content = content
                self._hold_timeout()
                self._delivering = True
                status = await self.event_handler.delivered(self.envelope, slot, self._peer())
                self.bounded.mail_ended()
            self._set_post_data_state()  # type: ignore[no-untyped-call]
            await self.push(status)
        finally:
            self._in_data = self._delivering = False
            self._listener.answering.discard(answered)
            answered.set_result("")
            if self.transport is not None:
                self._reset_timeout()
        if self._listener.leaving:
            self.say_goodbye()

    def _peer(self) -> str:
        """Return the client's address; "" where the socket has none."""
        peer = self.session.peer if self.session is not None else None
        return str(peer[0]) if isinstance(peer, tuple) and peer else ""

    def _tenants_of(self, envelope: Envelope) -> list[str]:
        found = [self._listener.connections(address) for address in envelope.rcpt_tos]
        return [connection.tenant for connection in found if connection is not None]

    async def _data(self, slot: Slot) -> tuple[str, bytes | None]:
        """The mail, transparency undone (RFC 5321, section 4.5.2). For one that is too large, or for which there is no
        room: what to answer, and None; it is read to its end all the same, so that the client hears why. The connection
        is closed on one that does not end even then.

        The slot holds the bytes of what is returned."""
        reader: Any = self._reader
        reader._buffer[:0] = b"\r\n"  # so that a lone dot in the very first line ends the mail, too
        limit = self._listener.max_bytes
        content = bytearray()
        size = counted = 0
        refusal = ""
        try:
            while True:
                try:
                    piece = await reader.readuntil(_END)
                    ended = True
                except asyncio.LimitOverrunError as overrun:
                    piece = await reader.readexactly(overrun.consumed)
                    ended = False
                size += len(piece)
                if size - counted >= _PROGRESS:
                    counted = size
                    self._reset_timeout()
                if size > 4 * limit + _CHUNK:
                    self.close()
                    raise asyncio.CancelledError  # ends this client's task, as a hang-up of its own does
                if size - 2 * len(_END) > limit:
                    refusal = _TOO_LARGE
                elif not refusal and not _has_room(slot, len(piece)):
                    refusal = _NO_ROOM
                    self._listener.refused("mail-bytes")
                if refusal:
                    slot.end()
                    content.clear()
                else:
                    slot.grow(len(piece))
                    content += piece
                if ended:
                    break
            if not refusal and size - len(_END) > limit:
                refusal = _TOO_LARGE
            if refusal:
                return refusal, None
            del content[-3:]  # the dot and its line end; the line end before it is the mail's own
            mail = bytes(content.replace(b"\r\n.", b"\r\n"))[2:]
            slot.shrink(slot.amount - len(mail))
            content.clear()
            return "", mail
        finally:
            if content:  # it did not come to its end
                slot.end()

    def _hold_timeout(self) -> None:
        """While the mail is being stored it is we who are slow."""
        if self._timeout_handle is not None:
            self._timeout_handle.cancel()


def _has_room(slot: Slot, more: int) -> bool:
    return slot.pool.refusal(slot.path, more, slot.amount) is None


def _log() -> Any:
    return structlog.get_logger("cx_channels.smtp.listener")

"""The web chat's socket: a session on one side, intake on the other, and what agents and bots answer.

A message is acknowledged once it is durable, not before. A browser that says nothing at first, takes nothing, or says
too much too fast is sent away, and every one when the process is to stop; the script of ours reconnects and sends again
what was not acknowledged.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from typing import Any

import msgspec
import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from cx_channels.chat.webchat import mapping, protocol
from cx_channels.chat.webchat.session import LIFETIME_SECONDS, Session, Visitor, issue, resume, visitor_of
from cx_channels.deliveries import Address, Deliveries, Delivery
from cx_channels.intake import Intake
from cx_channels.limits import ChatLimits
from cx_channels.port import Connection, Request
from cx_events.errors import Busy, Refused, TooFast, TryLater
from cx_events.timestamps import format_time
from cx_runtime.metrics import Metrics
from cx_runtime.problems import problem, try_later
from cx_runtime.rates import Bucket, Rate

WEBCHAT = "chat/webchat"

# RFC 6455, section 7.4.1, and the IANA registry of close codes.
NORMAL, POLICY, INTERNAL, RESTART, LATER = 1000, 1008, 1011, 1012, 1013


_FULL_SECONDS = 5
_CATCH_UP_SECONDS = 3.0


class Chats:
    """All chat sockets of this process."""

    def __init__(
        self, intake: Intake, deliveries: Deliveries, metrics: Metrics, limits: ChatLimits = ChatLimits()
    ) -> None:
        self._intake = intake
        self._deliveries = deliveries
        self._metrics = metrics
        self._limits = limits
        self._open = 0
        self._open_of: Counter[Address] = Counter()
        self._lines: set[_Line] = set()
        self._leaving = False

    async def stop(self, seconds: float) -> None:
        """Tell every chat to come back (1012), once what it said last is answered. Returns when all are gone, or after
        ``seconds``."""
        self._leaving = True
        for line in self._lines:
            line.leave()
        try:
            async with asyncio.timeout(seconds):
                await asyncio.gather(*[line.finished.wait() for line in self._lines])
        except TimeoutError:
            pass

    async def serve(self, websocket: WebSocket, connection_id: str) -> None:
        """One socket, from its handshake to its end."""
        try:
            connection = self._admit(websocket, connection_id)
        except Refused as refused:
            self._metrics.refused(WEBCHAT, refused.reason)
            await websocket.send_denial_response(problem(refused.status, refused.reason, refused.detail))
            return
        except Busy as busy:
            self._metrics.refused(WEBCHAT, busy.reason)
            await websocket.send_denial_response(try_later(busy))
            return
        self._open += 1
        self._metrics.chats_open.set(self._open)
        line = _Line(websocket, self._limits)
        self._lines.add(line)
        try:
            await websocket.accept()
            await self._talk(line, connection)
        finally:
            self._lines.discard(line)
            line.finished.set()
            self._open -= 1
            self._metrics.chats_open.set(self._open)

    def _admit(self, websocket: WebSocket, connection_id: str) -> Connection:
        connection, provider = self._intake.connection(connection_id)
        if provider.name != WEBCHAT:
            raise Refused("no-chat", f"the connection {connection.id!r} is not a web chat", 404)
        origins = connection.settings.get("origins")
        if origins and websocket.headers.get("origin", "") not in origins:
            raise Refused("bad-origin", "this chat is not open to pages of that origin", 403)
        if self._leaving:
            raise Busy("chats", "stopping", "the hub stops; come back")
        if self._open >= self._limits.sockets:
            raise Busy("chats", "too-many-chats", "no more chats can be open here at once", _FULL_SECONDS)
        return connection

    async def _talk(self, line: _Line, connection: Connection) -> None:
        writer = asyncio.create_task(line.write_out())
        writer.add_done_callback(lambda _: line.end())
        try:
            await self._greet_and_listen(line, connection)
        except WebSocketDisconnect:
            return
        except TooFast as too_fast:
            self._metrics.refused(WEBCHAT, too_fast.reason)
            await line.say(protocol.refusal(too_fast.reason, too_fast.detail, "", too_fast.retry_after))
            line.close(LATER, too_fast.reason)
        except Refused as refused:
            self._metrics.refused(WEBCHAT, refused.reason)
            await line.say(protocol.refusal(refused.reason, refused.detail))
            line.close(POLICY, refused.reason)
        except TryLater as later:
            self._count(later)
            await line.say(_try_later(later))
            line.close(LATER, "try-later")
        except Exception as error:
            structlog.get_logger("cx_channels.websocket").error("a chat met a fault of ours", exc_info=error)
            line.close(INTERNAL, "internal")
        finally:
            await line.finish(writer)

    async def _greet_and_listen(self, line: _Line, connection: Connection) -> None:
        hello = await line.first_message()
        chat = await self._begin(hello, connection)
        address = Address(connection.tenant, chat.interaction)
        if chat.resumed:
            await self._deliveries.caught_up(_CATCH_UP_SECONDS)
        if self._open_of[address] >= self._limits.sockets_of_one:
            raise Refused("too-many-sockets", "this chat is open in too many places")
        self._open_of[address] += 1
        await line.say(
            protocol.welcome(
                address.interaction, chat.token(self._intake.now()), self._intake.now(), resumed=chat.resumed
            )
        )
        if hello.token:
            await self._continue(line, chat, hello.token)
        # Followed first, then caught up, with no pause between: nothing comes twice and nothing is missed.
        leave = self._deliveries.follow(address, line.deliver)
        try:
            if chat.resumed:
                for delivery in self._deliveries.recent(address, hello.last):
                    line.deliver(delivery)
            await self._listen(line, chat)
        finally:
            leave()
            self._open_of[address] -= 1
            if not self._open_of[address]:
                del self._open_of[address]

    async def _continue(self, line: _Line, chat: _Chat, token: str) -> None:
        """A token that is none is said to be so, and the chat goes on without it."""
        try:
            id = self._intake.token_of(token, chat.connection, chat.interaction)
        except Refused as refused:
            self._metrics.refused(WEBCHAT, refused.reason)
            later = refused.retry_after if isinstance(refused, TooFast) else None
            await line.say(protocol.refusal(refused.reason, refused.detail, retry_after=later))
            return
        await self._record(chat, mapping.Continued(interaction=chat.interaction, visitor=chat.visitor, token=id))
        await line.say({"type": "continued"})

    async def _begin(self, hello: protocol.Hello, connection: Connection) -> _Chat:
        claimed = visitor_of(hello.visitor, connection)
        if not hello.session:
            chat = _Chat(connection, secrets.token_urlsafe(16), claimed, resumed=False)
            await self._record(chat, mapping.Started(interaction=chat.interaction, visitor=claimed, page=hello.page))
            return chat
        session = resume(hello.session, connection, self._intake.now())
        chat = _Chat(connection, session.id, session.visitor, resumed=True)
        await self._identify(chat, claimed)
        return chat

    async def _listen(self, line: _Line, chat: _Chat) -> None:
        clock = asyncio.get_running_loop().time
        bucket = Bucket(Rate(self._limits.per_second, self._limits.burst), "a chat", clock)
        refusals = 0
        while True:
            text = await line.hear()
            try:
                message = protocol.parse(text, self._limits.message_bytes)
                if not isinstance(message, protocol.Ping):
                    await self._within_its_rate(bucket, message, line)
                if not await self._take(message, line, chat):
                    return
            except TooFast as too_fast:  # the connection as a whole: none of this visitor's doing
                self._metrics.refused(WEBCHAT, too_fast.reason)
                wait = too_fast.retry_after
                await line.say(protocol.refusal(too_fast.reason, too_fast.detail, _id_of(message), wait))
            except Refused as refused:
                self._metrics.refused(WEBCHAT, refused.reason)
                refusals += 1
                if refusals > self._limits.tolerated:
                    raise Refused("too-many-refusals", "too much of what was sent had to be refused") from None
                if refused.reason != "too-fast":
                    await line.say(protocol.refusal(refused.reason, refused.detail))
            except TryLater as later:
                self._count(later)
                await line.say(_try_later(later, _id_of(message)))

    def _count(self, later: TryLater) -> None:
        if isinstance(later, Busy):
            self._metrics.refused(WEBCHAT, later.reason)
        else:
            self._metrics.unavailable(later.part)

    @staticmethod
    async def _within_its_rate(bucket: Bucket, message: protocol.ClientMessage, line: _Line) -> None:
        try:
            bucket.take()
        except TooFast as too_fast:
            await line.say(protocol.refusal("too-fast", "slow down", _id_of(message), too_fast.retry_after))
            raise Refused("too-fast", "too many messages") from None

    async def _take(self, message: protocol.ClientMessage, line: _Line, chat: _Chat) -> bool:
        """Do what the browser asks; False ends the chat."""
        match message:
            case protocol.Say():
                await self._record(
                    chat,
                    mapping.Said(
                        interaction=chat.interaction,
                        visitor=chat.visitor,
                        id=message.id,
                        text=message.text,
                        page=message.page,
                    ),
                )
                await line.say({"type": "ack", "id": message.id})
            case protocol.Read():
                at = "" if message.message else format_time(self._intake.now())
                note = mapping.Seen(interaction=chat.interaction, visitor=chat.visitor, message=message.message, at=at)
                await self._record(chat, note)
            case protocol.Identify():
                await self._identify(chat, visitor_of(message.visitor, chat.connection))
                await line.say({"type": "identified", "session": chat.token(self._intake.now())})
            case protocol.End():
                await self._record(chat, mapping.Ended(interaction=chat.interaction, visitor=chat.visitor))
                await line.say({"type": "ended"})
                line.close(NORMAL, "ended")
                return False
            case protocol.Ping():
                await line.say({"type": "pong"})
            case protocol.Typing():
                self._metrics.ignored(WEBCHAT, "typing")
            case protocol.Hello():
                raise Refused("bad-message", "hello was said already")
        return True

    async def _identify(self, chat: _Chat, claimed: Visitor) -> None:
        known = chat.visitor.with_claims(claimed)
        if known.identifiers != chat.visitor.identifiers:
            await self._record(chat, mapping.Identified(interaction=chat.interaction, visitor=known))
        chat.visitor = known

    async def _record(self, chat: _Chat, note: mapping.Note) -> None:
        """Durable on return."""
        request = Request(
            body=mapping.write(note),
            method="MESSAGE",
            headers={"content-type": "application/json"},
            received=self._intake.now(),
        )
        await self._intake.receive(request, chat.connection)


class _Chat:
    """One visitor's chat, as this socket knows it."""

    def __init__(self, connection: Connection, id: str, visitor: Visitor, *, resumed: bool) -> None:
        self.connection = connection
        self.id = id
        self.visitor = visitor
        self.resumed = resumed

    @property
    def interaction(self) -> str:
        return f"{self.connection.id}/{self.id}"

    def token(self, now: int) -> str:
        expires = now // 1_000_000 + LIFETIME_SECONDS
        return issue(Session(self.id, self.connection.id, expires, self.visitor), self.connection)


class _Line:
    """The socket itself, with a bounded queue towards the browser."""

    def __init__(self, websocket: WebSocket, limits: ChatLimits) -> None:
        self._websocket = websocket
        self._limits = limits
        self._waiting: asyncio.Queue[bytes | None] = asyncio.Queue(limits.waiting)
        self._waiting_bytes = 0
        self._gone = asyncio.Event()
        self._over = asyncio.Event()
        self.finished = asyncio.Event()
        self._code = NORMAL
        self._why = ""

    async def first_message(self) -> protocol.Hello:
        try:
            async with asyncio.timeout(self._limits.hello_seconds):
                message = protocol.parse(await self.hear(), self._limits.message_bytes)
        except TimeoutError:
            raise Refused("no-hello", "no hello came in time") from None
        if not isinstance(message, protocol.Hello):
            raise Refused("no-hello", "the first message must be hello")
        return message

    async def hear(self) -> str:
        """The next text; ``WebSocketDisconnect`` once the browser is gone or was sent away."""
        listening = asyncio.ensure_future(self._websocket.receive())
        leaving = asyncio.ensure_future(self._over.wait())
        try:
            await asyncio.wait({listening, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not listening.done():
                raise WebSocketDisconnect(self._code, self._why)
            message = listening.result()
        finally:
            leaving.cancel()
            listening.cancel()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", NORMAL))
        text = message.get("text")
        if text is None:
            return ""  # bytes: refused as what they are, no JSON text
        return str(text)

    async def say(self, message: dict[str, Any]) -> None:
        """Waits while the browser is slow, so that it can't ask faster than it takes answers."""
        if not self._gone.is_set():
            await self._put(msgspec.json.encode(message))

    async def _put(self, content: bytes) -> None:
        self._waiting_bytes += len(content)
        await self._waiting.put(content)

    def deliver(self, delivery: Delivery) -> None:
        message = protocol.shown(delivery.event, delivery.id)
        if message is None or self._gone.is_set():
            return
        content = msgspec.json.encode(message)
        full = self._waiting_bytes and self._waiting_bytes + len(content) > self._limits.waiting_bytes
        if full or self._waiting.full():
            self.close(LATER, "slow")
            self.end()
            return
        self._waiting_bytes += len(content)
        self._waiting.put_nowait(content)

    def leave(self) -> None:
        """Close once what the browser said last is answered; it is to come back."""
        self.close(RESTART, "restart")
        self._over.set()

    def end(self) -> None:
        """Nothing can be said any more: whoever listens to the browser is to stop, too."""
        self._gone.set()
        self._over.set()

    def close(self, code: int, why: str) -> None:
        """The code that the socket will be closed with, once all that waits is said."""
        self._code, self._why = code, why

    async def write_out(self) -> None:
        """Say what waits, until told to finish or the browser takes nothing any more."""
        try:
            while (content := await self._waiting.get()) is not None:
                self._waiting_bytes -= len(content)
                async with asyncio.timeout(self._limits.send_seconds):
                    await self._websocket.send_text(content.decode())
        except (TimeoutError, WebSocketDisconnect, RuntimeError, OSError):
            self._code, self._why = LATER, "slow"
        finally:
            self.end()
            while not self._waiting.empty():
                self._waiting.get_nowait()

    async def finish(self, writer: asyncio.Task[None]) -> None:
        if not self._gone.is_set():
            await self._waiting.put(None)
        else:
            writer.cancel()
        await asyncio.gather(writer, return_exceptions=True)
        if self._websocket.client_state is WebSocketState.DISCONNECTED:
            return
        try:
            async with asyncio.timeout(self._limits.send_seconds):
                await self._websocket.close(self._code, self._why)
        except (TimeoutError, RuntimeError, OSError):
            pass  # it is gone already


def _id_of(message: protocol.ClientMessage) -> str:
    return message.id if isinstance(message, protocol.Say) else ""


def _try_later(later: TryLater, id: str = "") -> dict[str, Any]:
    if isinstance(later, Busy):
        return protocol.refusal(later.reason, later.detail, id, later.retry_after)
    detail = f"the {later.part} does not answer; send again later, which is always safe"
    return protocol.refusal("try-later", detail, id, later.retry_after)

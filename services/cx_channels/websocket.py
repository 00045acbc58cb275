"""The web chat's socket: a session on one side, intake on the other, and what agents and bots answer.

A message is acknowledged once it is durable, not before. A browser that says nothing at first, takes nothing, or says
too much too fast is sent away; the script of ours reconnects and sends again what was not acknowledged.
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
from cx_channels.limits import Bucket, ChatLimits
from cx_channels.port import Connection, Request
from cx_events.errors import Refused, TryLater
from cx_events.timestamps import format_time
from cx_runtime.metrics import Metrics
from cx_runtime.problems import problem

WEBCHAT = "chat/webchat"

# RFC 6455, section 7.4.1, and the IANA registry of close codes.
NORMAL, POLICY, INTERNAL, LATER = 1000, 1008, 1011, 1013


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

    async def serve(self, websocket: WebSocket, connection_id: str) -> None:
        """One socket, from its handshake to its end."""
        try:
            connection = self._admit(websocket, connection_id)
        except Refused as refused:
            self._metrics.refused(WEBCHAT, refused.reason)
            await websocket.send_denial_response(problem(refused.status, refused.reason, refused.detail))
            return
        self._open += 1
        self._metrics.chats_open.set(self._open)
        try:
            await websocket.accept()
            await self._talk(_Line(websocket, self._limits), connection)
        finally:
            self._open -= 1
            self._metrics.chats_open.set(self._open)

    def _admit(self, websocket: WebSocket, connection_id: str) -> Connection:
        connection, provider = self._intake.connection(connection_id)
        if provider.name != WEBCHAT:
            raise Refused("no-chat", f"the connection {connection.id!r} is not a web chat", 404)
        origins = connection.settings.get("origins")
        if origins and websocket.headers.get("origin", "") not in origins:
            raise Refused("bad-origin", "this chat is not open to pages of that origin", 403)
        if self._open >= self._limits.sockets:
            raise Refused("too-many-chats", "no more chats can be open here at once", 503)
        return connection

    async def _talk(self, line: _Line, connection: Connection) -> None:
        writer = asyncio.create_task(line.write_out())
        try:
            await self._greet_and_listen(line, connection)
        except WebSocketDisconnect:
            return
        except Refused as refused:
            self._metrics.refused(WEBCHAT, refused.reason)
            await line.say(protocol.refusal(refused.reason, refused.detail))
            line.close(POLICY, refused.reason)
        except TryLater as later:
            self._metrics.unavailable(later.part)
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
        if self._open_of[address] >= self._limits.sockets_of_one:
            raise Refused("too-many-sockets", "this chat is open in too many places")
        self._open_of[address] += 1
        await line.say(
            protocol.welcome(
                address.interaction, chat.token(self._intake.now()), self._intake.now(), resumed=chat.resumed
            )
        )
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
        bucket = Bucket(self._limits.burst, self._limits.per_second, clock())
        refusals = 0
        while True:
            text = await line.hear()
            try:
                message = protocol.parse(text, self._limits.message_bytes)
                wait = 0.0 if isinstance(message, protocol.Ping) else bucket.take(clock())
                if wait:
                    await line.say(protocol.refusal("too-fast", "slow down", _id_of(message), wait))
                    raise Refused("too-fast", "too many messages")
                if not await self._take(message, line, chat):
                    return
            except Refused as refused:
                self._metrics.refused(WEBCHAT, refused.reason)
                refusals += 1
                if refusals > self._limits.tolerated:
                    raise Refused("too-many-refusals", "too much of what was sent had to be refused") from None
                if refused.reason != "too-fast":
                    await line.say(protocol.refusal(refused.reason, refused.detail))
            except TryLater as later:
                self._metrics.unavailable(later.part)
                await line.say(_try_later(later, _id_of(message)))

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
        self._waiting: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue(limits.waiting)
        self._gone = asyncio.Event()
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
        leaving = asyncio.ensure_future(self._gone.wait())
        try:
            await asyncio.wait({listening, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not listening.done():
                raise WebSocketDisconnect(LATER, "the browser takes nothing")
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
            await self._waiting.put(message)

    def deliver(self, delivery: Delivery) -> None:
        message = protocol.shown(delivery.event, delivery.id)
        if message is None or self._gone.is_set():
            return
        try:
            self._waiting.put_nowait(message)
        except asyncio.QueueFull:
            self.close(LATER, "slow")
            self._gone.set()

    def close(self, code: int, why: str) -> None:
        """The code that the socket will be closed with, once all that waits is said."""
        self._code, self._why = code, why

    async def write_out(self) -> None:
        """Say what waits, until told to finish or the browser takes nothing any more."""
        try:
            while (message := await self._waiting.get()) is not None:
                async with asyncio.timeout(self._limits.send_seconds):
                    await self._websocket.send_text(msgspec.json.encode(message).decode())
        except (TimeoutError, WebSocketDisconnect, RuntimeError, OSError):
            self._code, self._why = LATER, "slow"
        finally:
            self._gone.set()
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
    detail = f"the {later.part} does not answer; send again later, which is always safe"
    return protocol.refusal("try-later", detail, id, later.retry_after)

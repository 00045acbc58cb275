"""Connect the web chat's socket: a session on one side, intake on the other, and what agents and bots answer.

A message is acknowledged once it is durable, not before. A browser that says nothing at first, takes nothing, or says
too much too fast is sent away, and every one when the process is to stop; the script of ours reconnects and sends again
what was not acknowledged.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect

from cx_channels.chat.webchat import protocol
from cx_channels.chat.webchat.attachments import bounds_of
from cx_channels.chat.webchat.offers import offers_of
from cx_channels.chat.webchat.server.chat_log import WEBCHAT, Chat, ChatLog, chat_for_page
from cx_channels.chat.webchat.server.chat_socket import INTERNAL, LATER, POLICY, Line
from cx_channels.chat.webchat.server.deliveries import Address, Deliveries
from cx_channels.chat.webchat.server.limits import ChatLimits
from cx_channels.chat.webchat.server.typing import TypingBoard
from cx_channels.chat.webchat.server.visitor_acts import VisitorActs, id_of
from cx_channels.chat.webchat.session import Session, resume
from cx_channels.chat.webchat.visitors import Known, visitor_of
from cx_channels.intake import Intake
from cx_channels.provider import Connection
from cx_events.errors import Busy, Refused, TooFast, TryLater
from cx_runtime import shares
from cx_runtime.in_flight import asker, claim
from cx_runtime.metrics import Metrics
from cx_runtime.problems import problem, told
from cx_runtime.rates import Bucket, Buckets, Rate
from cx_runtime.shares import Pool, Slot

_CATCH_UP_SECONDS = 3.0
_MOST_REMEMBERED = 10_000

ENDED = "cx.interaction.ended.v1"


class Chats:
    """All chat sockets of this process."""

    def __init__(
        self,
        intake: Intake,
        deliveries: Deliveries,
        typing: TypingBoard,
        metrics: Metrics,
        limits: ChatLimits = ChatLimits(),
        tenant_share: float = 1.0,
    ) -> None:
        """``tenant_share``: see ``cx_runtime.shares.share_among``."""
        self._intake = intake
        self._log = ChatLog(intake)
        self._acts = VisitorActs(intake, self._log, typing, metrics)
        self._deliveries = deliveries
        self._typing = typing
        self._metrics = metrics
        self._limits = limits
        self._sockets = Pool("chats", limits.sockets)
        self._opened = Buckets(limits.opened, "handshakes", _MOST_REMEMBERED)
        self.tenant_share = tenant_share
        self._open_of: dict[Address, list[Chat]] = {}
        self._lines: set[Line] = set()
        self._leaving = False

    def began(self, address: Address) -> None:
        """Tell open sockets of a chat that it is on the log: its first message, a file, came by another way."""
        for chat in self._open_of.get(address, ()):
            chat.begun = True

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
            connection, slot = self._admit(websocket, connection_id)
        except (Busy, TooFast) as refused:
            self._metrics.refused(WEBCHAT, refused.reason)
            await websocket.send_denial_response(told(refused))
            return
        except Refused as refused:
            self._metrics.refused(WEBCHAT, refused.reason)
            await websocket.send_denial_response(problem(refused.status, refused.reason, refused.detail))
            return
        self._metrics.chats_open.set(self._sockets.held)
        line = Line(websocket, self._limits, self._intake.now)
        self._lines.add(line)
        try:
            await websocket.accept()
            await self._talk(line, connection)
        finally:
            self._lines.discard(line)
            line.finished.set()
            slot.end()
            self._metrics.chats_open.set(self._sockets.held)

    def _admit(self, websocket: WebSocket, connection_id: str) -> tuple[Connection, Slot]:
        """The chat's connection, and its place among the open sockets."""
        connection = chat_for_page(self._intake, connection_id, websocket.headers.get("origin", ""))
        if self._leaving:
            raise Busy("chats", "stopping", "the hub stops; come back")
        self._opened.take(f"{connection.id} {asker()}")
        whose = shares.connection(connection.id)
        path = (shares.tenant(connection.tenant, self.tenant_share), whose, shares.address(asker()))
        slot = self._sockets.take(path)
        try:
            claim(connection.tenant, whose)
        except TooFast:
            slot.end()
            raise
        return connection, slot

    async def _talk(self, line: Line, connection: Connection) -> None:
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
            await line.say(protocol.try_later(later))
            line.close(LATER, "try-later")
        except Exception as error:
            structlog.get_logger("cx_channels.chat.webchat").error("a chat met a fault of ours", exc_info=error)
            line.close(INTERNAL, "internal")
        finally:
            await line.finish(writer)

    async def _greet_and_listen(self, line: Line, connection: Connection) -> None:
        hello = await line.first_message()
        chat = await self._begin(hello, connection)
        address = Address(connection.tenant, chat.interaction)
        if chat.resumed:
            await self._deliveries.caught_up(_CATCH_UP_SECONDS)
        with self._counted(address, chat):
            issued, now = chat.issued(self._intake.now()), self._intake.now()
            files, offers = bounds_of(connection), offers_of(connection)
            await line.say(
                protocol.welcome(address.interaction, issued, now, resumed=chat.resumed, files=files, offers=offers)
            )
            if hello.token:
                await self._acts.redeem(line, chat, hello.token)
            reopens = hello.reopen and chat.resumed
            if reopens:
                await self._acts.reopen(line, chat)
            # Followed first, then caught up, with no pause between: nothing comes twice and nothing is missed.
            leave = self._deliveries.follow(address, line.deliver)
            leave_typing = self._typing.follow(address, line.mention)
            try:
                if chat.resumed:
                    for delivery in self._deliveries.recent(address, hello.last):
                        if not (reopens and delivery.event.type == ENDED):
                            line.deliver(delivery)
                await self._listen(line, chat)
            finally:
                leave()
                leave_typing()

    @contextmanager
    def _counted(self, address: Address, chat: Chat) -> Iterator[None]:
        """Count a socket of a chat until it ends, however it does. Raises ``Refused("too-many-sockets")``."""
        if len(self._open_of.get(address, ())) >= self._limits.sockets_of_one:
            raise Refused("too-many-sockets", "this chat is open in too many places")
        self._open_of.setdefault(address, []).append(chat)
        try:
            yield
        finally:
            self._open_of[address].remove(chat)
            if not self._open_of[address]:
                del self._open_of[address]

    async def _begin(self, hello: protocol.Hello, connection: Connection) -> Chat:
        """A chat as far as it is known; nothing of it is on the log yet but what was before."""
        now = self._intake.now()
        claimed = visitor_of(hello.visitor, connection, now)
        if not hello.session:
            new = Session(secrets.token_urlsafe(16), connection.id, 0, Known().with_claims(claimed, now), hello.page)
            return Chat(connection, new, resumed=False)
        chat = Chat(connection, resume(hello.session, connection, now), resumed=True)
        if chat.begun:
            await self._log.identify(chat, claimed, now)
        else:
            chat.known = chat.known.with_claims(claimed, now)
        return chat

    async def _listen(self, line: Line, chat: Chat) -> None:
        clock = asyncio.get_running_loop().time
        bucket = Bucket(Rate(self._limits.per_second, self._limits.burst), "a chat", clock)
        silent_until = clock() + self._limits.silent_seconds
        refusals = 0
        while True:
            text = await (line.hear() if chat.heard_of else self._first_words(line, silent_until))
            try:
                message = protocol.parse(text, self._limits.message_bytes)
                if not isinstance(message, protocol.Ping):
                    await self._within_its_rate(bucket, message, line)
                if not await self._acts.take(message, line, chat):
                    return
            except TooFast as too_fast:  # the connection as a whole: none of this visitor's doing
                self._metrics.refused(WEBCHAT, too_fast.reason)
                wait = too_fast.retry_after
                await line.say(protocol.refusal(too_fast.reason, too_fast.detail, id_of(message), wait))
            except Refused as refused:
                self._metrics.refused(WEBCHAT, refused.reason)
                refusals += 1
                if refusals > self._limits.tolerated:
                    raise Refused("too-many-refusals", "too much of what was sent had to be refused") from None
                if refused.reason != "too-fast":
                    await line.say(protocol.refusal(refused.reason, refused.detail, protocol.id_in(text)))
            except TryLater as later:
                self._count(later)
                await line.say(protocol.try_later(later, id_of(message)))

    @staticmethod
    async def _first_words(line: Line, until: float) -> str:
        try:
            async with asyncio.timeout_at(until):
                return await line.hear()
        except TimeoutError:
            raise Busy("chats", "silent", "nothing was said for long; come back to say something") from None

    def _count(self, later: TryLater) -> None:
        if isinstance(later, Busy):
            self._metrics.refused(WEBCHAT, later.reason)
        else:
            self._metrics.unavailable(later.part)

    @staticmethod
    async def _within_its_rate(bucket: Bucket, message: protocol.ClientMessage, line: Line) -> None:
        try:
            bucket.take()
        except TooFast as too_fast:
            await line.say(protocol.refusal("too-fast", "slow down", id_of(message), too_fast.retry_after))
            raise Refused("too-fast", "too many messages") from None

"""Speak over one chat's socket: what the browser says, and a bounded queue towards it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from cx_channels.chat.webchat import protocol
from cx_channels.chat.webchat.server.deliveries import Delivery
from cx_channels.chat.webchat.server.limits import ChatLimits
from cx_channels.chat.webchat.shown import shown
from cx_events.errors import Refused
from cx_events.timestamps import Micros

# RFC 6455, section 7.4.1, and the IANA registry of close codes.
NORMAL, POLICY, INTERNAL, RESTART, LATER = 1000, 1008, 1011, 1012, 1013


class Line:
    """The socket itself, with a bounded queue towards the browser."""

    def __init__(self, websocket: WebSocket, limits: ChatLimits, now: Callable[[], Micros]) -> None:
        self._websocket = websocket
        self._now = now
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
        message = shown(delivery.event, delivery.id, self._now())
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

    def mention(self, message: dict[str, Any]) -> bool:
        """Say what need not arrive; return False where it was dropped, since the browser is slow."""
        if self._gone.is_set():
            return True
        if not self._waiting.empty():
            return False
        content = msgspec.json.encode(message)
        self._waiting_bytes += len(content)
        self._waiting.put_nowait(content)
        return True

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

"""Connect to AMI: messages over TCP or TLS, from a system that may stall, break off, or send more than asked for."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from hashlib import md5

from cx_channels.pollers.tls import client_tls
from cx_channels.voice.asterisk.messages import Message, read_messages
from cx_channels.voice.asterisk.settings import SystemSettings
from cx_events.errors import Refused, TryLater

CONNECT_SECONDS = 30.0
ANSWER_SECONDS = 30.0
"""Within which an action must be answered."""
MOST_MESSAGE = 1 << 20
_CHUNK = 1 << 16
_END = b"\r\n\r\n"
_GREETING = b"Asterisk Call Manager"


class AmiSession:
    """A connection. What comes is read as a whole: Asterisk cuts off who leaves it lying for 100 ms (manager.conf,
    ``writetimeout``)."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._buffer = bytearray()
        self._behind: list[bytes] = []
        """Whole messages that came behind the answer to an action."""

    @classmethod
    async def open(cls, settings: SystemSettings) -> AmiSession:
        """Connect, and read the greeting. ``Refused`` for a wrong certificate, and for what is no AMI."""
        tls = client_tls(settings.ca_file) if settings.tls else None
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                reader, writer = await asyncio.open_connection(settings.host, settings.port, ssl=tls)
        except ssl.SSLCertVerificationError as error:
            why = f"the telephone system's certificate does not hold: {error.verify_message}"
            raise Refused("bad-certificate", why) from None
        session = cls(reader, writer)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                greeting = await session._line()
            if not greeting.startswith(_GREETING):
                raise Refused("not-asterisk", f"{settings.host}:{settings.port} greets with no AMI: {greeting[:80]!r}")
        except BaseException:
            session.close()
            raise
        return session

    async def log_in(self, settings: SystemSettings, secret: str) -> None:
        """Log in. ``Refused`` where the password is not taken; Asterisk hangs up then."""
        if any(sign in settings.user + secret for sign in "\r\n\0"):
            raise Refused("bad-settings", "a user or password with a line break or NUL can't be sent")
        login = {"Username": settings.user, "Secret": secret}
        if settings.auth == "md5":
            challenge = (await self.act("Challenge", {"AuthType": "MD5"})).fields.get("challenge", "")
            key = md5((challenge + secret).encode(), usedforsecurity=False).hexdigest()
            login = {"AuthType": "MD5", "Username": settings.user, "Key": key}
        answer = await self.act("Login", {**login, "Events": "off"})
        if answer.fields.get("response", "").lower() != "success":
            said = answer.fields.get("message", "no reason")
            raise Refused("login-refused", f"AMI does not take {settings.user}'s password: {said}"[:300])

    async def act(self, action: str, fields: Mapping[str, str]) -> Message:
        """Send an action, and return its answer; events that come before it are none of ours yet."""
        await self.send(action, fields)
        async with asyncio.timeout(ANSWER_SECONDS):
            while True:
                bodies = await self._until_next()
                for at, body in enumerate(bodies, 1):
                    (message,) = read_messages(body)[:1] or [Message({}, {})]
                    if "response" in message.fields:
                        self._behind = bodies[at:]
                        return message

    async def send(self, action: str, fields: Mapping[str, str]) -> None:
        """Send an action. No foreign text may stand in its fields: a line break would begin another."""
        lines = [f"Action: {action}", *(f"{name}: {value}" for name, value in fields.items())]
        self._writer.write("\r\n".join([*lines, "", ""]).encode())
        async with asyncio.timeout(ANSWER_SECONDS):
            await self._writer.drain()

    async def receive(self, seconds: float) -> list[bytes]:
        """Return all messages that are there, one at least; none where none came within these seconds."""
        try:
            async with asyncio.timeout(seconds):
                return await self._until_next()
        except TimeoutError:
            return []

    async def _until_next(self) -> list[bytes]:
        if self._behind:
            behind, self._behind = self._behind, []
            return behind
        while _END not in self._buffer:
            if len(self._buffer) > MOST_MESSAGE:
                raise TryLater("unreadable", f"a message of AMI's is longer than {MOST_MESSAGE} bytes")
            await self._more()
        *whole, rest = bytes(self._buffer).split(_END)
        self._buffer = bytearray(rest)
        return [each + b"\r\n" for each in whole if each.strip()]

    async def _line(self) -> bytes:
        while b"\n" not in self._buffer and len(self._buffer) < 1000:
            await self._more()
        line, _, rest = bytes(self._buffer).partition(b"\n")
        self._buffer = bytearray(rest)
        return line.strip()

    async def _more(self) -> None:
        chunk = await self._reader.read(_CHUNK)
        if not chunk:
            raise ConnectionResetError("the telephone system ended the connection")
        self._buffer += chunk

    def close(self) -> None:
        """Hang up."""
        self._writer.close()

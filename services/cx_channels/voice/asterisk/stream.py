"""Follow a telephone system: AMI's events, or ARI's. What a fault means is in ``cx_channels.pollers.source``."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager

import msgspec
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from cx_channels.kit.json_values import obj, text
from cx_channels.kit.times import fractional_seconds
from cx_channels.pollers.source import SourcePorts, Step
from cx_channels.provider import Connection
from cx_channels.voice.asterisk.ari import ari_time
from cx_channels.voice.asterisk.channel import Channel, ami_channel, ari_channel
from cx_channels.voice.asterisk.client.ami import ANSWER_SECONDS, AmiSession
from cx_channels.voice.asterisk.client.ari import Ari
from cx_channels.voice.asterisk.client.following import Following
from cx_channels.voice.asterisk.live import read_live
from cx_channels.voice.asterisk.mapping import RECEIVED_HEADER, ami_kind
from cx_channels.voice.asterisk.messages import Message, read_messages
from cx_channels.voice.asterisk.settings import SystemSettings, system_settings
from cx_events.errors import Refused
from cx_events.json_types import Json
from cx_events.strict_json import mend_surrogates

PING_SECONDS = 30.0
"""Of silence, after which AMI is asked whether it is there."""
CHECK_SECONDS = 300.0
"""Between two comparisons of the channels that are there with those that were heard of."""
SETTLE_SECONDS = 2.0
"""Between ARI's list of channels and its comparison: events that came before it may still be on their way."""
_LIST, _PING = "cx-list", "cx-ping"
_MASK = "system,call,agent,user"
_AMI_CHANNELS = {
    "dialbegin": ("", "dest"),
    "dialend": ("", "dest"),
    "blindtransfer": ("transferee", "transferer"),
    "attendedtransfer": ("transferee", "origtransferer", "secondtransferer", "transfertarget"),
    "parkedcall": ("parkee",),
    "unparkedcall": ("parkee",),
    "parkedcalltimeout": ("parkee",),
    "parkedcallgiveup": ("parkee",),
    "pickup": ("", "target"),
    "localbridge": ("localone", "localtwo"),
}
"""The channels of an event, by what their fields begin with; of others its own alone."""
_ARI_CHANNELS = (
    *("channel", "caller", "peer", "transferee", "transfer_target", "transferer_first_leg", "transferer_second_leg"),
    "replace_channel",
)


def open_source(connection: Connection, ports: SourcePorts) -> AmiStream | AriStream:
    """Return the source of a connection. Raise ``Fatal`` for settings that can't be meant."""
    settings = system_settings(connection)
    kind = AmiStream if settings.interface == "ami" else AriStream
    return kind(connection, settings, ports)


class AmiStream:
    """The events of one system, by AMI."""

    def __init__(
        self, connection: Connection, settings: SystemSettings, ports: SourcePorts, *,
        ping: float = PING_SECONDS, answer: float = ANSWER_SECONDS, check: float = CHECK_SECONDS,
    ) -> None:  # fmt: skip
        self.silence = ping + 2 * ANSWER_SECONDS
        self._connection = connection
        self._settings = settings
        self._ports = ports
        self._ping = ping
        self._answer = answer
        self._check = check
        self._present: set[str] = set()

    async def steps(self, cursor: bytes) -> AsyncGenerator[Step, None]:
        """Log in, ask for the channels, and yield what comes."""
        following = Following(self._connection, self._ports, read_live(cursor), "text/plain", ami_gone)
        session = await self._logged_in()
        try:
            mask = f"{_MASK},dtmf" if self._settings.keys else _MASK
            await session.act("Events", {"EventMask": mask})
            asked = await self._ask(session, following)
            is_asked = False
            while True:
                bodies = await session.receive(self._answer if is_asked else self._ping)
                if not bodies and is_asked:
                    raise TimeoutError("AMI does not answer a Ping")
                if not bodies:
                    await session.send("Ping", {"ActionID": _PING})
                is_asked = not bodies
                for body in bodies or [b""]:
                    yield self._taken(body, following) if body else Step()
                if time.monotonic() - asked >= self._check:
                    asked = await self._ask(session, following)
        finally:
            session.close()

    async def _logged_in(self) -> AmiSession:
        """Log in by one of the secrets, each over a connection of its own: AMI hangs up after a wrong one."""
        refused = Refused("no-secrets", "there is no secret: add the AMI user's password to the connection's secrets")
        for secret in self._connection.secrets:
            session = await AmiSession.open(self._settings)
            try:
                await session.log_in(self._settings, secret)
                return session
            except Refused as error:
                session.close()
                refused = error
            except BaseException:
                session.close()
                raise
        raise refused

    async def _ask(self, session: AmiSession, following: Following) -> float:
        """Ask for the channels; they come between the events."""
        following.ask()
        self._present.clear()
        await session.send("CoreShowChannels", {"ActionID": _LIST})
        return time.monotonic()

    def _taken(self, body: bytes, following: Following) -> Step:
        message = (read_messages(body) or [Message({}, {})])[0]
        action, kind = message.fields.get("actionid", ""), ami_kind(message).lower()
        if action == _LIST:
            return self._listed(body, message, kind, following)
        if action == _PING:
            return Step()
        at = fractional_seconds(message.fields.get("timestamp", ""))
        headers = {RECEIVED_HEADER: following.stamp()} if at is None else {}
        prefixes = _AMI_CHANNELS.get(kind, ("",))
        channels = [ami_channel(message.fields, prefix) for prefix in prefixes]
        delivery, changed = following.heard(body, kind, channels, headers)
        return following.step([delivery], changed, following.lag(at))

    def _listed(self, body: bytes, message: Message, kind: str, following: Following) -> Step:
        """Take a part of the answer to ``_ask``."""
        if message.fields.get("response", "").lower() == "error":
            why = message.fields.get("message", "no reason")
            raise Refused(
                "no-permission", f"AMI does not list its channels (manager.conf: write = reporting): {why}"[:300]
            )
        if kind == "coreshowchannelscomplete":
            return following.compared(self._present)
        channel = ami_channel(message.fields) if kind == "coreshowchannel" else None
        if channel is not None:
            self._present.add(channel.id)
            if following.is_unheard(channel.id):
                plain = b"".join(line for line in body.splitlines(keepends=True) if not _is_changing(line))
                return following.begun(plain, kind, channel)
        return Step()


def _is_changing(line: bytes) -> bool:
    """Return whether a field of a listed channel is another one each time."""
    return line.lower().startswith((b"actionid:", b"duration:"))


def ami_gone(id: str, root: str) -> bytes:
    """Return the message that says that a channel is gone."""
    fields = {"Event": "ChannelLost", "Uniqueid": id, "Linkedid": root}
    return "".join(f"{name}: {' '.join(value.splitlines())}\r\n" for name, value in fields.items()).encode()


def ari_gone(id: str, _root: str) -> bytes:
    """Return the object that says that a channel is gone."""
    return msgspec.json.encode({"type": "ChannelLost", "channel": {"id": id}})


class AriStream:
    """The events of one system, by ARI."""

    silence = 120.0

    def __init__(
        self, connection: Connection, settings: SystemSettings, ports: SourcePorts, *,
        settle: float = SETTLE_SECONDS, check: float = CHECK_SECONDS,
    ) -> None:  # fmt: skip
        self._connection = connection
        self._settings = settings
        self._ports = ports
        self._settle = settle
        self._check = check

    async def steps(self, cursor: bytes) -> AsyncGenerator[Step, None]:
        """Open the socket, ask for the channels, and yield what comes."""
        following = Following(self._connection, self._ports, read_live(cursor), "application/json", ari_gone)
        async with self._opened() as (ari, socket):
            while True:
                following.ask()
                listed = await ari.channels()
                asked = time.monotonic()
                yield Step()
                async for step in self._events(socket, following, asked + self._settle):
                    yield step
                for step in self._compared(listed, following):
                    yield step
                async for step in self._events(socket, following, asked + self._check):
                    yield step

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[tuple[Ari, ClientConnection]]:
        refused = Refused("no-secrets", "there is no secret: add the ARI user's password to the connection's secrets")
        for secret in self._connection.secrets:
            ari = Ari(self._settings, secret)
            try:
                socket = await ari.open()
            except Refused as error:
                refused = error
                continue
            try:
                yield ari, socket
            except ConnectionClosed as error:
                raise ConnectionResetError(f"the socket was closed: {error}") from None
            finally:
                await socket.close()
            return
        raise refused

    async def _events(self, socket: ClientConnection, following: Following, until: float) -> AsyncGenerator[Step, None]:
        """Yield events until a time of ``time.monotonic``, and empty steps while there are none: the socket is known to
        be open, since it answers pings."""
        while (left := until - time.monotonic()) > 0:
            try:
                async with asyncio.timeout(min(left, PING_SECONDS)):
                    received = await socket.recv()
            except TimeoutError:
                yield Step()
                continue
            body = received.encode() if isinstance(received, str) else received
            yield self._taken(body, following)

    def _taken(self, body: bytes, following: Following) -> Step:
        value = _object(body)
        kind = text(value.get("type"))
        if kind == "ApplicationReplaced":
            app = text(value.get("application"))
            raise Refused(
                "replaced", f"another client took the application {app} over: give each client applications of its own"
            )
        channels = [
            found for name in _ARI_CHANNELS if name in value and (found := ari_channel(value[name])) is not None
        ]
        at = ari_time(text(value.get("timestamp")))
        delivery, changed = following.heard(body, kind.lower(), channels or _recorded(value))
        return following.step([delivery], changed, following.lag(at))

    def _compared(self, listed: list[Json], following: Following) -> Iterator[Step]:
        channels = [(each, channel) for each in listed if (channel := ari_channel(each)) is not None]
        for each, channel in channels:
            if following.is_unheard(channel.id):
                body = msgspec.json.encode({"type": "ChannelListed", "channel": each})
                yield following.begun(body, "channellisted", channel)
        yield following.compared(channel.id for _, channel in channels)


def _recorded(value: Json) -> list[Channel | None]:
    """Return the channel of a recording, which is named by its id alone."""
    where, _, id = text(obj(value.get("recording")).get("target_uri")).partition(":")
    return [Channel(id)] if where == "channel" and id else []


def _object(body: bytes) -> Json:
    """Return an event as an object; an empty one where it is none, which the mapping refuses."""
    try:
        found = msgspec.json.decode(mend_surrogates(body))
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return {}
    return obj(found)

"""Read the event socket of a FreeSWITCH, in inbound mode: we connect, log in, subscribe, and ask what is under way.

The socket has no replay and no cursor of its own. What began or ended while nobody listened is found by ``show
channels`` at the begin and again and again (``calls``); of what is found, ``uuid_dump`` tells the same as its begin
did. The list is asked for where nothing came, too, so that a dead connection is noticed: the switch sends nothing by
itself but HEARTBEAT. Reading never waits for the log: a listener that reads slowly has its events dropped.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterable

import msgspec
import structlog

from cx_channels.kit.json_values import obj, objects, text
from cx_channels.kit.signing import sha256_hex
from cx_channels.pollers.source import Delivery, SourcePorts, Step
from cx_channels.provider import FETCHED, Connection, Request, Unmapped
from cx_channels.voice.freeswitch.calls import Calls
from cx_channels.voice.freeswitch.client.wire import CONNECT_SECONDS, Frame, Wire
from cx_channels.voice.freeswitch.leg import micros
from cx_channels.voice.freeswitch.notice import read_notice
from cx_channels.voice.freeswitch.settings import SocketSettings, socket_settings
from cx_events.errors import Refused, TryLater
from cx_events.json_types import Json

SUBSCRIPTION = (
    "event json CHANNEL_CREATE CHANNEL_PROGRESS CHANNEL_PROGRESS_MEDIA CHANNEL_ANSWER CHANNEL_BRIDGE CHANNEL_HOLD"
    " CHANNEL_UNHOLD CHANNEL_HANGUP_COMPLETE CHANNEL_UUID CHANNEL_EXECUTE DTMF RECORD_START RECORD_STOP"
    " DETECTED_SPEECH HEARTBEAT CUSTOM callcenter::info conference::maintenance fifo::info valet_parking::info"
    " vm::maintenance"
)
"""Narrow: what is ignored anyway would only fill the listener's queue. After CUSTOM only subclasses may stand."""
LIST, CORE, DUMP = "api show channels as json", "api global_getvar core_uuid", "api uuid_dump"
AT_ONCE = 50
"""Channels that are asked for before an answer came."""
SOON = 2.0
"""Seconds until the next list where a call is missing in one; the switch's list lags behind its events by less."""
SPARE = 30.0
OFTEN = 100
"""Calls up to which the cursor moves with each change; with more, once a second."""


def open_source(connection: Connection, ports: SourcePorts) -> EventSocket:
    """Return the source of a connection. Raise ``Fatal`` for settings that can't be meant."""
    return EventSocket(socket_settings(connection), ports)


class EventSocket:
    """The event socket of one switch. ``soon``: seconds between two lists that must agree on what is gone."""

    def __init__(self, settings: SocketSettings, ports: SourcePorts) -> None:
        self.silence = settings.reconcile_seconds + SPARE
        self.soon = min(SOON, settings.reconcile_seconds)
        self.every = float(settings.reconcile_seconds)
        self._settings = settings
        self._ports = ports

    async def steps(self, cursor: bytes) -> AsyncGenerator[Step, None]:
        """Log in, and yield a step for each event, and for each call that is found or gone."""
        wire = await self._logged_in()
        try:
            await wire.send(SUBSCRIPTION)
            _check(await wire.receive(CONNECT_SECONDS), "bad-subscription", "the switch does not take our subscription")
            async for step in _Listening(self, wire, Calls(cursor), self._ports).steps():
                yield step
        finally:
            wire.close()

    async def _logged_in(self) -> Wire:
        """Return a connection that let us in by one of the passwords, the newest first."""
        refused = Refused("login-refused", "there is no password")
        for password in self._settings.passwords:
            wire = await Wire.open(self._settings.host, self._settings.port)
            try:
                await _log_in(wire, self._settings.user, password)
            except Refused as error:
                wire.close()
                refused = error
            except BaseException:
                wire.close()
                raise
            else:
                return wire
        raise refused


async def _log_in(wire: Wire, user: str, password: str) -> None:
    asked = await wire.receive(CONNECT_SECONDS)
    if asked.kind != "auth/request":
        raise _ended(asked) or TryLater("protocol", f"this is no event socket: it begins with {asked.kind[:60]!r}")
    await wire.send(f"userauth {user}:{password}" if user else f"auth {password}")
    _check(await wire.receive(CONNECT_SECONDS), "login-refused", "the switch does not take the password")


def _check(frame: Frame, reason: str, what: str) -> None:
    """Raise ``Refused`` where a command was not done."""
    if frame.kind != "command/reply":
        raise _ended(frame) or TryLater("protocol", f"the switch answers a command by {frame.kind[:60]!r}")
    if not frame.reply.startswith("+OK"):
        raise Refused(reason, f"{what}: {_shown(frame.reply)}")


def _ended(frame: Frame) -> Exception | None:
    """Return what a frame says that ends the connection; None for any other."""
    if frame.kind == "text/rude-rejection":
        return Refused(
            "login-refused",
            f"the switch's access list refuses this address: {_shown(frame.body.decode('utf-8', 'replace'))}",
        )
    if frame.kind == "text/disconnect-notice":
        return ConnectionResetError("the switch says good-bye")
    return None


def _shown(words: str) -> str:
    return "".join(sign for sign in words[:200].strip() if sign.isprintable()) or "it gives no reason"


class _Listening:
    """A connection that is logged in and subscribed."""

    def __init__(self, source: EventSocket, wire: Wire, calls: Calls, ports: SourcePorts) -> None:
        self._source = source
        self._wire = wire
        self._calls = calls
        self._ports = ports
        self._asked: deque[str] = deque()
        self._to_dump: deque[str] = deque()
        self._clock = asyncio.get_running_loop().time
        self._next_list = self._clock()
        self._moved_at = 0.0
        self._logger = structlog.get_logger("cx_channels.freeswitch")

    async def steps(self) -> AsyncGenerator[Step, None]:
        await self._ask(CORE)
        while True:
            await self._ask_what_is_due()
            try:
                frame = await self._wire.receive(max(self._next_list - self._clock(), 0.05))
            except TimeoutError:
                continue
            if (ended := _ended(frame)) is not None:
                raise ended
            if frame.kind == "text/event-json":
                yield self._event(frame.body)
            elif frame.kind in ("api/response", "command/reply") and self._asked:
                for step in self._answer(self._asked.popleft(), frame.body):
                    yield step
            else:
                raise TryLater("protocol", f"the switch sends what nobody asked for: {frame.kind[:60]!r}")

    async def _ask(self, command: str) -> None:
        self._asked.append(command)
        await self._wire.send(command)

    async def _ask_what_is_due(self) -> None:
        """Ask for channels that are not known, and for the list where it is time and no answer is awaited."""
        while self._to_dump and len(self._asked) < AT_ONCE:
            await self._ask(f"{DUMP} {self._to_dump.popleft()} json")
        if self._clock() >= self._next_list:
            if LIST not in self._asked and not self._to_dump:
                await self._ask(LIST)
            self._next_list = self._clock() + self._source.every

    def _event(self, body: bytes) -> Step:
        """Return the step of an event. What can't be read is for the mapping to judge."""
        request = self._request(body)
        try:
            headers = request.once(read_notice).value
        except Refused:
            return Step((Delivery(request),))
        is_changed = self._calls.take(headers)
        if headers.get("Event-Name") == "HEARTBEAT":
            return Step(cursor=self._calls.stored())
        lost = None
        if len(body) > self._ports.max_bytes:
            reason = f"too-large: the event has {len(body)} bytes; {self._ports.max_bytes} are allowed"
            lost = Unmapped(sha256_hex(body)[:32], reason, body)
        at = micros(headers.get("Event-Date-Timestamp"))
        lag = max(self._ports.now() - at, 0) / 1_000_000 if at is not None else None
        return Step((Delivery(request, lost),), self._cursor() if is_changed else None, lag)

    def _answer(self, command: str, body: bytes) -> Iterable[Step]:
        if command == CORE:
            yield from self._told_gone(list(self._calls.runs_as(body.decode("utf-8", "replace").strip())))
        elif command == LIST:
            yield from self._listed(body)
        elif body.lstrip().startswith(b"{"):  # else the channel is gone meanwhile, and its end comes as an event
            yield self._event(body)

    def _listed(self, body: bytes) -> Iterable[Step]:
        try:
            found = obj(msgspec.json.decode(body.decode("utf-8", "replace").encode()))
        except (msgspec.MsgspecError, RecursionError):
            raise TryLater("protocol", f"the list of channels can't be read: {body[:100]!r}") from None
        unknown, gone = self._calls.compare(text(row.get("uuid")) for row in objects(found.get("rows")))
        self._to_dump.extend(each for each in unknown if _is_uuid(each))
        if self._calls.has_suspects:
            self._next_list = min(self._next_list, self._clock() + self._source.soon)
        yield from self._told_gone(gone)
        yield Step(cursor=self._cursor())

    def _told_gone(self, notices: list[Json]) -> Iterable[Step]:
        if notices:
            why, since = notices[0]["Gone-Because"], notices[0]["Event-Date-Timestamp"]
            self._logger.warning("calls are gone whose end nobody heard", calls=len(notices), why=why, since=since)
            deliveries = tuple(Delivery(self._request(msgspec.json.encode(each))) for each in notices)
            yield Step(deliveries, self._calls.stored())

    def _cursor(self) -> bytes | None:
        """Return the cursor; with many calls at most once a second."""
        if len(self._calls) > OFTEN and self._clock() - self._moved_at < 1.0:
            return None
        self._moved_at = self._clock()
        return self._calls.stored()

    def _request(self, body: bytes) -> Request:
        return Request(body, FETCHED, headers={"content-type": "text/event-json"}, received=self._ports.now())


def _is_uuid(word: str) -> bool:
    """Return whether a channel can be named in a command: its id may be chosen by a dialplan."""
    return word.replace("-", "").replace("_", "").isalnum() and word.isascii() and len(word) <= 128

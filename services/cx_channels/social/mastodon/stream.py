"""Follow our own account at its server: its stream, and by the API what the stream did not tell.

The stream replays nothing (docs.joinmastodon.org/methods/streaming), so the API is asked once the stream is open, and
again every few minutes. What both bring is one event, by its id. A server without a stream is asked alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from typing import Any

import msgspec

from cx_channels.kit.json_values import obj, objects, text
from cx_channels.kit.times import iso_time
from cx_channels.pollers.source import Delivery, SourcePorts, Step
from cx_channels.provider import FETCHED, Connection, Request
from cx_channels.social.mastodon.account import Account
from cx_channels.social.mastodon.api import read_status, uri_of
from cx_channels.social.mastodon.client.beside import Beside
from cx_channels.social.mastodon.client.server import READ_SECONDS, Api, StreamEvent, connected
from cx_channels.social.mastodon.cursor import KnownStatus, Place, Tail, order, read_place
from cx_channels.social.mastodon.settings import ServerSettings, server_settings
from cx_channels.social.mastodon.status import root_of
from cx_events.errors import Refused
from cx_events.json_types import Json
from cx_events.strict_json import mend_surrogates

PAGE = "40"
"""The most that every server lists at once."""
_MOST_PAGES = 10_000
_EARLY = 5.0
"""Seconds after which the API is asked where much was streamed."""
_HOME = frozenset({"update", "status.update", "delete"})


def open_source(connection: Connection, ports: SourcePorts) -> Follower:
    """Return the source of a connection. Raise ``Fatal`` for settings that can't be meant."""
    return Follower(connection, server_settings(connection), ports)


class Follower:
    """One connection's account, followed."""

    def __init__(self, connection: Connection, settings: ServerSettings, ports: SourcePorts) -> None:
        self.silence = READ_SECONDS + 2 * settings.poll_seconds + 60.0
        self._connection = connection
        self._settings = settings
        self._ports = ports

    async def steps(self, cursor: bytes) -> AsyncGenerator[Step, None]:
        """Log in, open the stream, fetch what came meanwhile, and yield a step for each thing that is new."""
        place = read_place(cursor)
        async with connected(self._settings) as client:
            api, own = await self._log_in(Api(client, self._settings.server, each) for each in self._connection.secrets)
            session = _Session(api, own, place, self._connection, self._ports)
            server = await api.streaming_server()
            if not place.begun:
                yield await session.begin(self._settings.since)
            async with api.stream(server) as events:
                async for step in session.catch_up():
                    yield step
                async for step in self._follow(session, _alone() if events is None else events):
                    yield step

    async def _log_in(self, apis: Iterable[Api]) -> tuple[Api, Json]:
        """Return the API and the account of the first token that the server takes."""
        refused = Refused(
            "no-secrets", "there is no secret: add the account's access token to the connection's secrets"
        )
        for api in apis:
            try:
                own = await api.get("/api/v1/accounts/verify_credentials")
            except Refused as error:
                refused = error
                continue
            if not text(obj(own).get("id")):
                raise Refused("no-account", "settings.server does not tell whose the access token is")
            return api, obj(own)
        raise refused

    async def _follow(self, session: _Session, events: AsyncIterator[StreamEvent | None]) -> AsyncGenerator[Step, None]:
        loop = asyncio.get_running_loop()
        asked = loop.time()
        async for event in events:
            yield Step() if event is None else await session.told(event)
            if loop.time() - asked >= (_EARLY if session.is_behind else self._settings.poll_seconds):
                async for step in session.catch_up():
                    yield step
                asked = loop.time()


async def _alone() -> AsyncIterator[None]:
    """Yield signs of life, of a server that has no stream."""
    while True:
        await asyncio.sleep(5.0)
        yield None


class _Session:
    """One session of reading an account. ``own``: the account, as the server tells it."""

    def __init__(self, api: Api, own: Json, place: Place, connection: Connection, ports: SourcePorts) -> None:
        self._api = api
        self._own_id = text(own.get("id"))
        self._own = {"uri": uri_of(own), "url": text(own.get("url"))}
        self._account = Account.of(connection, *self._own.values())
        self._place = place
        self._beside = Beside(api, self._own_id, place)
        self._ports = ports

    @property
    def is_behind(self) -> bool:
        """Return whether the lists should be read before their time."""
        return self._place.is_long

    async def begin(self, since: str) -> Step:
        """Return the step of the very start: what lies there counts as known, unless it is wanted (``since``)."""
        if since == "now":
            for name, path in self._lists():
                setattr(self._place, name, Tail.after(_ids(await self._api.get(path, limit=PAGE))))
        self._place.begun = True
        return Step(cursor=self._place.stored())

    def _lists(self) -> tuple[tuple[str, str], ...]:
        own = f"/api/v1/accounts/{self._own_id}/statuses"
        return ("notifications", "/api/v1/notifications"), ("statuses", own)

    async def catch_up(self) -> AsyncGenerator[Step, None]:
        """Fetch all that is listed and was not told."""
        for name, path in self._lists():
            lowest: str = getattr(self._place, name).floor
            for _ in range(_MOST_PAGES):
                page = objects(await self._api.get(path, min_id=lowest, limit=PAGE, **_MORE[name]))
                for each in sorted(page, key=lambda one: order(text(one.get("id")))):
                    if getattr(self._place, name).is_new(text(each.get("id"))):
                        yield await self._step(name, each, text(each.get("id")))
                highest = max(_ids(page), key=order, default=lowest)
                if order(highest) <= order(lowest):
                    break
                lowest = highest
            setattr(self._place, name, getattr(self._place, name).handled([], lowest))
        yield Step(cursor=self._place.stored())

    async def told(self, event: StreamEvent) -> Step:
        """Return the step of an event of the stream; an empty one for what is known, and for others' statuses."""
        payload: Any = event.data
        if event.data.startswith("{"):
            try:
                payload = msgspec.json.decode(mend_surrogates(event.data.encode()))
            except msgspec.MsgspecError:
                payload = event.data
        given = obj(payload)
        id, author = text(given.get("id")), text(obj(given.get("account")).get("id"))
        if event.name == "notification" and id:
            return await self._once("notifications", id, given)
        if event.name == "update" and author == self._own_id and not given.get("reblog"):
            return await self._once("statuses", id, given)
        if event.name == "delete" and event.data.strip() in self._place.known:
            known = msgspec.to_builtins(self._place.known[event.data.strip()])
            return Step((self._delivery(event.name, event.data.strip(), {"known": known}),))
        if event.name == "status.update" and self._concerns_us(given, author):
            return Step((self._delivery(event.name, given, await self._beside.of(given)),))
        if event.name in _HOME:
            return Step()
        return Step((self._delivery(event.name, payload, {}),))

    def _concerns_us(self, status: Json, author: str) -> bool:
        named = {text(each.get("id")) for each in objects(status.get("mentions"))}
        return author == self._own_id or self._own_id in named

    async def _once(self, name: str, id: str, given: Json) -> Step:
        return Step() if id in getattr(self._place, name).seen else await self._step(name, given)

    async def _step(self, name: str, given: Json, listed: str = "") -> Step:
        """Return the step of a notification, or of one of our own statuses. ``listed``: as of ``Tail.handled``."""
        event = "notification" if name == "notifications" else "update"
        status = obj(given.get("status")) if name == "notifications" else given
        beside = await self._beside.of(status) if status else {}
        value = {"account": self._own, **beside}
        if status and (name == "statuses" or given.get("type") in ("mention", "quote")):
            self._know(status, value)
        setattr(self._place, name, getattr(self._place, name).handled([text(given.get("id"))], listed))
        at = iso_time(text(given.get("created_at")))
        lag = max(self._ports.now() - at, 0) / 1_000_000 if at is not None else None
        return Step((self._delivery(event, given, beside),), self._place.stored(), lag)

    def _know(self, given: Json, value: Json) -> None:
        status = read_status(self._account, given, value)
        if status.uri and status.author:
            root = root_of(status, self._account)
            known = KnownStatus(status.uri, status.author, "" if status.mine else status.name, root, status.bot)
            self._place.knows(text(given.get("id")), known)

    def _delivery(self, event: str, payload: Any, beside: Json) -> Delivery:
        body = msgspec.json.encode({"event": event, "payload": payload, "account": self._own, **beside})
        headers = {"content-type": "application/json"}
        return Delivery(Request(body, FETCHED, headers=headers, received=self._ports.now()))


_MORE: dict[str, dict[str, str]] = {
    "notifications": {"include_filtered": "true"},
    "statuses": {"exclude_reblogs": "true"},
}
"""What the account's policy filters (since 4.3) is fetched, too: a customer's first question must not wait there."""


def _ids(listed: Any) -> list[str]:
    return [id for each in objects(listed) if (id := text(each.get("id")))]

"""Poll Reddit's lists: the newest things of each in every round, edits and deletions of watched ones in every tenth.

Lists are newest first, but not strictly: what a spam filter lets go of later keeps its time, and Reddit answers equal
requests from a cache. So each round looks an hour further back than the newest thing that is known, and varies how much
it asks for. The same comment comes by several lists: its name tells.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from typing import Any

import msgspec

from cx_channels.kit.json_values import obj, text
from cx_channels.kit.settings import since_seconds
from cx_channels.pollers.source import Delivery, SourcePorts, Step
from cx_channels.provider import FETCHED, Connection, Request
from cx_channels.social.reddit.client.api import LOOKED_UP, Api, open_api
from cx_channels.social.reddit.cursor import Known, Place, children_of, is_new_oddity, news_of, read_place, written
from cx_channels.social.reddit.mapping import GONE, KNOWN, THINGS
from cx_channels.social.reddit.settings import AccountSettings, account_settings
from cx_channels.social.reddit.thing import Thing, read_thing
from cx_events.json_types import Json

OVERLAP = 3600
"""Seconds before the newest thing down to which each round looks."""
SWEEP = 10
"""Every so many rounds the watched things are looked up."""
MOST_PAGES = 12
"""Of one list: Reddit's lists end after about 1000 things."""

_encode = msgspec.json.Encoder().encode


def open_source(connection: Connection, ports: SourcePorts) -> Account:
    """Return the source of a connection. Raise ``Fatal`` for settings that can't be meant."""
    return Account(connection, account_settings(connection), ports)


class Account:
    """The account of one connection. ``pause``: seconds between two rounds."""

    def __init__(self, connection: Connection, settings: AccountSettings, ports: SourcePorts) -> None:
        self.pause = float(settings.poll_seconds)
        self.silence = settings.poll_seconds + 120.0
        self._connection = connection
        self._settings = settings
        self._ports = ports
        self._place = Place(0)
        self._lists = list(_lists_of(settings))

    async def steps(self, cursor: bytes) -> AsyncGenerator[Step, None]:
        """Yield what is new, round by round, with all that is known after it."""
        self._place = read_place(cursor) or Place(since_seconds(self._settings.since, self._now()))
        async with open_api(self._settings, self._connection.secrets, self._now) as api:
            while True:
                async for step in self._next(api):
                    yield step
                self._place.turn += 1
                self._place.forget()
                yield self._step([])
                if self._place.turn % (len(self._lists) + 1) == 0:
                    await asyncio.sleep(self.pause)

    async def _next(self, api: Api) -> AsyncGenerator[Step, None]:
        """Read the list whose turn it is; after all of them, in every tenth round, what is watched."""
        rounds, number = divmod(self._place.turn, len(self._lists) + 1)
        if number < len(self._lists):
            name, path, more = self._lists[number]
            async for step in self._walk(api, name, path, 100 - rounds % SWEEP, more):
                yield step
        elif rounds % SWEEP == 0:
            async for step in self._look_up(api):
                yield step

    async def _walk(
        self, api: Api, name: str, path: str, limit: int, more: dict[str, str]
    ) -> AsyncGenerator[Step, None]:
        """Walk a list from its newest thing on, until what follows is known."""
        place = self._place
        top = place.tops.get(name, 0)
        floor, newest, after = max(place.begin, top - OVERLAP), top, ""
        for _ in range(MOST_PAGES):
            children, following = await api.listing(path, limit, after, **more)
            if after and not children:  # what it was to follow is deleted: the next round begins anew
                newest = top
                break
            things = self._things(children)
            newest = max([newest, *map(written, things)])
            yield self._step(self._news(things, False), newest)
            oldest = min(map(written, things), default=0)
            if not following or following == after or oldest < floor:
                break
            after = following
        place.tops[name] = newest

    async def _look_up(self, api: Api) -> AsyncGenerator[Step, None]:
        """Look the watched things up by their names: edits and deletions show in no list."""
        names = self._place.watched(self._settings.watched)
        for at in range(0, len(names), LOOKED_UP):
            some = names[at : at + LOOKED_UP]
            children = await api.by_names(some)
            things = self._things(children)
            there = {thing.name for thing in things}
            yield self._step(
                [*self._news(things, True), *(self._gone(name) for name in some if self._is_lost(name, there))]
            )

    def _things(self, children: list[Any]) -> list[Thing]:
        return [
            read_thing(self._connection, text(each.get("kind")), obj(each.get("data")))
            for each in children_of(children)
        ]

    def _news(self, things: list[Thing], is_lookup: bool) -> list[Delivery]:
        found = []
        for thing in reversed(things):  # the oldest first
            body: Json = {"kind": thing.kind, "data": thing.data}
            if thing.name and thing.kind in THINGS:
                known = news_of(self._place, thing, is_lookup)
            else:
                known = "" if is_new_oddity(self._place, _encode(body), int(self._now())) else None
            if known is not None:
                found.append(self._delivery(body, known))
        return found

    def _is_lost(self, name: str, there: set[str]) -> bool:
        return name not in there and not self._place.known[name].is_gone

    def _gone(self, name: str) -> Delivery:
        known = self._place.known[name]
        turns = known.turns + 1
        self._place.known[name] = Known(known.written, known.root, known.edited, turns)
        return self._delivery({"kind": GONE, "name": name, "root": known.root or name, "turns": turns}, "")

    def _delivery(self, body: Json, known: str) -> Delivery:
        headers = {"content-type": "application/json", **({KNOWN: known} if known else {})}
        return Delivery(Request(_encode(body), FETCHED, headers=headers, received=self._ports.now()))

    def _step(self, news: list[Delivery], latest: int = 0) -> Step:
        lag = max(self._now() - latest, 0.0) if latest and news else None
        return Step(tuple(news), self._place.stored(), lag)

    def _now(self) -> float:
        return self._ports.now() / 1_000_000


def _lists_of(its: AccountSettings) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Yield the lists of a round: name, path and query."""
    if its.inbox:
        yield "inbox", "/message/inbox", {"mark": "false"}
        yield "sent", "/message/sent", {"mark": "false"}
        yield "own", f"/user/{its.account}/overview", {"sort": "new"}
    if its.subreddits:
        all_of_them = "+".join(its.subreddits)
        yield "comments", f"/r/{all_of_them}/comments", {}
        yield "posts", f"/r/{all_of_them}/new", {}
    for words in its.search:
        yield f"search {words}", "/search", {"q": words, "sort": "new", "type": "link"}

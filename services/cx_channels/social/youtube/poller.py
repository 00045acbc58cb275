"""Poll the comments of a channel: the newest threads in each round, all watched ones in every tenth.

Threads are listed by when they were begun, so a new reply to an old one is seen by its count of replies alone; those
that are watched no longer are looked through page by page. An edit moves nothing. What is missing from a list is only
gone once a lookup by its id finds nothing, either: lists are known to leave things out. ``cursor`` holds what is known,
``comparing`` finds what is new.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence

import msgspec

from cx_channels.kit.json_values import text
from cx_channels.kit.settings import since_seconds
from cx_channels.pollers.source import Delivery, SourcePorts, Step
from cx_channels.provider import FETCHED, Connection, Request
from cx_channels.social.youtube.client.api import LOOKED_UP, Api, open_api
from cx_channels.social.youtube.client.quota import spend
from cx_channels.social.youtube.client.refusals import PageAged
from cx_channels.social.youtube.comparing import (
    Found,
    News,
    adopt,
    is_written_since,
    missing,
    must_list,
    news_of,
    read_thread,
)
from cx_channels.social.youtube.cursor import Known, Place, Watched, id_of, read_place
from cx_channels.social.youtube.mapping import GONE, KNOWN
from cx_channels.social.youtube.settings import ChannelSettings, channel_settings
from cx_events.json_types import Json

OVERLAP = 3600
"""Seconds before the newest thread down to which each round looks: lists are not strictly in order."""
SWEEP = 10
"""Every so many rounds all watched threads are compared."""
RELISTED, RELISTED_AFTER = 20, 3600.0
"""Threads of a sweep whose replies are listed though their count is the same, and the seconds after which it is done:
edits and deletions show so."""
OLDER = 10
"""Requests of a sweep for new replies to threads that are not watched, because they rested long."""
_MOST_COUNTS = 50_000
HELD = ("heldForReview", "likelySpam")

_encode = msgspec.json.Encoder().encode


def open_source(connection: Connection, ports: SourcePorts) -> Channel:
    """Return the source of a connection. Raise ``Fatal`` for settings that can't be meant."""
    return Channel(connection, channel_settings(connection), ports)


class Channel:
    """The channel of one connection. ``pause``: seconds between two rounds."""

    def __init__(self, connection: Connection, settings: ChannelSettings, ports: SourcePorts) -> None:
        self.pause = float(settings.poll_seconds)
        self.silence = settings.poll_seconds + 120.0
        self._connection = connection
        self._settings = settings
        self._ports = ports
        self._place = Place(0)
        self._held: set[str] = set()
        self._counts: dict[str, int] = {}
        self._is_whole = False

    async def steps(self, cursor: bytes) -> AsyncGenerator[Step, None]:
        """Yield what is new, round by round, with all that is known after it."""
        self._place = read_place(cursor) or Place(since_seconds(self._settings.since, self._now()))
        now = self._now
        async with open_api(
            self._settings, self._connection.secrets, lambda: spend(self._place, self._settings.daily_units, now()), now
        ) as api:
            rounds = 0
            while True:
                async for step in self._round(api, rounds % SWEEP == 0):
                    yield step
                self._place.forget(self._settings.watched_threads)
                yield self._step([])
                rounds += 1
                await asyncio.sleep(self.pause)

    async def _round(self, api: Api, is_sweep: bool) -> AsyncGenerator[Step, None]:
        seen: set[str] = set()
        if is_sweep and self._settings.held:
            self._held = set()
            for state in HELD:
                async for step in self._walk(api, seen, False, state):
                    yield step
        async for step in self._walk(api, seen, is_sweep):
            yield step
        if is_sweep:
            async for step in self._unseen(api, seen):
                yield step
            async for step in self._relist(api):
                yield step
            if self._is_whole and seen <= self._place.threads.keys():  # all threads are watched
                self._place.older_page, self._place.older_began, self._place.older_since = "", 0, int(self._now())
            else:
                async for step in self._older(api):
                    yield step

    async def _walk(self, api: Api, seen: set[str], is_sweep: bool, state: str = "") -> AsyncGenerator[Step, None]:
        """Walk the list from the newest thread on, until what follows is known."""
        place = self._place
        newest, floor, page, pages = place.top, max(place.begin, place.top - OVERLAP), "", set[str]()
        while True:
            listed, page = await api.threads(page, state)
            threads = [thread for thread in map(read_thread, listed) if thread.id]
            seen |= {thread.id for thread in threads}
            news: list[Delivery] = []
            for thread in reversed(threads):
                asked = api.asked
                news += await self._compare(api, thread, is_held=bool(state))
                if api.asked > asked:  # what cost a request is not asked for again after a fault
                    yield self._step(news)
                    news = []
            newest = max([newest, *(thread.written for thread in threads)])
            yield self._step(news, newest)
            oldest = min((thread.written for thread in threads), default=0)
            goes_on = oldest >= floor or (is_sweep and len(seen) < self._settings.watched_threads)
            if not page or page in pages or not goes_on:
                break
            pages.add(page)
        if not state:
            place.top, self._is_whole = newest, not page

    async def _compare(self, api: Api, thread: Found, is_held: bool = False) -> list[Delivery]:
        """Return what is new in a thread, its replies listed where those that came with it are not all."""
        place = self._place
        watched = place.threads.get(thread.id)
        if watched is None and 0 < thread.written <= place.rested and not is_held:
            return await self._replied(api, thread)
        if watched is None:
            is_old = not place.top and thread.written < place.begin  # at the very start its replies are old, too
            watched = Watched(active=thread.written, replies=thread.total if is_old else 0)
            place.threads[thread.id] = watched
        watched.video, watched.channel = thread.video, thread.channel
        first = [thread.top] if thread.top else []
        if is_held:
            self._held |= {text(each.get("id")) for each in (*first, *thread.replies)}
            return await self._news(api, thread.id, watched, [*first, *thread.replies])
        if must_list(watched, thread, place.begin):
            return await self._listed(api, thread.id, watched, thread.total, [*first, *thread.replies])
        gone: list[Delivery] = []
        if thread.total <= len(thread.replies):
            gone = await self._gone(api, thread.id, watched, missing(watched, thread.id, thread.replies))
            watched.listed = int(self._now())
        watched.replies = thread.total
        return gone + await self._news(api, thread.id, watched, [*first, *thread.replies])

    async def _listed(
        self, api: Api, thread: str, watched: Watched, count: int, comments: list[Json]
    ) -> list[Delivery]:
        """Return what is new in a thread, after all its replies were listed. ``comments``: that came with it."""
        replies = await api.replies(thread)
        found = {text(each.get("id")): each for each in (*comments, *replies)}
        gone = await self._gone(api, thread, watched, missing(watched, thread, list(found.values())))
        watched.replies, watched.listed = count, int(self._now())
        return gone + await self._news(api, thread, watched, list(found.values()))

    async def _unseen(self, api: Api, seen: set[str]) -> AsyncGenerator[Step, None]:
        """Compare the watched threads that the walk did not come by, and look for those that are gone."""
        unseen = [id for id in self._place.threads if id not in seen]
        for at in range(0, len(unseen), LOOKED_UP):
            some = unseen[at : at + LOOKED_UP]
            news: list[Delivery] = []
            found = {thread.id: thread for thread in map(read_thread, await api.threads_by_id(some))}
            for id in some:
                watched = self._place.threads[id]
                if id in found:
                    news += await self._compare(api, found[id])
                elif watched.known:
                    there = [key for key, known in watched.known.items() if not known.is_gone]
                    news += await self._gone(api, id, watched, there)
                else:
                    del self._place.threads[id]
                yield Step()
            yield self._step(news)

    async def _relist(self, api: Api) -> AsyncGenerator[Step, None]:
        """List the replies anew of the threads that waited longest for it."""
        before = self._now() - RELISTED_AFTER
        waiting = [
            (watched.listed, id)
            for id, watched in self._place.threads.items()
            if watched.replies and len(watched.known) > 1 and watched.listed < before
        ]
        for _, id in sorted(waiting)[:RELISTED]:
            watched = self._place.threads[id]
            yield self._step(await self._listed(api, id, watched, watched.replies, []))

    async def _older(self, api: Api) -> AsyncGenerator[Step, None]:
        """Look for new replies to threads that are not watched, further back in each sweep, then from the newest on."""
        place, most = self._place, api.asked + OLDER
        place.older_began = place.older_began or int(self._now())
        while api.asked < most:
            try:
                listed, following = await api.threads(place.older_page)
            except PageAged:
                place.older_page = ""
                break
            for thread in map(read_thread, listed):
                if thread.id and thread.id not in place.threads:
                    if api.asked >= most and self._must_ask(thread):
                        return  # for this page again, in the next sweep
                    yield self._step(await self._replied(api, thread))
            place.older_page = following
            if not following:
                place.older_since, place.older_began = place.older_began, 0
                break
        yield self._step([])

    def _must_ask(self, thread: Found) -> bool:
        """Return whether a thread that is not watched has replies which did not come with it, and may be new.

        How many it had stands in no cursor: after a start those with many are listed once more.
        """
        if thread.total <= len(thread.replies):
            return False
        return self._counts.get(thread.id) != thread.total or is_written_since(thread.replies, self._older_since())

    def _older_since(self) -> int:
        return max(self._place.begin, self._place.older_since - OVERLAP)

    async def _replied(self, api: Api, thread: Found) -> list[Delivery]:
        """Return the new replies of a thread that is not watched; with one it is watched again."""
        replies, since = thread.replies, self._older_since()
        if self._must_ask(thread):
            replies = await api.replies(thread.id)
            self._count(thread)
        comments = [*([thread.top] if thread.top else []), *replies]
        if not is_written_since(comments, since):
            return []
        watched = Watched(thread.video, thread.channel, thread.total, thread.written, int(self._now()))
        adopt(watched, thread.id, comments, self._place.begin, since)
        self._place.threads[thread.id] = watched
        return await self._news(api, thread.id, watched, comments)

    def _count(self, thread: Found) -> None:
        if len(self._counts) >= _MOST_COUNTS:
            self._counts.clear()
        self._counts[thread.id] = thread.total

    async def _gone(self, api: Api, thread: str, watched: Watched, keys: Sequence[str]) -> list[Delivery]:
        """Return those of these comments that are gone, by a lookup; what waits for review is not."""
        ids = {key: id_of(thread, key) for key in keys}
        asked = [(key, id) for key, id in ids.items() if id not in self._held]
        found: list[Delivery] = []
        for at in range(0, len(asked), LOOKED_UP):
            some = asked[at : at + LOOKED_UP]
            there = await api.there([id for _, id in some])
            for key, id in some:
                if id not in there:
                    known = watched.known[key]
                    watched.known[key] = Known(known.updated, known.turns + 1)
                    body = {"kind": GONE, "id": id, "thread": thread, "turns": known.turns + 1}
                    found.append(Delivery(self._request(body)))
        return found

    async def _news(self, api: Api, thread: str, watched: Watched, comments: Sequence[Json]) -> list[Delivery]:
        """Return what is new of these. What was gone is there again if a lookup says so: lists come from caches."""
        gone = {id_of(thread, key) for key, known in watched.known.items() if known.is_gone}
        again = [id for each in comments if (id := text(each.get("id"))) in gone]
        for at in range(0, len(again), LOOKED_UP):
            gone -= await api.there(again[at : at + LOOKED_UP])
        news = news_of(watched, thread, [each for each in comments if each.get("id") not in gone], self._place.begin)
        return [self._delivery(thread, watched, each) for each in news]

    def _delivery(self, thread: str, watched: Watched, news: News) -> Delivery:
        """Return one comment within its thread, as the API would give it."""
        snippet: Json = {
            name: value for name, value in (("channelId", watched.channel), ("videoId", watched.video)) if value
        }
        body: Json = {"kind": "youtube#commentThread", "id": thread, "snippet": snippet}
        if news.comment.get("id") == thread:
            snippet["topLevelComment"] = news.comment
        else:
            body["replies"] = {"comments": [news.comment]}
        return Delivery(self._request(body, news.known))

    def _request(self, body: Json, known: str = "") -> Request:
        headers = {"content-type": "application/json", **({KNOWN: known} if known else {})}
        return Request(_encode(body), FETCHED, headers=headers, received=self._ports.now())

    def _step(self, news: list[Delivery], latest: int = 0) -> Step:
        stored = self._place.stored()
        lag = max(self._now() - latest, 0.0) if latest else None
        return Step(tuple(news), stored, lag)

    def _now(self) -> float:
        return self._ports.now() / 1_000_000

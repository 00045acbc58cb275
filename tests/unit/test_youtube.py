"""YouTube's comments: replies, edits and deletions that lists do not tell of, the quota, and who asks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest
from tests.http_vendor import Told
from tests.patience import PATIENCE
from tests.youtube_server import BEGIN, KEY, YouTubeServer, refusal, youtube_serving

from cx_channels.pollers.source import SourcePorts
from cx_channels.provider import Connection, Request
from cx_channels.social.youtube import PROVIDER
from cx_channels.social.youtube.client.quota import day_of, seconds_left
from cx_channels.social.youtube.cursor import MOST_COMMENTS, Known, Place, Watched, id_of, key_of, read_place
from cx_channels.social.youtube.poller import OLDER, SWEEP
from cx_channels.social.youtube.words import words_of
from cx_events.envelope import Draft
from cx_events.errors import Fatal, Refused, TryLater
from cx_events.timestamps import format_time

HOUR = 3600


class Follower:
    """Reads a source and maps what comes. ``now``: s since 1970; ``cursor``: after the latest step."""

    def __init__(self, server: YouTubeServer, cursor: bytes = b"", *secrets: str) -> None:
        self.now = float(BEGIN + HOUR)
        self.cursor = cursor
        self.drafts: list[Draft] = []
        self._server = server
        self._connection = Connection(
            "try", "acme", PROVIDER.name, secrets or server.secrets, settings=server.settings
        )  # fmt: skip
        source = server.open_source(self._connection, SourcePorts(lambda: int(self.now * 1_000_000), 1 << 20))
        source.pause = 0.0
        self._steps = source.steps(cursor)

    async def rounds(self, count: int = 1) -> list[tuple[str, str]]:
        """Read so many rounds to their ends; return what came: the last word of each event's type, and its id."""
        at, before = self._heads() + count + (not self.cursor), len(self.drafts)
        async with asyncio.timeout(PATIENCE):
            while self._heads() < at:
                step = await anext(self._steps)
                self.cursor = step.cursor or self.cursor
                for each in step.deliveries:
                    self.drafts += PROVIDER.map(each.request, self._connection).drafts
        return [(draft.type.split(".")[-2], draft.id) for draft in self.drafts[before:]]

    @property
    def place(self) -> Place:
        place = read_place(self.cursor)
        assert place is not None
        return place

    async def sweep(self) -> list[tuple[str, str]]:
        return await self.rounds(SWEEP)

    async def close(self) -> None:
        await self._steps.aclose()

    def _heads(self) -> int:
        return sum(
            each.path.endswith("Threads") and "order" in each.query and len(each.query) == 4
            for each in self._server.got
        )


@pytest.fixture
async def server() -> AsyncIterator[YouTubeServer]:
    async with youtube_serving(since="beginning") as server:
        yield server


@pytest.fixture
async def follower(server: YouTubeServer) -> AsyncIterator[Follower]:
    follower = Follower(server)
    yield follower
    await follower.close()


async def test_all_replies_come_not_those_shown_alone(server: YouTubeServer, follower: Follower) -> None:
    first = server.comment("first")
    replies = [server.comment(f"reply {number}", BEGIN + number, first) for number in range(5)]
    assert await follower.rounds() == [("comment", each) for each in (first, *replies)]
    late = server.comment("late", BEGIN + 50, first)
    assert await follower.rounds(2) == [("comment", late)]
    assert {draft.data.interaction for draft in follower.drafts} == {f"try/{first}"}
    assert not await follower.sweep()


async def test_a_new_count_is_enough_to_list_replies(server: YouTubeServer, follower: Follower) -> None:
    first = server.comment("first")
    for number in range(3):
        server.comment(f"reply {number}", BEGIN + number, first)
    await follower.rounds()
    late = server.comment("let go by a moderator", BEGIN + 1, first)
    server.comments = {
        late: server.comments.pop(late),
        **server.comments,
    }  # not among the two that come with the thread
    assert await follower.rounds(2) == [("comment", late)]


async def test_an_edit_is_an_event_and_likes_are_none(server: YouTubeServer, follower: Follower) -> None:
    first = server.comment("frist")
    replies = [server.comment(f"reply {number}", BEGIN + number, first) for number in range(5)]
    await follower.rounds()
    server.edit(first, "first", BEGIN + 60)
    server.comments[first]["snippet"]["likeCount"] = 7
    assert await follower.rounds(2) == [("edited", f"{first}/edited/{format_time((BEGIN + 60) * 1_000_000)}")]
    edited = follower.drafts[-1]
    assert edited.data.message is not None
    assert (edited.data.message.text, edited.time) == ("first", (BEGIN + 60) * 1_000_000)
    server.edit(replies[0], "first reply", BEGIN + 61)  # two others are shown with the thread
    assert not await follower.sweep()
    follower.now += 2 * HOUR
    ((what, id),) = await follower.sweep()
    assert what == "edited"
    assert id.startswith(f"{replies[0]}/edited/")


async def test_deleted_is_what_no_lookup_finds(server: YouTubeServer, follower: Follower) -> None:
    threads = [server.comment(f"thread {number}", BEGIN + number) for number in range(3)]
    reply = server.comment("reply", BEGIN + 10, threads[1])
    await follower.rounds()
    server._hidden.add(threads[0])  # no list has it, a lookup does
    gone = dict(server.comments)
    server.delete(threads[1])
    assert sorted(await follower.sweep()) == [
        ("deleted", f"{threads[1]}.R4/gone/1"),
        ("deleted", f"{threads[1]}/gone/1"),
    ]
    server.comments[threads[1]] = gone[threads[1]]
    server.comments[reply] = gone[reply]
    found = await follower.sweep()
    assert sorted(found) == [("edited", f"{threads[1]}.R4/back/2"), ("edited", f"{threads[1]}/back/2")]
    server.delete(reply)
    assert await follower.sweep() == [("deleted", f"{reply}/gone/3")]


async def test_who_goes_on_at_a_cursor_repeats_nothing(server: YouTubeServer, follower: Follower) -> None:
    first = server.comment("first")
    await follower.rounds()
    later = server.comment("later", BEGIN + 5)
    other = Follower(server, follower.cursor)
    assert await other.rounds(2) == [("comment", later)]
    await other.close()
    anew = Follower(server)
    assert await anew.rounds() == [("comment", first), ("comment", later)]
    assert anew.drafts[0] == follower.drafts[0]
    await anew.close()


async def test_pages_are_walked_down_to_what_is_known(server: YouTubeServer, follower: Follower) -> None:
    server.page = 3
    ids = [server.comment(f"thread {number}", BEGIN + number * HOUR) for number in range(10)]
    assert sorted(await follower.rounds()) == sorted(("comment", each) for each in ids)
    before = len(server.got)
    await follower.rounds(2)
    assert len(server.got) - before <= 3


async def test_what_was_there_before_stays_there(server: YouTubeServer) -> None:
    server.settings["since"] = "now"
    old = server.comment("old")
    for number in range(4):
        server.comment("old, too", BEGIN + number, old)
    follower = Follower(server)
    assert not await follower.rounds()
    assert not [each for each in server.got if "parentId" in each.query]
    reply = server.comment("new", BEGIN + 2 * HOUR, old)
    new = server.comment("newer", BEGIN + 2 * HOUR)
    assert sorted(await follower.rounds(2)) == [("comment", reply), ("comment", new)]
    await follower.close()


async def test_a_reply_to_a_thread_at_rest_is_found(server: YouTubeServer) -> None:
    server.settings["watched_threads"] = 100
    threads = [server.comment(f"thread {number}", BEGIN + (number - 250) * HOUR) for number in range(250)]
    many = [server.comment(f"reply {number}", BEGIN - 249 * HOUR + number, threads[0]) for number in range(3)]
    follower = Follower(server)
    assert len(await follower.rounds()) == 253
    assert len(follower.place.threads) == 100
    assert not await follower.sweep()
    later = int(follower.now) + 5 * HOUR
    follower.now += 6 * HOUR
    first = server.comment("still the same", later, threads[1])  # it rests: 100 others were written in later
    among_many = server.comment("here, too", later, many[0].partition(".")[0])
    server.comments = {among_many: server.comments.pop(among_many), **server.comments}  # which do not come with it
    assert sorted(await follower.sweep()) == sorted([("comment", first), ("comment", among_many)])
    assert not await follower.rounds(2 * SWEEP)
    server.edit(first, "still the same!", later + 60)
    assert [what for what, _ in await follower.sweep()] == ["edited"]
    await follower.close()


async def test_a_look_through_old_threads_is_bounded(server: YouTubeServer) -> None:
    server.settings["watched_threads"], server.page = 100, 10
    threads = [server.comment(f"thread {number}", BEGIN + (number - 250) * HOUR) for number in range(250)]
    for thread in threads[:50]:
        for number in range(3):
            server.comment(f"reply {number}", BEGIN - 200 * HOUR + number, thread)
    follower = Follower(server)
    await follower.rounds()
    follower.now += 6 * HOUR
    reply = server.comment("new", int(follower.now) - HOUR, threads[0])
    found: list[tuple[str, str]] = []
    for _ in range(12):
        before = len(server.got)
        found += await follower.sweep()
        assert len(server.got) - before <= SWEEP * 2 + 10 + OLDER + 10
    assert found == [("comment", reply)]
    server.next_answers = []
    await follower.close()


async def test_an_aged_page_begins_the_look_anew(server: YouTubeServer) -> None:
    server.settings["watched_threads"], server.page = 100, 10
    for number in range(250):
        server.comment(f"thread {number}", BEGIN + (number - 250) * HOUR)
    follower = Follower(server)
    await follower.rounds()
    assert not await follower.sweep()
    assert follower.place.older_page
    server.aged = {follower.place.older_page}
    assert not await follower.rounds(2 * SWEEP)
    before = follower.place.older_since
    server.aged.clear()
    follower.now += 60.0
    assert not await follower.rounds(6 * SWEEP)
    assert follower.place.older_since > before
    await follower.close()


async def test_comments_that_wait_for_review_are_told(server: YouTubeServer) -> None:
    server.settings |= {"held": True, "client_id": "id", "client_secret": "secret"}
    held = server.comment("See this offer")
    server.held.add(held)
    follower = Follower(server, b"", server.refresh)
    assert await follower.rounds() == [("comment", held)]
    assert follower.drafts[0].data.reason == "heldForReview"
    assert not await follower.sweep()
    server.held.clear()
    assert not await follower.sweep()
    await follower.close()


# --- refusals ---------------------------------------------------------------------------------------------------------


async def test_the_quota_rests_until_midnight_in_california(server: YouTubeServer, follower: Follower) -> None:
    server.next_answers = [refusal(403, "quotaExceeded", "The request cannot be completed")]
    with pytest.raises(TryLater, match="quotaExceeded") as later:
        await follower.rounds()
    assert later.value.part == "quota"
    assert later.value.retry_after == seconds_left(follower.now)


def test_the_quotas_day_follows_summer_time() -> None:
    summer, winter = 1_782_900_000.0, 1_795_000_000.0  # 2026-07-01T10:00:00Z, 2026-11-18T11:06:40Z
    assert (day_of(summer), seconds_left(summer)) == ("2026-07-01", 21 * HOUR + 60)
    assert (day_of(winter), seconds_left(winter)) == ("2026-11-18", 20 * HOUR + 3200 + 60)


async def test_own_units_are_counted_over_restarts(server: YouTubeServer) -> None:
    server.settings["daily_units"] = 100
    follower = Follower(server)
    with pytest.raises(TryLater, match="daily_units 100 are used up"):
        await follower.rounds(200)
    other = Follower(server, follower.cursor)
    with pytest.raises(TryLater, match="daily_units"):
        await other.rounds(3)
    assert len(server.got) <= 102


@pytest.mark.parametrize(
    ("told", "part", "seconds"),
    [
        (refusal(403, "rateLimitExceeded", "Slow down"), "rate-limited", 30),
        (Told({}, 429, ("Retry-After: 77",)), "rate-limited", 77),
        (Told(None, 503, ("Retry-After: 9",)), "vendor", 9),
        (refusal(400, "invalidPageToken", "no such page"), "vendor", 1),
        (Told({"items": 5}), "vendor", 1),
    ],
)
async def test_what_passes_is_tried_again(
    server: YouTubeServer, follower: Follower, told: Told, part: str, seconds: int
) -> None:
    server.next_answers = [told]
    with pytest.raises(TryLater) as later:
        await follower.rounds()
    assert (later.value.part, later.value.retry_after) == (part, seconds)


async def test_the_older_of_two_keys_serves(server: YouTubeServer) -> None:
    first = server.comment("first")
    follower = Follower(server, b"", "a key that is not there yet", KEY)
    assert await follower.rounds() == [("comment", first)]
    assert not [each for each in server.got if "key" in each.query]
    await follower.close()
    with pytest.raises(Refused, match=r"login-refused.*API key not valid"):
        await Follower(server, b"", "another key").rounds()


async def test_a_channel_that_is_not_there_is_refused(server: YouTubeServer, follower: Follower) -> None:
    server.next_answers = [refusal(404, "channelNotFound", "The channel can not be found")]
    with pytest.raises(Refused, match=r"request-refused.*channelNotFound"):
        await follower.rounds()


async def test_a_token_that_ended_is_fetched_anew(server: YouTubeServer) -> None:
    server.settings |= {"client_id": "id", "client_secret": "secret"}
    follower = Follower(server, b"", "an old refresh token", server.refresh)
    await follower.rounds()
    server.token = "another"
    first = server.comment("first")
    assert await follower.rounds(3) == [("comment", first)]
    await follower.close()
    with pytest.raises(Refused, match=r"login-refused.*invalid_grant"):
        await Follower(server, b"", "an old refresh token").rounds()


# --- what needs no server ---------------------------------------------------------------------------------------------


def test_the_cursor_is_bounded_and_read_back() -> None:
    threads = {f"T{number}": Watched(active=number, known={"": Known(number)}) for number in range(20)}
    place = Place(7, threads=threads)
    place.forget(10)
    assert set(place.threads) == {f"T{number}" for number in range(10, 20)}
    assert read_place(place.stored()) == place
    place.threads["T19"].known = {str(number): Known(number) for number in range(MOST_COMMENTS + 1)}
    place.forget(10)
    assert set(place.threads) == {"T19"}
    with pytest.raises(Fatal, match="stored place"):
        read_place(b"{")
    assert read_place(b"") is None


@pytest.mark.parametrize(("thread", "comment", "key"), [("T", "T", ""), ("T", "T.R", "R"), ("T", "S.R", "/S.R")])
def test_a_key_tells_a_comment_within_its_thread(thread: str, comment: str, key: str) -> None:
    assert key_of(thread, comment) == key
    assert id_of(thread, key) == comment


@pytest.mark.parametrize(
    ("markup", "words"),
    [
        ("plain", "plain"),
        ("a &lt; b &amp; c &#39;d&#39;", "a < b & c 'd'"),
        ("one<br>two<br />three", "one\ntwo\nthree"),
        ('<a href="http://google.com/">Google.com</a>', "Google.com"),
        (
            '<a href="/hashtag/acme">#acme</a> at <a href="https://www.youtube.com/watch?v=a&amp;t=5">0:05</a>',
            "#acme at 0:05",
        ),
        ('<a href="https://example.com/one/two">https://example.com/on...</a>', "https://example.com/one/two"),
        ('<a href="https://example.com/">here</a>', "here (https://example.com/)"),
        ("<b>b</b> <i>i</i> <s>s</s> <blink>x</blink>", "*b* _i_ -s- x"),
        ("a < b and <a", "a < b and <a"),
    ],
)
def test_html_becomes_words_without_loss(markup: str, words: str) -> None:
    assert words_of(markup) == words


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({}, "settings.channel is a text, and it is missing"),
        ({"channel": "@acme"}, "settings.channel is a channel's id"),
        ({"channel": "UCa", "held": True}, "settings.held is false without client_id"),
        ({"channel": "UCa", "client_id": "a"}, "settings.client_secret is the OAuth client's"),
        ({"channel": "UCa", "api_url": "http://example.com"}, "settings.api_url is an https:// URL"),
        ({"channel": "UCa", "poll_seconds": 1}, "settings.poll_seconds is a whole number"),
    ],
)
def test_settings_that_can_not_be_meant_are_named(settings: dict[str, object], named: str) -> None:
    with pytest.raises(Fatal, match=named):
        PROVIDER.warnings(Connection("try", "acme", PROVIDER.name, ("a",), settings=settings))


def test_a_quota_that_will_not_do_is_told() -> None:
    made = Connection("try", "acme", PROVIDER.name, ("a",), settings={"channel": "UCa", "poll_seconds": 10})
    assert "units a day are needed" in PROVIDER.warnings(made)[0]
    assert not PROVIDER.warnings(Connection("try", "acme", PROVIDER.name, ("a",), settings={"channel": "UCa"}))


def test_an_answers_varying_parts_are_not_kept() -> None:
    connection = Connection("try", "acme", PROVIDER.name, settings={"channel": "UCa"})
    snippet = {"textOriginal": "words", "publishedAt": "2026-11-20T09:00:00Z", "authorChannelId": {"value": "UCb"}}
    drafts = []
    for likes, name in ((1, "video"), (2, "The title")):
        more = {"likeCount": likes, "textDisplay": name, "authorProfileImageUrl": name, "canRate": likes == 1}
        body = msgspec.json.encode({"kind": "youtube#comment", "etag": name, "id": "T", "snippet": {**snippet, **more}})
        drafts += PROVIDER.map(Request(body, "MESSAGE"), connection).drafts
    assert drafts[0] == drafts[1]

"""Reddit's comments, posts and messages: several doors, edits, deletions, limits of requests, and who asks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest
from tests.http_vendor import Told
from tests.patience import PATIENCE
from tests.reddit_server import ACCOUNT, BEGIN, REFRESH, RedditServer, reddit_serving

from cx_channels.pollers.source import SourcePorts
from cx_channels.provider import Connection, Request
from cx_channels.social.reddit import PROVIDER
from cx_channels.social.reddit.cursor import MOST_KNOWN, Known, Place, read_place
from cx_channels.social.reddit.poller import SWEEP
from cx_events.envelope import Draft
from cx_events.errors import Fatal, Refused, TryLater

HOUR = 3600


class Follower:
    """Reads a source and maps what comes. ``now``: s since 1970; ``cursor``: after the latest step."""

    def __init__(self, server: RedditServer, cursor: bytes = b"", *secrets: str) -> None:
        self.now = float(BEGIN + HOUR)
        self.cursor = cursor
        self.drafts: list[Draft] = []
        self.letters: list[str] = []
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
                    mapped = PROVIDER.map(each.request, self._connection)
                    self.drafts += mapped.drafts
                    self.letters += [lost.reason for lost in mapped.unmapped]
        return [(draft.type.split(".")[-2], draft.id) for draft in self.drafts[before:]]

    async def sweep(self) -> list[tuple[str, str]]:
        return await self.rounds(SWEEP + 1)

    async def close(self) -> None:
        await self._steps.aclose()

    def _heads(self) -> int:
        return sum(each.path == "/message/inbox" and "after" not in each.query for each in self._server.got)


@pytest.fixture
async def server() -> AsyncIterator[RedditServer]:
    async with reddit_serving(since="beginning") as server:
        yield server


@pytest.fixture
async def follower(server: RedditServer) -> AsyncIterator[Follower]:
    follower = Follower(server)
    yield follower
    await follower.close()


async def test_a_comment_by_two_doors_is_one_event(server: RedditServer, follower: Follower) -> None:
    name = server.comment("It broke")
    server.inbox(name, "It broke")
    assert await follower.rounds() == [("comment", name)]
    bodies = [server.lists[which][0] for which in ("comments", "inbox")]
    connection = Connection("try", "acme", PROVIDER.name, settings=server.settings)
    drafts = [PROVIDER.map(Request(msgspec.json.encode(body), "MESSAGE"), connection).drafts for body in bodies]
    assert drafts[0] == drafts[1] == (follower.drafts[0],)
    assert not await follower.rounds(3)


async def test_messages_of_both_sides_are_one_conversation(server: RedditServer, follower: Follower) -> None:
    first = server.message("Where is order 4711?")
    more = {"first_message_name": first, "parent_id": first, "first_message": 7}
    server.message("On its way", BEGIN + 5, ACCOUNT, "ana_k", **more)
    found = await follower.rounds()
    assert [what for what, _ in found] == ["received", "sent"]
    assert {draft.data.interaction for draft in follower.drafts} == {f"try/{first}"}
    people = [draft.data.participants[0].identifiers[-1].value for draft in follower.drafts]
    assert people == ["ana_k", "ana_k"]
    assert not [each for each in server.got if "read_message" in each.path]


async def test_edits_and_deletions_show_in_a_lookup(server: RedditServer, follower: Follower) -> None:
    names = [server.comment(f"comment {number}", BEGIN + number) for number in range(5)]
    await follower.rounds()
    server.change(names[0], body="changed", edited=BEGIN + 60.0, score=99)
    server.change(names[1], body="[deleted]", author="[deleted]", author_fullname=None)
    server.change(names[2], body="[removed]")
    server.lost.add(names[3])
    server.change(names[4], score=7)
    found = await follower.sweep()
    assert sorted(found) == sorted([
        ("edited", f"{names[0]}/edited/{BEGIN + 60}"),
        *(("deleted", f"{name}/gone/1") for name in names[1:4]),
    ])  # fmt: skip
    assert {draft.data.reason for draft in follower.drafts[5:]} == {"", "deleted", "removed", "gone"}
    server.lost.clear()
    server.change(names[2], body="comment 2")
    assert sorted(await follower.sweep()) == [("edited", f"{name}/back/2") for name in names[2:4]]


async def test_who_goes_on_at_a_cursor_repeats_nothing(server: RedditServer, follower: Follower) -> None:
    first = server.comment("first")
    await follower.rounds()
    later = server.comment("later", BEGIN + 5)
    server.lists["comments"].pop(0)  # the newest one that was known is deleted
    other = Follower(server, follower.cursor)
    assert await other.sweep() == [("comment", later), ("deleted", f"{first}/gone/1")]
    await other.close()


async def test_pages_are_walked_down_to_what_is_known(server: RedditServer, follower: Follower) -> None:
    server.page = 3
    names = [server.comment(f"comment {number}", BEGIN + number * HOUR) for number in range(10)]
    assert sorted(await follower.rounds()) == sorted(("comment", each) for each in names)
    before = len([each for each in server.got if each.path.endswith("/comments")])
    await follower.rounds(2)
    assert len([each for each in server.got if each.path.endswith("/comments")]) - before <= 3


async def test_a_page_whose_begin_is_deleted_loses_nothing(server: RedditServer, follower: Follower) -> None:
    server.page = 3
    names = [server.comment(f"comment {number}", BEGIN + number * HOUR) for number in range(7)]

    def delete(name: str) -> None:
        server.change(name, body="[deleted]")
        server.goes_on = lambda _after: None

    server.goes_on = delete
    assert set(names) <= {id for _, id in await follower.rounds(2)}


async def test_what_was_there_before_stays_there(server: RedditServer) -> None:
    server.settings["since"] = "now"
    server.comment("old")
    follower = Follower(server)
    assert not await follower.rounds()
    new = server.comment("new", BEGIN + 2 * HOUR)
    assert await follower.rounds(2) == [("comment", new)]
    await follower.close()


async def test_an_oddity_is_a_dead_letter_once(server: RedditServer, follower: Follower) -> None:
    server.lists["posts"].append({"kind": "t9", "data": {"name": "x", "created_utc": BEGIN}})
    assert not await follower.rounds(4)
    assert follower.letters == ["unknown-kind: 't9'"]


async def test_each_request_is_ours_to_tell(server: RedditServer, follower: Follower) -> None:
    await follower.rounds(2)
    assert {each.headers["user-agent"] for each in server.got} == {f"server:throughline:1.0 (by /u/{ACCOUNT})"}
    assert len({each.query["limit"] for each in server.got if each.path == "/message/inbox"}) > 1
    assert {each.query["raw_json"] for each in server.got if "limit" in each.query} == {"1"}


# --- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "part", "seconds"),
    [
        (Told({"message": "Too Many Requests"}, 429, ("x-ratelimit-reset: 55",)), "rate-limited", 55),
        (Told({}, 429, ("Retry-After: 77",)), "rate-limited", 77),
        (Told(None, 503, ("Retry-After: 9",)), "vendor", 9),
        (Told({"kind": "Listing"}), "vendor", 1),
    ],
)
async def test_what_passes_is_tried_again(
    server: RedditServer, follower: Follower, told: Told, part: str, seconds: int
) -> None:
    await follower.rounds()
    server.next_answers = [told]
    with pytest.raises(TryLater) as later:
        await follower.rounds(2)
    assert (later.value.part, later.value.retry_after) == (part, seconds)


async def test_a_limit_that_is_used_up_is_respected(server: RedditServer, follower: Follower) -> None:
    server.limits = ("x-ratelimit-remaining: 0.0", "x-ratelimit-reset: 120")
    with pytest.raises(TryLater, match="used up") as later:
        await follower.rounds()
    assert 119 <= later.value.retry_after <= 121
    assert len(server.got) == 2


async def test_a_token_that_ended_is_fetched_anew(server: RedditServer) -> None:
    follower = Follower(server, b"", "an old refresh token", REFRESH)
    await follower.rounds()
    server.token = "another"
    name = server.comment("first")
    assert await follower.rounds(3) == [("comment", name)]
    await follower.close()
    with pytest.raises(Refused, match=r"login-refused.*invalid_grant"):
        await Follower(server, b"", "an old refresh token").rounds()


async def test_a_password_serves_a_script(server: RedditServer) -> None:
    server.settings["grant"] = "password"
    name = server.comment("first")
    follower = Follower(server)
    assert await follower.rounds() == [("comment", name)]
    assert server.got[0].form == {"grant_type": "password", "username": ACCOUNT, "password": REFRESH}
    await follower.close()


async def test_a_private_subreddit_is_refused_by_name(server: RedditServer) -> None:
    server.settings["subreddits"] = ["secret"]
    with pytest.raises(Refused, match=r"request-refused.*private"):
        await Follower(server).rounds()


def test_the_cursor_is_bounded_and_read_back() -> None:
    place = Place(7, known={f"t1_{number}": Known(number) for number in range(MOST_KNOWN + 5)})
    place.forget()
    assert "t1_4" not in place.known
    assert "t1_5" in place.known
    assert read_place(place.stored()) == place
    with pytest.raises(Fatal, match="stored place"):
        read_place(b"{")


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"client_id": "a"}, "settings.account is a text, and it is missing"),
        ({"account": "acme"}, "settings.client_id is a text, and it is missing"),
        ({"account": "/u/acme", "client_id": "a"}, "settings.account is a name as Reddit has it"),
        ({"account": "acme", "client_id": "a", "grant": "code"}, "grant is refresh_token or password"),
        ({"account": "acme", "client_id": "a", "grant": "client_credentials"}, "one of inbox, subreddits and search"),
        (
            {"account": "acme", "client_id": "a", "grant": "client_credentials", "inbox": True},
            "settings.inbox is false",
        ),
        ({"account": "acme", "client_id": "a", "api_url": "http://example.com"}, "settings.api_url is an https:// URL"),
    ],
)
def test_settings_that_can_not_be_meant_are_named(settings: dict[str, object], named: str) -> None:
    with pytest.raises(Fatal, match=named):
        PROVIDER.warnings(Connection("try", "acme", PROVIDER.name, ("a",), settings=settings))

"""The event socket of FreeSWITCH: who is let in, what is found after a gap, and how a call's end is told once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest
from tests.freeswitch_server import PASSWORD, Switch, switching, uuid_of
from tests.patience import PATIENCE

from cx_channels.pollers.source import SourcePorts, Step
from cx_channels.provider import Connection
from cx_channels.voice.freeswitch import PROVIDER
from cx_channels.voice.freeswitch.calls import AWAY, MOST_CALLS, RESTARTED, UNHEARD, Calls
from cx_channels.voice.freeswitch.stream import SUBSCRIPTION
from cx_events.errors import Fatal, Refused, TryLater

pytestmark = pytest.mark.clock


class Heard:
    """What a source brings: the events' types and ids by mapping, and the latest cursor."""

    def __init__(self, switch: Switch, cursor: bytes) -> None:
        self.connection = Connection("acme-pbx", "acme", PROVIDER.name, (), "US", switch.settings)
        source = switch.open_source(self.connection, SourcePorts(lambda: 0, 1 << 20))
        self.steps = source.steps(cursor)
        self.cursor = cursor
        self.ids: list[str] = []
        self.reasons: dict[str, str] = {}

    async def until(self, *ids: str) -> None:
        """Read until these events have come."""
        async with asyncio.timeout(PATIENCE):
            while not set(ids) <= set(self.ids):
                self.take(await anext(self.steps))

    async def lists(self, count: int) -> None:
        """Read until so many more lists of channels were answered."""
        async with asyncio.timeout(PATIENCE):
            while count:
                step = await anext(self.steps)
                self.take(step)
                count -= not step.deliveries

    def take(self, step: Step) -> None:
        self.cursor = step.cursor or self.cursor
        for each in step.deliveries:
            for draft in PROVIDER.map(each.request, self.connection).drafts:
                self.ids.append(draft.id)
                self.reasons[draft.id] = draft.data.reason


@asynccontextmanager
async def listening(switch: Switch, cursor: bytes = b"") -> AsyncIterator[Heard]:
    heard = Heard(switch, cursor)
    async with aclosing(heard.steps):
        yield heard


def created(number: int) -> str:
    return f"{uuid_of(number)}/created"


async def test_a_call_is_told_live_and_its_end_once() -> None:
    async with switching() as switch, listening(switch) as heard:
        await heard.lists(1)
        switch.say(1)
        await heard.until(created(1))
        switch.hang_up(1)
        await heard.until(f"{uuid_of(1)}/hangup")
        await heard.lists(4)
        assert heard.ids == [created(1), f"{uuid_of(1)}/hangup"]
        assert SUBSCRIPTION in switch.commands
        assert uuid_of(1) not in heard.cursor.decode()


async def test_what_began_and_ended_in_a_gap_is_found() -> None:
    async with switching() as switch:
        switch.say(1)
        switch.say(2)
        async with listening(switch) as heard:
            await heard.until(created(1), created(2))
        switch.hang_up(1)
        switch.say(3)
        async with listening(switch, heard.cursor) as again:
            await again.until(created(3), f"{uuid_of(1)}/lost")
            await again.lists(4)
        assert sorted(again.ids) == sorted([created(3), f"{uuid_of(1)}/lost"])
        assert again.reasons[f"{uuid_of(1)}/lost"] == f"lost: {AWAY}"


async def test_a_restart_ends_all_calls() -> None:
    async with switching() as switch:
        switch.say(1)
        async with listening(switch) as heard:
            await heard.until(created(1))
        switch.restart()
        async with listening(switch, heard.cursor) as again:
            await again.until(f"{uuid_of(1)}/lost")
        assert again.reasons == {f"{uuid_of(1)}/lost": f"lost: {RESTARTED}"}


async def test_an_end_nobody_heard_is_told() -> None:
    async with switching() as switch, listening(switch) as heard:
        switch.say(1)
        await heard.until(created(1))
        switch.hang_up(1, quietly=True)
        await heard.until(f"{uuid_of(1)}/lost")
        assert heard.reasons[f"{uuid_of(1)}/lost"] == f"lost: {UNHEARD}"


async def test_an_older_password_is_tried() -> None:
    async with switching(password=["the new password", PASSWORD]) as switch:
        async with listening(switch) as heard:
            await heard.lists(1)
        assert switch.asked == 2
        switch.passwords = ("another",)
        async with listening(switch) as refused:
            with pytest.raises(Refused, match="does not take the password: -ERR invalid") as told:
                await refused.lists(1)
        assert PASSWORD not in str(told.value)


async def test_a_user_of_the_directory_logs_in() -> None:
    async with switching(user="ben@pbx.example") as switch, listening(switch) as heard:
        await heard.lists(1)
        assert switch.commands[0] == f"userauth ben@pbx.example:{PASSWORD}"


async def test_an_access_list_refuses_by_name() -> None:
    async with switching() as switch:
        switch.rejection = b"Access Denied, go away.\n"
        async with listening(switch) as heard:
            with pytest.raises(Refused, match="Access Denied, go away"):
                await heard.lists(1)


@asynccontextmanager
async def saying(content: bytes) -> AsyncIterator[dict[str, Any]]:
    """A server that only says this. Yields settings."""

    async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(content)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield {"host": "127.0.0.1", "port": server.sockets[0].getsockname()[1], "password": PASSWORD}
    finally:
        server.close()


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"HTTP/1.1 400 Bad Request\nContent-Length: 0\n\n", TryLater),
        (b"Content-Type: auth/request\nContent-Length: 99999999999\n\n", TryLater),
        (b"Content-Type: auth/request\nContent-Length: -1\n\n", TryLater),
        (b"Content-Type: auth/request\n\nContent-Type: text/disconnect-notice\n\n", ConnectionResetError),
        (b"Content-Type: auth/request\n\n", ConnectionResetError),
        (b"x" * (1 << 21), TryLater),
    ],
)
async def test_what_is_no_event_socket_is_told(content: bytes, error: type[Exception]) -> None:
    async with saying(content) as settings, listening(Switch(settings)) as heard:
        with pytest.raises(error):
            await heard.lists(1)


# --- what is under way, pure ------------------------------------------------------------------------------------------


def event(name: str, uuid: str, **more: str) -> dict[str, str]:
    return {"Event-Name": name, "Unique-ID": uuid, "Event-Date-Timestamp": "1795687200000000", **more}


def test_a_list_that_lags_behind_brings_nothing_back() -> None:
    calls = Calls(b"")
    calls.take(event("CHANNEL_CREATE", "one"))
    assert calls.compare([]) == ([], [])  # not listed yet
    assert calls.compare(["one"]) == ([], [])
    calls.take(event("CHANNEL_HANGUP_COMPLETE", "one"))
    assert calls.compare(["one"]) == ([], [])  # listed still


def test_a_second_leg_is_no_call_of_its_own() -> None:
    calls = Calls(b"")
    leg = {"Call-Direction": "outbound", "Channel-Call-UUID": "one"}
    assert not calls.take(event("CHANNEL_CREATE", "two", **leg))
    assert calls.compare(["two"]) == ([], [])
    assert calls.compare([]) == ([], [])
    assert calls.compare([]) == ([], [])


def test_a_renamed_call_is_followed() -> None:
    calls = Calls(b"")
    calls.take(event("CHANNEL_CREATE", "one"))
    assert calls.take(event("CHANNEL_UUID", "other", **{"Old-Unique-ID": "one"}))
    assert json.loads(calls.stored())["calls"].keys() == {"other"}


def test_a_call_of_the_new_run_is_not_gone() -> None:
    """It begins after we subscribed, and before the switch has said which run it is."""
    before = Calls(b"")
    assert not list(before.runs_as("first"))
    before.take(event("CHANNEL_CREATE", "old", **{"Event-Date-Timestamp": "1000"}))
    calls = Calls(before.stored())
    calls.take(event("CHANNEL_CREATE", "new", **{"Event-Date-Timestamp": "9000"}))
    (gone,) = calls.runs_as("second")
    assert (gone["Unique-ID"], gone["Event-Date-Timestamp"], gone["Gone-Because"]) == ("old", "1000", RESTARTED)
    assert json.loads(calls.stored())["calls"].keys() == {"new"}


def test_a_cursor_that_cannot_be_read_stops_the_poller() -> None:
    with pytest.raises(Fatal, match="the stored cursor of the switch can't be read"):
        Calls(b"no cursor")


def test_a_cursor_is_bounded() -> None:
    calls = Calls(b"")
    for number in range(MOST_CALLS + 1):
        calls.take(event("CHANNEL_CREATE", f"call-{number}", **{"Caller-Context": "x" * 1000}))
    assert len(calls) == MOST_CALLS
    assert len(calls.stored()) < MOST_CALLS * 600

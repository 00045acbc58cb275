"""Who types in a web chat is told both ways, over the store, and is no fact."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.api import Running, running_api
from tests.integration.test_following_several import ANA, said, several
from tests.integration.test_presence import BEN, EVA, put
from tests.sse import Stream

from cx_channels.chat.webchat.server.deliveries import Address
from cx_channels.chat.webchat.server.typing import TypingBoard
from cx_client import StreamEvent, Subjects
from cx_context.store import open_store, typing_rows
from cx_context.store.typing_rows import Typist

CHAT = Address("acme", "chat-ana")
FOLLOWED = f"customer={ANA}&body=none&presence=true"


@pytest.fixture
async def hub(tmp_path: Path, store_url: str) -> AsyncIterator[Running]:
    async with running_api(tmp_path, store_url, heartbeat=60.0) as hub:
        await hub.happen(said(1))
        yield hub


async def told(stream: Stream) -> Any:
    """What is told next of the customer's typing."""
    event = await stream.next("presence")
    subjects = Subjects()
    subjects.apply(StreamEvent(event.name, event.data, event.id))
    assert subjects.customer_typing == {ANA: event.data["customer_typing"]}
    return event.data["customer_typing"]


async def test_agents_are_told_that_a_customer_types(hub: Running) -> None:
    board = TypingBoard(lambda: hub.store)
    async with several(hub, FOLLOWED) as stream:
        assert await told(stream) == []
        board.types(CHAT)
        board.types(Address("acme", "chat-of-somebody-unknown"))
        board.types(Address("other", "chat-ana"))
        await board.exchange()
        assert await told(stream) == ["chat-ana"]
        board.ends(CHAT)
        await board.exchange()
        assert await told(stream) == []


async def test_a_visitor_is_told_who_answers(hub: Running) -> None:
    board, heard = TypingBoard(lambda: hub.store), list[Any]()
    leave = board.follow(CHAT, lambda message: heard.append(message["names"]))
    await put(hub, agent=BEN, answering="chat-ana")
    await put(hub, agent=EVA, tab="2", answering="chat-of-another")
    await put(hub, agent=EVA, typing="4e7f1ba4-0000-8000-8000-000000000000")
    await board.exchange()
    await board.exchange()
    assert heard == [["Ben"], ["Ben"]], "said again while it lasts, since a message ends it in the browser"
    await put(hub, agent=BEN)
    await board.exchange()
    await board.exchange()
    assert heard[2:] == [[]]
    await put(hub, agent=BEN, answering="chat-ana")
    await put(hub, agent=BEN, state="offline")
    await board.exchange()
    assert heard[3:] == []
    leave()


async def test_typing_ends_with_the_store_or_the_chat(hub: Running) -> None:
    heard = list[Any]()
    store = open_store("sqlite+aiosqlite:////nowhere/at/all.db")
    board = TypingBoard(lambda: stores[0])
    stores: list[Any] = [hub.store]
    leave = board.follow(CHAT, lambda message: heard.append(message["names"]))
    await put(hub, agent=BEN, answering="chat-ana")
    await board.exchange()
    for stores[0] in (store, None):
        board.types(CHAT)
        await board.exchange()
    assert heard == [["Ben"], []]
    stores[0] = hub.store
    board.types(CHAT)
    leave()
    await board.exchange()
    async with hub.store.reading() as tx:
        assert await typing_rows.read(tx, "acme", "customer") == frozenset()


async def test_a_slow_browser_hears_the_end_later(hub: Running) -> None:
    board, heard, slow = TypingBoard(lambda: hub.store), list[Any](), list[bool]()

    def tell(message: dict[str, Any]) -> bool:
        if not slow:
            heard.append(message["names"])
        return not slow

    leave = board.follow(CHAT, tell)
    await put(hub, agent=BEN, answering="chat-ana")
    await board.exchange()
    await put(hub, agent=BEN)
    slow.append(True)
    await board.exchange()
    slow.clear()
    await board.exchange()
    await board.exchange()
    assert heard == [["Ben"], []]
    leave()


async def test_those_who_type_are_bounded(hub: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typing_rows, "MOST", 2)
    for names in (["a"], ["b", "c", "d"], ["e"]):
        async with hub.store.writing() as tx:
            await typing_rows.write(tx, "acme", "customer", [Typist(each) for each in names])
    async with hub.store.reading() as tx:
        assert await typing_rows.read(tx, "acme", "customer") == {Typist("a"), Typist("b")}


async def test_an_interaction_that_cannot_be_is_refused(hub: Running) -> None:
    answer = await put(hub, agent=BEN, answering="x" * 513)
    assert (answer.status_code, answer.json()["reason"]) == (422, "bad-body")

"""The web chat over a real socket: what is durable, who may go on with a chat, and what the customer sees."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.asking import PatientClient
from tests.browsers import Browser, answered, browser, chat
from tests.channels import FAST_CHAT, SECRET, Hub, running_hub
from tests.patience import PATIENCE
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from cx_channels.chat.webchat.script import script
from cx_channels.chat.webchat.server.limits import ChatLimits
from cx_channels.kit.signing import sign
from cx_events.continuity_tokens import derive_code, sign_token_id, token_id
from cx_events.ids import IdSpace

pytestmark = pytest.mark.clock

IDS = IdSpace("acme", b"a lasting key of acme")
TOKEN = sign_token_id(token_id(derive_code("one", IDS), IDS), IDS)

ANA = {"cookie": "c-7", "name": "Ana", "email": "Ana@example.com"}
BOUNDS = ChatLimits(hello_seconds=PATIENCE, send_seconds=PATIENCE, burst=20, per_second=0.01, tolerated=10)
"""No loaded machine is a page that hangs, and none takes so long for twenty messages that there are more."""


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    async with running_hub(tmp_path, chat_limits=BOUNDS) as running:
        yield running


async def test_a_chat_is_stored_from_start_to_end(hub: Hub) -> None:
    async with chat(hub, visitor=ANA, page="https://www.acme.example/") as (page, welcome):
        assert welcome["interaction"].startswith("acme-chat/")
        assert welcome["resumed"] is False
        await page.say(type="message", id="1", text="I was charged twice")
        acknowledged = await page.hear("ack")
        assert acknowledged["id"] == "1"
        await page.say(type="typing")
        await page.say(type="read", message="m-2")
        await page.say(type="end")
        await page.hear("ended")
        assert await page.closed() == 1000
    stored = sorted(await hub.events(), key=lambda one: one["recordedtime"])
    assert [one["type"] for one in stored] == [
        "cx.interaction.started.v1", "cx.message.received.v1", "cx.message.read.v1", "cx.interaction.ended.v1",
    ]  # fmt: skip
    assert {one["data"]["interaction"] for one in stored} == {welcome["interaction"]}
    assert {one["source"] for one in stored} == {"//throughline/acme/connections/acme-chat"}
    assert stored[1]["data"]["participants"][0]["identifiers"][1]["value"] == "ana@example.com"
    assert acknowledged["at"] >= stored[1]["recordedtime"]
    assert stored[1]["id"].startswith(f"{welcome['interaction']}/message/1/")
    assert hub.counted("cx_chats_open") == 0


async def test_only_a_durable_message_is_acknowledged(hub: Hub) -> None:
    async with chat(hub) as (page, _):
        hub.log.broken = True
        await page.say(type="message", id="1", text="hello")
        error = await page.hear("error")
        assert (error["reason"], error["id"]) == ("try-later", "1")
        assert error["retry_after"] >= 1
        hub.log.broken = False
        await page.say(type="message", id="1", text="hello")
        await page.hear("ack")
        assert len([one for one in await hub.events() if one["type"] == "cx.message.received.v1"]) == 1


async def test_a_chat_that_cannot_be_stored_starts_later(hub: Hub) -> None:
    hub.log.broken = True
    async with chat(hub) as (page, _):
        await page.say(type="message", id="1", text="hello")
        assert (await page.hear("error"))["reason"] == "try-later"
        assert await hub.events() == []
        hub.log.broken = False
        await page.say(type="message", id="1", text="hello")
        await page.hear("ack")
    assert {one["type"] for one in await hub.events()} == {"cx.interaction.started.v1", "cx.message.received.v1"}


@pytest.mark.parametrize("come_back", [False, True])
async def test_an_open_socket_without_a_word_is_no_event(hub: Hub, come_back: bool) -> None:
    async with chat(hub, visitor=ANA, page="https://www.acme.example/") as (page, welcome):
        await page.say(type="typing")
        await page.say(type="read", message="m-2")
        await page.say(type="ping")
        await page.hear("pong")
    if come_back:
        async with chat(hub, session=welcome["session"]) as (page, again):
            assert again["interaction"] == welcome["interaction"]
    async with chat(hub) as (page, _):
        await page.say(type="end")
        await page.hear("ended")
    assert await hub.events() == []


async def test_a_chat_starts_with_its_first_visitor_after_reconnecting(hub: Hub) -> None:
    async with chat(hub, visitor=ANA, page="https://www.acme.example/") as (_, welcome):
        pass
    for _ in range(2):
        async with chat(hub, session=welcome["session"], visitor={"phone": "+15550100123"}) as (page, _):
            await page.say(type="message", id="1", text="hello")
            await page.hear("ack")
    started = [one for one in await hub.events() if one["type"] == "cx.interaction.started.v1"]
    for one in started:
        del one["time"], one["recordedtime"]
    assert started[0] == started[1], "said again, it is the same event"
    assert started[0]["data"]["url"] == "https://www.acme.example/"
    named = {one["kind"] for one in started[0]["data"]["participants"][0]["identifiers"]}
    assert named == {"cookie", "email"}
    assert "cx.identity.asserted.v1" in {one["type"] for one in await hub.events()}


async def test_sockets_that_failed_at_a_token_are_not_counted(hub: Hub) -> None:
    async with chat(hub) as (page, welcome):
        await page.say(type="message", id="1", text="hello")
        await page.hear("ack")
    hub.log.broken = True
    for _ in range(BOUNDS.sockets_of_one + 1):
        async with chat(hub, session=welcome["session"], token=TOKEN) as (page, _):
            assert (await page.hear("error"))["reason"] == "try-later"
            assert await page.closed() == 1013
    hub.log.broken = False
    async with chat(hub, session=welcome["session"]) as (page, again):
        assert again["resumed"] is True


async def test_identifying_a_visitor_begins_the_chat(hub: Hub) -> None:
    async with chat(hub) as (page, _):
        await page.say(type="identify", visitor={"email": "ana@example.com"})
        await page.hear("identified")
    assert {one["type"] for one in await hub.events()} == {"cx.interaction.started.v1", "cx.identity.asserted.v1"}


async def test_a_new_chat_without_a_message_is_closed_later(tmp_path: Path) -> None:
    limits = ChatLimits(silent_seconds=0.2)
    async with running_hub(tmp_path, chat_limits=limits) as hub, chat(hub) as (page, _):
        with suppress(ConnectionClosed):
            await page.say(type="ping")
        heard = [json.loads(await page.socket.recv())]
        if heard[-1]["type"] == "pong":  # it came in time, and is no word
            heard.append(json.loads(await page.socket.recv()))
        assert heard[-1]["reason"] == "silent"
        assert await page.closed() == 1013


async def test_one_address_leaves_chats_to_others(tmp_path: Path) -> None:
    async with running_hub(tmp_path, chat_limits=ChatLimits(sockets=50)) as hub:
        url = f"ws://127.0.0.1:{hub.port}/v1/chat/acme-chat"
        greedy: list[ClientConnection] = []
        with pytest.raises(InvalidStatus) as refused:
            while len(greedy) < 50:
                greedy.append(await connect(url, local_addr=("127.0.0.2", 0)))
        assert refused.value.response.status_code == 429
        assert json.loads(refused.value.response.body or b"")["reason"] == "chats-of-address"
        assert 4 <= len(greedy) <= 5
        async with chat(hub) as (page, _):
            await page.say(type="message", id="1", text="hello")
            await page.hear("ack")
        for socket in greedy:
            await socket.close()


async def test_a_message_resent_after_reconnecting_is_the_same_event(hub: Hub) -> None:
    async with chat(hub, visitor=ANA) as (page, welcome):
        await page.say(type="message", id="1", text="hello")
        await page.hear("ack")
    async with chat(hub, session=welcome["session"]) as (page, again):
        assert (again["interaction"], again["resumed"]) == (welcome["interaction"], True)
        await page.say(type="message", id="1", text="hello")
        await page.hear("ack")
    first, second = [one for one in await hub.events() if one["type"] == "cx.message.received.v1"]
    for stamp in ("time", "recordedtime"):
        assert first.pop(stamp) != second.pop(stamp)
    assert first == second


async def test_answers_reach_the_open_chat_and_no_other(hub: Hub) -> None:
    async with chat(hub) as (page, welcome), chat(hub) as (stranger, _):
        await answered(hub, welcome["interaction"], "a-1")
        shown = await page.hear("message")
        assert shown.pop("at")
        assert shown == {
            "type": "message", "id": "//acme.example/desk#a-1", "message": "message-a-1",
            "from": {"role": "agent", "name": "Ben"}, "text": "answer a-1",
        }  # fmt: skip
        turn = {"interaction": welcome["interaction"], "bot": {"text": "Which order?"}}
        await answered(hub, welcome["interaction"], "b-1", type="cx.bot.turn.v1", data=turn)
        shown = await page.hear("message")
        assert (shown["from"]["role"], shown["text"]) == ("bot", "Which order?")
        await stranger.say(type="ping")
        await stranger.hear("pong")


async def test_customers_words_and_other_tenants_events_are_not_delivered(hub: Hub) -> None:
    async with chat(hub) as (page, welcome):
        said = {"interaction": welcome["interaction"], "direction": "inbound", "bot": {"text": "the customer's turn"}}
        await answered(hub, welcome["interaction"], "t-1", type="cx.bot.turn.v1", data=said)
        async with PatientClient(base_url=hub.url, timeout=PATIENCE) as client:
            foreign = {
                "specversion": "1.0", "id": "x", "source": "//x", "type": "cx.message.sent.v1",
                "data": {"interaction": welcome["interaction"], "message": {"text": "another tenant's"}},
            }  # fmt: skip
            headers = {"authorization": "Bearer other-key"}
            assert (await client.post("/v1/events", json=foreign, headers=headers)).status_code == 202
        await answered(hub, welcome["interaction"], "a-1")
        assert (await page.hear("message"))["text"] == "answer a-1"


async def test_messages_sent_while_the_page_was_away_follow(hub: Hub) -> None:
    async with chat(hub) as (page, welcome):
        await answered(hub, welcome["interaction"], "a-1")
        first = await page.hear("message")
    await answered(hub, welcome["interaction"], "a-2")
    await answered(hub, welcome["interaction"], "a-3")
    while "answer a-3" not in await recent(hub, welcome["session"], first["id"]):
        await asyncio.sleep(0.05)
    assert await recent(hub, welcome["session"], first["id"]) == ["answer a-2", "answer a-3"]


async def recent(hub: Hub, session: str, last: str) -> list[str]:
    """What a page that returns is told before the answer to its ping."""
    texts = []
    async with chat(hub, session=session, last=last) as (page, _):
        await page.say(type="ping")
        while (heard := json.loads(await page.socket.recv()))["type"] != "pong":
            texts.append(heard["text"])
    return texts


async def test_an_end_by_an_agent_reaches_the_page(hub: Hub) -> None:
    async with chat(hub) as (page, welcome):
        ended = {"interaction": welcome["interaction"]}
        await answered(hub, welcome["interaction"], "e-1", type="cx.interaction.ended.v1", data=ended)
        await page.hear("ended")


# --- who is who ------------------------------------------------------------------------------------------------------


async def test_only_a_signed_session_goes_on_with_a_chat(hub: Hub) -> None:
    async with chat(hub) as (_, welcome):
        pass
    payload, _, signature = welcome["session"].partition(".")
    forged = [f"{payload}.{'A' * len(signature)}", f"{payload[:-4]}AAAA.{signature}", "x", ".", "ü.ü", payload]
    for token in forged:
        async with browser(hub) as page:
            await page.say(type="hello", session=token)
            assert (await page.hear("error"))["reason"] == "bad-session"
            assert await page.closed() == 1008


async def test_a_session_of_one_connection_is_none_of_another(hub: Hub) -> None:
    async with chat(hub) as (_, welcome):
        pass
    async with browser(hub, "acme-shop", origin="https://shop.acme.example") as page:
        await page.say(type="hello", session=welcome["session"])
        assert (await page.hear("error"))["reason"] == "bad-session"


async def test_a_wrong_proof_is_refused(hub: Hub) -> None:
    async with browser(hub) as page:
        await page.say(type="hello", visitor={"account": "A-1002", "user_hash": sign(SECRET, b"account:A-1001")})
        assert (await page.hear("error"))["reason"] == "bad-user-hash"
    assert await hub.events() == []


async def test_a_connection_can_require_proof_and_an_origin(hub: Hub) -> None:
    for origin in (None, "https://evil.example.com"):
        with pytest.raises(InvalidStatus) as caught:
            await connect(f"ws://127.0.0.1:{hub.port}/v1/chat/acme-shop", origin=origin)
        assert caught.value.response.status_code == 403
    async with browser(hub, "acme-shop", origin="https://shop.acme.example") as page:
        await page.say(type="hello", visitor={"email": "ana@example.com"})
        assert (await page.hear("error"))["reason"] == "missing-user-hash"


@pytest.mark.parametrize("connection", ["nobody", "acme-calls", "%ff"])
async def test_a_connection_that_is_no_chat_is_not_found(hub: Hub, connection: str) -> None:
    with pytest.raises(InvalidStatus) as caught:
        await connect(f"ws://127.0.0.1:{hub.port}/v1/chat/{connection}")
    assert caught.value.response.status_code == 404


# --- bounds ----------------------------------------------------------------------------------------------------------


async def test_a_silent_page_is_disconnected(tmp_path: Path) -> None:
    async with running_hub(tmp_path, chat_limits=FAST_CHAT) as hub, browser(hub) as page:
        assert (await page.hear("error"))["reason"] == "no-hello"
        assert await page.closed() == 1008


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        ("{", "json-syntax"),
        ("[]", "bad-message"),
        ('{"type": "shout"}', "bad-message"),
        ('{"type": "message", "id": "../x", "text": "x"}', "bad-message"),
        ('{"type": "message", "id": "1\\n", "text": "x"}', "bad-message"),
        ('{"type": "message", "id": "1", "text": " "}', "bad-message"),
        ('{"type": "message", "id": "1", "text": "' + "x" * 8001 + '"}', "bad-message"),
        ('{"type": "message", "id": "1", "text": "' + "x" * 17000 + '"}', "too-large"),
        ('{"type": "message", "id": "1", "text": "\\ud800"}', "json-encoding"),
        ('{"type": "hello"}', "bad-message"),
        (b"\x00\xff", "json-empty"),
        ("[" * 10_000, "json-depth"),
    ],
)
async def test_a_meaningless_frame_is_refused_and_the_chat_continues(hub: Hub, sent: str | bytes, reason: str) -> None:
    async with chat(hub) as (page, _):
        await page.socket.send(sent)
        assert (await page.hear("error"))["reason"] == reason
        await page.say(type="message", id="1", text="still here")
        await page.hear("ack")


async def test_a_visitor_sending_too_fast_is_slowed_then_disconnected(hub: Hub) -> None:
    async with chat(hub) as (page, _):
        for n in range(60):
            await page.say(type="message", id=str(n), text="spam")
        heard = []
        try:
            while True:
                heard.append(json.loads(await page.socket.recv()))
        except ConnectionClosed as closed:
            assert closed.rcvd is not None
            assert closed.rcvd.code == 1008
    reasons = [message.get("reason", message["type"]) for message in heard]
    assert reasons.count("ack") >= BOUNDS.burst
    assert reasons.count("too-fast") > 0
    assert all(message["retry_after"] > 0 for message in heard if message.get("reason") == "too-fast")
    assert reasons[-1] == "too-many-refusals"


async def test_a_message_larger_than_any_frame_closes_the_socket(hub: Hub) -> None:
    async with chat(hub) as (page, _):
        await page.socket.send("x" * 100_000)
        assert await page.closed() == 1009


async def test_one_chat_is_open_in_few_places_at_once(hub: Hub) -> None:
    async with chat(hub) as (_, welcome):
        others = [connect(f"ws://127.0.0.1:{hub.port}/v1/chat/acme-chat") for _ in range(BOUNDS.sockets_of_one)]
        pages = []
        for each in others:  # who does not say hello soon is sent away
            pages.append(Browser(await each))
            await pages[-1].say(type="hello", session=welcome["session"])
        answers = [json.loads(await page.socket.recv()) for page in pages]
        assert [each.get("reason") for each in answers].count("too-many-sockets") == 1
        for page in pages:
            await page.socket.close()


async def test_a_page_that_reads_nothing_is_disconnected(tmp_path: Path) -> None:
    limits = replace(FAST_CHAT, hello_seconds=PATIENCE)
    async with running_hub(tmp_path, chat_limits=limits) as hub, chat(hub) as (page, welcome):
        page.socket.transport.pause_reading()
        text = "x" * 400_000
        for n in range(20):
            data = {"interaction": welcome["interaction"], "message": {"text": text}}
            await answered(hub, welcome["interaction"], f"a-{n}", data=data)
        async with asyncio.timeout(PATIENCE):
            while hub.counted("cx_chats_open"):
                await asyncio.sleep(0.05)
        page.socket.transport.abort()


# --- the script ------------------------------------------------------------------------------------------------------


async def test_the_script_is_served_for_any_page(hub: Hub) -> None:
    async with PatientClient(base_url=hub.url, timeout=PATIENCE) as client:
        response = await client.get("/v1/chat/widget.js")
        assert (response.content, response.headers["content-encoding"]) == (script(), "gzip")
        assert (await client.get("/v1/chat/widget.js", headers={"accept-encoding": ""})).content == script()
        assert response.headers["content-type"].startswith("text/javascript")
        again = await client.get("/v1/chat/widget.js", headers={"if-none-match": response.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


def test_the_script_never_makes_html_of_text() -> None:
    text = script().decode()
    for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "DOMParser"):
        assert way not in text


DRIVE = """
const store = new Map();
const storage = { getItem: (k) => store.get(k) ?? null, setItem: (k, v) => store.set(k, v) };
const visitor = { email: "ana@example.com" };
const make = () => new ThroughlineChat({ url: process.argv[1], storage, key: "k", visitor });
const tell = (what) => console.log(JSON.stringify(what));
const until = async (check) => { while (!check()) await new Promise((go) => setTimeout(go, 20)); };
const allSent = () => chat.talk.lines.every((line) => line.sent);
let chat = make();
chat.say("first");
await until(allSent);
const session = chat.talk.session.token;
// A connection that breaks after a message was sent and before its acknowledgement came.
chat.say("second");
chat.lost(chat.socket);
chat.say("third");
await until(() => chat.online && allSent());
const ofChat = (token) => JSON.parse(atob(token.split(".")[0])).id;
tell({ same: ofChat(session) === ofChat(chat.talk.session.token) });
chat.disconnect();
chat = make();
tell({ restored: chat.talk.lines.map((line) => line.text) });
chat.addEventListener("lines", () => {
  const last = chat.talk.lines.at(-1);
  if (last.from.role !== "agent" || last.told) return;
  last.told = true;
  tell({ shown: last.text });
  chat.end();
});
chat.addEventListener("state", ({ detail }) => {
  if (detail === "online") tell({ online: true });
  if (detail !== "ended") return;
  tell({ ended: chat.talk.session.ended });
  process.exit(0);
});
chat.connect();
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="no Node.js here to run the script in")
async def test_the_script_resends_unacknowledged_messages_and_restores_the_chat(hub: Hub) -> None:
    program = f"{script().decode()}\n(async () => {{{DRIVE}}})();"
    command = ("node", "--experimental-websocket", "-e", program, f"ws://127.0.0.1:{hub.port}/v1/chat/acme-chat")
    node = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert node.stdout is not None
    told: list[dict[str, Any]] = []
    async with asyncio.timeout(PATIENCE):
        async for line in node.stdout:
            told.append(json.loads(line))
            if "online" in told[-1]:
                await answered(hub, (await hub.events())[0]["data"]["interaction"], "a-1")
        assert await node.wait() == 0
    assert told == [
        {"same": True},
        {"restored": ["first", "second", "third"]},
        {"online": True},
        {"shown": "answer a-1"},
        {"ended": True},
    ]
    said = {one["id"]: one["data"]["message"]["text"] for one in await hub.events() if "received" in one["type"]}
    assert sorted(said.values()) == ["first", "second", "third"]


@pytest.mark.parametrize("text", [r'"\ud83d"', r'"\u0085"', "7", "[" * 9 + "]" * 9])
async def test_a_refused_message_is_named_by_its_id(hub: Hub, text: str) -> None:
    async with chat(hub) as (page, _):
        await page.socket.send(f'{{"type": "message", "id": "m-1", "text": {text}}}')
        error = await page.hear("error")
        assert error["id"] == "m-1"
        assert "retry_after" not in error

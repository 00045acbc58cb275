"""Test what a stranger at the web chat's real socket is believed, and what they can't reach: whatever they type and
send.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.browsers import answered, browser, chat
from tests.channels import SECRET, Hub, running_hub
from tests.patience import PATIENCE

from cx_channels.chat.webchat.mapping import Identified, map_note, write
from cx_channels.chat.webchat.script import script
from cx_channels.chat.webchat.visitors import Visitor
from cx_channels.kit.signing import sign
from cx_channels.provider import Connection, Request
from cx_events.envelope import Identifier

pytestmark = pytest.mark.clock

ANA = {"account": "A-1001", "email": "ana@example.com", "cookie": "c-ana"}
ANA_HASH = sign(SECRET, b"account:A-1001\nemail:ana@example.com")


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    async with running_hub(tmp_path) as running:
        yield running


async def said(hub: Hub, **hello: Any) -> str:
    """The interaction of a chat in which this visitor says one thing and then tells who they are."""
    async with chat(hub, **hello) as (page, welcome):
        await page.say(type="message", id="1", text="Where is my order?")
        await page.hear("ack")
        await page.say(type="identify", visitor=hello.get("visitor", {}))
        await page.hear("identified")
    interaction: str = welcome["interaction"]
    return interaction


async def weights_in(hub: Hub, interaction: str) -> set[tuple[str, str, str, str]]:
    """Kind, value and weight of whom a chat's events name, with the event's type."""
    return {
        (one["type"], each["kind"], each["value"], each["weight"])
        for one in await hub.events()
        if one["data"]["interaction"] == interaction
        for person in one["data"]["participants"]
        for each in person["identifiers"]
    }


async def test_a_typed_address_of_a_customer_is_a_claim(hub: Hub) -> None:
    hers = await said(hub, visitor={**ANA, "user_hash": ANA_HASH})
    proved = {(kind, value, weight) for _, kind, value, weight in await weights_in(hub, hers)}
    assert proved == {
        ("account", "A-1001", "proved"), ("email", "ana@example.com", "proved"), ("cookie", "c-ana", "claimed"),
    }  # fmt: skip
    typed = {"account": "A-1001", "email": "Ana@example.com", "phone": "+15550100123", "cookie": "c-ana"}
    async with chat(hub, visitor={"cookie": "c-stranger"}) as (page, welcome):
        await page.say(type="message", id="1", text="It is me, Ana")
        await page.hear("ack")
        await page.say(type="identify", visitor=typed)
        await page.hear("identified")
        await page.say(type="message", id="2", text="Where is my order?")
        await page.hear("ack")
    found = await weights_in(hub, welcome["interaction"])
    assert {weight for *_, weight in found} == {"claimed"}
    assert ("cx.message.received.v1", "email", "ana@example.com", "claimed") in found
    assert "cx.identity.verified.v1" not in {type for type, *_ in found}


async def test_a_hash_over_an_account_leaves_other_identifiers_claimed(hub: Hub) -> None:
    own = {"account": "A-666", "email": "ana@example.com", "phone": "+15550100123"}
    interaction = await said(hub, visitor={**own, "user_hash": sign(SECRET, b"account:A-666")})
    assert {(kind, weight) for _, kind, _, weight in await weights_in(hub, interaction)} == {
        ("account", "proved"), ("email", "claimed"), ("phone", "claimed"),
    }  # fmt: skip


async def test_a_proof_survives_a_reload(hub: Hub) -> None:
    async with chat(hub, visitor={**ANA, "user_hash": ANA_HASH}) as (page, _):
        await page.say(type="identify", visitor=ANA)
        token = (await page.hear("identified"))["session"]
    async with chat(hub, session=token, visitor={"account": "A-1001"}) as (page, welcome):
        await page.say(type="message", id="1", text="it is me")
        await page.hear("ack")
    found = await weights_in(hub, welcome["interaction"])
    assert ("cx.message.received.v1", "account", "A-1001", "proved") in found


async def test_a_hash_in_the_bare_form_is_refused(hub: Hub) -> None:
    async with browser(hub) as page:
        await page.say(type="hello", visitor={"account": "A-1001", "user_hash": sign(SECRET, b"A-1001")})
        assert (await page.hear("error"))["reason"] == "bad-user-hash"


@pytest.mark.parametrize("kind", ["account", "email", "phone"])
async def test_with_required_hashes_a_claim_beside_proof_is_refused(hub: Hub, kind: str) -> None:
    own = {"account": "A-666", "user_hash": sign(SECRET, b"account:A-666")}
    typed = {"account": "A-1001", "email": "ana@example.com", "phone": "+15550100123"}[kind]
    for visitor in ({kind: typed}, {**own, kind: typed}):
        async with browser(hub, "acme-shop", origin="https://shop.acme.example") as page:
            await page.say(type="hello", visitor=visitor)
            assert (await page.hear("error"))["reason"] in ("missing-user-hash", "bad-user-hash")
        async with browser(hub, "acme-shop", origin="https://shop.acme.example") as page:
            await page.say(type="hello", visitor={"cookie": "c-7"})
            await page.hear("welcome")
            await page.say(type="identify", visitor=visitor)
            assert (await page.hear("error"))["reason"] in ("missing-user-hash", "bad-user-hash")
    assert await hub.events() == []


async def test_a_chats_ids_let_nobody_read_or_write_it(hub: Hub) -> None:
    """The interaction, the cookie and the ids of messages are no secrets: all but the session may be known."""
    async with chat(hub, visitor=ANA) as (hers, welcome):
        await hers.say(type="message", id="1", text="my order")
        await hers.hear("ack")
        await answered(hub, welcome["interaction"], "a-1")
        shown = await hers.hear("message")
        hello: dict[str, Any] = {
            "visitor": ANA, "last": shown["id"], "interaction": welcome["interaction"], "id": welcome["interaction"],
        }  # fmt: skip
        async with chat(hub, **hello) as (stranger, other):
            assert other["interaction"] != welcome["interaction"]
            assert other["resumed"] is False
            note = {"interaction": welcome["interaction"], "connection": "acme-chat"}
            await stranger.say(type="message", id="1", text="pay me instead", **note)
            await stranger.hear("ack")
            await stranger.say(type="read", message=shown["message"], **note)
            await stranger.say(type="identify", visitor={"email": "evil@example.com"}, **note)
            await stranger.hear("identified")
            await answered(hub, welcome["interaction"], "a-2")
            assert (await hers.hear("message"))["text"] == "answer a-2"
            await stranger.say(type="end", **note)
            await stranger.hear("ended")
        await hers.say(type="ping")
        await hers.hear("pong")
    own = [one for one in await hub.events() if one["data"].get("interaction") == welcome["interaction"]]
    told = [one["data"]["message"]["text"] for one in own if one["type"] == "cx.message.received.v1"]
    assert told == ["my order"]
    assert {one["type"] for one in own} == {
        "cx.interaction.started.v1", "cx.message.received.v1", "cx.message.sent.v1",
    }  # fmt: skip


async def test_a_session_does_not_open_another_chat(hub: Hub) -> None:
    async with chat(hub, visitor=ANA) as (_, hers), chat(hub) as (_, own):
        pass
    (payload, _, _), (_, _, signature) = hers["session"].partition("."), own["session"].partition(".")
    for token in (f"{payload}.{signature}", hers["interaction"], hers["interaction"].partition("/")[2]):
        async with browser(hub) as page:
            await page.say(type="hello", session=token)
            assert (await page.hear("error"))["reason"] == "bad-session"


async def test_other_words_under_a_used_id_are_another_message(hub: Hub) -> None:
    """The browser chooses the ids: were they all that names an event, what is said second would vanish."""
    async with chat(hub) as (page, _):
        for text in ("first", "second", "first"):
            await page.say(type="message", id="1", text=text)
            await page.hear("ack")
    received = [one for one in await hub.events() if one["type"] == "cx.message.received.v1"]
    assert [one["data"]["message"]["text"] for one in received] == ["first", "second", "first"]
    assert received[0]["id"] == received[2]["id"] != received[1]["id"]


async def test_the_next_person_on_a_device_gets_another_chat(hub: Hub) -> None:
    bo = {"account": "A-1002", "user_hash": sign(SECRET, b"account:A-1002")}
    async with chat(hub, visitor={**ANA, "user_hash": ANA_HASH}) as (page, welcome):
        await page.say(type="message", id="1", text="my order")
        await page.hear("ack")
        await page.say(type="identify", visitor={"cookie": "c-ana"})
        session = (await page.hear("identified"))["session"]
        for visitor in (bo, {"account": "A-1002"}, {"email": "bo@example.com"}):
            await page.say(type="identify", visitor=visitor)
            assert (await page.hear("error"))["reason"] == "other-visitor"
    async with browser(hub) as page:
        await page.say(type="hello", session=session, visitor=bo)
        assert (await page.hear("error"))["reason"] == "other-visitor"
        assert await page.closed() == 1008
    values = {value for _, _, value, _ in await weights_in(hub, welcome["interaction"])}
    assert values == {"A-1001", "ana@example.com", "c-ana"}


def test_a_proof_that_is_given_again_is_another_event() -> None:
    visitor = Visitor("", (Identifier(kind="account", value="A-1001", weight="proved"),))
    acme = Connection("acme-chat", "acme", "chat/webchat", (SECRET,))

    def id_at(at: str) -> str:
        note = Identified(interaction="acme-chat/s-1", visitor=visitor, at=at)
        return map_note(Request(write(note)), acme).drafts[0].id

    assert id_at("2026-11-22T10:00:00Z") == id_at("2026-11-22T10:00:00Z") != id_at("2026-11-23T10:00:00Z")


def test_an_unweighted_identifier_of_a_note_is_claimed() -> None:
    """Whatever the event's type: ``cx.identity.asserted.v1`` would assert what has no weight of its own."""
    note = {
        "type": "identified", "interaction": "acme-chat/s-1",
        "visitor": {"identifiers": [{"kind": "email", "value": "ana@example.com"}]},
    }  # fmt: skip
    acme = Connection("acme-chat", "acme", "chat/webchat", (SECRET,))
    draft = map_note(Request(json.dumps(note).encode()), acme).drafts[0]
    assert draft.data.participants[0].identifiers[0].weight == "claimed"


# --- the script -------------------------------------------------------------------------------------------------------


DRIVE = """
const until = async (holds) => { while (!holds()) await new Promise((go) => setTimeout(go, 20)); };
const kept = new Map();
const storage = { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value) };
const [url, hers, his] = process.argv.slice(-3);
const id = (session) => JSON.parse(atob(session.split(".")[0])).id;
const visitor = { account: "A-1001", user_hash: hers };
const chat = new ThroughlineChat({ url, storage, key: "chat", visitor });
chat.say("hers");
const allSent = () => chat.online && chat.talk.lines.every((line) => line.sent);
await until(allSent);
const before = id(chat.talk.session.token);
chat.identify({ account: "A-1002", user_hash: his });
const forgotten = () => chat.talk.session.token === "" || id(chat.talk.session.token) !== before;
await until(forgotten);
console.log(JSON.stringify({ shown: chat.talk.lines.length }));
await until(() => chat.online && chat.talk.session.token !== "");
chat.say("his");
await until(allSent);
console.log(JSON.stringify({ another: id(chat.talk.session.token) !== before }));
process.exit(0);
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="no Node.js here to run the script in")
async def test_the_script_forgets_a_chat_after_another_login(hub: Hub) -> None:
    program = f"{script().decode()}\n(async () => {{{DRIVE}}})();"
    hashes = (sign(SECRET, b"account:A-1001"), sign(SECRET, b"account:A-1002"))
    url = f"ws://127.0.0.1:{hub.port}/v1/chat/acme-chat"
    node = await asyncio.create_subprocess_exec(
        "node", "--experimental-websocket", "-e", program, url, *hashes, stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(PATIENCE):
        told, _ = await node.communicate()
    assert [json.loads(line) for line in told.splitlines()] == [{"shown": 0}, {"another": True}]
    spoken = {one["data"]["message"]["text"]: one for one in await hub.events() if "received" in one["type"]}
    assert spoken["hers"]["data"]["interaction"] != spoken["his"]["data"]["interaction"]

"""Test what visitors of the web chat ask for beside an answer, and what they are told of who comes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
import pytest_asyncio
from tests.browsers import Browser, chat
from tests.browsers import happened as event_told
from tests.channels import SECRET, Hub, running_hub

from cx_channels.chat.webchat.offers import offers_of
from cx_channels.provider import Connection
from cx_events.continuity_tokens import token_id
from cx_events.errors import Fatal
from cx_events.ids import IdSpace

pytestmark = [pytest.mark.clock, pytest.mark.asyncio(loop_scope="module")]

BEN = {"id": "ben", "name": "Ben"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Hub]:
    async with running_hub(tmp_path_factory.mktemp("hub")) as running:
        yield running


async def begun(page: Browser) -> None:
    await page.say(type="message", id="m-1", text="I was charged twice")
    await page.hear("ack")


async def happened(hub: Hub, welcome: Mapping[str, Any], id: str, type: str, **data: Any) -> None:
    """Tell the hub of an event in a chat. ``id``: made the chat's own."""
    await event_told(hub, welcome["interaction"], f"{id}-{welcome['interaction'][-8:]}", type, **data)


async def stored(hub: Hub, welcome: Mapping[str, Any], type: str) -> list[dict[str, Any]]:
    return [
        one
        for one in await hub.events()
        if one["type"] == type and one["data"]["interaction"] == welcome["interaction"]
    ]


async def test_a_visitor_asks_for_a_person_or_call(hub: Hub) -> None:
    async with chat(hub) as (page, welcome):
        assert welcome["offers"] == ["person", "callback", "code"]
        await page.say(type="ask", id="a-1", way="person")
        assert (await page.hear("ack"))["id"] == "a-1"
        await page.say(type="ask", id="a-2", way="callback", phone=" +1 555 0100 ", when="after five")
        await page.hear("ack")
        await page.say(type="ask", id="a-2", way="callback", phone="+1 555 0100", when="after five")
        await page.hear("ack")
        await page.say(type="ask", id="a-3", way="callback", phone="soon")
        assert (await page.hear("error")).items() >= {"reason": "bad-phone", "id": "a-3"}.items()
    asked = {one["id"]: one["data"] for one in await stored(hub, welcome, "cx.handoff.requested.v1")}
    assert [one["handoff"]["to"] for one in asked.values()] == ["person", "callback"]
    call = asked[f"{welcome['interaction']}/asked/a-2"]
    assert call["handoff"]["by"] == "customer"
    assert call["handoff"]["packet"]["slots"] == {"phone": "+1 555 0100", "when": "after five"}
    kinds = {each["kind"] for one in asked.values() for each in one["participants"][0].get("identifiers", ())}
    assert "phone" not in kinds, "a number to call is no word about who somebody is"


async def test_a_visitor_is_told_who_comes_and_when(hub: Hub) -> None:
    async with chat(hub) as (page, welcome):
        await begun(page)
        await happened(hub, welcome, "q-1", "cx.interaction.queued.v1", queue={"id": "billing"})
        told = await page.hear("waiting")
        assert told.keys() == {"type", "id", "at"}, "no place that nobody stated"
        place = {"position": 2, "about_s": 90}
        await happened(hub, welcome, "q-2", "cx.interaction.queued.v1", waiting=place)
        assert (await page.hear("waiting")).items() >= place.items()
        await happened(hub, welcome, "h-1", "cx.handoff.accepted.v1", agent=BEN)
        assert (await page.hear("joined"))["name"] == "Ben"
        await happened(hub, welcome, "h-2", "cx.handoff.context_shown.v1", agent=BEN)
        assert (await page.hear("informed"))["name"] == "Ben"
        await happened(hub, welcome, "i-1", "cx.interaction.answered.v1", answered_by="bot")
        await happened(hub, welcome, "r-1", "cx.message.delivered.v1", message={"id": "m-1"})
        assert (await page.hear("receipt")).items() >= {"state": "delivered", "message": "m-1"}.items()
        await happened(hub, welcome, "r-2", "cx.message.read.v1", direction="outbound")
        told = await page.hear("receipt")
        assert told["state"] == "read"
        assert "message" not in told


async def test_what_the_visitor_did_is_not_told_back(hub: Hub) -> None:
    async with chat(hub) as (page, welcome):
        await begun(page)
        await page.say(type="ask", id="a-1", way="person")
        await page.hear("ack")
        await page.say(type="delivered", message="m-2")
        await page.say(type="read", message="m-2")
        await happened(hub, welcome, "s-1", "cx.message.sent.v1", direction="outbound", message={"text": "hello"})
        assert (await page.hear("message"))["text"] == "hello"
    (delivered,) = await stored(hub, welcome, "cx.message.delivered.v1")
    assert delivered["data"]["message"] == {"id": "m-2"}
    assert delivered["data"]["direction"] == "inbound"


async def test_a_code_continues_a_chat_elsewhere(hub: Hub) -> None:
    async with chat(hub, visitor={"cookie": "c-1"}) as (page, welcome):
        await begun(page)
        await page.say(type="code")
        given = await page.hear("code")
        await page.say(type="code")
        assert (await page.hear("code"))["code"] == given["code"], "one code while it is good"
        (issued,) = await stored(hub, welcome, "cx.conversation.token_issued.v1")
        assert issued["data"]["token"]["id"] == token_id(given["code"].replace(" ", ""), ids())
        assert given["code"].replace(" ", "") not in str(issued), "whoever reads events can't use it"
        assert issued["writer"] == "connection/acme-chat"
        assert issued["partitionkey"] == (await stored(hub, welcome, "cx.message.received.v1"))[0]["partitionkey"]
    async with chat(hub, visitor={"cookie": "c-2"}) as (page, elsewhere):
        await page.say(type="redeem", code="no code")
        assert (await page.hear("error"))["reason"] == "unknown-token"
        await page.say(type="redeem", code=given["code"])
        await page.hear("continued")
        await begun(page)
    (redeemed,) = await stored(hub, elsewhere, "cx.conversation.token_redeemed.v1")
    assert redeemed["data"]["references"] == [{"kind": "token", "value": issued["data"]["token"]["id"]}]


def ids() -> IdSpace:
    return IdSpace("acme", b"a lasting key of acme")


async def test_a_chat_that_has_ended_goes_on(hub: Hub) -> None:
    async with chat(hub) as (page, welcome):
        await begun(page)
        await happened(hub, welcome, "e-1", "cx.interaction.ended.v1", agent=BEN)
        await page.hear("ended")
    async with chat(hub, session=welcome["session"], reopen=True) as (page, again):
        assert again["interaction"] == welcome["interaction"]
        await page.hear("reopened")
        await page.say(type="message", id="m-2", text="one more thing")
        assert (await page.hear("ack"))["id"] == "m-2", "the end is not told again"
    assert len(await stored(hub, welcome, "cx.interaction.resumed.v1")) == 1


async def test_what_is_not_offered_is_refused(hub: Hub) -> None:
    settings = hub.intake.connection("acme-chat")[0].settings
    assert isinstance(settings, dict)
    settings["offers"] = ["callback"]
    try:
        async with chat(hub) as (page, welcome):
            assert welcome["offers"] == ["callback"]
            await page.say(type="ask", id="a-1", way="person")
            assert (await page.hear("error")).items() >= {"reason": "not-offered", "id": "a-1"}.items()
            await page.say(type="code")
            assert (await page.hear("error"))["reason"] == "not-offered"
        assert await stored(hub, welcome, "cx.interaction.started.v1") == [], "and nothing begins"
    finally:
        del settings["offers"]


@pytest.mark.parametrize("given", ["person", ["fax"], 7, [["person"]]])
async def test_offers_that_cannot_be_stop_a_start(given: object) -> None:
    with pytest.raises(Fatal, match="offers is a list of person, callback, code"):
        offers_of(Connection("acme-chat", "acme", "chat/webchat", (SECRET,), settings={"offers": given}))

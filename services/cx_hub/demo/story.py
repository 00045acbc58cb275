"""Tell the story: Ana was charged twice, and says so on four channels. Nobody asks her twice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from email.utils import format_datetime
from typing import Any

from cx_events.json_types import Json
from cx_hub.context_view import render_conversation, render_counts, render_joins, told
from cx_hub.demo.actors import Chat, next_second
from cx_hub.demo.ai_agent_steps import asks_an_ai_agent
from cx_hub.demo.bot_steps import answers_in_chat, is_taken_over
from cx_hub.demo.cast import BEN, BUSINESS, PAGE, SUPPORT, Cast, World
from cx_hub.demo.stage import Stage
from cx_hub.demo.stranger import claims_to_be_her

ASKS_AGAIN = "One more question about that refund"


async def tell(stage: Stage, world: World) -> None:
    """The whole story; what it promises is checked on the way."""
    stage.opening(
        "Throughline",
        "One customer, four channels, one conversation. Everything below goes through the real doors of a hub "
        f"{world.where}:\na WebSocket, signed webhooks, SMTP, HTTP. Every answer is given once the event is durable.",
    )
    async with world.browser.chat({"cookie": world.cast.cookie, "name": "Ana"}) as chat:
        await _chats(stage, world, chat)
    await _calls(stage, world)
    thread = await _is_recorded(stage, world)
    await _mails(stage, world, thread)
    await _complains(stage, world, thread)
    await _is_served(stage, world, thread)
    await _comes_back(stage, world, thread)
    await claims_to_be_her(stage, world)
    await asks_an_ai_agent(stage, world)


async def _chats(stage: Stage, world: World, chat: Chat) -> None:
    cast = world.cast
    stage.step("web chat", "Ana asks for help on the web site. A bot answers.")
    acknowledged = await chat.write("m-1", "Hi, I was charged twice")
    stage.door(f"WebSocket /v1/chat, {world.browser.interaction}", f"{acknowledged['type']} {acknowledged['id']}")
    visitor = {"cookie": cast.cookie, "name": "Ana", "email": cast.email}
    identified = await chat.ask({"type": "identify", "visitor": visitor}, "identified")
    stage.door(f"Ana gives her address, {cast.email}", identified["type"])

    asks = "I am sorry to hear that. Which order is it?"
    status, _ = await world.bot.tells("cx.bot.turn.v1", f"{cast.mark}turn-1", _turn(world, "charged_twice", asks, {}))
    stage.door("POST /v1/events  cx.bot.turn.v1", str(status))
    shown = await chat.hear("message")
    stage.says(f"The browser shows: {shown['from']['role']}: {shown['text']}")
    await chat.write("m-2", f"It is order {cast.order}")
    tries = f"I see two payments for order {cast.order}. I can't refund them myself; please call us."
    status, turn = await world.bot.tells(
        "cx.bot.turn.v1",
        f"{cast.mark}turn-2",
        _turn(world, "refund_order", tries, {"order": cast.order, "problem": "charged twice"}),
    )
    stage.door("POST /v1/events  cx.bot.turn.v1", str(status))
    await chat.hear("message")
    document = await world.desk.looks_up(
        f"email:{cast.email}", at_least=[turn], until=lambda body: body["counts"]["messages"] >= 2
    )
    stage.sees("Whoever comes next", told(document["body"]))
    stage.check(
        f"what Ana gave the bot is kept as data: order {cast.order}", _slots(document).get("order") == cast.order
    )


def _turn(world: World, intent: str, text: str, slots: Json) -> Json:
    cast = world.cast
    return {
        "channel": "chat",
        "interaction": world.browser.interaction,
        "direction": "outbound",
        "participants": [
            {"role": "bot", "id": "acme-bot", "name": "Acme bot"},
            {"role": "customer", "identifiers": [{"kind": "email", "value": cast.email}]},
        ],
        "references": [{"kind": "order", "value": cast.order}] if slots else [],
        "bot": {"intent": intent, "text": text, "slots": slots, "confidence": 0.94},
    }


async def _calls(stage: Stage, world: World) -> None:
    cast = world.cast
    stage.step("voice", f"She calls. All that the telephone knows is {cast.phone}.")
    forged = await world.phone.forges(**_ringing(cast))
    stage.door("POST /v1/hooks/acme-calls, a forged signature", str(forged))
    stage.check("a webhook that the provider did not sign is refused", forged == 401)
    status = await world.phone.calls_back(**_ringing(cast))
    stage.door("POST /v1/hooks/acme-calls  ringing, her carrier attests the number", str(status))
    status, asserted = await world.crm.tells(
        "cx.identity.asserted.v1",
        f"{cast.mark}screen-pop-1",
        _screen_pop(cast),
    )
    stage.door("POST /v1/events  cx.identity.asserted.v1 from the CRM", str(status))
    document = await world.desk.looks_up(
        f"phone:{cast.phone}",
        at_least=[asserted],
        until=lambda body: bool(body["now"]) and body["now"]["channel"] == "voice",
    )
    body = document["body"]
    stage.sees('Ben\'s desktop, looked up by the phone number, before he says "hello",', told(body))
    thread = body["conversations"][0]
    stage.check("before hello: the order number was known; nobody asks again", _slots(document)["order"] == cast.order)
    stage.check(
        "before hello: what Ana wrote in the chat was there",
        any("charged twice" in message["text"] for message in thread["messages"]),
    )
    stage.check("before hello: what the bot had tried was there", len((thread["bot"] or {}).get("trail", [])) == 2)
    stage.check(
        "chat and call are one customer and one conversation",
        len(body["conversations"]) == 1 and {"chat", "voice"} <= set(thread["channels"]),
    )
    status = await world.phone.calls_back(**_call(cast, "in-progress", 1))
    stage.door("POST /v1/hooks/acme-calls  in-progress", str(status))
    stage.says(f'Ben: "Hello Ana. Order {cast.order}, charged twice. I am refunding one of them now."')
    status = await world.phone.calls_back(**_call(cast, "completed", 2), CallDuration="48", Duration="1")
    stage.door("POST /v1/hooks/acme-calls  completed", str(status))


def _screen_pop(cast: Cast) -> Json:
    """Return what the CRM asserts of the caller."""
    return {
        "channel": "voice",
        "interaction": f"acme-calls/{cast.call}",
        "participants": [
            {
                "role": "customer",
                "name": "Ana Silva",
                "identifiers": [
                    {"kind": "crm", "value": cast.crm},
                    {"kind": "email", "value": cast.email},
                    {"kind": "phone", "value": cast.phone},
                ],
            }
        ],
        "references": [{"kind": "order", "value": cast.order}],
        "evidence": f"crm record {cast.crm}",
    }


def _ringing(cast: Cast) -> dict[str, str]:
    """Send Twilio's request for an incoming call, which says how well the carrier attests the number."""
    return {**_leg(cast, "ringing"), "StirVerstat": "TN-Validation-Passed-A"}


def _leg(cast: Cast, status: str) -> dict[str, str]:
    return {
        "AccountSid": "AC00000000000000000000000000000001",
        "CallSid": cast.call,
        "CallStatus": status,
        "Direction": "inbound",
        "From": cast.phone,
        "To": BUSINESS,
    }


def _call(cast: Cast, status: str, sequence: int) -> dict[str, str]:
    return {
        **_leg(cast, status),
        "CallbackSource": "call-progress-events",
        "SequenceNumber": str(sequence),
        "Timestamp": format_datetime(next_second()),
    }


async def _is_recorded(stage: Stage, world: World) -> str:
    cast = world.cast
    stage.step("voice", "The recording is ready. The callback names the call alone.")
    status = await world.phone.calls_back(
        AccountSid="AC00000000000000000000000000000001",
        CallSid=cast.call,
        RecordingSid=cast.recording,
        RecordingUrl=f"https://api.twilio.example/recordings/{cast.recording}",
        RecordingStatus="completed",
        RecordingDuration="46",
        RecordingChannels="2",
    )
    stage.door("POST /v1/hooks/acme-calls  recording completed, without a number", str(status))
    document = await world.desk.looks_up(f"email:{cast.email}", until=_has("cx.call.recording.v1"))
    stage.sees("Whoever opens her timeline", _timeline(document["body"], 3))
    stage.check(
        "a callback that knows the call alone found its customer", _has("cx.call.recording.v1")(document["body"])
    )
    return str(document["body"]["conversations"][0]["id"])


def _confirmation(cast: Cast, confirmation: str) -> Json:
    """Return the mail that the help desk sent, by its id."""
    return {
        "channel": "email",
        "interaction": f"acme-mail/{confirmation}",
        "direction": "outbound",
        "participants": [
            {"role": "customer", "identifiers": [{"kind": "email", "value": cast.email}]},
            {"role": "agent", "id": BEN["id"], "name": BEN["name"]},
        ],
        "references": [{"kind": "message", "value": confirmation}],
        "message": {
            "id": confirmation,
            "subject": f"Your refund for order {cast.order}",
            "text": f"Dear Ana,\n\nwe have refunded one payment of order {cast.order}. It takes three days.\n\nBen",
            "content_type": "text/plain",
        },
    }


async def _mails(stage: Stage, world: World, thread: str) -> None:
    cast = world.cast
    stage.step("email", "The help desk confirms by mail; Ana replies to it.")
    confirmation = f"case-{cast.order}@acme.example"
    # By a key: who comes by SMTP and says to be the help desk might be anybody.
    status, _ = await world.helpdesk.tells(
        "cx.message.sent.v1",
        f"{cast.mark}{confirmation}",
        _confirmation(cast, confirmation),
    )
    stage.door("POST /v1/events  the help desk tells which mail it sent", str(status))
    answer = await world.mail.delivers(
        id=f"reply-{cast.order}@mail.example.com",
        sender=f"Ana Silva <{cast.email}>",
        to=SUPPORT,
        subject=f"Re: Your refund for order {cast.order}",
        text="Thank you Ben. Will it go to the same card?\n\nAna",
        answers=[confirmation],
        recipient=SUPPORT,
    )
    stage.door("SMTP, Ana's reply, with References", answer)
    document = await world.desk.looks_up(
        f"phone:{cast.phone}",
        until=lambda body: body["counts"]["by_channel"].get("email", 0) >= 2,
    )
    body = document["body"]
    stage.sees("Ben, still by the phone number,", render_conversation(body["conversations"][0]))
    mails = {entry["interaction"] for entry in body["timeline"] if entry["channel"] == "email"}
    stage.check("her reply and the mail that it answers are one thread", len(mails) == 1)
    stage.check(
        "mail goes on with the same conversation",
        len(body["conversations"]) == 1 and _is(body["conversations"][0], thread),
    )


def _comment(cast: Cast) -> Json:
    """Return a comment below the page's post, as Facebook tells it."""
    return {
        "field": "feed",
        "value": {
            "from": {"id": cast.psid, "name": "Ana S."},
            "created_time": int(next_second().timestamp()),
            "item": "comment",
            "verb": "add",
            "post_id": f"{PAGE}_{cast.post}",
            "comment_id": f"{cast.post}_42",
            "parent_id": f"{PAGE}_{cast.post}",
            "message": "Still no refund. And I had to explain it on the phone already!",
        },
    }


def _login(cast: Cast) -> Json:
    """Return what the login proves."""
    return {
        "channel": "web",
        "participants": [
            {
                "role": "customer",
                "identifiers": [
                    {"kind": "facebook-psid", "value": cast.psid, "scope": PAGE, "verified": True},
                    {"kind": "email", "value": cast.email, "verified": True},
                ],
            }
        ],
        "evidence": "facebook login",
    }


async def _complains(stage: Stage, world: World, thread: str) -> None:
    cast = world.cast
    stage.step("social", "Later somebody comments on the company's Facebook page.")
    status = await world.social.delivers(PAGE, _comment(cast))
    stage.door("POST /v1/hooks/acme-social  a comment", str(status))
    stranger = await world.desk.looks_up({"kind": "facebook-psid", "value": cast.psid, "scope": PAGE})
    stranger_id = stranger["body"]["customer"]["id"]
    stage.says(f"A stranger so far: customer {stranger_id}, {render_counts(stranger['body']['counts'])}")
    known = await world.desk.looks_up(f"email:{cast.email}")
    stage.check("nobody is guessed to be Ana because of a name", known["body"]["customer"]["id"] != stranger_id)
    status, verified = await world.login.tells(
        "cx.identity.verified.v1",
        f"{cast.mark}login-1",
        _login(cast),
    )
    stage.door("POST /v1/events  cx.identity.verified.v1: she logs in with Facebook", str(status))
    document = await world.desk.looks_up(
        f"phone:{cast.phone}",
        at_least=[verified],
        until=lambda body: body["counts"]["by_channel"].get("social", 0) >= 1,
    )
    body = document["body"]
    stage.sees("Ben", told(body))
    joined: Json = next(
        (each["joined"] or {} for each in body["customer"]["identifiers"] if each["kind"] == "facebook-psid"), {}
    )
    stage.check("the login made them one, and is named as the reason", joined.get("evidence") == verified)
    stage.check("voice, chat, email and social are one customer", set(body["counts"]["by_channel"]) >= _ALL)
    former = await world.desk.opens(stranger_id)
    stage.check("the stranger's id answers for ever, with Ana", former["body"]["customer"] == body["customer"])
    stage.check("and her thread kept its id", any(_is(each, thread) for each in body["conversations"]))


_ALL = {"voice", "chat", "email", "social"}


async def _is_served(stage: Stage, world: World, thread: str) -> None:
    cast = world.cast
    stage.step("desktop", "Ben sees why, writes it down and resolves it.")
    done: Json = {}
    for what, said in (
        ("topic", {"topic": "double charge"}),
        ("notes", {"note": "Refund had got stuck at the bank; released it today."}),
        ("resolve", {}),
    ):
        done = await world.desk.decides(thread, what, **said)
        stage.door(f"POST /v1/conversations/{thread[:8]}…/{what}", "202")
    event = done["event"]
    document = await world.desk.looks_up(f"email:{cast.email}", at_least=[f"{event['source']}#{event['id']}"])
    conversation = _thread(document, thread)
    stage.sees("Anybody", _headline(conversation))
    stage.check(
        "resolved, with topic and note", conversation.get("state") == "resolved" and bool(conversation["notes"])
    )


async def _comes_back(stage: Stage, world: World, thread: str) -> None:
    cast = world.cast
    stage.step("web chat", "Ana logs in on the web site, opens the chat again, and writes. The bot answers.")
    visitor = {"cookie": cast.cookie, "email": cast.email, "user_hash": world.site.signs(f"email:{cast.email}")}
    async with world.browser.chat(visitor) as chat:
        await chat.write("m-3", ASKS_AGAIN)
        stage.door(f"WebSocket /v1/chat, the same session {world.browser.interaction}", "ack m-3")
        brief, words = await answers_in_chat(stage, world, chat, world.browser.interaction, ASKS_AGAIN, "proved")
    document = await world.desk.looks_up(
        f"email:{cast.email}",
        until=lambda body: any(entry["text"] == ASKS_AGAIN for entry in body["timeline"]),
    )
    conversation = _thread(document, thread)
    stage.sees("The bot, the agent, anybody", [*_headline(conversation), *render_joins(conversation)])
    stage.says(render_counts(document["body"]["counts"]))
    stage.check("what was resolved is open again, since she wrote", conversation.get("state") == "open")
    stage.check("the chat goes on with all that was said on every channel", _channels(document) >= _ALL)
    stage.check(
        "the bot, by a key that reads assured contacts alone, knows her name, topic and order",
        brief["level"] == "proved" and all(each in words for each in ("Ana", "double charge", cast.order)),
    )
    conversation_id = brief["route"]["conversation"]
    await is_taken_over(stage, world, conversation_id, world.browser.interaction, ASKS_AGAIN)


def _has(type: str) -> Any:
    return lambda body: any(entry["type"] == type for entry in body["timeline"])


def _slots(document: Json) -> Json:
    bots: Iterable[Json] = (each["bot"] for each in document["body"]["conversations"] if each["bot"])
    return {name: value for bot in bots for name, value in bot["slots"].items()}


def _timeline(body: Json, most: int) -> Iterator[tuple[str, str]]:
    for entry in body["timeline"][:most]:
        yield entry["time"][11:19], f"{entry['type']:<28} {entry['interaction'] or ''} {entry['text'] or ''}"


def _is(conversation: Json, id: str) -> bool:
    return conversation["id"] == id or id in conversation["aliases"]


def _thread(document: Json, id: str) -> Json:
    return next((each for each in document["body"]["conversations"] if _is(each, id)), {})


def _channels(document: Json) -> set[str]:
    return set(document["body"]["counts"]["by_channel"])


def _headline(conversation: Json) -> Iterator[tuple[str, str]]:
    yield conversation.get("state", "unknown"), f"{conversation.get('topic')} · thread {conversation.get('id')}"
    for note in conversation.get("notes", []):
        yield "note", f"{note['agent']}: {note['text']}"

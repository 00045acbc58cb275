"""Play the AI agent's steps of the story: it is told nothing, then what it may tell, and hands over with a packet."""

from __future__ import annotations

from cx_events.json_types import Json
from cx_hub.demo.actors import Chat
from cx_hub.demo.ai_agent import ASSURED, ToolResult, answer_from, known_in, shown_of
from cx_hub.demo.bot_steps import is_taken_over, is_told
from cx_hub.demo.cast import World
from cx_hub.demo.stage import Stage

ASKED = "Which card does my refund go to?"
TOPIC = "card of the refund"


async def asks_an_ai_agent(stage: Stage, world: World) -> None:
    """The same question twice, before and after a login. The hub decides what the agent is told, not the agent."""
    cast = world.cast
    stage.step("web chat", "Ana writes from another computer. The bot there is an AI agent with the hub as tools.")
    async with world.other_browser.chat({"cookie": cast.other_cookie}) as chat:
        visitor = {"cookie": cast.other_cookie, "email": cast.email}
        identified = await chat.ask({"type": "identify", "visitor": visitor}, "identified")
        await chat.write("a-1", ASKED)
        hers = world.other_browser.interaction
        stage.door(f"WebSocket /v1/chat, {hers}: {cast.email}", identified["type"])
        refused = await _asks_to_log_in(stage, world, chat, hers)
        proof = {**visitor, "user_hash": world.site.signs(f"email:{cast.email}")}
        await chat.ask({"type": "identify", "visitor": proof}, "identified")
        stage.door("She logs in; the web site signs her address for this chat", "identified")
        told, words = await _answers(stage, world, chat, hers)
    done = await _hands_over(stage, world, hers, told, [*refused, words])
    stage.check(
        "the AI agent, by its key, tells her nothing before she logs in", not _personal(world, "".join(refused))
    )
    stage.check(
        "the AI agent answers from the context once she has: name, order",
        told.level == "proved" and _personal(world, words) == ["Ana", cast.order],
    )
    await is_taken_over(stage, world, done["conversation"], hers, ASKED, "the AI agent")
    document = await world.desk.looks_up(f"email:{cast.email}", until=_has_topic)
    stage.check("the topic that the AI agent set stands in the context", _has_topic(document["body"]))


async def _asks_to_log_in(stage: Stage, world: World, chat: Chat, interaction: str) -> list[str]:
    """Have it look for who is there, by what was typed and by the contact. Return what it says."""
    by_address = await world.ai_agent.uses("find_customer", {"identifier": f"email:{world.cast.email}"})
    stage.door("MCP find_customer, by the address that was typed", by_address.outcome)
    by_contact = await world.ai_agent.uses("read_context", {"interaction": interaction}, until=_is_claim)
    stage.door("MCP read_context, of this chat", by_contact.outcome)
    if by_contact.refused:
        stage.says(f"The AI agent is told: {by_contact.text}")
    return [await is_told(stage, world, chat, interaction, answer_from(by_contact), "login")]


async def _answers(stage: Stage, world: World, chat: Chat, interaction: str) -> tuple[ToolResult, str]:
    """Return what it reads once the login counts, and what the visitor's browser shows."""
    told = await world.ai_agent.uses("read_context", {"interaction": interaction}, until=_is_assured)
    stage.door("MCP read_context, of this chat", told.outcome)
    stage.sees("The AI agent", shown_of(told))
    return told, await is_told(stage, world, chat, interaction, answer_from(told), "handoff")


async def _hands_over(stage: Stage, world: World, interaction: str, told: ToolResult, tried: list[str]) -> Json:
    """Set the topic, and ask for a person with a packet. Return the ids of what was done."""
    topic = await world.ai_agent.uses("set_topic", {"interaction": interaction, "topic": TOPIC})
    stage.door(f'MCP set_topic "{TOPIC}"', topic.outcome)
    packet = {"summary": ASKED, "tried": tried, "slots": known_in(told)}
    asked = {"interaction": interaction, "reason": "asks what the bot may not decide", "queue": "billing", **packet}
    done = await world.ai_agent.uses("request_handoff", asked)
    stage.door("MCP request_handoff, with what it knows and said", done.outcome)
    return done.ids


def _is_claim(told: ToolResult) -> bool:
    return told.outcome == "not-assured" or told.level == "claimed"


def _is_assured(told: ToolResult) -> bool:
    return told.level in ASSURED and ASKED in told.text


def _has_topic(body: Json) -> bool:
    return any(conversation["topic"] == TOPIC for conversation in body["conversations"])


def _personal(world: World, words: str) -> list[str]:
    return [each for each in ("Ana", world.cast.order) if each in words]

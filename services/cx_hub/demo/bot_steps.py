"""Play the bot's steps of the story: it answers in a chat, hands over, and Ben sees its packet."""

from __future__ import annotations

from cx_events.json_types import Json
from cx_hub.demo.actors import Chat
from cx_hub.demo.bot import answer_to, packet_of
from cx_hub.demo.cast import BEN, World
from cx_hub.demo.stage import Stage


async def answers_in_chat(
    stage: Stage, world: World, chat: Chat, interaction: str, question: str, level: str
) -> tuple[Json, str]:
    """Have the bot answer and hand over. Return the brief that it read, and what the visitor's browser shows.

    ``level``: how sure it will be who is there, once the hub has heard all.
    """
    bot = world.chat_bot
    brief = await bot.reads(interaction, until=lambda found: found["level"] == level)
    stage.door(f"POST /v1/context/brief  {interaction}", f"200 {brief['level']}")
    words = answer_to(brief)
    shown = await is_told(stage, world, chat, interaction, words, "handoff")
    packet = packet_of(brief, question, [words])
    reason = "asks what the bot may not decide" if brief["say"]["name"] else "nobody knows who it is"
    conversation = brief["route"]["conversation"]
    await bot.hands_over(f"{world.cast.mark}{interaction}/handoff", conversation, reason, packet)
    stage.door(f"POST /v1/conversations/{conversation[:8]}…/handoffs", "202")
    return brief, shown


async def is_told(stage: Stage, world: World, chat: Chat, interaction: str, words: str, intent: str) -> str:
    """Have the bot write into the chat. Return what the visitor's browser shows."""
    mark = f"{world.cast.mark}{interaction}/{intent}"
    status = await world.chat_bot.says(f"{mark}/answer", interaction, words, intent)
    stage.door("POST /v1/events  cx.bot.turn.v1", str(status))
    shown = await chat.hear("message")
    stage.says(f"The browser shows: {shown['from']['role']}: {shown['text']}")
    return str(shown["text"])


async def is_taken_over(
    stage: Stage, world: World, conversation: str, interaction: str, question: str, who: str = "the bot"
) -> None:
    """Ben reads the packet of the contact at hand, which ``who`` put, and takes it over."""
    found = await world.desk.reads_packet(
        conversation,
        interaction,
        until=lambda packet: packet["request"] is not None and packet["summary"] == question,
    )
    accepted = await world.desk.decides(conversation, "handoffs/accept", interaction=interaction)
    stage.sees(
        f"{BEN['name']}, who takes over,",
        [
            ("asks", found["summary"] or ""),
            ("known", ", ".join(f"{name}: {value}" for name, value in found["slots"].items())),
            ("tried", next(iter(found["tried"]), "")),
            ("verified", ", ".join(f"{proof['kind']} by {proof['method']}" for proof in found["verified"])),
        ],
    )
    stage.check(
        f"{who} hands over with a packet, and Ben sees it before he answers",
        found["request"]["by"] == "bot" and found["slots"].get("order") == world.cast.order and bool(accepted["event"]),
    )

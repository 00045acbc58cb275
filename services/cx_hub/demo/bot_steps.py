"""What the bot does in the story: it answers in a chat, hands over, and Ben sees its packet."""

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
    bot, mark = world.chat_bot, f"{world.cast.mark}{interaction}"
    brief = await bot.reads(interaction, until=lambda found: found["level"] == level)
    stage.door(f"POST /v1/context/brief  {interaction}", f"200 {brief['level']}")
    words = answer_to(brief)
    status = await bot.says(f"{mark}/answer", interaction, words, "handoff")
    stage.door("POST /v1/events  cx.bot.turn.v1", str(status))
    shown = await chat.hear("message")
    stage.says(f"The browser shows: {shown['from']['role']}: {shown['text']}")
    packet = packet_of(brief, question, [words])
    reason = "asks what the bot may not decide" if brief["say"]["name"] else "nobody knows who it is"
    conversation = brief["route"]["conversation"]
    await bot.hands_over(f"{mark}/handoff", conversation, reason, packet)
    stage.door(f"POST /v1/conversations/{conversation[:8]}…/handoffs", "202")
    return brief, str(shown["text"])


async def is_taken_over(stage: Stage, world: World, brief: Json, question: str) -> None:
    """Ben reads the packet and takes the conversation over."""
    conversation = brief["route"]["conversation"]
    found = await world.desk.reads_packet(conversation, until=lambda packet: packet["summary"] == question)
    accepted = await world.desk.decides(conversation, "handoffs/accept")
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
        "the bot hands over with a packet, and Ben sees it before he answers",
        found["request"] is not None
        and found["request"]["by"] == "bot"
        and found["slots"].get("order") == world.cast.order
        and bool(accepted["event"]),
    )

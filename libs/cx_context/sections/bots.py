"""Fold and show what bots said and learned in a conversation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from msgspec import Struct

from cx_context.parts.adding import keep_latest, write_values
from cx_context.parts.keyed_parts import order_of
from cx_context.parts.model import Part
from cx_context.parts.rules import WORDS, last_by_key, latest
from cx_context.parts.values import KEYS_KEPT, TEXT_KEPT, At, Register
from cx_context.sections.join_fields import THREADING
from cx_context.sections.registers import latest_by_key
from cx_context.sections.section import Section, made_of
from cx_events.facts import Fact
from cx_events.json_types import Json
from cx_events.schema_shapes import FREE, TEXT_OR_NONE, TIME, array, named, or_none
from cx_events.timestamps import format_time

TURNS_SHOWN = 6
TURNS_KEPT = 10

Turn = tuple[At, str, str]
"""(at, intent, text)"""


class Fields(Struct):
    turns: Annotated[list[Turn], latest(TURNS_KEPT), WORDS] = []
    """A bot's latest turns, the latest first."""
    slots: Annotated[dict[str, Register], last_by_key(KEYS_KEPT), WORDS] = {}
    """What a bot learned, by slot."""


def _note_bot(part: Part, fact: Fact, at: At) -> None:
    bot = fact.event.data.bot
    if bot is None:
        return
    if bot.intent or bot.text:
        part.turns = keep_latest(part.turns, (at, bot.intent[:TEXT_KEPT], bot.text[:TEXT_KEPT]), TURNS_KEPT)
    if bot.slots:
        write_values(part.slots, bot.slots, at)


def is_answer(value: object) -> bool:
    """Return whether a slot holds something. Bots take one back by writing null, a blank text or an empty list."""
    return value is not None and value not in ([], {}) and not (isinstance(value, str) and not value.strip())


def bot_view(parts: Sequence[Part]) -> Json | None:
    """Return the latest turns of bots, oldest first, and all that they learned; None where no bot took part."""
    if not any(part.turns or part.slots for part in parts):
        return None
    turns = sorted((order_of(part, at), intent, text) for part in parts for at, intent, text in part.turns)
    slots = {name: value for name, value in latest_by_key(parts, "slots").items() if is_answer(value)}
    if not turns and not slots:
        return None
    return {
        "trail": [
            {"time": format_time(order[0]), "intent": intent or None, "text": text or None}
            for order, intent, text in turns[-TURNS_SHOWN:]
        ],
        "slots": slots,
    }


BOT = or_none(
    named(
        "BotTrail",
        {"trail": array(named("BotTurn", {"time": TIME, "intent": TEXT_OR_NONE, "text": TEXT_OR_NONE})), "slots": FREE},
    )
)
"""The schema of ``bot_view``."""

SECTION = Section(
    member_handlers={"bot": _note_bot},
    provenance={
        ("conversations", "*", "bot"): made_of(
            "a bot's latest turns, and the last of each slot", "turns", "slots", *THREADING, threaded=True
        ),
    },
)

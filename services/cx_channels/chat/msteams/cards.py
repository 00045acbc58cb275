"""Read the words that a card shows, where a message has none of its own.

learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/cards-reference; an Adaptive Card's elements:
adaptivecards.io/explorer. Buttons and fields to fill in say nothing yet; a picture is told by its ``altText``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cx_channels.kit.json_values import first, obj, objects, text
from cx_events.json_types import Json

_TYPES = ("application/vnd.microsoft.card.", "application/vnd.microsoft.teams.card.")
_MOST = 200
_SHOWN = ("title", "subtitle", "activityTitle", "activitySubtitle", "activityText", "altText", "text")
_NESTED = ("body", "facts", "items", "columns", "rows", "cells", "sections")
"""Where a card, or an element of one, has others."""


def is_card(attachment: Json) -> bool:
    """Return whether an attachment is a card: it is shown, and no file."""
    return text(attachment.get("contentType")).startswith(_TYPES)


def words_of_card(content: Any) -> str:
    """Return what a card shows, a line for each text of it; "" for one without any."""
    card = obj(content)
    total = text(card.get("total"))
    shown = [*_lines(card), *([f"Total: {total}"] if total else [])]
    return "\n".join(shown) or first(card.get("fallbackText"), card.get("summary"), card.get("speak"))


def _lines(card: Json) -> Iterator[str]:
    """Yield the texts of a card in the order in which they stand, of ``_MOST`` elements at most, in any depth."""
    waiting, seen = [card], 0
    while waiting and seen < _MOST:
        part = waiting.pop(0)
        seen += 1
        if part.get("isVisible") is False or text(part.get("type")).startswith("Input."):
            continue
        # A fact (title or key or name, and value), or an item of a receipt (title and price).
        label = first(part.get("key"), part.get("name"), part.get("title"))
        value = first(part.get("value"), part.get("price"))
        told = [f"{label}: {value}"] if label and value else [text(part.get(name)) for name in _SHOWN]
        told.append("".join(_run(each) for each in _listed(part, "inlines")))
        yield from (each for each in map(str.strip, told) if each)
        waiting[:0] = [each for name in _NESTED for each in objects(part.get(name))[:_MOST]]


def _listed(part: Json, name: str) -> list[Any]:
    found = part.get(name)
    return found[:_MOST] if isinstance(found, list) else []


def _run(inline: Any) -> str:
    """Return the text of one piece of a ``RichTextBlock``."""
    return inline if isinstance(inline, str) else text(obj(inline).get("text"))

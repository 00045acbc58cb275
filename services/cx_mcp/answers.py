"""Make what a tool returns: words for the model, and ids for the program around it."""

from __future__ import annotations

from typing import NamedTuple

from cx_events.json_types import Json
from cx_mcp.customer_words import NOTICE, quoted
from cx_mcp.hub_api import HubAnswer

LONGEST = 12_000
"""Characters of one answer: some 3,000 tokens."""


class ToolAnswer(NamedTuple):
    """``text``: what the model reads. ``ids``: ids and cursors, no personal data. ``refused``: the tool did nothing."""

    text: str
    ids: Json
    refused: bool = False


def lines_answer(lines: list[str], ids: Json) -> ToolAnswer:
    """Return an answer of lines, cut after whole ones, with the notice on foreign text first."""
    kept: list[str] = []
    left = LONGEST - len(NOTICE)
    for at, line in enumerate(lines):
        left -= len(line) + 1
        if left < 0:
            kept.append(f"({len(lines) - at} more lines were left out; ask for less, or for one conversation.)")
            break
        kept.append(line)
    return ToolAnswer("\n".join([NOTICE, "", *kept]), ids)


def refusal(answer: HubAnswer) -> ToolAnswer:
    """Return what the hub refused, and what can be done instead."""
    problem = answer.body
    reason, detail = str(problem.get("reason", answer.status)), str(problem.get("detail", ""))
    lines = [f"Refused ({reason}): {quoted(detail)}"]
    ids: Json = {"reason": reason}
    if reason == "not-assured":
        lines.append(_NOT_ASSURED)
        conversation = problem.get("conversation")
        if conversation:
            ids["conversation"] = conversation
            lines.append(f"Conversation {conversation} can be handed over all the same.")
    candidates = problem.get("candidates")
    if isinstance(candidates, list) and candidates:
        ids["candidates"] = [each.get("customer") for each in candidates[:20]]
        lines.append("Who may be meant: " + ", ".join(str(each) for each in ids["candidates"]) + ".")
    return ToolAnswer("\n".join(lines), ids, refused=True)


_NOT_ASSURED = (
    "It is not sure enough who is there, so nothing of the customer may be told or used. Ask the customer to log in, "
    "or for the code of an earlier contact (continue_conversation); or hand over to a person (request_handoff)."
)

"""Tell whose words an event holds."""

from __future__ import annotations

from cx_context.parts.values import TEXT_KEPT
from cx_events.envelope import Data, TranscriptLine

BUSINESS_ROLES = frozenset({"agent", "bot", "business"})

RECEIVED = "cx.message.received.v1"
SENT = "cx.message.sent.v1"
BOT_TURN = "cx.bot.turn.v1"


def speaker(type: str, data: Data) -> str:
    """Return the role of who wrote a message.

    The direction decides. Where there is none, the type does: ``received`` is what a customer wrote, unless only
    others take part; ``sent`` and a bot's turn are what the business wrote. Of the other types the first participant
    counts, and with nobody named nobody is known to have written. What a machine wrote by itself (an out-of-office
    note, a bounce) and what is internal is nobody's: ``system``.
    """
    direction = data.direction
    if direction == "internal" or (data.message is not None and data.message.automatic):
        return "system"
    if direction == "inbound":
        return "customer"
    participants = data.participants
    if direction == "outbound" or type in (SENT, BOT_TURN):
        return _business_role(data) or ("bot" if data.bot is not None else "agent")
    if type == RECEIVED and (not participants or any(one.role == "customer" for one in participants)):
        return "customer"
    return participants[0].role if participants else "system"


def _business_role(data: Data) -> str | None:
    """Return the role of the first participant who belongs to the business."""
    return next((one.role for one in data.participants if one.role in BUSINESS_ROLES), None)


def author(type: str, data: Data) -> str | None:
    """Return the role of whose words or act an entry is: of a message its writer, of a bot's turn the bot, of a request
    for a handoff who asks, else the first participant; None where nobody is named."""
    if data.message is not None:
        return speaker(type, data)
    if type == BOT_TURN:
        return _business_role(data) or "bot"
    if data.participants:
        return data.participants[0].role
    return data.handoff.by or None if data.handoff is not None else None


def speaker_of_line(line: TranscriptLine, data: Data) -> str:
    """Return the role of who spoke a line of a transcript.

    A line without a role is the customer's only where nobody else takes part (a voice mail); else nobody knows.
    """
    if line.role in BUSINESS_ROLES or line.role == "customer":
        return line.role
    alone = bool(data.participants) and all(one.role == "customer" for one in data.participants)
    return "customer" if not line.role and alone else "system"


def may_be_customers(data: Data) -> bool:
    """Return whether what was found of a contact may be of the customer's words: nothing says that it is of others'."""
    if data.direction in ("outbound", "internal"):
        return False
    return not data.participants or any(one.role == "customer" for one in data.participants)


def name_of_role(data: Data, role: str) -> str:
    """Return the name of the first participant of a role, for an agent also that of the agent at work; "" of none."""
    for participant in data.participants:
        if participant.role == role:
            return participant.name[:TEXT_KEPT]
    if role == "agent" and data.agent is not None:
        return data.agent.name[:TEXT_KEPT]
    return ""

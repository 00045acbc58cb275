"""The conversations of a customer, and those in which the customer waits."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from msgspec import Raw

from cx_context.parts.model import Part
from cx_context.parts.places import order_of
from cx_context.sections.agents import Names, name_view, names_of
from cx_context.sections.assurance import ContactAssurance, Trust
from cx_context.sections.bots import bot_view
from cx_context.sections.contact_state import conversation_state, waiting_since
from cx_context.sections.handoffs import handoff_view
from cx_context.sections.messages import MESSAGES_SHOWN, first_words, messages_view
from cx_context.sections.references import references_view, tokens_view
from cx_context.sections.registers import latest_register
from cx_context.sections.rendering import ConversationView, Rendering
from cx_context.sections.vouchers import contact_assurances
from cx_context.threading.conversations import Conversation, JoinReason
from cx_events.ids import text_of
from cx_events.json_types import Json
from cx_events.timestamps import format_time

CONVERSATIONS_SHOWN = 20
MEMBERS_SHOWN = 50
CONVERSATION_ALIASES_SHOWN = 100


def view(of: Rendering) -> list[Json | Raw]:
    """Return ``conversations``: open ones first, those active last first."""
    return [of.view_of(each).summary for each in of.conversations[:CONVERSATIONS_SHOWN]]


def unresolved_view(of: Rendering) -> list[Json | Raw]:
    """Return ``unresolved``: the first open conversations in which the customer waits."""
    views = (of.unresolved_view(each) for each in of.open_conversations)
    return list(islice((one for one in views if one is not None), CONVERSATIONS_SHOWN))


def conversation_view(conversation: Conversation, trust: Trust) -> ConversationView:
    """Return a conversation as ``conversations`` and ``unresolved`` show it."""
    summary = conversation_summary(conversation, trust)
    return ConversationView(summary, _unresolved(summary) if summary["waiting_since"] is not None else None)


def conversation_summary(conversation: Conversation, trust: Trust) -> Json:
    """Return one conversation as the context shows it.

    ``verified``: what was proved in its contact that was active last, or came to that one by a token or a person's
    link.
    """
    members = conversation.members
    parts = [member.part for member in members]
    joined = list(zip(conversation.places, conversation.joined, strict=True))[-MEMBERS_SHOWN:]
    at_hand, *others = contact_assurances(
        conversation, [conversation.latest_place, *(place for place, _ in joined)], trust
    )
    summary = latest_register(parts, "summary")
    disposition = latest_register(parts, "disposition")
    state = conversation_state(parts)
    waits = [since for since in map(waiting_since, parts) if since is not None]
    names = names_of(parts)
    return {
        "id": text_of(conversation.id),
        "aliases": [text_of(alias) for alias in conversation.aliases[:CONVERSATION_ALIASES_SHOWN]],
        "topic": _topic(parts),
        "state": state,
        "channels": list(dict.fromkeys(part.channel[1] for part in parts if part.channel is not None)),
        "opened_at": format_time(members[0].start[0]),
        "last_at": format_time(max(member.last_activity for member in members)),
        "waiting_since": format_time(min(waits)) if waits and state == "open" else None,
        "summary": summary[1] if summary is not None else first_words(members),
        "messages": messages_view(members),
        "agent": name_view("agent", latest_register(parts, "agent"), names),
        "queue": name_view("queue", latest_register(parts, "queue"), names),
        "disposition": disposition[1] if disposition is not None else None,
        "notes": _notes(parts, names),
        "bot": bot_view(parts),
        "handoff": handoff_view(parts),
        "tokens": tokens_view(conversation.tokens),
        "references": references_view(parts),
        "verified": at_hand.proofs_view(trust.lifetimes),
        "joined": [_joined(why, assurance) for (_, why), assurance in zip(joined, others, strict=True)],
    }


def _topic(parts: Sequence[Part]) -> str | None:
    topics = [(order_of(part, part.topics[0][0]), part.topics[0][1]) for part in parts if part.topics]
    return max(topics)[1] if topics else None


def _notes(parts: Sequence[Part], names: Names) -> list[Json]:
    notes = sorted(((order_of(p, at), author, text) for p in parts for at, author, text in p.notes), reverse=True)
    return [
        {"time": format_time(order[0]), "agent": names.get(("agent", author), author) or None, "text": text}
        for order, author, text in notes[:MESSAGES_SHOWN]
    ]


def _joined(why: JoinReason, assurance: ContactAssurance) -> Json:
    return {
        "interaction": why.interaction,
        "rule": why.rule,
        "evidence": why.evidence or None,
        "confidence": why.confidence / 100,
        "level": assurance.level,
    }


def _unresolved(summary: Json) -> Json:
    return {
        "conversation": summary["id"],
        "topic": summary["topic"],
        "channels": summary["channels"],
        "since": summary["waiting_since"],
        "text": next((m["text"] for m in summary["messages"] if m["role"] == "customer"), None),
    }

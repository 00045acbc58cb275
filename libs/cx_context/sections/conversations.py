"""Show the conversations of a customer, and those in which the customer waits."""

from __future__ import annotations

from msgspec import Raw

from cx_context.sections.acts import ACTS, acts_view
from cx_context.sections.agents import NAME, name_view
from cx_context.sections.assurance import ContactAssurance, Trust
from cx_context.sections.bots import BOT, bot_view
from cx_context.sections.conversation_facts import ConversationFacts
from cx_context.sections.excerpts import excerpt_of
from cx_context.sections.handoff_acceptances import latest_agent
from cx_context.sections.handoff_requests import handoffs_view
from cx_context.sections.join_fields import THREADING
from cx_context.sections.messages import MESSAGE, first_words, messages_view
from cx_context.sections.notes import NOTE, notes_view
from cx_context.sections.references import REFERENCE, references_view, tokens_view
from cx_context.sections.registers import latest_register
from cx_context.sections.section import Section, made_of
from cx_context.sections.section_inputs import ConversationView, Rendering
from cx_context.sections.unresolved import unresolved_conversation
from cx_context.sections.vouching_facts import contact_assurances
from cx_context.threading.conversations import Conversation, JoinReason
from cx_events.ids import text_of
from cx_events.json_types import Json
from cx_events.schema_shapes import (
    ID,
    SHARE,
    TEXT,
    TEXT_OR_NONE,
    TIME,
    TIME_OR_NONE,
    array,
    members,
    named,
    or_none,
    ref,
)
from cx_events.timestamps import format_time

CONVERSATIONS_SHOWN = 20
MEMBERS_SHOWN = 50
CONVERSATION_ALIASES_SHOWN = 100


def view(of: Rendering) -> list[Json | Raw]:
    """Return ``conversations``: open ones first, those active last first."""
    return [of.view_of(each).summary for each in of.conversations[:CONVERSATIONS_SHOWN]]


def conversation_view(conversation: Conversation, trust: Trust) -> ConversationView:
    """Return a conversation as ``conversations`` and ``unresolved`` show it, and what ``glance`` takes from it."""
    facts = ConversationFacts(conversation, trust)
    summary = _summary(facts)
    waiting = unresolved_conversation(summary) if summary["waiting_since"] is not None else None
    return ConversationView(summary, waiting, excerpt_of(facts, summary))


def conversation_summary(conversation: Conversation, trust: Trust) -> Json:
    """Return one conversation as the context shows it.

    ``verified``: what was proved in its contact that was active last, or came to that one by a token or a person's
    link.
    """
    return _summary(ConversationFacts(conversation, trust))


def _summary(facts: ConversationFacts) -> Json:
    conversation, trust, members, parts = facts.conversation, facts.trust, facts.members, facts.parts
    joined = list(zip(conversation.places, conversation.joined, strict=True))[-MEMBERS_SHOWN:]
    at_hand, *others = contact_assurances(
        conversation, [conversation.latest_place, *(place for place, _ in joined)], trust
    )
    summary = latest_register(parts, "summary")
    disposition = latest_register(parts, "disposition")
    since, names = facts.waiting_since, facts.names
    return {
        "id": text_of(conversation.id),
        "aliases": [text_of(alias) for alias in conversation.aliases[:CONVERSATION_ALIASES_SHOWN]],
        "topic": facts.topic[1] if facts.topic is not None else None,
        "state": "open" if facts.is_open else "resolved",
        "channels": list(dict.fromkeys(part.channel[1] for part in parts if part.channel is not None)),
        "opened_at": format_time(members[0].start[0]),
        "last_at": format_time(max(member.last_activity for member in members)),
        "waiting_since": format_time(since) if since is not None and facts.is_open else None,
        "summary": summary[1] if summary is not None else first_words(facts.said),
        "messages": messages_view(facts.said),
        "agent": name_view("agent", latest_agent(parts), names),
        "queue": name_view("queue", latest_register(parts, "queue"), names),
        **acts_view(parts, names, is_open=facts.is_open),
        "disposition": disposition[1] if disposition is not None else None,
        "notes": notes_view(parts, names),
        "bot": bot_view(parts),
        **handoffs_view(facts.requests, conversation),
        "tokens": tokens_view(conversation.tokens),
        "references": references_view(parts),
        "verified": at_hand.proofs_view(trust.lifetimes),
        "joined": [_joined(why, assurance) for (_, why), assurance in zip(joined, others, strict=True)],
    }


def _joined(why: JoinReason, assurance: ContactAssurance) -> Json:
    return {
        "interaction": why.interaction,
        "rule": why.rule,
        "evidence": why.evidence or None,
        "confidence": why.confidence / 100,
        "level": assurance.level,
    }


_JOIN = named(
    "ConversationJoin",
    {"interaction": TEXT, "rule": TEXT, "evidence": TEXT_OR_NONE, "confidence": SHARE, "level": ref("Level")},
)

CONVERSATION = members(
    {
        "id": ID,
        "aliases": array(ID),
        "topic": TEXT_OR_NONE,
        "state": {"enum": ["open", "resolved"]},
        "channels": array(TEXT),
        "opened_at": TIME,
        "last_at": TIME,
        "waiting_since": TIME_OR_NONE,
        "summary": TEXT_OR_NONE,
        "messages": array(MESSAGE),
        "agent": NAME,
        "queue": NAME,
        **ACTS,
        "disposition": TEXT_OR_NONE,
        "notes": array(NOTE),
        "bot": BOT,
        "handoff": or_none(ref("Handover")),
        "other_handoffs": {**array(ref("Handover")), "description": "Other contacts' requests, open ones first."},
        "tokens": array(ref("IssuedToken")),
        "references": array(REFERENCE),
        "verified": array(ref("Proof")),
        "joined": array(_JOIN),
    }
)
"""The schema of ``conversation_summary``."""

_JOINED = "interactions joined by a person, a reference, the same matter in time"

SECTION = Section(
    schema=array(ref("Conversation")),
    components={"Conversation": CONVERSATION},
    provenance={
        ("conversations",): made_of(_JOINED, *THREADING, threaded=True),
        ("conversations", "*", "id"): made_of("the part id that was recorded first", *THREADING, threaded=True),
        ("conversations", "*", "aliases"): made_of(
            "the other part ids by which it was known", *THREADING, threaded=True
        ),
        ("conversations", "*", "channels"): made_of(
            "its interactions' channels, by start", "channel", *THREADING, threaded=True
        ),
        ("conversations", "*", "opened_at"): made_of(
            "the first event of its first interaction", *THREADING, threaded=True
        ),
        ("conversations", "*", "last_at"): made_of("its latest counted event", "last", *THREADING, threaded=True),
    },
)

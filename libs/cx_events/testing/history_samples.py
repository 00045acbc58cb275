"""List events of all types that random histories pick from. An event that simply happens is added to ``OTHERS``."""

from __future__ import annotations

from cx_events.continuity_tokens import ISSUED, REDEEMED
from cx_events.json_types import Json
from cx_events.testing.history_steps import AGENTS, QUEUES, TOKENS, EventStep, Step

LIFE_CYCLE: tuple[tuple[str, Json], ...] = (
    ("cx.interaction.started.v1", {}),
    ("cx.interaction.ended.v1", {}),
    ("cx.interaction.started.v1", {"references": [{"kind": "order", "value": "4711"}]}),
    ("cx.interaction.started.v1", {"references": [{"kind": "token", "value": "t-1"}]}),
    ("cx.interaction.started.v1", {"references": [{"kind": "token", "value": TOKENS[0]}]}),
    ("cx.call.dtmf.v1", {"digits": "1", "references": [{"kind": "token", "value": TOKENS[1]}]}),
    ("cx.interaction.queued.v1", {"queue": QUEUES[0]}),
    ("cx.interaction.routed.v1", {"queue": QUEUES[1]}),
    ("cx.interaction.answered.v1", {"agent": AGENTS[0]}),
    ("cx.interaction.answered.v1", {"agent": AGENTS[1]}),
    ("cx.interaction.held.v1", {}),
    ("cx.interaction.resumed.v1", {}),
    ("cx.interaction.transferred.v1", {"transfer": {"to": "sales", "queue": QUEUES[1]}}),
    ("cx.interaction.transferred.v1", {"references": [{"kind": "call", "value": "call-1"}]}),
    ("cx.interaction.abandoned.v1", {"duration_ms": 4000}),
    ("cx.interaction.ended.v1", {"reason": "hung up"}),
)


def _about_message(id: str) -> Json:
    return {"references": [{"kind": "message", "value": id}]}


OTHERS: tuple[tuple[str, Json], ...] = (
    ("cx.message.delivered.v1", {"message": {"id": "m-1"}}),
    ("cx.message.read.v1", {}),
    ("cx.message.failed.v1", {"message": {"id": "m-2"}, "failure": {"code": "5.1.1", "message": "no such box"}}),
    ("cx.message.edited.v1", {"message": {"id": "m-1", "text": "charged three times"}}),
    ("cx.message.edited.v1", {"message": {"id": "m-1", "text": "charged once"}}),
    ("cx.message.deleted.v1", {"message": {"id": "m-2"}}),
    ("cx.media.stored.v1", {"message": {"id": "m-1", "attachments": [{"name": "a.pdf"}]}}),
    ("cx.message.reacted.v1", {"message": {"id": "m-1"}, "reaction": "👍"}),
    ("cx.call.dtmf.v1", {"digits": "42"}),
    ("cx.call.ivr_step.v1", {"step": "billing"}),
    ("cx.call.recording.v1", {"recording": {"id": "r-1", "duration_ms": 9000}}),
    ("cx.call.transcript.v1", {"transcript": [{"role": "customer", "text": "charged twice", "sentiment": -0.5}]}),
    ("cx.bot.turn.v1", {"bot": {"intent": "refund", "text": "Which order?"}}),
    ("cx.bot.intent.v1", {"bot": {"intent": "refund", "confidence": 0.5}}),
    ("cx.bot.slot.v1", {"bot": {"slots": {"order": "4711"}}}),
    ("cx.bot.slot.v1", {"bot": {"slots": {"order": "4712", "card": "visa"}}}),
    ("cx.bot.handoff_asked.v1", {"reason": "needs a person"}),
    ("cx.social.mention.v1", {"message": {"id": "m-1", "text": "has anybody a charge twice?"}}),
    ("cx.social.post.v1", {"message": {"id": "m-2", "text": "on the wall"}}),
    ("cx.social.comment.v1", {"message": {"id": "m-3", "text": "nobody answers", "in_reply_to": "m-1"}}),
    ("cx.social.review.v1", {"rating": 2.0, "message": {"id": "m-3", "text": "slow"}}),
    ("cx.handoff.requested.v1", {"handoff": {"to": "billing", "packet": {"order": "4711"}}}),
    ("cx.handoff.accepted.v1", {"agent": AGENTS[0]}),
    ("cx.handoff.accepted.v1", {"agent": AGENTS[1]}),
    ("cx.handoff.declined.v1", {"agent": AGENTS[0], "reason": "busy"}),
    ("cx.handoff.context_shown.v1", {"agent": AGENTS[0]}),
    ("cx.consent.changed.v1", {"consent": {"purpose": "marketing", "granted": True}}),
    ("cx.consent.changed.v1", {"consent": {"purpose": "marketing", "granted": False}}),
    ("cx.preference.changed.v1", {"preferences": {"language": "en"}}),
    ("cx.preference.changed.v1", {"preferences": {"language": "de", "contact_by": "email"}}),
    ("cx.survey.answered.v1", {"survey": {"metric": "nps", "score": 9}}),
    ("cx.survey.answered.v1", {"survey": {"metric": "csat", "score": 2.5, "comment": "slow"}}),
    ("cx.insight.found.v1", {"insight": {"producer": "acme-mood", "version": "1", "sentiment": -0.5}}),
    (
        "cx.insight.found.v1",
        {**_about_message("m-1"), "insight": {"producer": "acme-mood", "version": "1", "sentiment": 1}},
    ),
    (
        "cx.insight.found.v1",
        {**_about_message("m-2"), "insight": {"producer": "other", "version": "1", "sentiment": -1}},
    ),
    ("cx.message.deleted.v1", {"message": {"id": "m-1"}}),
    ("cx.interaction.started.v1", {"channel": "crm", "direction": "inbound"}),
    ("cx.interaction.answered.v1", {"agent": {"id": "agent-1"}}),
    ("cx.handoff.requested.v1", {"reason": "angry"}),
    ("cx.insight.found.v1", {"insight": {"producer": "acme-mood", "version": "2", "sentiment": 0.25, "topic": "bill"}}),
    ("cx.customer.attributes_changed.v1", {"attributes": {"tier": "gold"}}),
    ("cx.customer.attributes_changed.v1", {"attributes": {"tier": None, "city": "Springfield"}}),
    ("cx.customer.order_placed.v1", {"references": [{"kind": "order", "value": "4711"}]}),
    ("cx.customer.fact.v1", {"note": "charged twice"}),
    ("acme.custom.thing", {"note": "what we don't know"}),
)


DECISION_TYPES = (
    "cx.identity.merged.v1",
    "cx.identity.merged.v1",
    "cx.identity.unmerged.v1",
    "cx.identity.apart",
    "cx.identity.attributed.v1",
    "cx.identity.candidate_dismissed.v1",
    "cx.identity.rules_changed.v1",
    "cx.conversation.linked.v1",
    "cx.conversation.split.v1",
    ISSUED,
    ISSUED,
    REDEEMED,
    "cx.conversation.topic.v1",
    "cx.conversation.note.v1",
    "cx.conversation.disposition.v1",
    "cx.conversation.resolved.v1",
    "cx.conversation.reopened.v1",
    "cx.conversation.promised.v1",
    "cx.conversation.assigned.v1",
    "cx.conversation.unassigned.v1",
    "cx.conversation.snoozed.v1",
    "cx.conversation.undone.v1",
)

LINK_TYPES = ("cx.identity.asserted.v1", "cx.identity.verified.v1", "cx.customer.fact.v1")

TYPES = frozenset(
    (
        "cx.message.received.v1",
        "cx.message.sent.v1",
        *(type for type, _ in (*LIFE_CYCLE, *OTHERS)),
        *LINK_TYPES,
        *DECISION_TYPES,
    )
)
"""Every type that a history may hold."""


def _written(text: str, *who: int, contact: int, at: int, weight: str = "claimed") -> Step:
    fields: Json = {"direction": "inbound", "message": {"id": f"m-{text}", "text": text}}
    return EventStep(type="cx.message.received.v1", fields=fields, who=who, weights=(weight,), contact=contact, at=at)


_CALL = EventStep(type="cx.interaction.started.v1", fields={"direction": "inbound"}, who=(2,), contact=1, at=2)
_FAMILY = (_written("Hello", 0, 2, contact=0, at=0), _written("Dear all", 4, 2, contact=2, at=1), _CALL)
_CRM_PAIR = (
    _written("Hello", 3, 0, contact=0, at=0, weight="asserted"),
    _written("Hi", 7, 4, contact=2, at=1, weight="asserted"),
    _written("It is me", 0, 5, contact=4, at=2),
    _written("No, me", 4, 5, contact=4, at=3),
)
_CHAIN = (
    _written("I am Ana", 0, 1, contact=0, at=0),
    _written("I am Ben", 1, 4, contact=0, at=1),
    _written("or he is", 4, 5, contact=4, at=2),
    _written("somebody else", 5, 12, contact=4, at=3),
)
_LOGINS = (
    _written("logged in", 10, 0, contact=0, at=0),
    _written("indeed", 10, contact=0, at=5, weight="proved"),
    _written("the CRM knows", 3, 1, contact=2, at=1, weight="asserted"),
)
OPENINGS: tuple[tuple[Step, ...], ...] = ((), (), _FAMILY, _CRM_PAIR, _CHAIN, _LOGINS)
"""First steps of a history, for cases that random steps rarely produce.

Two people with one telephone, from which somebody calls; two customers of a CRM who share a cookie; claims that chain
addresses; an account that is typed before its first login.
"""

"""An event into its part: what each type means for the context.

``apply`` adds a fact to a part in place. It is commutative and associative with ``combine.merge``: the part of a set of
facts is the same whatever the order, provided that each fact is added once. The hot path of the projector: no copying,
no look-ups that a typical event does not need.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from cx_context.combine import keep_latest, later, later_register
from cx_context.model import (
    EDITS_KEPT,
    KEYS_KEPT,
    NOTES_KEPT,
    REFERENCES_KEPT,
    SAID_KEPT,
    SENTIMENTS_KEPT,
    TEXT_KEPT,
    TURNS_KEPT,
    At,
    Part,
)
from cx_events.catalogue import catalogue
from cx_events.envelope import Data
from cx_events.facts import Fact

BUSINESS_ROLES = frozenset({"agent", "bot", "business"})


def new_part(fact: Fact) -> Part:
    """The part of this fact alone."""
    part = Part(interaction=fact.event.data.interaction, first_recorded=fact.recorded)
    apply(part, fact)
    return part


def apply(part: Part, fact: Fact) -> None:
    """Add a fact to the part of its home and interaction."""
    event = fact.event
    data = event.data
    at = (fact.effective, fact.sequence, fact.recorded, event.source, event.id)
    part.facts += 1
    part.first_recorded = min(part.first_recorded, fact.recorded)
    if is_counted(event.type):
        _count(part, data, at)
    handler = _HANDLERS.get(event.type)
    if handler is not None:
        handler(part, data, at)
    _common(part, data, at)


def is_counted(event_type: str) -> bool:
    """Decisions and insights are facts about facts; they are not counted as events of the customer."""
    known = catalogue().get(event_type)
    return known is None or known.kind == "interaction"


def makes_part(event_type: str) -> bool:
    """Identity decisions say who is who, not what happened: they are in no part, so withdrawn they leave no trace."""
    return not event_type.startswith("cx.identity.") or event_type.endswith((".asserted.v1", ".verified.v1"))


def speaker(data: Data) -> str:
    """Whose words a message holds: the first participant's role where the direction does not tell otherwise.

    What a machine wrote by itself (an out-of-office note, a bounce) and what is internal is nobody's: ``system``.
    """
    if data.direction == "internal" or (data.message is not None and data.message.automatic):
        return "system"
    if data.direction == "inbound":
        return "customer"
    for participant in data.participants:
        if participant.role in BUSINESS_ROLES and data.direction == "outbound":
            return participant.role
    if data.direction == "outbound":
        return "bot" if data.bot is not None else "agent"
    return data.participants[0].role if data.participants else "system"


def _count(part: Part, data: Data, at: At) -> None:
    part.events += 1
    channel = data.channel
    if channel is not None:
        part.channels[channel] = part.channels.get(channel, 0) + 1
        part.channel = later_register(part.channel, (at, channel))
    if part.first is None or at < part.first:
        part.first = at
        if data.direction is not None:
            part.direction = (at, data.direction)
    elif data.direction is not None and (part.direction is None or at < part.direction[0]):
        part.direction = (at, data.direction)
    if part.last is None or at > part.last:
        part.last = at


def _common(part: Part, data: Data, at: At) -> None:
    """What any event may tell besides its own matter."""
    for participant in data.participants:
        if participant.role == "customer":
            if participant.name:
                part.name = later_register(part.name, (at, participant.name[:TEXT_KEPT]))
            for identifier in participant.identifiers:
                if identifier.verified and not identifier.unusable:
                    key = f"{identifier.kind}\n{identifier.scope}\n{identifier.value}"
                    part.verified[key] = max(at, part.verified.get(key, at))
            break
    if data.references:
        add_references(part, [(r.kind, r.value[:TEXT_KEPT]) for r in data.references])
    if data.agent is not None:
        part.agent = later_register(part.agent, (at, [data.agent.id, data.agent.name]))
    if data.queue is not None:
        part.queue = later_register(part.queue, (at, [data.queue.id, data.queue.name]))
    if data.attributes:
        _write(part.attributes, data.attributes, at)
    if data.preferences:
        _write(part.preferences, data.preferences, at)
    if data.bot is not None:
        _bot(part, data, at)
    if data.insight is not None:
        _insight(part, data, at)


def add_references(part: Part, references: list[tuple[str, str]]) -> None:
    """Union; of too many the least stay, which is the same set in any order."""
    known = part.references
    if all(reference in known for reference in references):
        return
    part.references = sorted({*known, *references})[:REFERENCES_KEPT]


def _write(registers: dict[str, Any], values: Mapping[str, Any], at: At) -> None:
    for key, value in values.items():
        old = registers.get(key)
        if old is None or at > old[0]:
            registers[key] = (at, value)
    if len(registers) > KEYS_KEPT:
        for key, _ in sorted(registers.items(), key=lambda item: (item[1][0], item[0]))[: len(registers) - KEYS_KEPT]:
            del registers[key]


def _bot(part: Part, data: Data, at: At) -> None:
    bot = data.bot
    assert bot is not None
    if bot.intent or bot.text:
        part.turns = keep_latest(part.turns, (at, bot.intent, bot.text[:TEXT_KEPT]), TURNS_KEPT)
    if bot.slots:
        _write(part.slots, bot.slots, at)


def _insight(part: Part, data: Data, at: At) -> None:
    insight = data.insight
    assert insight is not None
    if insight.sentiment is not None:
        score = (at, round(insight.sentiment * 1000), f"{insight.producer}/{insight.version}")
        part.sentiment = keep_latest(part.sentiment, score, SENTIMENTS_KEPT)
    if insight.topic:
        part.topic = later_register(part.topic, (at, insight.topic[:TEXT_KEPT]))
    if insight.summary:
        part.summary = later_register(part.summary, (at, insight.summary[: 2 * TEXT_KEPT]))


def _message(part: Part, data: Data, at: At) -> None:
    message = data.message
    if message is None:
        return
    part.messages += 1
    role = speaker(data)
    _say(part, at, role, _name_of(data, role), message.text, message.id)


def _say(part: Part, at: At, role: str, name: str, text: str, message_id: str) -> None:
    part.said = keep_latest(part.said, (at, role, name, text[:TEXT_KEPT], message_id), SAID_KEPT)
    if role == "customer":
        part.customer_spoke = later(part.customer_spoke, at)
    elif role in BUSINESS_ROLES:
        part.business_spoke = later(part.business_spoke, at)


def _name_of(data: Data, role: str) -> str:
    for participant in data.participants:
        if participant.role == role:
            return participant.name[:TEXT_KEPT]
    if role == "agent" and data.agent is not None:
        return data.agent.name
    return ""


def _social(part: Part, data: Data, at: At) -> None:
    _message(part, data, at)


def _edited(part: Part, data: Data, at: At) -> None:
    if data.message is not None and data.message.id:
        _edit(part, data.message.id, data.message.text[:TEXT_KEPT], at)


def _deleted(part: Part, data: Data, at: At) -> None:
    if data.message is not None and data.message.id:
        _edit(part, data.message.id, None, at)


def _edit(part: Part, message_id: str, text: str | None, at: At) -> None:
    old = part.edits.get(message_id)
    if old is None or at > old[0]:
        part.edits[message_id] = (at, text)
    if len(part.edits) > EDITS_KEPT:
        del part.edits[min(part.edits.items(), key=lambda item: (item[1][0], item[0]))[0]]


def _transcript(part: Part, data: Data, at: At) -> None:
    for index, line in enumerate(data.transcript):
        place = (at[0], at[1], at[2], at[3], f"{at[4]}#{index:04d}")
        role = line.role if line.role in BUSINESS_ROLES else "customer" if line.role in ("", "customer") else "system"
        _say(part, place, role, "", line.text, "")
        if line.sentiment is not None:
            score = (place, round(line.sentiment * 1000), "transcript")
            part.sentiment = keep_latest(part.sentiment, score, SENTIMENTS_KEPT)


def _started(part: Part, data: Data, at: At) -> None:
    if data.direction == "inbound":
        part.customer_spoke = later(part.customer_spoke, at)


def _queued(part: Part, data: Data, at: At) -> None:
    part.queued = later(part.queued, at)


def _answered(part: Part, data: Data, at: At) -> None:
    part.answered = later(part.answered, at)


def _ended(part: Part, data: Data, at: At) -> None:
    part.ended = later_register(part.ended, (at, data.reason[:TEXT_KEPT]))


def _abandoned(part: Part, data: Data, at: At) -> None:
    part.ended = later_register(part.ended, (at, data.reason[:TEXT_KEPT] or "abandoned"))


def _resumed(part: Part, data: Data, at: At) -> None:
    part.resumed = later(part.resumed, at)


def _topic(part: Part, data: Data, at: At) -> None:
    part.topic = later_register(part.topic, (at, data.topic[:TEXT_KEPT]))


def _disposition(part: Part, data: Data, at: At) -> None:
    part.disposition = later_register(part.disposition, (at, data.disposition[:TEXT_KEPT]))


def _note(part: Part, data: Data, at: At) -> None:
    author = (data.agent.name or data.agent.id) if data.agent is not None else ""
    part.notes = keep_latest(part.notes, (at, author, data.note[:TEXT_KEPT]), NOTES_KEPT)


def _resolved(part: Part, data: Data, at: At) -> None:
    part.resolved = later_register(part.resolved, (at, data.reason[:TEXT_KEPT] or data.disposition[:TEXT_KEPT]))


def _reopened(part: Part, data: Data, at: At) -> None:
    part.reopened = later(part.reopened, at)


def _linked(part: Part, data: Data, at: At) -> None:
    if data.conversation is not None and data.conversation.other:
        other = data.conversation.other
        part.links[other] = max(at, part.links.get(other, at))


def _split(part: Part, data: Data, at: At) -> None:
    part.split = later(part.split, at)


def _handoff(part: Part, data: Data, at: At) -> None:
    to = data.handoff.to if data.handoff is not None else ""
    part.handoff = later_register(part.handoff, (at, [to, data.reason[:TEXT_KEPT]]))


def _accepted(part: Part, data: Data, at: At) -> None:
    agent = data.agent
    part.accepted = later_register(part.accepted, (at, [agent.id, agent.name] if agent is not None else ["", ""]))


def _shown(part: Part, data: Data, at: At) -> None:
    part.shown = later_register(part.shown, (at, data.agent.id if data.agent is not None else ""))


def _consent(part: Part, data: Data, at: At) -> None:
    if data.consent is not None:
        _write(part.consent, {f"{data.consent.purpose}\n{data.consent.channel}": data.consent.granted}, at)


def _survey(part: Part, data: Data, at: At) -> None:
    if data.survey is not None:
        answer = (at, data.survey.metric, round(data.survey.score * 1000), data.survey.comment[:TEXT_KEPT])
        part.surveys = keep_latest(part.surveys, answer, NOTES_KEPT)


Handler = Callable[[Part, Data, At], None]

_HANDLERS: Mapping[str, Handler] = MappingProxyType(
    {
        "cx.interaction.started.v1": _started,
        "cx.interaction.queued.v1": _queued,
        "cx.interaction.answered.v1": _answered,
        "cx.interaction.ended.v1": _ended,
        "cx.interaction.abandoned.v1": _abandoned,
        "cx.interaction.resumed.v1": _resumed,
        "cx.message.received.v1": _message,
        "cx.message.sent.v1": _message,
        "cx.message.edited.v1": _edited,
        "cx.message.deleted.v1": _deleted,
        "cx.call.transcript.v1": _transcript,
        "cx.bot.handoff_asked.v1": _handoff,
        "cx.social.mention.v1": _social,
        "cx.social.post.v1": _social,
        "cx.social.comment.v1": _social,
        "cx.social.review.v1": _social,
        "cx.conversation.linked.v1": _linked,
        "cx.conversation.split.v1": _split,
        "cx.conversation.topic.v1": _topic,
        "cx.conversation.note.v1": _note,
        "cx.conversation.disposition.v1": _disposition,
        "cx.conversation.resolved.v1": _resolved,
        "cx.conversation.reopened.v1": _reopened,
        "cx.handoff.requested.v1": _handoff,
        "cx.handoff.accepted.v1": _accepted,
        "cx.handoff.context_shown.v1": _shown,
        "cx.consent.changed.v1": _consent,
        "cx.survey.answered.v1": _survey,
    }
)

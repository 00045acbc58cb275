"""An event into its part: what each type means for the context.

``apply`` adds a fact to a part in place. It is commutative and associative with ``combine.merge``: the part of a set of
facts is the same whatever the order, provided that each fact is added once. The hot path of the projector: no copying,
no look-ups that a typical event does not need.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import msgspec

from cx_context.parts.merge import keep_greatest, keep_latest, later, later_register, weight_and_rank
from cx_context.parts.model import (
    AGENTS_KEPT,
    DELETIONS_KEPT,
    EDITS_KEPT,
    NAMES_KEPT,
    NOTES_KEPT,
    OTHERS_KEPT,
    TOPICS_KEPT,
    TURNS_KEPT,
    USES_KEPT,
    WRITTEN_KEPT,
    Part,
)
from cx_context.parts.speakers import BUSINESS_ROLES, RECEIVED, SENT, speaker, speaker_of_line
from cx_context.parts.values import (
    KEYS_KEPT,
    NAMED_KEPT,
    REFERENCES_KEPT,
    SAID_KEPT,
    TEXT_KEPT,
    At,
    Register,
    hash_name,
    shorten_name,
)
from cx_context.sections import consents, sentiment
from cx_context.sections.assurance import BY_CHANNEL, UNNAMED
from cx_context.sections.attachments import kept_attachments
from cx_context.sections.members import key_of
from cx_context.sections.sentiment import SENTIMENT_RANGE, thousandths
from cx_events.activity import ACTIVITY_TYPES, SECOND, WRITTEN_TYPES, is_endless, needs_own_part
from cx_events.catalogue import catalogue
from cx_events.envelope import Data, Event, Handoff, Identifier, Named, Reference
from cx_events.facts import Fact
from cx_events.timestamps import Micros
from cx_events.tokens import ISSUED, KIND, REDEEMED, is_token_id
from cx_events.weights import ASSERTED, ASSERTED_TYPE, PROVED, VERIFIED_TYPE, WEIGHT_RANKS, weight_of, weight_rank

SHOWN = "cx.handoff.context_shown.v1"
"""Its agent has read, and dealt with nobody yet."""

SCORE_RANGE = 1000.0
"""Beyond any survey's scale; a float of 1e300 in thousandths is an integer that no store holds."""

VALUE_BYTES_KEPT = 2000
VALUE_DEPTH_KEPT = 16
UNSHOWN = "(too large to be shown)"
"""Stands for a client's value that a part can't hold; the whole stands in the stored event."""

LIFETIME_MOST = 10 * 366 * 86_400
"""Seconds. What a client says beyond that is no lifetime, and a time past the year 9999 can't be written."""

_INT64 = range(-(1 << 63), 1 << 63)
_encode = msgspec.msgpack.Encoder().encode


def new_part(fact: Fact) -> Part:
    """The part of this fact alone."""
    part = Part(
        interaction=fact.event.data.interaction,
        side=fact.side_id,
        identifier=key_of(fact.identifier) if fact.identifier is not None else "",
        weight=fact.weight,
        about=_about(fact),
        first_recorded=fact.recorded,
        last_recorded=fact.recorded,
        since=fact.effective,
        until=fact.effective,
    )
    apply(part, fact)
    return part


def _about(fact: Fact) -> str | None:
    """See ``Part.about``. Who presents a token names the thread of its issue, which is not the contact meant here."""
    data = fact.event.data
    if not data.interaction or not needs_own_part(fact.event):
        return None
    return data.conversation.id if data.conversation is not None and fact.event.type != REDEEMED else ""


def apply(part: Part, fact: Fact) -> None:
    """Add a fact to the part of its part id.

    Raises for a fact of which ``new_part`` raises, whatever the part holds: what is made of an event is made before the
    part is asked whether it is needed (``foldable`` relies on it). The part is then half changed.
    """
    event = fact.event
    data = event.data
    recorded = fact.recorded
    at = (fact.effective, fact.sequence, recorded, event.source, event.id)
    part.facts += 1
    if recorded > part.last_recorded:
        part.last_recorded = recorded
    elif recorded < part.first_recorded:
        part.first_recorded = recorded
    if at[0] > part.until:
        part.until = at[0]
    elif at[0] < part.since:
        part.since = at[0]
    type = event.type
    happens = happens_in_contact(type, data)
    if type not in _NOT_COUNTED:
        _count(part, data, at, happens)
    if type in ACTIVITY_TYPES and data.interaction and happens:
        _mark(part, at[0])
        if is_endless(event):
            _endless(part, data, at[0])
    handler = HANDLERS.get(type)
    if handler is not None:
        handler(part, data, at)
        if data.message is not None and data.message.attachments and type in _SPEECH:
            # Of all that is said the latest is kept, so of the latest that is said with a file nothing is missing.
            part.files = keep_latest(part.files, kept_attachments(at, fact.key, data.message.attachments), SAID_KEPT)
    elif type == consents.CHANGED:
        consents.add(part, event, at)
    if not type.startswith(_ABOUT_CUSTOMERS):
        _deal(part, data, at, deals=type != SHOWN)
    if data.insight is not None:
        sentiment.add_insight(part, type, data, at, writes=type in _SPEECH)
    people = fact.customer_identifiers
    names = data.links or len(people) > 1 or (people and fact.weight < _CLAIMED)
    # What a CRM says of whom it looked up for a contact says nothing of who is there: somebody typed that address.
    if names and not (data.interaction and type.startswith(_ABOUT_CUSTOMERS)):
        _name(part, event, people, at)
    _common(part, data, at)


_ABOUT_CUSTOMERS = "cx.customer."
"""What other systems know about a customer happened in no contact."""

_SPEECH = frozenset(
    {*WRITTEN_TYPES, "cx.social.mention.v1", "cx.social.post.v1", "cx.social.comment.v1", "cx.social.review.v1"}
)


def happens_in_contact(type: str, data: Data) -> bool:
    """Return whether an event is part of a contact, rather than what a CRM or a shop tells about the customer.

    Nobody waits for what a CRM writes down: of the channel ``crm`` only messages make a contact. What does not
    happen in one is counted and stands on the timeline, but moves no conversation's beginning, end or channel.
    """
    return not type.startswith(_ABOUT_CUSTOMERS) and (data.channel != "crm" or type in WRITTEN_TYPES)


_NOT_COUNTED = frozenset(name for name, known in catalogue().items() if known.kind != "interaction")
"""Decisions and insights are facts about facts; they are not counted as events of the customer."""


def unusable(data: Data) -> str:
    """What of an event is skipped by the fold, as a sentence; nothing where all can be used. Raises nothing."""
    if not data.transcript and data.insight is None and data.survey is None:
        return ""
    sentiments = [line.sentiment for line in data.transcript]
    if data.insight is not None:
        sentiments.append(data.insight.sentiment)
    if any(score is not None and thousandths(score, SENTIMENT_RANGE) is None for score in sentiments):
        return "a sentiment is not within -1 to 1"
    if data.survey is not None and thousandths(data.survey.score, SCORE_RANGE) is None:
        return f"data.survey.score is not within -{SCORE_RANGE:.0f} to {SCORE_RANGE:.0f}"
    return ""


def _count(part: Part, data: Data, at: At, happens: bool) -> None:
    """``happens``: see ``happens_in_contact``."""
    part.events += 1
    channel = data.channel
    if channel is not None:
        part.channels[channel] = part.channels.get(channel, 0) + 1
    if not happens:
        return
    if channel is not None and (part.channel is None or at > part.channel[0]):
        part.channel = (at, channel)
    direction = data.direction
    if direction is not None and (part.direction is None or at < part.direction[0]):
        part.direction = (at, direction)
    if part.first is None or at < part.first:
        part.first = at
    if part.last is None or at > part.last:
        part.last = at


def _mark(part: Part, time: Micros) -> None:
    """There was activity at this time; of each second the first counts."""
    active = part.active
    if not active or time // SECOND > active[-1] // SECOND:
        active.append(time)
        return
    place = bisect_left(active, time // SECOND * SECOND)
    if active[place] // SECOND > time // SECOND:
        active.insert(place, time)
    elif time < active[place]:
        active[place] = time


def _endless(part: Part, data: Data, time: Micros) -> None:
    if part.endless is None or time < part.endless:
        part.endless = time
    message = data.message
    if message is not None and message.id:
        _keep_first(part.written, hash_name(shorten_name(message.id)), time, WRITTEN_KEPT)
    if message is not None and message.in_reply_to:
        _keep_first(part.quoted, shorten_name(message.in_reply_to), time, WRITTEN_KEPT)


def _common(part: Part, data: Data, at: At) -> None:
    """What any event may tell besides its own matter."""
    for participant in data.participants:
        if participant.role == "customer":
            # An address is no name: whoever chooses a name would be shown as whom it belongs to. "@ana" is one.
            if participant.name and "@" not in participant.name.lstrip("@ "):
                part.name = later_register(part.name, (at, participant.name[:TEXT_KEPT]))
            break
    if data.references:
        _refer(part, data.references, at)
    if data.attributes:
        _write(part.attributes, data.attributes, at)
    if data.preferences:
        _write(part.preferences, data.preferences, at)
    if data.bot is not None:
        _bot(part, data, at)
    if data.insight is not None:
        _insight(part, data, at)


def _deal(part: Part, data: Data, at: At, *, deals: bool) -> None:
    """Note who deals with the contact, and in which queue it is. ``deals``: the agent who is named does."""
    agent = _agent_of(data)
    if agent is not None:
        if deals:
            part.agent = later_register(part.agent, (at, agent))
        _learn_name(part, "agent", agent, at)
    if data.queue is not None:
        queue = _named(data.queue)
        part.queue = later_register(part.queue, (at, queue))
        _learn_name(part, "queue", queue, at)
    for passed in (data.transfer, data.handoff):
        if passed is not None and passed.queue is not None:
            _learn_name(part, "queue", _named(passed.queue), at)
    if data.transfer is not None and data.transfer.agent is not None:
        _learn_name(part, "agent", _named(data.transfer.agent), at)


def _learn_name(part: Part, kind: str, named: Sequence[str], at: At) -> None:
    id, name = named
    if id and name:
        key = f"{kind}{_LINE}{id}"
        part.names[key] = later_register(part.names.get(key), (at, name))
        _keep_last(part.names, NAMES_KEPT)


_CLAIMED = 2
_ASSERTED = WEIGHT_RANKS[ASSERTED]
_PROVED = WEIGHT_RANKS[PROVED]


def _name(part: Part, event: Event, people: Sequence[Identifier], at: At) -> None:
    """Note who is named, and how much that is worth. An event that only asserts proves nobody: what a system knows of
    another day is no proof in this contact."""
    data = event.data
    identity = event.type in (ASSERTED_TYPE, VERIFIED_TYPE)
    method = data.evidence[:TEXT_KEPT] or UNNAMED if identity else BY_CHANNEL
    most = _ASSERTED if event.type == ASSERTED_TYPE else _PROVED
    if event.type == VERIFIED_TYPE:
        _hear(part, at, is_open=data.channel in OPEN_CHANNELS)
    linked = [each for link in data.links for each in link if not each.unusable] if data.links else ()
    for identifier in (*people, *linked):
        key = key_of(identifier)
        place = max(weight_rank(weight_of(identifier, event)), most)
        if key != part.identifier:
            part.named[key] = min(place, part.named.get(key, place))
        if place == _PROVED:
            _write_proof(part.proofs, key, identifier, method, at)
        elif place == _ASSERTED:
            _write_proof(part.assertions, key, identifier, method, at)
        if place == _PROVED or (place == _ASSERTED and identifier.verified):
            part.verified[key] = max(at, part.verified.get(key, at))
    if len(part.named) > NAMED_KEPT:
        for weakest, _ in sorted(part.named.items(), key=weight_and_rank)[NAMED_KEPT:]:
            del part.named[weakest]


def _write_proof(registers: dict[str, Register], key: str, identifier: Identifier, method: str, at: At) -> None:
    name = f"{key}\n{method}"
    old = registers.get(name)
    if old is None or at > old[0]:
        registers[name] = (at, [identifier.kind, identifier.scope, identifier.value, method])
    _keep_last(registers)


def _refer(part: Part, references: Sequence[Reference], at: At) -> None:
    for reference in references:
        if reference.kind == KIND and is_token_id(reference.value):
            _keep_first(part.token_uses, reference.value, at, USES_KEPT)
        else:
            _keep_first(part.references, reference_key(reference.kind, reference.value), at[0], REFERENCES_KEPT)


def reference_key(kind: str, value: str) -> str:
    """``KIND\nVALUE``, as ``Part.references`` holds it."""
    return f"{shorten_name(kind).replace(_LINE, ' ')}{_LINE}{shorten_name(value)}"


_LINE = "\n"


def _keep_first(times: dict[str, Any], key: str, at: Any, most: int) -> None:
    """The first time for each key; of too many keys those that came first."""
    old = times.get(key)
    if old is not None and old <= at:
        return
    times[key] = at
    if len(times) > most:
        del times[max(times, key=lambda name: (times[name], name))]


def _named(named: Named | None) -> list[str]:
    return [named.id[:TEXT_KEPT], named.name[:TEXT_KEPT]] if named is not None else ["", ""]


def _write(registers: dict[str, Any], values: Mapping[str, Any], at: At) -> None:
    for given, value in values.items():
        key, kept = shorten_name(given), _kept(value)
        old = registers.get(key)
        if old is None or at > old[0]:
            registers[key] = (at, kept)
    _keep_last(registers)


def _keep_last(registers: dict[str, Any], most: int = KEYS_KEPT) -> None:
    if len(registers) > most:
        for key, _ in sorted(registers.items(), key=lambda item: (item[1][0], item[0]))[: len(registers) - most]:
            del registers[key]


def _kept(value: Any) -> Any:
    """What a part holds of a client's JSON value."""
    if isinstance(value, str):
        return value[:VALUE_BYTES_KEPT]
    if _fits(value, VALUE_DEPTH_KEPT) and len(_encode(value)) <= VALUE_BYTES_KEPT:
        return value
    return UNSHOWN


def _fits(value: Any, depth: int) -> bool:
    """Not nested too deeply, and without integers that neither MessagePack nor a browser can hold."""
    if isinstance(value, dict):
        return depth > 0 and all(_fits(item, depth - 1) for item in value.values())
    if isinstance(value, list):
        return depth > 0 and all(_fits(item, depth - 1) for item in value)
    return not isinstance(value, int) or value in _INT64


def _bot(part: Part, data: Data, at: At) -> None:
    bot = data.bot
    assert bot is not None
    if bot.intent or bot.text:
        part.turns = keep_latest(part.turns, (at, bot.intent[:TEXT_KEPT], bot.text[:TEXT_KEPT]), TURNS_KEPT)
    if bot.slots:
        _write(part.slots, bot.slots, at)


def _insight(part: Part, data: Data, at: At) -> None:
    insight = data.insight
    assert insight is not None
    if insight.topic:
        part.topics = keep_latest(part.topics, (at, insight.topic[:TEXT_KEPT]), TOPICS_KEPT)
    if insight.summary:
        part.summary = later_register(part.summary, (at, insight.summary[: 2 * TEXT_KEPT]))


def _received(part: Part, data: Data, at: At) -> None:
    _message(part, data, at, RECEIVED)


def _sent(part: Part, data: Data, at: At) -> None:
    _message(part, data, at, SENT)


def _message(part: Part, data: Data, at: At, type: str) -> None:
    role = speaker(type, data)
    if role == "customer" or data.direction == "inbound":  # also what only says that a machine wrote it
        _hear(part, at, is_open=type == "" or data.channel in OPEN_CHANNELS)
    message = data.message
    if message is None:
        return
    part.messages += 1
    id = shorten_name(message.id)
    _say(part, at, role, _name_of(data, role), message.text, id)
    if role != "customer" and id:
        keep_greatest(part.others, hash_name(id), at[0], OTHERS_KEPT)
    if role == "agent":
        _agent_answers(part, data, at)


OPEN_CHANNELS = frozenset({"email"})
"""Channels on which whoever knows the name of a message can write into its interaction. So can who knows that of a
post; Messenger, WhatsApp and SMS are threads of one account, a chat and a call are sessions."""


def _hear(part: Part, at: At, *, is_open: bool) -> None:
    """Note when we heard of the customer, and whether it was where anybody can write."""
    part.heard = max(part.heard, at[2])
    if is_open and at[2] > part.open_heard:
        part.open_heard = at[2]


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
        return data.agent.name[:TEXT_KEPT]
    return ""


def _social(part: Part, data: Data, at: At) -> None:
    _message(part, data, at, "")


def _edited(part: Part, data: Data, at: At) -> None:
    if data.message is not None and data.message.id:
        _edit(part, shorten_name(data.message.id), data.message.text[:TEXT_KEPT], at)


def _deleted(part: Part, data: Data, at: At) -> None:
    if data.message is not None and data.message.id:
        keep_greatest(part.deleted, hash_name(shorten_name(data.message.id)), at, DELETIONS_KEPT)


def _edit(part: Part, message_id: str, text: str, at: At) -> None:
    old = part.edits.get(message_id)
    if old is None or at > old[0]:
        part.edits[message_id] = (at, text)
    if len(part.edits) > EDITS_KEPT:
        del part.edits[min(part.edits.items(), key=lambda item: (item[1][0], item[0]))[0]]


def _transcript(part: Part, data: Data, at: At) -> None:
    # An id may hold any printable character, so no other event's place can be one of these.
    places = [(at[0], at[1], at[2], at[3], f"{at[4]}\n{index:06d}") for index in range(len(data.transcript))]
    for line, place in zip(data.transcript, places, strict=True):
        _say(part, place, speaker_of_line(line, data), "", line.text, "")
    sentiment.add_transcript(part, data, places)


def _started(part: Part, data: Data, at: At) -> None:
    if data.direction == "inbound":
        part.customer_spoke = later(part.customer_spoke, at)
        _hear(part, at, is_open=data.channel in OPEN_CHANNELS)


def _queued(part: Part, data: Data, at: At) -> None:
    part.queued = later(part.queued, at)
    if not _named(data.queue)[0]:
        _pass(part, at, "queued", "", None)


def _answered(part: Part, data: Data, at: At) -> None:
    part.answered = later(part.answered, at)
    if data.agent is not None or any(participant.role == "agent" for participant in data.participants):
        _agent_answers(part, data, at)


def _agent_answers(part: Part, data: Data, at: At) -> None:
    agent = _agent_of(data)
    _keep_first(part.first_answered, shorten_name(agent[0] if agent is not None else ""), at, AGENTS_KEPT)


def _agent_of(data: Data) -> list[str] | None:
    """The agent at work, [id, name]: by ``agent``, else the first who takes part as one."""
    if data.agent is not None:
        return _named(data.agent)
    for participant in data.participants:
        if participant.role == "agent" and (participant.id or participant.name):
            return [participant.id[:TEXT_KEPT], participant.name[:TEXT_KEPT]]
    return None


def _ended(part: Part, data: Data, at: At) -> None:
    part.ended = later_register(part.ended, (at, data.reason[:TEXT_KEPT]))


def _abandoned(part: Part, data: Data, at: At) -> None:
    part.ended = later_register(part.ended, (at, data.reason[:TEXT_KEPT] or "abandoned"))


def _resumed(part: Part, data: Data, at: At) -> None:
    part.resumed = later(part.resumed, at)


def _topic(part: Part, data: Data, at: At) -> None:
    part.topics = keep_latest(part.topics, (at, data.topic[:TEXT_KEPT]), TOPICS_KEPT)


def _disposition(part: Part, data: Data, at: At) -> None:
    part.disposition = later_register(part.disposition, (at, data.disposition[:TEXT_KEPT]))


def _note(part: Part, data: Data, at: At) -> None:
    author = (data.agent.name or data.agent.id) if data.agent is not None else ""
    part.notes = keep_latest(part.notes, (at, author[:TEXT_KEPT], data.note[:TEXT_KEPT]), NOTES_KEPT)


def _resolved(part: Part, data: Data, at: At) -> None:
    part.resolved = later_register(part.resolved, (at, data.reason[:TEXT_KEPT] or data.disposition[:TEXT_KEPT]))


def _reopened(part: Part, data: Data, at: At) -> None:
    part.reopened = later(part.reopened, at)


def _linked(part: Part, data: Data, at: At) -> None:
    if data.conversation is not None and data.conversation.other:
        other = shorten_name(data.conversation.other)
        part.links[other] = max(at, part.links.get(other, at))


def _split(part: Part, data: Data, at: At) -> None:
    part.split = later(part.split, at)


def _handoff(part: Part, data: Data, at: At) -> None:
    to = data.handoff.to if data.handoff is not None else ""
    part.handoff = later_register(part.handoff, (at, [to[:TEXT_KEPT], data.reason[:TEXT_KEPT], *_asking(data)]))


def _bot_handoff(part: Part, data: Data, at: At) -> None:
    _handoff_asked(part, msgspec.structs.replace(data, handoff=_by_bot(data.handoff)), at)


def _by_bot(handoff: Handoff | None) -> Handoff:
    return msgspec.structs.replace(handoff or Handoff(), by="bot")


def _asking(data: Data) -> tuple[str, str]:
    """Who asks for somebody else, (role, name): as it is said, else as the event shows it."""
    said = data.handoff.by if data.handoff is not None else None
    role = said or (
        "agent"
        if data.agent is not None
        else "bot"
        if data.bot is not None or any(participant.role == "bot" for participant in data.participants)
        else "customer"
        if data.direction == "inbound"
        else ""
    )
    name = (data.agent.name or data.agent.id) if role == "agent" and data.agent is not None else _name_of(data, role)
    return role, name[:TEXT_KEPT]


def _handoff_asked(part: Part, data: Data, at: At) -> None:
    _handoff(part, data, at)
    handoff = data.handoff or Handoff()
    _pass(part, at, "handoff", handoff.to, handoff.queue or (None if handoff.to else data.queue))


def _routed(part: Part, data: Data, at: At) -> None:
    if data.agent is not None:
        part.offered = later_register(part.offered, (at, _named(data.agent)[0]))


def _transferred(part: Part, data: Data, at: At) -> None:
    transfer = data.transfer
    if transfer is not None:
        _pass(part, at, "transfer", transfer.agent.id if transfer.agent is not None else transfer.to, transfer.queue)


def _pass(part: Part, at: At, how: str, to: str, queue: Named | None) -> None:
    """Note whom the contact was passed on to. By what this event names alone: what other events name may be at stream
    elsewhere, and each stream's side of a contact must say of itself whose desk it concerns."""
    part.passed = later_register(part.passed, (at, [how, to[:TEXT_KEPT], _named(queue)[0]]))


def _accepted(part: Part, data: Data, at: At) -> None:
    part.accepted = later_register(part.accepted, (at, _named(data.agent)))


def _shown(part: Part, data: Data, at: At) -> None:
    agent = _named(data.agent)[0]
    part.shown = later_register(part.shown, (at, agent))
    _keep_first(part.first_shown, shorten_name(agent), at, AGENTS_KEPT)


def _token(part: Part, data: Data, at: At) -> None:
    token = data.token
    if token is not None and is_token_id(token.id):
        expires = at[0] + min(max(token.lifetime_s, 0), LIFETIME_MOST) * 1_000_000
        _write(part.tokens, {token.id: [expires, token.single_use]}, at)


def _survey(part: Part, data: Data, at: At) -> None:
    score = thousandths(data.survey.score, SCORE_RANGE) if data.survey is not None else None
    if data.survey is not None and score is not None:
        answer = (at, data.survey.metric, score, data.survey.comment[:TEXT_KEPT])
        part.surveys = keep_latest(part.surveys, answer, NOTES_KEPT)


Handler = Callable[[Part, Data, At], None]

HANDLERS: Mapping[str, Handler] = MappingProxyType(
    {
        "cx.interaction.started.v1": _started,
        "cx.interaction.queued.v1": _queued,
        "cx.interaction.routed.v1": _routed,
        "cx.interaction.transferred.v1": _transferred,
        "cx.interaction.answered.v1": _answered,
        "cx.interaction.ended.v1": _ended,
        "cx.interaction.abandoned.v1": _abandoned,
        "cx.interaction.resumed.v1": _resumed,
        RECEIVED: _received,
        SENT: _sent,
        "cx.message.edited.v1": _edited,
        "cx.message.deleted.v1": _deleted,
        "cx.call.transcript.v1": _transcript,
        "cx.bot.handoff_asked.v1": _bot_handoff,
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
        ISSUED: _token,
        "cx.handoff.requested.v1": _handoff_asked,
        "cx.handoff.accepted.v1": _accepted,
        SHOWN: _shown,
        "cx.survey.answered.v1": _survey,
    }
)

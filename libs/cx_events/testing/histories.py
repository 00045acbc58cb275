"""Hypothesis strategies for whole histories of one tenant: the hard cases, small and close together.

    @given(histories())
    def test_any_order_gives_the_same(history: list[StampedEvent]) -> None: ...

The pools of people, interactions and times are small, so that identifiers collide, times tie and decisions contradict
each other. A history is in order of arrival, which is neither that of the recorded times nor that of events. It is
built from small integers, so it shrinks to few and simple events.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain, cycle
from typing import Any

import msgspec
from hypothesis import strategies as st

from cx_events.codec import decode
from cx_events.envelope import Data, Event, Identifier
from cx_events.facts import Fact, decision_source
from cx_events.identifiers import normalise
from cx_events.ids import IdSpace, NodeId, text_of
from cx_events.stamp import StampedEvent
from cx_events.testing.builders import ACME, DAY, HOUR, SECOND, START, a_decision, an_event, fact_of
from cx_events.timestamps import Micros, format_time
from cx_events.tokens import ISSUED, REDEEMED

NEVER_LINK = ("email:noreply@example.com",)
"""What the tenant's rules should name as never linking; an address of the pool below."""

IDENTIFIERS = (
    Identifier(kind="email", value="ana@example.com"),
    Identifier(kind="cookie", value="c-1"),
    Identifier(kind="phone", value="+15550100101"),
    Identifier(kind="crm", value="C-1"),
    Identifier(kind="email", value="Ben@Example.com"),
    Identifier(kind="cookie", value="c-2"),
    Identifier(kind="phone", value="+1 555 010 0102"),
    Identifier(kind="crm", value="C-2"),
    Identifier(kind="facebook-psid", value="7001", scope="page-1"),
    Identifier(kind="facebook-psid", value="7001", scope="page-2"),
    Identifier(kind="account", value="a-1"),
    Identifier(kind="email", value="noreply@example.com"),
    Identifier(kind="email", value="ana.b@example.com"),
    Identifier(kind="cookie", value="c-3"),
    Identifier(kind="phone", value="anonymous"),
)
"""Names of about two people and a half. Few values of each kind: with more than one or two events some are shared."""

INTERACTIONS = (
    ("chat-1", "chat"),
    ("call-1", "voice"),
    ("mail-1", "email"),
    ("post-1", "social"),
    ("chat-2", "chat"),
    ("dm-1", "social"),
    ("sms-1", "sms"),
)
"""Ids of interactions, each with its channel. On the last two, and on the post once somebody writes below it, people
write to each other without end."""

_AGENTS = ({"id": "agent-1", "name": "Ben"}, {"id": "agent-2", "name": "Eva"})
_QUEUES = ({"id": "billing", "name": "Billing"}, {"id": "sales", "name": "Sales"})

_FILES: tuple[Fields, ...] = (
    {"name": "bill.pdf", "content_type": "application/pdf", "bytes": 5, "blob": "sha256:" + "0" * 64},
    {"name": "logo.png", "content_type": "image/png", "part": "2", "cid": "logo", "inline": True},
    {"url": "https://cdn.example/1", "bytes": 10**30},
)

_TOKENS = ("thr-aaaaaaaaaaaaaaaa", "thr-bbbbbbbbbbbbbbbb")

Fields = dict[str, Any]


class EventStep(msgspec.Struct, frozen=True, kw_only=True):
    """What an event of a history is made of; small integers pick from the pools above.

    ``who``: identifiers of its one customer, each of the weight in ``weights`` at its place, from the first one again
    where there are more; empty: no weight is stamped, and ``verified`` says what there is to say. ``contact``: the
    interaction, or None; ``at``: seconds after the history's start, ``delay``: from then until it was recorded,
    negative where the vendor's clock is fast.
    """

    type: str
    fields: Fields
    who: tuple[int, ...] = ()
    weights: tuple[str, ...] = ("",)
    verified: bool = False
    contact: int | None = None
    at: int = 0
    delay: int = 0
    sequence: int | None = None


class DecisionStep(msgspec.Struct, frozen=True, kw_only=True):
    """A decision. ``a``, ``b``: identifiers whose profiles it is about, ``b`` counted from ``a`` on. ``named_at``: what
    hour of the contact it names, in seconds after the history's start. ``earlier``: which of the history's decisions,
    by its place among them, a withdrawal names; it may come later, or never."""

    type: str
    a: int
    b: int
    contact: int = 0
    other_contact: int = 0
    named_at: int = 0
    earlier: int = 0
    text: str = ""
    at: int = 0
    delay: int = 0


class CopyStep(msgspec.Struct, frozen=True, kw_only=True):
    """Another copy of the ``of``-th event before: recorded ``delay`` seconds later (or earlier), and as ``change``
    says the same otherwise, with another text, or at stream elsewhere."""

    of: int
    delay: int
    change: str


Step = EventStep | DecisionStep | CopyStep


def histories(
    *,
    min_size: int = 0,
    max_size: int = 30,
    ids: IdSpace = ACME,
    candidate_of: Callable[[NodeId], NodeId] = lambda profile: profile,
) -> st.SearchStrategy[list[StampedEvent]]:
    """Histories of ``min_size`` to ``max_size`` copies of events of the tenant of ``ids``.

    ``candidate_of``: the id of the candidate that a shared profile yields, which dismissals name.
    """
    steps = _steps()
    some = max_size - min_size
    # A list left alone has about five members; one with gaps is long, and shrinks by turning members into gaps.
    gappy = st.lists(st.one_of(st.none(), steps), min_size=some // 2, max_size=some)
    chosen = st.tuples(_families, st.lists(steps, min_size=min_size, max_size=min_size), gappy)
    return chosen.map(lambda lists: _history([step for step in chain(*lists) if step][:max_size], ids, candidate_of))


def facts_of(history: Sequence[StampedEvent], ids: IdSpace = ACME) -> list[Fact]:
    """A history's facts, in the same order, copies included."""
    return [fact_of(stamped, ids) for stamped in history]


def profile_of(identifier: int, ids: IdSpace = ACME) -> NodeId:
    """The profile of one of ``IDENTIFIERS``."""
    normal = normalise(IDENTIFIERS[identifier])
    return ids.profile(normal.kind, normal.scope, normal.value)


def weighed(identifier: int, weight: str, *, verified: bool = False) -> Identifier:
    """Return one of ``IDENTIFIERS`` as intake stamps it; a cookie is a claim at most."""
    one = IDENTIFIERS[identifier]
    stamped = "claimed" if weight and one.kind == "cookie" else weight
    return msgspec.structs.replace(one, verified=verified, weight=stamped)


def _history(steps: Sequence[Step], ids: IdSpace, candidate_of: Callable[[NodeId], NodeId]) -> list[StampedEvent]:
    made: list[StampedEvent] = []
    decisions = 0
    for place, step in enumerate(steps):
        if isinstance(step, EventStep):
            made.append(_happened(step, f"e-{place}", ids))
        elif isinstance(step, DecisionStep):
            made.append(_decided(step, f"d-{decisions}", ids, candidate_of))
            decisions += 1
        elif made:
            made.append(_copied(step, made[-1 - step.of % len(made)], ids))
    return made


def _instants(at: int, delay: int) -> tuple[Micros, Micros]:
    return START + at * SECOND, START + (at + delay) * SECOND


def _happened(step: EventStep, id: str, ids: IdSpace) -> StampedEvent:
    at, recorded = _instants(step.at, step.delay)
    interaction, channel = ("", "web") if step.contact is None else INTERACTIONS[step.contact]
    return an_event(
        step.type,
        id=id,
        source=f"//acme.example/{channel}",
        at=at,
        recorded=recorded,
        interaction=interaction,
        channel=channel,
        identifiers=[
            weighed(one, weight, verified=step.verified)
            for one, weight in zip(step.who, cycle(step.weights), strict=False)
        ],
        sequence=step.sequence,
        data=step.fields,
        ids=ids,
    )


def _decided(step: DecisionStep, id: str, ids: IdSpace, candidate_of: Callable[[NodeId], NodeId]) -> StampedEvent:
    at, recorded = _instants(step.at, step.delay)
    a, b = profile_of(step.a, ids), profile_of((step.a + 1 + step.b) % len(IDENTIFIERS), ids)
    interaction, channel = INTERACTIONS[step.contact]
    about = a
    fields: Fields = {"agent": _AGENTS[step.a % 2], "reason": step.text}
    match step.type:
        case "cx.identity.merged.v1" | "cx.identity.apart":
            fields["identity"] = {"a": text_of(a), "b": text_of(b)}
        case "cx.identity.unmerged.v1":
            fields["identity"] = {"decision": f"{decision_source(ids.tenant)}#d-{step.earlier}"}
        case "cx.identity.attributed.v1":
            fields["identity"] = {"interaction": interaction, "profile": text_of(a)}
        case "cx.identity.candidate_dismissed.v1":
            fields["identity"] = {"candidate": text_of(candidate_of(a))}
        case "cx.identity.rules_changed.v1":
            about = ids.tenant_node()
            fields["identity"] = {"rules": {"shared_after": {"phone": step.b % 3}, "never_link": list(NEVER_LINK)}}
        case _:
            hour = ((START + step.named_at * SECOND) // HOUR).to_bytes(8, "big", signed=True)
            part_id = ids.part_id(a, ids.interaction(interaction), hour)
            fields |= {"interaction": interaction, "channel": channel, "conversation": {"id": text_of(part_id)}}
            if step.type == "cx.conversation.linked.v1":
                other = ids.part_id(b, ids.interaction(INTERACTIONS[step.other_contact][0]), hour)
                fields["conversation"]["other"] = text_of(other)
            elif step.type == ISSUED:
                lasting = (HOUR // SECOND, 3 * DAY // SECOND)[step.earlier % 2]
                fields["token"] = {
                    "id": _TOKENS[step.b % len(_TOKENS)],
                    "lifetime_s": lasting,
                    "single_use": step.earlier < 3,
                }
            elif step.type == REDEEMED:
                fields["references"] = [{"kind": "token", "value": _TOKENS[step.b % len(_TOKENS)]}]
            elif step.type in _WORDS:
                fields[_WORDS[step.type]] = step.text
    type = "cx.identity.unmerged.v1" if step.type == "cx.identity.apart" else step.type
    return a_decision(type, id=id, about=about, at=at, recorded=recorded, data=fields, ids=ids)


_WORDS = {
    "cx.conversation.topic.v1": "topic",
    "cx.conversation.note.v1": "note",
    "cx.conversation.disposition.v1": "disposition",
}


def _copied(step: CopyStep, original: StampedEvent, ids: IdSpace) -> StampedEvent:
    """By way of the event, since a provider may send anything under an id that it used before."""
    fact = fact_of(original, ids)
    event: Event = msgspec.structs.replace(fact.event, recordedtime=format_time(fact.recorded + step.delay * SECOND))
    if step.change == "text":
        words = {"id": event.id, "text": "said otherwise", "content_type": "text/plain"}
        event = msgspec.structs.replace(event, data=_with(event.data, {"message": words}))
    elif step.change == "home":
        elsewhere = profile_of(0, ids)
        people = (
            [] if event.partitionkey == elsewhere.hex() else [{"role": "customer", "identifiers": [IDENTIFIERS[0]]}]
        )
        stream_id = elsewhere if people else ids.lone_event(event.source, event.id)
        data = _with(event.data, {"participants": people, "interaction": "" if not people else event.data.interaction})
        event = msgspec.structs.replace(event, data=data, partitionkey=stream_id.hex())
    raw = msgspec.json.encode(event)
    decode(raw)
    return StampedEvent(event.source, event.id, event.partitionkey.encode(), raw)


def _with(data: Data, changes: Fields) -> Data:
    return msgspec.convert({**msgspec.to_builtins(data), **msgspec.to_builtins(changes)}, Data)


# How the steps are drawn. Each ``sampled_from`` puts the plain case first: that is what hypothesis shrinks to.

_people = st.lists(st.integers(0, len(IDENTIFIERS) - 1), max_size=3, unique=True).map(tuple)
_contacts = st.sampled_from((0, 0, 0, 1, 1, 2, 3, 4, 5, 5, 5, 6, None))  # some often, so that events meet there
_weights = st.one_of(
    st.sampled_from((("",), ("claimed",), ("asserted",), ("proved",))),
    st.lists(st.sampled_from(("claimed", "asserted", "proved", "")), min_size=2, max_size=3).map(tuple),
)
_laters = st.sampled_from((0, HOUR // SECOND, 2 * DAY // SECOND, 3 * DAY // SECOND, 8 * DAY // SECOND))
_moments = st.builds(lambda second, later: second + later, st.integers(0, 12), _laters)
_delays = st.sampled_from((0, 1, 2, -1, -5, 3600, 5 * DAY // SECOND))
_sequences = st.sampled_from((None, 0, 1, 2))


def _messages() -> st.SearchStrategy[tuple[str, Fields]]:
    """Written words that may answer others, by ``in_reply_to`` or by a reference, before or after these arrive; some
    with attachments, or with attachments alone."""
    names = st.sampled_from(("m-1", "m-2", "m-3"))

    def written(
        direction: str, id: str, text: str, parent: str, by_reference: bool, files: Sequence[int]
    ) -> tuple[str, Fields]:
        message: Fields = {"id": id, "text": text, "content_type": "text/plain"}
        if files:
            message["attachments"] = [_FILES[each] for each in files]
        fields: Fields = {"direction": direction, "message": message}
        if parent and by_reference:
            fields["references"] = [{"kind": "message", "value": parent}]
        elif parent:
            message["in_reply_to"] = parent
        return f"cx.message.{'received' if direction == 'inbound' else 'sent'}.v1", fields

    return st.builds(
        written,
        st.sampled_from(("inbound", "outbound")),
        names,
        st.sampled_from(("hello", "charged twice", "thanks", "")),
        st.one_of(st.just(""), names),
        st.booleans(),
        st.lists(st.integers(0, len(_FILES) - 1), max_size=5),
    )


_lives: tuple[tuple[str, Fields], ...] = (
    ("cx.interaction.started.v1", {}),
    ("cx.interaction.ended.v1", {}),
    ("cx.interaction.started.v1", {"references": [{"kind": "order", "value": "4711"}]}),
    ("cx.interaction.started.v1", {"references": [{"kind": "token", "value": "t-1"}]}),
    ("cx.interaction.started.v1", {"references": [{"kind": "token", "value": _TOKENS[0]}]}),
    ("cx.call.dtmf.v1", {"digits": "1", "references": [{"kind": "token", "value": _TOKENS[1]}]}),
    ("cx.interaction.queued.v1", {"queue": _QUEUES[0]}),
    ("cx.interaction.routed.v1", {"queue": _QUEUES[1]}),
    ("cx.interaction.answered.v1", {"agent": _AGENTS[0]}),
    ("cx.interaction.answered.v1", {"agent": _AGENTS[1]}),
    ("cx.interaction.held.v1", {}),
    ("cx.interaction.resumed.v1", {}),
    ("cx.interaction.transferred.v1", {"transfer": {"to": "sales", "queue": _QUEUES[1]}}),
    ("cx.interaction.transferred.v1", {"references": [{"kind": "call", "value": "call-1"}]}),
    ("cx.interaction.abandoned.v1", {"duration_ms": 4000}),
    ("cx.interaction.ended.v1", {"reason": "hung up"}),
)


def _of_message(id: str) -> Fields:
    return {"references": [{"kind": "message", "value": id}]}


_others: tuple[tuple[str, Fields], ...] = (
    ("cx.message.delivered.v1", {"message": {"id": "m-1"}}),
    ("cx.message.read.v1", {}),
    ("cx.message.failed.v1", {"message": {"id": "m-2"}, "failure": {"code": "5.1.1", "message": "no such box"}}),
    ("cx.message.edited.v1", {"message": {"id": "m-1", "text": "charged three times"}}),
    ("cx.message.edited.v1", {"message": {"id": "m-1", "text": "charged once"}}),
    ("cx.message.deleted.v1", {"message": {"id": "m-2"}}),
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
    ("cx.handoff.accepted.v1", {"agent": _AGENTS[0]}),
    ("cx.handoff.context_shown.v1", {"agent": _AGENTS[0]}),
    ("cx.consent.changed.v1", {"consent": {"purpose": "marketing", "granted": True}}),
    ("cx.consent.changed.v1", {"consent": {"purpose": "marketing", "granted": False}}),
    ("cx.preference.changed.v1", {"preferences": {"language": "en"}}),
    ("cx.preference.changed.v1", {"preferences": {"language": "de", "contact_by": "email"}}),
    ("cx.survey.answered.v1", {"survey": {"metric": "nps", "score": 9}}),
    ("cx.survey.answered.v1", {"survey": {"metric": "csat", "score": 2.5, "comment": "slow"}}),
    ("cx.insight.found.v1", {"insight": {"producer": "acme-mood", "version": "1", "sentiment": -0.5}}),
    (
        "cx.insight.found.v1",
        {**_of_message("m-1"), "insight": {"producer": "acme-mood", "version": "1", "sentiment": 1}},
    ),
    ("cx.insight.found.v1", {**_of_message("m-2"), "insight": {"producer": "other", "version": "1", "sentiment": -1}}),
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


_verdict_types = (
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
)

_link_types = ("cx.identity.asserted.v1", "cx.identity.verified.v1", "cx.customer.fact.v1")

TYPES = frozenset(
    (
        "cx.message.received.v1",
        "cx.message.sent.v1",
        *(type for type, _ in (*_lives, *_others)),
        *_link_types,
        *_verdict_types,
    )
)
"""Every type that a history may hold."""


def _links() -> st.SearchStrategy[tuple[str, Fields]]:
    """Two identifiers tied together after the fact, by the event's own data rather than by its customer."""
    numbers = st.integers(0, len(IDENTIFIERS) - 1)
    return st.builds(
        lambda says, a, b, weight, how: (
            says,
            {"links": [[weighed(a, weight), weighed(b, weight)]], "evidence": how, "note": "said so"},
        ),
        st.sampled_from(_link_types),
        numbers,
        numbers,
        st.sampled_from(("", "claimed", "asserted", "proved")),
        st.sampled_from(("crm", "login")),
    )


def _happenings() -> st.SearchStrategy[Step]:
    return st.builds(
        lambda what, **rest: EventStep(type=what[0], fields=what[1], **rest),
        st.one_of(_messages(), st.sampled_from(_lives), st.sampled_from(_others), _links()),
        who=_people,
        weights=_weights,
        verified=st.sampled_from((False, False, False, True)),
        contact=_contacts,
        at=_moments,
        delay=_delays,
        sequence=_sequences,
    )


def _said(text: str, *who: int, contact: int, at: int, weight: str = "claimed") -> Step:
    fields: Fields = {"direction": "inbound", "message": {"id": f"m-{text}", "text": text}}
    return EventStep(type="cx.message.received.v1", fields=fields, who=who, weights=(weight,), contact=contact, at=at)


_RINGS = EventStep(type="cx.interaction.started.v1", fields={"direction": "inbound"}, who=(2,), contact=1, at=2)
_FAMILY = (_said("Hello", 0, 2, contact=0, at=0), _said("Dear all", 4, 2, contact=2, at=1), _RINGS)
_KNOWN = (
    _said("Hello", 3, 0, contact=0, at=0, weight="asserted"),
    _said("Hi", 7, 4, contact=2, at=1, weight="asserted"),
    _said("It is me", 0, 5, contact=4, at=2),
    _said("No, me", 4, 5, contact=4, at=3),
)
_CHAIN = (
    _said("I am Ana", 0, 1, contact=0, at=0),
    _said("I am Ben", 1, 4, contact=0, at=1),
    _said("or he is", 4, 5, contact=4, at=2),
    _said("somebody else", 5, 12, contact=4, at=3),
)
_LOGINS = (
    _said("logged in", 10, 0, contact=0, at=0),
    _said("indeed", 10, contact=0, at=5, weight="proved"),
    _said("the CRM knows", 3, 1, contact=2, at=1, weight="asserted"),
)
_families = st.sampled_from(((), (), _FAMILY, _KNOWN, _CHAIN, _LOGINS))
"""What comes about by chance seldom enough: two people with one telephone, from which somebody calls; two whom a CRM
knows, and one cookie; claims that chain addresses; an account that is typed before its first login."""


def _verdicts() -> st.SearchStrategy[Step]:
    return st.builds(
        DecisionStep,
        type=st.sampled_from(_verdict_types),
        a=st.integers(0, len(IDENTIFIERS) - 2),
        b=st.integers(0, len(IDENTIFIERS) - 2),
        contact=st.integers(0, len(INTERACTIONS) - 1),
        other_contact=st.integers(0, len(INTERACTIONS) - 1),
        named_at=_laters,
        earlier=st.integers(0, 4),
        text=st.sampled_from(("billing", "refund")),
        at=_moments,
        delay=_delays.map(abs),
    )


def _copies() -> st.SearchStrategy[Step]:
    return st.builds(
        CopyStep,
        of=st.integers(0, 5),
        delay=st.sampled_from((0, 1, -1, 30)),
        change=st.sampled_from(("", "text", "home")),
    )


def _steps() -> st.SearchStrategy[Step]:
    # Mostly things that happen. Three strategies, since ``one_of`` takes the same one given thrice as one.
    return st.one_of(_happenings(), _happenings(), _happenings(), _verdicts(), _copies())

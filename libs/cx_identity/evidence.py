"""What one event says about identity: the profiles it names, what it ties together, what a person decided."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import combinations

from msgspec import Struct

from cx_events.envelope import Identifier, IdentityDecision, Weight
from cx_events.errors import Refused
from cx_events.facts import Fact
from cx_events.ids import IdSpace, NodeId, parse_node_id
from cx_events.weights import ASSERTED, ASSERTED_TYPE, CLAIMED, PROVED, VERIFIED_TYPE, weaker, weight_of, weight_rank
from cx_identity.attribution import Attribution
from cx_identity.candidates import candidate_id
from cx_identity.model import (
    Decision,
    DecisionKind,
    EdgeMention,
    Evidence,
    ProfileMention,
    Tie,
    attests,
    earlier,
    edge_mention,
    joint,
)
from cx_identity.rules import Rules, RulesChange

MERGED = "cx.identity.merged.v1"
UNMERGED = "cx.identity.unmerged.v1"
ATTRIBUTED = "cx.identity.attributed.v1"
DISMISSED = "cx.identity.candidate_dismissed.v1"
RULES_CHANGED = "cx.identity.rules_changed.v1"


class Named(Struct, frozen=True, gc=False):
    """Who an event names. Mentions know of this fact alone; sums over facts make the graph (``model.earlier``,
    ``model.joint``)."""

    profiles: tuple[ProfileMention, ...] = ()
    edges: tuple[EdgeMention, ...] = ()


NOBODY = Named()


def links_of(fact: Fact, ids: IdSpace) -> Named:
    """Return what an event says about who is who. Called for every event: one identifier costs one look-up.

    All pairs of usable identifiers of its one customer are tied; so are the pairs in ``data.links``. A pair has the
    lesser weight of its two ends in this event (``cx_events.weights``). Its rule is ``data.evidence`` where the event
    is about identity and the pair is more than claimed, or the pair is one of ``links``; else ``seen-together``, of
    proofs ``verified``.
    """
    data = fact.event.data
    people = fact.customer_identifiers
    if data.links or len(people) > 1:
        return _tied(fact, people, ids)
    if not people:
        return NOBODY
    return Named((_mention(people[0], fact, ids),))


def only_identifier(fact: Fact) -> Identifier | None:
    """Return the identifier of an event that names one and ties nothing: what ``links_of`` says of it, without saying
    it."""
    people = fact.customer_identifiers
    return people[0] if len(people) == 1 and not fact.event.data.links else None


Pair = tuple[NodeId, NodeId]


def sum_of(named: Iterable[Named]) -> tuple[dict[NodeId, ProfileMention], dict[Pair, EdgeMention]]:
    """What several facts say together: the profiles and edges of their graph."""
    profiles: dict[NodeId, ProfileMention] = {}
    edges: dict[Pair, EdgeMention] = {}
    for each in named:
        for profile in each.profiles:
            known = profiles.get(profile.id)
            profiles[profile.id] = profile if known is None else earlier(known, profile)
        for edge in each.edges:
            pair = (edge.a, edge.b)
            edges[pair] = joint(edges[pair], edge) if pair in edges else edge
    return profiles, edges


def _mention(identifier: Identifier, fact: Fact, ids: IdSpace) -> ProfileMention:
    kind, scope, value = identifier.kind, identifier.scope, identifier.value
    attested = attests(kind, weight_of(identifier, fact.event))
    return ProfileMention(ids.profile(kind, scope, value), kind, scope, value, fact.recorded, attested)


_ABOUT_IDENTITY = frozenset({VERIFIED_TYPE, ASSERTED_TYPE})
_UNSAID_LINK = {PROVED: "verified", ASSERTED: "asserted", CLAIMED: "claimed"}


def _tied(fact: Fact, people: Iterable[Identifier], ids: IdSpace) -> Named:
    event = fact.event
    seen: Evidence = (fact.recorded, event.source, event.id)
    profiles: dict[NodeId, ProfileMention] = {}
    edges: dict[tuple[NodeId, NodeId], EdgeMention] = {}

    def name(identifier: Identifier) -> NodeId:
        mention = _mention(identifier, fact, ids)
        known = profiles.get(mention.id)
        profiles[mention.id] = mention if known is None else earlier(known, mention)
        return mention.id

    def tie(a: NodeId, b: NodeId, weight: Weight, rule: str) -> None:
        edge = edge_mention(a, b, Tie(weight, seen, rule))
        known = edges.get((edge.a, edge.b))
        edges[edge.a, edge.b] = edge if known is None else joint(known, edge)

    weights: dict[NodeId, Weight] = {}
    for identifier in people:
        id, weight = name(identifier), weight_of(identifier, event)
        if weight_rank(weight) < weight_rank(weights.get(id, CLAIMED)) or id not in weights:
            weights[id] = weight
    stated = event.data.evidence if event.type in _ABOUT_IDENTITY else ""
    for a, b in combinations(weights, 2):
        weight = weaker(weights[a], weights[b])
        said = "" if weight == CLAIMED else stated
        tie(a, b, weight, said or ("verified" if weight == PROVED else "seen-together"))
    for one, other in event.data.links:
        if not one.unusable and not other.unusable:
            a, b = name(one), name(other)
            if a != b:
                weight = weaker(weight_of(one, event), weight_of(other, event))
                tie(a, b, weight, event.data.evidence or _UNSAID_LINK[weight])
    return Named(tuple(profiles.values()), tuple(edges.values()))


def decision_of(fact: Fact, ids: IdSpace) -> Decision | Attribution | RulesChange | None:
    """The decision that an event is, or None for all but the five types of decisions about identity.

    Raises ``Refused("bad-decision")`` naming the field where the event does not say what it decides.
    """
    read = _READERS.get(fact.event.type)
    if read is None:
        return None
    identity = fact.event.data.identity
    if identity is None:
        raise _bad(f"{fact.event.type} needs data.identity")
    return read(fact, identity, ids)


def _merged(fact: Fact, identity: IdentityDecision, _ids: IdSpace) -> Decision:
    return _pair(fact, identity, "merge")


def _unmerged(fact: Fact, identity: IdentityDecision, _ids: IdSpace) -> Decision:
    """Withdraws ``decision``, or keeps ``a`` and ``b`` apart."""
    if not identity.decision:
        return _pair(fact, identity, "apart")
    if identity.a or identity.b:
        raise _bad("data.identity names a decision to withdraw and a pair to keep apart; say one of the two")
    source, hash, id = identity.decision.partition("#")
    if not (source and hash and id):
        raise _bad(f"data.identity.decision: expected SOURCE#ID, not {identity.decision[:64]!r}")
    return _decision(fact, "withdraw", withdraws=identity.decision)


def _attributed(fact: Fact, identity: IdentityDecision, ids: IdSpace) -> Attribution:
    """Without ``profile`` the interaction stands alone again."""
    if not identity.interaction:
        raise _bad("data.identity.interaction: the interaction's id is missing")
    return Attribution(
        key=fact.key,
        at=_at(fact),
        interaction=ids.interaction(identity.interaction),
        profile=_node("profile", identity.profile) if identity.profile else None,
        reason=fact.event.data.reason,
    )


def _dismissed(fact: Fact, identity: IdentityDecision, _ids: IdSpace) -> Decision:
    identifier = candidate_id(_node("candidate", identity.candidate))
    return _decision(fact, "dismiss", identifier, identifier)


def _rules_changed(fact: Fact, identity: IdentityDecision, _ids: IdSpace) -> RulesChange:
    if identity.rules is None:
        raise _bad("data.identity.rules is missing")
    return RulesChange(fact.key, _at(fact), Rules.parse(identity.rules), fact.event.data.reason)


_READERS: Mapping[str, Callable[[Fact, IdentityDecision, IdSpace], Decision | Attribution | RulesChange]] = {
    MERGED: _merged,
    UNMERGED: _unmerged,
    ATTRIBUTED: _attributed,
    DISMISSED: _dismissed,
    RULES_CHANGED: _rules_changed,
}


def _pair(fact: Fact, identity: IdentityDecision, kind: DecisionKind) -> Decision:
    a, b = _node("a", identity.a), _node("b", identity.b)
    if a == b:
        raise _bad(f"data.identity.a and b are the same profile, {identity.a}")
    return _decision(fact, kind, min(a, b), max(a, b))


def _decision(fact: Fact, kind: DecisionKind, a: NodeId = b"", b: NodeId = b"", withdraws: str = "") -> Decision:
    return Decision(fact.key, _at(fact), kind, a, b, withdraws, fact.event.data.reason)


def _at(fact: Fact) -> Evidence:
    return (fact.recorded, fact.event.source, fact.event.id)


def _node(field: str, text: str) -> NodeId:
    if not text:
        raise _bad(f"data.identity.{field} is missing")
    try:
        return parse_node_id(text)
    except Refused as error:
        raise _bad(f"data.identity.{field}: {error.detail}") from None


def _bad(detail: str) -> Refused:
    return Refused("bad-decision", detail)

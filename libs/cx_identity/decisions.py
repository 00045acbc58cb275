"""Read a person's decision about identity from its event.

Each of the five event types has a reader here: merged, unmerged, attributed, candidate dismissed, rules changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cx_events.envelope import IdentityDecision
from cx_events.errors import Refused
from cx_events.facts import Fact
from cx_events.ids import IdSpace, NodeId, parse_node_id
from cx_identity.attribution import Attribution
from cx_identity.candidates import candidate_id
from cx_identity.model import (
    Decision,
    DecisionKind,
    Evidence,
)
from cx_identity.rules import Rules, RulesChange

MERGED = "cx.identity.merged.v1"
UNMERGED = "cx.identity.unmerged.v1"
ATTRIBUTED = "cx.identity.attributed.v1"
DISMISSED = "cx.identity.candidate_dismissed.v1"
RULES_CHANGED = "cx.identity.rules_changed.v1"


def decision_of(fact: Fact, ids: IdSpace) -> Decision | Attribution | RulesChange | None:
    """Return the decision that an event carries, or None if it is of none of the five types of decisions.

    Raise ``Refused("bad-decision")``, naming the field, where the event does not say what it decides.
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
    """Read an unmerge: it withdraws ``decision``, or keeps ``a`` and ``b`` apart."""
    if not identity.decision:
        return _pair(fact, identity, "apart")
    if identity.a or identity.b:
        raise _bad("data.identity names a decision to withdraw and a pair to keep apart; say one of the two")
    source, hash, id = identity.decision.partition("#")
    if not (source and hash and id):
        raise _bad(f"data.identity.decision: expected SOURCE#ID, not {identity.decision[:64]!r}")
    return _decision(fact, "withdraw", withdraws=identity.decision)


def _attributed(fact: Fact, identity: IdentityDecision, ids: IdSpace) -> Attribution:
    """Read an attribution; without ``profile`` the interaction stands alone again."""
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

"""How sure we are: which identifiers were proved, by what and when, so that nobody is asked twice.

A *proof* is what a customer did in an interaction: a login, a one-time code, a PIN at an IVR
(``cx.identity.verified.v1``), or a channel's own check of who writes (an identifier flagged ``verified`` in what the
channel sends). What somebody merely says, a CRM's flag among it (``cx.identity.asserted.v1``), is none.

A customer's *assurance* is two things: whether anything of theirs was ever proved, and how surely the identifiers are
one person's: the least confidence with which any of them was joined.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from cx_context.model import Part
from cx_events.envelope import Data, Identifier
from cx_events.facts import Order
from cx_events.identifiers import rank_of
from cx_events.ids import text_of
from cx_events.timestamps import format_time

if TYPE_CHECKING:
    from cx_context.finish import Member

PROOFS_SHOWN = 20
BY_CHANNEL = "channel"
"""The method of a proof that a channel vouches for and says no more of."""

UNNAMED = "verified"
"""The method of a ``cx.identity.verified.v1`` that names none in ``data.evidence``."""

Json = dict[str, Any]


def key_of(identifier: Identifier) -> str:
    return f"{identifier.kind}\n{identifier.scope}\n{identifier.value}"


def verified_by(data: Data) -> list[Identifier]:
    """What ``cx.identity.verified.v1`` verifies: what it flags, in its links too; all that its customer is named by
    where it flags nothing."""
    people: list[Identifier] = []
    for participant in data.participants:
        if participant.role == "customer":
            people = [identifier for identifier in participant.identifiers if not identifier.unusable]
            if people:
                break
    named = [*people, *(identifier for link in data.links for identifier in link if not identifier.unusable)]
    return [identifier for identifier in named if identifier.verified] or people


class Proof(NamedTuple):
    """``order``: of the event that proved it; of one identifier by one method the latest is kept."""

    order: Order
    kind: str
    scope: str
    value: str
    method: str
    interaction: str
    channel: str | None

    def shown(self) -> Json:
        scope = {"scope": self.scope} if self.scope else {}
        return {
            "kind": self.kind,
            "value": self.value,
            **scope,
            "method": self.method,
            "at": format_time(self.order[0]),
            "channel": self.channel,
            "interaction": self.interaction or None,
            "event": {"source": self.order[4], "id": self.order[5]},
        }


def proofs(parts: Iterable[Part]) -> list[Proof]:
    """What was proved in some parts, newest first, of one event the strongest identifier first; of one identifier by
    one method the latest."""
    found: dict[str, Proof] = {}
    for part in parts:
        for key, (at, (kind, scope, value, method)) in part.proofs.items():
            known = found.get(key)
            order = (at[0], part.interaction, at[1], at[2], at[3], at[4])
            if known is None or order > known.order:
                channel = part.channel[1] if part.channel is not None else None
                found[key] = Proof(order, kind, scope, value, method, part.interaction, channel)
    strongest_first = sorted(found.values(), key=lambda proof: (rank_of(proof.kind), proof[1:5]))
    return sorted(strongest_first, key=lambda proof: proof.order, reverse=True)


def proofs_shown(parts: Iterable[Part]) -> list[Json]:
    return [proof.shown() for proof in proofs(parts)[:PROOFS_SHOWN]]


def latest_of_each(found: Iterable[Proof]) -> Mapping[tuple[str, str, str], Proof]:
    """Of each identifier (kind, scope, value) its latest proof, in the order of ``found``, which is that of
    ``proofs``."""
    latest: dict[tuple[str, str, str], Proof] = {}
    for proof in found:
        latest.setdefault((proof.kind, proof.scope, proof.value), proof)
    return latest


def assurance(members: Sequence[Member], latest: Mapping[tuple[str, str, str], Proof]) -> Json:
    """How sure we are of one customer. ``latest``: of all their parts."""
    own = {(member.kind, member.scope, member.value) for member in members}
    proof = next((proof for key, proof in latest.items() if key in own), None)
    joined = [(why[2], member.id, why[0]) for member in members if (why := member.joined) is not None]
    weakest = min(joined, default=None)
    return {
        "level": "verified" if proof is not None else "asserted" if members else "unknown",
        "verified": proof.shown() if proof is not None else None,
        "confidence": weakest[0] / 100 if weakest is not None else 1.0 if members else 0.0,
        "weakest": {"profile": text_of(weakest[1]), "rule": weakest[2]} if weakest is not None else None,
    }

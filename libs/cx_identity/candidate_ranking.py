"""Whose a shared identifier may be, likeliest first, with reasons that a person can weigh.

In this order: who is tied to it by proof before who is tied by somebody's word; who used it later; who used it in more
contacts; the surer tie; the id. A rank joins nobody: it is for a person to decide.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from cx_events.ids import NodeId
from cx_events.timestamps import Micros, format_time
from cx_events.weights import PROVED
from cx_identity.outcome import Candidate, CandidateCustomer


class IdentifierActivity(Struct, frozen=True, gc=False):
    """An event that names the identifier, in an interaction. ``event``: (source, id)."""

    at: Micros
    event: tuple[str, str]
    channel: str
    interaction: str


class IdentifierUse(Struct, frozen=True, gc=False):
    """In how many interactions somebody used an identifier, and when last."""

    contacts: int
    last: IdentifierActivity


def sum_activity(contacts: Iterable[IdentifierActivity]) -> IdentifierUse | None:
    """What some events say, in any order and with repetitions; None of none."""
    found = list(contacts)
    if not found:
        return None
    last = max(found, key=lambda contact: (contact.at, contact.event))
    return IdentifierUse(len({contact.interaction for contact in found}), last)


class RankedCustomer(Struct, frozen=True, gc=False):
    """``use``: None where no contact is known. ``last_user``: of all customers this one used it last."""

    tied: CandidateCustomer
    use: IdentifierUse | None
    last_user: bool
    reasons: tuple[str, ...]


def rank_customers(candidate: Candidate, uses: Mapping[NodeId, IdentifierUse]) -> list[RankedCustomer]:
    """The candidate's customers. ``uses``: by customer, as far as they are known."""
    last = max(
        (tied.customer for tied in candidate.customers if tied.customer in uses),
        key=lambda customer: (uses[customer].last.at, uses[customer].last.event),
        default=None,
    )
    found = [
        RankedCustomer(
            tied, use := uses.get(tied.customer), tied.customer == last, _reasons(tied, use, tied.customer == last)
        )
        for tied in candidate.customers
    ]
    return sorted(found, key=_likeliest_first)


def is_proved(tied: CandidateCustomer) -> bool:
    """Return whether a proof ties the customer to the identifier."""
    return tied.weight == PROVED


def _likeliest_first(one: RankedCustomer) -> tuple[bool, Micros, int, int, NodeId]:
    use = one.use
    at, contacts = (use.last.at, use.contacts) if use is not None else (0, 0)
    return not is_proved(one.tied), -at, -contacts, -one.tied.confidence, one.tied.customer


def _reasons(tied: CandidateCustomer, use: IdentifierUse | None, last: bool) -> tuple[str, ...]:
    reasons = [f"{tied.weight}: {tied.rule} in {tied.evidence[1]}#{tied.evidence[2]}"]
    if use is not None:
        contacts = "1 contact" if use.contacts == 1 else f"{use.contacts} contacts"
        reasons.append(f"used it in {contacts}")
        on = f" on {use.last.channel}" if use.last.channel else ""
        reasons.append(f"{'used it last of all' if last else 'used it last'}, {format_time(use.last.at)}{on}")
    return tuple(reasons)

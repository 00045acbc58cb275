"""Rank the customers that an identifier in doubt may belong to, with reasons that a person can weigh.

The order is: tied by a proof before any other weight, then the latest use, then the most contacts, then the highest
confidence, then the id. A rank joins nobody: a person decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from cx_events.ids import NodeId
from cx_events.timestamps import Micros, format_time
from cx_events.weights import PROVED
from cx_identity.outcome import Candidate, CandidateCustomer


class IdentifierActivity(Struct, frozen=True, gc=False):
    """One event that names the identifier, in an interaction. ``event`` is (source, id)."""

    at: Micros
    event: tuple[str, str]
    channel: str
    interaction: str


class IdentifierUse(Struct, frozen=True, gc=False):
    """In how many interactions (``contacts``) somebody used an identifier, and when last."""

    contacts: int
    last: IdentifierActivity


def sum_activity(contacts: Iterable[IdentifierActivity]) -> IdentifierUse | None:
    """Add up some events, in any order and with repetitions; return None if there is none."""
    found = list(contacts)
    if not found:
        return None
    last = max(found, key=lambda contact: (contact.at, contact.event))
    return IdentifierUse(len({contact.interaction for contact in found}), last)


class RankedCustomer(Struct, frozen=True, gc=False):
    """A customer that the identifier may belong to, and the reasons as sentences.

    ``use`` is None where no contact is known. ``last_user`` says that of all customers this one used it last.
    """

    candidate: CandidateCustomer
    use: IdentifierUse | None
    last_user: bool
    reasons: tuple[str, ...]


def rank_customers(candidate: Candidate, uses: Mapping[NodeId, IdentifierUse]) -> list[RankedCustomer]:
    """Return the candidate's customers, likeliest first.

    ``uses`` has each customer's use of the identifier, as far as it is known.
    """
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
    return not is_proved(one.candidate), -at, -contacts, -one.candidate.confidence, one.candidate.customer


def _reasons(tied: CandidateCustomer, use: IdentifierUse | None, last: bool) -> tuple[str, ...]:
    reasons = [f"{tied.weight}: {tied.rule} in {tied.evidence[1]}#{tied.evidence[2]}"]
    if use is not None:
        contacts = "1 contact" if use.contacts == 1 else f"{use.contacts} contacts"
        reasons.append(f"used it in {contacts}")
        on = f" on {use.last.channel}" if use.last.channel else ""
        reasons.append(f"{'used it last of all' if last else 'used it last'}, {format_time(use.last.at)}{on}")
    return tuple(reasons)

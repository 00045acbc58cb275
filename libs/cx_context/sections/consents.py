"""Fold and show the customer's consents: a refusal holds until somebody who may takes it back.

Consent is not simply the last writer's. Whoever types a customer's address must not be able to consent for them, and
two profiles that turn out to be one customer must not turn one's refusal into the other's consent. So:

- A refusal counts whoever said it. To be believed wrongly costs the business a message, not the customer their peace.
- What was only claimed grants nothing.
- A refusal is taken back by a later grant of its own profile that weighs at least as much, or by a later grant of
  anybody who was proved.
- A purpose is granted where something grants it and no refusal holds. General consent (without a channel) and that for
  one channel are two matters.

A *profile* is here the identifier itself: a refusal is in the stream of the strongest identifier that its event names,
and a grant counts as that of every identifier in its event. An event that names nobody is in the stream of its
interaction, and only claims. Everything kept is a greatest place by key, so it adds up in any order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, NamedTuple

from msgspec import Struct

from cx_context.parts.adding import keep_greatest
from cx_context.parts.keyed_parts import order_of
from cx_context.parts.model import Part
from cx_context.parts.rules import greatest_by_key
from cx_context.parts.values import At, hash_name, shorten_name
from cx_context.sections.members import key_of
from cx_context.sections.proofs import CORE
from cx_context.sections.section import Section, made_of
from cx_events.facts import Fact, Order, customer_identifiers, strongest_identifier
from cx_events.invisible_characters import strip_invisible
from cx_events.weights import CLAIMED, PROVED, weight_of, weight_rank

CHANGED = "cx.consent.changed.v1"


class Purpose(NamedTuple):
    """``channel``: empty for all channels."""

    name: str
    channel: str


CONSENTS_KEPT = 256
CONSENTS_SHOWN = 64


class Fields(Struct):
    grants: Annotated[dict[str, At], greatest_by_key(CONSENTS_KEPT)] = {}
    """When a profile last granted a purpose, by ``PURPOSE\\nCHANNEL\\nPROFILE\\nRANK``, a hash of the profile."""
    refusals: Annotated[dict[str, At], greatest_by_key(CONSENTS_KEPT)] = {}
    """When a profile last refused a purpose, by the same key."""


def _changed(part: Part, fact: Fact, at: At) -> None:
    event = fact.event
    consent = event.data.consent
    if consent is None:
        return
    purpose = f"{_one_line(consent.purpose)}\n{_one_line(consent.channel)}"
    best = strongest_identifier(event)
    weight = weight_of(best, event) if best is not None else CLAIMED
    if not consent.granted:
        own = key_of(best) if best is not None else f"\n{event.data.interaction}"
        keep_greatest(part.refusals, f"{purpose}\n{hash_name(own)}\n{weight_rank(weight)}", at, CONSENTS_KEPT)
    elif weight != CLAIMED:
        for identifier in customer_identifiers(event):
            own_weight = weight_of(identifier, event)
            if own_weight != CLAIMED:
                key = f"{purpose}\n{hash_name(key_of(identifier))}\n{weight_rank(own_weight)}"
                keep_greatest(part.grants, key, at, CONSENTS_KEPT)


def _one_line(text: str) -> str:
    """Return a purpose or a channel as it is compared: a refusal holds however a later grant writes it."""
    return shorten_name(" ".join(strip_invisible(text).lower().split()))


def in_force(parts: Iterable[Part], claims: Iterable[Part] = ()) -> list[tuple[Purpose, bool]]:
    """Return what is granted (True) or refused (False) over all parts of a customer, by purpose and channel.

    ``claims``: further parts, of profiles that only a claim ties to the customer: whatever was proved of these, for
    this customer it is a claim, which refuses and grants nothing.

    Of more than ``CONSENTS_SHOWN`` purposes those said last. What is neither granted nor refused is not there.
    """
    grants: dict[Purpose, list[_Statement]] = {}
    refusals: dict[Purpose, list[_Statement]] = {}
    for part in parts:
        for said, kept in ((grants, part.grants), (refusals, part.refusals)):
            for purpose, one in _said(part, kept):
                said.setdefault(purpose, []).append(one)
    for part in claims:
        for purpose, one in _said(part, part.refusals):
            refusals.setdefault(purpose, []).append(one._replace(weight=weight_rank(CLAIMED)))
    last = {
        purpose: max(one.order for one in (*grants.get(purpose, ()), *refusals.get(purpose, ())))
        for purpose in grants.keys() | refusals.keys()
    }
    shown = sorted(last, key=lambda purpose: (last[purpose], purpose), reverse=True)[:CONSENTS_SHOWN]
    return [(purpose, _is_granted(grants.get(purpose, ()), refusals.get(purpose, ()))) for purpose in sorted(shown)]


class _Statement(NamedTuple):
    """``own``: stands for the profile; ``weight``: its place, 0 for proved."""

    order: Order
    own: str
    weight: int


def _said(part: Part, kept: dict[str, At]) -> Iterator[tuple[Purpose, _Statement]]:
    for key, at in kept.items():
        name, channel, own, weight = key.split("\n")
        yield Purpose(name, channel), _Statement(order_of(part, at), own, int(weight))


def _is_granted(grants: Sequence[_Statement], refusals: Sequence[_Statement]) -> bool:
    return bool(grants) and all(any(_takes_back(grant, refusal) for grant in grants) for refusal in refusals)


def _takes_back(grant: _Statement, refusal: _Statement) -> bool:
    if grant.order < refusal.order:
        return False
    return grant.weight == _PROVED or (grant.own == refusal.own and grant.weight <= refusal.weight)


_PROVED = weight_rank(PROVED)


SECTION = Section(
    handlers={CHANGED: _changed},
    provenance={
        ("customer", "consent"): made_of(
            "a refusal, until its own profile or somebody proved grants again", "grants", "refusals", *CORE
        ),
    },
)

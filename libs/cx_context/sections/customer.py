"""Fold and show who the customer is, and what is known about them.

What is said about a customer counts by its weight, then by its time: who only claims to be them renames nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated

from msgspec import Raw, Struct

from cx_context.parts.adding import later_register, write_values
from cx_context.parts.keyed_parts import order_of
from cx_context.parts.model import Part
from cx_context.parts.rules import LastValue, last_by_key
from cx_context.parts.values import KEYS_KEPT, TEXT_KEPT, At, Register
from cx_context.sections.assurance import LEVELS, assurance_view
from cx_context.sections.candidates import claims_view
from cx_context.sections.consents import Purpose, in_force
from cx_context.sections.members import Member, key_of
from cx_context.sections.proofs import CORE, Proof, latest_of_each, proofs
from cx_context.sections.registers import best_by_key
from cx_context.sections.section import Section, made_of
from cx_context.sections.section_inputs import Rendering
from cx_events.facts import Fact, Order
from cx_events.identifiers import rank_of
from cx_events.ids import text_of
from cx_events.json_types import Json
from cx_events.junk import names_nobody
from cx_events.schema_shapes import (
    FLAG,
    FREE,
    ID,
    SHARE,
    TEXT,
    TEXT_OR_NONE,
    TIME_OR_NONE,
    WHOLE,
    array,
    named,
    or_none,
    ref,
)
from cx_events.timestamps import format_time
from cx_events.weights import CLAIMED, WEIGHT_RANKS

ALIASES_SHOWN = 100
IDENTIFIERS_SHOWN = 50


class Fields(Struct):
    name: LastValue = None
    """What the customer is called."""
    attributes: Annotated[dict[str, Register], last_by_key(KEYS_KEPT)] = {}
    preferences: Annotated[dict[str, Register], last_by_key(KEYS_KEPT)] = {}


def _note_name(part: Part, fact: Fact, at: At) -> None:
    for participant in fact.event.data.participants:
        if participant.role == "customer":
            # An address is no name: whoever chooses a name would be shown as whom it belongs to. "@ana" is one.
            if participant.name and "@" not in participant.name.lstrip("@ ") and not names_nobody(participant.name):
                part.name = later_register(part.name, (at, participant.name[:TEXT_KEPT]))
            return


def _write_attributes(part: Part, fact: Fact, at: At) -> None:
    write_values(part.attributes, fact.event.data.attributes, at)


def _write_preferences(part: Part, fact: Fact, at: At) -> None:
    write_values(part.preferences, fact.event.data.preferences, at)


def view(of: Rendering) -> Json | Raw:
    """Return ``customer``."""
    known = of.known
    said = of.members, of.deciding_parts, known.claims, known.assured, known.left_out
    return of.made_of((known.customer, of.trust, of.current_assurance(), *said), _shown)


def _shown(of: Rendering) -> Json:
    trust, parts, customer = of.trust, of.deciding_parts, of.known.customer
    members = strongest_first(of.members)
    aliases = sorted((m.claimed, text_of(m.id)) for m in members if m.id != customer)
    weighed = [(trust.weight_of(part), part) for part in parts]
    if of.known.assured:
        weighed = [(weight, part) for weight, part in weighed if weight < WEIGHT_RANKS[CLAIMED]]
    name, weight = _display(weighed)
    verified = _verified_at(parts)
    latest = latest_of_each(proofs(parts, trust.core | trust.claimed))
    return {
        "id": text_of(customer),
        "aliases": [alias for _, alias in aliases[:ALIASES_SHOWN]],
        "display": name if name is not None else (members[0].value if members else None),
        "display_weight": weight,
        "identifiers": [_identifier(member, verified, latest) for member in members[:IDENTIFIERS_SHOWN]],
        "assurance": assurance_view(members, of.current_assurance(), trust.lifetimes),
        "attributes": best_by_key(weighed, "attributes"),
        "consent": [
            {"purpose": purpose.name, "channel": purpose.channel or None, "granted": granted}
            for purpose, granted in _consents(of)
        ],
        "preferences": best_by_key(weighed, "preferences"),
        "candidates": claims_view(of.known.claims.latest, {member.id for member in members}),
        "candidates_total": of.known.claims.total,
    }


def strongest_first(members: Iterable[Member]) -> list[Member]:
    """Return a customer's profiles in the order in which they are shown."""
    return sorted(members, key=lambda m: (m.claimed, rank_of(m.kind), m.kind, m.value, m.scope, m.id))


def display_name(of: Rendering) -> tuple[str | None, str | None]:
    """Return what a customer is called and the weight of that, both None where nobody said a name."""
    return _display([(of.trust.weight_of(part), part) for part in of.deciding_parts])


def _display(parts: Iterable[tuple[int, Part]]) -> tuple[str | None, str | None]:
    """Return the name of the greatest weight, of those the last one, and that weight."""
    names = [(-weight, order_of(part, part.name[0]), part.name[1]) for weight, part in parts if part.name is not None]
    if not names:
        return None, None
    weight, _, name = max(names)
    return name, LEVELS[-weight]


def _consents(of: Rendering) -> Iterable[tuple[Purpose, bool]]:
    """A claim grants nothing, and refuses all the same, also in an assured body that leaves it out."""
    core = of.trust.core
    claims = [part for part in of.deciding_parts if part.identifier not in core]
    return in_force([part for part in of.deciding_parts if part.identifier in core], [*claims, *of.known.left_out])


def _verified_at(parts: Sequence[Part]) -> dict[str, Order]:
    verified: dict[str, Order] = {}
    for part in parts:
        if part.verifications:
            for key, at in part.verifications.items():
                verified[key] = max(order_of(part, at), verified.get(key, order_of(part, at)))
    return verified


def _identifier(member: Member, verified: Mapping[str, Order], latest: Mapping[str, Proof]) -> Json:
    order = verified.get(key_of(member))
    shown: Json = {"kind": member.kind, "value": member.value}
    if member.scope:
        shown["scope"] = member.scope
    shown["profile"] = text_of(member.id)
    shown["verified_at"] = format_time(order[0]) if order is not None else None
    proof = latest.get(key_of(member))
    shown["verified_by"] = proof.method if proof is not None else None
    shown["claimed"] = member.claimed
    shown["joined"] = _joined(member)
    return shown


def _joined(member: Member) -> Json | None:
    if member.joined is None:
        return None
    rule, evidence, confidence, via = member.joined
    return {"rule": rule, "evidence": evidence, "confidence": confidence / 100, "via": text_of(via)}


_HEAVIEST = "the value of the greatest weight, of those the last by effective time"

_JOIN = named("IdentifierJoin", {"rule": TEXT, "evidence": TEXT, "confidence": SHARE, "via": ID})

_IDENTIFIER = named(
    "CustomerIdentifier",
    {
        "kind": TEXT,
        "value": TEXT,
        "profile": ID,
        "verified_at": TIME_OR_NONE,
        "verified_by": TEXT_OR_NONE,
        "claimed": {**FLAG, "description": "Only a claim ties it to the customer."},
        "joined": {**or_none(_JOIN), "description": "By what it is the customer's; null of the first profile."},
    },
    {"scope": TEXT},
)

SCHEMA = named(
    "Customer",
    {
        "id": ID,
        "aliases": array(ID),
        "display": TEXT_OR_NONE,
        "display_weight": {
            "enum": ["proved", "asserted", "claimed", None],
            "description": "What the name weighs; of a claimed one anybody may be the author. "
            "null where `display` is an identifier.",
        },
        "identifiers": array(_IDENTIFIER),
        "assurance": ref("Assurance"),
        "attributes": FREE,
        "consent": array(named("Consent", {"purpose": TEXT, "channel": TEXT_OR_NONE, "granted": FLAG})),
        "preferences": FREE,
        "candidates": array(ref("RefusedClaim")),
        "candidates_total": WHOLE,
    },
)

SECTION = Section(
    schema=SCHEMA,
    member_handlers={
        "participants": _note_name,
        "attributes": _write_attributes,
        "preferences": _write_preferences,
    },
    provenance={
        ("customer",): made_of("who is who, and what was said of the customer last"),
        ("customer", "id"): made_of(
            "the profile that was recorded first of those that are one customer", identity=True
        ),
        ("customer", "aliases"): made_of("the other profiles of the customer, the core's first", *CORE, identity=True),
        ("customer", "display"): made_of(
            "the name of the greatest weight, of those the last, else the strongest identifier", "name", *CORE,
            identity=True,
        ),
        ("customer", "display_weight"): made_of("how much that name weighs; null of an identifier", "name", *CORE),
        ("customer", "identifiers"): made_of(
            "profiles that evidence or a person's decision joins", "verifications", *CORE, identity=True
        ),
        ("customer", "identifiers", "*", "claimed"): made_of(
            "whether only a claim ties it to the known core, else to the first profile that something vouches for",
            *CORE, identity=True,
        ),
        ("customer", "identifiers", "*", "verified_at"): made_of(
            "the last event in which it is verified", "verifications"
        ),
        ("customer", "identifiers", "*", "verified_by"): made_of("how it was proved last", "proofs"),
        ("customer", "attributes"): made_of(_HEAVIEST, "attributes", *CORE),
        ("customer", "preferences"): made_of(_HEAVIEST, "preferences", *CORE),
    },
)  # fmt: skip

"""Weigh identifiers in events: proved, asserted or claimed.

- *proved*: a login, a one-time code, a hash over exactly that value, a platform's own account id, mail whose From is
  aligned with what signed it.
- *asserted*: stated by a system with the scope ``identity:assert`` (a CRM), or by the network (a call with attestation
  A).
- *claimed*: all else, above all what a visitor typed. A cookie is always claimed: a browser is a device, not a person.

Intake stamps the weight on every customer's identifier, for good (``stamp_weights``), and refuses more than the
writer's scopes allow. ``weight_of`` also reads older events, which have no stamp.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from cx_events.envelope import Data, Event, Identifier, Weight
from cx_events.errors import Refused
from cx_events.invisible_characters import strip_invisible

PROVED: Weight = "proved"
ASSERTED: Weight = "asserted"
CLAIMED: Weight = "claimed"

WEIGHT_RANKS: Mapping[str, int] = {PROVED: 0, ASSERTED: 1, CLAIMED: 2}
"""The rank of each weight: the strongest is 0, as in ``identifiers.rank_of``."""

SCOPE_OF: Mapping[str, str] = {PROVED: "identity:prove", ASSERTED: "identity:assert"}
"""The scope that a key needs to state a weight. ``*`` includes all scopes, but proves no identifier by itself."""

ALL_SCOPES = frozenset(SCOPE_OF.values())
"""The scopes of the hub's own adapters, whose mappings state what a vendor checked."""

VERIFIED_TYPE = "cx.identity.verified.v1"
ASSERTED_TYPE = "cx.identity.asserted.v1"
_CUSTOMER_FAMILY = "cx.customer."


def weight_rank(weight: str) -> int:
    """Return the rank of a weight, 0 for the strongest; an unknown one counts as a claim."""
    return WEIGHT_RANKS.get(weight, 2)


def weaker(one: str, other: str) -> Weight:
    """Return the weaker of two weights."""
    return (PROVED, ASSERTED, CLAIMED)[max(weight_rank(one), weight_rank(other))]


def weight_of(identifier: Identifier, event: Event) -> Weight:
    """Return the weight of an identifier in an event from the log.

    Without a stamp, what is flagged ``verified`` and what ``cx.identity.verified.v1`` verifies is proved; all else is
    claimed, since nobody knows whether its key was allowed to assert.
    """
    if identifier.weight:
        return identifier.weight
    if identifier.kind == "cookie":
        return CLAIMED
    if identifier.verified or (event.type == VERIFIED_TYPE and _flags_nothing(event.data)):
        return PROVED
    return CLAIMED


def _flags_nothing(data: Data) -> bool:
    """Return whether a verification flags none of its identifiers: then it verifies all of them."""
    return not any(each.verified or each.weight == PROVED for each in linking_identifiers(data))


def linking_identifiers(data: Data) -> list[Identifier]:
    """Return the identifiers that may link profiles: those of customers and of ``data.links``."""
    found = [each for one in data.participants if one.role == "customer" for each in one.identifiers]
    found += [each for pair in data.links for each in pair]
    return found


def stamp_weights(data: Data, event_type: str, scopes: Collection[str]) -> None:
    """Set a weight on every identifier of a customer and in ``links``, and on no other.

    Changes ``data`` in place: nobody else may hold it. The weight is what the identifier states. Where it states none,
    a flag ``verified`` asks for *proved*; ``cx.identity.verified.v1`` asks for *proved* for what it flags, or for all
    where it flags nothing; ``cx.identity.asserted.v1`` and ``cx.customer.*`` ask for *asserted*; all else is claimed.
    The flag ``verified`` is cleared where the weight is less than *proved*, so that the two never contradict.

    ``scopes``: the writer's. Raises ``Refused("missing-scope")`` where the weight needs another one. Two weights are
    lowered without an error: that of a cookie, and that of a name with invisible characters, since whoever registered
    ``ana`` with U+200B proved nothing about ``ana``.
    """
    default = _default_weight(data, event_type)
    for participant in data.participants:
        if participant.role == "customer":
            for identifier in participant.identifiers:
                _weigh(identifier, default, scopes)
        else:
            for identifier in participant.identifiers:
                identifier.weight = ""  # intake checks customers' weights only
    for pair in data.links:
        for identifier in pair:
            _weigh(identifier, default, scopes)


def asserts_by_default(event_type: str) -> bool:
    """Return whether identifiers in events of a type count as asserted unless they state another weight."""
    return event_type == ASSERTED_TYPE or event_type.startswith(_CUSTOMER_FAMILY)


def _default_weight(data: Data, event_type: str) -> Weight:
    """Return the weight that an event's type asks for where neither the identifier nor a flag does."""
    if event_type == VERIFIED_TYPE:
        return PROVED if _flags_nothing(data) else CLAIMED
    return ASSERTED if asserts_by_default(event_type) else CLAIMED


def _weigh(identifier: Identifier, default: Weight, scopes: Collection[str]) -> None:
    asked = identifier.weight or (PROVED if identifier.verified else default)
    if asked != CLAIMED:
        needed = SCOPE_OF[asked]
        if needed not in scopes and "*" not in scopes:
            detail = f"{identifier.kind} has the weight {asked}, which needs the scope {needed}"
            raise Refused("missing-scope", detail, 403)
        if identifier.kind == "cookie" or _differs_visibly(identifier):
            asked = CLAIMED
    identifier.weight = asked
    if asked != PROVED:
        identifier.verified = False


def _differs_visibly(identifier: Identifier) -> bool:
    """Return whether an identifier was sent with invisible characters inside, so that it may be another name.

    Phone numbers don't count: they are dialled without such characters.
    """
    given = identifier.given
    return bool(given) and identifier.kind != "phone" and strip_invisible(given).strip() != given.strip()

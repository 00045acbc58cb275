"""How much an identifier in an event is worth: a claim, an assertion and a proof are three things.

- *proved*: a login, a one-time code, a hash over exactly that value, a platform's own account id, mail whose From is
  aligned with what signed it.
- *asserted*: said by a system that may (a CRM with the scope ``identity:assert``), or by the network (a call attested
  A).
- *claimed*: all else, above all what a visitor typed. A cookie is always claimed: a browser is a device, not a person.

Intake stamps the weight on every customer's identifier, for good (``stamp_weights``). Facts that bear no stamp are read
as they were meant (``weight_of``). Whoever writes an event states no more than it may: ``stamp_weights`` refuses the
rest.
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
"""The strongest is 0, as in ``identifiers.rank_of``; of two weights the lesser one has the greater number."""

SCOPE_OF: Mapping[str, str] = {PROVED: "identity:prove", ASSERTED: "identity:assert"}
"""The scope that a key needs to state a weight. ``*`` holds every scope; it makes no identifier proved by itself."""

ALL_SCOPES = frozenset(SCOPE_OF.values())
"""Of the hub's own adapters, whose mappings state what a vendor checked."""

VERIFIED_TYPE = "cx.identity.verified.v1"
ASSERTED_TYPE = "cx.identity.asserted.v1"
_CUSTOMER_FAMILY = "cx.customer."


def weight_rank(weight: str) -> int:
    """Return the place of a weight, strongest first; of an unknown one that of a claim."""
    return WEIGHT_RANKS.get(weight, 2)


def weaker(one: str, other: str) -> Weight:
    """Return the weight of a pair: the lesser one of its two ends."""
    return (PROVED, ASSERTED, CLAIMED)[max(weight_rank(one), weight_rank(other))]


def weight_of(identifier: Identifier, event: Event) -> Weight:
    """Return the weight of an identifier in an event from the log.

    As stamped. Without a stamp: what is flagged ``verified``, and what ``cx.identity.verified.v1`` verifies, is proved;
    all else is claimed, since nobody knows whether its key might assert.
    """
    if identifier.weight:
        return identifier.weight
    if identifier.kind == "cookie":
        return CLAIMED
    if identifier.verified or (event.type == VERIFIED_TYPE and _flags_nothing(event.data)):
        return PROVED
    return CLAIMED


def _flags_nothing(data: Data) -> bool:
    """Return whether a verification flags none of its identifiers: then it verifies all that it names."""
    return not any(each.verified or each.weight == PROVED for each in linking_identifiers(data))


def linking_identifiers(data: Data) -> list[Identifier]:
    """Return the identifiers that can have a say in who is who: customers' and those of ``data.links``."""
    found = [each for one in data.participants if one.role == "customer" for each in one.identifiers]
    found += [each for pair in data.links for each in pair]
    return found


def stamp_weights(data: Data, event_type: str, scopes: Collection[str]) -> None:
    """Set a weight on every identifier of a customer and in ``links``, and on no other: in place, so only for data that
    nobody else holds.

    The weight is what the identifier states. Where it states none: a flag ``verified`` asks for *proved*;
    ``cx.identity.verified.v1`` asks it for what it flags, for all that it names where it flags nothing;
    ``cx.identity.asserted.v1`` and ``cx.customer.*`` ask for *asserted*; all else is claimed. A flag ``verified`` goes
    where the weight is less than *proved*, so that the two never say different things. ``scopes``: of the writer.
    Raises ``Refused("missing-scope")`` where more is asked for than these allow; nothing is made less quietly, but for
    a cookie, and for a name that was vouched for with characters in it that nobody sees: whoever registers ``ana`` and
    U+200B has shown nothing about ``ana``.
    """
    unsaid = _unsaid_weight(data, event_type)
    for participant in data.participants:
        if participant.role == "customer":
            for identifier in participant.identifiers:
                _weigh(identifier, unsaid, scopes)
        else:
            for identifier in participant.identifiers:
                identifier.weight = ""  # a weight is what intake has checked, and it checks customers' only
    for pair in data.links:
        for identifier in pair:
            _weigh(identifier, unsaid, scopes)


def _unsaid_weight(data: Data, event_type: str) -> Weight:
    """Return the weight that an event's type asks for where neither the identifier nor a flag does."""
    if event_type == VERIFIED_TYPE:
        return PROVED if _flags_nothing(data) else CLAIMED
    if event_type == ASSERTED_TYPE or event_type.startswith(_CUSTOMER_FAMILY):
        return ASSERTED
    return CLAIMED


def _weigh(identifier: Identifier, unsaid: Weight, scopes: Collection[str]) -> None:
    asked = identifier.weight or (PROVED if identifier.verified else unsaid)
    if asked != CLAIMED:
        needed = SCOPE_OF[asked]
        if needed not in scopes and "*" not in scopes:
            detail = f"{identifier.kind} is said to be {asked}: that needs the scope {needed}"
            raise Refused("missing-scope", detail, 403)
        if identifier.kind == "cookie" or _is_another(identifier):
            asked = CLAIMED
    identifier.weight = asked
    if asked != PROVED:
        identifier.verified = False


def _is_another(identifier: Identifier) -> bool:
    """Return whether what was given is another name than its normal form to whoever vouched for it. A number is not: it
    is dialled without what nobody sees."""
    given = identifier.given
    return bool(given) and identifier.kind != "phone" and strip_invisible(given).strip() != given.strip()

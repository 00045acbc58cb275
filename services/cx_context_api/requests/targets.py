"""Read whose context a request asks for: by an id, an identifier or an interaction."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from cx_events.email_addresses import LocalDomains
from cx_events.envelope import Identifier
from cx_events.errors import Refused
from cx_events.identifiers import is_usable, normalise
from cx_events.ids import IdSpace, NodeId, parse_node_id
from cx_events.junk import DEFAULT_JUNK, JUNK, Junk
from cx_events.weights import PROVED
from cx_runtime.tenants import Tenants


class ById(NamedTuple):
    """A customer by any id that was ever a customer's."""

    node: NodeId


class ByIdentifier(NamedTuple):
    """A customer by an identifier.

    ``profiles``: one id per form in which the value may have been recorded; the first known one counts.
    """

    profiles: tuple[NodeId, ...]


class ByInteraction(NamedTuple):
    """A customer by an interaction that they take part in."""

    interaction: str


Target = ById | ByIdentifier | ByInteraction


def by_id(text: str) -> ById:
    """Parse an id. Raises ``Refused("bad-id", 404)`` if it is malformed: no customer has it."""
    return ById(parse_node_id(text))


def by_identifier(
    kind: str, value: str, scope: str, ids: IdSpace, regions: Iterable[str], junk: Junk = DEFAULT_JUNK
) -> ByIdentifier:
    """Return the target of an identifier. ``regions``: where national telephone numbers may be from.

    Raises ``Refused("unusable-identifier", 422)`` for a value that identifies nobody, such as the tenant's ``junk``.
    """
    forms = _forms(kind, value, scope, tuple(regions), junk.local_domains)
    if not isinstance(forms, str) and all(junk.matches(known, normal, PROVED) for known, _, normal in forms):
        forms = JUNK
    if isinstance(forms, str):
        raise Refused("unusable-identifier", f"{kind[:40]}:{value[:64]!r} identifies nobody: it is {forms}.")
    return ByIdentifier(tuple(ids.profile(*form) for form in forms))


_KINDS_OF_SCHEMES = {"tel": "phone", "callto": "phone", "mailto": "email"}
"""The identifier kind of each URI scheme; desktops have such URIs in their links."""


def read_identifier(text: str) -> tuple[str, str]:
    """Return kind and value of ``KIND:VALUE``, or of a URI like ``tel:+15550100123``.

    Raises ``Refused("bad-identifier", 400)``.
    """
    kind, colon, value = text.partition(":")
    if not (kind and colon and value):
        raise Refused("bad-identifier", f"{text[:64]!r}: expected KIND:VALUE, for example email:ana@example.com.", 400)
    scheme = _KINDS_OF_SCHEMES.get(kind.lower())
    return (kind, value) if scheme is None else (scheme, text)


def regions_of(tenants: Tenants, tenant: str) -> tuple[str, ...]:
    """Return the regions in which the tenant's connections read national telephone numbers at intake."""
    connections = tenants.by_name[tenant].connections.values()
    return tuple(sorted({connection.region for connection in connections if connection.region}))


@lru_cache(maxsize=16_384)
def _forms(
    kind: str, value: str, scope: str, regions: tuple[str, ...], local: LocalDomains
) -> tuple[tuple[str, str, str], ...] | str:
    """Return the normal forms, or why there is none. Cached: parsing a number costs more than finding its customer."""
    given = Identifier(kind=kind, value=value, scope=scope)
    read = [normalise(given, region) for region in (*regions, None)]
    usable = dict.fromkeys((one.kind, one.scope, one.value) for one in read if is_usable(one, local))
    return tuple(usable) or read[-1].unusable

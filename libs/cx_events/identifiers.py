"""Normalise identifiers, and rank their kinds.

The normal form is made once, at intake, and stored in the event: a library that reads numbers differently next year
must not move a profile. Nothing downstream normalises again, except to look up an identifier that somebody typed.
"""

from __future__ import annotations

import re
from functools import lru_cache

from cx_events.email_addresses import LOCAL, LocalDomains, normalise_address
from cx_events.envelope import Identifier
from cx_events.invisible_characters import strip_invisible
from cx_events.phone_numbers import normalise_number

RANK = {"crm": 0, "account": 1, "email": 2, "phone": 3, "cookie": 6}
"""The rank of each kind, 0 for the strongest; a provider's own kinds (``facebook-psid``) have ``PROVIDER_RANK``."""

PROVIDER_RANK = 5
MAX_VALUE = 256

_CACHED = 16_384
_MOST_CACHED = MAX_VALUE + 64
"""Characters of kind, value and scope together: nobody fills the cache with megabytes."""

_KIND = re.compile(r"[a-z][a-z0-9_-]{0,39}")


def rank_of(kind: str) -> int:
    """Return the rank of a kind; 0 is the strongest."""
    return RANK.get(kind, PROVIDER_RANK)


def normalise(identifier: Identifier, region: str | None = None) -> Identifier:
    """Return the identifier in its normal form, marked ``unusable`` where it identifies nobody. Never raises.

    Junk (``undefined``) is marked later, since that depends on the weight: see ``junk.mark_junk``.

    ``region`` (ISO 3166 alpha-2) reads national phone numbers; without it only international ones, ``+`` or not, are
    usable. Phones are normalised by ``phone_numbers``, mail addresses by ``email_addresses``. Invisible characters are
    removed from every kind. A mail address at a domain of a private network is marked ``local``; ``junk.mark_junk``
    removes the mark where the tenant lists that domain.
    """
    kind, value, scope = identifier.kind, identifier.value, identifier.scope
    given = identifier.given or value
    if len(kind) + len(value) + len(scope) <= _MOST_CACHED:
        kind, value, scope, unusable = _normal_form(kind, value, scope, region)
    else:
        kind, value, scope, unusable = _find_normal_form(kind, value, scope, region)
    return Identifier(
        kind=kind,
        value=value,
        scope=scope,
        verified=identifier.verified,
        weight=identifier.weight,
        given=given if given != value else "",
        unusable=unusable,
    )


def _find_normal_form(kind: str, value: str, scope: str, region: str | None) -> tuple[str, str, str, str]:
    """Return kind, value and scope in their normal form, and why they identify nobody, or ""."""
    value, kind, scope, unusable = value.strip(), kind.strip().lower(), scope.strip(), ""
    if _KIND.fullmatch(kind) is None or not value or not (_is_shown(value) and _is_shown(scope)):
        value, kind, scope, unusable = _seen(value, kind, scope)
    if unusable:
        pass
    elif kind == "phone":
        value, unusable = normalise_number(value, region)
    elif kind == "email":
        value, unusable = normalise_address(value)
    return kind, value, scope, unusable


_normal_form = lru_cache(_CACHED)(_find_normal_form)
"""People write again and again."""


def is_usable(identifier: Identifier, local: LocalDomains) -> bool:
    """Return whether an identifier, in its normal form, is usable. ``local``: the tenant's own mail domains."""
    return not identifier.unusable or (identifier.unusable == LOCAL and local.contains(identifier.value))


def _seen(value: str, kind: str, scope: str) -> tuple[str, str, str, str]:
    """Return value, kind and scope without invisible characters, and why they identify nobody even so, or ""."""
    value, kind, scope = strip_invisible(value).strip(), strip_invisible(kind).strip(), strip_invisible(scope).strip()
    if kind == "phone":
        value = value.replace("\t", " ")  # as copied from a table
    if _KIND.fullmatch(kind) is None:
        return value, kind, scope, "invalid kind"
    return value, kind, scope, "" if value and _is_shown(value) and _is_shown(scope) else "invalid"


def _is_shown(text: str) -> bool:
    return len(text) <= MAX_VALUE and text.isprintable() and (text.isascii() or strip_invisible(text) == text)

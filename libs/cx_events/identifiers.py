"""Identifiers: their kinds, their rank, and their normal form, which intake records for good.

A library that reads numbers otherwise next year must not move a profile, so the normal form is made once, at intake,
and stored in the event; nothing downstream normalises again, except to look a typed-in identifier up.
"""

from __future__ import annotations

import re
from functools import lru_cache

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

from cx_events.envelope import Identifier
from cx_events.phone_numbers import read_number

RANK = {"crm": 0, "account": 1, "email": 2, "phone": 3, "cookie": 6}
"""Strength of a kind, strongest first; a provider's own kinds (``facebook-psid``) have ``PROVIDER_RANK``."""

PROVIDER_RANK = 5
MAX_VALUE = 256
_CACHED = 32_768
"""Normal forms kept: a person's address comes again and again, and reading it takes longer than all else at intake."""

# An address that its library gives back as it is: a plain name at a plain domain, both within what mail allows. Most
# are, and the library takes fifteen times as long to say so.
_PLAIN_EMAIL = re.compile(
    r"(?=[^@]{1,64}@)[a-z0-9_]+(?:[.+-][a-z0-9_]+)*@(?:[a-z0-9]{1,31}(?:-[a-z0-9]{1,31})?\.){1,3}[a-z]{2,24}"
)
_NOBODYS_DOMAINS = tuple(mark + name for name in SPECIAL_USE_DOMAIN_NAMES for mark in "@.")
_KIND = re.compile(r"[a-z][a-z0-9_-]{0,39}")


def rank_of(kind: str) -> int:
    """0 is the strongest."""
    return RANK.get(kind, PROVIDER_RANK)


def normalise(identifier: Identifier, region: str | None = None) -> Identifier:
    """The identifier in its normal form, marked ``unusable`` where it identifies nobody. Total: never raises.

    What only says that there is nobody (``undefined``) is marked later, by what it is worth: see ``junk.marked``.

    ``region`` (ISO 3166 alpha-2) reads national phone numbers; without it only international ones, ``+`` or not, are
    usable. Phones become what ``phone_numbers`` says, mail addresses lower case with an ASCII or normalised domain.
    """
    given = identifier.given or identifier.value
    value = identifier.value.strip()
    kind = identifier.kind.strip().lower()
    scope = identifier.scope.strip()
    unusable = ""
    if not _KIND.fullmatch(kind):
        unusable = "invalid kind"
    elif not value or not (_is_shown(value) and _is_shown(scope)):
        unusable = "invalid"
    elif kind == "phone":
        value, unusable = read_number(value, region)
    elif kind == "email":
        value, unusable = _email(value)
    return Identifier(
        kind=kind,
        value=value,
        scope=scope,
        verified=identifier.verified,
        weight=identifier.weight,
        given=given if given != value else "",
        unusable=unusable,
    )


def _is_shown(text: str) -> bool:
    return len(text) <= MAX_VALUE and text.isprintable()


@lru_cache(_CACHED)
def _email(given: str) -> tuple[str, str]:
    lower = given.lower()
    if given.isascii() and _PLAIN_EMAIL.fullmatch(lower) is not None and not lower.endswith(_NOBODYS_DOMAINS):
        return lower, ""
    address = _lower_address(given[len("mailto:") :] if given.lower().startswith("mailto:") else given)
    # Lower case of some scripts composes otherwise, or is no address at all.
    if not address or (not address.isascii() and _lower_address(address) != address):
        return given, "invalid"
    return address, ""


def _lower_address(text: str) -> str:
    """The address in lower case with a normalised domain, or nothing."""
    try:
        return validate_email(text, check_deliverability=False, globally_deliverable=False).normalized.lower()
    except EmailNotValidError:
        return ""

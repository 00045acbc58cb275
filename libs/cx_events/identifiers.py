"""Identifiers: their kinds, their rank, and their normal form, which intake records for good.

A library that reads numbers otherwise next year must not move a profile, so the normal form is made once, at intake,
and stored in the event; nothing downstream normalises again, except to look a typed-in identifier up.
"""

from __future__ import annotations

import re
from functools import lru_cache

import phonenumbers
from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

from cx_events.envelope import Identifier

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
# A number of the North American plan as its library gives it back: it takes thirty times as long to say so.
_PLAIN_NUMBER = re.compile(r"\+1[2-9](?!11)[0-9]{9}")
_NOBODYS_DOMAINS = tuple(mark + name for name in SPECIAL_USE_DOMAIN_NAMES for mark in "@.")
_KIND = re.compile(r"[a-z][a-z0-9_-]{0,39}")

# What networks and vendors send for a caller who withholds the number. Twilio sends these words, or keypad spellings of
# ANONYMOUS, RESTRICTED, BLOCKED, UNKNOWN, UNAVAILABLE (www.twilio.com/docs/voice, "Why am I getting calls from these
# strange numbers?"); SIP uses "anonymous" (RFC 3323, section 4.1.1.3).
WITHHELD = frozenset({
    "anonymous", "restricted", "blocked", "unknown", "unavailable", "private", "withheld", "none", "null",
    "266696687", "2562533", "7378742833", "86282452253", "8656696", "8566",
})  # fmt: skip


def rank_of(kind: str) -> int:
    """0 is the strongest."""
    return RANK.get(kind, PROVIDER_RANK)


def normalise(identifier: Identifier, region: str | None = None) -> Identifier:
    """The identifier in its normal form, marked ``unusable`` where it identifies nobody. Total: never raises.

    What only says that there is nobody (``undefined``) is marked later, by what it is worth: see ``junk.marked``.

    ``region`` (ISO 3166 alpha-2) reads national phone numbers; without it only international ones, ``+`` or not, are
    usable. Phones become E.164, mail addresses lower case with an ASCII or normalised domain.
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
        value, unusable = _phone(value, region)
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
def _phone(given: str, region: str | None) -> tuple[str, str]:
    if _PLAIN_NUMBER.fullmatch(given) is not None:
        return given, ""
    value = given
    for prefix in ("tel:", "sip:", "sips:", "whatsapp:"):
        if value.lower().startswith(prefix):
            value = value[len(prefix) :].split("@", 1)[0].split(";", 1)[0]
            break
    bare = value.lstrip("+").replace(" ", "")
    if bare.lower() in WITHHELD:
        return given, "withheld"
    tries = [(value, region)]
    if not value.startswith("+") and bare.isdecimal():
        tries.append(("+" + bare, None))
    for text, default in tries:
        number = _e164(text, default)
        # What does not read back as itself (zeros of a trunk prefix can be eaten again) would name two profiles.
        if number and (number == text or _e164(number, None) == number):
            return (given, "junk") if _is_in_no_plan(number) else (number, "")
    return given, "invalid"


def _e164(text: str, region: str | None) -> str:
    """The number in E.164, or nothing."""
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return ""
    # A number without its area code is "possible" for the library, but many people have it.
    if phonenumbers.is_possible_number_with_reason(number) != phonenumbers.ValidationResult.IS_POSSIBLE:
        return ""
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _is_in_no_plan(number: str) -> bool:
    """Return whether no numbering plan can ever have this number, in E.164.

    Plans grow, so a number that is not assigned today is let pass. What can't come is an area code of the North
    American plan that begins with 0 or 1 or ends in 11 (www.nanpa.com, "NPA"), and a 0 in front where the country's
    plan has none (elsewhere, as in Italy, it is a part of the number).
    """
    read = phonenumbers.parse(number, None)
    national = phonenumbers.national_significant_number(read)
    if read.country_code == 1:
        return national[0] in "01" or national[1:3] == "11"
    return national[0] == "0" and not phonenumbers.is_valid_number(read)


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

"""Identifiers: their kinds, their rank, and their normal form, which intake records for good.

A library that reads numbers otherwise next year must not move a profile, so the normal form is made once, at intake,
and stored in the event; nothing downstream normalises again, except to look a typed-in identifier up.
"""

from __future__ import annotations

import re

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from cx_events.envelope import Identifier

RANK = {"crm": 0, "account": 1, "email": 2, "phone": 3, "cookie": 6}
"""Strength of a kind, strongest first; a provider's own kinds (``facebook-psid``) have ``PROVIDER_RANK``."""

PROVIDER_RANK = 5
MAX_VALUE = 256
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

    ``region`` (ISO 3166 alpha-2) reads national phone numbers; without it only international ones, ``+`` or not, are
    usable. Phones become E.164, mail addresses lower case with an ASCII or normalised domain.
    """
    given = identifier.given or identifier.value
    value = identifier.value.strip()
    kind = identifier.kind.strip().lower()
    unusable = ""
    if not _KIND.fullmatch(kind):
        unusable = "invalid kind"
    elif not value or len(value) > MAX_VALUE or not value.isprintable():
        unusable = "invalid"
    elif kind == "phone":
        value, unusable = _phone(value, region)
    elif kind == "email":
        value, unusable = _email(value)
    return Identifier(
        kind=kind,
        value=value,
        scope=identifier.scope.strip(),
        verified=identifier.verified,
        given=given if given != value else "",
        unusable=unusable,
    )


def _phone(value: str, region: str | None) -> tuple[str, str]:
    for prefix in ("tel:", "sip:", "sips:", "whatsapp:"):
        if value.lower().startswith(prefix):
            value = value[len(prefix) :].split("@", 1)[0].split(";", 1)[0]
    bare = value.lstrip("+").replace(" ", "")
    if bare.lower() in WITHHELD:
        return value, "withheld"
    tries = [(value, region)]
    if not value.startswith("+") and bare.isdecimal():
        tries.append(("+" + bare, None))
    for text, default in tries:
        try:
            number = phonenumbers.parse(text, default)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_possible_number(number):
            return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164), ""
    return value, "invalid"


def _email(value: str) -> tuple[str, str]:
    value = value.removeprefix("mailto:")
    try:
        checked = validate_email(value, check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError:
        return value, "invalid"
    return checked.normalized.lower(), ""

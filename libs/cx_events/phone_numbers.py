"""Normalise telephone numbers: one line has one normal form, however it is written.

The normal form is E.164, ``+`` and digits. An extension belongs to it, as ``;ext=DIGITS`` behind the number (RFC 3966,
section 5.3): two people at one switchboard are two, and the switchboard itself is a third. It names a line and is
nothing to dial: Argentina's mobiles, for one, need a 9 from abroad that their normal form lacks.

What a telephone system calls its own phones (``1001``, ``sip:10010@pbx.example``) is never a number of a country, not
even where the country has subscriber numbers as short as that. The same holds for a number without its area code, as
far as the country's plan lets one tell.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote

import phonenumbers
from phonenumbers import CountryCodeSource, PhoneNumberFormat, PhoneNumberType, ValidationResult

from cx_events.phone_spellings import (
    address_in_brackets,
    has_letters_between,
    names_extension,
    normalise_extension,
    to_ascii_digits,
    trim_before_plus,
)
from cx_events.renumbering import current_number

_CACHED = 32_768
"""Normal forms kept: a person's number comes again and again, and reading it takes longer than all else at intake."""

# A number of the North American plan as its library gives it back: it takes thirty times as long to say so.
_PLAIN = re.compile(r"\+1[2-9](?!11)[0-9]{9}")

# What networks and vendors send for a caller who withholds the number. Twilio sends these words, or keypad spellings of
# ANONYMOUS, RESTRICTED, BLOCKED, UNKNOWN, UNAVAILABLE (www.twilio.com/docs/voice, "Why am I getting calls from these
# strange numbers?"); SIP uses "anonymous" (RFC 3323, section 4.1.1.3).
WITHHELD = frozenset({
    "anonymous", "restricted", "blocked", "unknown", "unavailable", "private", "withheld", "hidden", "none", "null",
    "266696687", "2562533", "7378742833", "86282452253", "8656696", "8566",
})  # fmt: skip

# What stands beside such a word, and what says the same without one (Bellcore's "Out of Area" for "O", Apple's and
# carriers' "No Caller ID").
_BESIDE_WITHHELD = frozenset({"number", "caller", "callerid", "id", "call", "name", "user", "party"})
_SAID_WITHHELD = frozenset({"nocallerid", "nonumber", "outofarea", "notavailable", "notprovided", "iddenied"})
_NO_WORD = re.compile(r"[\W_]+")
_MAX_WITHHELD = 40

_SCHEME = re.compile(r"(?:tel|sips?|whatsapp|rcs|sms|callto):", re.IGNORECASE)
_SEPARATORS = re.compile(r"[-.() ]")
_DOUBLE_ZERO = re.compile(r"\+? ?00[ ()./-]{0,3}(?=[1-9])")
_NOTE = re.compile(r"(?<=\d) *+\(?[^\W\d_][^\d+#]*+\Z")
"""Words behind a number: ``mobile``, ``(Büro)``. The library would read the letters as keys of a telephone."""
_COUNTRY = re.compile(r"\+([1-9][0-9]{0,2})")

_NATIONAL = frozenset({CountryCodeSource.FROM_DEFAULT_COUNTRY, CountryCodeSource.FROM_NUMBER_WITHOUT_PLUS_SIGN})
_NORTH_AMERICA = 1
_ARGENTINA = 54

_SPELLED = frozenset({PhoneNumberType.TOLL_FREE, PhoneNumberType.SHARED_COST, PhoneNumberType.PREMIUM_RATE,
                      PhoneNumberType.UAN})  # fmt: skip

_SHORTEST_NATIONAL = 7
"""Digits; a shorter number without a country code is an extension, a short code, or lacks its area code."""
_SHORTEST_OWN = 6
"""The same, of a country whose numbers are all shorter, and have no area code (Greenland, the Faroes)."""
_SHORTEST_BARE = 10
"""Digits of a number that begins with its country code, without ``+``; where the plan knows it, eight will do."""
_SHORTEST_OPEN = 9
"""Digits of a national number without its trunk prefix, where the plan allows both shorter and longer ones."""


class _Read(NamedTuple):
    """A text without its scheme, and the region whose national numbers it may hold."""

    text: str
    region: str | None


@lru_cache(_CACHED)
def normalise_number(given: str, region: str | None) -> tuple[str, str]:
    """Return the normal form and an empty text, or the text as given and why it is unusable. Total.

    ``given``: without blanks around. ``region``: ISO 3166 alpha-2, whose national forms and international prefixes
    (00, 011, 810) are read. Reasons: ``withheld``, ``junk`` (a number that no plan can have), ``invalid``.
    """
    if _PLAIN.fullmatch(given) is not None:
        return given, ""
    read = _without_scheme(address_in_brackets(to_ascii_digits(given)), region)
    if is_withheld(read.text):
        return given, "withheld"
    for text, default in _readings(*read):
        line = parse_line(text, default)
        if line is not None and _reads_back(line, text):
            if is_in_no_plan(line):
                return given, "junk"
            return (f"{line.number};ext={line.extension}" if line.extension else line.number), ""
    return given, "invalid"


def is_withheld(text: str) -> bool:
    """Return whether what stands for a number says that it is withheld: ``Anonymous``, ``Private Number``. Total."""
    if len(text) > _MAX_WITHHELD:
        return False
    lower = text.lower()
    if lower.lstrip("+").replace(" ", "") in WITHHELD:
        return True
    words = [word for word in _NO_WORD.split(lower) if word]
    if "".join(words) in _SAID_WITHHELD:
        return True
    return not WITHHELD.isdisjoint(words) and all(word in WITHHELD or word in _BESIDE_WITHHELD for word in words)


def _reads_back(line: Line, text: str) -> bool:
    """Return whether a number reads as itself: where zeros of a trunk prefix are eaten again, it would be two."""
    if line.number == text:
        return True
    again = parse_line(line.number, None)
    return again is not None and again.number == line.number


def _without_scheme(given: str, region: str | None) -> _Read:
    scheme = _SCHEME.match(given)
    if scheme is None:
        text = given
    else:
        text = given[scheme.end() :]
        if "%" in text:
            text = unquote(text)
        if scheme[0][0] in "sS":  # sip:USER:PASSWORD@HOST;PARAMETERS, and USER may have parameters of a number
            text = text.partition("@")[0].partition("?")[0].partition(":")[0]
        text, region = _without_parameters(text, region)
    return _Read(normalise_extension(trim_before_plus(text.strip())), region)


def _without_parameters(text: str, region: str | None) -> tuple[str, str | None]:
    """Return a number of a URI with its extension alone (RFC 3966, section 3), and where it is to be read.

    A local number is one of its context. Only a country's code as a context tells what the number is elsewhere.
    """
    number, *parameters = text.split(";")
    values = {name.strip().lower(): value for name, _, value in (each.partition("=") for each in parameters)}
    context = values.get("phone-context", "")
    if context and not number.startswith("+"):
        country = _COUNTRY.fullmatch(context)
        region = phonenumbers.region_code_for_country_code(int(country[1])) if country is not None else None
        if region in (None, "ZZ", "001"):
            return "", None
    extension = _SEPARATORS.sub("", values.get("ext", ""))
    return (f"{number};ext={extension}" if extension else number), region


def _readings(text: str, region: str | None) -> Iterator[tuple[str, str | None]]:
    """Yield what a text may mean, likeliest first."""
    note = _NOTE.search(text)
    if note is not None and names_extension(note[0]):
        return
    zeros = _DOUBLE_ZERO.match(text)
    international = "" if zeros is None else "+" + text[zeros.end() :]
    if international and (text.startswith("+") or _is_double_zero_meant(international, region)):
        yield international, None
    if note is not None:
        yield text[: note.start()], region
    yield text, region
    if international and _is_valid(international):
        yield international, None
    bare = text.replace(" ", "")
    if bare.isdecimal():
        shown = "+" + bare
        if len(bare) >= _SHORTEST_BARE or (region is None and len(bare) >= 8 and _is_valid_in_closed_plan(shown)):
            yield shown, None


def _is_double_zero_meant(international: str, region: str | None) -> bool:
    """Return whether 00 is the international prefix, as ITU-T E.123 recommends it, though the region dials another.

    Where 00 begins a carrier's code (Brazil, Colombia), it is so before the region's own country code alone.
    """
    plan = _plan(region)
    if plan is None or plan.country_code == _NORTH_AMERICA or plan.international_prefix == "810":
        return True
    return international.startswith(f"+{plan.country_code}") and _is_valid(international)


def _is_valid(number: str) -> bool:
    read = _parsed(number, None)
    return read is not None and phonenumbers.is_valid_number(read)


def _is_valid_in_closed_plan(number: str) -> bool:
    read = _parsed(number, None)
    if read is None or not phonenumbers.is_valid_number(read):
        return False
    plan = _plan(phonenumbers.region_code_for_number(read))
    return plan is not None and not plan.is_open


class Line(NamedTuple):
    """A line: its number in E.164, as it is today, its extension, and the number as the library has it."""

    number: str
    extension: str
    parsed: phonenumbers.PhoneNumber


def parse_line(text: str, region: str | None) -> Line | None:
    """Return the line that a text names, or None."""
    read = _parsed(text, region)
    if read is None or (has_letters_between(text) and not _has_keys_for_letters(read)):
        return None
    written = phonenumbers.format_number(read, PhoneNumberFormat.E164)
    number = _today(read, written)
    now = read if number == written else _parsed(number, None)
    # A number without its area code is "possible" for the library, but many people have it.
    if now is None or phonenumbers.is_possible_number_with_reason(now) != ValidationResult.IS_POSSIBLE:
        return None
    if now.country_code == _ARGENTINA and phonenumbers.national_significant_number(now).startswith("15"):
        return None  # the prefix of mobiles, and no area code before it
    if read.country_code_source in _NATIONAL and not _is_whole(now, text, region):
        return None
    extension = phonenumbers.normalize_digits_only(read.extension) if read.extension else ""
    return Line(number, extension, now)


def _has_keys_for_letters(read: phonenumbers.PhoneNumber) -> bool:
    """Return whether a number may be spelled by letters (``0800 FLOWERS``); elsewhere they are words, and no digits."""
    if read.country_code == _NORTH_AMERICA:
        return phonenumbers.is_valid_number(read)
    return phonenumbers.number_type(read) in _SPELLED


def _parsed(text: str, region: str | None) -> phonenumbers.PhoneNumber | None:
    """``country_code_source`` of the result says whether a text without ``+`` is a national form."""
    try:
        return phonenumbers.parse(text, region, keep_raw_input=not text.startswith("+"))
    except phonenumbers.NumberParseException:
        return None


def _today(read: phonenumbers.PhoneNumber, written: str) -> str:
    """Return the number of today, in E.164, without a trunk prefix that its plan doesn't have. ``written``: as read.

    A zero in front is a part of the number where the plan says so (Italy's landlines), and a habit where it doesn't
    (``+351 (0)912 345 678``).
    """
    number = current_number(written)
    if not read.italian_leading_zero and read.country_code != _ARGENTINA:
        return number
    national = phonenumbers.national_significant_number(read)
    if national.startswith("0") and not phonenumbers.is_valid_number(read):
        without = current_number(f"+{read.country_code}{national.lstrip('0')}")
        shorter = _parsed(without, None)
        if shorter is not None and phonenumbers.is_valid_number(shorter):
            return without
    if read.country_code == _ARGENTINA and national.startswith("9") and len(national) > 11:
        # Both prefixes of mobiles, or a trunk 0, behind the 9: +54 9 (011) 15 2345-6789.
        again = _parsed(f"+54{national[1:]}", None)
        return number if again is None else current_number(phonenumbers.format_number(again, PhoneNumberFormat.E164))
    return number


class _Plan(NamedTuple):
    """A country's numbering plan. ``lengths``: of landlines, area code and all. ``trunk``: the prefix of national
    forms. ``is_open``: a number's length doesn't tell whether its area code is there; only a trunk prefix does."""

    country_code: int
    international_prefix: str
    trunk: str
    lengths: tuple[int, ...]
    is_open: bool


@lru_cache(512)
def _plan(region: str | None) -> _Plan | None:
    found = phonenumbers.PhoneMetadata.metadata_for_region(region, None) if region else None
    if found is None:
        return None
    lengths = tuple(found.fixed_line.possible_length) if found.fixed_line is not None else ()
    trunk = found.national_prefix or ""
    is_open = bool(trunk) and len(lengths) > 1 and lengths[0] <= _SHORTEST_NATIONAL
    return _Plan(found.country_code or 0, found.international_prefix or "", trunk, lengths, is_open)


def _is_whole(read: phonenumbers.PhoneNumber, text: str, region: str | None) -> bool:
    """Return whether a national form names one line of its country, and not an extension or a neighbour."""
    plan = _plan(region)
    if plan is None:
        return False
    national = phonenumbers.national_significant_number(read)
    valid = phonenumbers.is_valid_number(read)
    if len(national) < _SHORTEST_NATIONAL:
        return valid and not plan.trunk and plan.lengths == (len(national),) and len(national) >= _SHORTEST_OWN
    if plan.is_open and not phonenumbers.normalize_digits_only(text).startswith(plan.trunk):
        return valid and len(national) >= _SHORTEST_OPEN
    possible = phonenumbers.is_possible_number_for_type_with_reason(read, PhoneNumberType.FIXED_LINE_OR_MOBILE)
    return valid or possible == ValidationResult.IS_POSSIBLE


def is_in_no_plan(line: Line) -> bool:
    """Return whether no numbering plan can ever have this number.

    Plans grow, so a number that is not assigned today is let pass. What can't come is an area code of the North
    American plan that begins with 0 or 1 or ends in 11 (www.nanpa.com, "NPA"), and a 0 in front where the country's
    plan has none (elsewhere, as in Italy, it is a part of the number).
    """
    national = phonenumbers.national_significant_number(line.parsed)
    if line.parsed.country_code == _NORTH_AMERICA:
        return national[0] in "01" or national[1:3] == "11"
    return national[0] == "0" and not phonenumbers.is_valid_number(line.parsed)

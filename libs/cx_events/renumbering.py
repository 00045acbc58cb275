"""Find the old and alternative spellings of telephone lines that have another number today, country by country.

A country that lengthens its numbers, or drops a prefix, leaves the old form in address books and in the ids of
messaging services (WhatsApp keeps the form in which an account was opened). Only what is certain stands here: the old
number gives the new one by itself, and no other line has the old one today.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class _Change(NamedTuple):
    """``old``: matches a whole number in E.164; ``today``: what it is now, as a template for ``re.Match.expand``."""

    old: re.Pattern[str]
    today: str


_CHANGES: dict[str, tuple[_Change, ...]] = {
    # Mexico: 1 before mobiles called from abroad, 044 and 045 before mobiles and 01 before others within the country,
    # all gone since 3 August 2019. Numbers have ten digits.
    "+52": (_Change(re.compile(r"\+52(?:0?1|04[45])([2-9][0-9]{9})"), r"+52\1"),),
    # Argentina: 9 before mobiles called from abroad, 15 behind the area code within the country (which the library
    # reads as 9). A number of ten digits is one line; whether it is a mobile, its spelling alone doesn't tell.
    "+54": (_Change(re.compile(r"\+549([0-9]{10})"), r"+54\1"),),
    # Brazil: since 2016 mobiles have nine digits, a 9 before the old eight, which began with 6 to 9 (Anatel, resolution
    # 553/2010). Landlines begin with 2 to 5 and keep eight. So did trunked radios, with 7; their network ended in 2018.
    "+55": (_Change(re.compile(r"\+55([1-9][1-9])([6-9][0-9]{7})"), r"+55\g<1>9\2"),),
    # Colombia: since 1 September 2021 60 before the area code of landlines (CRC, resolution 5826 of 2019).
    "+57": (_Change(re.compile(r"\+57((?:[125-8][2-9]|4[2-57-9])[0-9]{6})"), r"+5760\1"),),
    # Côte d'Ivoire: ten digits since 31 January 2021, with the operator's prefix (ARTCI). The second digit of an old
    # mobile number told the operator (libphonenumber, resources/carrier/en/225.txt of before).
    "+225": (
        _Change(re.compile(r"\+225((?:[0457][1-3]|[457]0)[0-9]{6})"), r"+22501\1"),
        _Change(re.compile(r"\+225([0456789][4-6][0-9]{6})"), r"+22505\1"),
        _Change(re.compile(r"\+225((?:[04578][7-9]|6[78]|9[78])[0-9]{6})"), r"+22507\1"),
    ),
    # Benin: ten digits since 30 November 2024, 01 before the old eight (ARCEP Bénin).
    "+229": (_Change(re.compile(r"\+229([24-69][0-9]{7})"), r"+22901\1"),),
    # Cameroon: nine digits since 21 November 2014, 6 before mobiles and 2 before landlines (ART).
    "+237": (
        _Change(re.compile(r"\+237([79][0-9]{7})"), r"+2376\1"),
        _Change(re.compile(r"\+237([23][0-9]{7})"), r"+2372\1"),
    ),
    # Ecuador: nine digits for mobiles since 30 September 2012, a 9 before the old eight (CONATEL). Landlines begin with
    # 2 to 7.
    "+593": (_Change(re.compile(r"\+593([89][0-9]{7})"), r"+5939\1"),),
    # The French departments overseas are dialled like the rest of France within it, by codes of their own from abroad.
    "+33": (
        _Change(re.compile(r"\+33((?:262|639|69[23])[0-9]{6})"), r"+262\1"),
        _Change(re.compile(r"\+33((?:590|69[01])[0-9]{6})"), r"+590\1"),
        _Change(re.compile(r"\+33([56]94[0-9]{6})"), r"+594\1"),
        _Change(re.compile(r"\+33(69[67][0-9]{6})"), r"+596\1"),
    ),
    # San Marino is reached through Italy's plan, too.
    "+39": (_Change(re.compile(r"\+39(0549[0-9]{6})"), r"+378\1"),),
}  # fmt: skip
"""By country code, as a number begins."""

_CODE_LENGTHS = (3, 4)
"""Lengths of ``+`` and the country codes above."""

# Mobiles of Vietnam, +84 and ten digits, have nine since 2018: each old prefix has its new one (decision
# 798/QD-BTTTT of the ministry).
_VIETNAM = {
    "120": "70", "121": "79", "122": "77", "123": "83", "124": "84", "125": "85", "126": "76", "127": "81",
    "128": "78", "129": "82", "162": "32", "163": "33", "164": "34", "165": "35", "166": "36", "167": "37",
    "168": "38", "169": "39", "186": "56", "188": "58", "199": "59",
}  # fmt: skip


def current_number(number: str) -> str:
    """Return the number, in E.164, that the line with this one has today: mostly the same. Idempotent, total."""
    if number.startswith("+841") and len(number) == 13 and number[3:6] in _VIETNAM:
        return f"+84{_VIETNAM[number[3:6]]}{number[6:]}"
    for length in _CODE_LENGTHS:
        for change in _CHANGES.get(number[:length], ()):
            found = change.old.fullmatch(number)
            if found is not None:
                return found.expand(change.today)
    return number

"""Normalise what people and programs write around a telephone number, for ``phone_numbers``."""

from __future__ import annotations

import re
import unicodedata

# Middle dots and bullets between groups of digits are blanks; a keycap (U+20E3) around a digit is none of it.
_CHARACTERS = str.maketrans({"·": " ", "•": " ", "∙": " ", "⋅": " ", "・": " ", "➕": "+", "⃣": None})

_ADDRESS = re.compile(r"[^<>]*<([^<>]+)>[^<>]*")
"""``"Ana" <sip:+15550100112@pbx.example>``, the name-addr of SIP (RFC 3261, section 20.10)."""

# Where the extension is dialled right behind the number, it is part of that (Germany, Austria: DIN 5008).
_DIRECT = ("durchwahl", "dw")
_WORDS = (
    "extension", "extensión", "extensao", "extensão", "extn", "ext", "xtn", "x", "local", "loc",
    "anexo", "interno", "interne", "int", "ramal", "poste",
    "nebenstelle", "nst", "apparat", "app", "toestel", "tst", "lokal", "lok", "anknytning", "ankn", "ank", "alanumero",
    "wewnętrzny", "wewn", "wew", "klapka", "kl", "linka", "mellék", "interior", "dahili", "máy lẻ",
    "добавочный", "доб", "внутренний", "внутр", "вн", "εσωτερικό", "εσωτ", "εσ",
    "内線", "内线", "內線", "分机", "分機", "轉", "转", "내선", "구내", "ต่อ",
    "داخلی", "داخلي", "تحويلة", "שלוחה",
)  # fmt: skip
_EXTENSION = re.compile(
    rf"(?<![^\W\d_])(?P<word>{'|'.join(sorted((*_DIRECT, *_WORDS), key=len, reverse=True))})"
    r"(?:[ .:#-]| n[ro]\b){0,4}(?P<digits>[0-9]{1,9})[ )\].]{0,3}\Z",
    re.IGNORECASE,
)


_NAMED = re.compile(
    rf"\W*(?:{'|'.join(sorted((*_DIRECT, *_WORDS), key=len, reverse=True))})[ .:#-]{{1,4}}\w", re.IGNORECASE
)

_PARAMETER = re.compile(r" ?; ?ext ?= ?", re.IGNORECASE)


def to_ascii_digits(text: str) -> str:
    """Return a text with digits of any script, and signs of any width, in ASCII. Never raises."""
    if text.isascii():
        return text
    shown = unicodedata.normalize("NFKC", text.translate(_CHARACTERS))
    return "".join(str(unicodedata.decimal(each, each)) for each in shown)


def address_in_brackets(text: str) -> str:
    """Return the text between angle brackets, where there is one pair of them; else the whole."""
    found = _ADDRESS.fullmatch(text)
    return text if found is None else found[1].strip()


def trim_before_plus(text: str) -> str:
    """Return a number that has a ``+`` from there on: what stands before is a name or a bracket.

    A further ``+`` is a blank (a form's encoding), and never is a ``+`` within a number. Returns "" where two numbers
    stand in the text.
    """
    before, plus, _ = text.partition("+")
    if plus and not any(each.isdigit() for each in before):
        text = text[len(before) :]
    if "+" not in text[1:]:
        return text
    *pieces, _ = text[1:].split("+")
    return "" if any(_ends_a_number(each) for each in pieces) else text[0] + text[1:].replace("+", " ")


def _ends_a_number(text: str) -> bool:
    """Return whether a separator of a list (``;``, ``,``, ``/``) follows the last digit."""
    number = text.rstrip(" ;,/")
    return number[-1:].isdigit() and not text[len(number) :].isspace() and len(number) < len(text)


def normalise_extension(text: str) -> str:
    """Return a number with its extension as ``;ext=DIGITS``, in any known language.

    A ``Durchwahl`` is dialled behind the number, and so becomes the end of it.
    """
    text = _PARAMETER.sub(";ext=", text)
    found = _EXTENSION.search(text)
    if found is None or not any(each.isdigit() for each in text[: found.start()]):
        return text
    before = text[: found.start()].rstrip(" ,;-([")
    return f"{before}{'-' if found['word'].lower() in _DIRECT else ';ext='}{found['digits']}"


def names_extension(note: str) -> bool:
    """Return whether words behind a number name an extension by letters (``ext. A``), so that it is not the number."""
    return _NAMED.match(note) is not None


def has_letters_between(text: str) -> bool:
    """Return whether letters stand before digits of a number: keys of a telephone (``1-800-FLY-4242``), or words."""
    number = text.partition(";ext=")[0]
    first = next((at for at, each in enumerate(number) if each.isdigit()), 0)
    last = next((at for at in range(len(number) - 1, -1, -1) if number[at].isdigit()), 0)
    return any(each.isalpha() for each in number[first:last])

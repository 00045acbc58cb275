"""Look telephone numbers of addresses up among those of a connection's setting: whole, or with ``*`` for anything."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

from cx_events.envelope import Identifier
from cx_events.identifiers import normalise
from cx_events.phone_numbers import is_withheld

_SEPARATORS = re.compile(r"[\s().+-]+")
_NUMBER = re.compile(r"\+?[0-9]{5,15}")
_EXTENSIONS = re.compile(r"[1-9][0-9]{0,5}\*")
_MOST_OF_AN_EXTENSION = 6
_BLANKS = re.compile(r"[\s().-]+")
_CACHED = 4096


def lists(settings: Mapping[str, Any], name: str, number: str, region: str | None) -> bool:
    """Return whether the setting lists a number or name, whatever its separators; YAML reads +49... as a number."""
    return has(listed(settings, name), number, region)


def listed(settings: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """Return the numbers and names of a setting as ``has`` takes them: the same for all requests of a connection."""
    given = settings.get(name)
    if not given:
        return ()
    values = given if isinstance(given, list | tuple) else (given,)
    return tuple(str(each) for each in values if each)


@lru_cache(_CACHED)
def has(values: tuple[str, ...], number: str, region: str | None) -> bool:
    """Return whether one of ``values`` is the number, or matches it."""
    if not values or not number:
        return False
    bare = _bare(number.partition(";")[0])
    is_line = bare.isdecimal() and len(bare) > _MOST_OF_AN_EXTENSION
    if any(fnmatchcase(bare, _bare(each)) for each in values if not (is_line and of_extensions(each))):
        return True
    normal = _normal(number, region)
    return bool(normal) and any(normal == _normal(each, region) for each in values)


def of_extensions(pattern: str) -> bool:
    """Return whether a pattern, ``10*``, stands for extensions alone: at most six digits without ``+``. It fits no
    telephone number, else ``1*`` would be all of North America's."""
    return _EXTENSIONS.fullmatch(pattern.strip()) is not None


def _normal(text: str, region: str | None) -> str:
    found = normalise(Identifier(kind="phone", value=text), region)
    return "" if found.unusable else found.value.partition(";")[0]


def _bare(text: str) -> str:
    return _SEPARATORS.sub("", text.lower())


def number_in(address: str) -> str:
    """Return the number of ``tel:+49...``, ``sip:+49...@host`` or a plain one, or the word for a withheld one; "" for a
    user's or a station's own address.

    An extension stays with its number, as ``;ext=5``: two people at a switchboard are two. So does the context of a
    local number (RFC 3966, section 5.1.4), without which it would be another line.
    """
    bare = address.partition(":")[2] if address.lower().startswith(("tel:", "sip:", "sips:")) else address
    user, _, parameters = bare.partition("@")[0].partition(";")
    user = (unquote(user) if "%" in user else user).strip()
    digits = _BLANKS.sub("", user)
    if _NUMBER.fullmatch(digits) is not None:
        return _with_parameters(digits, parameters) if parameters else digits
    return user.lower() if is_withheld(user) else ""


def _with_parameters(digits: str, parameters: str) -> str:
    """Return a number with those of its parameters without which it is another one; with a context as a URI."""
    named = {name.strip().lower(): value for name, _, value in (each.partition("=") for each in parameters.split(";"))}
    number = f"{digits};ext={named['ext']}" if named.get("ext") else digits
    context = "" if digits.startswith("+") else named.get("phone-context", "")
    return f"tel:{number};phone-context={context}" if context else number

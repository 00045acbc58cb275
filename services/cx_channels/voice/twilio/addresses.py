"""Tell what one end of a call is, as Twilio writes it in ``From`` and ``To``.

=====================================  ============
``+14155550100``, ``14155550100``      number
``sip:+14155550100@sbc.example.com``   number
``sip:+14155550100;ext=7@sbc.example`` number
``client:ben``                         softphone
``sip:ben@acme.sip.twilio.com``        device
``1001``, ``sip:1001@pbx.example.com`` extension
``+266696687``, ``sip:anonymous@...``  withheld
=====================================  ============

Shapes: www.twilio.com/docs/voice/twiml, "Data formats"; E.164 has at most 15 digits.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any, Literal
from urllib.parse import unquote

from cx_channels.kit.number_lists import of_extensions
from cx_events.envelope import Identifier
from cx_events.identifiers import normalise
from cx_events.phone_numbers import is_withheld

Kind = Literal["none", "number", "softphone", "device", "extension", "withheld"]

_SIP = re.compile(r"sips?:(?P<user>[^@;?]*)(?P<host>@?[^;?]*).*", re.IGNORECASE | re.DOTALL)
_SEPARATORS = re.compile(r"[\s().-]+")
_NUMBER = re.compile(r"(?:\+[0-9]{5,15}|[0-9]{7,15})")
# No plan has international numbers this short: a telephone system's own.
_EXTENSION = re.compile(r"[0-9]{1,6}")
_CACHED = 4096
"""Addresses that are cached: those of one call come with each of its requests."""
_LISTS = 256
"""Lists that are cached: a connection has two."""


@dataclass(frozen=True, slots=True)
class Address:
    """One end of a call. ``name``: the number, the softphone's or device's name, or the extension, without the scheme.

    ``over_sip``: it came with ``sip:``; whoever calls a SIP domain writes the caller's address there.
    """

    text: str
    kind: Kind
    name: str = ""
    over_sip: bool = False

    @property
    def identifiers(self) -> list[Identifier]:
        """The address as an identifier. A withheld number is one too; intake marks it as useless."""
        if self.kind == "none":
            return []
        kind = {"softphone": "twilio-client", "device": "sip", "extension": "extension"}.get(self.kind, "phone")
        return [Identifier(kind=kind, value=self.text if self.kind == "number" else self.name)]


@lru_cache(_CACHED)
def read_address(text: str) -> Address:
    """Return the address in a text. Text of no known form counts as a number, which intake marks as invalid. Never
    raises."""
    scheme, _, rest = text.partition(":")
    if scheme.lower() == "client":
        return Address(text, "softphone", rest) if rest else Address(text, "none")
    sip = _SIP.fullmatch(text)
    if sip is None:
        return _plain(text)
    user = unquote(sip["user"]) if "%" in sip["user"] else sip["user"]
    if not user.isdecimal() and is_withheld(user):  # as a caller says it (RFC 3323, section 4.1.1.3)
        return Address(text, "withheld", user.lower(), over_sip=True)
    bare = _SEPARATORS.sub("", user)
    if _NUMBER.fullmatch(bare) is not None:
        return Address(text, "number", bare, over_sip=True)
    if _EXTENSION.fullmatch(bare) is not None:
        return Address(text, "extension", bare, over_sip=True)
    name = (user + sip["host"]).lower()
    return Address(text, "device", name, over_sip=True) if name else Address(text, "none")


def _plain(text: str) -> Address:
    if not text:
        return Address(text, "none")
    if is_withheld(text):
        return Address(text, "withheld", text)
    if _EXTENSION.fullmatch(text) is not None:
        return Address(text, "extension", text)
    return Address(text, "number", text)


class Listed:
    """The addresses that a setting lists: whole, or with ``*`` for anything; ``+`` and separators don't count."""

    __slots__ = ("_found", "_numbers", "_of_lines", "_patterns", "_region")

    def __init__(self, values: tuple[str, ...], region: str | None) -> None:
        self._region = region
        self._found = lru_cache(_CACHED)(self._has)
        self._patterns = [_bare(each) for each in values]
        self._of_lines = [_bare(each) for each in values if not of_extensions(each)]
        self._numbers = {number for each in values for number in _normal(each, region)}

    def __bool__(self) -> bool:
        return bool(self._patterns)

    def has(self, address: Address) -> bool:
        """Return whether an address is listed, as it is written or as the number that it is."""
        return bool(self._patterns) and address.kind != "none" and self._found(address)

    def _has(self, address: Address) -> bool:
        written = {_bare(address.text), _bare(address.name)}
        patterns = self._of_lines if address.kind == "number" else self._patterns
        if any(fnmatchcase(each, pattern) for each in written for pattern in patterns):
            return True
        return address.kind == "number" and not self._numbers.isdisjoint(_normal(address.name, self._region))


def listed(settings: Mapping[str, Any], name: str, region: str | None) -> Listed:
    """Return what a setting lists: one value or many, texts or numbers, since YAML reads
    ``+14155550199`` as a number."""
    value = settings.get(name)
    if not value:
        return _listed((), region)
    values = value if isinstance(value, list | tuple) else (value,)
    return _listed(tuple(str(each) for each in values if each), region)


@lru_cache(_LISTS)
def _listed(values: tuple[str, ...], region: str | None) -> Listed:
    return Listed(values, region)


@lru_cache(_CACHED)
def _normal(text: str, region: str | None) -> tuple[str, ...]:
    """Return the number of a line, if it is one: an extension of the business's own number is the business, too."""
    number = normalise(Identifier(kind="phone", value=text), region)
    return () if number.unusable else (number.value.partition(";")[0],)


def same_number(one: Address, other: Address, region: str | None = None) -> bool:
    """Return whether two addresses are one telephone number."""
    if one.kind != "number" or other.kind != "number":
        return False
    first, second = (_normal(each.name, region) or (_bare(each.name),) for each in (one, other))
    return first == second


def _bare(text: str) -> str:
    return _SEPARATORS.sub("", text.lower()).lstrip("+")

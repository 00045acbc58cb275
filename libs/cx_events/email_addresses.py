"""Normalise mail addresses, and tell domains that exist in a tenant's own network only.

Lower case, with a normalised domain. Dots may stand anywhere before the ``@``: NTT Docomo and KDDI gave out addresses
like ``ana..b@`` and ``ana.@`` until 2009, which are not RFC 5321's dot-atoms, and whose owners still write from them. A
quoted local part is unquoted where it says the same without quotes, and keeps its quotes and blanks where it does not.

``ana@mailhost`` and ``ana@corp.local`` are somebody in one network and anybody elsewhere. They have a normal form, but
are ``LOCAL``, which is unusable, unless the tenant lists the domain (``mail.local_domains``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

LOCAL = "local"
"""The value of ``Identifier.unusable`` for an address at a domain that exists in a private network only."""

INVALID = "invalid"

_CACHED = 32_768
"""Normal forms in the cache: addresses recur, and parsing one takes longer than all else at intake."""

# Addresses that the library returns unchanged: a plain name at a plain domain, within the limits of mail. Most are, and
# the library takes fifteen times as long.
_PLAIN = re.compile(
    r"(?=[^@]{1,64}@)[a-z0-9_]+(?:[.+-][a-z0-9_]+)*@(?:[a-z0-9]{1,31}(?:-[a-z0-9]{1,31})?\.){1,3}[a-z]{2,24}"
)
_NOBODYS_DOMAINS = tuple(mark + name for name in SPECIAL_USE_DOMAIN_NAMES for mark in "@.")
_NETWORKS_OWN = tuple(mark + name for name in ("local", "localhost", "test") for mark in "@.")
"""Special-use domains (RFC 6761, RFC 6762) that a network may have hosts in."""

_SOMEWHERE = ".example"
_UNQUOTED = re.compile(r"(?!\.++\Z)[^\s\"(),:;<>@\[\]\\]+")
"""A local part that needs no quotes: atoms (RFC 5322, section 3.2.3, and RFC 6531), and dots anywhere."""

_ESCAPED = re.compile(r"\\(.)")
_ODD_DOTS = re.compile(r"\.|[^\"@]*?\.(?:\.|@)")


@lru_cache(_CACHED)
def normalise_address(given: str) -> tuple[str, str]:
    """Return the normal form and "", or the normal form and ``LOCAL``, or what was given and ``invalid``. Total."""
    lower = given.lower()
    if given.isascii() and _PLAIN.fullmatch(lower) is not None and not lower.endswith(_NOBODYS_DOMAINS):
        return lower, ""
    text = given[len("mailto:") :] if lower.startswith("mailto:") else given
    local = lower.endswith(_NETWORKS_OWN)
    # The library refuses these domains, but accepts them below another one.
    address = _lower_address(text + _SOMEWHERE if local else text)
    # In some scripts the lower-case form normalises differently, or is not an address.
    if not address or (not address.isascii() and _lower_address(address) != address):
        return given, INVALID
    if local:
        return address.removesuffix(_SOMEWHERE), LOCAL
    return address, "" if "." in address.rpartition("@")[2] else LOCAL


def _lower_address(text: str) -> str:
    """Return the address in lower case with a normalised domain; "" where it is not an address."""
    if _ODD_DOTS.match(text) is not None:
        name, _, domain = text.rpartition("@")
        if _UNQUOTED.fullmatch(name) is None:
            return ""
        text = f'"{name}"@{domain}'
    try:
        read = validate_email(text, allow_quoted_local=True, check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError:
        return ""
    return unquote_local_part(read.normalized).lower()


def unquote_local_part(address: str) -> str:
    """Return the address without quotes around its local part, unless it needs them."""
    if not address.startswith('"'):
        return address
    quoted, _, domain = address.rpartition("@")
    name = _ESCAPED.sub(r"\1", quoted[1:-1])
    return f"{name}@{domain}" if quoted.endswith('"') and _UNQUOTED.fullmatch(name) is not None else address


class LocalDomains:
    """Domains of a tenant's own network; each includes all domains below it."""

    __slots__ = ("_ends",)

    def __init__(self, domains: Iterable[str] = ()) -> None:
        """Raise ``ValueError`` for a text that is not a domain."""
        self._ends = tuple(mark + domain for domain in map(_domain, domains) for mark in "@.")

    def contains(self, address: str) -> bool:
        """Return whether an address, in its normal form, is at one of the domains."""
        return address.endswith(self._ends)


def _domain(text: str) -> str:
    address, unusable = normalise_address(f"x@{text.strip()}")
    domain = address.removeprefix("x@")
    if unusable == INVALID or domain.rpartition(".")[2].isdecimal():
        raise ValueError(
            f"local_domains: {text[:80]!r} is not a domain; expected one like local, mailhost or corp.local"
        )
    return domain

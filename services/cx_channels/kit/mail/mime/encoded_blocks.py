"""Remove from a text what no person reads: encoded data, OpenPGP blocks, and the fields of lost parts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

ENCODED = "encoded"
ENCRYPTED = "encrypted"

_MIN_LINES = 3
_DATA = re.compile(r"[A-Za-z0-9+/]{60,998}={0,2}")
_ANY_DATA = re.compile(r"(?:\A|\n)[A-Za-z0-9+/]{60}")
_LAST = re.compile(r"[A-Za-z0-9+/]{1,998}={0,2}")
_ARMOUR = re.compile(r"(?:[A-Za-z0-9+/]{4,998}={0,2}|=[A-Za-z0-9+/]{4}|[A-Z][A-Za-z]{1,20}: .{0,200}|)")
_HASH = re.compile(r"Hash: .{0,100}")
_FIELD = re.compile(r"(?:content-[a-z-]{1,40}|mime-version):", re.IGNORECASE)
_BOUNDARY = re.compile(r"--[^\s-].{0,200}|--+=?_.{0,200}")
_PEM = "-----BEGIN "
_BEGIN_PGP = "-----BEGIN PGP "


class Readable(NamedTuple):
    """A text, and what was removed from it: ``ENCODED``, ``ENCRYPTED``."""

    text: str
    omissions: frozenset[str]


def readable(text: str) -> Readable:
    """Return the text without OpenPGP blocks and runs of base64; text that is signed in clear stays."""
    omissions: set[str] = set()
    if _BEGIN_PGP in text:
        text = "\n".join(_without_pgp(text.split("\n"), omissions))
    if _ANY_DATA.search(text) is not None:
        text = "\n".join(_without_data(text.split("\n"), omissions))
    return Readable(text, frozenset(omissions))


def without_fields(text: str) -> str:
    """Return the text of a multipart that could not be split, without the lines that are fields and boundaries of its
    parts."""
    out: list[str] = []
    in_field = False
    for line in text.split("\n"):
        in_field = _FIELD.match(line) is not None or (in_field and line[:1] in (" ", "\t") and bool(line.strip()))
        if not in_field and _BOUNDARY.fullmatch(line.rstrip()) is None:
            out.append(line)
    return "\n".join(out)


def _without_pgp(lines: list[str], omissions: set[str]) -> Iterator[str]:
    """Yield the lines without OpenPGP armour; text signed in clear loses its dash escapes (RFC 9580, sections 6.2 and
    7)."""
    inside, signed, head = "", False, False
    for line in lines:
        bare = line.strip()
        if inside:
            if bare == f"-----END PGP {inside}-----":
                inside = ""
                continue
            if _ARMOUR.fullmatch(bare) is not None:
                continue
            inside = ""  # its end is missing
        if bare == "-----BEGIN PGP SIGNED MESSAGE-----":
            signed = head = True
        elif bare in ("-----BEGIN PGP SIGNATURE-----", "-----BEGIN PGP MESSAGE-----"):
            inside, signed = bare[len(_BEGIN_PGP) : -5], False
            if inside == "MESSAGE":
                omissions.add(ENCRYPTED)
        elif head and (not bare or _HASH.fullmatch(bare) is not None):
            head = bool(bare)
        else:
            head = False
            yield line[2:] if signed and line.startswith("- ") else line


def _without_data(lines: list[str], omissions: set[str]) -> Iterator[str]:
    """Yield the lines without runs of base64, unless they are a key or a certificate that somebody shows."""
    at = 0
    shown = False
    while at < len(lines):
        line = lines[at]
        shown = line.startswith(_PEM) or (shown and not line.startswith("-----END "))
        end = at
        while not shown and end < len(lines) and _DATA.fullmatch(lines[end].strip()) is not None:
            end += 1
        if end - at >= _MIN_LINES:
            omissions.add(ENCODED)
            at = end + (end < len(lines) and _LAST.fullmatch(lines[end].strip()) is not None)
            continue
        yield from lines[at : max(end, at + 1)]
        at = max(end, at + 1)

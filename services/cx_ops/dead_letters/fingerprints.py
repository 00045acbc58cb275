"""Tell which dead letters are alike: equal stage, reason and origin, and details that differ in names alone. Pure."""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import NamedTuple

from cx_events.facts import connection_source

MOST_DETAIL = 300
"""Characters of a detail that tell groups apart."""

_WORD = re.compile(r"[\w@.:/+-]++")
_QUOTED = re.compile(r"'[^'\n]{1,80}'|\"[^\"\n]{1,80}\"|`[^`\n]{1,80}`")
_DIGIT = re.compile(r"[0-9]")


class Fingerprint(NamedTuple):
    """``origin``: the connection by which it came, else its source. ``pattern``: the detail without what names one
    event: numbers, ids, addresses and quoted values."""

    tenant: str
    stage: str
    reason: str
    origin: str
    pattern: str

    @property
    def id(self) -> str:
        """The group's id: 12 hex digits."""
        return blake2b("\0".join(self).encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()


def fingerprint(tenant: str, source: str, stage: str, reason: str, detail: str) -> Fingerprint:
    """Return the fingerprint of a dead letter with these texts."""
    return Fingerprint(tenant, stage, reason, origin_of(tenant, source), pattern_of(detail))


def origin_of(tenant: str, source: str) -> str:
    """Return the connection that a source stands for, else the source without what names one of many devices."""
    ours = connection_source(tenant, "")
    return source.removeprefix(ours) if source.startswith(ours) else pattern_of(source)


def pattern_of(detail: str) -> str:
    """Return a detail without what names one event."""
    quoted = _QUOTED.sub("…", detail[:MOST_DETAIL])
    return " ".join(_WORD.sub(_plain_word, quoted).split())


def _plain_word(match: re.Match[str]) -> str:
    word = match[0]
    return "…" if _DIGIT.search(word) or "@" in word else word

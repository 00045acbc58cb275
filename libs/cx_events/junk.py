"""Mark values that identify nobody: what programs write without a value, and what people type to get on.

``undefined``, ``null`` and ``[object Object]`` come from code that lost a variable; ``0`` and all-zero UUIDs from empty
columns; ``n/a``, ``none`` and ``xxx`` from forms that insist on an answer; ``guest`` and ``anonymous`` from shops
without a login. Taken for an identifier, each makes one customer of everybody who has it. Such an identifier is stored
and marked ``unusable``, and makes no profile.

A platform's account ids may look like much: a *proved* one of a provider's own kind (``line``, ``telegram``) is junk
only as what programs write for a value that they lost, and where people choose it themselves, never. One digit
repeated may be a row's number in a database: it is junk where it is claimed, not where a system vouches for it. All
else is junk whatever its weight.

A tenant lists more (``identity.junk``: ``KIND:GLOB``); its own list holds for each kind and weight. Pure, and linear in
the length of the value.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import translate
from functools import lru_cache

from cx_events.email_addresses import LOCAL, LocalDomains
from cx_events.envelope import Data, Identifier
from cx_events.identifiers import RANK
from cx_events.weights import CLAIMED, PROVED

JUNK = "junk"
"""The value of ``Identifier.unusable`` for junk."""

_CACHED = 32_768
_LONGEST = 256
"""Characters; longer values are invalid anyway."""

WORDS = frozenset({
    "undefined", "undef", "null", "none", "nil", "nan", "na", "infinity", "true", "false", "empty", "unset",
    "unknown", "anonymous", "anon", "guest", "test",
})  # fmt: skip
"""Junk alone and repeated (``undefined undefined``, for a first and a last name)."""

_IN_A_ROW = frozenset({
    "na", "nil", "nan", "notset", "notavailable", "notapplicable", "notdefined", "notprovided", "novalue", "nouser",
    "anonymoususer", "guestuser", "testuser", "unknownuser", "unknowncaller",
})  # fmt: skip
"""Junk written as one word or several: ``n/a``, ``N. A.``, ``not set``, ``anonymousUser``."""

_LOST = frozenset({"undefined", "undef", "null", "none"})
"""What programs write where a value should be, and nothing else."""

_CHOSEN = frozenset({"reddit"})
"""The kinds of platforms whose values people choose: somebody may be called ``null`` there."""

_NO_NAMES = _LOST | {"unknown", "anonymous", "unset", "empty"}
_NO_ONES_NAMES = _IN_A_ROW - {"na", "nil", "nan"}
"""The same of persons' names."""

_NO_MAILBOX = frozenset({"undefined", "null"})
"""Junk before any ``@``: no mailbox has these names; templates without a value do."""

_NO_MAIL = frozenset({"noemail", "nomail", "noaddress"})
"""Junk at a domain of the same name: ``no-email@no-email.com``."""

# The name of a variable in a template that nobody filled in; `{deadbeef}` may be somebody's id.
_VARIABLE = r"(?:[a-z]++[_.][a-z0-9_.]*+|user|userid|uid|id|email|phone|name|account|customer)"
# What a script's object becomes as text; such templates, of shops, mailers and tag managers; what spreadsheets and
# databases write for an error or nothing; "-1", which stands for "not found".
_WRITTEN_BY_PROGRAMS = re.compile(
    r"\[object [a-z]{1,40}\]|\{\{[^{}]*\}\}|[$%#]\{[^{}]*\}|<%[^<>%]*%>|-1|0x0+"
    rf"|\{{{_VARIABLE}\}}|%{_VARIABLE}%|%%{_VARIABLE}%%|\[{_VARIABLE}\]|\[\[{_VARIABLE}\]\]"
    r"|\*\|[^*|]*\|\*|#(?:ref|value|name|num|null|div/0|n/a|error)[!?]|\\n|(?:system\.)?dbnull|nonetype|optional\(nil\)"
    r"|invalid date|(?:&nbsp;|%00|%20)+"
)
_RUN_TOGETHER = re.compile(r"(?:undefined|null){2,9}")
_LABELS = frozenset({
    "user", "userid", "customer", "customerid", "client", "clientid", "account", "accountid", "contact", "contactid",
    "visitor", "visitorid", "member", "memberid", "lead", "person", "profile", "session", "id", "uid", "crm", "email",
    "phone",
})  # fmt: skip
"""What stands before a lost value: ``user-undefined``, ``id=null``."""

# Countries' codes of one digit and of two; all others have three (ITU-T E.164, list of assigned country codes).
_ONE_DIGIT = frozenset("17")
_TWO_DIGITS = frozenset(
    map(
        str,
        (
            20, 27, *range(30, 35), 36, 39, 40, 41, *range(43, 50), *range(51, 59), *range(60, 67), 81, 82, 84, 86,
            *range(90, 96), 98,
        ),
    )
)  # fmt: skip
_BETWEEN_WORDS = re.compile(r"[\W_]+")


class Junk:
    """The known junk, one tenant's own list of junk, and the mail domains of its own network."""

    __slots__ = ("_own", "local_domains")

    def __init__(self, patterns: Iterable[str] = (), local_domains: Iterable[str] = ()) -> None:
        """``patterns``: ``KIND:GLOB``, matched in any case, also without surrounding quotes, brackets and blanks.

        ``local_domains``: see ``email_addresses``. Raises ``ValueError`` for one that is not a domain.
        """
        self.local_domains = LocalDomains(local_domains)
        globs: dict[str, list[str]] = {}
        for pattern in patterns:
            kind, _, glob = pattern.partition(":")
            globs.setdefault(kind, []).append(translate(_folded(glob)))
        self._own: Mapping[str, re.Pattern[str]] = {kind: re.compile("|".join(each)) for kind, each in globs.items()}

    def matches(self, kind: str, value: str, weight: str = CLAIMED) -> bool:
        """Return whether this value identifies nobody. ``weight``: that of the identifier in its event."""
        own = self._own.get(kind) if self._own else None
        if own is not None and (own.match(_folded(value)) or own.match(_bare(value))):
            return True
        return len(value) <= _LONGEST and _is_known_junk(kind, value, weight)


DEFAULT_JUNK = Junk()
"""The known junk, without a tenant's list."""


def is_known_junk(kind: str, value: str, weight: str = CLAIMED) -> bool:
    """Return whether this value is junk for every tenant. ``value`` in its normal form, or as given. Total."""
    return len(value) <= _LONGEST and _is_known_junk(kind[:_LONGEST], value, weight)


@lru_cache(_CACHED)
def _is_known_junk(kind: str, value: str, weight: str) -> bool:
    if weight == PROVED and kind not in RANK:
        return kind not in _CHOSEN and _is_no_value(value)
    # Many use a mail address or a number as an account's name, so the form counts, not the kind.
    if value.startswith("+"):
        return _is_no_number(value) or (kind != "phone" and _is_no_name(value, weight))
    if "@" in value:
        return _is_no_address(value) or (kind != "email" and _is_no_name(value, weight))
    return _is_no_name(value, weight)


def is_lost_value(text: str) -> bool:
    """Return whether a text is what a program writes that has no value: ``undefined``, an all-zero UUID. Total."""
    return len(text) <= _LONGEST and _is_lost_value(text)


@lru_cache(_CACHED)
def _is_lost_value(text: str) -> bool:
    folded = _folded(text)
    words = _words_of(folded)
    if _WRITTEN_BY_PROGRAMS.fullmatch(folded) is not None:
        return True
    if not words:
        return folded.isascii()
    joined = "".join(words)
    return all(word in _LOST for word in words) or (len(joined) > 1 and not joined.strip("0"))


def names_nobody(name: str) -> bool:
    """Return whether what stands for a person's name is none: ``null null``, ``Unknown Caller``, a number. Total.

    Short words that are junk as an identifier may be a name: Na, Nan, Nil, True.
    """
    return _names_nobody(name[: _LONGEST + 1])


@lru_cache(_CACHED)
def _names_nobody(name: str) -> bool:
    folded = _folded(name[:_LONGEST])
    if not any(each.isalpha() for each in folded) and (folded.isascii() or any(each.isdigit() for each in folded)):
        return True
    words = _words_of(folded)
    return (
        is_lost_value(name)
        or "".join(words) in _NO_ONES_NAMES
        or (bool(words) and all(word in _NO_NAMES for word in words))
    )


def _words_of(folded: str) -> list[str]:
    return [word for word in _BETWEEN_WORDS.split(folded) if word]


def mark_junk(data: Data, junk: Junk) -> None:
    """Mark junk among customers' and linked identifiers as ``unusable``.

    Changes ``data`` in place: nobody else may hold it.

    Identifiers have their normal form and their weight already (``stamp.prepared``).
    """
    for participant in data.participants:
        if participant.role == "customer":
            for identifier in participant.identifiers:
                _mark(identifier, junk)
    for pair in data.links:
        for identifier in pair:
            _mark(identifier, junk)


def _mark(identifier: Identifier, junk: Junk) -> None:
    unusable = identifier.unusable
    if unusable == LOCAL and junk.local_domains.contains(identifier.value):
        identifier.unusable = ""
    if (not unusable or unusable in ("invalid", LOCAL)) and junk.matches(
        identifier.kind, identifier.value, identifier.weight
    ):
        identifier.unusable = JUNK


def _folded(text: str) -> str:
    """Return the text case-folded, of plain width, without surrounding blanks and invisible characters."""
    if text.isascii():
        return text.strip().lower()
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(each for each in folded if unicodedata.category(each) != "Cf").strip()


def _bare(text: str) -> str:
    """Return the folded text without quotes, brackets and other marks around it."""
    folded = _folded(text)
    begin, end = 0, len(folded)
    while begin < end and not folded[begin].isalnum():
        begin += 1
    while end > begin and not folded[end - 1].isalnum():
        end -= 1
    return folded[begin:end]


def _is_no_value(value: str) -> bool:
    """Return whether a value is what a program writes that has none, and can be nobody's id anywhere."""
    words = _words_of(_folded(value))
    joined = "".join(words)
    if is_lost_value(value) or joined in ("0", "nan"):
        return True
    return bool(words) and (_is_behind_label(words) or _RUN_TOGETHER.fullmatch(joined) is not None)


def _is_behind_label(words: Sequence[str]) -> bool:
    return words[-1] in _NO_MAILBOX and all(word in _LABELS for word in words[:-1])


def _is_no_name(value: str, weight: str) -> bool:
    """Return whether a value that is neither a number nor a mail address is junk."""
    folded = _folded(value)
    if _WRITTEN_BY_PROGRAMS.fullmatch(folded) is not None:
        return True
    words = _words_of(folded)
    if not words:  # dashes, dots, quotes with nothing in them
        return all(each.isascii() or unicodedata.category(each).startswith("P") for each in folded)
    if _is_behind_label(words):
        return True
    joined = "".join(words).removeprefix("urnuuid")
    if _RUN_TOGETHER.fullmatch(joined) is not None:
        return True
    if joined in _IN_A_ROW or all(word in WORDS for word in words):
        return True
    if joined.strip(joined[:1]):
        return False
    # One character and no other.
    if joined[:1] == "0":
        return True
    if weight == CLAIMED:
        return len(joined) > (2 if joined.isdigit() else 1)
    return len(joined) > 2 and not joined.isdigit()


def _is_no_number(value: str) -> bool:
    """Return whether a number, in its normal form, is one digit repeated behind the country's code."""
    value = value.partition(";")[0]
    national = value[2 if value[1:2] in _ONE_DIGIT else 3 if value[1:3] in _TWO_DIGITS else 4 :]
    return len(national) > 4 and not national.strip(national[0])


def _is_no_address(value: str) -> bool:
    """Return whether a mail address is junk: two such words (``none@none.com``), or a lost value on either side."""
    local, _, domain = value.rpartition("@")
    name, labels = _bare(local), _folded(domain).split(".")
    if (
        all(word in _NO_MAILBOX for word in name.split("."))
        or _WRITTEN_BY_PROGRAMS.fullmatch(_folded(local).strip('"')) is not None
    ):
        return True
    if all(label in WORDS for label in labels):
        return True
    if name.replace("-", "") in _NO_MAIL:
        return labels[0] == name
    if name in WORDS or name.replace("/", "") in _IN_A_ROW:
        return labels[0] in WORDS
    return bool(name) and not name.strip(name[0]) and not labels[0].strip(name[0])

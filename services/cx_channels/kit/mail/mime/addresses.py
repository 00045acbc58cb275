"""Read address fields leniently: From, To, Cc and their like (RFC 5322, section 3.4)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from cx_channels.kit.mail.mime.encoded_words import decode_words
from cx_channels.kit.mail.mime.headers import FOLD
from cx_events.email_addresses import unquote_local_part

MAX_ADDRESSES = 200


_QUOTE = re.compile(r"\\(.)|\"")


_TWO_ADDRESSES = re.compile(
    r"\s*+(?:(?=[^\s<>()\",;:@]++@[^\s<>()\"',;@]++(?:\s|\Z))[^\s@]++@\S++(?:\s++|\Z)){2,100}+\Z"
)


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address with its display name."""

    name: str
    address: str


def parse_mailboxes(raw: str) -> list[Mailbox]:
    """Return the addresses of a field, with groups opened.

    Entries without an address are skipped; unquoted commas in names are repaired. Some programs encode the address as
    well, which RFC 2047 (section 5) forbids; it is read where the field has no other address.
    """
    return list(_cached_mailboxes(raw) if len(raw) <= _SHORT else _all_mailboxes(raw))


_SHORT = 1000
"""The longest field, in characters, whose addresses are cached: several readers ask for the same ones."""


@lru_cache(64)
def _cached_mailboxes(raw: str) -> tuple[Mailbox, ...]:
    """Return the addresses of a short field, cached: sender, people, thread and origin all read the same fields."""
    return _all_mailboxes(raw)


def _all_mailboxes(raw: str) -> tuple[Mailbox, ...]:
    found = _mailboxes(raw)
    return tuple(_mailboxes(decode_words(raw)) if not found and "=?" in raw else found)


def _mailboxes(raw: str) -> list[Mailbox]:
    found: list[Mailbox] = []
    pending: list[str] = []
    for segment in _address_segments(raw) if raw.count("@") > 1 else _segments(raw):
        if not segment.strip():
            continue
        mailbox = _mailbox(segment)
        if mailbox is None:
            pending.append(segment)
            continue
        if pending and mailbox.name and "<" in segment:
            mailbox = _mailbox(",".join([*pending, segment])) or mailbox
        found.append(mailbox)
        pending.clear()
        if len(found) >= MAX_ADDRESSES:
            break
    return found


def _address_segments(raw: str) -> Iterator[str]:
    """Yield each text that may be one address; some programs put only blanks between two."""
    for segment in _segments(raw):
        if segment.count("@") > 1 and _TWO_ADDRESSES.match(segment):
            yield from segment.split()
        else:
            yield segment


def _segments(raw: str) -> Iterator[str]:
    """Split at commas and semicolons outside of quotes, comments and angle brackets; a group's name is dropped."""
    if "," not in raw and ";" not in raw and ":" not in raw:  # nothing to split, as in nearly every From
        yield raw
        return
    start, quoted, depth, angle, at = 0, False, 0, False, 0
    last = {closing: raw.rfind(closing) for closing in '")>;'}
    addressed = False  # whether there was an "@" since the start
    while at < len(raw):
        character = raw[at]
        if character == "\\" and (quoted or depth):
            at += 1
            character = raw[at : at + 1]
        elif quoted:
            quoted = character != '"'
        elif character == '"':
            # A quote that is never closed is a letter like any other.
            quoted = at < last['"']
        elif depth:
            depth += {"(": 1, ")": -1}.get(character, 0)
        elif character == "(":
            depth = int(at < last[")"])
        elif character == "<":
            angle = at < last[">"]
        elif character == ">":
            angle = False
        elif not angle and character in ",;":
            yield raw[start:at]
            start, addressed = at + 1, False
        elif not angle and character == ":" and not addressed and at < last[";"]:
            start = at + 1
        addressed = addressed or character == "@"
        at += 1
    yield raw[start:]


_ANGLE = re.compile(r"<([^<>]*)>[^<>]*\Z")
_IN_BRACKETS = re.compile(r"\[mailto:([^\[\]<>]{1,254})\]", re.IGNORECASE)
"""How Outlook shows addresses, and some programs write them."""


# These begin where a word or a run of blanks does: from each of its letters they would read on to its end.
# An apostrophe between two letters is part of an address (RFC 5322, section 3.2.3): o'brien@ is not brien@.
_BARE = re.compile(
    r"(?:(?:(?<![^\s<>()\",;:])|(?<=\A')|(?<=[\s<>()\",;:]'))[^\s<>()\"',;:@]++"
    r"(?:(?='[^\s<>()\"',;:@])'[^\s<>()\"',;:@]++)++"
    r"|(?<![^\s<>()\"',;:])[^\s<>()\"',;:]+)@[^\s<>()\"',;]+"
)


_QUOTED_LOCAL = re.compile(r"\s*(\"(?:[^\"\\]|\\.){1,64}\"@[^\s<>()\"',;]+)\s*")


_SPACED_DOT = re.compile(r"(?<!\s)\s*+([.@])\s*+")


_NOBODY = re.compile(r"undisclosed[-_ .]?recipients?.*", re.IGNORECASE)


def _mailbox(segment: str) -> Mailbox | None:
    plain, aside = split_comments(segment)
    if "<" in aside and "@" in plain:  # an address in a comment is nobody's (RFC 5322, section 3.2.2)
        segment = plain
    if "<" not in segment:
        segment = _IN_BRACKETS.sub(r"<\1>", segment)
    angle = _ANGLE.search(segment)
    if angle is None:
        found = _bare_mailbox(segment)
    else:
        beside, comment = split_comments(segment[: angle.start()])
        if not beside.strip() and not comment:  # some programs write the name behind the address
            beside, comment = split_comments(segment[angle.end(1) + 1 :])
        name = beside if beside.strip() else comment
        address, _ = split_comments(angle[1])
        address = address.rpartition(":")[2] if address.startswith("@") else address  # a source route, RFC 822
        address = _clean_address(address.strip().removeprefix("mailto:"))
        bare = _BARE.search(name) if "@" not in address else None
        if bare is not None:  # the name and the address have changed places
            found = Mailbox(_display_name(address), bare[0])
        elif not address:
            return None
        else:
            found = Mailbox(_display_name(name), address)
    return None if found is None or _NOBODY.match(found.address) else found


def _bare_mailbox(segment: str) -> Mailbox | None:
    quoted = _QUOTED_LOCAL.fullmatch(segment)
    if quoted is not None:
        return Mailbox("", unquote_local_part(quoted[1]))
    plain, comment = split_comments(segment)
    joined = _SPACED_DOT.sub(r"\1", plain.strip())
    bare = _BARE.match(joined)
    if bare is None or bare.end() < len(joined):
        bare = _BARE.search(plain)
    if bare is None:
        return None
    beside = "" if bare.string != plain else plain[: bare.start()] + plain[bare.end() :]
    # A dot at the beginning is part of an address that stands alone, and none of one in a sentence.
    address = bare[0].rstrip(".")
    if address[0] == "[" and address[-1] == "]":
        address = address[1:-1]
    return Mailbox(
        _display_name(comment or beside.strip(" \t<>'\",")), address.lstrip(".") if beside.strip() else address
    )


def _clean_address(given: str) -> str:
    """Return an address without folds, blanks outside of quotes, and punctuation that is no part of it."""
    quoted = _QUOTED_LOCAL.fullmatch(given)
    if quoted is not None:
        return unquote_local_part(quoted[1])
    return FOLD.sub("", given).strip(",'\"").rstrip(".,'\"")


def split_comments(segment: str) -> tuple[str, str]:
    """Return the text outside of parentheses, and the text inside; parentheses in quotes are plain characters."""
    if "(" not in segment:
        return segment, ""
    plain: list[str] = []
    comment: list[str] = []
    depth, quoted, escaped = 0, False, False
    for character in segment:
        if character == '"' and not depth:
            quoted = not quoted
        if escaped or quoted or character not in "()\\":
            escaped = False
            (comment if depth else plain).append(character)
        elif character == "\\":
            escaped = True
        elif character == "(":
            depth += 1
        elif depth:
            depth -= 1
        else:
            (comment if depth else plain).append(character)
    return "".join(plain), "".join(comment)


def _display_name(raw: str) -> str:
    name = raw.strip()
    # Quotes that are escaped are letters (RFC 5322, section 3.2.4), unless they are around the whole name once more.
    name = decode_words(
        _QUOTE.sub(lambda quote: quote[1] or "", name) if name[:1] == '"' == name[-1:] else name.replace('"', "")
    )
    name = FOLD.sub(" ", name).strip()
    for quote in "\"'":
        if len(name) > 1 and name[0] == name[-1] == quote:
            name = name[1:-1].strip()
    return name[:200]

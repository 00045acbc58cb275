"""Read Message-ID, In-Reply-To and References: which mails belong together.

A mail's interaction is named by the root of its thread: the first of References, else In-Reply-To, else its own id. Ids
are compared without angle brackets and blanks, which clients add, drop and fold; their case counts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import blake2b

from cx_channels.kit.mail.mime.addresses import parse_mailboxes
from cx_channels.kit.mail.mime.headers import Headers

MAX_REFERENCES = 64
_MAX_ID = 240

_IN_ANGLES = re.compile(r"<([^<>]{1,2000})>")
_COMMENT = re.compile(r"\([^()]{0,500}\)")
# Begins where a word does: from each letter of a long word without "@" it would read on to the end.
_BARE_ID = re.compile(r"(?<![^\s<>,;\"])[^\s<>,;\"]+@[^\s<>,;\"]+")
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Thread:
    """A mail's place in its thread. ``own``: the mail's id, "" if it has none. ``earlier``: the mails that it answers,
    oldest first. ``root``: the id of the thread."""

    own: str
    replies_to: str
    earlier: tuple[str, ...]
    root: str

    def references(self) -> tuple[str, ...]:
        """Return every id that ties this mail to others, each once; where there are very many, the first and the
        latest."""
        every = list(dict.fromkeys(id for id in (*self.earlier, self.replies_to, self.own) if id))
        return tuple(every if len(every) <= MAX_REFERENCES else [every[0], *every[-(MAX_REFERENCES - 1) :]])


def thread_of(headers: Headers, otherwise: str = "") -> Thread:
    """Return the thread of a mail; ``otherwise`` is the root of a mail that names no id at all."""
    # A return path of its own for each mail may well be its id, too.
    named = _addresses(headers, "from", "reply-to", "to", "cc")
    given = (id for name in ("message-id", "resent-message-id") for id in ids_in(headers.raw(name))[:1])
    # Some clients answer "to" an address, or have one for an id; taken for an id, it would join the mails of strangers.
    own = next((id for id in given if id.lower() not in named), "")
    never = {own, *named, *_addresses(headers, "sender", "return-path")}
    answered = [id for id in ids_in(headers.raw("in-reply-to")) if id not in never and id.lower() not in never]
    earlier_ids = (id for value in headers.every("references") for id in ids_in(value))
    earlier = [id for id in dict.fromkeys(earlier_ids) if id not in never and id.lower() not in never]
    replies_to = next(iter(answered), "") or (earlier[-1] if earlier else "")
    root = next(iter(earlier), "") or replies_to or own or otherwise
    return Thread(own, replies_to, tuple(earlier), root)


def _addresses(headers: Headers, *names: str) -> set[str]:
    """Return the addresses in some of a mail's fields, in lower case."""
    return {mailbox.address.lower() for name in names for mailbox in parse_mailboxes(headers.raw(name))}


def ids_in(value: str) -> list[str]:
    """Return the message ids of a field, in order. Words beside them ("Your message of Monday <x@y>") are skipped."""
    found = [_normal(match[1]) for match in _IN_ANGLES.finditer(value)]
    found = [id for id in found if id]
    if found:
        return found
    return [_normal(match) for match in _BARE_ID.findall(_COMMENT.sub(" ", value))] or _lone_word(value)


def _lone_word(value: str) -> list[str]:
    """Return the id that a broken client writes: one word, without "@" or without its closing bracket."""
    word = _normal(_COMMENT.sub(" ", value).strip("<> "))
    return [word] if word and len(value.split()) == 1 else []


def _normal(id: str) -> str:
    """Return an id without the blanks of a fold; one that is too long to store, or unprintable, becomes its digest."""
    if _SPACES.search(id.strip()):  # as RFC 822 allowed: spaces and comments around the dots
        id = _SPACES.sub("", _COMMENT.sub("", id))
    id = id.strip()
    if len(id.encode()) > _MAX_ID or not id.isprintable():
        return "digest-" + blake2b(id.encode(), digest_size=16).hexdigest()
    return id


# What each host on the way adds or changes: two deliveries of one mail differ in these.
_TRACE = re.compile(
    r"received.*|return-path|delivered-to|envelope-to|delivery-date|authentication-results|arc-.*|dkim-.*|x-.*|status"
    r"|content-length|domainkey-.*"
)


def is_trace(name: str) -> bool:
    """Return whether hosts on the way add or change a field of this name, given in lower case."""
    return _TRACE.fullmatch(name) is not None

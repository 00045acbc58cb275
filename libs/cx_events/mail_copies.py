"""Key a mail by what it says, so that it is one event by however many connections it came.

A mail that lies in a mailbox (IMAP) and was taken by a vendor (Postmark) is mapped twice, each time under its
connection's ``source``. Its ids hold its Message-ID, which a sender chooses; so the key is of the whole content, in the
stream of its customer: whoever uses another's Message-ID makes another event, and so does whoever copies another's mail
in their own name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import blake2b

import msgspec

from cx_events.envelope import Event, Message

_MAPPED = re.compile(r"/[0-9a-f]{32}/([a-z]+(?:/[0-9]{1,9})?)\Z")
"""What ids of mapped mails end with: a digest of the mail, what became of it, its number where there are several."""

_PARTIAL = b'"left_out"'
"""Stands in the original of a mail of which the event does not hold all."""


def content_key(event: Event) -> bytes | None:
    """Return 16 bytes for what a mail that came by a connection says; None for any other event, for a mail without a
    Message-ID, and for one that the event holds in part.

    It is of tenant, stream, type, the time that the mail states, Message-ID, subject, text, HTML, attachments by their
    digests, the mails that it answers, continuity tokens, and of a report its outcome. Blanks and line ends don't
    count: vendors change them.
    """
    data, mapped = event.data, _MAPPED.search(event.id)
    message = data.message
    if mapped is None or message is None or data.channel != "email":
        return None
    own = event.id[: mapped.start()]
    if message.id != own and not any(each.kind == "message" and each.value == own for each in data.references):
        return None
    if data.raw is not msgspec.UNSET and _PARTIAL in bytes(data.raw):
        return None
    digest = blake2b(digest_size=16, person=b"mail")
    for piece in _pieces(event, own, mapped[1], message):
        encoded = piece.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(8, "big"))
        digest.update(encoded)
    return digest.digest()


def _pieces(event: Event, own: str, what: str, message: Message) -> Iterator[str]:
    data = event.data
    yield from (event.tenantid, event.partitionkey, event.type, own, what)
    # Where none is stated it is the recorded time. A Date of just that microsecond costs that the mail counts twice.
    yield event.time if event.time != event.recordedtime else ""
    yield from (message.id, _squeezed(message.subject), _squeezed(message.text + message.quoted))
    yield from (_squeezed(message.html), message.automatic, data.reaction)
    yield data.failure.code if data.failure is not None else ""
    yield "attachments"
    yield from sorted(each.sha256 or f"{each.url} {each.name} {each.bytes}" for each in message.attachments)
    # Else whoever has a copy of the mail could send it first, into another thread.
    yield "references"
    yield from sorted(each.value for each in data.references if each.kind == "message")
    yield "tokens"
    yield from sorted(each.value for each in data.references if each.kind == "token")


def _squeezed(text: str) -> str:
    return "".join(text.split())

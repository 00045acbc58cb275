"""Digest the content of a mail, which identifies it together with its Message-ID.

A sender chooses the Message-ID, and some use one twice. So an event's id also holds a digest of what no host changes on
the way: the same mail delivered again is the same event, another mail with the same Message-ID is not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import blake2b

from cx_channels.kit.mail.mime.encoded_blocks import ENCRYPTED
from cx_channels.kit.mail.mime.parse import EPILOGUE, Mail, Part

_NO_PARTS = frozenset({EPILOGUE, ENCRYPTED})
_FIELDS = ("from", "date", "subject")


def content_digest(mail: Mail, tokens: Iterable[str] = (), writer: str = "") -> str:
    """Return 32 hex digits that stand for From, Date, Subject and body, however the body was encoded for transport.

    ``tokens``: continuity tokens by which it came to us: a copy to another one says something else. ``writer``: the
    address of whoever wrote it, where From does not name them. Fields that name nobody (a list's Reply-To, Sender,
    Resent-...) don't count: hosts add them on the way.
    """
    digest = blake2b(digest_size=16)
    for name in _FIELDS:
        for value in mail.headers.every(name):
            _add(digest, f"{name}:{' '.join(value.split())}".encode("utf-8", "replace"))
    for token in sorted(tokens):
        _add(digest, f"token:{token}".encode("utf-8", "replace"))
    if writer:
        _add(digest, f"writer:{writer}".encode("utf-8", "replace"))
    if not _NO_PARTS.issuperset(mail.omissions):  # there is more than the parts show
        _add(digest, _plain(mail.root.raw))
    for part in _leaves(mail.root):
        _add(digest, part.media_type.encode("utf-8", "replace"))
        _add(digest, _plain(part.content()))
    return digest.hexdigest()


def _leaves(part: Part) -> Iterator[Part]:
    """Yield the parts that have content themselves. A text with uuencoded files in it is one."""
    if not part.parts or part.media_type.startswith("text/"):
        yield part
        return
    for each in part.parts:
        yield from _leaves(each)


def _add(digest: blake2b, piece: bytes) -> None:
    """Add a piece and its length, so that no two lists of pieces make one text."""
    digest.update(len(piece).to_bytes(8, "big"))
    digest.update(piece)


def _plain(content: bytes) -> bytes:
    """Return a body with line ends as LF, without blanks at its end: hosts change both."""
    return content.replace(b"\r\n", b"\n").rstrip()

"""Describe dead letters: what came in and could not become an event, and events that a stage could not use.

A dead letter holds the whole original (base64, or a reference into the blob store when large), why and where it failed,
and what a retry needs. Its identity is (tenant, source, id, stage): the same failure twice is one dead letter.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Literal

import msgspec
from msgspec import Struct

from cx_events.errors import Refused

MAP = "map"
"""The stage for what came by a connection and could not become an event."""

DECODE = "decode"
"""The stage for a record of the log that can't be read."""

FOLD = "fold"
"""The stage for an event that is stored and can't be used, in part or at all."""

CONFLICT = "conflict"
"""The stage for an event that has copies with other content. The event itself is used."""

OTHER_CONTENT = "other-content"
"""The reason at the stage ``conflict``: two events were sent under one id."""

UNFOLDABLE = "unfoldable"
"""The event is not used, since it can\'t be folded (``cx_context.fold_faults``)."""

NOT_APPLIED = "not-applied"
"""The event is not used, since it failed in a transaction of its own: the database refused one of its rows, or it
failed together with what was stored before."""

RETRYABLE_REASONS = frozenset({UNFOLDABLE, NOT_APPLIED})
"""Reasons of dead letters whose events may be retried."""


NO_ADAPTER = "no-adapter-yet"
"""A kind of webhook item that its vendor documents and no adapter maps yet: it waits for one."""

UNKNOWN_KIND = "unknown-kind"
"""A kind of webhook item that was undocumented when the adapter was written."""

WAITING_REASONS = frozenset({NO_ADAPTER, UNKNOWN_KIND})
"""Reasons that are no failures: the original was received whole and waits for an adapter."""


State = Literal["failed", "waiting", "discarded"]


def state_of(reason: str) -> State:
    """Return whether dead letters with this reason, that nobody discarded, wait for an adapter or are failures."""
    return "waiting" if reason in WAITING_REASONS else "failed"


class DeadLetter(Struct, omit_defaults=True, gc=False, kw_only=True):
    """A dead letter as it lies on the log.

    ``stage``: ``map`` (a provider's request), ``decode`` (bytes on the log), ``fold`` (an event), ``conflict`` (a copy
    of an event with other content). ``reason``: a countable slug. ``recorded``: RFC 3339. ``place``: where the original
    lies on the log, ``TOPIC/PARTITION/OFFSET``, or the connection's path. ``headers``: those that mapping needs, no
    secrets. ``settled``: marks the end of the earlier dead letter with the same identity. ``discarded``: the dead
    letter with this identity needs nobody's attention any more, decided by ``by`` (a ``writer``) for the reason
    ``why``, at ``recorded``.
    """

    tenant: str
    source: str
    id: str
    stage: str
    reason: str
    detail: str
    recorded: str
    original: str = ""
    blob: str = ""
    place: str = ""
    connection: str = ""
    method: str = ""
    url: str = ""
    content_type: str = ""
    headers: dict[str, str] = {}
    settled: bool = False
    discarded: bool = False
    by: str = ""
    why: str = ""

    @property
    def content(self) -> bytes:
        """Return the original bytes. Empty where ``blob`` names them."""
        return decode_original(self.original)


def decode_original(original: str) -> bytes:
    """Return the bytes of a field ``original``. Raises ``ValueError``."""
    return b64decode(original)


def encode_original(content: bytes) -> str:
    """Return bytes in the form of the field ``original``."""
    return b64encode(content).decode("ascii")


def encode_dead_letter(letter: DeadLetter) -> bytes:
    """Return a dead letter as JSON."""
    return msgspec.json.encode(letter)


def decode_dead_letter(raw: bytes) -> DeadLetter:
    """Return the dead letter in some JSON. Raises ``Refused("undecodable")``."""
    try:
        return msgspec.json.decode(raw, type=DeadLetter)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Refused("undecodable", str(error)) from None

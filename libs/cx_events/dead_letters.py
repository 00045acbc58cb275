"""A dead letter: something that came in and could not become an event, or an event that a stage could not use.

It holds the original whole (base64, or a reference into the blob store when large), why and where it failed, and what
is needed to try again. It is known by (tenant, source, id, stage): the same failure twice is one dead letter.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Literal

import msgspec
from msgspec import Struct

from cx_events.errors import Refused

FOLD = "fold"
"""The stage of the dead letter of an event that is stored, and of which some matter or all can't be used."""

CONFLICT = "conflict"
"""The stage of the dead letter of an event that has copies with other content. The event itself counts and is used."""

OTHER_CONTENT = "other-content"
"""The reason at the stage ``conflict``: two events were sent under one id."""

UNFOLDABLE = "unfoldable"
"""Nothing is made of the event, since it can't be folded (``cx_context.fold_faults``)."""

NOT_APPLIED = "not-applied"
"""Nothing is made of the event, since it failed by itself in a transaction of its own: the database refused a row of
it, or it failed with what was stored already."""

RETRYABLE_REASONS = frozenset({UNFOLDABLE, NOT_APPLIED})
"""Reasons of dead letters whose events may be tried again."""


NO_ADAPTER = "no-adapter-yet"
"""A kind of notice that its vendor documents and no adapter here can map yet: the notice waits for one."""

UNKNOWN_KIND = "unknown-kind"
"""A kind of notice that nobody documented when the adapter was written."""

WAITING_REASONS = frozenset({NO_ADAPTER, UNKNOWN_KIND})
"""Reasons of dead letters that are no failures: what they hold was received whole and waits for an adapter."""


State = Literal["failed", "waiting"]


def state_of(reason: str) -> State:
    """Return whether dead letters with this reason wait for an adapter, or are failures for somebody to look at."""
    return "waiting" if reason in WAITING_REASONS else "failed"


class DeadLetter(Struct, omit_defaults=True, gc=False, kw_only=True):
    """``stage``: ``map`` (a provider's request), ``decode`` (bytes on the log), ``fold`` (an event), ``conflict`` (a
    copy of an event with other content). ``reason``: a countable slug. ``recorded``: RFC 3339. ``place``: where it lies
    on the log, ``TOPIC/PARTITION/OFFSET``, or the connection's path. ``headers``: those of the request that mapping
    needs; secrets among them are left out. ``settled``: what was said under these names before is done with, and this
    is no dead letter but the end of one.
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

    @property
    def content(self) -> bytes:
        """The original bytes, unless ``blob`` says where they are."""
        return b64decode(self.original)


def encode_original(content: bytes) -> str:
    """Bytes as the field ``original`` holds them."""
    return b64encode(content).decode("ascii")


def encode_dead_letter(letter: DeadLetter) -> bytes:
    return msgspec.json.encode(letter)


def decode_dead_letter(raw: bytes) -> DeadLetter:
    """``Refused("undecodable")`` for anything else."""
    try:
        return msgspec.json.decode(raw, type=DeadLetter)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Refused("undecodable", str(error)) from None

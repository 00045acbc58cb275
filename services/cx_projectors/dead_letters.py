"""Make the dead letters that a projector leaves: of records that are no events, and of events with a problem. Pure."""

from __future__ import annotations

from hashlib import blake2b

import msgspec

from cx_context.store.dead_letters import LetterKey
from cx_events.dead_letters import FOLD, DeadLetter, encode_original
from cx_events.errors import Refused
from cx_events.facts import Fact
from cx_events.log import LogRecord
from cx_events.timestamps import format_time

MOST_DETAIL = 1000
"""Characters of a dead letter's detail."""

MOST_NAME_BYTES = 512
"""A row of PostgreSQL's B-trees has 2704 bytes at most, and a dead letter is known by four names."""

REPLACED_NUL = "\N{REPLACEMENT CHARACTER}"


def letter_of_problem(fact: Fact, reason: str | None, problem: str | None, place: str) -> DeadLetter:
    """Return the dead letter of an event that is stored, though some of it, or all, can't be used. ``reason``: why it
    was left out; None where only some data is unusable."""
    event = fact.event
    return storable(
        DeadLetter(
            tenant=event.tenantid,
            source=event.source,
            id=event.id,
            stage=FOLD,
            reason=reason or "unusable-data",
            detail=problem or "",
            recorded=event.recordedtime,
            original=encode_original(fact.raw),
            place=place,
            content_type="application/cloudevents+json",
        )
    )


def letter_of_record(record: LogRecord, error: Refused) -> DeadLetter:
    """Return the dead letter of a record that is no event."""
    try:
        recorded = format_time(record.timestamp * 1000)
    except Refused:  # Kafka takes whatever time a producer claims
        recorded = format_time(0)
    return DeadLetter(
        tenant="",
        source=record.topic,
        id=digest_of(record.value),
        stage="decode",
        reason=error.reason,
        detail=plain_text(error.detail, MOST_DETAIL),
        recorded=recorded,
        original=encode_original(record.value),
        place=place_of(record),
    )


def storable(letter: DeadLetter) -> DeadLetter:
    """Return the dead letter with names that fit an index and texts that a column takes. A name that is too long is
    cut, and keeps a hash of the whole."""
    names = {
        name: _storable_name(getattr(letter, name))
        for name in ("tenant", "source", "id", "stage", "reason", "recorded")
    }
    texts = {name: plain_text(getattr(letter, name), MOST_DETAIL) for name in ("detail", "by", "why")}
    return msgspec.structs.replace(letter, **names, **texts)


def letter_key(tenant: str, source: str, id: str, stage: str) -> LetterKey:
    """Return the key by which the dead letter of something with these names is stored."""
    return (_storable_name(tenant), _storable_name(source), _storable_name(id), _storable_name(stage))


def key_of_letter(letter: DeadLetter) -> LetterKey:
    """Return the key by which a dead letter is stored."""
    return letter_key(letter.tenant, letter.source, letter.id, letter.stage)


def fold_letter_key(fact: Fact) -> LetterKey:
    """Return the key of the dead letter that an event with a problem leaves."""
    return letter_key(fact.event.tenantid, fact.event.source, fact.event.id, FOLD)


def _storable_name(text: str) -> str:
    whole = text.encode()
    if len(whole) > MOST_NAME_BYTES:
        digest = blake2b(whole, digest_size=16).hexdigest()
        text = f"{whole[: MOST_NAME_BYTES - len(digest) - 1].decode(errors='ignore')}~{digest}"
    return text.replace("\0", REPLACED_NUL)


def plain_text(text: str, most: int) -> str:
    """Return the first ``most`` characters of a text, without the NUL that PostgreSQL's text can't hold."""
    return text[:most].replace("\0", REPLACED_NUL)


def place_of(record: LogRecord) -> str:
    """Return ``topic/partition/offset``."""
    return f"{record.topic}/{record.partition}/{record.offset}"


def digest_of(raw: bytes) -> str:
    """Return the id of the dead letter of a record that is no event."""
    return blake2b(raw, digest_size=16).hexdigest()

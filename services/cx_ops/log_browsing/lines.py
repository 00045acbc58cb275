"""Show a record of the log as one line for people, whatever it holds. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from cx_events.errors import Refused
from cx_events.json_types import Json
from cx_events.log import CONTEXT_CHANGES, DEAD_LETTERS, INTERACTIONS
from cx_events.timestamps import format_time
from cx_ops.log_browsing.records import BrowsedRecord

MOST_SAID = 100
"""Characters of what somebody said."""

MOST_NAME = 200

_DANGEROUS = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs"})
"""Unicode categories that could move a terminal's cursor, break the line or turn the text's direction."""


def line_of(record: BrowsedRecord) -> str:
    """Return place, time and what there is to know at a glance. No character of it can break the line or steer a
    terminal."""
    return "  ".join(one_line(word, MOST_NAME) for word in _words(record) if word)


def one_line(text: str, most: int) -> str:
    """Return the first ``most`` characters of a text; those that are no plain characters are replaced by a space."""
    cut = text if len(text) <= most else text[: most - 1] + "…"
    return "".join([" " if unicodedata.category(each) in _DANGEROUS else each for each in cut])


def plain_lines(text: str) -> str:
    """Return a text of several lines without characters that could steer a terminal."""
    return "".join([each if each in "\n\t" or unicodedata.category(each) not in _DANGEROUS else " " for each in text])


def time_of(record: BrowsedRecord) -> str:
    """Return when the log stored a record, RFC 3339."""
    try:
        return format_time(record.record.timestamp * 1000)
    except Refused:  # Kafka takes whatever time a producer claims
        return ""


def _words(record: BrowsedRecord) -> Iterator[str]:
    one = record.record
    yield f"{f'{one.partition}/{one.offset}':>8}"
    if record.content is None:
        yield time_of(record)
        yield f"(no JSON, {len(one.value)} bytes)"
        yield one.value[:MOST_SAID].decode("utf-8", "replace")
    elif one.topic == DEAD_LETTERS:
        yield from (record.text(name) for name in ("recorded", "stage", "reason", "source", "id"))
        yield from (name for name in ("settled", "discarded") if record.member(name))
    elif one.topic == CONTEXT_CHANGES:
        yield time_of(record)
        yield from (record.text(name) for name in ("tenant", "customer"))
        yield str(record.member("version"))
        overdue = record.member("overdue")
        yield f"overdue in {overdue.get('queue')}" if isinstance(overdue, dict) else record.text("merged_into")
    elif one.topic == INTERACTIONS:
        yield record.text("time")
        yield f"{record.text('type'):32}"
        yield _text(record.data.get("interaction"))
        yield _said(record.data)[:MOST_SAID]
    else:
        yield time_of(record)
        yield one.value[:MOST_NAME].decode("utf-8", "replace")


def _said(data: Json) -> str:
    for name in ("message", "bot", "insight"):
        found = data.get(name)
        if isinstance(found, dict):
            return _text(found.get("text")) or _text(found.get("intent")) or _text(found.get("summary"))
    return _text(data.get("note")) or _text(data.get("topic")) or _text(data.get("reason"))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""

"""Show a record of the log to programs: raw or decoded, cut where it is large, withheld where it is nobody's. Pure."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from typing import Literal

import msgspec

from cx_events.json_types import Json
from cx_ops.log_browsing.filters import RecordFilter
from cx_ops.log_browsing.lines import line_of, time_of
from cx_ops.log_browsing.records import BrowsedRecord, key_text

Form = Literal["decoded", "raw", "line"]

LARGE = 64 << 10
"""Bytes of a value beyond which a list leaves it out."""


@dataclass(frozen=True, slots=True)
class Audience:
    """The viewer: the operators of one tenant. ``is_only``: the hub has no other tenant, so what names none is theirs,
    too."""

    tenant: str
    is_only: bool

    def owns(self, tenant: str) -> bool:
        """Return whether they may see what names this tenant, or none (empty)."""
        return tenant == self.tenant or (not tenant and self.is_only)

    def may_know_of(self, tenant: str) -> bool:
        """Return whether they may know that there is something that names this tenant, or none (empty). Of what names
        no tenant everybody's operators hear, without its content: somebody must look after it."""
        return not tenant or tenant == self.tenant

    def sees(self, record: BrowsedRecord, wanted: RecordFilter) -> bool:
        """Return whether a record belongs on their page. What is withheld is never looked into."""
        if self.owns(record.tenant):
            return wanted.matches(record)
        return self.may_know_of(record.tenant) and not wanted.reads_content and wanted.matches(record)


def show_whole(record: BrowsedRecord) -> Json:
    """Return a record as JSON for whoever may read the whole log."""
    one = record.record
    value = {"value": record.content} if record.content is not None else raw_value(one.value)
    place = {"topic": one.topic, "partition": one.partition, "offset": one.offset, "time": time_of(record) or None}
    return {**place, "key": key_text(one.key), "tenant": record.tenant or None, "bytes": len(one.value), **value}


def show_record(record: BrowsedRecord, form: Form, audience: Audience, *, whole: bool = False) -> Json:
    """Return a record as JSON.

    ``raw``: the value as it lies on the log, as text, or in ``raw_base64`` where it is none. ``whole``: leave out
    nothing for its size. ``withheld``: the record names no tenant and may be another's.
    """
    one = record.record
    shown: Json = {
        "topic": one.topic,
        "partition": one.partition,
        "offset": one.offset,
        "time": time_of(record) or None,
        "bytes": len(one.value),
    }
    if not audience.owns(record.tenant):
        return {**shown, "withheld": True}
    shown |= {"key": key_text(one.key), "tenant": record.tenant or None, "line": line_of(record)}
    if form == "line":
        return shown
    if len(one.value) > LARGE and not whole:
        return {**shown, "cut": True}
    if form == "decoded" and record.content is not None:
        return {**shown, "value": msgspec.Raw(one.value)}
    return {**shown, **raw_value(one.value)}


def raw_value(value: bytes) -> Json:
    """Return bytes as ``raw`` where they are text, else as ``raw_base64``."""
    try:
        return {"raw": value.decode()}
    except UnicodeDecodeError:
        return {"raw_base64": b64encode(value).decode("ascii")}


def json_line(value: bytes) -> bytes:
    """Return JSON as one line. Raises ``msgspec.DecodeError`` where it is none."""
    if b"\n" not in value and b"\r" not in value:
        return value
    return msgspec.json.format(value, indent=-1)

"""Decode a record of the log for people who look: what it says, and whose it is."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import msgspec

from cx_events.dead_letters import DeadLetter, decode_original
from cx_events.json_types import Json
from cx_events.log import CONTEXT_CHANGES, DEAD_LETTERS, INTERACTIONS, LogRecord

_TENANT_MEMBERS = {INTERACTIONS: "tenantid", DEAD_LETTERS: "tenant", CONTEXT_CHANGES: "tenant"}


class BrowsedRecord:
    """A record and what it says. Nothing is decoded before it is asked for."""

    def __init__(self, record: LogRecord) -> None:
        self.record = record

    @cached_property
    def content(self) -> Json | None:
        """The JSON object in the record's value, None where it holds none."""
        return object_in(self.record.value)

    @property
    def data(self) -> Json:
        """An event's ``data``; empty where there is none."""
        found = self.member("data")
        return found if isinstance(found, dict) else {}

    def member(self, name: str) -> Any:
        return None if self.content is None else self.content.get(name)

    def text(self, name: str) -> str:
        """Return a member that is text, empty where it is not."""
        found = self.member(name)
        return found if isinstance(found, str) else ""

    @property
    def tenant(self) -> str:
        """The tenant that the record names; empty where none can be read of it."""
        named = self.text(_TENANT_MEMBERS.get(self.record.topic, "tenant"))
        if named or self.record.topic != DEAD_LETTERS:
            return named
        return tenant_in(self.text("original"))

    @cached_property
    def words(self) -> str:
        """All text of the value in lower case, as a person would read it."""
        if self.content is None:
            return self.record.value.decode("utf-8", "replace").casefold()
        return "\n".join(_texts_in(self.content)).casefold()


def object_in(value: bytes) -> Json | None:
    """Return the JSON object in some bytes, None where they hold none."""
    try:
        found = msgspec.json.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def tenant_of(letter: DeadLetter) -> str:
    """Return the tenant of a dead letter, or that its original names; empty where none can be read of it."""
    return letter.tenant or tenant_in(letter.original)


def tenant_in(original: str) -> str:
    """Return the tenant that the original of a dead letter names (base64), empty where none can be read of it."""
    try:
        found = object_in(decode_original(original))
    except ValueError:  # no base64
        return ""
    named = found.get("tenantid") if found is not None else None
    return named if isinstance(named, str) else ""


def _texts_in(value: Any) -> list[str]:
    """Return every text in a JSON value, member names left out."""
    texts: list[str] = []
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            texts.append(each)
        elif isinstance(each, dict):
            waiting += reversed(each.values())
        elif isinstance(each, list):
            waiting += reversed(each)
        elif each is not None:
            texts.append(str(each))
    return texts


def key_text(key: bytes) -> str:
    """Return a record's key as text: as it is where that is printable ASCII, else in hex digits."""
    if key.isascii() and key.decode("ascii").isprintable():
        return key.decode("ascii")
    return key.hex()

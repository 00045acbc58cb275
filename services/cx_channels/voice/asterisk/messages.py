"""Read AMI's text: messages of ``Key: Value`` lines, each ended by an empty line.

Keys differ in case between releases and may repeat (``ChanVariable``, ``Variable``); their order promises nothing
(docs.asterisk.org, "AMI v2 Specification"). Fragments as the documentation prints them are read, too: lines that end
with LF alone, ``...`` between two events, and ``\\r\\n`` written out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

MOST_FIELDS = 500
"""Of a message; the rest is left out."""
_HEADS = frozenset({"event", "response"})


class Message(msgspec.Struct, gc=False):
    """``fields``: by name in lower case, the first of each. ``given``: all, by name as it was written, a list where one
    repeats."""

    fields: dict[str, str]
    given: dict[str, str | list[str]]

    @property
    def raw(self) -> bytes:
        """Return the message as JSON on one line."""
        return msgspec.json.encode(self.given)

    def variables(self, prefix: str = "") -> Mapping[str, str]:
        """Return the channel variables that manager.conf (``channelvars``) adds to a channel's fields."""
        key = prefix + "chanvariable"
        if key not in self.fields:
            return {}
        found = next(value for name, value in self.given.items() if name.lower() == key)
        pairs = (each.partition("=") for each in ([found] if isinstance(found, str) else found))
        return {name: value for name, _, value in pairs}


def read_messages(body: bytes) -> list[Message]:
    """Return the messages in a text; none where no line has a key and a value."""
    written = body.decode("utf-8", "replace")
    if "\\r\\n" in written and "\n" not in written.strip():
        written = written.replace("\\r\\n", "\n")
    return [_message(lines) for lines in _blocks(written)]


def _blocks(written: str) -> Iterator[list[tuple[str, str]]]:
    lines: list[tuple[str, str]] = []
    has_head = False
    for line in written.split("\n"):
        key, colon, value = line.partition(":")
        key = key.strip()
        is_head = bool(colon) and key.lower() in _HEADS
        if lines and (not line.strip("\r \t") or (is_head and has_head)):
            yield lines
            lines, has_head = [], False
        if colon and key and len(lines) < MOST_FIELDS:
            lines.append((key, value.strip()))
            has_head = has_head or is_head
    if lines:
        yield lines


def _message(lines: list[tuple[str, str]]) -> Message:
    fields: dict[str, str] = {}
    given: dict[str, str | list[str]] = {}
    for key, value in lines:
        fields.setdefault(key.lower(), value)
        before = given.get(key)
        if before is None:
            given[key] = value
        elif isinstance(before, str):
            given[key] = [before, value]
        else:
            before.append(value)
    return Message(fields, given)

"""Find the returned mail in the text of a bounce, and the Message-ID that a bounce names."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable

from cx_channels.kit.mail.mime.headers import Headers, split_head

MAX_NOTICE = 48 << 10


_MAX_LINES = 600


def original_in_prose(text: str) -> Headers:
    """Return the fields of a mail that a notice shows or names; none where it does neither."""
    lines = notice_lines(text)
    return returned_fields(lines, returned_mail_start(lines))


def returned_fields(lines: list[str], start: int) -> Headers:
    """Return the fields from a line onwards; where these name no id, also one that the notice names."""
    shown = _dedent_head(line.expandtabs(8).lstrip(">") for line in lines[start:])
    original, _ = split_head(shown.encode("utf-8", "replace"))
    named = "" if "message-id" in original else id_in_prose("\n".join(lines))
    return original if not named else Headers([*original.fields, ("message-id", named.encode("utf-8", "replace"))])


def id_in_prose(text: str) -> str:
    """Return the Message-ID, in angle brackets, of the mail that a notice says it is about; "" where it names none."""
    found = _NAMED_ID.search(text[:MAX_NOTICE]) or _BARE_ID.search(text[:MAX_NOTICE])
    return f"<{found[1]}>" if found is not None else ""


_NAMED_ID = re.compile(
    r"\bmessage[- ]?id(?:entifier)?\b(?: was| is)?[^\w<]{0,10}\n?[^\w<]{0,10}<([^<>\s@]{1,200}@[^<>\s@]{1,200})>",
    re.IGNORECASE,
)


# As AOL's feedback loop words it.
_BARE_ID = re.compile(
    r"\bmessage-id(?: was| is| of)?:? {0,4}([^<>\s@]{1,200}@[^<>\s@]{0,199}[^<>\s@.,;])", re.IGNORECASE
)


def _dedent_head(lines: Iterable[str]) -> str:
    """Return a returned mail with its fields unindented, also where the text after them is not indented."""
    head, blank, rest = "\n".join(lines).partition("\n\n")
    return textwrap.dedent(head) + blank + rest


def notice_lines(text: str) -> list[str]:
    return text[:MAX_NOTICE].split("\n")[:_MAX_LINES]


_RETURNED_FIELD = re.compile(
    r"[ \t>]*(received|return-path|message-id|from|to|subject|date|mime-version|reply-to|x-[\w-]+|dkim-signature"
    r"|content-type|cc|delivered-to)[ \t]*:",
    re.IGNORECASE,
)


_TELLING_FIELDS = frozenset({"received", "return-path", "message-id", "mime-version"})


HEADING = re.compile(r"\s*+-{3,10}+[^\n]{1,80}-{3,10}\s*+")
"""A line of sendmail's that says what follows: ``----- Transcript of session follows -----``."""


DIVIDER = re.compile(
    r"[\W_]*(?:(?:original|returned) (?:message|mail)(?: follows)?|this is a copy of (?:the|your) message.*+"
    r"|below this line is a copy of the message|(?:the )?(?:header|text|start) of (?:the )?original (?:message|mail)"
    r"|message (?:text|header) follows|original mail as follows)[\W_]*+",
    re.IGNORECASE,
)


def returned_mail_start(lines: list[str]) -> int:
    """Return the line where the fields of the returned mail begin; the number of lines if there is none."""
    for at, line in enumerate(lines):
        field = at + 1 if DIVIDER.fullmatch(line) else at
        while at < field < len(lines) and not lines[field].strip():
            field += 1
        if field < len(lines) and _RETURNED_FIELD.match(lines[field]):
            following = (_RETURNED_FIELD.match(one) for one in lines[field : field + 25])
            names = {match[1].lower() for match in following if match}
            if len(names) >= 3 and (_TELLING_FIELDS & names or field > at):
                return field
    return len(lines)

"""Find why delivery failed in the text of a bounce: the explanation and its status code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby

from cx_channels.kit.mail.delivery.reasons import (
    UNDEFINED,
    code_of,
    in_class,
    one_reply,
    ran_out,
    said_by,
    stated_in,
    without_letter,
)
from cx_channels.kit.mail.delivery.reports import Action, Outcome
from cx_channels.kit.mail.delivery.returned_mail import DIVIDER, HEADING

_MAX_EXPLANATION = 1_000


_GREETING = 40
"""The least letters of a paragraph that is more than a greeting or an address."""


_GROUPS = re.compile(r"groups\.google\.com", re.IGNORECASE)


_GROUP_REFUSAL = "5.7.1"
"""Google Groups, in the writer's language, refuses mail to a group that doesn't exist or takes none of this sender."""


def lines_about(recipient: str, recipients: list[str], notice: list[str]) -> list[str]:
    """Return the lines about one of several recipients: from each line that names it, or its domain where that is
    nobody else's, to the next one that names another."""
    if len(recipients) < 2:
        return notice
    names = {each: _names_of(each, recipients) for each in recipients}
    about: list[str] = []
    current = ""
    for line in notice:
        lowered = line.lower()
        named = [each for each in recipients if any(name in lowered for name in names[each])]
        if named:
            current = recipient if recipient in named else named[0]
        if current == recipient:
            about.append(line)
    return about or notice


def _names_of(recipient: str, recipients: list[str]) -> tuple[str, ...]:
    address = recipient.lower()
    domain = address.rpartition("@")[2]
    shared = sum(other.lower().rpartition("@")[2].endswith(domain) for other in recipients) > 1
    return (address,) if shared else (address, domain)


def outcome_for(recipient: str, action: Action, subject: str, notice: list[str]) -> Outcome:
    explanation = _explanation(recipient, notice)
    whole = "\n".join(notice)
    code = code_of("", explanation)
    said = (
        "" if "." in code else said_by(whole) or said_by(subject) or (_GROUP_REFUSAL if _GROUPS.search(whole) else "")
    )
    code = in_class(said, code[:1]) or code or UNDEFINED
    passing = action == "delayed" or (ran_out(explanation) and not stated_in(explanation))
    return Outcome(recipient, action, in_class(code, "4" if passing else ""), explanation)


def _explanation(recipient: str, notice: list[str]) -> str:
    """Return the lines that say why, without the letter around them: those of a server's reply, else with a status,
    else in words that are known, else those at the failed address, else the first paragraph."""
    lines = [" ".join(line.split()) for line in notice if not (DIVIDER.fullmatch(line) or HEADING.fullmatch(line))]
    lines = _without_footers(lines)
    at = next((at for at, line in enumerate(lines) if recipient and recipient.lower() in line.lower()), 0)
    telling = _lines_with_code(lines) or _lines_with_phrase(lines[at:]) or _lines_with_phrase(lines)
    return " ".join(telling or _lines_around(recipient, lines) or lines)[:_MAX_EXPLANATION].strip()


def _lines_around(recipient: str, lines: list[str]) -> list[str]:
    """Return what stands beside an address in its paragraph, else the paragraph behind it, else that above; where it is
    not named, the first paragraph that is longer than a greeting. What a gateway adds under a rule is no reason."""
    paragraphs = list(_paragraphs(lines))
    named = [bool(recipient) and recipient.lower() in " ".join(found).lower() for found in paragraphs]
    if True not in named:
        return next((found for found in paragraphs if len(" ".join(found)) >= _GREETING), [])
    at = named.index(True)
    beside = [line for line in paragraphs[at] if line.strip("<>:* ").lower() != recipient.lower()]
    behind = next(iter(paragraphs[at + 1 :]), [])
    if behind and _RULED.match(behind[0]):
        behind = []
    above = (found for found in reversed(paragraphs[:at]) if "@" not in " ".join(found))
    return (beside or behind or next(above, paragraphs[at]))[:4]


_RULED = re.compile(r"[-_=*~]{4}")
_SCANNED = re.compile(r"\b(?:been|was) (?:virus[- ])?(?:scanned|checked)\b|\bscanned (?:for|by)\b", re.IGNORECASE)


def _without_footers(lines: list[str]) -> list[str]:
    """Return the lines without what gateways add under a rule: that they looked for viruses is no reason."""
    blocks = (list(group) for _, group in groupby(lines, key=lambda line: not line))
    kept = (block for block in blocks if not (_RULED.match(block[0]) and _SCANNED.search(" ".join(block))))
    return [line for block in kept for line in block]


def _paragraphs(lines: list[str]) -> Iterator[list[str]]:
    return (list(group) for blank, group in groupby(lines, key=lambda line: not line) if not blank)


def _lines_with_code(lines: list[str]) -> list[str]:
    """Return the lines with a reply or a status, each with those that continue its sentence."""
    codes = [stated_in(line) for line in lines]
    if any("." not in code for code in codes if code) or any(_REPLIED.search(line) for line in lines):
        codes = [
            code if code and ("." not in code or _REPLIED.search(line)) else ""
            for code, line in zip(codes, lines, strict=True)
        ]
    found: list[str] = []
    end = 0
    for at, code in enumerate(codes):
        if code and at >= end:
            end = at + 1
            while end < min(len(lines), at + _MAX_REPLY) and _goes_on(lines[end - 1], lines[end], codes[end]):
                end += 1
            found.append(one_reply(without_letter(" ".join(lines[at:end]))))
    once = list(dict.fromkeys(found))
    return [line for line in once if said_by(line)] or once


_REPLIED = re.compile(r"(?<![\d./-])[45][0-5]\d[ -](?:[#('\"]{0,2}[45]\.\d)")


_SEVERAL = re.compile(r"(?<!\d)([45]\d\d)-")


_NUMBERS = re.compile(r"(?<!\d)\d{3}(?!\d)")


_MAX_REPLY = 6


_WRAPPED = re.compile(r"https?://|[a-zà-ÿ]")


_STRUCTURE = re.compile(
    r"(?:[<>]{3}|\[|\(|<|-{2,}|={2,}|\*|in:|out:|[\w-]{1,40}:|giving up on|i'm not going)", re.IGNORECASE
)


def _goes_on(before: str, line: str, code: str) -> bool:
    """Return whether a line continues the reply of the line before.

    That is the next of several lines (``550-``, RFC 5321, section 4.2.1), or a line without a code that is no field,
    address, divider or new item. Behind a colon it may name an address.
    """
    several = _SEVERAL.search(before)
    if several is not None and several[1] in _NUMBERS.findall(line):
        return True
    return bool(line) and not code and not _STRUCTURE.match(line) and ("@" not in line or before.endswith(":"))


def _lines_with_phrase(lines: list[str]) -> list[str]:
    """Return the first line whose words mean a status, with the end of its sentence, else the first such paragraph."""
    at = next((at for at, line in enumerate(lines) if said_by(line)), None)
    if at is not None:
        end = at + 1
        while end < min(len(lines), at + _MAX_REPLY) and _WRAPPED.match(lines[end]) and lines[end - 1][-1] not in ".!?":
            end += 1
        return lines[at:end]
    return next((paragraph for paragraph in _paragraphs(lines) if said_by(" ".join(paragraph))), [])

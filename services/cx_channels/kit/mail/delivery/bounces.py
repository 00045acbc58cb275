"""Bounces in prose: mailers that say in their own words that a mail did not arrive.

qmail, Exim, Domino, Exchange 2003, and dozens of appliances send no delivery status, or one without the recipient.
What they share: a daemon's address, a telling subject, the failed address on a line of its own or behind a few known
words, and the returned mail below.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
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
from cx_channels.kit.mail.mime.addresses import parse_mailboxes
from cx_channels.kit.mail.mime.headers import Headers, split_head

_MAX_NOTICE = 48 << 10
_MAX_LINES = 600
_MAX_RECIPIENTS = 50
_MAX_EXPLANATION = 1_000
_REASON_WITHIN = 200
"""Characters before and after an address in which the reason of a failure is looked for."""

_DAEMON = re.compile(
    r"(?:mailer[-_.]?daemon|mail[-_.]?daemon|post[-_.]?master|mailerdaemon|mail-?deliver|bounce|nobody"
    r"|microsoftexchange[0-9a-f]|mailadmin|mmdf|uucp|daemon)",
    re.IGNORECASE,
)
_DAEMON_NAME = re.compile(r"mail(?:er)?[ -]?(?:delivery|deliver|daemon|system)|postmaster|system administrator", re.I)
_MACHINE = re.compile(r"(?:no|do[-_.]?not)[-_.]?reply.*|.*-(?:admin|owner|request)|admin\w*|sysadmin\w*", re.IGNORECASE)
_SUBJECT = re.compile(
    r"undeliver|non[- ]?deliver|delivery (?:status|failure|failed|error|problem|report|incomplete|delayed|notification)"
    r"|(?:mail|message) delivery (?:failed|failure|system|problem)|returned? (?:mail|to sender|message)"
    r"|mail (?:system )?error|mail (?:is )?(?:could not be|not) delivered|failure notice|not delivered"
    r"|could ?n[o']t (?:be )?(?:deliver|send)|unable to deliver|failed mail|delivery has failed|rejected mail"
    r"|message (?:rejected|bounced)|bounced? (?:mail|message)|unknown (?:user|recipient)|user unknown"
    r"|permanent (?:fatal )?error|mail failure|loop alert|warning: (?:could not|message)"
    r"|unzustellbar|nicht zugestellt|non remis|échec de (?:la )?(?:remise|distribution)|no se puede entregar"
    r"|no entregado|mancata consegna|недоставл|не доставлен|退信|無法投遞|系统退信"
    r"|(?:配信|送信|配送|配達)(?:不能|エラー|失敗|できません)|メールエラー|エラーメール",
    re.IGNORECASE,
)
_ANSWER = re.compile(r"\s*(?:re|fwd?|aw|wg|tr|rv|sv|vs|antw)\s*:", re.IGNORECASE)
_DELAYED = re.compile(
    r"\bdelayed\b|will (?:be retried|keep trying|continue to (?:try|be attempted))|still being retried"
    r"|not yet been delivered|temporarily deferred|message (?:is )?(?:still )?in the (?:mail )?queue"
    r"|warning message only",
    re.IGNORECASE,
)
# Whatever else such a notice quotes, the server goes on trying.
_WARNING = re.compile(
    r"this is a warning message only|do not need to re-?send|will be retried for|only a temporary failure report", re.I
)
_FINAL = re.compile(r"permanent|giv(?:e|ing|en) up|failed|undeliverable|fatal|no longer|returned", re.IGNORECASE)

_UNDELIVERED = re.compile(
    r"(?:could|can|was|has) ?n[o']t (?:be |been )?delivered|unable to deliver|undeliverable|did not reach|user unknown"
    r"|delivery (?:has )?failed|mail ?box (?:is )?full|no such user",
    re.IGNORECASE,
)

_ADDRESS = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.\-]{1,64}@[A-Za-z0-9\-]{1,63}(?:\.[A-Za-z0-9\-]{1,63}){0,8}"
_AHEAD = r"[<\"'(\[]{0,2}"
_TOLD = re.compile(
    rf"(?:(?:final|original)-recipient|recipient address):\s*+(?:rfc822;\s*+)?<?({_ADDRESS})", re.IGNORECASE
)
# Where a failed address stands, the most telling place first.
_PLACES = (
    _TOLD,
    re.compile(rf"^[ \t]*[45]\d\d[ -](?:[45]\.\d{{1,3}}\.\d{{1,3}} )?<({_ADDRESS})>\.\.\.", re.MULTILINE),
    re.compile(rf"rcpt to:\s*<({_ADDRESS})>", re.IGNORECASE),
    re.compile(rf"^[ \t>*-]{{0,12}}<({_ADDRESS})>", re.MULTILINE),
    re.compile(rf"^[ \t>*-]{{0,12}}({_ADDRESS})(?![\w@])", re.MULTILINE),
    re.compile(
        r"(?:recipients?|addressed to|user|mailbox|address(?:es)?(?: was)?|e-?mail|delivered to|delivery? to|sent to"
        r"|send to|message to|failed for|user unknown)[ \t]*+(?:\([^()\n]{0,40}\)[ \t]*+)?(?:[:=]\s{0,4}|(?<=[ \t]))"
        rf"{_AHEAD}({_ADDRESS})",
        re.IGNORECASE,
    ),
    re.compile(rf"\b(?:to|for)[ \t]*:?[ \t]{{1,4}}{_AHEAD}({_ADDRESS})", re.IGNORECASE),
    re.compile(rf"<({_ADDRESS})>"),
    re.compile(rf"\(({_ADDRESS})\)"),
    re.compile(rf"(?<![\w@.])({_ADDRESS})(?![\w@])"),
)

_GREETING = 40
"""Letters that a paragraph has at least which is no mere greeting or address."""

_GROUPS = re.compile(r"groups\.google\.com", re.IGNORECASE)
_OF_A_GROUP = "5.7.1"
"""Google Groups, in the writer's language, refuses mail to a group that doesn't exist or takes none of this sender."""

_OWN_LINE = 5
"""So many of the places are lines of their own."""


@dataclass(frozen=True, slots=True)
class Bounce:
    """``original``: the fields of the mail that came back, as far as the notice shows them."""

    outcomes: tuple[Outcome, ...]
    original: Headers


def is_bounce(headers: Headers, envelope_from: str | None, text: str, gives_back: bool) -> bool:
    """Whether a mail looks like a daemon's notice of failure. A person's mail about bounces does not.

    ``text``: what it says. ``gives_back``: whether a returned mail is attached.
    """
    if "x-failed-recipients" in headers:
        return True
    senders = parse_mailboxes(headers.raw("from"))
    address = senders[0].address if senders else headers.raw("from")
    subject = headers.text("subject")
    nobody = "<>" in (envelope_from, headers.raw("return-path"))
    telling = _SUBJECT.search(subject) is not None
    attached = gives_back
    gives_back = gives_back or len(lines := _noticed(text)) > _returned_at(lines)
    if nobody and attached and _UNDELIVERED.search(text[:_MAX_NOTICE]) and not _ANSWER.match(subject):
        return True
    if _DAEMON.match(address) or (senders and _DAEMON_NAME.search(senders[0].name)):
        return telling or nobody or gives_back or bool(stated_in(text[:_MAX_NOTICE]))
    if not telling or _ANSWER.match(subject):
        return False
    machine = _MACHINE.fullmatch(address.partition("@")[0]) is not None or _is_generated(headers)
    return nobody or (machine and gives_back)


def _is_generated(headers: Headers) -> bool:
    return headers.raw("auto-submitted").lower().startswith("auto-")


def read_bounce(headers: Headers, text: str, original: Headers | None, ours: Iterable[str]) -> Bounce:
    """What a notice says. ``ours``: addresses that are not the failed ones, however often the notice names them."""
    lines = _noticed(text)
    start = _returned_at(lines)
    notice = lines[:start]
    original = original if original is not None else _returned(lines, start)
    not_these = {*(address.lower() for address in ours), original.raw("message-id").strip("<> ").lower()}
    not_these |= {
        mailbox.address.lower() for name in ("from", "to", "cc") for mailbox in parse_mailboxes(headers.raw(name))
    }
    sent_to = [mailbox.address for mailbox in parse_mailboxes(original.raw("to"))]
    prose = "\n".join(notice)
    recipients = _recipients(headers, prose, not_these, {address.lower() for address in sent_to})
    if not recipients and start < len(lines):  # the fields of the mail that failed may stand above what became of it
        whole = "\n".join(lines)
        recipients = _once((match[1] for match in _TOLD.finditer(whole)), not_these)[:_MAX_RECIPIENTS]
        notice, prose = (lines, whole) if recipients else (notice, prose)
    recipients = recipients or [address for address in sent_to if address.lower() not in not_these][:_MAX_RECIPIENTS]
    subject = headers.text("subject")
    goes_on = _WARNING.search(prose) or (_DELAYED.search(subject + "\n" + prose) and not _FINAL.search(prose))
    action: Action = "delayed" if goes_on else "failed"
    found = [_outcome(recipient, action, subject, _about(recipient, recipients, notice)) for recipient in recipients]
    return Bounce(tuple(found or [_outcome("", action, subject, notice)]), original)


def original_in_prose(text: str) -> Headers:
    """Return the fields of a mail that a notice shows or names; none where it does neither."""
    lines = _noticed(text)
    return _returned(lines, _returned_at(lines))


def _returned(lines: list[str], start: int) -> Headers:
    """Return the fields from a line onwards; where these name no id, also one that the notice names."""
    shown = _outdented(line.expandtabs(8).lstrip(">") for line in lines[start:])
    original, _ = split_head(shown.encode("utf-8", "replace"))
    named = "" if "message-id" in original else id_in_prose("\n".join(lines))
    return original if not named else Headers([*original.fields, ("message-id", named.encode("utf-8", "replace"))])


def id_in_prose(text: str) -> str:
    """Return the Message-ID, in angle brackets, of the mail that a notice says it is about; "" where it names none."""
    found = _NAMED_ID.search(text[:_MAX_NOTICE]) or _BARE_ID.search(text[:_MAX_NOTICE])
    return f"<{found[1]}>" if found is not None else ""


_NAMED_ID = re.compile(
    r"\bmessage[- ]?id(?:entifier)?\b(?: was| is)?[^\w<]{0,10}\n?[^\w<]{0,10}<([^<>\s@]{1,200}@[^<>\s@]{1,200})>",
    re.IGNORECASE,
)
# As AOL's feedback loop words it.
_BARE_ID = re.compile(
    r"\bmessage-id(?: was| is| of)?:? {0,4}([^<>\s@]{1,200}@[^<>\s@]{0,199}[^<>\s@.,;])", re.IGNORECASE
)


def _outdented(lines: Iterable[str]) -> str:
    """A returned mail whose fields may be indented, also where what follows them is not."""
    head, blank, rest = "\n".join(lines).partition("\n\n")
    return textwrap.dedent(head) + blank + rest


def _noticed(text: str) -> list[str]:
    return text[:_MAX_NOTICE].split("\n")[:_MAX_LINES]


def _about(recipient: str, recipients: list[str], notice: list[str]) -> list[str]:
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


_RETURNED_FIELD = re.compile(
    r"[ \t>]*(received|return-path|message-id|from|to|subject|date|mime-version|reply-to|x-[\w-]+|dkim-signature"
    r"|content-type|cc|delivered-to)[ \t]*:",
    re.IGNORECASE,
)
_TELLING_FIELDS = frozenset({"received", "return-path", "message-id", "mime-version"})


_HEADING = re.compile(r"\s*+-{3,10}+[^\n]{1,80}-{3,10}\s*+")
"""A line of sendmail's that says what follows: ``----- Transcript of session follows -----``."""

_DIVIDER = re.compile(
    r"[\W_]*(?:(?:original|returned) (?:message|mail)(?: follows)?|this is a copy of (?:the|your) message.*+"
    r"|below this line is a copy of the message|(?:the )?(?:header|text|start) of (?:the )?original (?:message|mail)"
    r"|message (?:text|header) follows|original mail as follows)[\W_]*+",
    re.IGNORECASE,
)


def _returned_at(lines: list[str]) -> int:
    """The line at which the returned mail's fields begin; past the end if it is not there."""
    for at, line in enumerate(lines):
        field = at + 1 if _DIVIDER.fullmatch(line) else at
        while at < field < len(lines) and not lines[field].strip():
            field += 1
        if field < len(lines) and _RETURNED_FIELD.match(lines[field]):
            following = (_RETURNED_FIELD.match(one) for one in lines[field : field + 25])
            names = {match[1].lower() for match in following if match}
            if len(names) >= 3 and (_TELLING_FIELDS & names or field > at):
                return field
    return len(lines)


def _recipients(headers: Headers, notice: str, not_these: set[str], sent_to: set[str]) -> list[str]:
    named = [mailbox.address for raw in headers.every("x-failed-recipients") for mailbox in parse_mailboxes(raw)]
    if named:
        return list(dict.fromkeys(named))[:_MAX_RECIPIENTS]
    for place in _PLACES:
        matches = list(place.finditer(notice))
        found = _once((match[1] for match in matches), not_these)
        if found:
            known = [address for address in found if address.lower() in sent_to]
            failed = {match[1].strip(".") for match in matches if known and _says_why(notice, match)}
            return [address for address in found if address in (*known, *failed) or not known][:_MAX_RECIPIENTS]
    return []


def _once(addresses: Iterable[str], not_these: set[str]) -> list[str]:
    plain = dict.fromkeys(address.strip(".").removeprefix("mailto:") for address in addresses)
    return [address for address in plain if address.lower() not in not_these and "@" in address]


def _says_why(notice: str, match: re.Match[str]) -> bool:
    """Whether an address is followed by a reason, as one that failed is, and one to ask for help is not."""
    if match.re not in _PLACES[:_OWN_LINE]:
        return False
    start = notice.rfind("\n", max(0, match.start(1) - _REASON_WITHIN), match.start(1)) + 1
    start = start or max(0, match.start(1) - _REASON_WITHIN)
    around = notice[start : match.end() + _REASON_WITHIN].partition("\n\n")[0]
    return bool(stated_in(around) or said_by(around))


def _outcome(recipient: str, action: Action, subject: str, notice: list[str]) -> Outcome:
    explanation = _explanation(recipient, notice)
    whole = "\n".join(notice)
    code = code_of("", explanation)
    said = "" if "." in code else said_by(whole) or said_by(subject) or (_OF_A_GROUP if _GROUPS.search(whole) else "")
    code = in_class(said, code[:1]) or code or UNDEFINED
    passing = action == "delayed" or (ran_out(explanation) and not stated_in(explanation))
    return Outcome(recipient, action, in_class(code, "4" if passing else ""), explanation)


def _explanation(recipient: str, notice: list[str]) -> str:
    """Return the lines that say why, without the letter around them: those of a server's reply, else with a status,
    else in words that are known, else those at the failed address, else the first paragraph."""
    lines = [" ".join(line.split()) for line in notice if not (_DIVIDER.fullmatch(line) or _HEADING.fullmatch(line))]
    at = next((at for at, line in enumerate(lines) if recipient and recipient.lower() in line.lower()), 0)
    telling = _coded(lines) or _worded(lines[at:]) or _worded(lines)
    return " ".join(telling or _around(recipient, lines) or lines)[:_MAX_EXPLANATION].strip()


def _around(recipient: str, lines: list[str]) -> list[str]:
    """Return what stands beside an address in its paragraph, else the paragraph behind it; where it is not named, the
    first paragraph that is longer than a greeting."""
    paragraphs = list(_paragraphs(lines))
    named = [bool(recipient) and recipient.lower() in " ".join(found).lower() for found in paragraphs]
    if True not in named:
        return next((found for found in paragraphs if len(" ".join(found)) >= _GREETING), [])
    at = named.index(True)
    beside = [line for line in paragraphs[at] if line.strip("<>:* ").lower() != recipient.lower()]
    return (beside or next(iter(paragraphs[at + 1 :]), paragraphs[at]))[:4]


def _paragraphs(lines: list[str]) -> Iterator[list[str]]:
    return (list(group) for blank, group in groupby(lines, key=lambda line: not line) if not blank)


def _coded(lines: list[str]) -> list[str]:
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
    """Whether a line goes on with the reply of the line before: the next one of several lines (``550-``, RFC 5321,
    section 4.2.1), or one without a code that is no field, address, divider or new item."""
    several = _SEVERAL.search(before)
    if several is not None and several[1] in _NUMBERS.findall(line):
        return True
    return bool(line) and not code and not _STRUCTURE.match(line) and "@" not in line


def _worded(lines: list[str]) -> list[str]:
    """Return the first line whose words mean a status, with the end of its sentence, else the first such paragraph."""
    at = next((at for at, line in enumerate(lines) if said_by(line)), None)
    if at is not None:
        end = at + 1
        while end < min(len(lines), at + _MAX_REPLY) and _WRAPPED.match(lines[end]) and lines[end - 1][-1] not in ".!?":
            end += 1
        return lines[at:end]
    return next((paragraph for paragraph in _paragraphs(lines) if said_by(" ".join(paragraph))), [])

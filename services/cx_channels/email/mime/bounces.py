"""Bounces in prose: mailers that say in their own words that a mail did not arrive.

qmail, Exim, Domino, Exchange 2003, and dozens of appliances send no delivery status, or one without the recipient.
What they share: a daemon's address, a telling subject, the failed address on a line of its own or behind a few known
words, and the returned mail below.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass

from cx_channels.email.mime.headers import Headers, mailboxes, split_head
from cx_channels.email.mime.reports import Action, Outcome, code_of

_MAX_NOTICE = 48 << 10
_MAX_LINES = 600
_MAX_RECIPIENTS = 50
_MAX_EXPLANATION = 1_000

_DAEMON = re.compile(
    r"(?:mailer[-_.]?daemon|mail[-_.]?daemon|post[-_.]?master|mailerdaemon|mail-?deliver\w*|bounces?|nobody"
    r"|microsoftexchange[0-9a-f]+|mailadmin|mmdf|uucp|daemon)(?:[+_-][^@]*)?@?.*",
    re.IGNORECASE,
)
_DAEMON_NAME = re.compile(r"mail(?:er)?[ -]?(?:delivery|deliver|daemon|system)|postmaster|system administrator", re.I)
_SUBJECT = re.compile(
    r"undeliver|non[- ]?deliver|delivery (?:status|failure|failed|error|problem|report|incomplete|delayed"
    r"|notification)"
    r"|(?:mail|message) delivery (?:failed|failure|system|problem)|returned? (?:mail|to sender|message)"
    r"|mail (?:system )?error|mail (?:is )?(?:could not be|not) delivered|failure notice|could ?n[o']t (?:be )?(?:deliver|send)"
    r"|not delivered"
    r"|unzustellbar|nicht zugestellt|non remis|échec de (?:la )?(?:remise|distribution)|unable to deliver|failed mail"
    r"|delivery has failed|rejected mail|message (?:rejected|bounced)|bounced? (?:mail|message)|unknown user"
    r"|user unknown|unknown recipient|permanent (?:fatal )?error|mail failure|loop alert|warning: (?:could not|message)|недоставл"
    r"|no se puede entregar|no entregado|mancata consegna|配信不能|送信(?:エラー|失敗)|退信|無法投遞|系统退信",
    re.IGNORECASE,
)
_DELAYED = re.compile(
    r"\bdelayed\b|will (?:be retried|keep trying|continue to (?:try|be attempted))|still being retried"
    r"|not yet been delivered|temporarily deferred|message (?:is )?(?:still )?in the (?:mail )?queue"
    r"|warning message only",
    re.IGNORECASE,
)
_FINAL = re.compile(r"permanent|giv(?:e|ing|en) up|failed|undeliverable|fatal|no longer|returned", re.IGNORECASE)

_ADDRESS = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.\-]{1,64}@[A-Za-z0-9\-]{1,63}(?:\.[A-Za-z0-9\-]{1,63}){0,8}"
# Where a failed address stands, the most telling place first.
_PLACES = (
    re.compile(rf"(?:final|original)-recipient:\s*(?:rfc822;)?\s*<?({_ADDRESS})", re.IGNORECASE),
    re.compile(rf"rcpt to:\s*<({_ADDRESS})>", re.IGNORECASE),
    re.compile(rf"^[ \t>*-]{{0,12}}<({_ADDRESS})>", re.MULTILINE),
    re.compile(rf"^[ \t>*-]{{0,12}}({_ADDRESS})(?=\s*(?:$|:|\.\.\.|\[|\(| on |,|;|-))", re.MULTILINE),
    re.compile(
        rf"(?:recipients?|addressed to|user|mailbox|address(?:es)?(?: was)?|e-?mail|delivered to|delivery? to"
        rf"|sent to|send to|message to|failed for|unknown user|user unknown)[ \t]*(?:\([^()\n]{{0,40}}\))?[:=]?\s{{0,4}}"
        rf"[<\"'(\[]{{0,2}}({_ADDRESS})",
        re.IGNORECASE,
    ),
    re.compile(rf"\b(?:to|for)[ \t]*:?\s{{1,4}}[<\"'(\[]{{0,2}}({_ADDRESS})", re.IGNORECASE),
    re.compile(rf"<({_ADDRESS})>"),
    re.compile(rf"\(({_ADDRESS})\)"),
    re.compile(rf"(?<![\w@.])({_ADDRESS})(?![\w@])"),
)

# What mailers without codes say, as the status that means it (RFC 3463).
_SAID = (
    (re.compile(r"quota|mailbox (?:is )?full|disk (?:space )?full|exceeded storage|over limit", re.I), "5.2.2"),
    (re.compile(r"too (?:large|big)|size limit|exceeds? (?:the )?(?:maximum|limit|size)", re.I), "5.3.4"),
    (re.compile(r"host (?:unknown|not found)|unknown host|domain (?:not found|does not exist)", re.I), "5.1.2"),
    (re.compile(r"loop|too many hops|duplicated message-id", re.I), "5.4.6"),
    (
        re.compile(
            r"user unknown|unknown (?:user|recipient|address)|no such (?:user|recipient|address)|not listed in"
            r"|(?:recipient|user|account|address|mailbox)\b.{0,30}(?:not (?:found|exist|recogni[sz]ed|valid|known)"
            r"|unknown|invalid|does ?n[o']t exist|unavailable|disabled|inactive)|invalid (?:recipient|mailbox|address)"
            r"|no mailbox here|is not a (?:known|valid)",
            re.I,
        ),
        "5.1.1",
    ),
    (re.compile(r"spam|blocked|blacklist|denied|relay|reject|filter|policy|virus", re.I), "5.7.1"),
    (re.compile(r"timed? ?out|expired|too long|retry", re.I), "5.4.7"),
)  # fmt: skip
UNDEFINED = "5.0.0"


@dataclass(frozen=True, slots=True)
class Bounce:
    """``original``: the fields of the mail that came back, as far as the notice shows them."""

    outcomes: tuple[Outcome, ...]
    original: Headers


def is_bounce(headers: Headers, envelope_from: str | None) -> bool:
    """Whether a mail looks like a daemon's notice of failure. A person's mail about bounces does not."""
    if "x-failed-recipients" in headers:
        return True
    senders = mailboxes(headers.raw("from"))
    address = senders[0].address if senders else headers.raw("from")
    name = senders[0].name if senders else ""
    nobody = "<>" in (envelope_from, headers.raw("return-path"))
    daemon = _DAEMON.fullmatch(address) is not None or _DAEMON_NAME.search(name) is not None
    telling = _SUBJECT.search(headers.text("subject")) is not None
    return (daemon and (telling or nobody)) or (nobody and telling) or (telling and _looks_generated(headers))


def _looks_generated(headers: Headers) -> bool:
    submitted = headers.raw("auto-submitted").lower()
    return submitted.startswith(("auto-generated", "auto-replied")) or "x-mailer-daemon" in headers


def read_bounce(headers: Headers, text: str, original: Headers | None, ours: Iterable[str]) -> Bounce:
    """What a notice says. ``ours``: addresses that are not the failed ones, however often the notice names them."""
    lines = text[:_MAX_NOTICE].split("\n")[:_MAX_LINES]
    start = _returned_at(lines)
    notice = "\n".join(lines[:start])
    if original is None:
        returned = textwrap.dedent("\n".join(line.expandtabs(8).lstrip(">") for line in lines[start:]))
        original = split_head(returned.encode("utf-8", "replace"))[0]
    not_these = {address.lower() for address in ours}
    not_these |= {mailbox.address.lower() for name in ("from", "to", "cc") for mailbox in mailboxes(headers.raw(name))}
    sent_to = [mailbox.address for mailbox in mailboxes(original.raw("to"))]
    recipients = _recipients(headers, notice, not_these, {address.lower() for address in sent_to})
    recipients = recipients or [address for address in sent_to if address.lower() not in not_these][:_MAX_RECIPIENTS]
    subject = headers.text("subject")
    action: Action = "delayed" if _DELAYED.search(subject + "\n" + notice) and not _FINAL.search(notice) else "failed"
    found = [_outcome(recipient, action, subject, notice) for recipient in recipients]
    return Bounce(tuple(found or [_outcome("", action, subject, notice)]), original)


_RETURNED_FIELD = re.compile(
    r"[ \t>]*(received|return-path|message-id|from|to|subject|date|mime-version|reply-to|x-[\w-]+|dkim-signature"
    r"|content-type|cc|delivered-to)[ \t]*:",
    re.IGNORECASE,
)
_TELLING_FIELDS = frozenset({"received", "return-path", "message-id", "mime-version"})


def _returned_at(lines: list[str]) -> int:
    """The line at which the returned mail's fields begin; past the end if it is not there."""
    for at, line in enumerate(lines):
        if _RETURNED_FIELD.match(line):
            names = [match[1].lower() for one in lines[at : at + 25] if (match := _RETURNED_FIELD.match(one))]
            if len(set(names)) >= 3 and _TELLING_FIELDS & set(names):
                return at
    return len(lines)


def _recipients(headers: Headers, notice: str, not_these: set[str], sent_to: set[str]) -> list[str]:
    named = [mailbox.address for raw in headers.every("x-failed-recipients") for mailbox in mailboxes(raw)]
    if named:
        return list(dict.fromkeys(named))[:_MAX_RECIPIENTS]
    for place in _PLACES:
        found = [match[1].strip(".").removeprefix("mailto:") for match in place.finditer(notice)]
        found = [address for address in dict.fromkeys(found) if address.lower() not in not_these and "@" in address]
        if found:
            known = [address for address in found if address.lower() in sent_to]
            return (known or found)[:_MAX_RECIPIENTS]
    return []


def _outcome(recipient: str, action: Action, subject: str, notice: str) -> Outcome:
    explanation = _explanation(recipient, notice)
    code = code_of("", explanation) or code_of("", notice)
    if not code:
        code = next((status for said, status in _SAID if said.search(explanation)), "")
        code = code or next((status for said, status in _SAID if said.search(subject + "\n" + notice)), UNDEFINED)
        if action == "delayed":
            code = "4" + code[1:]
    return Outcome(recipient, action, code, explanation)


def _explanation(recipient: str, notice: str) -> str:
    """The lines that say why: those with a code, else those at the failed address, else the whole notice."""
    lines = [" ".join(line.split()) for line in notice.split("\n")]
    coded = [line for line in lines if code_of("", line)]
    if not coded and recipient:
        at = next((at for at, line in enumerate(lines) if recipient.lower() in line.lower()), None)
        coded = [line for line in lines[at : at + 4] if line] if at is not None else []
    return " ".join(coded or [line for line in lines if line])[:_MAX_EXPLANATION]

"""Recognise and read bounces in prose, where a mail server says in its own words that a mail did not arrive.

qmail, Exim, Domino, Exchange 2003 and dozens of appliances send no delivery status, or one without the recipient. They
share a daemon's address, a telling subject, the failed address on a line of its own or behind a few known words, and
the returned mail below.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from cx_channels.kit.mail.delivery.bounce_explanations import lines_about, outcome_for
from cx_channels.kit.mail.delivery.bounce_recipients import (
    MAX_RECIPIENTS,
    STATED_RECIPIENT,
    failed_recipients,
    unique_addresses,
)
from cx_channels.kit.mail.delivery.reasons import (
    stated_in,
)
from cx_channels.kit.mail.delivery.reports import Action, Outcome
from cx_channels.kit.mail.delivery.returned_mail import MAX_NOTICE, notice_lines, returned_fields, returned_mail_start
from cx_channels.kit.mail.mime.addresses import parse_mailboxes
from cx_channels.kit.mail.mime.headers import Headers

_DAEMON = re.compile(
    r"(?:mailer[-_.]?daemon|mail[-_.]?daemon|post[-_.]?master|mailerdaemon|mail-?deliver(?:y|er)?|bounce[sd]?|nobody"
    r"|microsoftexchange[0-9a-f]+|mailadmin|mmdf|uucp|daemon)(?![a-z])",
    re.IGNORECASE,
)


_DAEMON_NAME = re.compile(
    r"\W*(?:(?:the |internet |yahoo! ?)?mail(?:er)?[ -]?(?:delivery|deliver|daemon|system)\b|postmaster\b"
    r"|system administrator\W*\Z)",
    re.IGNORECASE,
)
"""A name that begins with what a daemon calls itself: people have such words behind their names, companies before
them ("Royal Mail Delivery")."""


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
    r"this is a warning message only|do not need to re-?send|will be retried for|only a temporary failure report"
    r"|delivery attempts will continue|no action is required on your part",  # Exim (specification, chapter 49)
    re.IGNORECASE,
)


_FINAL = re.compile(r"permanent|giv(?:e|ing|en) up|failed|undeliverable|fatal|no longer|returned", re.IGNORECASE)


_UNDELIVERED = re.compile(
    r"(?:could|can|was|has) ?n[o']t (?:be |been )?delivered|unable to deliver|undeliverable|did not reach|user unknown"
    r"|delivery (?:has )?failed|mail ?box (?:is )?full|no such user",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Bounce:
    """A bounce as read. ``original``: the fields of the returned mail, as far as the bounce shows them."""

    outcomes: tuple[Outcome, ...]
    original: Headers


def is_bounce(headers: Headers, envelope_from: str | None, text: str, gives_back: bool) -> bool:
    """Return whether a mail looks like a daemon's failure notice. A person's mail about bounces does not.

    ``text``: the text of the mail. ``gives_back``: whether a returned mail is attached.
    """
    if "x-failed-recipients" in headers:
        return True
    senders = parse_mailboxes(headers.raw("from"))
    address = senders[0].address if senders else headers.raw("from")
    subject = headers.text("subject")
    nobody = "<>" in (envelope_from, headers.raw("return-path"))
    telling = _SUBJECT.search(subject) is not None
    attached = gives_back
    gives_back = gives_back or len(lines := notice_lines(text)) > returned_mail_start(lines)
    if nobody and attached and _UNDELIVERED.search(text[:MAX_NOTICE]) and not _ANSWER.match(subject):
        return True
    if _DAEMON.match(address) or (senders and _DAEMON_NAME.match(senders[0].name)):
        return telling or nobody or gives_back or bool(stated_in(text[:MAX_NOTICE]))
    if not telling or _ANSWER.match(subject):
        return False
    machine = _MACHINE.fullmatch(address.partition("@")[0]) is not None or _is_generated(headers)
    return nobody or (machine and gives_back)


def _is_generated(headers: Headers) -> bool:
    return headers.raw("auto-submitted").lower().startswith("auto-")


def read_bounce(headers: Headers, text: str, original: Headers | None, ours: Iterable[str]) -> Bounce:
    """Return what a bounce says. ``ours``: addresses that can't be the failed ones, however often the bounce names
    them."""
    lines = notice_lines(text)
    start = returned_mail_start(lines)
    notice = lines[:start]
    original = original if original is not None else returned_fields(lines, start)
    not_these = {*(address.lower() for address in ours), original.raw("message-id").strip("<> ").lower()}
    not_these |= {
        mailbox.address.lower() for name in ("from", "to", "cc") for mailbox in parse_mailboxes(headers.raw(name))
    }
    sent_to = [mailbox.address for mailbox in parse_mailboxes(original.raw("to"))]
    prose = "\n".join(notice)
    recipients = failed_recipients(headers, prose, not_these, {address.lower() for address in sent_to})
    if not recipients and start < len(lines):  # the fields of the mail that failed may stand above what became of it
        whole = "\n".join(lines)
        recipients = unique_addresses((match[1] for match in STATED_RECIPIENT.finditer(whole)), not_these)[
            :MAX_RECIPIENTS
        ]
        notice, prose = (lines, whole) if recipients else (notice, prose)
    recipients = recipients or [address for address in sent_to if address.lower() not in not_these][:MAX_RECIPIENTS]
    subject = headers.text("subject")
    goes_on = _WARNING.search(prose) or (_DELAYED.search(subject + "\n" + prose) and not _FINAL.search(prose))
    action: Action = "delayed" if goes_on else "failed"
    found = [
        outcome_for(recipient, action, subject, lines_about(recipient, recipients, notice)) for recipient in recipients
    ]
    return Bounce(tuple(found or [outcome_for("", action, subject, notice)]), original)

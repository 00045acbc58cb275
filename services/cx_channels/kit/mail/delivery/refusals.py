"""Recognise notices of list servers that refuse a mail of ours: its failure, not a customer's mail.

Mailman, Google Groups, Sympa, LISTSERV, Majordomo, ezmlm and fml answer in prose, from an address of the list, and
speak to the writer: "your message …", "you are not …". The phrases follow Mailman's templates
(src/mailman/templates/en/, ``list:user:*``) and Google Groups' notices.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from cx_channels.kit.mail.delivery.bounces import Bounce
from cx_channels.kit.mail.delivery.reports import Outcome
from cx_channels.kit.mail.delivery.returned_mail import original_in_prose
from cx_channels.kit.mail.message.automatic import automatic, distribution
from cx_channels.kit.mail.mime.addresses import Mailbox, parse_mailboxes
from cx_channels.kit.mail.mime.headers import Headers

_MAX_NOTICE = 4_000
_MAX_EXPLANATION = 1_000

_SERVER = re.compile(r"(?:mailman|listserv|majordomo|sympa|ezmlm|listproc|listmaster|lists?)(?:[-+].*)?", re.IGNORECASE)
_OF_A_LIST = re.compile(
    r".+[-+](?:bounces?|owner|owners|admin|request|return|help|noreply|confirm|moderators?)(?:[-+].*)?|owner-.+",
    re.IGNORECASE,
)
_SERVER_NAME = re.compile(r"google groups|mailing list|list (?:server|manager)|listserv|mailman|sympa|majordomo", re.I)
_SUFFIX = re.compile(r"(?:[-+](?:bounces?|owners?|admin|request|return|help|confirm|moderators?)(?:[-+].*)?)\Z", re.I)

_MINE = r"your (?:\w{1,20} ){0,3}?(?:mail|message|post(?:ing)?|e-?mail|submission|request)\b[^.]{0,200}"
_HELD = re.compile(
    rf"{_MINE}\b(?:await\w*|pending|held|waiting|requires?)\b[^.]{{0,80}}(?:moderat|approv|review|author)"
    r"|\bis being held until\b|\bheld for (?:moderat|approv)",
    re.IGNORECASE,
)
_REFUSED = re.compile(
    rf"{_MINE}\b(?:reject|refus|discard|denied|not (?:be )?(?:delivered|posted|distributed|accepted|sent))"
    r"|request to (?:\S{1,80} ){0,3}?(?:mailing )?list\b[^.]{0,80} rejected"
    r"|\byou\b[^.]{0,60}?\b(?:are not|aren't|do not|don't|may not|not) (?:\w{1,20} ){0,2}?(?:members?|subscribe[dr]"
    r"|allowed|permitted|authori[sz]ed|have (?:the )?permission|post)\b"
    r"|\bonly (?:\w{1,20} ){0,3}?(?:members|subscribers)\b[^.]{0,40}(?:post|send|write)|\bclosed mailing list",
    re.IGNORECASE,
)

_OF_LISTS = re.compile(
    r"\b(?:lists?|moderat\w+|(?:non-?)?members?\b|subscri\w+|groups?|post(?:ing|s)?)\b", re.IGNORECASE
)
_ADDRESS = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")

HELD, REFUSED = "4.7.1", "5.7.1"
"""Not delivered as yet, and refused: delivery not authorized (RFC 3463)."""


def refusal_of(
    headers: Headers, sender: Mailbox, text: str, original: Headers | None, ours: Iterable[str]
) -> Bounce | None:
    """Return what a list server says of a mail that it did not pass on; None for any other mail.

    ``sender``: whom From names, a list server. ``ours``: addresses that are not the list's, however often the notice
    names them. The caller makes sure that nobody stands behind the sender: lists pass on people's mail under their own
    address.
    """
    subject = headers.text("subject")
    said = " ".join(f"{subject}. {text[:_MAX_NOTICE]}".split())
    held = _HELD.search(said)
    found = held or _REFUSED.search(said)
    if found is None:
        return None
    reason = _sentence(said, found)
    if not _OF_LISTS.search(f"{subject} {reason}"):
        return None
    original = original if original is not None else original_in_prose(text)
    code = HELD if held is not None else REFUSED
    return Bounce((Outcome(_list(headers, original, sender, said, ours), "failed", code, reason),), original)


def is_server(headers: Headers, sender: Mailbox, envelope_from: str | None = None) -> bool:
    """Return whether the sender of a mail is a list server. ``envelope_from``: its sender in SMTP, None if unknown.

    People have addresses like a list's (``shop-owner@``); such a mail must also say that a machine or a list sent it.
    """
    local = sender.address.rpartition("@")[0]
    if _SERVER.fullmatch(local) or _SERVER_NAME.search(sender.name):
        return True
    if _OF_A_LIST.fullmatch(local) and _is_by_machine(headers, envelope_from):
        return True
    return ("list-id" in headers or "x-beenthere" in headers) and bool(automatic(headers))


def _is_by_machine(headers: Headers, envelope_from: str | None) -> bool:
    nobody = "<>" in (envelope_from, headers.raw("return-path"))
    return nobody or "x-mlserver" in headers or bool(distribution(headers)) or bool(automatic(headers))


def _list(headers: Headers, original: Headers, sender: Mailbox, said: str, ours: Iterable[str]) -> str:
    """Return the list's address: whom the mail was sent to, else that of the list's fields, one of the sender's domain
    that the notice names, or the one behind the sender's; "" where none tells."""
    local, at, domain = sender.address.lower().rpartition("@")
    behind = _SUFFIX.sub("", local).removeprefix("owner-")
    not_these = {*(address.lower() for address in ours), sender.address.lower()}
    fields = [*original.every("to"), headers.raw("x-beenthere"), headers.raw("list-post").replace("mailto:", "")]
    named = [mailbox.address for raw in fields for mailbox in parse_mailboxes(raw)]
    named += [address for address in _ADDRESS.findall(said) if address.lower().endswith(at + domain)]
    named += [f"{behind}{at}{domain}"] if behind != local else []
    return next((address for address in named if address.lower() not in not_these), "")


def _sentence(said: str, match: re.Match[str]) -> str:
    """Return the sentence in which the reason stands."""
    first = said.rfind(". ", 0, match.start())
    last = said.find(". ", match.end())
    return said[first + 2 if first >= 0 else 0 : last + 1 if last >= 0 else len(said)][:_MAX_EXPLANATION]

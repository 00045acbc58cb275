"""Read reports about a sent mail: delivery status (RFC 3464), abuse (ARF, RFC 5965), read receipts (MDN, RFC 8098)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from cx_channels.kit.mail.delivery.reasons import code_of, diagnostic, one_reply
from cx_channels.kit.mail.message.body import HEADER_TYPES, REPORT_TYPES
from cx_channels.kit.mail.mime.addresses import parse_mailboxes, split_comments
from cx_channels.kit.mail.mime.headers import Headers, split_head
from cx_channels.kit.mail.mime.parse import Part, parse
from cx_channels.kit.mail.mime.transfer_encoding import undo_transfer

Action = Literal["failed", "delayed", "delivered"]

MAX_RECIPIENTS = 200
_MAX_EXPLANATION = 1_000
_ENHANCED = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?!\.?\d)")
_BLANK_LINES = re.compile(rb"\r?\n[ \t]*+(?:(?=\r?\n)\r?\n[ \t]*+)++")
_AMAZON = re.compile(r"\A.{0,100}?\b([45]\d\d)-'(.{1,800})' \(delivery attempts: \d{1,4}\)\Z")
"""How Amazon SES quotes the server that refused."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome for one recipient. ``code``: enhanced status (RFC 3463), else the SMTP reply, else ""."""

    recipient: str
    action: Action
    code: str = ""
    explanation: str = ""


@dataclass(frozen=True, slots=True)
class Complaint:
    """An abuse report. ``kind``: ``abuse``, ``fraud``, ``not-spam``, ..., in lower case (RFC 5965, section 7.3)."""

    recipient: str
    kind: str
    message_id: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """A disposition notification. ``disposition``: ``displayed``, ``deleted``, ``processed``, ..., in lower case."""

    recipient: str
    disposition: str
    message_id: str


def original_headers(root: Part) -> Headers | None:
    """Return the fields of the mail that a report gives back, the first if there are several."""
    for part in root.walk():
        if part is not root and (part.media_type in HEADER_TYPES or part.media_type.startswith("message/rfc822")):
            headers, _ = split_head(undo_transfer(part.raw, part.headers.raw("content-transfer-encoding")))
            if headers.fields:
                return headers
    return None


_RETURNED = frozenset({"from", "to", "subject", "date", "message-id", "received", "return-path"})
_TELLING = frozenset({"message-id", "received", "return-path"})


def looks_returned(headers: Headers) -> bool:
    """Return whether fields are those of a returned mail: at least three, one of which mailers add."""
    return len(headers.names & _RETURNED) >= 3 and bool(headers.names & _TELLING)


def original_in_text(root: Part) -> Headers | None:
    """Return the fields of a returned mail that no part is by its type.

    It may be attached as a text or as ``message/partial``, stand in a part without a head of its own, whose fields then
    are that head, or behind a boundary that is not the mail's.
    """
    for part in root.walk():
        if part is root or part.parts:
            continue
        if looks_returned(part.headers):
            return part.headers
        if part.media_type not in REPORT_TYPES:
            headers, _ = split_head(part.content()[:_MAX_RETURNED].lstrip())
            if looks_returned(headers):
                return headers
    found = _BEHIND_BOUNDARY.search(root.raw)
    headers = split_head(root.source, root.start + found.end())[0] if found is not None else Headers()
    return headers if looks_returned(headers) else None


_MAX_RETURNED = 64 << 10


def returned_report(root: Part) -> Part | None:
    """Return a delivery report that was itself returned: a mail gateway wraps the report of another server."""
    for part in root.walk():
        if part is not root and part.media_type == "message/rfc822":
            inner = parse(part.content()).root
            if inner.media_type == "multipart/report" and delivery_outcomes(inner):
                return inner
    return None


_BEHIND_BOUNDARY = re.compile(
    rb"^--[\x21-\x7e]{1,200}[ \t]*\r?\n(?:content-[^\n]{1,200}\n){0,5}?"
    rb"content-type:[ \t]*(?:message/rfc822|text/rfc822-headers)[^\n]{0,200}\n(?:content-[^\n]{1,200}\n){0,5}?\r?\n",
    re.MULTILINE | re.IGNORECASE,
)
_EMBEDDED = re.compile(
    r"^--([\x21-\x7e]{1,200})[ \t]*\n(?:content-[^\n]{1,200}\n){0,5}?content-type:[ \t]*message/delivery-status",
    re.M | re.I,
)


def embedded_report(text: str) -> Part | None:
    """Return a delivery report whose parts stand in a text: the header that told its boundary was lost or rewritten."""
    found = _EMBEDDED.search(text)
    if found is None:
        return None
    raw = f'Content-Type: multipart/report; boundary="{found[1]}"\n\n{text}'
    root = parse(raw.encode("utf-8", "replace")).root
    return root if delivery_outcomes(root) else None


def delivery_outcomes(root: Part) -> list[Outcome]:
    """Return one outcome for each recipient that a delivery status names, in its order; none without such a part."""
    outcomes: list[Outcome] = []
    for part in root.walk():
        if part.media_type in ("message/delivery-status", "message/global-delivery-status"):
            for fields in _groups(part):
                outcome = _outcome(fields)
                if outcome is not None and len(outcomes) < MAX_RECIPIENTS:
                    outcomes.append(outcome)
    return list({(outcome.recipient, outcome.action): outcome for outcome in reversed(outcomes)}.values())[::-1]


def _groups(part: Part) -> list[Headers]:
    """Return the fields about each recipient.

    Some mailers put blank lines inside a group, or none between two groups; both are repaired.
    """
    groups: list[list[tuple[str, bytes]]] = []
    for block in _BLANK_LINES.split(part.content().strip(b"\r\n"), 1_000)[:1_000]:
        for fields in _each_recipient(split_head(block.lstrip(b"\r\n"))[0].fields):
            if groups and not {name for name, _ in fields} & _RECIPIENT:
                groups[-1].extend(fields)
            else:
                groups.append(fields)
    return [Headers(fields) for fields in groups]


_RECIPIENT = frozenset({"final-recipient", "original-recipient", "x-original-recipient"})


def _each_recipient(fields: Iterable[tuple[str, bytes]]) -> Iterator[list[tuple[str, bytes]]]:
    """Yield the fields of a block up to each that names another recipient in the way of the first one."""
    group: list[tuple[str, bytes]] = []
    begins = ""
    for name, value in fields:
        if name in _RECIPIENT:
            begins = begins or name
            if name == begins and any(name == each for each, _ in group):
                yield group
                group = []
        group.append((name, value))
    if group:
        yield group


def _outcome(fields: Headers) -> Outcome | None:
    final = _typed_address(fields.raw("final-recipient"))
    given = _typed_address(fields.raw("original-recipient")) or _typed_address(fields.raw("x-original-recipient"))
    if not (final or given or "final-recipient" in fields or "action" in fields):
        return None
    status = (_ENHANCED.search(fields.raw("status")) or [""])[0]
    explanation = one_reply(_AMAZON.sub(r"\1 \2", diagnostic(fields.text("diagnostic-code"))))
    if not explanation:
        explanation = fields.text("status").partition("(")[2].rpartition(")")[0]
    action = _action(fields.raw("action"), status)
    if action is None:
        return None
    # The address that we wrote to (RFC 3464, section 2.3.1), also where a forwarding put another in its place.
    return Outcome(given or final, action, code_of(status, explanation), explanation[:_MAX_EXPLANATION])


def _action(given: str, status: str) -> Action | None:
    word = given.lower().strip()
    if word.startswith(("fail", "error")):
        return "failed"
    if word.startswith("delay"):
        return "delayed"
    if word.startswith(("deliver", "relay", "expand")):
        return "delivered"
    by_class: dict[str, Action] = {"5": "failed", "4": "delayed", "2": "delivered"}
    return by_class.get(status[:1])


def _typed_address(value: str) -> str:
    """Return the address in ``rfc822; ana@example.com``; "" where there is none."""
    kind, semicolon, address = value.partition(";")
    found = parse_mailboxes(address if semicolon else kind)
    return found[0].address if found and "@" in found[0].address else ""


def complaint_of(root: Part) -> Complaint | None:
    """Return what an abuse report says; its addresses may be redacted, then ``recipient`` is ""."""
    for part in root.walk():
        if part.media_type == "message/feedback-report":
            fields, _ = split_head(part.content().strip(b"\r\n"))
            original = original_headers(root) or Headers()
            candidates = (
                *fields.every("original-rcpt-to"),
                *fields.every("removal-recipient"),
                original.raw("x-original-to"),
                original.raw("to"),
            )
            recipient = next((found[0].address for raw in candidates if (found := parse_mailboxes(raw))), "")
            return Complaint(recipient, fields.raw("feedback-type").lower() or "abuse", original.raw("message-id"))
    return _hotmail_complaint(root)


_HOTMAIL = "staff@hotmail.com"


def _hotmail_complaint(root: Part) -> Complaint | None:
    """Return the complaint in a mail of Hotmail's and Outlook.com's Junk Email Reporting Program.

    It is no report but a mail from ``_HOTMAIL`` with the mail that is complained about ("RFC822 Attachment" in the
    programme's FAQ).
    """
    sender = next(iter(parse_mailboxes(root.headers.raw("from"))), None)
    original = original_headers(root)
    if sender is None or sender.address.lower() != _HOTMAIL or original is None:
        return None
    candidates = (original.raw("x-hmxmroriginalrecipient"), original.raw("to"))
    recipient = next((found[0].address for raw in candidates if (found := parse_mailboxes(raw))), "")
    return Complaint(recipient, "abuse", original.raw("message-id"))


def receipt_of(root: Part) -> Receipt | None:
    """Return what a disposition notification says."""
    for part in root.walk():
        if part.media_type in ("message/disposition-notification", "message/global-disposition-notification"):
            fields, _ = split_head(part.content().strip(b"\r\n"))
            said, _ = split_comments(fields.raw("disposition").lower())
            disposition = said.partition(";")[2].partition(";")[0].partition("/")[0].strip()
            recipient = _typed_address(fields.raw("original-recipient")) or _typed_address(
                fields.raw("final-recipient")
            )
            return Receipt(recipient, disposition, fields.raw("original-message-id"))
    return None

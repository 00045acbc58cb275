"""Name the kinds (``mapping.KINDS``) that a mail turned out to be, by what was read of it. For tests and tables."""

from __future__ import annotations

from collections.abc import Sequence

from cx_channels.kit.mail.delivery.bounces import is_bounce
from cx_channels.kit.mail.delivery.reports import delivery_outcomes, original_headers, receipt_of
from cx_channels.kit.mail.delivery.ses_notices import ses_notice
from cx_channels.kit.mail.mapping import MailMapping
from cx_channels.kit.mail.message.automatic import AUTO_REPLY
from cx_channels.kit.mail.mime.addresses import parse_mailboxes
from cx_channels.kit.mail.settings import Own
from cx_events.envelope import Draft

_OF_REPORTS = {
    "cx.message.reacted.v1": "abuse report",
    "cx.message.read.v1": "disposition notification, displayed",
    "cx.message.delivered.v1": "delivery status, delivered or relayed",
    "cx.message.sent.v1": "mail from an own address, by a way that is ours",
}


def kinds_of_mail(reading: MailMapping, drafts: Sequence[Draft], own: Own) -> tuple[str, ...]:
    """Return the kinds of a mail whose drafts were made, in their order. ``own``: the business's addresses."""
    return tuple(dict.fromkeys(_kind_of(reading, draft, own) for draft in drafts))


def _kind_of(reading: MailMapping, draft: Draft, own: Own) -> str:
    message = draft.data.message
    if draft.type in _OF_REPORTS:
        return _OF_REPORTS[draft.type]
    if draft.type == "cx.message.failed.v1":
        return _of_failure(reading)
    if draft.data.reason == "delayed":
        return "delivery status, delayed"
    if receipt_of(reading.mail.root) is not None:
        return "disposition notification, other"
    if message is not None and message.automatic:
        return "automatic reply" if message.automatic == AUTO_REPLY else "mail of a machine"
    if any(own.has(mailbox.address) for mailbox in parse_mailboxes(reading.headers.raw("from"))):
        return "mail from an own address, by any other way"
    if message is not None and message.distribution:
        return "mail by a list or in bulk"
    return "mail from a person"


def _of_failure(reading: MailMapping) -> str:
    if delivery_outcomes(reading.mail.root) or ses_notice(reading.headers, reading.content.text()) is not None:
        return "delivery status, failed"
    returned = original_headers(reading.mail.root) is not None
    bounced = is_bounce(reading.headers, reading.envelope.sender, reading.content.text(), returned)
    return "bounce in prose" if bounced else "refusal of a list server"

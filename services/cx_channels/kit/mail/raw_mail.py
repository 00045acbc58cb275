"""Map a raw mail to events, by whichever door it came; ``cx_channels.kit.mail.mapping`` decides what it means."""

from __future__ import annotations

from cx_channels.kit.mail.kinds import kinds_of_mail
from cx_channels.kit.mail.mapping import Envelope, MailMapping
from cx_channels.kit.mail.mime.parse import parse
from cx_channels.kit.mail.originals import mapped_mail
from cx_channels.kit.mail.settings import mail_settings
from cx_channels.provider import Connection, Mapped, Request
from cx_events.envelope import Draft
from cx_events.errors import Refused


def map_raw_mail(request: Request, connection: Connection, *, from_mailbox: bool = False) -> Mapped:
    """Map a raw mail. ``from_mailbox``: it lay in a mailbox of ours, whose server added the first fields.

    Raise ``Refused("malformed")`` for bytes without any header field, ``Refused("bad-settings")`` for a connection
    whose settings are not as the README says.
    """
    return mapped_mail(request.body, *_read(request, connection, from_mailbox))


def kinds_of_raw_mail(request: Request, connection: Connection, *, from_mailbox: bool = False) -> tuple[str, ...]:
    """Return the kinds of what a mail turns out to be, as ``KINDS`` names them."""
    settings = mail_settings(connection.settings, by_vendor=from_mailbox)
    return kinds_of_mail(*_read(request, connection, from_mailbox), settings.own)


def _read(request: Request, connection: Connection, from_mailbox: bool) -> tuple[MailMapping, list[Draft]]:
    """Return a mail as it was read, and its drafts, still without ``raw``."""
    mail = parse(request.body)
    if not mail.headers.fields:
        raise Refused("malformed", "this is no mail: it has no header field")
    peer = request.headers.get("x-envelope-peer", "")
    envelope = Envelope(
        request.headers.get("x-envelope-from"),
        request.headers.get("x-envelope-to", ""),
        peer,
        by_vendor=from_mailbox,
        arrived=request.received or None if peer and not from_mailbox else None,
    )
    settings = mail_settings(connection.settings, by_vendor=from_mailbox)
    reading = MailMapping(connection.id, mail, settings, envelope)
    return reading, reading.drafts()

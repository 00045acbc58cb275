"""Mail that lies in a mailbox, fetched over IMAP (RFC 9051, 3501). See README.md.

Modules: ``mapping`` (a mail to events, as any mail), ``poller`` (the source: rounds over the folders), ``client`` (IMAP
itself), ``settings`` (of a connection), ``cursor`` (how far each folder was read).
"""

from __future__ import annotations

from cx_channels.email.imap.mapping import kinds_of, map_mail
from cx_channels.email.imap.settings import SETTING_NAMES as OF_MAILBOXES
from cx_channels.email.imap.settings import warnings_of
from cx_channels.kit.mail.mapping import KINDS
from cx_channels.kit.mail.settings import SETTING_NAMES
from cx_channels.provider import Provider

PROVIDER = Provider(
    name="email/imap",
    channel="email",
    map=map_mail,
    verify=None,
    unsigned="nothing is sent to the hub: it asks the mail server, which shows its certificate",
    kinds=KINDS,
    kinds_of=kinds_of,
    transport="poller",
    methods=frozenset({"MESSAGE"}),
    content_types=frozenset({"message/rfc822"}),
    max_bytes=30 << 20,
    isolated=True,
    weights={
        "email": {
            "proved": "the mailbox's own server (authserv_ids) found DKIM or DMARC aligned with From",
            "claimed": "anybody can write any From",
        }
    },
    settings=SETTING_NAMES | OF_MAILBOXES,
    secret_settings=frozenset({"client_secret"}),
    warnings=warnings_of,
)

"""Raw mail (RFC 5322, MIME), as it comes in over SMTP. See README.md.

Modules: ``mapping`` (a mail to events; what it means is told in ``cx_channels.kit.mail``).
"""

from __future__ import annotations

from cx_channels.email.mime.mapping import kinds_of, map_mail
from cx_channels.kit.mail.mapping import KINDS
from cx_channels.kit.mail.settings import SETTING_NAMES
from cx_channels.provider import Provider

PROVIDER = Provider(
    name="email/mime",
    channel="email",
    map=map_mail,
    verify=None,
    unsigned="SMTP has no signature: the connection is chosen by the recipient's address",
    kinds=KINDS,
    kinds_of=kinds_of,
    transport="smtp",
    methods=frozenset({"SMTP"}),
    content_types=frozenset({"message/rfc822"}),
    max_bytes=30 << 20,
    isolated=True,
    weights={
        "email": {
            "proved": "a host of ours (mx, authserv_ids) found DKIM or DMARC aligned with From",
            "claimed": "anybody can write any From",
        }
    },
    settings=SETTING_NAMES,
)

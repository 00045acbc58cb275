"""Mailgun: mail that its routes bring, and what became of mail that it sent for us. See README.md.

Modules: ``signature`` (the proof in the body), ``fields`` (a request's fields), ``mapping`` (the kinds of requests),
``inbound`` (a received mail), ``legacy`` (webhooks as forms, of before 2018), ``media`` (how files are
fetched).
"""

from __future__ import annotations

from cx_channels.email.mailgun.fields import MAX_BYTES
from cx_channels.email.mailgun.mapping import DOCUMENTED, kinds_of, map_request, warnings
from cx_channels.email.mailgun.media import MEDIA
from cx_channels.email.mailgun.signature import SIGNATURE, sign, verify
from cx_channels.kit.mail.settings import SETTING_NAMES
from cx_channels.provider import Provider

PROVIDER = Provider(
    name="email/mailgun",
    channel="email",
    map=map_request,
    verify=verify,
    sign=sign,
    signature=SIGNATURE,
    kinds=DOCUMENTED,
    kinds_of=kinds_of,
    max_bytes=MAX_BYTES,
    isolated=True,
    warnings=warnings,
    weights={
        "email": {
            "proved": "Mailgun found the only DKIM signature valid, which is of the domain in From (dkim_check)",
            "claimed": "anybody can write any From; whom a mail was sent to, the business says",
        }
    },
    media=MEDIA,
    settings=SETTING_NAMES | {"dkim_check", "purposes", "subaccounts"} | MEDIA.settings,
)

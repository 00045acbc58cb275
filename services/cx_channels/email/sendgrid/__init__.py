"""SendGrid (Twilio): mail that it received for us, and what became of mail that it sent for us. See README.md.

Modules: ``signature`` (ECDSA, or a name and a password), ``mapping`` (the kinds of requests), ``inbound`` (a received
mail, raw or in fields), ``dkim`` (what SendGrid found out about its sender).
"""

from __future__ import annotations

from cx_channels.email.sendgrid.mapping import DOCUMENTED, MAX_BYTES, kinds_of, map_request
from cx_channels.email.sendgrid.signature import SIGNATURE, scheme_of, sign, verify, warnings
from cx_channels.kit.mail.settings import SETTING_NAMES
from cx_channels.provider import Provider

PROVIDER = Provider(
    name="email/sendgrid",
    channel="email",
    map=map_request,
    verify=verify,
    sign=sign,
    signature=SIGNATURE,
    signature_of=scheme_of,
    kinds=DOCUMENTED,
    kinds_of=kinds_of,
    max_bytes=MAX_BYTES,
    isolated=True,
    warnings=warnings,
    weights={
        "email": {
            "proved": "SendGrid found a valid DKIM signature of the domain in From",
            "claimed": "anybody can write any From; whom a mail was sent to, the business says",
        }
    },
    settings=SETTING_NAMES | {"authentication", "purposes"},
)

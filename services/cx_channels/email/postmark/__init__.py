"""Postmark: mail that it received for us, and what became of mail that it sent for us. See README.md.

Modules: ``signature`` (basic authentication), ``mapping`` (the kinds of requests), ``inbound`` (a received mail),
``values`` (a request's fields).
"""

from __future__ import annotations

from cx_channels.email.postmark.mapping import DOCUMENTED, kinds_of, map_request
from cx_channels.email.postmark.signature import SIGNATURE, sign, verify
from cx_channels.email.postmark.values import MAX_BYTES
from cx_channels.kit.mail.settings import SETTING_NAMES
from cx_channels.provider import Provider

PROVIDER = Provider(
    name="email/postmark",
    channel="email",
    map=map_request,
    verify=verify,
    sign=sign,
    signature=SIGNATURE,
    kinds=DOCUMENTED,
    kinds_of=kinds_of,
    max_bytes=MAX_BYTES,
    isolated=True,
    weights={
        "email": {
            "proved": "Postmark found DKIM or DMARC aligned with From",
            "claimed": "anybody can write any From",
        }
    },
    settings=SETTING_NAMES | {"spam_tests", "streams"},
)

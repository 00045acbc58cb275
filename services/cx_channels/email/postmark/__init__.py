"""Postmark: mail that it received for us, and what became of mail that it sent for us. See README.md."""

from __future__ import annotations

from cx_channels.email.postmark.mapping import DOCUMENTED, map_request
from cx_channels.email.postmark.signature import verify
from cx_channels.email.postmark.values import MAX_BYTES
from cx_channels.provider import Provider

PROVIDER = Provider(
    name="email/postmark",
    channel="email",
    map=map_request,
    verify=verify,
    kinds=DOCUMENTED,
    max_bytes=MAX_BYTES,
    isolated=True,
    weights={
        "email": {
            "proved": "Postmark found DKIM or DMARC aligned with From",
            "claimed": "anybody can write any From",
        }
    },
)

"""Facebook pages and Instagram accounts, from Meta's webhooks. See README.md."""

from __future__ import annotations

from cx_channels.port import Provider
from cx_channels.social.meta.mapping import DOCUMENTED, map_request
from cx_channels.social.meta.signature import challenge, verify

PROVIDER = Provider(
    name="social/meta",
    channel="social",
    map=map_request,
    verify=verify,
    challenge=challenge,
    kinds=DOCUMENTED,
    methods=frozenset({"GET", "POST"}),
)

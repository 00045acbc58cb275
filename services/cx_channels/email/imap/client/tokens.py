"""Fetch an OAuth access token (RFC 6749, sections 4.4 and 6) just before it is used: they last about an hour."""

from __future__ import annotations

from cx_channels.email.imap.settings import Tokens
from cx_channels.pollers.asking import open_asker
from cx_channels.pollers.oauth import TokenRequest
from cx_channels.pollers.oauth import fetch_token as fetch

_MOST_ANSWER = 256 << 10


async def fetch_token(tokens: Tokens, secret: str) -> str:
    """Return an access token. ``Refused`` where the application or its secret is refused, else ``TryLater``."""
    form = {"client_id": tokens.client_id, **({"scope": tokens.scope} if tokens.scope else {})}
    if tokens.client_secret:
        form |= {"grant_type": "refresh_token", "refresh_token": secret, "client_secret": tokens.client_secret}
    else:
        form |= {"grant_type": "client_credentials", "client_secret": secret}
    async with open_asker(most=_MOST_ANSWER) as asker:
        return (await fetch(asker, TokenRequest(tokens.url, form))).value

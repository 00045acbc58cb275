"""Fetch an OAuth access token (RFC 6749, sections 4.4 and 6) just before it is used: they last about an hour."""

from __future__ import annotations

from typing import Any

import httpx2
import msgspec

from cx_channels.email.imap.settings import Tokens
from cx_events.errors import Refused, TryLater

_SECONDS = 15.0
_MOST_ANSWER = 256 << 10


async def fetch_token(tokens: Tokens, secret: str) -> str:
    """Return an access token. ``Refused`` where the application or its secret is refused, else ``TryLater``."""
    form = {"client_id": tokens.client_id, **({"scope": tokens.scope} if tokens.scope else {})}
    if tokens.client_secret:
        form |= {"grant_type": "refresh_token", "refresh_token": secret, "client_secret": tokens.client_secret}
    else:
        form |= {"grant_type": "client_credentials", "client_secret": secret}
    try:
        async with httpx2.AsyncClient(timeout=_SECONDS, trust_env=False, follow_redirects=False) as client:
            response = await client.post(tokens.url, data=form)
    except httpx2.HTTPError as error:
        raise TryLater("token-url", f"no token: {type(error).__name__}") from None
    answered = _object(response.content[:_MOST_ANSWER])
    if response.status_code == 200 and isinstance(token := answered.get("access_token"), str) and token:
        return token
    why = " ".join(str(answered.get(name, "")) for name in ("error", "error_description")).strip()[:300]
    if 400 <= response.status_code < 500 and response.status_code != 429:
        raise Refused("token-refused", f"token_url answers {response.status_code}: {why or 'without a reason'}")
    raise TryLater("token-url", f"token_url answers {response.status_code}: {why or 'without a token'}")


def _object(content: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(content, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return {}

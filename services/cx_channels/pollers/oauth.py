"""Fetch OAuth access tokens (RFC 6749) with a secret that lasts, and keep them while they hold."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from cx_channels.kit.authorization import basic_header
from cx_channels.pollers.asking import Asker
from cx_events.errors import Refused, TryLater

_EARLY = 60.0
"""Seconds before its end at which a token is fetched anew."""


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A form to post. ``basic``: the client's id and secret, where they go into ``Authorization`` (section 2.3.1)."""

    url: str
    form: Mapping[str, str]
    basic: tuple[str, str] | None = None


class Token(NamedTuple):
    """``seconds``: for which it holds. ``refresh``: a new refresh token, "" where the old one stays."""

    value: str
    seconds: float
    refresh: str


async def fetch_token(asker: Asker, request: TokenRequest) -> Token:
    """Return a token. ``Refused`` where the application or its secret is refused, else ``TryLater``."""
    headers = basic_header(*request.basic) if request.basic is not None else {}
    try:
        answered = await asker.ask("POST", request.url, headers=headers, form=request.form)
    except TryLater as later:
        raise TryLater("token-url", f"no token: {later.detail}") from None
    given = answered.value if isinstance(answered.value, dict) else {}
    token, seconds, refresh = given.get("access_token"), given.get("expires_in"), given.get("refresh_token")
    # Reddit refuses by 200 and an "error".
    if answered.status == 200 and isinstance(token, str) and token:
        lasts = float(seconds) if isinstance(seconds, int | float) else 3600.0
        return Token(token, lasts, refresh if isinstance(refresh, str) else "")
    why = " ".join(str(given.get(name, "")) for name in ("error", "error_description")).strip()[:300]
    told = f"token_url answers {answered.status}: {why or 'without a reason'}"
    is_refused = 400 <= answered.status < 500 or (answered.status == 200 and given.get("error"))
    if is_refused and answered.status != 429:
        raise Refused("token-refused", told)
    raise TryLater("token-url", told, answered.pause(time.time()))


class AccessTokens:
    """Tokens of one secret. ``request_of``: what is posted for a refresh token, or another secret that lasts."""

    def __init__(self, asker: Asker, secret: str, request_of: Callable[[str], TokenRequest]) -> None:
        self._asker = asker
        self._secret = secret
        self._request_of = request_of
        self._token = ""
        self._until = 0.0

    async def get(self) -> str:
        """Return a token that holds for a while."""
        if not self._token or time.monotonic() >= self._until:
            fetched = await fetch_token(self._asker, self._request_of(self._secret))
            self._token, self._until = fetched.value, time.monotonic() + max(fetched.seconds - _EARLY, 1.0)
            # Some vendors end a refresh token with its first use (section 6).
            self._secret = fetched.refresh or self._secret
        return self._token

    def drop(self) -> None:
        """Forget a token that the vendor no longer takes."""
        self._token = ""

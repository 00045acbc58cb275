"""Ask Reddit's API by OAuth. Nothing at Reddit is changed: no message is marked as read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from cx_channels.kit.authorization import bearer_header
from cx_channels.kit.json_values import obj, text
from cx_channels.pollers.asking import Answered, Asker, open_asker
from cx_channels.pollers.oauth import AccessTokens, TokenRequest
from cx_channels.social.reddit.client.refusals import error_of, is_used_up, reset
from cx_channels.social.reddit.settings import AccountSettings
from cx_events.errors import Refused, TryLater

LOOKED_UP = 100
"""Fullnames of one request."""


class Api:
    """``now``: s since 1970."""

    def __init__(
        self, asker: Asker, settings: AccountSettings, secrets: Sequence[str], now: Callable[[], float]
    ) -> None:
        if not secrets:
            raise Refused("no-secrets", "there is no secret: add a refresh token or password to the connection's")
        self._asker = asker
        self._settings = settings
        self._now = now
        self._used_up_until = 0.0
        self._tokens = [AccessTokens(asker, secret, self._token_request) for secret in secrets]

    async def listing(self, path: str, limit: int, after: str = "", **more: str) -> tuple[list[Any], str]:
        """Return a page of a list, the newest first, and where the next one begins."""
        query = {"limit": str(limit), "raw_json": "1", **more, **({"after": after} if after else {})}
        found = obj(obj(await self._value(path, query)).get("data"))
        children = found.get("children")
        if not isinstance(children, list):
            raise TryLater("vendor", "Reddit's answer holds no list")
        return children, text(found.get("after"))

    async def by_names(self, names: Sequence[str]) -> list[Any]:
        """Return those things that are there, of ``LOOKED_UP`` at most; deleted ones are, without their words."""
        found = obj(obj(await self._value("/api/info", {"id": ",".join(names), "raw_json": "1"})).get("data"))
        children = found.get("children")
        if not isinstance(children, list):
            raise TryLater("vendor", "Reddit's answer holds no list")
        return children

    async def _value(self, path: str, query: dict[str, str]) -> Any:
        """Ask with the newest secret that is taken; one that is not is left out from then on."""
        was_renewed = False
        while True:
            if self._now() < self._used_up_until:
                wait = int(self._used_up_until - self._now()) + 1
                raise TryLater("rate-limited", "all requests that Reddit allows for now are used up", wait)
            token = await self._token()
            headers = bearer_header(token)
            answered = await self._asker.ask("GET", self._settings.api_url + path, query=query, headers=headers)
            self._note(answered)
            if answered.status == 200:
                return answered.value
            if answered.status == 401 and not was_renewed:
                self._tokens[0].drop()  # a token may end before its time
                was_renewed = True
            elif answered.status == 401 and len(self._tokens) > 1:
                self._tokens.pop(0)
            else:
                raise error_of(answered, self._now())

    def _note(self, answered: Answered) -> None:
        if is_used_up(answered):
            self._used_up_until = self._now() + reset(answered)

    async def _token(self) -> str:
        while True:
            try:
                return await self._tokens[0].get()
            except Refused as refused:
                if len(self._tokens) == 1:
                    raise Refused("login-refused", refused.detail) from None
                self._tokens.pop(0)

    def _token_request(self, secret: str) -> TokenRequest:
        """Return what is posted for a token (github.com/reddit-archive/reddit/wiki/OAuth2)."""
        its = self._settings
        if its.grant == "client_credentials":
            return TokenRequest(its.token_url, {"grant_type": its.grant}, (its.client_id, secret))
        form = {"grant_type": its.grant}
        form |= (
            {"refresh_token": secret} if its.grant == "refresh_token" else {"username": its.account, "password": secret}
        )
        return TokenRequest(its.token_url, form, (its.client_id, its.client_secret))


@asynccontextmanager
async def open_api(settings: AccountSettings, secrets: Sequence[str], now: Callable[[], float]) -> AsyncIterator[Api]:
    """Open the API until the block ends. Reddit turns away who has no User-Agent of its own."""
    async with open_asker(settings.user_agent) as asker:
        yield Api(asker, settings, secrets, now)

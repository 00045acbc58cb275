"""Ask the Data API for comments, by an API key or by OAuth. Nothing at YouTube is changed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

from cx_channels.kit.authorization import bearer_header
from cx_channels.kit.json_values import objects, text
from cx_channels.pollers.asking import Answered, Asker, open_asker
from cx_channels.pollers.oauth import AccessTokens, TokenRequest
from cx_channels.social.youtube.client.refusals import Absent, error_of
from cx_channels.social.youtube.settings import ChannelSettings
from cx_events.errors import Refused, TryLater
from cx_events.json_types import Json

LOOKED_UP = 50
"""Ids of one request."""
_MOST = "100"
_MOST_PAGES = 500
"""Of the replies of one thread."""


class Api:
    """``asked``: how many requests were made. ``spend``: counts a unit before each, or raises ``TryLater``. ``now``: s
    since 1970."""

    def __init__(
        self, asker: Asker, settings: ChannelSettings, secrets: Sequence[str], spend: Callable[[], None],
        now: Callable[[], float],
    ) -> None:  # fmt: skip
        if not secrets:
            raise Refused("no-secrets", "there is no secret: add an API key or a refresh token to the connection's")
        self.asked = 0
        self._asker = asker
        self._settings = settings
        self._keys = list(secrets)
        self._spend = spend
        self._now = now
        self._tokens = [AccessTokens(asker, secret, self._token_request) for secret in secrets]

    async def threads(self, page: str = "", state: str = "") -> tuple[list[Json], str]:
        """Return a page of the channel's threads, the newest first, and the token of the next one."""
        more = {"pageToken": page} if page else {}
        more |= {"moderationStatus": state} if state else {}
        return await self._list(
            "commentThreads", part="id,snippet,replies", allThreadsRelatedToChannelId=self._settings.channel,
            order="time", maxResults=_MOST, **more,
        )  # fmt: skip

    async def threads_by_id(self, ids: Sequence[str]) -> list[Json]:
        """Return those threads that are there, of ``LOOKED_UP`` at most."""
        return (await self._list("commentThreads", part="id,snippet,replies", id=",".join(ids)))[0]

    async def replies(self, thread: str) -> list[Json]:
        """Return all replies of a thread, none where it is gone."""
        found: list[Json] = []
        page, asked = "", set[str]()
        try:
            while len(asked) < _MOST_PAGES:
                more = {"pageToken": page} if page else {}
                some, page = await self._list("comments", part="id,snippet", parentId=thread, maxResults=_MOST, **more)
                found += some
                if not page or page in asked:
                    break
                asked.add(page)
        except Absent:
            return []
        return found

    async def there(self, ids: Sequence[str]) -> set[str]:
        """Return which of these comments are there, of ``LOOKED_UP`` at most."""
        try:
            found, _ = await self._list("comments", part="id", id=",".join(ids))
        except Absent:
            return set()
        return {text(each.get("id")) for each in found}

    async def _list(self, what: str, **query: str) -> tuple[list[Json], str]:
        answered = await self._ask(f"{self._settings.api_url}/{what}", query)
        if answered.status != 200:
            raise error_of(answered, self._now())
        if not isinstance(answered.value, dict) or not isinstance(answered.value.get("items"), list):
            raise TryLater("vendor", "YouTube's answer holds no list")
        return objects(answered.value["items"]), text(answered.value.get("nextPageToken"))

    async def _ask(self, url: str, query: dict[str, str]) -> Answered:
        """Ask with the newest secret that is taken; one that is not is left out from then on."""
        was_renewed = False
        while True:
            self._spend()
            self.asked += 1
            answered = await self._asker.ask("GET", url, query=query, headers=await self._proof())
            if not self._is_refused(answered):
                return answered
            if self._settings.client_id and not was_renewed:
                self._tokens[0].drop()  # an access token may end before its time
                was_renewed = True
            elif len(self._keys) > 1:
                self._leave_out()
            else:
                return answered

    def _is_refused(self, answered: Answered) -> bool:
        if answered.status == 200:
            return False
        error = error_of(answered, self._now())
        return isinstance(error, Refused) and error.reason == "login-refused"

    def _leave_out(self) -> None:
        self._keys.pop(0)
        self._tokens.pop(0)

    async def _proof(self) -> Mapping[str, str]:
        """Return the header that proves who asks: never in the URL, which ends up in logs."""
        if not self._settings.client_id:
            return {"x-goog-api-key": self._keys[0]}
        while True:
            try:
                return bearer_header(await self._tokens[0].get())
            except Refused as refused:
                if len(self._tokens) == 1:
                    raise Refused("login-refused", refused.detail) from None
                self._leave_out()

    def _token_request(self, secret: str) -> TokenRequest:
        its = self._settings
        form = {"grant_type": "refresh_token", "refresh_token": secret}
        return TokenRequest(its.token_url, form | {"client_id": its.client_id, "client_secret": its.client_secret})


@asynccontextmanager
async def open_api(
    settings: ChannelSettings, secrets: Sequence[str], spend: Callable[[], None], now: Callable[[], float]
) -> AsyncIterator[Api]:
    """Open the API until the block ends."""
    async with open_asker() as asker:
        yield Api(asker, settings, secrets, spend, now)

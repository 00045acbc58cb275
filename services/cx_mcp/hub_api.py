"""Call the hub's public HTTP API with one key."""

from __future__ import annotations

from typing import Any, NamedTuple

import httpx2
import msgspec

from cx_events.errors import TryLater
from cx_events.json_types import Json

SECONDS = 30.0


class HubAnswer(NamedTuple):
    """An answer of the API: a problem document (RFC 9457) where ``status`` is 400 or more."""

    status: int
    body: Json

    @property
    def ok(self) -> bool:
        return self.status < 400


class Actor(NamedTuple):
    """The agent in whose name the tools act; ``id`` stands in the events."""

    id: str
    name: str = ""


class HubApi:
    """The API under one key. ``authorization``: the header that carries it. ``actor``: who acts."""

    def __init__(self, http: httpx2.AsyncClient, authorization: str, actor: Actor) -> None:
        self._http = http
        self._headers = {"authorization": authorization, "content-type": "application/json"}
        self.actor = actor

    async def get(self, path: str, **query: str | int | None) -> HubAnswer:
        """Read. Raises ``TryLater`` if there is no answer."""
        return await self._ask("GET", path, params={name: value for name, value in query.items() if value is not None})

    async def post(self, path: str, body: Json) -> HubAnswer:
        """Look up or act. Raises ``TryLater`` if there is no answer."""
        return await self._ask("POST", path, content=msgspec.json.encode(body))

    async def _ask(self, method: str, path: str, **more: Any) -> HubAnswer:
        try:
            response = await self._http.request(method, path, headers=self._headers, **more)
        except httpx2.HTTPError as error:
            raise TryLater("hub", f"no answer: {error or type(error).__name__}") from None
        try:
            body = response.json()
        except ValueError:
            body = {"reason": f"status-{response.status_code}", "detail": response.reason_phrase}
        return HubAnswer(response.status_code, body)

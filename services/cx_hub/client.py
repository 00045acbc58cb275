"""Call the hub's HTTP API as the command line and the demo do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import msgspec

from cx_events.errors import Refused, TryLater
from cx_events.http_binding import BATCH
from cx_hub.customer_names.candidates import ambiguous
from cx_runtime.settings import Settings

SECONDS = 30.0


class Client:
    """Calls with one key. Problems become ``Refused`` (4xx) and ``TryLater`` (429, 5xx, or no answer)."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self.http = http

    async def ask(self, method: str, path: str, **more: Any) -> httpx2.Response:
        """Any request; the response if it is a success."""
        response = await self._answer(method, path, **more)
        if not response.is_success:
            raise _error(response)
        return response

    async def _answer(self, method: str, path: str, **more: Any) -> httpx2.Response:
        try:
            return await self.http.request(method, path, **more)
        except httpx2.HTTPError as error:
            raise TryLater("hub", f"no answer from {self.http.base_url}: {error or type(error).__name__}") from None

    async def get(self, path: str, **query: Any) -> Any:
        return (await self.ask("GET", path, params={name: value for name, value in query.items() if value})).json()

    async def post(self, path: str, body: Any, **query: Any) -> Any:
        return (await self.ask("POST", path, json=body, params=query)).json()

    async def send(self, events: Sequence[Mapping[str, Any]], *, dry_run: bool = False) -> tuple[int, Any]:
        """Events as one batch: the status and ``{accepted, rejected, warnings}``, also where none was accepted; of a
        dry run ``events``, too."""
        body = msgspec.json.encode(events)
        query = {"dry_run": "true"} if dry_run else {}
        headers = {"content-type": BATCH}
        response = await self._answer("POST", "/v1/events", content=body, headers=headers, params=query)
        answer = _object(response)
        if "rejected" not in answer:
            raise _error(response)
        return response.status_code, {
            name: answer.get(name, []) for name in ("accepted", "rejected", "warnings", "events")
        }


def _error(response: httpx2.Response) -> Refused | TryLater:
    """Return the error that a problem document (RFC 9457) stands for."""
    problem = _object(response)
    reason = problem.get("reason", f"status-{response.status_code}")
    detail = problem.get("detail") or response.reason_phrase
    if response.status_code >= 500 or response.status_code == 429:
        return TryLater("hub", f"{reason}: {detail}", int(response.headers.get("retry-after", "1")))
    if problem.get("candidates"):
        return ambiguous(reason, detail, problem["candidates"])
    return Refused(reason, detail, response.status_code)


def _object(response: httpx2.Response) -> dict[str, Any]:
    try:
        found = response.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


@asynccontextmanager
async def connected(url: str, key: str) -> AsyncIterator[Client]:
    headers = {"authorization": f"Bearer {key}"}
    async with httpx2.AsyncClient(base_url=url, headers=headers, timeout=SECONDS, trust_env=False) as http:
        yield Client(http)


def key_of(settings: Settings) -> str:
    """``CX_KEY``, else the key that a hub without configuration made in its home."""
    if settings.key:
        return settings.key
    kept = settings.home / "key"
    if not kept.exists():
        raise Refused("no-key", f"CX_KEY is not set, and there is no {kept} of a hub of this home")
    return kept.read_text(encoding="ascii").strip()

"""Find at the server what a status names by the server's own ids alone: what it answers, and whom it mentions.

What was found is kept for a while, so that a thread costs one question.
"""

from __future__ import annotations

from typing import TypeVar

from cx_channels.kit.json_values import obj, objects, text
from cx_channels.social.mastodon.api import uri_of
from cx_channels.social.mastodon.client.server import Api
from cx_channels.social.mastodon.cursor import Place
from cx_events.json_types import Json

_MOST_KEPT = 1_000
_MOST_ASKED = 5
"""People of one status that are asked for: a status that names more is for nobody in particular."""

T = TypeVar("T")


class Beside:
    """Asks for what statuses do not say. ``own_id``: our account's id at its server."""

    def __init__(self, api: Api, own_id: str, place: Place) -> None:
        self._api = api
        self._own_id = own_id
        self._place = place
        self._statuses: dict[str, Json | None] = {}
        self._people: dict[str, str] = {}

    async def of(self, status: Json) -> Json:
        """Return ``answers`` and ``people``, as ``api.read_status`` reads them. Raise as ``Api.get`` does."""
        found: Json = {}
        parent = text(status.get("in_reply_to_id"))
        if parent and (answers := await self._answers(parent)):
            found["answers"] = answers
        if text(obj(status.get("account")).get("id")) == self._own_id:
            ids = [text(each.get("id")) for each in objects(status.get("mentions"))][:_MOST_ASKED]
            people = {id: uri for id in ids if id and id != self._own_id and (uri := await self._person(id))}
            found |= {"people": people} if people else {}
        return found

    async def _answers(self, id: str) -> Json | None:
        known = self._place.known.get(id)
        if known is not None:
            return {"uri": known.uri, "account": known.account}
        if id not in self._statuses:
            given = obj(await self._api.get(f"/api/v1/statuses/{id}"))
            uri, author = text(given.get("uri")), uri_of(obj(given.get("account")))
            _keep(self._statuses, id, {"uri": uri, "account": author} if uri and author else None)
        return self._statuses[id]

    async def _person(self, id: str) -> str:
        if id not in self._people:
            _keep(self._people, id, uri_of(obj(await self._api.get(f"/api/v1/accounts/{id}"))))
        return self._people[id]


def _keep(kept: dict[str, T], id: str, value: T) -> None:
    kept[id] = value
    if len(kept) > _MOST_KEPT:
        del kept[next(iter(kept))]

"""List Support's tickets that changed, and their comments, as the webhooks that told of them.

developer.zendesk.com/api-reference/ticketing/ticket-management/incremental_exports (cursor-based, ten requests a
minute) and .../tickets/ticket_comments. A ticket's status is known as it is now, without the id of the event that
changed it, so it is not made again; nor are lines of the messenger, which have other ids there.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping

from cx_channels.catch_up.listing import Listed, Page, Span
from cx_channels.chat.zendesk.api_settings import support_api
from cx_channels.kit.json_values import obj, objects, text
from cx_channels.kit.listed import Get, listed_json
from cx_channels.kit.times import iso_time
from cx_channels.provider import Connection
from cx_events.errors import TryLater
from cx_events.json_types import Json
from cx_events.timestamps import Micros

_PAGE = "100"
_MESSENGER = "native_messaging"
_VERSION = "2022-11-06"
_SECOND = 1_000_000


def open_listing(connection: Connection, get: Get) -> Tickets:
    """Return the lists of a connection. Raise ``Fatal`` for settings that can't be meant."""
    return Tickets(connection, get)


class Tickets:
    """An account's tickets by the time of their change, each with its comments. Zendesk tries again for minutes."""

    settle = 900.0
    overlap = 600.0

    def __init__(self, connection: Connection, get: Get) -> None:
        self._api = support_api(connection)
        self._get = get

    async def names(self) -> AsyncGenerator[str, None]:
        yield "tickets"

    async def pages(self, name: str, span: Span) -> AsyncGenerator[Page, None]:
        query = {"start_time": str(span.since // _SECOND)}
        seen = set[str]()
        while True:
            answer = await self._ask("/api/v2/incremental/tickets/cursor.json", {**query, "per_page": _PAGE})
            for ticket in _list_of(answer, "tickets"):
                async for page in self._of(ticket, span):
                    yield page
            if answer.get("end_of_stream") is True:
                return
            cursor = text(answer.get("after_cursor"))
            if not cursor or cursor in seen:
                raise TryLater("vendor", "Zendesk's list of tickets does not go on, and has not ended")
            seen.add(cursor)
            query = {"cursor": cursor}

    async def _of(self, ticket: Json, span: Span) -> AsyncGenerator[Page, None]:
        """Yield what one ticket is to be made of."""
        id = text(ticket.get("id"))
        if not id or text(ticket.get("status")) == "deleted" or _channel(ticket) == _MESSENGER:
            return
        if _is_within(ticket, span):
            yield (Listed(listed_json(self._event(ticket, "ticket.created", {}, text(ticket.get("created_at"))))),)
        async for comments, users in self._comments(id, span):
            inside = [each for each in comments if _is_within(each, span) and _channel(each) != _MESSENGER]
            yield tuple(Listed(listed_json(self._comment(ticket, each, users))) for each in inside)

    async def _comments(self, id: str, span: Span) -> AsyncGenerator[tuple[list[Json], Mapping[str, Json]], None]:
        """Yield a ticket's comments, the newest first, with their authors by id."""
        query = {"page[size]": _PAGE, "sort": "-created_at", "include": "users"}
        seen = set[str]()
        while True:
            answer = await self._ask(f"/api/v2/tickets/{id}/comments.json", query)
            comments = _list_of(answer, "comments")
            yield comments, {text(each.get("id")): each for each in objects(answer.get("users"))}
            meta = obj(answer.get("meta"))
            after = text(meta.get("after_cursor"))
            if meta.get("has_more") is not True or any(_created(each) < span.since for each in comments):
                return
            if not after or after in seen:
                raise TryLater("vendor", f"Zendesk's list of comments of ticket {id} does not go on")
            seen.add(after)
            query = {**query, "page[after]": after}

    def _comment(self, ticket: Json, comment: Json, users: Mapping[str, Json]) -> Json:
        author = text(comment.get("author_id"))
        user = users.get(author, {})
        name, role = text(user.get("name")), text(user.get("role"))
        told: Json = {
            "id": text(comment.get("id")), "body": comment.get("body"), "is_public": comment.get("public") is not False,
            "author": {
                "id": author if author.isdigit() else "0", "is_staff": role not in ("", "end-user"), "name": name,
            },
            "created_at": text(comment.get("created_at")),
        }  # fmt: skip
        told |= {name: comment[name] for name in ("attachments", "via") if comment.get(name)}
        if "attachments" in told:
            told["attachments"] = [_file(each) for each in objects(told["attachments"])]
        return self._event(ticket, "ticket.comment_added", {"comment": told}, text(comment.get("created_at")))

    def _event(self, ticket: Json, kind: str, event: Json, at: str) -> Json:
        id = text(ticket.get("id"))
        via = {"via": {"channel": _channel(ticket)}} if _channel(ticket) else {}
        return {
            "type": f"zen:event-type:{kind}", "account_id": int(self._api.account), "subject": f"zen:ticket:{id}",
            "time": at, "zendesk_event_version": _VERSION,
            "detail": {
                "id": id, "requester_id": text(ticket.get("requester_id")), **via,
                "created_at": text(ticket.get("created_at")), "subject": text(ticket.get("subject")),
            },
            "event": event,
        }  # fmt: skip

    async def _ask(self, path: str, query: Mapping[str, str]) -> Json:
        return obj(await self._get(self._api.url + path, query=query, headers=self._api.headers))


def _file(attachment: Json) -> Json:
    return {
        "filename": text(attachment.get("file_name")),
        "content_url": text(attachment.get("content_url")),
        "content_type": text(attachment.get("content_type")),
    }


def _list_of(answer: Json, name: str) -> list[Json]:
    if not isinstance(answer.get(name), list):
        raise TryLater("vendor", f"Zendesk's answer has no list of {name}")
    return objects(answer[name])


def _channel(thing: Json) -> str:
    return text(obj(thing.get("via")).get("channel"))


def _created(thing: Json) -> Micros:
    return iso_time(text(thing.get("created_at"))) or 0


def _is_within(thing: Json, span: Span) -> bool:
    return span.since <= _created(thing) <= span.until

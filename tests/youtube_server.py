"""YouTube's Data API for the comments of one channel, as its documents and recordings have it.

Threads are listed by when they were begun, with two of their replies; a thread that is deleted takes its replies along.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.http_vendor import Asked, HttpVendor, Told, serving

from cx_channels.pollers.source import SourcePorts
from cx_channels.provider import Connection
from cx_channels.social.youtube import PROVIDER
from cx_channels.social.youtube.poller import Channel, open_source
from cx_events.timestamps import format_time

KEY = "an API key"
OWNER = "UCacmeExampleChannel0001"
VIDEO = "acmeVideo01"
BEGIN = 1_795_000_000
"""Of the first comment, s since 1970."""
_NESTED = 2


class YouTubeServer(HttpVendor):
    """``page``: threads of one page. ``token``: the OAuth token that is taken beside the key. ``aged``: tokens of pages
    that are taken no longer."""

    provider = PROVIDER
    secrets = (KEY,)

    def __init__(self) -> None:
        super().__init__()
        self.page = 100
        self.silence = 1.0
        self.token = ""
        self.refresh = "a refresh token"
        self.comments: dict[str, dict[str, Any]] = {}
        self.held: set[str] = set()
        self.aged: set[str] = set()
        self._hidden: set[str] = set()

    def open_source(self, connection: Connection, ports: SourcePorts) -> Channel:
        source = open_source(connection, ports)
        source.silence, source.pause = self.faults.silence(self.silence), 0.05
        return source

    def say(self, number: int) -> None:
        """Have a comment; every third is a reply to the first."""
        id = self.comment(f"number {number}", at=BEGIN + number, parent="T1" if number > 1 and number % 3 == 0 else "")
        if self.faults.reorder and number % 2 and not self.comments[id]["snippet"].get("parentId"):
            self._hidden.add(id)
        else:
            self._hidden.clear()

    def comment(self, words: str, at: int = BEGIN, parent: str = "", author: str = "UCAnaExampleChannel00001") -> str:
        """Add a comment, and return its id."""
        number = len(self.comments) + 1
        id = f"{parent}.R{number}" if parent else f"T{number}"
        moment = format_time(at * 1_000_000)
        snippet = {"textOriginal": words, "textDisplay": words, "authorDisplayName": "@ana", "likeCount": len(self.got)}
        snippet |= {"authorChannelId": {"value": author}, "publishedAt": moment, "updatedAt": moment}
        snippet |= {"parentId": parent} if parent else {"channelId": OWNER, "videoId": VIDEO}
        self.comments[id] = {"kind": "youtube#comment", "etag": "e", "id": id, "snippet": snippet}
        return id

    def edit(self, id: str, words: str, at: int) -> None:
        changed = {"textOriginal": words, "textDisplay": words, "updatedAt": format_time(at * 1_000_000)}
        self.comments[id]["snippet"] |= changed

    def delete(self, id: str) -> None:
        for each in [each for each in self.comments if each == id or each.startswith(f"{id}.")]:
            del self.comments[each]

    def number_of(self, event: dict[str, Any]) -> int:
        return int(event["data"]["message"]["text"].removeprefix("number "))

    def answer(self, asked: Asked) -> Told:
        if asked.path == "/token":
            is_right = asked.form.get("refresh_token") == self.refresh
            self.token = f"token {len(self.got)}" if is_right else self.token
            return Told({"access_token": self.token, "expires_in": 3599}) if is_right else _no_grant()
        is_let_in = asked.headers.get("x-goog-api-key") == KEY or (
            bool(self.token) and asked.headers.get("authorization") == f"Bearer {self.token}"
        )
        if self.faults.refuse or not is_let_in:
            return refusal(400, "badRequest", "API key not valid. Please pass a valid API key.", "API_KEY_INVALID")
        what = asked.path.rpartition("/")[2]
        return self._threads(asked.query) if what == "commentThreads" else self._comments(asked.query)

    def _threads(self, query: dict[str, str]) -> Told:
        wants_held = query.get("moderationStatus") == "heldForReview"
        if query.get("moderationStatus") == "likelySpam":
            return _list("youtube#commentThreadListResponse", [])
        tops = [
            id for id in self.comments if "." not in id and (id in self.held) is wants_held and id not in self._hidden
        ]
        if "id" in query:
            wanted = query["id"].split(",")
            return _list("youtube#commentThreadListResponse", [self._thread(id) for id in tops if id in wanted])
        tops.sort(key=lambda each: str(self.comments[each]["snippet"]["publishedAt"]), reverse=True)
        if self.faults.reorder:
            tops = [each for pair in zip(tops[1::2], tops[::2], strict=False) for each in pair] + tops[
                len(tops) // 2 * 2 :
            ]
        if self.faults.repeat:
            tops = [each for id in tops for each in (id, id)]
        if query.get("pageToken") in self.aged:
            return refusal(400, "invalidPageToken", "The request specifies an invalid page token.")
        at = int(query.get("pageToken", "0"))
        more = {"nextPageToken": str(at + self.page)} if len(tops) > at + self.page else {}
        return _list(
            "youtube#commentThreadListResponse", [self._thread(id) for id in tops[at : at + self.page]], **more
        )

    def _thread(self, id: str) -> dict[str, Any]:
        replies = self._replies(id)
        top = self.comments[id]
        if id in self.held:
            top = {**top, "snippet": {**top["snippet"], "moderationStatus": "heldForReview"}}
        snippet = {"channelId": OWNER, "videoId": VIDEO, "topLevelComment": top, "totalReplyCount": len(replies)}
        nested = {"replies": {"comments": replies[-_NESTED:]}} if replies else {}
        return {"kind": "youtube#commentThread", "etag": "e", "id": id, "snippet": snippet, **nested}

    def _replies(self, id: str) -> list[dict[str, Any]]:
        return [comment for each, comment in self.comments.items() if each.startswith(f"{id}.")]

    def _comments(self, query: dict[str, str]) -> Told:
        if "id" in query:
            wanted = query["id"].split(",")
            found = [
                {"kind": "youtube#comment", "id": id} for id in wanted if id in self.comments and id not in self.held
            ]
            return _list("youtube#commentListResponse", found)
        if query["parentId"] not in self.comments:
            return refusal(404, "commentNotFound", "The comment can not be found.")
        return _list("youtube#commentListResponse", self._replies(query["parentId"]))


def refusal(status: int, reason: str, message: str, detail: str = "") -> Told:
    """Return an error as Google words it."""
    error: dict[str, Any] = {"code": status, "message": message, "errors": [{"reason": reason, "message": message}]}
    if detail:
        error["details"] = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": detail}]
    return Told({"error": error}, status)


def _list(kind: str, items: list[Any], **more: str) -> Told:
    return Told({"kind": kind, "etag": "e", **more, "items": items}, is_list=True)


def _no_grant() -> Told:
    return Told({"error": "invalid_grant", "error_description": "Token has been expired or revoked."}, 400)


@asynccontextmanager
async def youtube_serving(**settings: Any) -> AsyncIterator[YouTubeServer]:
    """A channel that is served until the block ends. ``settings``: of the connection, besides where it is."""
    served = YouTubeServer()
    async with serving(served) as port:
        url = f"http://127.0.0.1:{port}"
        served.settings = {"channel": OWNER, "api_url": f"{url}/v3", "token_url": f"{url}/token", **settings}
        yield served

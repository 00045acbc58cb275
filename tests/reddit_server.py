"""Reddit's API for one account and subreddit, as its documents and PRAW's recordings have it.

Lists are newest first; deleted things leave them, and a lookup by name has them without their words.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from tests.http_vendor import Asked, HttpVendor, Told, serving

from cx_channels.pollers.source import SourcePorts
from cx_channels.provider import Connection
from cx_channels.social.reddit import PROVIDER
from cx_channels.social.reddit.poller import Account, open_source

REFRESH = "a refresh token"
ACCOUNT, SUBREDDIT = "acme_support", "acme"
BEGIN = 1_795_000_000
"""Of the first thing, s since 1970."""


class RedditServer(HttpVendor):
    """``page``: things of one page at most. ``lost``: names that no lookup finds. ``goes_on``: called with the name of
    a thing after which a list is to go on, before it is answered."""

    provider = PROVIDER
    secrets = (REFRESH,)

    def __init__(self) -> None:
        super().__init__()
        self.page = 100
        self.silence = 1.0
        self.token = ""
        self.lists: dict[str, list[dict[str, Any]]] = {"comments": [], "posts": [], "inbox": [], "sent": [], "own": []}
        self.lost: set[str] = set()
        self.limits: tuple[str, ...] = ()
        self.goes_on: Callable[[str], None] = lambda _after: None
        self._hidden: set[str] = set()

    def open_source(self, connection: Connection, ports: SourcePorts) -> Account:
        source = open_source(connection, ports)
        source.silence, source.pause = self.faults.silence(self.silence), 0.05
        return source

    def say(self, number: int) -> None:
        """Have a comment; every third comes by the inbox as well."""
        name = self.comment(f"number {number}", BEGIN + number)
        if number % 3 == 0:
            self.inbox(name, f"number {number}", BEGIN + number)
        if self.faults.reorder and number % 2:
            self._hidden.add(name)
        else:
            self._hidden.clear()

    def comment(self, words: str, at: int = BEGIN, author: str = "ana_k", **more: Any) -> str:
        """Add a comment of the subreddit, and return its fullname."""
        name = f"t1_c{sum(map(len, self.lists.values()))}"
        data = {"name": name, "id": name[3:], "author": author, "author_fullname": f"t2_{author[:3]}", "body": words}
        data |= {"link_id": "t3_post", "parent_id": "t3_post", "subreddit": SUBREDDIT, "created_utc": float(at)}
        data |= {"edited": False, "score": len(self.got), "replies": "", "created": at + 28800.0, **more}
        self.lists["comments"].append({"kind": "t1", "data": data})
        return name

    def inbox(self, name: str, words: str, at: int = BEGIN, author: str = "ana_k", **more: Any) -> None:
        """Add the inbox's copy of a comment."""
        context = f"/r/{SUBREDDIT}/comments/post/title/{name[3:]}/?context=3"
        data = {"name": name, "id": name[3:], "author": author, "author_fullname": f"t2_{author[:3]}", "body": words}
        data |= {"was_comment": True, "subject": "post reply", "context": context, "parent_id": "t3_post"}
        data |= {"subreddit": SUBREDDIT, "created_utc": float(at), "dest": ACCOUNT, "replies": "", **more}
        self.lists["inbox"].append({"kind": "t1", "data": data})

    def message(self, words: str, at: int = BEGIN, author: str = "ana_k", dest: str = ACCOUNT, **more: Any) -> str:
        """Add a private message, and return its fullname."""
        where = "sent" if author == ACCOUNT else "inbox"
        name = f"t4_m{sum(map(len, self.lists.values()))}"
        data = {"name": name, "author": author, "dest": dest, "body": words, "subject": "hello", "was_comment": False}
        data |= {"first_message_name": None, "created_utc": float(at), "replies": "", **more}
        self.lists[where].append({"kind": "t4", "data": data})
        return name

    def change(self, name: str, **more: Any) -> None:
        for each in self.lists["comments"]:
            if each["data"]["name"] == name:
                each["data"] |= more

    def number_of(self, event: dict[str, Any]) -> int:
        return int(event["data"]["message"]["text"].removeprefix("number "))

    def answer(self, asked: Asked) -> Told:
        if asked.path == "/token":
            return self._token(asked)
        if self.faults.refuse or asked.headers.get("authorization") != f"Bearer {self.token}":
            return Told({"message": "Unauthorized", "error": 401}, 401)
        if asked.path == "/api/info":
            return self._by_name(asked.query["id"].split(","))
        paths = {f"/r/{SUBREDDIT}/comments": "comments", f"/r/{SUBREDDIT}/new": "posts", "/search": "posts"}
        paths |= {"/message/inbox": "inbox", "/message/sent": "sent", f"/user/{ACCOUNT}/overview": "own"}
        if asked.path not in paths:
            return Told({"reason": "private", "message": "Forbidden", "error": 403}, 403)
        return self._list(paths[asked.path], asked.query)

    def _token(self, asked: Asked) -> Told:
        given = base64.b64decode(asked.headers["authorization"].removeprefix("Basic ")).decode()
        is_right = given == "an app:its secret" and REFRESH in (
            asked.form.get("refresh_token"), asked.form.get("password")
        )  # fmt: skip
        if not is_right or self.faults.refuse:
            return Told({"error": "invalid_grant"}, 400)
        self.token = f"token {len(self.got)}"
        return Told({"access_token": self.token, "token_type": "bearer", "expires_in": 86400, "scope": "read"})

    def _list(self, which: str, query: dict[str, str]) -> Told:
        if "after" in query:
            self.goes_on(query["after"])
        there = [each for each in self.lists[which] if each["data"]["name"] not in self._hidden]
        there = [each for each in there if each["data"].get("body") not in ("[deleted]", "[removed]")]
        there.sort(key=lambda each: float(each["data"]["created_utc"]), reverse=True)
        if self.faults.reorder:
            there = [each for pair in zip(there[1::2], there[::2], strict=False) for each in pair] + there[
                len(there) // 2 * 2 :
            ]
        if self.faults.repeat:
            there = [each for one in there for each in (one, one)]
        names = [each["data"]["name"] for each in there]
        if "after" in query and query["after"] not in names:
            return self._told([])
        at = names.index(query["after"]) + 1 if "after" in query else 0
        some = there[at : at + min(self.page, int(query["limit"]))]
        after = some[-1]["data"]["name"] if at + len(some) < len(there) else None
        return self._told(some, after)

    def _by_name(self, names: list[str]) -> Told:
        found = [each for each in self.lists["comments"] if each["data"]["name"] in names]
        return self._told([each for each in found if each["data"]["name"] not in self.lost])

    def _told(self, children: list[Any], after: str | None = None) -> Told:
        data = {"modhash": None, "children": children, "after": after, "before": None}
        return Told({"kind": "Listing", "data": data}, headers=self.limits, is_list=True)


@asynccontextmanager
async def reddit_serving(**settings: Any) -> AsyncIterator[RedditServer]:
    """An account that is served until the block ends. ``settings``: of the connection, besides where it is."""
    served = RedditServer()
    async with serving(served) as port:
        url = f"http://127.0.0.1:{port}"
        served.settings = {
            "account": ACCOUNT, "subreddits": [SUBREDDIT], "client_id": "an app", "client_secret": "its secret",
            "api_url": url, "token_url": f"{url}/token", **settings,
        }  # fmt: skip
        yield served

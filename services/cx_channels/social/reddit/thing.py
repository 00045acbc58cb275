"""Read one thing of Reddit's (a comment, a post or a message), and draft its events.

A thing is ``{"kind": "t1" | "t3" | "t4", "data": {...}}``, known by its fullname, ``name``. A comment comes by a list
of its subreddit and by the inbox in two shapes; what is kept of it is the same for both.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from cx_channels.kit.drafts import make_draft
from cx_channels.kit.ids import id_part, is_plain
from cx_channels.kit.json_values import first, text
from cx_channels.kit.signing import sha256_hex
from cx_channels.kit.times import fractional_seconds
from cx_channels.provider import Connection, Unmapped
from cx_channels.social.reddit.settings import Ours, ours_of
from cx_events.envelope import Attachment, Direction, Draft, Identifier, Message, Participant, Weight
from cx_events.json_types import Json
from cx_events.timestamps import Micros
from cx_events.weights import PROVED

WEIGHTS: Mapping[str, Mapping[Weight, str]] = {
    "reddit": {"proved": "the author's account by its name, which can't be changed, in an answer of Reddit itself"},
    "reddit-id": {"proved": "Reddit's own id of the author's account, in an answer of Reddit itself"},
}
DELETED, REMOVED = "[deleted]", "[removed]"

_KEPT = (
    *("name", "author", "author_fullname", "subreddit", "parent_id", "created_utc", "distinguished"),
    *("title", "body", "selftext", "url", "subject", "dest", "first_message_name"),
)
"""What is kept of a thing: the same, whichever list it came by. Votes, flairs and reports vary."""
_LINK = re.compile(r"/comments/([a-z0-9]{1,16})/", re.ASCII)
_ACCOUNT = re.compile(r"[A-Za-z0-9_-]{2,30}", re.ASCII)
_NAMES = re.compile(r"t[134]_[a-z0-9]{1,16}", re.ASCII)

encode = msgspec.json.Encoder().encode


class Thing(Struct, gc=False):
    """A thing with what is read of it. ``kind``: t1, t3 or t4; ``author``: "" where none is told."""

    connection: Connection
    kind: str
    data: Json
    name: str
    author: str

    @property
    def ours(self) -> Ours:
        return self.connection.once(ours_of)

    @property
    def is_by_us(self) -> bool:
        """Return whether an own account wrote it, or a moderator of an own subreddit as one."""
        ours = self.ours
        if self.author.lower() in ours.accounts:
            return True
        return self.kind != "t4" and text(self.data.get("distinguished")) == "moderator" and self.is_in_ours

    @property
    def is_in_ours(self) -> bool:
        return text(self.data.get("subreddit")).lower() in self.ours.subreddits

    @property
    def is_mention(self) -> bool:
        """Return whether it names us in somebody else's subreddit."""
        if self.is_in_ours or self.is_by_us:
            return False
        if self.kind == "t3":
            return bool(self.ours.subreddits or self.ours.accounts)
        return text(self.data.get("subject")) == "username mention" or self.data.get("type") == "username_mention"

    @property
    def written(self) -> Micros | None:
        """Return when it was written. ``created`` beside it is shifted by eight hours."""
        return fractional_seconds(self.data.get("created_utc"))

    @property
    def edited(self) -> Micros | None:
        """Return when it was edited last: a time, or false."""
        return fractional_seconds(self.data.get("edited")) if self.data.get("edited") is not True else None

    @property
    def words(self) -> str:
        """Return the Markdown as it was written; without ``raw_json`` Reddit escapes it as HTML."""
        data = self.data
        body, shown = (
            first(data.get("body"), data.get("selftext")),
            first(data.get("body_html"), data.get("selftext_html")),
        )
        return html.unescape(body) if shown.startswith("&lt;") else body

    @property
    def absence(self) -> str:
        """Return why its words are not to be read any more: ``deleted``, ``removed``, or "" where they are."""
        data = self.data
        body = first(data.get("body"), data.get("selftext"))
        if body == DELETED or text(data.get("removed_by_category")) in ("deleted", "author"):
            return "deleted"
        if body == REMOVED or data.get("banned_by") or data.get("removed_by_category") or data.get("removed") is True:
            return "removed"
        return ""

    @property
    def root(self) -> str:
        """Return the conversation: the post of a comment, the first of a thread of messages."""
        if self.kind == "t4":
            return first(self.data.get("first_message_name"), self.name)
        if self.kind == "t3":
            return self.name
        match = _LINK.search(text(self.data.get("context")))
        return first(self.data.get("link_id"), f"t3_{match[1]}" if match else "", self.data.get("parent_id"), self.name)

    def message(self) -> Message:
        data, words = self.data, self.words
        link = text(data.get("url")) if self.kind == "t3" and data.get("is_self") is False else ""
        title = first(data.get("title"), data.get("subject") if self.kind == "t4" else "")
        return Message(
            id=self.name, text=words, content_type="text/plain" if words else "", subject=html.unescape(title),
            in_reply_to=text(data.get("parent_id")),
            attachments=[Attachment(name="link", url=link)] if link.startswith(("https://", "http://")) else [],
        )  # fmt: skip

    def person(self) -> Participant:
        """Return the author. Of a deleted account nothing is known; Reddit's own people are no customers."""
        author, id = self.author, text(self.data.get("author_fullname"))
        if self.is_by_us:
            return Participant(role="business", id=author)
        if text(self.data.get("distinguished")) == "admin":
            return Participant(role="system", id=author)
        known = [Identifier(kind="reddit-id", value=id, weight=PROVED)] if id.startswith("t2_") and is_plain(id) else []
        if is_name(author):
            known.append(Identifier(kind="reddit", value=author.lower(), weight=PROVED))
        return Participant(role="customer", name="" if author == DELETED else author, identifiers=known)

    def draft(
        self, event_type: str, id: str, at: Micros | None, message: Message, people: list[Participant],
        direction: Direction, **data: Any,
    ) -> Draft:  # fmt: skip
        root = self.root
        if self.kind != "t4" and _NAMES.fullmatch(self.name) and _NAMES.fullmatch(root):
            here = f"/_/{self.name[3:]}/" if self.kind == "t1" else "/"
            data["url"] = f"https://www.reddit.com/comments/{root[3:]}{here}"
        kept = {name: self.data[name] for name in _KEPT if self.data.get(name) not in (None, "")}
        if self.kind == "t1":  # the inbox tells it otherwise
            kept.pop("subject", None)
            kept.pop("dest", None)
            kept["link_id"] = root
        return make_draft(
            self.connection, "social", event_type, id, raw=encode({"kind": self.kind, "data": kept}),
            root=id_part(root), time=at, direction=direction, participants=people, message=message, **data,
        )  # fmt: skip

    def lost(self, why: str) -> Unmapped:
        raw = encode({"kind": self.kind, "data": self.data})
        return Unmapped(sha256_hex(raw)[:32], f"malformed {self.kind}: {why}", raw)


def is_name(author: str) -> bool:
    """Return whether this is an account's name, as Reddit gives them; ``[deleted]`` is none."""
    return _ACCOUNT.fullmatch(author) is not None


def read_thing(connection: Connection, kind: str, data: Json) -> Thing:
    """Return a thing, of whatever shape."""
    id = text(data.get("id"))
    name = first(data.get("name"), f"{kind}_{id}" if id else "")
    return Thing(connection, kind, data, name, text(data.get("author")))

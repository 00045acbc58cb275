"""Read one comment, and draft its events.

A comment is ``{"kind": "youtube#comment", "id", "snippet"}``; a reply has ``parentId`` (the thread's id, which is that
of its first comment), and an id ``PARENT.REPLY`` (developers.google.com/youtube/v3/docs/comments).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from cx_channels.kit.drafts import make_draft
from cx_channels.kit.ids import id_part, is_plain
from cx_channels.kit.json_values import first, obj, text
from cx_channels.kit.signing import sha256_hex
from cx_channels.kit.times import iso_time
from cx_channels.provider import Connection, Unmapped
from cx_channels.social.youtube.settings import own_channels
from cx_channels.social.youtube.words import words_of
from cx_events.envelope import Attachment, Draft, Identifier, Message, Participant, Reference, Weight
from cx_events.json_types import Json
from cx_events.timestamps import Micros
from cx_events.weights import PROVED

WEIGHTS: Mapping[str, Mapping[Weight, str]] = {
    "youtube": {"proved": "YouTube's own id of the author's channel, in an answer that the hub asked YouTube for"},
}
HELD = frozenset({"heldForReview", "likelySpam"})

_VARIES = frozenset(
    {
        *("authorProfileImageUrl", "authorChannelUrl", "canRate", "viewerRating", "likeCount", "moderationStatus"),
        *("videoId", "channelId"),
    }
)
"""What differs from one answer to the next, and what stands at the thread as well."""

encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class Thread:
    """The thread of a comment, as far as it is told. ``channel``: whose video it is about; ``video``: "" for a comment
    about the channel itself."""

    connection: Connection
    channel: str = ""
    video: str = ""

    def is_ours(self, author: str) -> bool:
        """Return whether an author is the business: its channels by the settings, else the one that is written at."""
        ours = self.connection.once(own_channels)
        return author in ours if ours else bool(author) and author == self.channel


@dataclass(slots=True)
class Comment:
    """A comment with what is read of it. ``parent``: the thread's first comment, "" where this is that."""

    thread: Thread
    id: str
    parent: str
    author: str
    snippet: Json
    element: Json

    @property
    def is_by_us(self) -> bool:
        return self.thread.is_ours(self.author)

    @property
    def written(self) -> Micros | None:
        return iso_time(text(self.snippet.get("publishedAt")))

    @property
    def is_edited(self) -> bool:
        at, edited = self.snippet.get("publishedAt"), self.snippet.get("updatedAt")
        return at != edited and bool(edited) and (iso_time(text(edited)) or 0) > (self.written or 0)

    @property
    def state(self) -> str:
        """Return the moderation state; only the channel's owner is told."""
        return text(self.snippet.get("moderationStatus"))

    def message(self) -> Message:
        snippet = self.snippet
        words = text(snippet.get("textOriginal")) or words_of(text(snippet.get("textDisplay")))
        picture = text(snippet.get("imageUrl"))
        return Message(
            id=self.id, text=words, content_type="text/plain" if words else "", in_reply_to=self.parent,
            attachments=[Attachment(content_type="image/*", url=picture)] if picture else [],
        )  # fmt: skip

    def people(self) -> list[Participant]:
        """Return the author. A name can be changed, and identifies nobody; the channel of an author who left is not
        told."""
        if self.is_by_us:
            return [Participant(role="business", id=self.author)]
        known = [Identifier(kind="youtube", value=self.author, weight=PROVED)] if is_plain(self.author) else []
        return [
            Participant(role="customer", name=text(self.snippet.get("authorDisplayName")), identifiers=known)
        ]  # fmt: skip

    def draft(self, event_type: str, id: str, at: Micros | None, message: Message, **data: Any) -> Draft:
        video = self.thread.video
        if video:
            data["references"] = [Reference(kind="video", value=video)]
            data["url"] = f"https://www.youtube.com/watch?v={id_part(video)}&lc={id_part(self.id)}"
        return make_draft(
            self.thread.connection, "social", event_type, id, raw=self._kept(), root=id_part(self.parent or self.id),
            time=at, direction="outbound" if self.is_by_us else "inbound", participants=self.people(), message=message,
            **data,
        )  # fmt: skip

    def _kept(self) -> bytes:
        kept = {name: value for name, value in self.snippet.items() if name not in _VARIES}
        if kept.get("textOriginal"):
            kept.pop("textDisplay", None)  # made of it: the title of a linked video, say
        if self.thread.video:
            kept["videoId"] = self.thread.video
        if self.thread.channel:
            kept["channelId"] = self.thread.channel
        return encode({"kind": "youtube#comment", "id": self.id, "snippet": kept})


def read_comment(thread: Thread, element: Json) -> Comment:
    """Return a comment, of whatever shape. One that stands alone tells of its video or channel itself."""
    snippet = obj(element.get("snippet"))
    id = text(element.get("id"))
    video, channel = first(thread.video, snippet.get("videoId")), first(thread.channel, snippet.get("channelId"))
    if video != thread.video or channel != thread.channel:
        thread = Thread(thread.connection, channel, video)
    parent = first(snippet.get("parentId"), id.rpartition(".")[0])
    return Comment(thread, id, parent, text(obj(snippet.get("authorChannelId")).get("value")), snippet, element)


def lost(kind: str, why: str, element: Json) -> Unmapped:
    """Return what is kept of an element that is no comment."""
    raw = encode(element)
    return Unmapped(sha256_hex(raw)[:32], f"malformed {kind[:64]}: {why}", raw)

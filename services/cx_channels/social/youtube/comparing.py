"""Find what is new in a thread against what is known of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from cx_channels.kit.json_values import first, obj, objects, text
from cx_channels.kit.times import iso_time
from cx_channels.social.youtube.cursor import Known, Watched, key_of
from cx_events.json_types import Json

_SECOND = 1_000_000


class Found(NamedTuple):
    """A thread as the API gives it. ``replies``: those that came with it; ``total``: how many there are."""

    id: str
    video: str
    channel: str
    top: Json
    replies: list[Json]
    total: int

    @property
    def written(self) -> int:
        """Return when its first comment was written, s since 1970, 0 where that can't be read."""
        return seconds(self.top, "publishedAt")


class News(NamedTuple):
    """A comment to be handed on. ``known``: what the hub has of it, as ``mapping.KNOWN`` says it."""

    comment: Json
    known: str


def read_thread(value: Json) -> Found:
    """Return a thread, of whatever shape."""
    snippet = obj(value.get("snippet"))
    top = obj(snippet.get("topLevelComment"))
    count = snippet.get("totalReplyCount")
    return Found(
        id=first(value.get("id"), top.get("id")),
        video=text(snippet.get("videoId")),
        channel=text(snippet.get("channelId")),
        top=top,
        replies=objects(obj(value.get("replies")).get("comments")),
        total=count if isinstance(count, int) else 0,
    )


def seconds(comment: Json, *names: str) -> int:
    """Return a time of a comment in s since 1970, the first of these that can be read; 0 without."""
    snippet = obj(comment.get("snippet"))
    for name in names:
        at = iso_time(text(snippet.get(name)))
        if at is not None:
            return at // _SECOND
    return 0


def news_of(watched: Watched, thread: str, comments: Iterable[Json], begin: int) -> list[News]:
    """Return the comments to be handed on, the oldest first, and mark them as known.

    What was written before ``begin`` is not, nor what has no id. An edited one that is not known is a new one.
    """
    found: list[News] = []
    for comment in sorted(comments, key=lambda each: seconds(each, "publishedAt")):
        id = text(comment.get("id"))
        written, updated = seconds(comment, "publishedAt"), seconds(comment, "updatedAt", "publishedAt")
        known = watched.known.get(key_of(thread, id))
        if not id or (known is None and written and written < begin):
            continue
        watched.active = max(watched.active, written)
        if known is None:
            found.append(News(comment, ""))
            watched.known[key_of(thread, id)] = Known(updated)
        elif known.is_gone:
            found.append(News(comment, f"back/{known.turns + 1}"))
            watched.known[key_of(thread, id)] = Known(updated, known.turns + 1)
        elif updated > known.updated:
            found.append(News(comment, "edited"))
            watched.known[key_of(thread, id)] = Known(updated, known.turns)
    return found


def must_list(watched: Watched, found: Found, begin: int) -> bool:
    """Return whether a thread's replies must be listed: those that came with it are not all, and some are new."""
    if found.total <= len(found.replies):
        return False
    ids = [key_of(found.id, text(each.get("id"))) for each in found.replies]
    is_new = any(
        key not in watched.known and seconds(each, "publishedAt") >= begin
        for key, each in zip(ids, found.replies, strict=True)
    )
    return is_new or found.total != watched.replies


def missing(watched: Watched, thread: str, comments: Sequence[Json]) -> list[str]:
    """Return the keys of known replies that are not among these, which should be all of the thread's."""
    there = {key_of(thread, text(each.get("id"))) for each in comments}
    return [key for key, known in watched.known.items() if key and not known.is_gone and key not in there]


def is_written_since(comments: Iterable[Json], since: int) -> bool:
    """Return whether one of these was written since then, s since 1970."""
    return any(seconds(each, "publishedAt") >= since for each in comments)


def adopt(watched: Watched, thread: str, comments: Iterable[Json], begin: int, since: int) -> None:
    """Mark as known what was written before ``since``: it was handed on while the thread was watched before."""
    for each in comments:
        id, written = text(each.get("id")), seconds(each, "publishedAt")
        if id and begin <= written < since:
            watched.known[key_of(thread, id)] = Known(seconds(each, "updatedAt", "publishedAt"))
            watched.active = max(watched.active, written)

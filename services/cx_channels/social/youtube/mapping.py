"""Map answers of YouTube's Data API: lists of threads or comments, one of them, and what the poller found to be gone.

The poller hands on one comment at a time, within its thread; ``KNOWN`` says what the hub has of it already. An answer
without it, as somebody recorded it, is mapped as if nothing were known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from cx_channels.kit.drafts import make_draft, sort_outcomes
from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import obj, objects, read_object, text
from cx_channels.kit.outcomes import Outcome
from cx_channels.kit.signing import sha256_hex
from cx_channels.kit.times import iso_time
from cx_channels.provider import Connection, Mapped, Request, Unmapped
from cx_channels.social.youtube.comment import HELD, Comment, Thread, encode, lost, read_comment
from cx_channels.social.youtube.kinds import DOCUMENTED, ignored
from cx_events.dead_letters import UNKNOWN_KIND
from cx_events.envelope import Message
from cx_events.errors import Refused
from cx_events.json_types import Json

KNOWN = "x-known"
"""Header of what the poller hands on: ``edited``, or ``back/N`` of what was gone and is there again."""
GONE = "throughline#gone"
"""The kind of what the poller found to be gone: ``{"kind", "id", "thread", "turns"}``."""


def map_request(request: Request, connection: Connection) -> Mapped:
    """Map one answer. Raise ``Refused("malformed")`` for any other body."""
    value = read_object(request.body)
    kind = text(value.get("kind"))
    if not kind:
        raise Refused("malformed", "the body names no kind, as answers of YouTube do")
    if kind == GONE:
        return sort_outcomes(_gone(connection, value))
    if kind not in _READ:
        raw = encode(value)
        return Mapped(unmapped=(Unmapped(sha256_hex(raw)[:32], f"{UNKNOWN_KIND}: {kind[:64]!r}", raw),))
    known = request.headers.get(KNOWN, "")
    return sort_outcomes(
        each for comment in _READ[kind](connection, value) for each in _outcomes(comment, known)
    )  # fmt: skip


def _outcomes(comment: Comment | Outcome, known: str) -> Iterator[Outcome]:
    if not isinstance(comment, Comment):
        yield comment
        return
    message = comment.message()
    if not message.text and not message.attachments:
        yield lost("comment", "it has neither words nor a picture", comment.element)
        return
    id, state = id_part(comment.id), comment.state
    if not known:
        held = {"reason": state} if state in HELD else {}
        yield comment.draft("cx.social.comment.v1", id, comment.written, message, **held)
    elif known.startswith("back/"):
        yield comment.draft("cx.message.edited.v1", f"{id}/{id_part(known)}", None, message, reason="back")
        return
    if comment.is_edited:
        at = text(comment.snippet.get("updatedAt"))
        yield comment.draft("cx.message.edited.v1", f"{id}/edited/{id_part(at)}", iso_time(at), message)
    if state == "rejected":
        removed = Message(id=comment.id)
        yield comment.draft("cx.message.deleted.v1", f"{id}/rejected", None, removed, reason="rejected")


def _gone(connection: Connection, value: Json) -> Iterator[Outcome]:
    id, thread, turns = text(value.get("id")), text(value.get("thread")), text(value.get("turns"))
    if not id or not thread or not turns:
        yield lost("gone", "it names no comment, no thread or not which time", value)
        return
    yield make_draft(
        connection, "social", "cx.message.deleted.v1", f"{id_part(id)}/gone/{id_part(turns)}", raw=encode(value),
        root=id_part(thread), message=Message(id=id), reason="gone",
    )  # fmt: skip


def _thread_list(connection: Connection, value: Json) -> Iterator[Comment | Outcome]:
    threads = objects(value.get("items"))
    if not threads:
        yield ignored("nothing")
    for thread in threads:
        yield from _thread(connection, thread)


def _thread(connection: Connection, value: Json) -> Iterator[Comment | Outcome]:
    snippet = obj(value.get("snippet"))
    thread = Thread(connection, text(snippet.get("channelId")), text(snippet.get("videoId")))
    first = snippet.get("topLevelComment")
    comments = [first] if isinstance(first, dict) else []
    comments += objects(obj(value.get("replies")).get("comments"))
    if not comments:
        yield ignored("nothing")
    for each in comments:
        yield _comment(thread, each)


def _comment_list(connection: Connection, value: Json) -> Iterator[Comment | Outcome]:
    comments = objects(value.get("items"))
    if not comments:
        yield ignored("nothing")
    for each in comments:
        yield _comment(Thread(connection), each)


def _alone(connection: Connection, value: Json) -> Iterator[Comment | Outcome]:
    yield _comment(Thread(connection), value)


def _comment(thread: Thread, element: Json) -> Comment | Outcome:
    comment = read_comment(thread, element)
    return comment if comment.id else lost("comment", "it has no id", element)


_READ: Mapping[str, Callable[[Connection, Json], Iterator[Comment | Outcome]]] = {
    "youtube#commentThreadListResponse": _thread_list,
    "youtube#commentThread": _thread,
    "youtube#commentListResponse": _comment_list,
    "youtube#comment": _alone,
}


def kinds_of(request: Request, connection: Connection) -> tuple[str, ...]:
    """Return the kinds of an answer's comments, as ``DOCUMENTED`` names them."""
    value = read_object(request.body)
    kind, known = text(value.get("kind")), request.headers.get(KNOWN, "")
    if kind == GONE:
        return ("gone",)
    found: set[str] = set()
    for each in _READ[kind](connection, value) if kind in _READ else ():
        if isinstance(each, Comment):
            found.add("comment-by-us" if each.is_by_us else "reply" if each.parent else "comment")
            found |= {"held"} if each.state in HELD else {each.state} & DOCUMENTED.keys()
            found |= {"edited"} if each.is_edited else set()
            found |= {"back"} if known.startswith("back/") else set()
    return tuple(sorted(found))

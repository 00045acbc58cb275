"""Map public activity: the changes of a page's feed and of an Instagram account.

Shapes: developers.facebook.com/docs/graph-api/webhooks/reference/page and .../reference/instagram. A post with all
comments below it is one interaction, ``CONNECTION/POST``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from cx_channels.kit.drafts import make_draft
from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import first, number, obj, text, texts
from cx_channels.kit.meta_envelope import WebhookItem
from cx_channels.kit.outcomes import Outcome, no_adapter
from cx_channels.kit.times import unix_time
from cx_channels.provider import Connection, Ignored, Unmapped
from cx_channels.social.meta.ignored_kinds import IGNORED
from cx_channels.social.meta.people import business, customer
from cx_channels.social.meta.unmapped_kinds import KINDS as WAITING
from cx_events.envelope import Attachment, Draft, Message
from cx_events.json_types import Json

VERBS = {
    "": "add",
    "add": "add",
    "create": "add",
    "edit": "edit",
    "edited": "edit",
    "update": "edit",
    "remove": "remove",
    "delete": "remove",
    "deleted": "remove",
    "hide": "hide",
    "unhide": "hide",
    "block": "hide",
    "mute": "hide",
    "unblock": "hide",
}


class Change(Struct, frozen=True, gc=False):
    """One change. ``author``: the id of who did it, ``named``: the name, each "" where Meta leaves it out. ``own``: the
    account did it itself. ``post``: the post that it belongs to, which is the interaction."""

    item: WebhookItem
    connection: Connection
    value: Json
    verb: str
    author: str
    named: str
    own: bool
    post: str

    @property
    def words(self) -> str:
        return first(self.value.get("message"), self.value.get("text"), self.value.get("review_text"))

    def digest(self) -> str:
        return self.item.digest[:16]


def _change_of(item: WebhookItem, connection: Connection, value: Json, verb: str) -> Change:
    """Return a change as Meta tells it: ``from`` in feeds, ``sender_*`` and ``reviewer_*`` elsewhere.

    Instagram also says that the account did it itself where the account is known by another id
    (developers.facebook.com/docs/instagram-platform/self-messaging, "Example Comment Webhook").
    """
    who, media = obj(value.get("from")), obj(value.get("media"))
    author = first(who.get("id"), value.get("sender_id"), value.get("reviewer_id"))
    return Change(
        item, connection, value, verb, author,
        named=first(who.get("name"), who.get("username"), value.get("sender_name"), value.get("reviewer_name")),
        own=bool(first(who.get("self_ig_scoped_id"))) or (bool(author) and author == item.account),
        post=first(
            value.get("post_id"), media.get("id"), value.get("media_id"), value.get("open_graph_story_id"),
            value.get("parent_id"), value.get("comment_id"), value.get("id"), value.get("review_id"),
        ),
    )  # fmt: skip


# --- comments and posts ----------------------------------------------------------------------------------------------


def map_comment(change: Change) -> Iterator[Outcome]:
    """Map a comment."""
    value = change.value
    comment = first(value.get("comment_id"), value.get("id"))
    if not comment:
        yield _lost(change, "a comment without an id")
        return
    parent = text(value.get("parent_id"))
    yield _draft_by_verb(change, "cx.social.comment.v1", comment, in_reply_to=parent or change.post)


def map_post(change: Change) -> Iterator[Outcome]:
    """Map a post."""
    value = change.value
    if not change.post:
        yield _lost(change, "a post without an id")
        return
    # An album says each of its pictures as a post of the same id.
    part = first(value.get("photo_id"), value.get("video_id"), value.get("share_id"), value.get("link_id"))
    yield _draft_by_verb(change, "cx.social.post.v1", change.post, part=part if change.verb == "add" else "")


def map_mention(change: Change) -> Iterator[Outcome]:
    """Map a mention. Instagram names the place of the mention, but neither its author nor its text."""
    value = change.value
    place = first(value.get("comment_id"), value.get("post_id"), value.get("media_id"))
    if not place:
        yield _lost(change, "a mention without a place")
        return
    yield _draft_by_verb(change, "cx.social.mention.v1", place, prefix="mention/")


def map_review(change: Change) -> Iterator[Outcome]:
    """Map a review: stars until 2018, since then a recommendation, whose ``positive`` or ``negative`` is the reason."""
    value = change.value
    review = first(value.get("open_graph_story_id"), value.get("review_id"), value.get("post_id"))
    if not review:
        yield _lost(change, "a review without an id")
        return
    yield _draft_by_verb(
        change,
        "cx.social.review.v1",
        review,
        edits_anew=True,
        rating=number(value.get("rating")),
        reason=text(value.get("recommendation_type")).lower(),
    )


def map_reaction(change: Change) -> Iterator[Outcome]:
    """Map a reaction."""
    value = change.value
    target = first(value.get("comment_id"), change.post)
    if not target and text(value.get("item")).lower() == "like":
        yield Ignored("page-like", IGNORED["page-like"])
        return
    if not target:
        yield _lost(change, "a reaction to nothing")
        return
    taken_back = change.verb == "remove"
    at = text(value.get("created_time")) or change.digest()
    yield _draft(
        change,
        "cx.message.reacted.v1",
        f"{id_part(target)}/reaction/{id_part(change.author)}/{change.verb}/{id_part(at)}",
        message=Message(id=target),
        reaction="" if taken_back else first(value.get("reaction_type"), value.get("item"), "like"),
        reason="unreact" if taken_back else "",
    )


def _draft_by_verb(
    change: Change,
    event_type: str,
    id: str,
    *,
    part: str = "",
    prefix: str = "",
    in_reply_to: str = "",
    edits_anew: bool = False,
    **data: Any,
) -> Draft:
    """Draft the event for a change by its verb: new, edited or removed.

    ``edits_anew``: an edit is an event of the same type as the first version.
    """
    named = prefix + id_part(id)
    words = change.words
    if change.verb == "remove":
        return _draft(change, "cx.message.deleted.v1", f"{named}/removed", message=Message(id=id))
    attachments = [Attachment(content_type="image/*", url=url) for url in _pictures(change.value)]
    if text(change.value.get("video")):
        attachments.append(Attachment(content_type="video/*", url=text(change.value.get("video"))))
    message = Message(
        id=id,
        text=words,
        content_type="text/plain" if words else "",
        in_reply_to=in_reply_to,
        attachments=attachments,
    )
    value, post = change.value, obj(change.value.get("post"))
    url = first(value.get("permalink_url"), value.get("permalink"), post.get("permalink_url"), value.get("link"))
    if change.verb == "edit":
        kind = event_type if edits_anew else "cx.message.edited.v1"
        return _draft(change, kind, f"{named}/edited/{change.digest()}", message=message, url=url, **data)
    if part:
        named += f"/{id_part(part)}"
    return _draft(change, event_type, named, message=message, url=url, **data)


def _pictures(value: Json) -> list[str]:
    return list(dict.fromkeys([*texts(value.get("photos")), *texts([value.get("photo")])]))


# --- the tables ------------------------------------------------------------------------------------------------------

Mapper = Callable[[Change], Iterator[Outcome]]

_POSTS = (
    "post",
    "status",
    "photo",
    "video",
    "share",
    "album",
    "link",
    "note",
    "story",
    "event",
    "live",
    "photos",
    "photo-album",
    "platform-story",
    "milestone",
    "reel",
)

KINDS: Mapping[str, tuple[Mapper, str]] = {
    # page: field `feed`, by the item
    "feed/comment": (map_comment, "cx.social.comment; cx.message.edited or deleted by its verb"),
    **{f"feed/{item}": (map_post, "cx.social.post; cx.message.edited or deleted by its verb") for item in _POSTS},
    "feed/reaction": (map_reaction, "cx.message.reacted"),
    "feed/like": (map_reaction, "cx.message.reacted"),
    "feed/rating": (map_review, "cx.social.review"),
    "feed/mention": (map_mention, "cx.social.mention"),
    # page: other fields
    "mention": (map_mention, "cx.social.mention"),
    "ratings/rating": (map_review, "cx.social.review"),
    "ratings/comment": (map_comment, "cx.social.comment"),
    "ratings/reaction": (map_reaction, "cx.message.reacted"),
    "ratings/like": (map_reaction, "cx.message.reacted"),
    # instagram
    "comments": (map_comment, "cx.social.comment"),
    "live_comments": (map_comment, "cx.social.comment"),
    "group_feed": (map_comment, "cx.social.comment, below the page's post in a group"),
    "mentions": (map_mention, "cx.social.mention"),
}


def kind_of(field: str, value: Json) -> str:
    """Return the kind of a change as the tables name it."""
    if field in ("feed", "ratings"):
        return f"{field}/{text(value.get('item')).lower() or ('post' if field == 'feed' else 'rating')}"
    return f"profile/{field}" if f"profile/{field}" in IGNORED else field


def map_change(item: WebhookItem, connection: Connection) -> Iterator[Outcome]:
    """Map one change. Return ``Unmapped`` where its kind or verb is unknown, has no mapping yet, or names no post."""
    value = item.value.get("value")
    field = text(item.value.get("field")).lower()
    kind = kind_of(field, obj(value))
    if kind in IGNORED:
        yield Ignored(kind, IGNORED[kind])
        return
    if not isinstance(value, dict):
        yield Unmapped(item.digest, "malformed changes: the value is not an object", item.raw)
        return
    if kind in WAITING:
        yield no_adapter(kind, WAITING[kind], item.digest, item.raw)
        return
    verb = VERBS.get(text(value.get("verb")).lower(), "")
    change = _change_of(item, connection, value, verb)
    if kind not in KINDS or not verb:
        yield _lost(change, f"unknown-kind: {kind[:64]!r} with verb {text(value.get('verb'))[:32]!r}")
        return
    if not item.account:
        yield _lost(change, "the entry has no id")
        return
    if verb == "hide":
        yield Ignored("hide", IGNORED["hide"])
        return
    yield from KINDS[kind][0](change)


def _lost(change: Change, reason: str) -> Unmapped:
    return Unmapped(
        change.item.digest, reason if reason.startswith("unknown") else f"malformed changes: {reason}", change.item.raw
    )


def _draft(change: Change, event_type: str, id: str, **data: Any) -> Draft:
    item, connection = change.item, change.connection
    people = [business(item.object, item.account, name=change.named if change.own else "")]
    # Whom Meta may not name, it leaves out: somebody said it all the same.
    if not change.own and (change.author or change.named):
        people.insert(0, customer(item.object, item.account, change.author, name=change.named))
    edited = unix_time(change.value.get("edited_time") if change.verb == "edit" else None)
    return make_draft(
        connection,
        "social",
        event_type,
        id,
        raw=item.raw,
        root=id_part(change.post),
        time=edited or unix_time(change.value.get("created_time")) or item.time,
        direction="outbound" if change.own else "inbound",
        participants=people,
        **data,
    )

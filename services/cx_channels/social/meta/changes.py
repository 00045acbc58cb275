"""Map public activity: the changes of a page's feed and of an Instagram account.

Shapes: developers.facebook.com/docs/graph-api/webhooks/reference/page and .../reference/instagram. A post with all
comments below it is one interaction, ``CONNECTION/POST``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct

from cx_channels.kit.drafts import complete_draft
from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import first, first_of, number, obj, text, texts
from cx_channels.kit.meta_envelope import WebhookItem
from cx_channels.kit.outcomes import Outcome, no_adapter
from cx_channels.kit.times import unix_time
from cx_channels.provider import Connection, Ignored, Unmapped
from cx_channels.social.meta.ignored_kinds import IGNORED
from cx_channels.social.meta.people import business, customer
from cx_channels.social.meta.unmapped_kinds import KINDS as WAITING
from cx_events.envelope import Attachment, Data, Draft, Message
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

_PLACES = ("media_id", "open_graph_story_id", "parent_id", "comment_id", "id", "review_id")
"""What names the post that a change is about, or belongs to, where it is told neither as such nor by its media."""


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
        return first_of(self.value, "message", "text", "review_text")

    def digest(self) -> str:
        return self.item.digest[:16]


def _change_of(item: WebhookItem, connection: Connection, value: Json, verb: str) -> Change:
    """Return a change as Meta tells it: ``from`` in feeds, ``sender_*`` and ``reviewer_*`` elsewhere.

    Instagram also says that the account did it itself where the account is known by another id
    (developers.facebook.com/docs/instagram-platform/self-messaging, "Example Comment Webhook").
    """
    who, media = obj(value.get("from")), obj(value.get("media"))
    author = text(who.get("id")) or first_of(value, "sender_id", "reviewer_id")
    return Change(
        item, connection, value, verb, author,
        named=first_of(who, "name", "username") or first_of(value, "sender_name", "reviewer_name"),
        own=bool(text(who.get("self_ig_scoped_id"))) or (bool(author) and author == item.account),
        post=text(value.get("post_id")) or text(media.get("id")) or first_of(value, *_PLACES),
    )  # fmt: skip


# --- comments and posts ----------------------------------------------------------------------------------------------


def map_comment(change: Change) -> Outcome:
    """Map a comment."""
    value = change.value
    comment = first_of(value, "comment_id", "id")
    if not comment:
        return _lost(change, "a comment without an id")
    parent = text(value.get("parent_id"))
    return _draft_by_verb(change, "cx.social.comment.v1", comment, in_reply_to=parent or change.post)


def map_post(change: Change) -> Outcome:
    """Map a post."""
    value = change.value
    if not change.post:
        return _lost(change, "a post without an id")
    # An album says each of its pictures as a post of the same id.
    part = first_of(value, "photo_id", "video_id", "share_id", "link_id")
    return _draft_by_verb(change, "cx.social.post.v1", change.post, part=part if change.verb == "add" else "")


def map_mention(change: Change) -> Outcome:
    """Map a mention. Instagram names the place of the mention, but neither its author nor its text."""
    value = change.value
    place = first(value.get("comment_id"), value.get("post_id"), value.get("media_id"))
    if not place:
        return _lost(change, "a mention without a place")
    return _draft_by_verb(change, "cx.social.mention.v1", place, prefix="mention/")


def map_review(change: Change) -> Outcome:
    """Map a review: stars until 2018, since then a recommendation, whose ``positive`` or ``negative`` is the reason."""
    value = change.value
    review = first(value.get("open_graph_story_id"), value.get("review_id"), value.get("post_id"))
    if not review:
        return _lost(change, "a review without an id")
    return _draft_by_verb(
        change,
        "cx.social.review.v1",
        review,
        edits_anew=True,
        rating=number(value.get("rating")),
        reason=text(value.get("recommendation_type")).lower(),
    )


def map_reaction(change: Change) -> Outcome:
    """Map a reaction."""
    value = change.value
    target = first(value.get("comment_id"), change.post)
    if not target and text(value.get("item")).lower() == "like":
        return Ignored("page-like", IGNORED["page-like"])
    if not target:
        return _lost(change, "a reaction to nothing")
    taken_back = change.verb == "remove"
    at = text(value.get("created_time")) or change.digest()
    return _draft(
        change,
        "cx.message.reacted.v1",
        f"{id_part(target)}/reaction/{id_part(change.author)}/{change.verb}/{id_part(at)}",
        Data(
            message=Message(id=target),
            reaction="" if taken_back else first(value.get("reaction_type"), value.get("item"), "like"),
            reason="unreact" if taken_back else "",
        ),
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
    rating: float | None = None,
    reason: str = "",
) -> Draft:
    """Draft the event for a change by its verb: new, edited or removed.

    ``edits_anew``: an edit is an event of the same type as the first version.
    """
    named = prefix + id_part(id)
    words = change.words
    if change.verb == "remove":
        return _draft(change, "cx.message.deleted.v1", f"{named}/removed", Data(message=Message(id=id)))
    message = Message(
        id=id,
        text=words,
        content_type="text/plain" if words else "",
        in_reply_to=in_reply_to,
        attachments=_files(change.value),
    )
    value, post = change.value, obj(change.value.get("post"))
    url = first_of(value, "permalink_url", "permalink") or text(post.get("permalink_url")) or text(value.get("link"))
    data = Data(message=message, url=url, rating=rating, reason=reason)
    if change.verb == "edit":
        kind = event_type if edits_anew else "cx.message.edited.v1"
        return _draft(change, kind, f"{named}/edited/{change.digest()}", data)
    if part:
        named += f"/{id_part(part)}"
    return _draft(change, event_type, named, data)


def _files(value: Json) -> list[Attachment]:
    photos, photo, film = texts(value.get("photos")), text(value.get("photo")), text(value.get("video"))
    if not (photos or photo or film):
        return []
    pictures = dict.fromkeys([*photos, photo] if photo else photos)
    found = [Attachment(content_type="image/*", url=url) for url in pictures]
    if film:
        found.append(Attachment(content_type="video/*", url=film))
    return found


# --- the tables ------------------------------------------------------------------------------------------------------

Mapper = Callable[[Change], Outcome]

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


def map_change(item: WebhookItem, connection: Connection) -> Outcome:
    """Map one change. Return ``Unmapped`` where its kind or verb is unknown, has no mapping yet, or names no post."""
    value = item.value.get("value")
    field = text(item.value.get("field")).lower()
    kind = kind_of(field, obj(value))
    if kind in IGNORED:
        return Ignored(kind, IGNORED[kind])
    if not isinstance(value, dict):
        return Unmapped(item.digest, "malformed changes: the value is not an object", item.raw)
    if kind in WAITING:
        return no_adapter(kind, WAITING[kind], item.digest, item.raw)
    verb = VERBS.get(text(value.get("verb")).lower(), "")
    change = _change_of(item, connection, value, verb)
    if kind not in KINDS or not verb:
        return _lost(change, f"unknown-kind: {kind[:64]!r} with verb {text(value.get('verb'))[:32]!r}")
    if not item.account:
        return _lost(change, "the entry has no id")
    if verb == "hide":
        return Ignored("hide", IGNORED["hide"])
    return KINDS[kind][0](change)


def _lost(change: Change, reason: str) -> Unmapped:
    return Unmapped(
        change.item.digest, reason if reason.startswith("unknown") else f"malformed changes: {reason}", change.item.raw
    )


def _draft(change: Change, event_type: str, id: str, data: Data) -> Draft:
    item = change.item
    people = [business(item.object, item.account, name=change.named if change.own else "")]
    # Whom Meta may not name, it leaves out: somebody said it all the same.
    if not change.own and (change.author or change.named):
        people.insert(0, customer(item.object, item.account, change.author, name=change.named))
    edited = unix_time(change.value.get("edited_time") if change.verb == "edit" else None)
    data.direction, data.participants = "outbound" if change.own else "inbound", people
    at = edited or unix_time(change.value.get("created_time")) or item.time
    return complete_draft(change.connection, "social", event_type, id, data, item.raw, id_part(change.post), at)

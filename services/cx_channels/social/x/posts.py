"""Map public posts: mentions, replies, quotes, our own, edits, deletions and likes.

A post of Account Activity is a tweet of version 1.1, one of the X Activity API of version 2: both are read into one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import first, obj, objects, text, texts
from cx_channels.kit.outcomes import Outcome
from cx_channels.social.x.account import Account, film_of, id_of, is_id, plain, time_of
from cx_channels.social.x.kinds import ignored
from cx_events.envelope import Attachment, Message, Reference
from cx_events.json_types import Json

_COUNTS = frozenset({
    "quote_count", "reply_count", "retweet_count", "favorite_count", "favorited", "retweeted", "public_metrics", "user",
    "timestamp_ms",
})  # fmt: skip
"""What differs from one delivery of a post to the next, and the whole profile of its author."""


@dataclass(frozen=True, slots=True)
class Post:
    """A post. ``parent``: what it answers; ``parent_author``: whose that is; ``first``: of its versions the oldest."""

    id: str
    author: str
    words: str
    conversation: str
    parent: str
    parent_author: str
    quoted: str
    first: str
    is_repost: bool
    element: Json


def read_post(given: Json) -> Post:
    """Return a post of either version."""
    whole = obj(given.get("extended_tweet")) or given
    entities = obj(whole.get("entities")) or obj(given.get("note_tweet")).get("entities")
    words = first(obj(given.get("note_tweet")).get("text"), whole.get("full_text"), given.get("text"))
    refers = {text(each.get("type")): id_of(each) for each in objects(given.get("referenced_tweets"))}
    versions = texts(given.get("edit_history_tweet_ids"))
    user = obj(given.get("user"))
    author = first(given.get("author_id"), id_of(user))
    kept = {name: value for name, value in given.items() if name not in _COUNTS}
    if user:
        kept["user"] = {name: user[name] for name in ("id_str", "name", "screen_name") if name in user}
    return Post(
        id=id_of(given),
        author=author,
        words=plain(words, entities),
        conversation=text(given.get("conversation_id")),
        parent=first(
            refers.get("replied_to"), given.get("in_reply_to_status_id_str"), given.get("in_reply_to_tweet_id")
        ),
        parent_author=first(given.get("in_reply_to_user_id_str"), given.get("in_reply_to_user_id")),
        quoted=first(refers.get("quoted"), given.get("quoted_status_id_str")),
        first=first(obj(given.get("edit_history")).get("initial_tweet_id"), *(versions[:1])),
        is_repost="retweeted_status" in given or "retweeted" in refers,
        element=kept,
    )


def map_post(account: Account, given: Json) -> Iterator[Outcome]:
    """Map one post, by whom and to whom it is; whatever the subscription was that brought it."""
    post = read_post(given)
    if not post.id or not post.author:
        yield account.lost("post", "it has no id, or no author", given)
    elif post.is_repost:
        yield ignored("repost")
    elif post.first and post.first != post.id:
        # An edited post has a new id; the first one is what it is known by.
        yield _draft(account, post, "cx.message.edited.v1", f"post/{id_part(post.first)}/edited/{id_part(post.id)}")
    else:
        yield _draft(account, post, _type_of(account, post), f"post/{id_part(post.id)}")


def _type_of(account: Account, post: Post) -> str:
    mine = post.author in account.ours
    if mine:
        return "cx.social.comment.v1" if post.parent and post.parent_author not in account.ours else "cx.social.post.v1"
    return "cx.social.comment.v1" if post.parent and post.parent_author in account.ours else "cx.social.mention.v1"


def _draft(account: Account, post: Post, event_type: str, id: str) -> Outcome:
    mine = post.author in account.ours
    people = [account.business(post.author)] if mine else [account.person(post.author)]
    if mine and post.parent_author and post.parent_author not in account.ours:
        people.insert(0, account.person(post.parent_author))
    known = post.first or post.id
    message = Message(
        id=known, text=post.words, content_type="text/plain" if post.words else "", in_reply_to=post.parent,
        attachments=list(files_of(post.element)),
    )  # fmt: skip
    about = [Reference(kind="message", value=post.quoted)] if post.quoted else []
    at = time_of(post.element)
    return account.draft(
        event_type, id, post.element, root_of(post), at, people, "outbound" if mine else "inbound", message=message,
        references=about, url=f"https://x.com/i/status/{id_part(post.id)}",
    )  # fmt: skip


def root_of(post: Post) -> str:
    """Return what tells the thread: the conversation, where it is told, else what is answered, else the post itself."""
    return f"post/{id_part(post.conversation or post.parent or post.first or post.id)}"


def files_of(element: Json) -> Iterator[Attachment]:
    """Yield pictures and films by their public addresses."""
    whole = obj(element.get("extended_tweet")) or element
    for each in objects(obj(whole.get("extended_entities")).get("media")):
        url, film = first(each.get("media_url_https"), each.get("media_url")), film_of(each)
        if film is not None:
            yield film
        elif url:
            yield Attachment(content_type="image/*", name=text(each.get("type")), url=url)


def map_deletion(account: Account, element: Json) -> Iterator[Outcome]:
    """Map that a post is gone, ours or somebody else's: X asks to respect it."""
    status = obj(element.get("status")) or element
    id, author = id_of(status), first(status.get("user_id"), status.get("author_id"))
    if not id or not author:
        yield account.lost("deletion", "it names no post, or no author", element)
        return
    mine = author in account.ours
    people = [account.business(author) if mine else account.person(author)]
    kept = {"status": {"id": id, "user_id": author}}
    yield account.draft(
        "cx.message.deleted.v1", f"post/{id_part(id)}/deleted", kept, f"post/{id_part(id)}", time_of(element), people,
        "outbound" if mine else "inbound", message=Message(id=id),
    )  # fmt: skip


def map_like(account: Account, element: Json) -> Iterator[Outcome]:
    """Map somebody's like of our post. The X Activity API names the post and its author, and who likes it beside the
    payload alone; its ``created_at`` is the post's (docs.x.com/x-api/activity/event-payloads, like.create)."""
    liked = obj(element.get("favorited_status"))
    newer = first(element.get("liked_tweet_id"))
    post = first(id_of(liked), newer)
    author = first(id_of(liked.get("user")), element.get("liked_tweet_author_id"), element.get("tweet_author_id"))
    by = first(id_of(element.get("user")), element.get("user_id"), element.get("liker_id"))
    by = by or (_liker_beside(account, author) if newer else "")
    if author and author not in account.ours:
        yield ignored("like/of-others")
    elif not post or not by:
        yield ignored("like/unnamed")
    elif by in account.ours:
        yield ignored("like/of-others")
    else:
        times = ("timestamp_ms",) if newer else ("timestamp_ms", "created_at")
        told = {name: element[name] for name in times if name in element}
        kept = {"post": post, "user": by, "at": first(*told.values())}
        yield account.draft(
            "cx.message.reacted.v1", f"post/{id_part(post)}/like/{id_part(by)}", kept, f"post/{id_part(post)}",
            time_of(told), [account.person(by)], "inbound", message=Message(id=post), reaction="like",
        )  # fmt: skip


def _liker_beside(account: Account, author: str) -> str:
    """Return the one account of ``includes`` that is neither the author nor ours; "" for none, or for several."""
    others = [id for id in account.users if is_id(id) and id != author and id not in account.ours]
    return others[0] if len(others) == 1 else ""


def map_broadcast_chat(account: Account, payload: Json) -> Iterator[Outcome]:
    """Map what somebody wrote in the public chat of a broadcast of ours."""
    id, talk, words = (text(payload.get(name)) for name in ("message_id", "broadcast_id", "message"))
    author = id_of(obj(obj(payload.get("author")).get("data")) or payload.get("author"))
    if not id or not talk or not author:
        yield account.lost("broadcast chat", "it has no id, no broadcast or no author", payload)
        return
    mine = author in account.ours
    kept = {"broadcast_id": talk, "message_id": id, "message": words, "author": {"id": author}}
    yield account.draft(
        "cx.social.comment.v1", f"broadcast/{id_part(id)}", kept, f"broadcast/{id_part(talk)}", time_of(payload),
        [account.business(author) if mine else account.person(author)], "outbound" if mine else "inbound",
        message=Message(id=id, text=words, content_type="text/plain" if words else ""),
        url=f"https://x.com/i/broadcasts/{id_part(talk)}",
    )  # fmt: skip

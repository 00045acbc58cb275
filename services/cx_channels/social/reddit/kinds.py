"""List kinds of Reddit's things and what each becomes."""

from __future__ import annotations

from collections.abc import Mapping

from cx_channels.provider import Ignored

IGNORED: Mapping[str, str] = {
    "notice": "a notice that Reddit wrote, in its own name, in nobody's or in a moderator's; nobody wrote it",
    "own": "a message of the business to itself",
    "more": "ids of comments that the list leaves out",
    "nothing": "a list without things",
    "account": "an account, a subreddit or a trophy; nothing was said",
}

DOCUMENTED: Mapping[str, str] = {
    "t1": "cx.social.comment; cx.social.mention where it names us in somebody else's subreddit",
    "t1/mention": "cx.social.mention",
    "t1/by-us": "cx.social.comment, outbound",
    "t3": "cx.social.post in our subreddits, elsewhere cx.social.mention",
    "t3/mention": "cx.social.mention",
    "t3/by-us": "cx.social.post, outbound",
    "t4": "cx.message.received",
    "t4/by-us": "cx.message.sent",
    "edited": "cx.message.edited",
    "deleted": "cx.message.deleted by its author",
    "removed": "cx.message.deleted by a moderator",
    "gone": "cx.message.deleted: a lookup by id no longer finds it",
    "back": "cx.message.edited: what was gone is there again",
    **{kind: f"ignored: {why}" for kind, why in IGNORED.items()},
}


def ignored(kind: str) -> Ignored:
    """Return a kind that is left out, with the reason."""
    return Ignored(kind, IGNORED[kind])

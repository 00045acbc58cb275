"""List kinds of comments and what each becomes."""

from __future__ import annotations

from collections.abc import Mapping

from cx_channels.provider import Ignored

IGNORED: Mapping[str, str] = {
    "nothing": "a list or thread without comments",
}

DOCUMENTED: Mapping[str, str] = {
    "comment": "cx.social.comment",
    "reply": "cx.social.comment, in reply to its thread",
    "comment-by-us": "cx.social.comment, outbound",
    "held": "cx.social.comment, its reason heldForReview or likelySpam",
    "rejected": "cx.message.deleted",
    "edited": "cx.message.edited",
    "gone": "cx.message.deleted: a lookup by id no longer finds it",
    "back": "cx.message.edited: what was gone is there again",
    "nothing": f"ignored: {IGNORED['nothing']}",
}


def ignored(kind: str) -> Ignored:
    """Return a kind that is left out, with the reason."""
    return Ignored(kind, IGNORED[kind])

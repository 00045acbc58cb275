"""List kinds of X's events that are left out, each with the reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cx_channels.provider import Ignored

_FOLLOW = "who follows whom; nothing was said"
_LISTS = "whom the account does not want to see; nothing was said"
_PROFILE = "a profile was changed"
_LIVE = "a broadcast or a Space began or ended; what is written in a broadcast is told by itself"


def _kinds(why: str, names: str) -> Iterable[tuple[str, str]]:
    return ((name, why) for name in names.split())


IGNORED: Mapping[str, str] = {
    "crc": "X asks whether the address is there; the answer is signed",
    "typing": "somebody types, which is nothing yet",
    "repost": "somebody passed a post on, without words of their own",
    "dm/own": "a message between the business's own accounts",
    "dm/read-by-us": "the business read what a customer wrote",
    "like/unnamed": "it names no post, or nobody",
    "like/of-others": "our own like, or one of somebody else's post",
    "chat.conversation_join": "who takes part in an encrypted chat; what is written there is told by itself",
    "revoke": "an account took the app's permission back: nothing more will come of it",
    "news.new": "news of a topic; about no customer",
    **dict(_kinds(_FOLLOW, "follow_events unfollow_events follow.follow follow.unfollow")),
    **dict(_kinds(_LISTS, """
        block_events unblock_events mute_events unmute_events block.block block.unblock mute.mute mute.unmute""")),
    **dict(_kinds(_LIVE, "spaces.start spaces.end broadcast.start broadcast.end")),
    **dict(_kinds(_PROFILE, """
        profile.update.bio profile.update.profile_picture profile.update.banner_picture profile.update.screenname
        profile.update.geo profile.update.url profile.update.verified_badge profile.update.affiliate_badge
        profile.update.handle""")),
}  # fmt: skip


def ignored(kind: str) -> Ignored:
    """Return a kind that is left out, with the reason."""
    return Ignored(kind, IGNORED[kind])

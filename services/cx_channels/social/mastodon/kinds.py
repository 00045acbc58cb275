"""List kinds that are left out, each with the reason.

Activities: www.w3.org/TR/activitystreams-vocabulary, "Activity Types", and docs.joinmastodon.org/spec/activitypub.
Events and notifications: docs.joinmastodon.org/methods/streaming, .../entities/Notification.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cx_channels.provider import Ignored

_FOLLOWS = "who follows whom; nothing was said"
_LISTS = "whom an account does not want to see; nothing was said"
_BOOST = "somebody passed a status on, without words of their own"
_TRADE = "what accounts arrange among each other; nothing was said to us"
_PROFILE = "a profile or its collections were changed"
_MODERATION = "moderation of a server; about no customer"
_POLL = "a poll was voted in, or has ended; its words were told as a status"
_SERVER = "a notice of the server to all its users"
_SETTING = "a setting of our own account"


def _kinds(why: str, names: str) -> Iterable[tuple[str, str]]:
    return ((name, why) for name in names.split())


IGNORED: Mapping[str, str] = {
    "Create/others": "a status that neither mentions nor answers us",
    "Create/vote": _POLL,
    "Create/object": "an object without words for people: a place, a collection, a key",
    "Update/others": "an edit of a status that neither mentions nor answers us",
    "Update/poll": "the votes of a poll were counted anew, or nothing says that the words changed",
    "Update/object": _PROFILE,
    "Delete/actor": "an account is gone; erasing what is known of somebody is the tenant's decision",
    "Like/others": "a reaction to a status that is not ours, or our own",
    "Undo/others": "a follow, block or boost was taken back; nothing was said",
    **dict(_kinds(_BOOST, "Announce notification/reblog stream/update/boost")),
    **dict(_kinds(_FOLLOWS, """
        Follow notification/follow notification/follow_request notification/severed_relationships""")),
    **dict(_kinds(_LISTS, "Block")),
    **dict(_kinds(_TRADE, """
        Accept TentativeAccept Reject TentativeReject Offer Invite Ignore Join Leave QuoteRequest FeatureRequest View
        Read Listen Arrive Travel""")),
    **dict(_kinds(_PROFILE, """
        Add Remove Move notification/added_to_collection notification/collection_update
        notification/annual_report""")),
    **dict(_kinds(_MODERATION, """
        Flag notification/admin.sign_up notification/admin.report notification/moderation_warning""")),
    **dict(_kinds(_POLL, "notification/poll")),
    **dict(_kinds(_SERVER, "stream/announcement stream/announcement.reaction stream/announcement.delete")),
    "notification/status": "a status of an account that ours watches; who mentions us is a notification of its own",
    "notification/update": "a status that we boosted was edited",
    "notification/quoted_update": "a status that we quoted was edited",
    "notification/own": "what our own account did",
    "stream/update/others": "a status in our timeline that is none of ours; who mentions us is a notification",
    "stream/status.update/others": "an edit of a status that is neither ours nor mentions us",
    "stream/delete/unknown": "a status is gone that is none of the latest that were ours or mentioned us",
    "stream/conversation": "a private conversation has something new, which is a notification",
    "stream/filters_changed": "a setting of our own account",
    "stream/notifications_merged": "filtered notifications were let through; they are fetched",
    "stream/encrypted_message": "never used by any server",
}  # fmt: skip


def ignored(kind: str) -> Ignored:
    """Return a kind that is left out, with the reason."""
    return Ignored(kind, IGNORED[kind])

"""List kinds of updates that are left out, each with the reason (core.telegram.org/bots/api#update, #message)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

_GROUP = "about a group, not what is said in it"
_ELSEWHERE = "the bot is used in a chat of others"
_PAYMENT = "a step of a payment that asks for an answer; the payment itself is told"
_MARK = "a mark or a present at a chat, not said to the business"
_WITHIN = "within a chat: a call, a topic, a timer"


def _kinds(why: str, names: str) -> Iterable[tuple[str, str]]:
    return ((name, why) for name in names.split())


IGNORED: Mapping[str, str] = {
    "group": "the setting groups leaves groups out",
    "live-location": "somebody who shares a place moves",
    "business_connection": "a person's account connects the bot, or parts with it",
    "message_reaction_count": "counts of reactions, of whom is not told",
    "poll": "counts of a poll",
    "poll_answer": "an answer to a poll, whose question is not told",
    "my_chat_member/group": "the bot itself in a group",
    "message_reaction/anonymous": "who reacted is not told",
    **dict(_kinds(_ELSEWHERE, "inline_query chosen_inline_result guest_message")),
    **dict(_kinds(_PAYMENT, "shipping_query pre_checkout_query purchased_paid_media")),
    **dict(_kinds(_GROUP, "chat_member chat_join_request chat_boost removed_chat_boost managed_bot "
                          "stopped_message_generation")),
    **dict(_kinds(_GROUP, """
        service/new_chat_members service/left_chat_member service/new_chat_title service/new_chat_photo
        service/delete_chat_photo service/group_chat_created service/supergroup_chat_created
        service/channel_chat_created service/migrate_to_chat_id service/migrate_from_chat_id service/pinned_message
        service/chat_owner_left service/chat_owner_changed""")),
    **dict(_kinds(_WITHIN, """
        service/message_auto_delete_timer_changed service/forum_topic_created service/forum_topic_edited
        service/forum_topic_closed service/forum_topic_reopened service/general_forum_topic_hidden
        service/general_forum_topic_unhidden service/video_chat_scheduled service/video_chat_started
        service/video_chat_ended service/video_chat_participants_invited service/proximity_alert_triggered
        service/users_shared service/chat_shared service/write_access_allowed service/connected_website
        service/passport_data service/direct_message_price_changed service/paid_message_price_changed
        service/checklist_tasks_done service/checklist_tasks_added service/poll_option_added
        service/poll_option_deleted service/suggested_post_approved service/suggested_post_approval_failed
        service/suggested_post_declined service/suggested_post_paid service/suggested_post_refunded
        service/managed_bot_created""")),
    **dict(_kinds(_MARK, """
        service/boost_added service/chat_background_set service/gift service/unique_gift service/gift_upgrade_sent
        service/giveaway service/giveaway_created service/giveaway_winners service/giveaway_completed""")),
}  # fmt: skip

SERVICES = tuple(name.partition("/")[2] for name in IGNORED if name.startswith("service/"))
"""Members of a message by which it is a service message."""

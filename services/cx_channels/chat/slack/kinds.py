"""List kinds of Slack's notices that are no event, each with the reason.

Events: docs.slack.dev/reference/events and the types of Slack's own SDK (npm, @slack/types 3.2). Subtypes of messages:
docs.slack.dev/reference/events/message, "Message subtypes".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

COLLEAGUES = "colleagues"

_CHANNEL = "about a channel, not what is said in it"
_TEAM = "about the workspace and its people, not what is said"
_APP = "about the app and its place in the workspace"
_FILE = "about a file; a message tells who shared it"
_SYSTEM = "written by Slack itself, about the channel"
_MARK = "a mark that a user sets, not said to anybody"
_WORKFLOW = "a step of a workflow, which tells by itself what it does"


def _kinds(why: str, names: str) -> Iterable[tuple[str, str]]:
    return ((name, why) for name in names.split())


IGNORED: Mapping[str, str] = {
    COLLEAGUES: "colleagues among themselves: no setting makes the writer a customer, or the channel one of customers",
    "url_verification": "Slack asks whether the address is there; the answer is its challenge",
    "other-team": "the setting installations does not list the workspace",
    "message_changed/unfurl": "a preview of a link, or the count of replies: the words are as before",
    "reaction/other": "a reaction to a file, not to what somebody said",
    "view_closed": "a window was closed without an answer",
    "block_suggestion": "somebody types into a menu; the choice is told by itself",
    "message/message_replied": "the reply is told by itself",
    **dict(_kinds(_SYSTEM, """
        message/channel_join message/channel_leave message/channel_topic message/channel_purpose message/channel_name
        message/channel_archive message/channel_unarchive message/channel_convert_to_private
        message/channel_posting_permissions message/group_join message/group_leave message/group_topic
        message/group_purpose message/group_name message/group_archive message/group_unarchive message/pinned_item
        message/unpinned_item message/bot_add message/bot_remove message/reminder_add message/reply_broadcast
        message/ekm_access_denied message/huddle_thread message/assistant_app_thread message/sh_room_created
        message/document_mention message/file_mention message/file_comment""")),
    **dict(_kinds(_CHANNEL, """
        member_joined_channel member_left_channel channel_archive channel_created channel_deleted
        channel_history_changed channel_id_changed channel_left channel_rename channel_shared channel_unarchive
        channel_unshared group_archive group_close group_deleted group_history_changed group_left group_open
        group_rename group_unarchive im_close im_created im_history_changed im_open shared_channel_invite_accepted
        shared_channel_invite_approved shared_channel_invite_declined shared_channel_invite_received
        shared_channel_invite_requested""")),
    **dict(_kinds(_TEAM, """
        dnd_updated dnd_updated_user email_domain_changed emoji_changed grid_migration_finished
        grid_migration_started invite_requested resources_added resources_removed subteam_created
        subteam_members_changed subteam_self_added subteam_self_removed subteam_updated team_access_granted
        team_access_revoked team_domain_change team_join team_rename user_change user_connection user_huddle_changed
        user_profile_changed user_resource_denied user_resource_granted user_resource_removed
        user_status_changed""")),
    **dict(_kinds(_APP, """
        app_context_changed app_deleted app_home_opened app_installed app_requested app_uninstalled
        app_uninstalled_team tokens_revoked scope_denied scope_granted agent_session_stopped
        agent_session_title_changed assistant_thread_context_changed call_rejected goodbye hello
        entity_details_requested""")),
    "app_rate_limited": "Slack left events out, since there were more than 30,000 in an hour: ask it for what came",
    **dict(_kinds(_FILE, "file_change file_comment_added file_comment_deleted file_comment_edited file_created "
                         "file_deleted file_public file_shared file_unshared link_shared")),
    **dict(_kinds(_MARK, "pin_added pin_removed star_added star_removed message_metadata_posted "
                         "message_metadata_updated message_metadata_deleted")),
    **dict(_kinds(_WORKFLOW, "function_executed workflow_deleted workflow_published workflow_step_deleted "
                             "workflow_step_execute workflow_unpublished")),
}  # fmt: skip

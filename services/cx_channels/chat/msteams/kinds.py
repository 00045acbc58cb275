"""List kinds of activities that are no event, each with the reason.

learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/subscribe-to-conversation-events; the types of
Microsoft's Teams SDK (PyPI, microsoft-teams-api 2.1).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

COLLEAGUES = "colleagues"

_TEAM = "about a team or a channel, not what is said in it"
_MEETING = "about a meeting, not what is said to the bot"
_APP = "about the bot's place in Teams, not what is said"
_ASKS = "asks for something to show, or tells what the app itself did: nothing is said to anybody"
_ACCOUNT = "about an AI agent's own account"


def _kinds(why: str, prefix: str, names: str) -> Iterable[tuple[str, str]]:
    return ((f"{prefix}{name}", why) for name in names.split())


IGNORED: Mapping[str, str] = {
    COLLEAGUES: "colleagues among themselves: no setting makes the writer a customer, or the channel one of customers",
    "typing": "somebody types: shown live, and no fact",
    "conversationUpdate": "somebody joined or left a conversation, or it got another name",
    "invoke/other": _ASKS,
    **dict(_kinds(_TEAM, "conversationUpdate/", """
        teamMemberAdded teamMemberRemoved channelCreated channelRenamed channelDeleted channelRestored channelShared
        channelUnshared channelMemberAdded channelMemberRemoved teamRenamed teamArchived teamUnarchived teamDeleted
        teamHardDeleted teamRestored""")),
    **dict(_kinds(_MEETING, "event/application/vnd.microsoft.", """
        meetingStart meetingEnd meetingParticipantJoin meetingParticipantLeave""")),
    "event/agentLifecycle": _ACCOUNT,
    **dict(_kinds(_APP, "", "installationUpdate contactRelationUpdate trace command commandResult suggestion")),
    "deleteUserData": "somebody asks that the bot forgets them: a person has to act on it",
    **dict(_kinds(_ASKS, "invoke/", """
        composeExtension/query composeExtension/queryLink composeExtension/anonymousQueryLink
        composeExtension/selectItem composeExtension/submitAction composeExtension/fetchTask
        composeExtension/querySettingUrl composeExtension/setting composeExtension/onCardButtonClicked task/fetch
        task/submit signin/verifyState signin/tokenExchange signin/failure config/fetch config/submit tab/fetch
        tab/submit application/search message/submitAction message/fetchTask htmlwidget/calltool""")),
}  # fmt: skip

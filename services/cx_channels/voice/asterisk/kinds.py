"""List the kinds of AMI's and ARI's that are left out, each with the reason, and those that wait for an adapter.

AMI: all of the ``managerEvent`` documentation in Asterisk's source, those of releases 16 to 20 (docs.asterisk.org, "AMI
Events"), and the events in which it answers actions. ARI: rest-api/api-docs/events.json. Both of master in August 2026.
"""

from __future__ import annotations

from collections.abc import Mapping

_LISTS = "a part of the answer to an action"
_PBX = "the telephone system's own workings; no customer"
_SECURITY = "an attempt to log in or to register; no call"
_MEDIA = "the quality or the workings of the media; no step of a call"
_TOLD = "told by other events of the call"
_STAFF = "who serves a queue, or whether; no customer"
_STAFF_KEY = "a key at a telephone of ours: a feature code, or the password of a mailbox; not the customer's"
_DEVICES = "the state of a telephone or a registration; no call"


def _all(why: str, *names: str) -> dict[str, str]:
    return dict.fromkeys(" ".join(names).split(), why)


IGNORED_AMI: Mapping[str, str] = {
    "Response": _LISTS,
    **_all(
        _LISTS,
        "AgentsComplete Agents AorDetail AorList AorListComplete AuthDetail AuthList AuthListComplete",
        "BridgeInfoChannel BridgeInfoComplete BridgeListItem BridgeListComplete BridgeTechnologyListItem",
        "BridgeTechnologyListComplete ConfbridgeList ConfbridgeListComplete ConfbridgeListRooms",
        "ConfbridgeListRoomsComplete ContactList ContactListComplete ContactStatusDetail CoreShowChannelMap",
        "CoreShowChannelMapComplete CoreShowChannelsComplete DAHDIShowChannels DAHDIShowChannelsComplete",
        "DAHDIShowStatus DAHDIShowStatusComplete DBGetResponse DBGetComplete DBGetTreeResponse DBGetTreeComplete",
        "DeviceStateListComplete EndpointDetail EndpointDetailComplete EndpointList EndpointListComplete",
        "ExtensionStateListComplete FAXSession FAXSessionsComplete FAXSessionsEntry FAXStats IdentifyDetail",
        "InboundRegistrationDetail InboundRegistrationDetailComplete InboundSubscriptionDetail",
        "InboundSubscriptionDetailComplete ListDialplan ShowDialPlanComplete MeetmeList MeetmeListComplete",
        "MeetmeListRooms MeetmeListRoomsComplete MWIGet MWIGetComplete OutboundRegistrationDetail",
        "OutboundRegistrationDetailComplete OutboundSubscriptionDetail OutboundSubscriptionDetailComplete",
        "ParkedCallsComplete Parkinglot ParkinglotsComplete PeerEntry PeerlistComplete PresenceStateListComplete",
        "QueueEntry QueueMember QueueParams QueueStatusComplete QueueSummary QueueSummaryComplete RegistryEntry",
        "RegistrationsComplete ResourceListDetail ResourceListDetailComplete Status StatusComplete TransportDetail",
        "WaitEventComplete",
    ),
    **_all(
        _PBX,
        "AGIExecEnd AGIExecStart AsyncAGIEnd AsyncAGIExec AsyncAGIStart Alarm AlarmClear ChanSpyStart ChanSpyStop",
        "DAHDIChannel DeadlockStart DNDState FullyBooted HangupHandlerPop HangupHandlerPush HangupHandlerRun Load",
        "LoadAverageLimit LogChannel MemoryLimit PJSIPMaintenanceStatus Reload Rename Shutdown SpanAlarm",
        "SpanAlarmClear Unload VarSet VoicemailPasswordChange ConfbridgeStart ConfbridgeEnd MeetmeEnd",
    ),
    **_all(
        _SECURITY,
        "AuthMethodNotAllowed ChallengeResponseFailed ChallengeSent FailedACL InvalidAccountID InvalidPassword",
        "InvalidTransport RequestBadFormat RequestNotAllowed RequestNotSupported SessionLimit SuccessfulAuth",
        "UnexpectedAddress",
    ),
    **_all(
        _DEVICES,
        "ContactStatus DeviceStateChange ExtensionStatus PeerStatus PresenceStateChange PresenceStatus Registry",
        "SIPQualifyPeerDone JabberEvent JabberStatus",
    ),
    **_all(
        _STAFF,
        "AgentLogin AgentLogoff QueueMemberAdded QueueMemberPause QueueMemberPenalty QueueMemberRemoved",
        "QueueMemberRinginuse QueueMemberStatus",
    ),
    **_all(
        _MEDIA,
        "ChannelTalkingStart ChannelTalkingStop ConfbridgeMute ConfbridgeTalking ConfbridgeUnmute DTMFBegin FAXStatus",
        "Flash MeetmeMute MeetmeTalking MeetmeTalkRequest MixMonitorMute MusicOnHoldStart MusicOnHoldStop",
        "RTCPReceived RTCPSent Wink BridgeVideoSourceUpdate",
    ),
    **_all(
        _TOLD,
        "BridgeCreate BridgeDestroy BridgeEnter BridgeLeave BridgeMerge Cdr CEL DialState HangupRequest",
        "LocalOptimizationBegin LocalOptimizationEnd NewAccountCode NewCallerid NewConnectedLine Newexten Newstate",
        "OriginateResponse ParkedCallSwap SoftHangupRequest ChannelHungup SessionTimeout",
    ),
    **_all("what the network charges for the call; no step of it", "AOC-D AOC-E AOC-S"),
    "QueueCallerLeave": "sent before AgentConnect, too; QueueCallerAbandon says that the caller gave up",
    "ConfbridgeRecord": "a conference is recorded; no channel is named",
    "ConfbridgeStopRecord": "a conference's recording ended; no channel is named",
    "MessageWaiting": "how many messages a mailbox holds; no caller is named",
    "MiniVoiceMail": "a mailbox was told of a message; no caller is named",
    "DTMFEnd/sent": "a key that we played to the other side",
    "DTMFEnd/off": "the setting dtmf leaves keys out",
    "DTMFEnd/staff": _STAFF_KEY,
    "UserEvent/undeclared": "an event of the dialplan's own that the setting user_events does not name",
    "LocalBridge/same-call": "both halves of a Local channel belong to one call, as their Linkedid says",
}

_FAX = "a fax came or went; no event of the hub's is one"
KEPT: Mapping[str, str] = {
    "ReceiveFAX": _FAX,
    "SendFAX": _FAX,
    "MCID": "a called party marks the call as malicious; no event of the hub's says so",
}

IGNORED_ARI: Mapping[str, str] = {
    **_all(
        _TOLD,
        "BridgeCreated BridgeDestroyed BridgeMerged ChannelCallerId ChannelConnectedLine ChannelDialplan",
        "ChannelHangupRequest ChannelVarset CallBroadcast",
    ),
    **_all(
        _MEDIA,
        "BridgeVideoSourceChanged ChannelTalkingFinished ChannelTalkingStarted ChannelToneDetected PlaybackContinuing",
        "PlaybackFinished PlaybackStarted",
    ),
    **_all(_DEVICES, "ContactStatusChange DeviceStateChanged EndpointStateChange PeerStatusChange"),
    **_all(
        "an application of ARI's own life; no customer",
        "ApplicationMoveFailed ApplicationRegistered ApplicationReplaced ApplicationUnregistered",
    ),
    "StasisEnd": "the channel left the application, and may live on in the dialplan",
    "RESTResponse": _LISTS,
    "MissingParams": "an answer to a request that lacked something",
    "ChannelDtmfReceived/off": "the setting dtmf leaves keys out",
    "ChannelDtmfReceived/staff": _STAFF_KEY,
    "ChannelUserevent/undeclared": "an event of the dialplan's own that the setting user_events does not name",
    "TextMessageReceived/inside": "a message between telephones of ours",
    "ChannelTransfer/going-on": "a transfer that is asked for, and not done yet",
}

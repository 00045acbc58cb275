"""List kinds of events that are no events here, each with the reason. Names: EVENT_NAMES of src/switch_event.c, and
subclasses of the modules that come with FreeSWITCH (freeswitch-docs, docs/programming/events-catalog.mdx).
"""

from __future__ import annotations

from collections.abc import Mapping

_MACHINE = "about the machine, its modules or its clock, not about a call"
_MEDIA = "about media: codecs, bugs, keys of encryption, quality"
_PHONES = "presence, registration and lamps of telephones"
_SAME = "another event tells the same"

SAME: Mapping[str, str] = {
    "CHANNEL_HANGUP": "CHANNEL_HANGUP_COMPLETE follows and has all; a channel that is gone without it is told as lost",
    "CHANNEL_DESTROY": "the end was told by CHANNEL_HANGUP_COMPLETE",
    "CHANNEL_STATE": _SAME,
    "CHANNEL_CALLSTATE": f"{_SAME}: CHANNEL_HOLD, CHANNEL_ANSWER and the end",
    "CHANNEL_UNBRIDGE": "what follows says why: a transfer, a hold or the end",
    "CHANNEL_EXECUTE_COMPLETE": "CHANNEL_EXECUTE tells the step",
    "CHANNEL_PARK": "a pause of the dialplan; queues and valet parking tell who waits",
    "CHANNEL_UNPARK": "a pause of the dialplan is over",
    "CHANNEL_APPLICATION": "whatever the dialplan's application event likes to say",
    "CALL_UPDATE": "a display's name or number changed; the next bridge tells who talks",
    "CALL_DETAIL": "the CDR or CHANNEL_HANGUP_COMPLETE tells it",
    "CALL_SETUP_REQ": "a question of routing",
    "CALL_SETUP_RESULT": "an answer of routing",
    "SESSION_HEARTBEAT": "the call goes on",
    "INBOUND_CHAN": "never fired any more",
    "OUTBOUND_CHAN": "never fired any more",
    "CLONE": "never fired by itself",
    "PLAYBACK_START": "a prompt or music is played",
    "PLAYBACK_STOP": "a prompt or music ended",
    "CHANNEL_PROGRESS/caller": "what a caller hears before FreeSWITCH answers",
    "CHANNEL_EXECUTE/other": "an application that is no step of a menu (settings.ivr_applications)",
    "CHANNEL_BRIDGE/queue": "callcenter::info bridge-agent-start tells it with the agent's name",
    "CHANNEL_UNHOLD/end": "the end ends a hold",
    "DTMF/staff": "keys of an agent's telephone",
    "DETECTED_SPEECH/nothing": "speech began, or no words were made out",
}

_BY_REASON: Mapping[str, tuple[str, ...]] = {
    _MACHINE: (
        *("API", "BACKGROUND_JOB", "COMMAND", "GENERAL", "LOG", "HEARTBEAT", "STARTUP", "SHUTDOWN", "RELOADXML"),
        *("SHUTDOWN_REQUESTED", "MODULE_LOAD", "MODULE_UNLOAD", "ADD_SCHEDULE", "DEL_SCHEDULE", "EXE_SCHEDULE"),
        *("RE_SCHEDULE", "NAT", "TRAP", "FAILURE", "SESSION_CRASH", "SOCKET_DATA", "PRIVATE_COMMAND", "PUBLISH"),
        *("UNPUBLISH", "REQUEST_PARAMS", "CLIENT_DISCONNECTED", "SERVER_DISCONNECTED", "SEND_INFO", "RECV_INFO"),
        *("CONFERENCE_DATA", "CONFERENCE_DATA_QUERY"),
    ),
    _MEDIA: (
        *("CODEC", "TALK", "NOTALK", "DETECTED_TONE", "MEDIA_BUG_START", "MEDIA_BUG_STOP", "RECV_RTCP_MESSAGE"),
        *("SEND_RTCP_MESSAGE", "CALL_SECURE"),
    ),
    _PHONES: (
        *("PRESENCE_IN", "PRESENCE_OUT", "PRESENCE_PROBE", "NOTIFY", "NOTIFY_IN", "ROSTER", "MESSAGE_WAITING"),
        *("MESSAGE_QUERY", "PHONE_FEATURE", "PHONE_FEATURE_SUBSCRIBE", "DEVICE_STATE"),
    ),
}

_SOFIA = (
    *("register", "pre_register", "register_attempt", "register_failure", "unregister", "expire", "gateway_state"),
    *("gateway_add", "gateway_delete", "gateway_invalid_digest_req", "sip_user_state", "profile_start"),
    *("recovery_send", "recovery_recv", "recovery_recovered", "notify_refer", "notify_watched_header"),
    *("reinvite", "wrong_call_state", "bye_response", "error"),
)
SUBCLASSES: Mapping[str, str] = {
    **{f"sofia::{name}": _PHONES for name in _SOFIA},
    **{
        f"sofia::{name}": "transfer_history of the leg tells the transfer, with an id of its own"
        for name in ("transferor", "transferee", "replaced", "intercepted")
    },
    "callcenter::info/other": "a count, or an agent's own state",
    "conference::maintenance/other": "who speaks, mutes, records or locks in a conference",
    "conference::cdr": "conference::maintenance tells who joined and left",
    "fifo::info/other": "steps within the queue that others tell as well",
    "valet_parking::info/other": "the call goes on from where it was parked; a bridge tells with whom",
    "vm::maintenance/other": "a mailbox is listened to or emptied",
}

IGNORED: Mapping[str, str] = {
    **SAME,
    **{name: why for why, names in _BY_REASON.items() for name in names},
    **{f"CUSTOM/{name}": why for name, why in SUBCLASSES.items()},
}

KEPT: Mapping[str, str] = {
    "MESSAGE": "text messages of SIP wait for an adapter",
    "TEXT": "text in a call (T.140) waits for an adapter",
    "SEND_MESSAGE": "text messages of modules wait for an adapter",
    "RECV_MESSAGE": "text messages of modules wait for an adapter",
}

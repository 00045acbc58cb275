"""Test who deals with a call, by what telephone systems tell of several telephones that rang, and who passed it on."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cx_channels.dry_run import DEMO_IDS, dry_run
from cx_context.reference_definition import define_bodies
from cx_events.testing.builders import HOUR, fact_of
from cx_identity.rules import DEFAULT

ROOT = "1794820000.10"
TRUNK = {"Channel": "PJSIP/trunk-a-0000000a", "CallerIDNum": "+15550100123", "Context": "in", "Uniqueid": ROOT}
FREESWITCH = {
    "Call-Direction": "outbound", "Other-Type": "originator", "Other-Leg-Unique-ID": "a", "Channel-Call-UUID": "a",
    "Event-Sequence": "1",
}  # fmt: skip
VONAGE = {"conversation_uuid": "CON-1", "from": "15550100123", "direction": "outbound"}
GENESYS = {"conversationId": "c-1", "mediaType": "VOICE", "direction": "INBOUND"}
SETTINGS: dict[str, dict[str, Any]] = {
    "voice/asterisk": {"interface": "ami", "host": "h", "user": "u", "trunks": ["PJSIP/trunk-*"]},
    "voice/freeswitch": {"numbers": ["+15550100900"]},
    "voice/vonage": {"numbers": ["+15550100900"], "staff": ["+1555010055*"]},
    "voice/genesys-cloud": {"organization": "o-1"},
}


def ami(event: str, at: int, **fields: str) -> str:
    told = {"Event": event, "Timestamp": f"{1794820000 + at}.000000", **fields}
    return "".join(f"{name}: {value}\n" for name, value in told.items()) + "\n"


def telephone(number: str, root: str = ROOT, prefix: str = "Dest") -> dict[str, str]:
    named = {"Channel": f"PJSIP/{number}-0000000b", "Uniqueid": f"{root}{number}", "CallerIDNum": number}
    return {f"{prefix}{name}": value for name, value in {**named, "Linkedid": root}.items()}


def caller(prefix: str = "") -> dict[str, str]:
    return {f"{prefix}{name}": value for name, value in {**TRUNK, "Linkedid": ROOT}.items()}


def leg(event: str, at: int, number: str = "", **more: str) -> str:
    """One event of FreeSWITCH: of the telephone that it dialled, or of the caller."""
    end = {"Unique-ID": number, "Caller-Destination-Number": number, "variable_dialed_user": number, **FREESWITCH}
    own = {"Unique-ID": "a", "Call-Direction": "inbound", "Channel-Name": "sofia/external/x"}
    numbers = {"Caller-Caller-ID-Number": "+15550100123", "Event-Name": event}
    written = str(1794820000000000 + at * 1000000)
    who = end if number else {**own, "Caller-Destination-Number": "+15550100900", "Event-Sequence": "1"}
    return json.dumps({**numbers, **who, "Event-Date-Timestamp": written, **more})


def vonage(uuid: str, to: str, status: str, at: int, **more: str) -> str:
    when = f"2026-11-16T10:00:{at:02}.000Z"
    return json.dumps({**VONAGE, "uuid": uuid, "to": to, "status": status, "timestamp": when, **more})


def genesys(topic: str, user: str, at: int, **more: Any) -> str:
    body = {**GENESYS, "participantId": user, "sessionId": user, "userId": user, "eventTime": 1794820000000 + at * 1000}
    return json.dumps({"topicName": f"v2.detail.events.conversation.c-1.{topic}", "eventBody": {**body, **more}})


RINGING = {
    "voice/asterisk": [
        ami("Newchannel", 0, **caller()),
        ami("DialBegin", 1, **caller(), **telephone("1001")),
        ami("DialBegin", 1, **caller(), **telephone("1002")),
        ami("DialEnd", 5, **caller(), **telephone("1002"), DialStatus="ANSWER"),
        ami("DialEnd", 6, **caller(), **telephone("1001"), DialStatus="CANCEL"),
        ami("Hangup", 6, **telephone("1001", prefix=""), Cause="26"),
    ],
    "voice/freeswitch": [
        leg("CHANNEL_CREATE", 0),
        leg("CHANNEL_CREATE", 1, "1001"),
        leg("CHANNEL_CREATE", 1, "1002"),
        leg("CHANNEL_BRIDGE", 5, **{"Bridge-A-Unique-ID": "a", "Bridge-B-Unique-ID": "1002",
                                    "Other-Leg-Destination-Number": "1002"}),
        leg("CHANNEL_HANGUP_COMPLETE", 6, "1001", **{"Hangup-Cause": "LOSE_RACE"}),
    ],
    "voice/vonage": [
        vonage("u-0", "15550100900", "started", 0, direction="inbound"),
        vonage("u-1", "15550100551", "ringing", 1),
        vonage("u-2", "15550100552", "ringing", 1),
        vonage("u-2", "15550100552", "answered", 5),
        vonage("u-1", "15550100551", "cancelled", 6),
    ],
    "voice/genesys-cloud": [
        genesys("customer.start", "", 0, ani="tel:+15550100123", dnis="tel:+15550100900"),
        genesys("user.start", "u-1", 1),
        genesys("user.start", "u-2", 1),
        genesys("acd.end", "", 5, acdOutcome="ANSWERED", answeredUserId="u-2"),
        genesys("user.end", "u-1", 6, disconnectType="PEER", alertingDurationMs=5000),
    ],
}  # fmt: skip


def agent_of(provider: str, told: list[str]) -> str:
    """Return who deals with the call after all that was told, as the one customer's context has it."""
    facts = []
    for each in told:
        result = dry_run(provider, each.encode(), settings=SETTINGS[provider], region="US")
        assert (result.refused, result.unmapped) == (None, ())
        facts += [fact_of(event, DEMO_IDS) for event in result.events]
    (body,) = define_bodies(facts, DEMO_IDS, DEFAULT, 72 * HOUR).values()
    return str(body["now"]["agent"]["id"])


@pytest.mark.parametrize(
    ("provider", "agent"),
    [
        ("voice/asterisk", "PJSIP/1002"),
        ("voice/freeswitch", "1002"),
        ("voice/vonage", "15550100552"),
        ("voice/genesys-cloud", "u-2"),
    ],
)
def test_of_several_telephones_the_one_that_answered_counts(provider: str, agent: str) -> None:
    assert agent_of(provider, RINGING[provider]) == agent


def test_who_passed_a_call_on_has_it_no_more() -> None:
    consult = "1794820100.30"
    told = [
        *RINGING["voice/asterisk"],
        ami(
            "AttendedTransfer", 200, Result="Success", **telephone("1002", prefix="OrigTransferer"),
            **telephone("1002", consult, "SecondTransferer"), **caller("Transferee"),
            **telephone("1005", consult, "TransferTarget"), DestType="Bridge",
        ),
        ami("Hangup", 201, **telephone("1002", prefix=""), Cause="16"),
    ]  # fmt: skip
    assert agent_of("voice/asterisk", told) == "PJSIP/1005"


WRAPPED_UP = [
    *RINGING["voice/genesys-cloud"],
    genesys("user.end", "u-2", 60, disconnectType="TRANSFER", interactingDurationMs=55000),
    genesys("user.start", "u-3", 60),
    genesys("acd.end", "", 65, acdOutcome="ANSWERED", answeredUserId="u-3"),
    genesys("acw", "u-2", 70, wrapupCode="passed to billing", wrapupNotes="She was charged twice."),
]


def test_who_wraps_up_after_a_transfer_lacks_it() -> None:
    assert agent_of("voice/genesys-cloud", WRAPPED_UP) == "u-3"
    hours_later = genesys("acw", "u-2", 7200, wrapupCode="passed to billing", wrapupNotes="She was charged twice.")
    assert agent_of("voice/genesys-cloud", [hours_later, *WRAPPED_UP]) == "u-3"


def test_who_wraps_up_has_what_nobody_else_has() -> None:
    told = [RINGING["voice/genesys-cloud"][0], genesys("acw", "u-2", 70, wrapupCode="billing")]
    assert agent_of("voice/genesys-cloud", told) == "u-2"

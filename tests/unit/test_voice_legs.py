"""Transfers, consults, conferences and callbacks stay one conversation, as client events.

Recorded events of six telephone systems, each through a mapping of a few lines, as docs/integrating.md tells
integrators to write one. The recordings are read in place; where they hold one side of a transfer alone, the other is
written by the vendor's documented fields. Nothing is joined by time here: legs lie days apart, the window is a minute.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from cx_context.reference_definition import define_bodies
from cx_events.facts import Fact
from cx_events.testing.builders import ACME, DAY, MINUTE, START, a_fact
from cx_events.timestamps import Micros, parse_time
from cx_identity.rules import DEFAULT

RECORDED = Path(__file__).parents[2].parent / "shared/fixtures/voice"
CALLER = "+15550100123"

pytestmark = pytest.mark.skipif(not RECORDED.exists() and "CI" not in os.environ, reason="the recordings are not here")


def leg(
    name: str,
    at: Micros = START,
    *calls: str,
    type: str = "cx.interaction.started.v1",
    phone: str = CALLER,
    **data: Any,
) -> Fact:
    """An event of one leg; ``calls``: the legs that it belongs to."""
    references = [{"kind": "call", "value": call} for call in calls] + data.pop("also", [])
    return a_fact(
        type, id=f"{type}/{name}/{at}", interaction=name, channel="voice", phone=phone, at=at,
        data={"references": references, **data},
    )  # fmt: skip


def conversations(*facts: Fact) -> list[list[tuple[str, str, str | None]]]:
    """Of the one customer there is: each conversation's interactions with the rule and the evidence that join them."""
    bodies = define_bodies(facts, ACME, DEFAULT, MINUTE)
    assert len(bodies) == 1, "everything is one customer's"
    (body,) = bodies.values()
    assert all(j["confidence"] >= 0.95 for c in body["conversations"] for j in c["joined"])
    return [[(j["interaction"], j["rule"], j["evidence"]) for j in c["joined"]] for c in body["conversations"]]


def recorded_json(name: str) -> Any:
    return json.loads((RECORDED / name).read_text(encoding="utf-8"))


def ami(name: str) -> list[dict[str, str]]:
    """The events of an Asterisk manager stream."""
    found: list[dict[str, str]] = []
    for line in (RECORDED / "asterisk-ami" / name).read_text(encoding="utf-8").splitlines():
        key, colon, value = line.partition(": ")
        if colon and key == "Event":
            found.append({})
        if colon and found:
            found[-1][key] = value.strip()
    return found


# --- Amazon Connect: a contact per leg; every contact record names the customer's endpoint ---------------------------


def connect(record: dict[str, Any]) -> Fact:
    """A contact record: the interaction is the contact; it refers to the one that it came from and to the first."""
    earlier = dict.fromkeys(record[name] for name in ("PreviousContactId", "InitialContactId") if record.get(name))
    return leg(
        f"acme-connect/{record['ContactId']}",
        parse_time(record["InitiationTimestamp"]),
        *earlier,
    )


@pytest.mark.parametrize("method", ["TRANSFER", "CALLBACK", "QUEUE_TRANSFER"])
def test_a_following_contact_of_amazon_connect_joins_the_conversation(method: str) -> None:
    first = recorded_json("amazon-connect/ctr-index-case1-same-contact-update1.json")
    ended = recorded_json("amazon-connect/contact-event-index-disconnected-transfer-abandoned.json")["detail"]
    following = {
        "ContactId": ended["contactId"],
        "InitialContactId": first["ContactId"],
        "PreviousContactId": first["ContactId"],
        "InitiationMethod": method,
        "InitiationTimestamp": "2022-01-15T09:00:00Z",
    }
    for order in ((first, following), (following, first)):
        assert conversations(*map(connect, order)) == [
            [
                (f"acme-connect/{first['ContactId']}", "first", None),
                (f"acme-connect/{ended['contactId']}", "reference", f"call:{first['ContactId']}"),
            ]
        ]


# --- Asterisk: a channel per leg; DialBegin, LocalBridge and AttendedTransfer tell which belong together -------------


def asterisk(events: list[dict[str, str]]) -> list[Fact]:
    """Each channel is an interaction by its Uniqueid. The caller is the customer of all that is dialled for them."""
    facts = []
    for number, event in enumerate(events):
        at = START + number * DAY
        match event["Event"]:
            case "Newchannel" if number == 0:
                facts.append(leg(f"pbx/{event['Uniqueid']}", at))
            case "DialBegin":
                facts.append(leg(f"pbx/{event['DestUniqueid']}", at, event["Uniqueid"]))
            case "LocalBridge":
                facts.append(leg(f"pbx/{event['LocalTwoUniqueid']}", at, event["LocalOneUniqueid"]))
            case "BridgeEnter" if event["Uniqueid"].endswith(".0"):
                facts.append(leg(f"pbx/{event['Uniqueid']}", at, type="cx.interaction.answered.v1"))
    return facts


def test_calls_that_asterisk_dials_join_the_callers_conversation() -> None:
    events = [
        event
        for name in (
            "ami-L0812-Newchannel.txt",
            "ami-L0820-Newchannel-Newchannel-DialBegin.txt",
            "ami-L0838-DialEnd-BridgeCreate-BridgeEnter-BridgeEnter.txt",
            "ami-L0878-DialBegin-DialEnd-BridgeCreate-BridgeEnter.txt",
        )
        for event in ami(name)
    ]
    call = "asterisk-1368479150"
    assert conversations(*asterisk(events)) == [
        [
            (f"pbx/{call}.0", "first", None),
            (f"pbx/{call}.1", "reference", f"call:{call}.0"),
            (f"pbx/{call}.2", "reference", f"call:{call}.1"),
            (f"pbx/{call}.3", "reference", f"call:{call}.2"),
        ]
    ]


def test_a_nameless_consult_is_the_customers_after_the_transfer() -> None:
    """The agent's own call to a colleague names no customer; AttendedTransfer names both calls."""
    caller, consult = ami("ami-L0471-Newchannel-DialBegin-DialEnd.txt"), ami("ami-L0080-Newchannel.txt")
    held, asked = caller[0]["Uniqueid"], f"consult-{consult[0]['Uniqueid']}"
    started = leg(f"pbx/{held}")
    dialled = a_fact("cx.interaction.started.v1", id="c", interaction=f"pbx/{asked}", channel="voice", at=START + DAY)
    alone = define_bodies([started, dialled], ACME, DEFAULT, MINUTE)
    assert len(alone) == 2
    transferred = leg(
        f"pbx/{asked}", START + 2 * DAY, held, type="cx.interaction.transferred.v1", transfer={"kind": "attended"}
    )
    assert conversations(started, dialled, transferred) == [
        [(f"pbx/{held}", "first", None), (f"pbx/{asked}", "reference", f"call:{held}")]
    ]


def test_a_conference_call_joins_the_conferences_conversation() -> None:
    """A room's number is used again: the conference is the room and when it began."""
    joined, left = ami("ami-confbridge-L0026.txt")[0], ami("ami-confbridge-L0043.txt")[0]
    started = "1303309500"

    def in_room(event: dict[str, str], at: Micros, since: str) -> Fact:
        room = [{"kind": "thread", "value": f"conference/{event['Conference']}/{since}"}]
        return leg(f"pbx/{event['Uniqueid']}", at, type="cx.interaction.resumed.v1", also=room)

    one = (f"pbx/{joined['Uniqueid']}", "first", None)
    other = f"pbx/{left['Uniqueid']}"
    assert conversations(in_room(joined, START, started), in_room(left, START + DAY, started)) == [
        [one, (other, "reference", f"thread:conference/1111/{started}")]
    ]
    assert conversations(in_room(joined, START, started), in_room(left, START + DAY, "1303400000")) == [
        [(other, "first", None)],
        [one],
    ]


# --- FreeSWITCH: Unique-ID and Other-Leg-Unique-ID; a CDR's uuid and bridge_uuid -------------------------------------


def test_legs_of_a_freeswitch_blind_transfer_are_one_conversation() -> None:
    lines = (RECORDED / "freeswitch/fs-esl-CHANNEL_HANGUP_COMPLETE-L35.txt").read_text(encoding="utf-8").splitlines()
    hangup = dict(line.split(": ", 1) for line in lines if ": " in line)
    own, other = hangup["Unique-ID"], hangup["Other-Leg-Unique-ID"]
    assert "bl_xfer" in hangup["Caller-Transfer-Source"]
    ended = leg(f"fs/{own}", START + DAY, other, type="cx.interaction.ended.v1", transfer={"kind": "blind"})
    assert conversations(leg(f"fs/{own}"), leg(f"fs/{other}", START + 5 * DAY), ended) == [
        [(f"fs/{own}", "first", None), (f"fs/{other}", "reference", f"call:{other}")]
    ]


def test_a_freeswitch_cdr_names_its_bridged_leg() -> None:
    variables = recorded_json("freeswitch/fs-json-cdr-L30.json")["variables"]
    own, other = variables["uuid"], variables["bridge_uuid"]
    cdr = leg(f"fs/{own}", START, other, type="cx.interaction.ended.v1")
    assert conversations(cdr, leg(f"fs/{other}", START + 5 * DAY)) == [
        [(f"fs/{own}", "first", None), (f"fs/{other}", "reference", f"call:{other}")]
    ]


# --- Genesys Cloud: one conversationId over all participants, consults, conferences and callbacks included -----------


def test_a_genesys_conversation_is_one_interaction() -> None:
    recorded = recorded_json("genesys-cloud/conversation1.json")
    facts = []
    for participant in recorded["participants"]:
        kinds = {"customer": "cx.interaction.started.v1", "acd": "cx.interaction.queued.v1"}
        type = kinds.get(participant["purpose"], "cx.interaction.answered.v1")
        for session in participant["sessions"]:
            for segment in session["segments"]:
                transferred = segment.get("disconnectType") == "transfer"
                facts.append(
                    a_fact(
                        "cx.interaction.transferred.v1" if transferred else type,
                        id=f"{session['sessionId']}/{segment['segmentStart']}",
                        interaction=f"genesys/{recorded['conversationId']}",
                        channel="chat",
                        phone=CALLER if participant["purpose"] == "customer" else "",
                        at=parse_time(segment["segmentStart"]),
                    )
                )
    assert any(fact.event.type == "cx.interaction.transferred.v1" for fact in facts)
    assert conversations(*facts) == [[(f"genesys/{recorded['conversationId']}", "first", None)]]


# --- Vonage: a uuid per leg, a conversation_uuid over them -----------------------------------------------------------


def test_the_legs_of_a_vonage_conversation_are_one_conversation() -> None:
    facts = []
    for number, name in enumerate(("12-new-call", "14-new-call-ended", "15-incoming-call")):
        event = recorded_json(f"vonage/vonage-voice-{name}.json")
        thread = [{"kind": "thread", "value": event["conversation_uuid"]}]
        type = "cx.interaction.ended.v1" if event.get("status") == "completed" else "cx.interaction.started.v1"
        facts.append(leg(f"vonage/{event['uuid']}", START + number * 5 * DAY, type=type, also=thread))
    assert conversations(*facts) == [
        [
            ("vonage/Call2", "first", None),
            ("vonage/Call4", "reference", "thread:CON-f90649c3-cbf3-42d6-9ab1-01503befac1c"),
        ]
    ]


# --- SIPREC: the recorder's session names the call that it recorded --------------------------------------------------


def test_a_recording_session_joins_its_recorded_call() -> None:
    root = ElementTree.parse(RECORDED / "siprec/siprec-index-acmepacket-metadata.xml").getroot()
    space = "{urn:ietf:params:xml:ns:recording}"
    session = root.find(f"{space}session")
    assert session is not None
    ucid = next(one.text for one in session.iter() if one.tag.endswith("ucid") and one.text).partition(";")[0]
    recording = leg(f"recorder/{session.get('id')}", START + 5 * DAY, ucid, type="cx.call.recording.v1",
                    recording={"id": session.get("id")})  # fmt: skip
    assert conversations(leg(f"pbx/{ucid}"), recording) == [
        [(f"pbx/{ucid}", "first", None), (f"recorder/{session.get('id')}", "reference", f"call:{ucid}")]
    ]


def test_a_leg_of_another_customer_is_never_joined() -> None:
    one, other = leg("pbx/1"), leg("pbx/2", START + DAY, "1", phone="+15550100999")
    bodies = define_bodies([one, other], ACME, DEFAULT, MINUTE)
    assert sorted(len(c["joined"]) for body in bodies.values() for c in body["conversations"]) == [1, 1]


def test_another_channels_id_is_never_taken_for_a_calls() -> None:
    chat = a_fact(id="m", interaction="acme-chat/1", phone=CALLER, text="hello")
    assert len(conversations(chat, leg("pbx/9", START + DAY, "1"))) == 2

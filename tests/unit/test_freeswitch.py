"""FreeSWITCH: what an event and a CDR have in common, and what either may not claim."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from tests.contract.provider_cases import cases_of, connection_of

from cx_channels.dry_run import outcome_of
from cx_channels.provider import Connection, Request
from cx_channels.readiness import setup_problems
from cx_channels.voice.freeswitch import PROVIDER
from cx_channels.voice.freeswitch.notice import read_notice
from cx_events.codec import decode
from cx_events.errors import Fatal

CALL = "0b9d3f5e-1111-4a47-8b11-000000000001"
CASES = {case.name: case for case in cases_of(PROVIDER)}


def events_by_id(*names: str) -> dict[str, list[bytes]]:
    found: dict[str, list[bytes]] = {}
    for name in names:
        case = CASES[name]
        for event in outcome_of(PROVIDER, case.request(PROVIDER), case.connection(PROVIDER)).events:
            found.setdefault(decode(event.raw).id, []).append(event.raw)
    return found


SOCKET = (
    "call-comes-in.json", "call-answered-by-menu.json", "bridged-with-agent.json", "held.json", "resumed.json",
    "bridged-after-transfer.json", "call-ended.json", "leg-to-agent.json", "leg-rings.json", "leg-early-media.json",
    "leg-answered.json", "leg-ended-plain.txt",
)  # fmt: skip
RECORDS = ("cdr-transferred.json", "cdr-second-leg.form")


def test_a_call_by_both_doors_is_the_same_events() -> None:
    live, later = events_by_id(*SOCKET), events_by_id(*RECORDS)
    assert live.keys() == later.keys()
    for id, copies in live.items():
        assert {*copies, *later[id]} == {copies[0]}, id
    roots = {decode(raw).data.interaction for copies in live.values() for raw in copies}
    assert roots == {f"try/{CALL}"}


def cdr() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(CASES["cdr-transferred.json"].content)
    return found


def posted(value: Any, *query: tuple[str, str]) -> Request:
    return Request(json.dumps(value).encode(), headers={"content-type": "application/json"}, query=query)


def test_a_url_that_names_another_leg_is_not_believed() -> None:
    connection = connection_of(PROVIDER)
    for named in (CALL, f"a_{CALL}"):
        assert PROVIDER.map(posted(cdr(), ("uuid", named)), connection).drafts
    mapped = PROVIDER.map(posted(cdr(), ("uuid", "another")), connection)
    assert not mapped.drafts
    assert "is not" in mapped.unmapped[0].reason


def test_a_retry_of_a_cdr_is_the_same_events() -> None:
    connection = connection_of(PROVIDER)
    first = PROVIDER.map(posted(cdr()), connection)
    assert PROVIDER.map(replace(posted(cdr()), received=1), connection) == first


def test_names_that_are_no_utf8_are_replaced() -> None:
    notice = read_notice(Request(b'{"Event-Name":"CHANNEL_CREATE","Caller-Caller-ID-Name":"M\xfcller"}'))
    assert notice.value["Caller-Caller-ID-Name"] == "M�ller"


def test_a_whole_frame_is_read_as_its_event() -> None:
    body = b'{"Event-Name":"CHANNEL_ANSWER","Unique-ID":"u"}'
    framed = b"Content-Length: %d\nContent-Type: text/event-json\n\n%s" % (len(body), body)
    assert read_notice(Request(framed)).value == {"Event-Name": "CHANNEL_ANSWER", "Unique-ID": "u"}


def call(**more: str) -> Request:
    headers = json.loads(CASES["call-comes-in.json"].content) | more
    return Request(json.dumps(headers).encode())


@pytest.mark.parametrize(
    ("more", "direction", "customer"),
    [
        ({}, "inbound", "+15550100123"),
        ({"Caller-Context": "default"}, "inbound", "+15550100123"),
        ({"Channel-Name": "sofia/internal/x", "variable_sip_authorized": "true"}, "internal", None),
        ({"Channel-Name": "sofia/internal/x"}, "inbound", "+15550100123"),
        ({"Caller-Orig-Caller-ID-Number": "+15550100900"}, "internal", None),
        ({"Caller-Orig-Caller-ID-Number": "1003"}, "internal", None),
        ({"Caller-Orig-Caller-ID-Number": "1003", "Caller-Destination-Number": "+15550100124"},
         "outbound", "+15550100124"),
        ({"Caller-Orig-Caller-ID-Number": "0000000000"}, "inbound", "anonymous"),
        ({"Caller-Orig-Caller-ID-Number": "Private Number"}, "inbound", "private number"),
        ({"Caller-Orig-Caller-ID-Number": "+15550100123;ext=5"}, "inbound", "+15550100123;ext=5"),
    ],
)  # fmt: skip
def test_the_customer_is_who_is_outside(more: dict[str, str], direction: str, customer: str | None) -> None:
    (draft,) = PROVIDER.map(call(**more), connection_of(PROVIDER)).drafts
    assert draft.data.direction == direction
    found = [each.value for one in draft.data.participants if one.role == "customer" for each in one.identifiers]
    assert found == ([customer] if customer else [])


def test_a_call_that_twilio_brought_names_it() -> None:
    (draft,) = PROVIDER.map(call(**{"variable_sip_h_X-Twilio-CallSid": "CA12"}), connection_of(PROVIDER)).drafts
    assert ("same-call", "CA12") in [(each.kind, each.value) for each in draft.data.references]


def with_settings(**settings: Any) -> Connection:
    return Connection("acme-pbx", "acme", PROVIDER.name, (), "US", settings)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"host": "pbx.acme.example"}, "password"),
        ({"host": "pbx.acme.example", "password": "ClueCon"}, "everybody knows"),
        ({"host": "pbx.acme.example", "password": "a\nsecret word"}, "line break"),
        ({"host": "pbx.acme.example", "password": "a secret", "port": 0}, "settings.port"),
        ({"host": 7, "password": "a secret"}, "settings.host"),
        ({"verstat": True}, "settings.verstat"),
        ({"encoded_values": "no"}, "settings.encoded_values"),
    ],
)
def test_settings_that_can_not_be_meant_are_named(settings: dict[str, Any], named: str) -> None:
    with pytest.raises(Fatal, match=named):
        PROVIDER.warnings(with_settings(**settings))


def test_a_password_of_the_socket_is_secret_enough() -> None:
    """A connection that is read by its socket alone has no credentials for CDRs."""
    ours = with_settings(host="127.0.0.1", password="ClueCon", numbers=["+15550100900"])
    assert not [each for each in setup_problems(ours, PROVIDER, "") if not each.works]
    assert [each.reason for each in setup_problems(with_settings(), PROVIDER, "") if not each.works] == ["no-secrets"]

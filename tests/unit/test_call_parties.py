"""Test who is who on a Twilio call: the connection's numbers decide, nobody is guessed; whose number is vouched for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cx_channels.kit.twilio_forms import Fields
from cx_channels.provider import Connection, Request
from cx_channels.voice.twilio import PROVIDER
from cx_channels.voice.twilio.parties import INBOUND, OUTBOUND, Parties, parties_of
from cx_events.codec import decode
from cx_events.envelope import Draft
from cx_events.errors import Refused
from cx_events.identifiers import normalise
from cx_events.ids import IdSpace
from cx_events.stamp import stamp

OURS, OURS_TOO = "+15550100199", "+15550100198"
ANA, BEN = "+15550100145", "+15550100142"
NUMBERS = {"numbers": [OURS, OURS_TOO]}
CASES = Path(__file__).parents[2].parent / "shared" / "cases" / "outside"
IDS = IdSpace("acme", b"a lasting key of acme")


def who(settings: Mapping[str, Any], region: str | None = None, **fields: str) -> Parties:
    return parties_of(Fields(fields.items()), settings, region)


def told(parties: Parties) -> dict[str, list[str]]:
    """Role to the values that stand at it, and the direction."""
    found: dict[str, list[str]] = {"direction": [parties.direction or "untold"]}
    for one in parties.participants:
        found.setdefault(one.role, []).extend(each.value for each in one.identifiers)
    return found


def from_form(name: str, settings: Mapping[str, Any], region: str | None = None) -> Parties:
    path = CASES / name
    if not path.is_file():
        assert not os.environ.get("CI"), f"the case {path} is missing"
        pytest.skip("the cases are not here")
    return parties_of(Fields(parse_qsl(path.read_text(encoding="utf-8").strip())), settings, region)


# --- with numbers ----------------------------------------------------------------------------------------------------

WITH_NUMBERS = [
    ("inbound", ANA, OURS, {"direction": ["inbound"], "customer": [ANA], "business": [OURS]}),
    ("inbound", "client:ben", ANA, {"direction": ["outbound"], "customer": [ANA], "agent": ["ben"]}),
    ("inbound", "sip:ben@acme.sip.twilio.com", ANA,
     {"direction": ["outbound"], "customer": [ANA], "agent": ["ben@acme.sip.twilio.com"]}),
    ("inbound", "sip:ben@acme.sip.twilio.com", f"sip:{ANA}@acme.sip.twilio.com",
     {"direction": ["outbound"], "customer": [f"sip:{ANA}@acme.sip.twilio.com"],
      "agent": ["ben@acme.sip.twilio.com"]}),
    ("inbound", f"sip:{OURS}@pbx.acme.example", f"sip:{ANA}@acme.sip.twilio.com;transport=tls",
     {"direction": ["outbound"], "customer": [f"sip:{ANA}@acme.sip.twilio.com;transport=tls"],
      "business": [f"sip:{OURS}@pbx.acme.example"]}),
    ("inbound", f"sip:{ANA}@sbc.example.com", f"sip:{OURS}@acme.sip.twilio.com",
     {"direction": ["inbound"], "customer": [f"sip:{ANA}@sbc.example.com"],
      "business": [f"sip:{OURS}@acme.sip.twilio.com"]}),
    ("inbound", "client:ben", "client:eve", {"direction": ["internal"], "agent": ["ben", "eve"]}),
    ("inbound", "client:ben", OURS, {"direction": ["internal"], "agent": ["ben"], "business": [OURS]}),
    ("inbound", "1001", ANA, {"direction": ["outbound"], "customer": [ANA], "agent": ["1001"]}),
    ("inbound", "sip:1001@pbx.acme.example", "sip:1002@pbx.acme.example",
     {"direction": ["internal"], "agent": ["1001", "1002"]}),
    ("inbound", OURS_TOO, OURS, {"direction": ["internal"], "business": [OURS_TOO, OURS]}),
    ("inbound", OURS, BEN, {"direction": ["internal"], "business": [OURS, BEN]}),
    ("outbound-api", OURS, ANA, {"direction": ["outbound"], "customer": [ANA], "business": [OURS]}),
    ("outbound-api", OURS, "client:ben", {"direction": ["internal"], "business": [OURS], "agent": ["ben"]}),
    ("outbound-api", ANA, BEN, {"direction": ["internal"], "agent": [BEN]}),
    ("outbound-api", ANA, OURS, {"direction": ["internal"], "business": [OURS]}),
    ("outbound-dial", OURS, ANA, {"direction": ["outbound"], "customer": [ANA], "business": [OURS]}),
    ("outbound-dial", "client:ben", ANA, {"direction": ["outbound"], "customer": [ANA], "agent": ["ben"]}),
    ("outbound-dial", ANA, BEN, {"direction": ["internal"], "agent": [BEN]}),
    ("outbound-dial", ANA, "sip:ben@acme.sip.twilio.com", {"direction": ["internal"],
     "agent": ["ben@acme.sip.twilio.com"]}),
    ("outbound-dial", ANA, "client:ben", {"direction": ["internal"], "agent": ["ben"]}),
    ("trunking-originating", ANA, OURS, {"direction": ["inbound"], "customer": [ANA], "business": [OURS]}),
    ("trunking-terminating", OURS, ANA, {"direction": ["outbound"], "customer": [ANA], "business": [OURS]}),
    ("", ANA, OURS, {"direction": ["inbound"], "customer": [ANA], "business": [OURS]}),
    ("", OURS, ANA, {"direction": ["outbound"], "customer": [ANA], "business": [OURS]}),
    ("", ANA, BEN, {"direction": ["untold"]}),
]  # fmt: skip


@pytest.mark.parametrize(("way", "caller", "called", "expected"), WITH_NUMBERS)
def test_the_numbers_decide_who_is_the_business(
    way: str, caller: str, called: str, expected: dict[str, list[str]]
) -> None:
    for names in (("From", "To"), ("Caller", "Called")):
        fields = {"Direction": way, "CallStatus": "in-progress", names[0]: caller, names[1]: called}
        assert told(who(NUMBERS, **fields)) == expected


def test_a_number_dialled_by_a_softphone_is_the_customer() -> None:
    assert told(from_form("k15-softphone.form", {"numbers": [OURS]})) == {
        "direction": ["outbound"],
        "customer": [ANA],
        "agent": ["ben"],
    }


def test_a_number_that_callers_are_forwarded_to_is_staff() -> None:
    parties = from_form("k16-calltoken.form", {"numbers": [OURS]})
    assert told(parties) == {"direction": ["internal"], "agent": ["+15550100777"]}


def test_an_extension_is_no_national_number() -> None:
    parties = from_form("k09-extension-de.form", {"numbers": ["+4930555000"]}, "DE")
    assert told(parties) == {"direction": ["internal"], "agent": ["1001"], "business": ["+4930555000"]}


@pytest.mark.parametrize(
    ("numbers", "region"),
    [
        ("+1 (555) 010-0199", None),
        (15550100199, None),
        ("5550100199", "US"),
        ("1555010019*", None),
        (["x", OURS], "DE"),
    ],
)
def test_numbers_are_known_however_they_are_written(numbers: Any, region: str | None) -> None:
    parties = who({"numbers": numbers}, region, Direction="outbound-api", From=OURS, To=ANA)
    assert told(parties) == {"direction": ["outbound"], "customer": [ANA], "business": [OURS]}


def test_a_national_business_number_is_read_by_its_region() -> None:
    parties = who({"numbers": ["030 555000"]}, "DE", Direction="outbound-api", From="+4930555000", To="+4930555001")
    assert told(parties)["business"] == ["+4930555000"]


def test_a_forwarder_showing_its_number_is_not_the_caller() -> None:
    both: list[dict[str, Any]] = [{}, {"numbers": [OURS]}]
    for settings in both:
        parties = who(settings, Direction="inbound", From=BEN, To=OURS, ForwardedFrom=BEN)
        assert told(parties) == {"direction": ["inbound"], "business": [OURS]}
    parties = who({"numbers": [OURS]}, Direction="inbound", From=ANA, To=OURS, ForwardedFrom=BEN)
    assert told(parties)["customer"] == [ANA]


def test_clients_declared_customers_are_customers() -> None:
    settings = {**NUMBERS, "clients": "customers"}
    call = {"Direction": "inbound", "From": "client:ana"}
    assert told(who(settings, **call, To=OURS)) == {
        "direction": ["inbound"], "customer": ["ana"], "business": [OURS],
    }  # fmt: skip
    assert told(who(settings, **call, To=BEN)) == {"direction": ["inbound"], "customer": ["ana"]}
    assert told(who(settings, Direction="outbound-dial", From="client:ana", To="client:bo")) == {
        "direction": ["untold"]
    }


# --- without numbers -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", [*sorted(OUTBOUND), "", "sideways"])
def test_without_numbers_an_outbound_call_names_no_customer(way: str) -> None:
    without: list[dict[str, Any]] = [{}, {"numbers": []}, {"numbers": None}]
    for settings in without:
        assert told(who(settings, Direction=way, CallStatus="in-progress", From=OURS, To=ANA)) == {
            "direction": ["untold"]
        }


def test_without_numbers_an_inbound_call_is_to_the_business() -> None:
    parties = who({}, Direction="inbound", From=ANA, To=OURS)
    assert told(parties) == {"direction": ["inbound"], "customer": [ANA], "business": [OURS]}


@pytest.mark.parametrize(
    "caller", ["client:ben", "sip:ben@acme.sip.twilio.com", f"sip:{OURS}@pbx.acme.example", "1001"]
)
def test_without_numbers_a_softphones_callee_is_not_guessed(caller: str) -> None:
    parties = who({}, Direction="inbound", From=caller, To=f"sip:{ANA}@acme.sip.twilio.com")
    assert not {"customer", "business"} & told(parties).keys()
    assert parties.direction is None


def test_a_connection_without_numbers_warns() -> None:
    def warned(settings: dict[str, Any]) -> tuple[str, ...]:
        return PROVIDER.warnings(Connection("acme-calls", "acme", PROVIDER.name, ("token",), settings=settings))

    assert "numbers" in " ".join(warned({}))
    assert warned({"numbers": []})
    assert not warned({"numbers": OURS})


# --- whatever comes --------------------------------------------------------------------------------------------------

ADDRESSES = st.sampled_from([
    "", ANA, BEN, OURS, OURS_TOO, "1001", "client:ben", "client:", "sip:ben@acme.example", f"sip:{ANA}@x.example",
    f"sip:{OURS}@x.example", f"SIPS:{OURS}@x.example:5061;user=phone", "sip:anonymous@anonymous.invalid", "+266696687",
    "anonymous", "sip:", "tel:+15550100145", "é", "+", "sip:@@;", "12345678901234567890",
])  # fmt: skip
WAYS = st.sampled_from([*sorted(INBOUND), *sorted(OUTBOUND), "", "Inbound", "else"])


@given(way=WAYS, caller=ADDRESSES, called=ADDRESSES, forwarded=ADDRESSES, numbered=st.booleans(), verdict=st.booleans())
def test_at_most_one_foreign_number_is_the_customer(
    way: str, caller: str, called: str, forwarded: str, numbered: bool, verdict: bool
) -> None:
    parties = who(
        NUMBERS if numbered else {},
        Direction=way,
        From=caller,
        To=called,
        ForwardedFrom=forwarded,
        StirVerstat="TN-Validation-Passed-A" if verdict else "",
    )
    customers = [one for one in parties.participants if one.role == "customer"]
    assert len(customers) <= 1
    for each in customers[0].identifiers if customers else []:
        if numbered:
            assert OURS not in each.value
            assert OURS_TOO not in each.value
        assert not each.verified
        assert each.weight in ("", "asserted")
        assert each.weight == "" or (verdict and each.value == caller and caller.startswith("+"))
    if customers:
        assert parties.direction in ("inbound", "outbound")


# --- what the network vouches for ------------------------------------------------------------------------------------


def weight(pairs: Mapping[str, str] | list[tuple[str, str]], settings: Mapping[str, Any] = NUMBERS) -> str:
    """The weight of the customer as it lies on the log."""
    return stamped_weight(drafted(pairs, settings))


def drafted(pairs: Mapping[str, str] | list[tuple[str, str]], settings: Mapping[str, Any] = NUMBERS) -> Draft:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    request = Request(urlencode(pairs).encode(), "POST", "https://hub.example/v1/hooks/calls", (), headers)
    mapped = PROVIDER.map(request, Connection("calls", "acme", PROVIDER.name, settings=settings))
    (draft,) = mapped.drafts
    return draft


def stamped_weight(draft: Draft) -> str:
    event = decode(stamp(draft, source="//x/y", recorded=1, ids=IDS).raw)
    (customer,) = (one for one in event.data.participants if one.role == "customer")
    (identifier,) = customer.identifiers
    return identifier.weight


CALL = {"CallSid": "CA1", "CallStatus": "ringing", "Direction": "inbound", "From": ANA, "To": OURS}


@pytest.mark.parametrize("verdict", ["TN-Validation-Passed-A", "TN-Validation-Passed-A-Passthrough"])
def test_a_number_that_its_own_carrier_attests_is_asserted(verdict: str) -> None:
    draft = drafted({**CALL, "StirVerstat": verdict})
    assert stamped_weight(draft) == "asserted"
    assert draft.data.evidence == f"StirVerstat={verdict}"


@pytest.mark.parametrize(
    "verdict",
    ["", "NULL", "No-TN-Validation", "TN-Validation-Failed", "TN-Validation-Passed", "TN-Validation-Passed-A-Diverted",
     "TN-Validation-Passed-B", "TN-Validation-Passed-C", "TN-Validation-Passed-B-Passthrough",
     "TN-Validation-Failed-A", "TN-Validation-Failed-A-Passthrough", "TN-Validation-Failed-A-Diverted",
     "tn-validation-passed-a", "TN-Validation-Passed-A-New", "TN-Validation-Passed-A, TN-Validation-Failed"],
)  # fmt: skip
def test_a_number_that_nobody_attests_is_claimed(verdict: str) -> None:
    assert weight({**CALL, "StirVerstat": verdict}) == "claimed"
    assert weight(CALL) == "claimed"


def test_the_vendors_verdict_is_kept_whatever_it_says() -> None:
    draft = drafted({**CALL, "StirVerstat": "TN-Validation-Failed-B"})
    assert draft.data.evidence == "StirVerstat=TN-Validation-Failed-B"
    assert b"TN-Validation-Failed-B" in bytes(draft.data.raw)  # type: ignore[arg-type]


def test_two_verdicts_count_as_none() -> None:
    said = [("StirVerstat", "TN-Validation-Failed"), ("StirVerstat", "TN-Validation-Passed-A")]
    for order in (said, said[::-1]):
        draft = drafted([*CALL.items(), *order])
        assert stamped_weight(draft) == "claimed"
        assert draft.data.evidence == ""


@pytest.mark.parametrize(
    "changes",
    [{"From": f"sip:{ANA}@sbc.example.com"}, {"From": "client:ana"}, {"ForwardedFrom": BEN},
     {"Direction": "outbound-api", "From": OURS, "To": ANA},
     {"Direction": "trunking-terminating", "From": OURS, "To": ANA}],
)  # fmt: skip
def test_a_verdict_vouches_only_for_direct_network_calls(changes: Mapping[str, str]) -> None:
    fields = {**CALL, "StirVerstat": "TN-Validation-Passed-A", **changes}
    assert weight(fields, {**NUMBERS, "clients": "customers"}) == "claimed"


def test_the_attestation_of_our_own_call_proves_nothing() -> None:
    fields = {**CALL, "Direction": "outbound-api", "From": OURS, "To": ANA, "StirStatus": "A"}
    assert weight(fields) == "claimed"


def test_a_forwarding_number_equal_to_the_called_is_ignored() -> None:
    """Some carriers name the called number itself."""
    assert weight({**CALL, "StirVerstat": "TN-Validation-Passed-A", "ForwardedFrom": OURS}) == "asserted"


@pytest.mark.parametrize("typed", [{"Digits": "4929"}, {"SpeechResult": "my PIN is 4929"}])
def test_what_a_caller_types_or_says_proves_nothing(typed: Mapping[str, str]) -> None:
    fields = {**CALL, "CallStatus": "in-progress", **typed}
    assert weight(fields) == "claimed"


# --- what a caller can choose ----------------------------------------------------------------------------------------


def test_a_softphone_cannot_attach_its_call_to_another() -> None:
    """What a Voice SDK client adds comes beside Twilio's own parameters."""
    draft = drafted({**CALL, "From": "client:eve", "ParentCallSid": "CA-of-somebody"})
    assert draft.data.interaction == "calls/CA1"


@pytest.mark.parametrize("name", ["CallSid", "From", "To", "Direction", "CallStatus", "ParentCallSid"])
def test_a_field_that_names_the_call_must_be_unique(name: str) -> None:
    pairs = [*{"ParentCallSid": "CA0", **CALL}.items(), (name, "another")]
    for order in (pairs, pairs[::-1]):
        with pytest.raises(Refused) as caught:
            drafted(order)
        assert (caught.value.reason, name in caught.value.detail) == ("ambiguous", True)
    drafted([*CALL.items(), *CALL.items()])


@pytest.mark.parametrize(
    "said",
    [{"RecordingSid": "RE1", "RecordingStatus": "completed", "RecordingUrl": "https://x.example/RE1"},
     {"RecordingSid": "RE1", "RecordingUrl": "https://x.example/RE1", "RecordingDuration": "3"},
     {"TranscriptionSid": "TR1", "TranscriptionText": "hello", "TranscriptionStatus": "completed"},
     {"TranscriptionSid": "GT1", "TranscriptionEvent": "transcription-content", "SequenceId": "2",
      "TranscriptionData": '{"transcript": "hello"}'},
     {"Digits": "1"}, {"SpeechResult": "hello"}, {"HandoffData": "{}", "SessionId": "VX1"},
     {"QueueSid": "QU1", "QueueTime": "3"}, {"DialCallStatus": "completed", "DialCallSid": "CA9"}],
)  # fmt: skip
def test_events_of_two_calls_never_share_an_id(said: Mapping[str, str]) -> None:
    one, other = (drafted({**CALL, "CallStatus": "in-progress", "CallSid": sid, **said}) for sid in ("CA1", "CA2"))
    assert one.id != other.id
    assert one.id.startswith("CA1/")


def test_a_call_beside_a_messages_id_is_a_call() -> None:
    assert drafted({**CALL, "From": "client:eve", "To": "", "MessageSid": "SM1"}).type == "cx.interaction.started.v1"


def test_words_on_a_leg_to_staff_are_the_agents() -> None:
    fields = {**CALL, "Direction": "outbound-dial", "From": ANA, "To": "client:ben", "CallStatus": "in-progress"}
    assert [line.role for line in drafted({**fields, "SpeechResult": "I am rude"}).data.transcript] == ["agent"]
    assert [
        line.role for line in drafted({**CALL, "CallStatus": "in-progress", "SpeechResult": "hi"}).data.transcript
    ] == ["customer"]


# --- extensions ------------------------------------------------------------------------------------------------------


def values(parties: Parties, region: str | None = None) -> list[tuple[str, str, str, str, str]]:
    """Return role, kind, scope, normal form and what makes it unusable, of every identifier of a call."""
    return [
        (person.role, each.kind, each.scope, each.value, each.unusable)
        for person in parties.participants
        for each in (normalise(identifier, region) for identifier in person.identifiers)
    ]


@pytest.mark.parametrize("region", ["DE", "AT", "US", None])
@pytest.mark.parametrize("caller", ["1001", "sip:10010@pbx.example", "sip:123456@pbx.example;transport=tls"])
def test_an_extension_is_an_agents_and_scoped_by_connection(caller: str, region: str | None) -> None:
    fields = Fields({"Direction": "inbound", "CallStatus": "ringing", "From": caller, "To": "+4930555000"}.items())
    found = values(parties_of(fields, {}, region, "acme-calls"), region)
    assert [each for each in found if each[0] == "customer"] == []
    extension = caller.removeprefix("sip:").partition("@")[0]
    assert ("agent", "extension", "acme-calls", extension, "") in found


def test_a_call_from_an_extension_names_no_usable_telephone() -> None:
    found = values(from_form("k09-extension-de.form", {}, "DE"), "DE")
    assert [each for each in found if each[1] == "phone" and not each[4] and each[0] == "customer"] == []


@pytest.mark.parametrize(
    ("caller", "normal"),
    [
        (f"sip:{ANA};ext=5@sbc.example", f"{ANA};ext=5"),
        (f"sip:{ANA.replace('+', '%2B')}@sbc.example", ANA),
        (f"sip:{ANA.replace('+', '%2b')};ext=5@sbc.example;user=phone", f"{ANA};ext=5"),
        ("sip:0049305550123@sbc.example", "+49305550123"),
    ],
)
def test_a_callers_number_over_sip_has_its_extension(caller: str, normal: str) -> None:
    found = values(who(NUMBERS, "DE", Direction="inbound", CallStatus="ringing", From=caller, To=OURS), "DE")
    assert ("customer", "phone", "", normal, "") in found


def test_an_extension_of_a_number_of_ours_is_ours() -> None:
    found = who(NUMBERS, Direction="inbound", CallStatus="ringing", From=ANA, To=f"sip:{OURS};ext=7@sbc.example")
    assert [(one.role, len(one.identifiers)) for one in found.participants] == [("customer", 1), ("business", 1)]


def test_a_local_number_over_sip_in_germany_is_nobodys() -> None:
    caller = "sip:5550123@pbx.example"
    found = values(who({"numbers": ["+4930555000"]}, "DE", Direction="inbound", From=caller, To="+4930555000"), "DE")
    assert ("customer", "phone", "", caller, "invalid") in found

"""Twilio voice: who signed, who is who, when, which call, and what retries become."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from cx_channels.dry_run import guess_content_type, recorded_request
from cx_channels.kit.signing import sha256_hex, sign
from cx_channels.kit.times import rfc2822_time
from cx_channels.provider import Connection, Mapped, Request
from cx_channels.readiness import NO_SECRETS, TOO_SHORT, setup_problems
from cx_channels.voice.twilio import PROVIDER
from cx_channels.voice.twilio.mapping import IGNORED, KINDS, expects_twiml
from cx_events.envelope import Draft
from cx_events.errors import Fatal, Refused
from cx_events.identifiers import normalise
from cx_events.timestamps import format_time

VECTORS = Path(__file__).parents[2].parent / "shared" / "fixtures" / "signatures" / "twilio"
FIXTURES = Path(str(__import__("cx_channels.voice.twilio", fromlist=["x"]).__file__)).parent / "fixtures"
FORM = "application/x-www-form-urlencoded"
URL = "https://hub.example.com/v1/hooks/acme-calls"
ANA, HUB, BEN = "+14155550100", "+14155550199", "+14155550142"


def connection(**settings: Any) -> Connection:
    return Connection("acme-calls", "acme", PROVIDER.name, secrets=("new", "old"), settings=settings)


def form(
    fields: Mapping[str, str] | list[tuple[str, str]], *, url: str = URL, headers: Mapping[str, str] | None = None
) -> Request:
    return Request(urlencode(fields).encode(), "POST", url, (), {"content-type": FORM, **(headers or {})})


def only(mapped: Mapped) -> Draft:
    assert len(mapped.drafts) == 1, mapped
    return mapped.drafts[0]


def mapped(settings: Mapping[str, Any] | None = None, **fields: str) -> Draft:
    return only(PROVIDER.map(form({"CallSid": "CA1", **fields}), connection(**(settings or {}))))


def people(draft: Draft) -> list[tuple[str, list[str]]]:
    return [(p.role, [f"{i.kind}:{i.value}" for i in p.identifiers]) for p in draft.data.participants]


def verified(request: Request, *secrets: str) -> bool:
    assert PROVIDER.verify is not None
    try:
        PROVIDER.verify(request, Connection("c", "acme", PROVIDER.name, secrets=secrets))
    except Refused as refused:
        assert refused.status == 401
        return False
    return True


# --- signatures ------------------------------------------------------------------------------------------------------


def vectors() -> list[Path]:
    return sorted(VECTORS.glob("*.json")) or [VECTORS / "none"]


@pytest.mark.parametrize("path", vectors(), ids=lambda path: path.name)
def test_twilios_own_signature_vectors_pass(path: Path) -> None:
    if not path.is_file():
        assert not os.environ.get("CI"), f"the vectors {path} are missing"
        pytest.skip("the vectors are not here")
    vector = json.loads(path.read_bytes())
    headers = {"x-twilio-signature": vector["expected"]}
    if "body" in vector:
        body, headers["content-type"] = vector["body"].encode(), "application/json"
    else:
        body, headers["content-type"] = urlencode(vector["params"]).encode(), FORM
    request = Request(body, "POST", vector["url"], (), headers)
    assert verified(request, vector["auth_token"]) is vector["valid"]
    assert not verified(request, "54321")
    assert not verified(Request(body + b"&x=1", "POST", vector["url"], (), headers), vector["auth_token"])
    assert not verified(Request(body, "POST", vector["url"] + "&x=1", (), headers), vector["auth_token"])


def signed(request: Request, text: str, secret: str = "new") -> Request:
    signature = sign(secret, text.encode(), "sha1", "base64")
    return Request(
        request.body, request.method, request.url, request.query, {**request.headers, "x-twilio-signature": signature}
    )


def test_both_tokens_pass_while_one_is_rotated() -> None:
    request = form({"CallSid": "CA1"})
    for secret in ("new", "old"):
        assert verified(signed(request, URL + "CallSidCA1", secret), "new", "old")
    assert not verified(signed(request, URL + "CallSidCA1", "older"), "new", "old")


def test_a_repeated_parameter_counts_once_per_value_in_order() -> None:
    request = form([("b", "2"), ("a", "y"), ("a", "x"), ("a", "y"), ("empty", "")])
    assert verified(signed(request, URL + "axay" + "b2" + "empty"), "new")


def test_a_get_is_signed_over_its_url_alone() -> None:
    url = f"{URL}?CallSid=CA1&CallStatus=completed"
    request = Request(b"", "GET", url, (("CallSid", "CA1"), ("CallStatus", "completed")), {})
    assert verified(signed(request, url), "new")
    assert not verified(signed(request, URL), "new")


@pytest.mark.parametrize("called", [URL, URL.replace(".com", ".com:443"), URL.replace(".com", ".com:8443")])
@pytest.mark.parametrize("with_port", [True, False])
def test_the_url_passes_with_and_without_its_port(called: str, with_port: bool) -> None:
    port = called.split(".com")[1].split("/")[0] or ":443"
    text = URL.replace(".com", f".com{port}") if with_port else URL
    assert verified(signed(form({"CallSid": "CA1"}, url=called), text + "CallSidCA1"), "new")


@pytest.mark.parametrize(
    ("called", "signed_query"),
    [
        ("?Caller=sip%3A10%40192.0.2.1", "?Caller=sip:10@192.0.2.1"),
        ("?Caller=sip%3a10%40192.0.2.1&Menu=a%2Fb", "?Caller=sip:10@192.0.2.1&Menu=a%2Fb"),
        ("?name=a%22b", "?name=a%22b"),
        ('?name=a"b', "?name=a%22b"),
        ("?a=1&b=2&a=3", "?a=1&a=3&b=2"),
        ("?a=x+y", "?a=x%20y"),
    ],
)
def test_every_url_form_of_twilios_libraries_passes(called: str, signed_query: str) -> None:
    request = Request(b"", "GET", URL + called, (), {})
    assert verified(signed(request, URL + signed_query), "new")
    assert verified(signed(request, URL.replace(".com", ".com:443") + signed_query), "new")
    assert not verified(signed(request, URL + signed_query + "0"), "new")


@pytest.mark.parametrize("called", [URL, URL.replace(".com", ".com:8443")])
@pytest.mark.parametrize("user", ["", "ana:secret@"])
@pytest.mark.parametrize("with_port", [True, False])
def test_a_url_with_credentials_passes_with_and_without_them(called: str, user: str, with_port: bool) -> None:
    port = ":8443" if "8443" in called else ":443"
    text = f"https://{user}hub.example.com{port if with_port else ''}/v1/hooks/acme-calls"
    request = Request(b"", "GET", called.replace("://", "://ana:secret@"), (), {})
    assert verified(signed(request, text), "new")


KEY_ID, KEY = "webhooks_sharedkey_example", "example-shared-key"
SIGNED_BY_KEY = (
    b"ToCountry=US&MessageSid=SM00000000000000000000000000000001&AccountSid=AC00000000000000000000000000000001"
    b"&From=%2B14155550100&To=%2B14155550199&Body=caf%C3%A9+%2B1&NumMedia=0&FromCity="
)
# What Twilio's own library (PyPI: twilio 9.13.0, RequestValidator.compute_signature) makes of the request above.
SHA256, SHA1 = "RJDq7nDWvtOxBiRd5T7HS52dz6mfdCR56EiacbQ5UbM=", "R6N8IMwl5q62S+fmWUzv78z2wAo="
BY_TOKEN = "LRnGx8t1NL9NRTMJQmR/Z9GFeJQ="


def by_key(signature: str, header: str | None, keys: Any = {KEY_ID: KEY}, tokens: tuple[str, ...] = ()) -> str:  # noqa: B006
    """Return why a request is refused that a shared key may have signed, or nothing."""
    headers = {"content-type": FORM, "x-twilio-signature": signature}
    if header is not None:
        headers["x-twilio-webhooks-signature-settings"] = header
    request = Request(SIGNED_BY_KEY, "POST", "https://hub.example.com/v1/hooks/acme-sms?a=1&b=%20x", (), headers)
    assert PROVIDER.verify is not None
    try:
        PROVIDER.verify(request, Connection("c", "acme", PROVIDER.name, tokens, settings={"shared_keys": keys}))
    except Refused as refused:
        assert refused.status == 401
        assert KEY not in refused.detail
        return refused.detail
    return ""


def test_a_shared_key_signs_when_the_settings_header_says() -> None:
    assert by_key(SHA256, f"key={KEY_ID},algorithm=HMAC_SHA256") == ""
    assert by_key(SHA256, f" algorithm = hmac_sha256 , key = {KEY_ID} ") == ""
    assert by_key(SHA256, f"key={KEY_ID},algorithm=HMAC_SHA256", {"other": "x", KEY_ID: KEY}) == ""
    assert by_key(SHA256, "algorithm=HMAC_SHA256", {"other": "x", KEY_ID: KEY}) == ""
    assert by_key(SHA1, f"key={KEY_ID},algorithm=HMAC_SHA1") == ""
    assert by_key(SHA1, f"key={KEY_ID}") == ""


def test_the_settings_header_changes_neither_what_signs_nor_how() -> None:
    settings = f"key={KEY_ID},algorithm=HMAC_SHA256"
    token = "example-auth-token"
    assert by_key(BY_TOKEN, None, tokens=(token,)) == ""
    assert by_key(BY_TOKEN, settings, tokens=(token,)) != ""
    assert by_key(BY_TOKEN, f"key={KEY_ID},algorithm=HMAC_SHA1", tokens=(token,)) != ""
    for signature in (SHA256, SHA1):
        assert by_key(signature, None, tokens=(token,)) != ""
        assert by_key(signature, "", tokens=(token,)) != ""
        assert by_key(signature, None) != ""
    assert by_key(SHA1, settings) != ""
    assert by_key(SHA256, f"key={KEY_ID},algorithm=HMAC_SHA1") != ""


def test_an_unusable_settings_header_says_why() -> None:
    assert "HMAC_MD5" in by_key(SHA256, f"key={KEY_ID},algorithm=HMAC_MD5")
    assert "webhooks_sharedkey_new" in by_key(SHA256, "key=webhooks_sharedkey_new,algorithm=HMAC_SHA256")
    assert "no shared_keys" in by_key(SHA256, f"key={KEY_ID},algorithm=HMAC_SHA256", {}, (KEY,))
    assert "twice" in by_key(SHA256, f"key={KEY_ID},algorithm=HMAC_SHA256, key=x,algorithm=HMAC_SHA1")


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        (["webhooks_sharedkey_x"], "expected a mapping"),
        ("webhooks_sharedkey_x", "expected a mapping"),
        ({"webhooks_sharedkey_x": ""}, "has no secret"),
        ({"webhooks_sharedkey_x": None}, "has no secret"),
        ({"key=webhooks_sharedkey_x": "s"}, "is no id"),
        ({"webhooks_sharedkey_x": "new"}, "stands among secrets"),
    ],
)
def test_invalid_shared_keys_stop_a_start(keys: Any, why: str) -> None:
    with pytest.raises(Fatal, match=why):
        PROVIDER.warnings(connection(shared_keys=keys))


def test_a_connection_that_nothing_can_sign_for_says_so() -> None:
    def reasons(of: Connection) -> list[str]:
        return [each.reason for each in setup_problems(of, PROVIDER, "https://hub.example.com")]

    def bare(**settings: Any) -> list[str]:
        return reasons(Connection("c", "acme", PROVIDER.name, settings={"numbers": [HUB], **settings}))

    assert bare() == [NO_SECRETS]
    assert bare(shared_keys={KEY_ID: KEY}) == []
    assert reasons(connection(numbers=[HUB])) == [TOO_SHORT, TOO_SHORT]


@pytest.mark.parametrize("signed_query", ["?name=O'Hara%20(Bo)", "?name=O%27Hara%20(Bo)"])
@pytest.mark.parametrize("query", ["?name=O'Hara%20(Bo)", "?name=O%27Hara%20(Bo)", "?name=O%27Hara%20%28Bo%29"])
def test_the_url_passes_however_its_quotes_are_escaped(query: str, signed_query: str) -> None:
    """Proxies and Twilio's products differ in it; so its Node library tries both, and so do we."""
    request = form({"CallSid": "CA1"}, url=URL + query)
    ours = signed(request, URL + signed_query + "CallSidCA1")
    if "%28" in query and "%27" in signed_query:
        return  # neither how it was called nor how it would be written anew
    assert verified(ours, "new")
    assert not verified(signed(request, URL + "?name=O%22Hara%20(Bo)CallSidCA1"), "new")


def test_a_json_body_without_its_hash_is_refused() -> None:
    body = b'{"a":1}'
    for query in ("", "?bodySHA256=" + sha256_hex(b"{}")):
        request = Request(body, "POST", URL + query, (), {"content-type": "application/json"})
        assert not verified(signed(request, URL + query), "new")
    url = f"{URL}?bodySHA256={sha256_hex(body)}"
    assert verified(signed(Request(body, "POST", url, (), {"content-type": "application/json"}), url), "new")


# --- times -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Sun, 25 Mar 2018 09:53:19 +0000", "2018-03-25T09:53:19Z"),
        ("Sun, 09 Feb 2020 09:30:03 Etc/UTC", "2020-02-09T09:30:03Z"),
        ("Thurs, 20 July 1989 18:30:43 +0000", "1989-07-20T18:30:43Z"),
        ("Mon, 5 Jan 2026 01:02:03 GMT", "2026-01-05T01:02:03Z"),
        ("5 Jan 2026 01:02:03", "2026-01-05T01:02:03Z"),
        ("Mon, 05 Jan 2026 01:02:03 -0530", "2026-01-05T06:32:03Z"),
        ("2026-11-22T09:30:05.437Z", "2026-11-22T09:30:05.437000Z"),
    ],
)
def test_times_are_read_in_every_form_that_occurs(text: str, expected: str) -> None:
    at = rfc2822_time(text)
    assert at is not None
    assert format_time(at) == expected


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "Sun, 31 Feb 2026 01:02:03 +0000", "Sun, 01 Feb 2026 25:00:00 +0000", "1 Foo 2026 01:02:03",
     "Sun, 01 Feb 2026 01:02:03 Mars/Base", "2026-11-22T09:30:05", "1700000000", "٠١ Feb 2026 01:02:03"],
)  # fmt: skip
def test_an_unreadable_time_is_none(text: str) -> None:
    assert rfc2822_time(text) is None


# --- who is who ------------------------------------------------------------------------------------------------------


def test_the_customer_is_who_calls_in() -> None:
    draft = mapped(CallStatus="ringing", Direction="inbound", From=ANA, To=HUB, CallerName="ANA SILVA")
    assert people(draft) == [("customer", [f"phone:{ANA}"]), ("business", [f"phone:{HUB}"])]
    assert draft.data.participants[0].name == "ANA SILVA"
    assert draft.data.direction == "inbound"


@pytest.mark.parametrize("way", ["outbound-api", "outbound", "outbound-dial", "trunking-terminating"])
def test_the_customer_is_who_is_called(way: str) -> None:
    draft = mapped({"numbers": [HUB]}, CallStatus="completed", Direction=way, From=HUB, To=ANA, CallerName="Acme")
    assert people(draft) == [("customer", [f"phone:{ANA}"]), ("business", [f"phone:{HUB}"])]
    assert draft.data.participants[0].name == ""
    assert draft.data.direction == "outbound"


def test_a_leg_to_listed_staff_names_no_customer() -> None:
    leg = {"CallStatus": "in-progress", "SequenceNumber": "2", "Direction": "outbound-dial", "ParentCallSid": "CA0"}
    for staff in (BEN, "1415555014*", "+1 (415) 555-0142"):
        draft = mapped({"staff": [staff]}, From=HUB, To=BEN, **leg)
        assert people(draft) == [("agent", [f"phone:{BEN}"])]
        assert draft.data.direction == "internal"
        assert draft.data.agent is not None
        assert draft.data.agent.id == BEN


def test_a_leg_without_numbers_of_ours_is_to_staff() -> None:
    leg = {"CallStatus": "ringing", "SequenceNumber": "1", "Direction": "outbound-dial", "ParentCallSid": "CA0"}
    assert people(mapped({"numbers": [HUB]}, From=ANA, To=BEN, **leg)) == [("agent", [f"phone:{BEN}"])]
    ours = mapped({"numbers": [HUB]}, From=HUB, To=ANA, **leg)
    assert people(ours) == [("customer", [f"phone:{ANA}"]), ("business", [f"phone:{HUB}"])]


def test_softphones_are_staff_unless_declared_customers() -> None:
    call = {"CallStatus": "ringing", "Direction": "inbound", "To": HUB}
    assert people(mapped({}, From="client:ben", **call))[0] == ("agent", ["twilio-client:ben"])
    desk_phone = mapped({}, From="sip:ben@acme.sip.example.com", **call)
    assert people(desk_phone)[0] == ("agent", ["sip:ben@acme.sip.example.com"])
    assert people(mapped({"clients": "customers"}, From="client:ana", **call))[0] == (
        "customer",
        ["twilio-client:ana"],
    )


@pytest.mark.parametrize(
    "caller",
    [
        "sip:anonymous@anonymous.invalid", "SIP:Restricted@10.0.0.1;user=phone", "sip:withheld@10.0.0.1",
        "sip:Private%20Number@10.0.0.1", "sip:no-caller-id@10.0.0.1",
    ],
)  # fmt: skip
def test_a_nameless_sip_caller_is_a_withheld_customer(caller: str) -> None:
    draft = mapped({}, From=caller, CallStatus="ringing", Direction="inbound", To=HUB)
    assert draft.data.direction == "inbound"
    customer, business = draft.data.participants
    assert (customer.role, business.role) == ("customer", "business")
    assert [normalise(each).unusable for each in customer.identifiers] == ["withheld"]


@pytest.mark.parametrize(("way", "status"), [("inbound", "ringing"), ("outbound-api", "completed")])
def test_a_call_from_the_called_number_is_nobodys(way: str, status: str) -> None:
    """A caller who shows our own number (spoofed) would otherwise be one customer with all who do so."""
    for ours in ("+1 415 555 0199", "sip:+14155550199@sbc.example.com:5060"):
        draft = mapped({"numbers": [HUB]}, From=HUB, To=ours, Direction=way, CallStatus=status)
        assert [p.role for p in draft.data.participants if p.identifiers] == ["business"]


def test_without_a_direction_only_ringing_calls_name_the_caller() -> None:
    assert people(mapped(CallStatus="ringing", Caller=ANA)) == [("customer", [f"phone:{ANA}"])]
    assert people(mapped(CallStatus="completed", Caller=ANA)) == []


# --- which call, and ids ---------------------------------------------------------------------------------------------


def test_all_legs_of_a_call_are_one_interaction() -> None:
    leg = mapped(CallStatus="completed", ParentCallSid="CA0", Direction="outbound-dial", From=HUB, To="client:ben")
    root = only(PROVIDER.map(form({"CallSid": "CA0", "CallStatus": "completed"}), connection()))
    assert leg.data.interaction == root.data.interaction == "acme-calls/CA0"
    assert leg.type == "cx.interaction.routed.v1"
    assert root.type == "cx.interaction.ended.v1"
    assert [(r.kind, r.value) for r in leg.data.references] == [("call", "CA1"), ("same-call", "CA1")]
    assert [(r.kind, r.value) for r in root.data.references] == [("call", "CA0")]


RECORDED = {"RecordingUrl": "https://api.example.com/RE1", "RecordingSid": "RE1", "RecordingDuration": "30"}


@pytest.mark.parametrize(
    "reported", [{"CallbackSource": "call-progress-events", "SequenceNumber": "3"}, {"CallDuration": "33"}]
)
def test_a_call_that_was_recorded_ends_with_its_callback(reported: dict[str, str]) -> None:
    """``RecordingUrl`` stands in the last status callback of a call that was asked to be recorded."""
    fields = {"CallSid": "CA1", "CallStatus": "completed", "Direction": "outbound-api", **RECORDED, **reported}
    draft = mapped({}, **fields)
    assert draft.type == "cx.interaction.ended.v1"
    assert draft.data.recording is not None
    assert (draft.data.recording.id, draft.data.recording.duration_ms) == ("RE1", 30_000)
    assert not expects_twiml(form(fields))
    asked = mapped({}, CallStatus="completed", Digits="hangup", **RECORDED)
    assert asked.type == "cx.call.recording.v1"


def test_a_recording_ending_after_9999_stands_at_its_start() -> None:
    began = "Sun, 22 Nov 2026 09:31:02 +0000"
    draft = mapped({}, RecordingStatus="completed", RecordingStartTime=began, RecordingDuration="628111253636")
    assert draft.time == rfc2822_time(began)
    assert rfc2822_time("Fri, 31 Dec 9999 23:59:59 -1200") is None


def test_durations_are_read_in_seconds_not_billed_minutes() -> None:
    assert mapped(CallStatus="completed", Duration="1", CallDuration="49").data.duration_ms == 49_000
    assert mapped(CallStatus="completed", Duration="1").data.duration_ms is None


def test_a_retried_status_callback_is_the_same_event() -> None:
    fields = {"CallSid": "CA1", "CallStatus": "ringing", "SequenceNumber": "1"}

    def sent(token: str, **changes: str) -> str:
        request = form({**fields, **changes}, headers={"i-twilio-idempotency-token": token})
        return only(PROVIDER.map(request, connection())).id

    assert sent("a") == sent("b")
    ids = {sent("a"), sent("a", SequenceNumber="2"), sent("a", CallStatus="completed"), sent("a", CallSid="CA2")}
    assert len(ids) == 4


def test_requests_without_ids_are_known_by_token_or_content() -> None:
    fields = {"CallSid": "CA1", "CallStatus": "in-progress", "Digits": "1"}

    def sent(url: str = URL, headers: Mapping[str, str] | None = None, **changes: str) -> str:
        return only(PROVIDER.map(form({**fields, **changes}, url=url, headers=headers), connection())).id

    token = {"i-twilio-idempotency-token": "t-1"}
    other = {"i-twilio-idempotency-token": "t-2"}
    assert sent(headers=token) == sent(headers=token)
    assert sent(headers=token) != sent(headers=other)
    assert sent() == sent()
    assert len({sent(), sent(Digits="2"), sent(url=URL + "?menu=2")}) == 3


def test_masked_digits_stand_nowhere_in_the_event() -> None:
    fields = {"CallSid": "CA1", "CallStatus": "in-progress", "Digits": "4929"}
    request = form(fields)
    draft = only(PROVIDER.map(request, connection(mask_digits=True)))
    assert draft.data.digits == "****"
    assert b"4929" not in bytes(draft.data.raw)  # type: ignore[arg-type]
    same_length = only(PROVIDER.map(form({**fields, "Digits": "1111"}), connection(mask_digits=True)))
    assert draft.id == same_length.id, "a digest of the digits could be found by trying"


def test_a_conferences_numbers_do_not_order_the_call() -> None:
    draft = mapped(ConferenceSid="CF1", StatusCallbackEvent="participant-unhold", SequenceNumber="9")
    assert draft.sequence is None
    assert draft.type == "cx.interaction.resumed.v1"


def test_odd_call_ids_make_sound_event_ids() -> None:
    for sid in ("CA\0\n1", "x" * 5000, "é"):
        draft = only(PROVIDER.map(form({"CallSid": sid, "CallStatus": "completed"}), connection()))
        assert draft.id.isascii()
        assert draft.id.isprintable()
        assert len(draft.id) < 100


# --- kinds and answers -----------------------------------------------------------------------------------------------


def fixture_request(path: Path) -> Request:
    return recorded_request(PROVIDER, path.read_bytes(), filename=path.name)


def test_no_kind_is_both_mapped_and_ignored() -> None:
    assert not set(KINDS) & set(IGNORED)


@pytest.mark.parametrize(
    ("name", "twiml"),
    [
        ("voice-inbound.form", True),
        ("gather-digits.form", True),
        ("dial-no-answer.form", True),
        ("queue-waiting.form", True),
        ("amd-with-the-call.form", True),
        ("no-call.form", True),
        ("malformed.json", True),
        ("amd.form", False),
        ("status-completed.form", False),
        ("recording-completed.form", False),
        ("conference-join.form", False),
        ("realtime-content.form", False),
        ("unknown-status.form", False),
    ],
)
def test_only_requests_for_twiml_get_a_document(name: str, twiml: bool) -> None:
    answer = PROVIDER.answer(Mapped(), fixture_request(FIXTURES / name))
    if twiml:
        assert (answer.status, answer.content_type) == (200, "text/xml; charset=utf-8")
        assert answer.body.endswith(b"<Response/>")
    else:
        assert (answer.status, answer.body) == (204, b"")


def test_a_request_without_a_call_is_refused_by_name() -> None:
    with pytest.raises(Refused) as caught:
        PROVIDER.map(form({"CallStatus": "in-progress", "timeout": "true", "wait_type": "gather"}), connection())
    assert caught.value.reason == "no-call-sid"
    assert "wait_type" in caught.value.detail


def test_too_many_fields_are_refused_and_card_data_ignored() -> None:
    with pytest.raises(Refused) as caught:
        PROVIDER.map(form([("a", str(n)) for n in range(1001)]), connection())
    assert caught.value.reason == "malformed"
    paid = PROVIDER.map(form({"CallSid": "CA1", "CallStatus": "in-progress", "PaymentCardNumber": "x1"}), connection())
    assert [ignored.kind for ignored in paid.ignored] == ["pay"]
    assert not paid.drafts


def test_a_recordings_kind_is_guessed_from_name_or_bytes() -> None:
    assert guess_content_type(PROVIDER, b"a=1", "x.form") == FORM
    assert guess_content_type(PROVIDER, b"a=1", "x") == FORM
    assert guess_content_type(PROVIDER, b' {"a":1}', "") == "application/json"
    assert guess_content_type(PROVIDER, b"{}", "x.json.txt") == "application/json"
    assert guess_content_type(PROVIDER, b"--b1\r\nX: y", "") == 'multipart/form-data; boundary="b1"'

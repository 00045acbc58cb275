"""Test what identifies nobody, in each kind and spelling, and what only looks like it."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cx_events.client_events import accept
from cx_events.codec import decode
from cx_events.envelope import Data, Draft, Identifier, Message, Participant
from cx_events.facts import customer_identifiers, stream_id_of
from cx_events.ids import IdSpace
from cx_events.junk import DEFAULT_JUNK, WORDS, Junk, is_known_junk, is_lost_value, names_nobody
from cx_events.stamp import prepare_data, stamp
from cx_events.testing.builders import ACME, START
from cx_events.timestamps import parse_time
from cx_events.weights import PROVED

IDS = IdSpace("acme", b"k" * 32)
NOW = parse_time("2026-11-22T10:05:00Z")
OWN_KINDS = ("crm", "account", "cookie")
KINDS = (*OWN_KINDS, "email", "phone", "line", "telegram", "x")
NIL = "00000000-0000-0000-0000-000000000000"


def found(kind: str, value: str, weight: str = "", junk: Junk = DEFAULT_JUNK) -> Identifier:
    """The identifier as an event with it lies on the log."""
    given = Identifier(kind=kind, value=value, weight=weight)  # type: ignore[arg-type]
    data = Data(participants=[Participant(role="customer", identifiers=[given])], message=Message(text="hi"))
    raw = stamp(
        Draft(type="cx.message.received.v1", id="1", data=data), source="//s", recorded=START, ids=ACME, junk=junk
    ).raw
    return decode(raw).data.participants[0].identifiers[0]


@pytest.mark.parametrize(
    "value",
    [
        "undefined", "null", "none", "nil", "0", "unknown", "anonymous", "guest", "test", "n/a", "[object Object]",
        "NaN", NIL, "xxx", "aaaa", "1111111",
        "UNDEFINED", " Null ", '"none"', "'nil'", "(null)", "[unknown]", "<nil>", "{undefined}", "`test`", "“null”",
        "N/A", "n.a.", "n.\u202fa.", "NA", "#N/A", "n / a", "-", "--", "...", "?", '""', "[]", "{}",
        "[object Undefined]", "[object HTMLInputElement]", "undefined undefined", "null,null", "null-undefined",
        "Not set", "not_available", "anonymousUser", "unknown caller",
        "00", "0000000000", "0.0", "-0", "-1", "0x0", "0x0000",
        NIL.upper(), f"{{{NIL}}}", f"urn:uuid:{NIL}", NIL.replace("-", ""), "ffffffff-ffff-ffff-ffff-ffffffffffff",
        "ＮＵＬＬ", "unde\u00adfined", "\u200bnull\u200b", "{{ customer.id }}", "${userId}", "%{email}", "<%= user %>",
        "true", "False",
        "—", "–", "«»", "{user_id}", "{customer.id}", "%USER_ID%", "%%email%%", "*|EMAIL|*", "[[account_id]]",
        "[email]", "#REF!", "#VALUE!", "#NAME?", "#NULL!", "\\N", "System.DBNull", "NoneType",
        "Optional(nil)", "undefinedundefined", "nullnull", "undefinednull",
        "user-undefined", "USER_NULL", "customer:null", "id=undefined",
        "&nbsp;", "%20", "%00", "Invalid Date", "#ERROR!",
    ],
)  # fmt: skip
def test_a_value_meaning_nobody_is_junk_in_every_kind(value: str) -> None:
    for kind in KINDS:
        unusable = found(kind, value).unusable
        # What networks send for a withheld number keeps its own name.
        assert unusable in ({"junk", "withheld"} if kind == "phone" else {"junk"}), (kind, value)


@pytest.mark.parametrize(
    "value",
    [
        "undefined@undefined", "none@none", "none@none.com", "null@null.null", "test@test.de", "guest@unknown.org",
        "undefined@example.com", "null@acme.example", "ana@undefined", "ana@null.null", "n/a@na.na", "NULL@Example.com",
        "undefined.undefined@example.com", "null.null@example.com", "noemail@noemail.com", "no-email@no-email.org",
        "[object Object]", "aaa@aaa.com", "x@x.x", "000@000.org", '"undefined"@example.com', "'undefined'@example.com",
    ],
)  # fmt: skip
def test_a_mail_address_of_nobody_is_a_junk_account(value: str) -> None:
    for kind in ("email", *OWN_KINDS):
        assert found(kind, value).unusable == "junk", kind
    assert is_known_junk("account", value, PROVED)


@pytest.mark.parametrize("value", ["+15555555555", "+4411111111"])
def test_a_number_of_one_digit_is_a_junk_account(value: str) -> None:
    for kind in OWN_KINDS:
        assert found(kind, value).unusable == "junk", kind


@pytest.mark.parametrize("value", ["+15555555555", "(555) 555-5555", "9999999999", "+4411111111", "+85222222222"])
def test_a_number_of_one_digit_is_junk(value: str) -> None:
    given = Identifier(kind="phone", value=value)
    data = Data(participants=[Participant(role="customer", identifiers=[given])])
    read = prepare_data(data, "cx.message.received.v1", region="US", scopes=(), junk=DEFAULT_JUNK)
    assert read.participants[0].identifiers[0].unusable == "junk"


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("account", "A-1"), ("account", "1"), ("account", "7"), ("account", "42"), ("account", "11"), ("account", "a"),
        ("account", "100"), ("account", "0012"), ("account", "nancy"), ("account", "nilsson"), ("account", "Testino"),
        ("account", "test-1"), ("account", "guest-42"), ("account", "nonesuch"), ("account", "null-4711"),
        ("crm", "C-1001"), ("crm", "003000000000001"), ("crm", "{5f0c1e8e-0000-0000-0000-000000000001}"),
        ("cookie", "c-7"), ("cookie", "00000000-0000-4000-8000-000000000001"), ("cookie", "trueblue"),
        ("email", "ana@example.com"), ("email", "test@example.com"), ("email", "guest@hotel.example.com"),
        ("email", "nan@example.com"), ("email", "aaa@example.com"), ("email", "noreply@example.com"),
        ("email", "unknown@example.com"), ("email", "anonymous@example.org"), ("email", "info@none-such.com"),
        ("phone", "+15550100123"), ("phone", "+12122222222"), ("phone", "+442079460000"),
        ("account", "ana@example.com"), ("account", "test@example.com"), ("account", "@ana"), ("account", "ana@"),
        ("account", "+15550100123"), ("crm", "+7"),
        ("x", "nullpointer"), ("line", "U4af4980629"), ("telegram", "10"),
    ],
)  # fmt: skip
def test_a_value_resembling_junk_is_usable(kind: str, value: str) -> None:
    assert found(kind, value).unusable == ""


@pytest.mark.parametrize("value", ["111", "test", "aaa", "guest", "unknown"])
def test_a_platforms_proved_account_id_is_no_junk(value: str) -> None:
    for kind in ("line", "telegram", "facebook-psid"):
        assert found(kind, value, "proved").unusable == ""
        assert found(kind, value).unusable == "junk"
        if value != "111":
            assert found(kind, value, "asserted").unusable == "junk"
    for kind in OWN_KINDS:
        if value != "111":
            assert found(kind, value, "proved").unusable == "junk"


@pytest.mark.parametrize(
    "value",
    [
        "undefined",
        "null",
        "None",
        "NaN",
        "[object Object]",
        "{{user.id}}",
        "0",
        "000",
        NIL,
        "-1",
        "-",
        "user-undefined",
    ],
)
def test_a_lost_value_is_junk_whoever_proves_it(value: str) -> None:
    for kind in (
        "line",
        "telegram",
        "facebook-psid",
        "slack-user",
        "whatsapp-bsuid",
        "genesys-contact",
        "our-app",
        *OWN_KINDS,
    ):
        for weight in ("proved", "asserted", "claimed"):
            assert found(kind, value, weight).unusable == "junk", (kind, weight)


def test_a_name_that_somebody_chose_is_theirs() -> None:
    assert [found("reddit", value, "proved").unusable for value in ("null", "undefined", "none")] == [""] * 3
    assert [
        found("matrix", "@null:acme.example", "proved").unusable,
        found("mastodon", "https://a.example/users/null", "proved").unusable,
    ] == ["", ""]


def test_a_row_number_with_a_vouching_system_is_usable() -> None:
    assert [found("account", "1111", weight).unusable for weight in ("claimed", "asserted", "proved")] == [
        "junk", "", "",
    ]  # fmt: skip


def test_a_tenants_junk_list_applies_to_every_spelling() -> None:
    junk = Junk(["account:demo*", "email:*@Shop.example", "line:U0"])
    assert [found("account", value, "proved", junk).unusable for value in ("demo", "DEMO-7", '"demo"')] == ["junk"] * 3
    assert found("email", "kiosk@shop.example", junk=junk).unusable == "junk"
    assert found("line", "U0", "proved", junk).unusable == "junk"
    assert [found(kind, value, junk=junk).unusable for kind, value in (("account", "a demo"), ("crm", "demo"))] == [
        "", "",
    ]  # fmt: skip
    assert found("account", "undefined", junk=junk).unusable == "junk"


def event(*identifiers: dict[str, Any], role: str = "customer") -> dict[str, Any]:
    return {
        "specversion": "1.0", "id": "m-1", "source": "//acme.example/chat", "type": "cx.message.received.v1",
        "data": {
            "interaction": "chat-1", "message": {"text": "hi"},
            "participants": [{"role": role, "identifiers": list(identifiers)}],
        },
    }  # fmt: skip


def test_junk_is_stored_and_marked_but_no_stream() -> None:
    raw = accept(
        event({"kind": "account", "value": "undefined", "x": 1}, {"kind": "email", "value": "ana@example.com"}),
        ids=IDS, recorded=NOW,
    ).raw  # fmt: skip
    assert json.loads(raw)["data"]["participants"][0]["identifiers"] == [
        {"kind": "account", "value": "undefined", "x": 1, "weight": "claimed", "unusable": "junk"},
        {"kind": "email", "value": "ana@example.com", "weight": "claimed"},
    ]
    kept = decode(raw)
    assert [each.kind for each in customer_identifiers(kept)] == ["email"]
    assert stream_id_of(kept, IDS) == IDS.profile("email", "", "ana@example.com")
    alone = decode(accept(event({"kind": "account", "value": "undefined"}), ids=IDS, recorded=NOW).raw)
    assert stream_id_of(alone, IDS) == IDS.interaction("chat-1")


def test_junk_is_marked_in_links_but_not_at_agents() -> None:
    pair = [{"kind": "account", "value": "null"}, {"kind": "email", "value": "ana@example.com"}]
    said = {**event(), "type": "cx.identity.asserted.v1", "data": {"links": [pair]}}
    kept = json.loads(accept(said, ids=IDS, recorded=NOW, scopes=("*",)).raw)
    assert [each.get("unusable", "") for each in kept["data"]["links"][0]] == ["junk", ""]
    agent = json.loads(accept(event({"kind": "account", "value": "test"}, role="agent"), ids=IDS, recorded=NOW).raw)
    assert "unusable" not in agent["data"]["participants"][0]["identifiers"][0]


ANY = st.text(max_size=60) | st.lists(
    st.sampled_from([*sorted(WORDS), "0", "1", "a", "@", ".", "-", "/", " ", '"', "[", "]", "[object ", "{{", "}}"]),
    max_size=6,
).map("".join)


@given(st.sampled_from(KINDS), ANY)
def test_recognition_is_total_and_case_and_quotes_change_nothing(kind: str, value: str) -> None:
    junk = is_known_junk(kind, value)
    if value.isascii():
        assert is_known_junk(kind, value.upper()) == junk
        if kind in OWN_KINDS and not junk and any(each.isalnum() for each in value):
            assert not is_known_junk(kind, f'"{value}"')
        if kind in OWN_KINDS and value in WORDS:
            assert is_known_junk(kind, f"  '({value})' ")


@given(st.sampled_from(KINDS), ANY)
def test_a_higher_weight_makes_nothing_junk(kind: str, value: str) -> None:
    if is_known_junk(kind, value, PROVED):
        assert is_known_junk(kind, value, "asserted")
    if is_known_junk(kind, value, "asserted"):
        assert is_known_junk(kind, value)


@given(st.sampled_from(KINDS), ANY, st.sampled_from(["", "proved", "asserted", "claimed"]))
def test_marking_junk_twice_equals_marking_it_once(kind: str, value: str, weight: str) -> None:
    given = Identifier(kind=kind, value=value, weight=weight)  # type: ignore[arg-type]
    data = Data(participants=[Participant(role="customer", identifiers=[given])])

    def taken_in(data: Data) -> Data:
        return prepare_data(data, "cx.message.received.v1", region=None, scopes=("*",), junk=DEFAULT_JUNK)

    once = taken_in(data)
    assert taken_in(once) == once


@pytest.mark.parametrize(
    "value",
    [
        "dev-null", "undefined-behaviour", "null-island", "user-none", "user-7", "{deadbeef}", "<ana>", "[ana]", "100%",
        "%ana", "#ref", "nullable", "noemail@example.com", "no-email@acme.example",
        "null.island@example.com", "🌸",
    ],
)  # fmt: skip
def test_what_only_looks_like_a_lost_value_is_somebody(value: str) -> None:
    assert found("account", value).unusable == ""


def test_long_values_are_not_remembered() -> None:
    tracemalloc.start()
    try:
        for number in range(100):
            long = f"{number:03}" + "x" * 100_000
            found("account", long)
            is_lost_value(long)
            names_nobody(long)
        assert tracemalloc.get_traced_memory()[0] < 1_000_000
    finally:
        tracemalloc.stop()

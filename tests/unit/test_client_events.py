"""CloudEvents from clients: what is accepted, what it becomes, and which fault is named how."""

from __future__ import annotations

import json
import os
from base64 import b64encode
from collections.abc import Collection
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cx_events.catalogue import catalogue
from cx_events.client_blobs import check_blob_names, oversized_raw
from cx_events.client_data import decode_base64_data
from cx_events.client_events import MAX_EVENT_BYTES, accept
from cx_events.codec import decode, decode_leniently, same_content
from cx_events.errors import Refused
from cx_events.facts import Fact
from cx_events.guide import guide
from cx_events.http_binding import read
from cx_events.ids import IdSpace
from cx_events.stamp import StampedEvent
from cx_events.strict_json import Limits
from cx_events.timestamps import parse_time

IDS = IdSpace("acme", b"k" * 32)
NOW = parse_time("2026-11-22T10:05:00.000001Z")
LIMITS = Limits()
STANDARDS = Path(__file__).parents[2].parent / "shared/fixtures/standards/cloudevents"
OUTSIDE = STANDARDS.parents[2] / "cases/outside"
STRUCTURED = [("content-type", "application/cloudevents+json")]


def event(**changes: Any) -> dict[str, Any]:
    whole = {
        "specversion": "1.0",
        "id": "m-1",
        "source": "//acme.example/chat",
        "type": "cx.message.received.v1",
        "time": "2026-11-22T10:02:11Z",
        "data": {
            "channel": "chat",
            "interaction": "chat-42",
            "participants": [{"role": "customer", "identifiers": [{"kind": "email", "value": "Ana@Example.com"}]}],
            "message": {"id": "m-1", "text": "I was charged twice"},
        },
    }
    whole.update(changes)
    return {name: value for name, value in whole.items() if value is not ...}


def stamped(value: Any, *, importing: bool = False, scopes: Collection[str] = ("*",), writer: str = "") -> StampedEvent:
    return accept(value, ids=IDS, recorded=NOW, importing=importing, scopes=scopes, writer=writer)


def stored(value: Any, *, importing: bool = False) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(stamped(value, importing=importing).raw)
    return found


def refusal(value: Any, *, importing: bool = False, scopes: Collection[str] = ("*",)) -> Refused:
    with pytest.raises(Refused) as caught:
        stamped(value, importing=importing, scopes=scopes)
    return caught.value


def test_an_event_gets_tenant_recorded_time_and_stream() -> None:
    accepted = stamped(event())
    found = decode(accepted.raw)
    assert (found.tenantid, found.recordedtime) == ("acme", "2026-11-22T10:05:00.000001Z")
    assert found.partitionkey.encode() == accepted.key == IDS.profile("email", "", "ana@example.com").hex().encode()
    assert (accepted.source, accepted.id) == ("//acme.example/chat", "m-1")
    assert Fact(found, accepted.raw, IDS).recorded == NOW


def test_an_events_bytes_are_compact_in_a_fixed_order() -> None:
    raw = stamped(event(subject="s")).raw
    assert b'": ' not in raw
    assert list(json.loads(raw)) == [
        "specversion", "id", "source", "type", "time", "tenantid", "recordedtime", "partitionkey", "subject", "data",
    ]  # fmt: skip


@pytest.mark.parametrize("name", [t.name for t in catalogue().values() if not t.unsupported])
def test_every_example_of_the_catalogue_is_accepted_whole(name: str) -> None:
    example = deepcopy(catalogue()[name].example)
    kept = stored({**example, "recordedtime": "2026-11-22T07:00:00Z"}, importing=True)
    assert {key: kept[key] for key in example if key not in ("data", "time")} == {
        key: value for key, value in example.items() if key not in ("data", "time")
    }
    assert kept["data"] == with_claims(example["data"])


def with_claims(data: dict[str, Any]) -> dict[str, Any]:
    """The data with a weight on each identifier of a customer: a claim where nothing is stated."""
    data = deepcopy(data)
    named = [each for one in data.get("participants", ()) if one["role"] == "customer" for each in one["identifiers"]]
    for each in [*named, *(end for pair in data.get("links", ()) for end in pair)]:
        each.setdefault("weight", "claimed")
    return data


@pytest.mark.parametrize("importing", [False, True])
@pytest.mark.parametrize("version", [1, 9])
def test_an_erasure_event_is_refused_as_not_supported(version: int, importing: bool) -> None:
    example = deepcopy(catalogue()["cx.customer.erased.v1"].example)
    asked = {**example, "type": f"cx.customer.erased.v{version}"}
    if importing:
        asked["recordedtime"] = "2026-11-22T07:00:00Z"
    assert refusal(asked, importing=importing).reason == "not-supported"


SCOPES = ("events:write", "conversations:write", "identity:assert", "identity:prove", "identity:write", "ops")


@pytest.mark.parametrize("name", [t.name for t in catalogue().values() if not t.unsupported])
def test_a_type_is_accepted_only_with_its_scope(name: str) -> None:
    event_type = catalogue()[name]
    imported = {**deepcopy(event_type.example), "recordedtime": "2026-11-22T07:00:00Z"}
    weights = {"identity:prove", "identity:assert"}  # that the example's identifiers may state what they do
    enough = {"events:write", event_type.scope, *weights}
    assert stamped(imported, importing=True, scopes=enough)
    if event_type.scope != "events:write":
        refused = refusal(imported, importing=True, scopes=set(SCOPES) - {event_type.scope})
        assert (refused.reason, refused.status) == ("missing-scope", 403)
        assert event_type.scope in refused.detail


@pytest.mark.parametrize("name", [t.name for t in catalogue().values() if not t.unsupported])
def test_the_guide_names_the_scope_of_unweighted_identifiers(name: str) -> None:
    (line,) = (each for each in guide("test").splitlines() if each.startswith(f"| [`{name}`]"))
    named = line.rsplit(" | ", 1)[1].strip("| `")
    if named == "reserved":
        return
    event = deepcopy(catalogue()[name].example)
    for one in event["data"].get("participants", []):
        for each in one.get("identifiers", []):
            each.pop("weight", None)
            each.pop("verified", None)
    assert stamped(event, scopes={"events:write", named})
    if named != "events:write":
        assert refusal(event, scopes={"events:write"}).reason == "missing-scope"


@pytest.mark.parametrize(
    ("name", "scope"),
    [
        ("cx.conversation.note.v2", "conversations:write"),
        ("cx.conversation.closed.v1", "conversations:write"),
        ("cx.handoff.forwarded.v1", "conversations:write"),
        ("cx.identity.verified.v3", "identity:prove"),
        ("cx.identity.forgotten.v1", "identity:write"),
    ],
)
def test_an_unknown_type_needs_the_scope_of_its_family(name: str, scope: str) -> None:
    assert scope in refusal(event(type=name), scopes=set(SCOPES) - {scope}).detail
    assert stamped(event(type=name), scopes=SCOPES)


def test_an_unknown_type_is_told_beside_the_missing_scope() -> None:
    detail = refusal(event(type="cx.conversation.notes.v1"), scopes=["events:write"]).detail
    assert "there is no such type, did you mean cx.conversation.note.v1?" in detail
    assert "no such type" in refusal(event(type="cx.identity.forgotten.v1"), scopes=["events:write"]).detail
    assert "no such type" not in refusal(event(type="cx.conversation.note.v1"), scopes=["events:write"]).detail


def test_the_writer_is_stamped_and_cannot_be_stated() -> None:
    assert decode(stamped(event(), writer="key/shop").raw).writer == "key/shop"
    assert refusal(event(writer="key/desk")).reason == "reserved-attribute"
    imported = event(writer="key/desk", recordedtime="2026-11-22T07:00:00Z")
    assert decode(stamped(imported, importing=True, writer="key/importer").raw).writer == "key/importer"


def test_copies_by_two_writers_do_not_conflict() -> None:
    assert same_content(stamped(event(), writer="key/shop").raw, stamped(event(), writer="key/desk").raw)


@pytest.mark.parametrize(
    "name", [t.name for t in catalogue().values() if t.family == "identity" and t.kind == "decision"]
)
def test_a_decision_about_identity_cannot_be_sent(name: str) -> None:
    example = deepcopy(catalogue()[name].example)
    assert refusal(example).reason == "reserved-type"
    assert refusal(example, importing=True).reason == "reserved-type"
    assert refusal({**example, "type": name.replace(".v1", ".v9")}).reason == "reserved-type"


def test_identifiers_are_normalised_and_unknown_fields_kept() -> None:
    changed = event()
    person = changed["data"]["participants"][0]
    person["mood"] = {"deep": [1, None]}
    person["identifiers"][0]["since"] = 2019
    person["identifiers"].append({"kind": "phone", "value": "anonymous"})
    changed["data"]["ours"] = {"a": [1.5, "\0"]}
    changed["ext1"] = 7
    kept = stored(changed)
    assert kept["data"]["participants"][0] == {
        "role": "customer",
        "mood": {"deep": [1, None]},
        "identifiers": [
            {
                "kind": "email",
                "value": "ana@example.com",
                "since": 2019,
                "weight": "claimed",
                "given": "Ana@Example.com",
            },
            {"kind": "phone", "value": "anonymous", "weight": "claimed", "unusable": "withheld"},
        ],
    }
    assert kept["data"]["ours"] == {"a": [1.5, "\0"]}
    assert kept["ext1"] == 7


def test_a_client_cannot_declare_an_identifiers_usability() -> None:
    changed = event()
    changed["data"]["participants"][0]["identifiers"] = [{"kind": "cookie", "value": "c-7", "unusable": "withheld"}]
    kept = stored(changed)
    assert kept["data"]["participants"][0]["identifiers"] == [{"kind": "cookie", "value": "c-7", "weight": "claimed"}]
    assert kept["partitionkey"] == IDS.profile("cookie", "", "c-7").hex()


def test_links_are_normalised_too() -> None:
    pair = [{"kind": "email", "value": "ANA@example.com", "x": 1}, {"kind": "crm", "value": " C-1 "}]
    kept = stored(event(type="cx.identity.asserted.v1", data={"links": [pair]}))
    assert kept["data"]["links"] == [[
        {"kind": "email", "value": "ana@example.com", "x": 1, "weight": "asserted", "given": "ANA@example.com"},
        {"kind": "crm", "value": "C-1", "weight": "asserted", "given": " C-1 "},
    ]]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "reason", "named"),
    [
        ({"specversion": ...}, "missing-specversion", "specversion"),
        ({"specversion": "0.3"}, "bad-specversion", "0.3"),
        ({"specversion": 1.0}, "bad-specversion", "a number"),
        ({"id": ...}, "missing-id", "id"),
        ({"id": ""}, "missing-id", "id"),
        ({"id": 5}, "bad-id", "a number"),
        ({"id": "a\nb"}, "bad-id", "U+000A"),
        ({"id": "x" * 513}, "bad-id", "513"),
        ({"source": None}, "missing-source", "source"),
        ({"source": "has space"}, "bad-source", "has space"),
        ({"source": "//a/%zz"}, "bad-source", "%zz"),
        ({"source": "//a/" + "x" * 512}, "bad-source", "516"),
        ({"source": "//a\0"}, "bad-source", "U+0000"),
        ({"source": "//throughline/acme/connections/acme-chat"}, "reserved-source", "//throughline/"),
        ({"source": "//Throughline/x"}, "reserved-source", "//throughline/"),
        ({"type": ...}, "missing-type", "type"),
        ({"type": ["a"]}, "bad-type", "an array"),
        ({"type": "t" * 257}, "bad-type", "257"),
        ({"time": "yesterday"}, "bad-time", "yesterday"),
        ({"time": 1700000000}, "bad-time", "a number"),
        ({"time": "2026-11-22T10:02:11"}, "bad-time", "offset"),
        ({"time": "0001-01-01T00:00:00+10:00"}, "bad-time", "years"),
        ({"subject": {}}, "bad-subject", "an object"),
        ({"subject": "\ufffe"}, "bad-subject", "U+FFFE"),
        ({"subject": "s" * 4097}, "bad-subject", "4097"),
        ({"sequence": "12a"}, "bad-sequence", "12a"),
        ({"sequence": -1}, "bad-sequence", "-1"),
        ({"sequence": True}, "bad-sequence", "boolean"),
        ({"sequence": "9" * 19}, "bad-sequence", "18"),
        ({"Bad_Name": "x"}, "bad-attribute-name", "Bad_Name"),
        ({"": "x"}, "bad-attribute-name", "''"),
        ({"ext": {"a": 1}}, "bad-attribute", "ext"),
        ({"ext": 1.5}, "bad-attribute", "ext"),
        ({"ext": "\x7f"}, "bad-attribute", "U+007F"),
        ({"tenantid": "acme"}, "reserved-attribute", "tenantid"),
        ({"recordedtime": "2020-01-01T00:00:00Z"}, "reserved-attribute", "recordedtime"),
        ({"partitionkey": "0" * 32}, "reserved-attribute", "partitionkey"),
        ({"writer": "key/desk"}, "reserved-attribute", "writer"),
        ({"data": ...}, "bad-data", "absent"),
        ({"data": None}, "bad-data", "null"),
        ({"data": "text"}, "bad-data", "a string"),
        ({"data": "{}", "datacontenttype": "application/json"}, "bad-data", "not its text"),
        ({"data": ..., "data_base64": "e30=", "datacontenttype": "image/png"}, "bad-data", "'image/png'"),
        ({"data": ..., "data_base64": "e30"}, "bad-data", "RFC 4648"),
        ({"data": ..., "data_base64": "AP8="}, "bad-data", "data_base64"),
        ({"data": ..., "data_base64": "AP8=", "datacontenttype": "text/json"}, "bad-data", "is not JSON"),
        ({"data": ..., "data_base64": "W10=", "datacontenttype": "application/json"}, "bad-data", "an array"),
        ({"data": ..., "data_base64": "", "datacontenttype": "application/json"}, "bad-data", "not JSON"),
        ({"data_base64": "e30="}, "bad-data", "not both"),
        ({"type": "com.example.x", "data": ..., "data_base64": "e3"}, "bad-data", "RFC 4648"),
        ({"type": "com.example.x", "data": ..., "data_base64": 7}, "bad-data", "RFC 4648"),
        ({"data": {"channel": "fax", "message": {"text": "x"}}}, "bad-data", "data.channel"),
        ({"data": {"message": {"text": 5}}}, "bad-data", "data.message.text"),
        (
            {"data": {"message": {"text": "x"}, "participants": [{"role": "boss"}]}},
            "bad-data",
            "data.participants[0].role",
        ),
        ({"data": {}}, "missing-data", "data.message"),
        ({"type": "cx.identity.asserted.v1", "data": {}}, "missing-data", "data.participants or data.links"),
        ({"data": {"message": {"text": "x"}, "interaction": "i" * 513}}, "bad-interaction", "513"),
        ({"type": "cx.odd.new.v1", "data": {"interaction": "a\0b"}}, "bad-interaction", "U+0000"),
    ],
)
def test_each_fault_is_refused_with_its_reason(changes: dict[str, Any], reason: str, named: str) -> None:
    refused = refusal(event(**changes))
    assert refused.reason == reason
    assert named in refused.detail


@pytest.mark.parametrize("value", [None, [], "x", 5, True])
def test_an_event_must_be_an_object(value: object) -> None:
    assert refusal(value).reason == "not-an-event"


def test_an_event_larger_than_the_log_takes_is_refused() -> None:
    refused = refusal(event(data={"message": {"text": "x" * MAX_EVENT_BYTES}}))
    assert (refused.reason, refused.status) == ("too-large", 413)


def test_times_become_utc_and_default_to_the_recorded_time() -> None:
    assert stored(event(time="2026-11-22T12:02:11.5+02:00"))["time"] == "2026-11-22T10:02:11.500000Z"
    assert stored(event(time=...))["time"] == "2026-11-22T10:05:00.000001Z"
    assert stored(event(time=None))["time"] == "2026-11-22T10:05:00.000001Z"


@pytest.mark.parametrize(("given", "kept"), [("007", "7"), (12, "12"), ("0", "0")])
def test_a_sequence_is_kept_as_decimal_digits(given: object, kept: str) -> None:
    assert stored(event(sequence=given))["sequence"] == kept


@pytest.mark.parametrize("name", ["cx.message.received.v7", "cx.novel.thing.v1", "com.example.order.placed"])
def test_an_unknown_event_type_is_kept_whole(name: str) -> None:
    data = {"participants": "many", "interaction": "chat-42", "anything": [1, {"a": None}]}
    accepted = stamped(event(type=name, data=data))
    assert json.loads(accepted.raw)["data"] == data
    assert accepted.key == IDS.interaction("chat-42").hex().encode()


def test_a_foreign_event_without_data_stands_alone() -> None:
    accepted = stamped(event(type="com.example.ping", data=...))
    assert accepted.key == IDS.lone_event("//acme.example/chat", "m-1").hex().encode()
    assert decode_leniently(accepted.raw)[0].type == "com.example.ping"


def test_an_import_keeps_recorded_times_and_hub_events() -> None:
    old = event(
        source="//throughline/acme/connections/acme-chat",
        tenantid="acme", recordedtime="2020-01-01T00:00:00Z", partitionkey="f" * 32,
    )  # fmt: skip
    assert refusal({**old, "recordedtime": None}, importing=True).reason == "reserved-source"
    kept = stored(old, importing=True)
    assert kept["recordedtime"] == "2020-01-01T00:00:00Z"
    assert kept["partitionkey"] == IDS.profile("email", "", "ana@example.com").hex()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"tenantid": "other"}, "wrong-tenant"),
        ({"recordedtime": "2026-11-22T10:05:00.000002Z"}, "bad-recordedtime"),
        ({"recordedtime": "then"}, "bad-time"),
        ({"source": "//throughline/other/connections/x"}, "reserved-source"),
        (
            {
                "source": "//throughline/acme/decisions",
                "subject": "not a home",
                "recordedtime": "2026-11-22T10:00:00Z",
            },
            "bad-home",
        ),
    ],
)
def test_an_import_must_stay_in_its_tenant_and_past(changes: dict[str, Any], reason: str) -> None:
    assert refusal(event(**changes), importing=True).reason == reason


def test_a_stored_event_imported_again_keeps_its_bytes() -> None:
    first = stamped(event(sequence=3, ext="x"))
    assert stamped(json.loads(first.raw), importing=True).raw == first.raw


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 63) - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["role", "kind", "value", "identifiers", "text", "id", "x"]), inner, max_size=4
        )
    ),
    max_leaves=8,
)
FIELDS = [
    "id",
    "source",
    "type",
    "time",
    "subject",
    "sequence",
    "data",
    "data_base64",
    "ext",
    "datacontenttype",
    "tenantid",
]
DATA = ["channel", "interaction", "participants", "links", "message", "references", "raw", "transcript", "survey"]


@given(
    st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=4),
    st.dictionaries(st.sampled_from(DATA), JSON, max_size=4),
    st.sampled_from(["cx.message.received.v1", "cx.identity.asserted.v1", "cx.novel.thing.v1"]),
    st.booleans(),
)
def test_any_event_is_stored_readably_or_refused(
    changes: dict[str, Any], data: dict[str, Any], name: str, importing: bool
) -> None:
    value = event(type=name)
    value["data"].update(data)
    value.update(changes)
    try:
        accepted = stamped(value, importing=importing)
    except Refused:
        return
    found, problems = decode_leniently(accepted.raw)
    if name in catalogue() and found.type == name:
        assert problems == []
    Fact(found, accepted.raw, IDS)
    assert stamped(json.loads(accepted.raw), importing=True).raw == accepted.raw


def test_only_a_raw_above_the_limit_is_oversized() -> None:
    assert oversized_raw(event(data={"raw": {"a": "x" * 100}}), 50) == b'{"a":"' + b"x" * 100 + b'"}'
    assert oversized_raw(event(data={"raw": {"a": "x"}}), 50) is None
    assert oversized_raw(event(), 0) is None
    assert oversized_raw(["x"], 0) is None


# --- content modes ---------------------------------------------------------------------------------------------------

BINARY = [
    ("ce-specversion", "1.0"),
    ("ce-type", "com.example.someevent"),
    ("ce-time", "2018-04-05T03:56:24Z"),
    ("ce-id", "1234-1234-1234"),
    ("ce-source", "/mycontext/subcontext"),
]


@pytest.mark.parametrize(
    "content_type",
    [
        "application/cloudevents+json",
        "application/cloudevents+json; charset=utf-8",
        "application/json",
        "APPLICATION/JSON",
    ],
)
def test_one_structured_event_is_read(content_type: str) -> None:
    assert read(json.dumps(event()).encode(), [("content-type", content_type)], LIMITS) == [event()]


@pytest.mark.parametrize("content_type", ["application/cloudevents-batch+json; charset=UTF-8", "application/json"])
def test_a_batch_is_read(content_type: str) -> None:
    assert read(b'[{"id":"a"},5]', [("content-type", content_type)], LIMITS) == [{"id": "a"}, 5]
    assert read(b"[]", [("content-type", content_type)], LIMITS) == []


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/json; charset=utf-8", "application/vnd.x+json", "text/json", "Application/JSON"],
)
def test_a_binary_event_is_read(content_type: str) -> None:
    (found,) = read(b'{"message": "Hello World!"}', [*BINARY, ("content-type", content_type)], LIMITS)
    assert found == {
        "specversion": "1.0",
        "type": "com.example.someevent",
        "time": "2018-04-05T03:56:24Z",
        "id": "1234-1234-1234",
        "source": "/mycontext/subcontext",
        "datacontenttype": content_type,
        "data": {"message": "Hello World!"},
    }
    assert stored(found)["data"] == {"message": "Hello World!"}


@pytest.mark.parametrize("content_type", [..., "application/json", "text/json;charset=utf-8", "application/vnd.x+json"])
def test_json_in_base64_is_the_data_that_it_holds(content_type: Any) -> None:
    given = event()
    encoded = b64encode(json.dumps(given["data"]).encode()).decode()
    found = stored(event(data=..., data_base64=encoded, datacontenttype=content_type))
    assert "data_base64" not in found
    assert found["data"] == stored(given)["data"]


@pytest.mark.skipif(not OUTSIDE.exists() and "CI" not in os.environ, reason="the recorded cases are not here")
def test_json_in_base64_is_read_alone_and_in_batches() -> None:
    given = json.loads((OUTSIDE / "k18-data-base64.json").read_bytes())
    (alone,) = read(json.dumps(given).encode(), STRUCTURED, LIMITS)
    batch = read(json.dumps([given, given]).encode(), [("content-type", "application/cloudevents-batch+json")], LIMITS)
    assert [stored(each)["data"]["message"]["text"] for each in (alone, *batch)] == ["hi"] * 3


def test_json_in_base64_of_an_unknown_type_becomes_data() -> None:
    kept = stored(event(type="com.example.x", data=..., data_base64="WzFd", datacontenttype="application/json"))
    assert kept["data"] == [1]
    assert "data_base64" not in kept
    image = stored(event(type="com.example.x", data=..., data_base64="AP8=", datacontenttype="image/png"))
    assert image["data_base64"] == "AP8="


def test_binary_data_other_than_json_is_text_or_base64() -> None:
    assert read(b"<much/>", [*BINARY, ("content-type", "application/xml")], LIMITS)[0]["data"] == "<much/>"
    assert read(b"\xe9", [*BINARY, ("content-type", "text/plain; charset=latin1")], LIMITS)[0]["data_base64"] == "6Q=="
    assert read(b"\x00\xff", BINARY, LIMITS)[0]["data_base64"] == "AP8="
    assert "data" not in read(b"", BINARY, LIMITS)[0]


@pytest.mark.parametrize(
    ("header", "value"),
    [
        # The example of the HTTP binding, section 3.1.3.2, and what older versions of it sent.
        ("Euro%20%E2%82%AC%20%F0%9F%98%80", "Euro \u20ac \U0001f600"),
        ('"Euro \\"%E2%82%AC\\""', 'Euro "\u20ac"'),
        ("Euro \u00e2\u0082\u00ac", "Euro \u20ac"),
        ("100%", "100%"),
        ("%2525", "%25"),
    ],
)
def test_header_values_are_unquoted_then_percent_decoded_once(header: str, value: str) -> None:
    assert read(b"", [*BINARY, ("ce-subject", header)], LIMITS)[0]["subject"] == value


@pytest.mark.parametrize(
    ("body", "headers", "status", "reason"),
    [
        (b"{}", [], 415, "unsupported-media-type"),
        (b"{}", [("content-type", "text/plain")], 415, "unsupported-media-type"),
        (b"{}", [("content-type", "application/cloudevents+avro")], 415, "unsupported-media-type"),
        (b"{}", [("content-type", "application/json; charset=utf-16")], 415, "unsupported-media-type"),
        (b"", STRUCTURED, 400, "json-empty"),
        (b"[]", STRUCTURED, 400, "not-an-event"),
        (b"{}", [("content-type", "application/cloudevents-batch+json")], 400, "not-a-batch"),
        (b"5", [("content-type", "application/json")], 400, "not-an-event"),
        (b"{", [*BINARY, ("content-type", "application/json")], 400, "json-syntax"),
        (b"", [*BINARY, ("ce-id", "2")], 400, "bad-header"),
        (b"", [*BINARY, ("ce-subject", "%C0%A0")], 400, "bad-header"),
        (b"", [*BINARY, ("ce-subject", "%ED%A0%80")], 400, "bad-header"),
        (b"", [*BINARY, ("ce-datacontenttype", "text/plain")], 400, "bad-header"),
    ],
)
def test_a_request_that_can_not_be_read_is_refused(
    body: bytes, headers: list[tuple[str, str]], status: int, reason: str
) -> None:
    with pytest.raises(Refused) as caught:
        read(body, headers, LIMITS)
    assert (caught.value.status, caught.value.reason) == (status, reason)


@given(
    st.binary(max_size=60),
    st.lists(
        st.tuples(
            st.sampled_from(["ce-id", "ce-source", "ce-x", "ce-", "content-type"]),
            st.text(st.characters(max_codepoint=255), max_size=20),
        ),
        max_size=5,
    ),
)
def test_any_body_and_headers_are_events_or_a_refusal(body: bytes, headers: list[tuple[str, str]]) -> None:
    try:
        for value in read(body, headers, LIMITS):
            stamped(value)
    except Refused as refused:
        assert 400 <= refused.status < 500


@pytest.mark.skipif(not STANDARDS.exists() and "CI" not in os.environ, reason="the recordings are not here")
@pytest.mark.parametrize(
    ("file", "kept"),
    [
        (
            "ce-spec-L621.json",
            {"comexampleextension1": "value", "comexampleothervalue": 5, "data": '<much wow="xml"/>'},
        ),
        ("ce-json-format-L252.json", {"comexampleothervalue": 5, "datacontenttype": "application/xml"}),
        ("ce-json-format-L285.json", {"data": {"appinfoA": "abc", "appinfoB": 123, "appinfoC": True}}),
        ("ce-dataref-L67.json", {"dataref": "https://github.com/cloudevents/spec/pull/123/events/A234-1234-1234.xml"}),
        ("ce-dataref-L82.json", {"subject": ...}),
    ],
)
def test_the_examples_of_the_specification_are_accepted(file: str, kept: dict[str, Any]) -> None:
    (value,) = read((STANDARDS / file).read_bytes(), STRUCTURED, LIMITS)
    found = stored(value)
    assert {name: found.get(name, ...) for name in kept} == kept
    assert "unsetextension" not in found


BLOB = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("data", "place"),
    [
        ({"message": {"attachments": [{"name": "a.pdf"}, {"name": "b.pdf", "blob": BLOB}]}}, "attachments[1].blob"),
        ({"message": {"attachments": [{"blob": "anything"}]}}, "attachments[0].blob"),
        ({"raw": {"blob": BLOB}}, "data.raw.blob"),
        ({"raw": {"blob": BLOB, "bytes": 4, "left_out": ["text"]}}, "data.raw.blob"),
    ],
)
def test_a_client_cannot_say_which_blob_holds_its_content(data: dict[str, Any], place: str) -> None:
    with pytest.raises(Refused) as caught:
        check_blob_names(event(data=data))
    assert (caught.value.reason, place in caught.value.detail) == ("reserved-blob", True)
    check_blob_names(event(data=data, recordedtime="2026-11-22T10:00:00Z"))  # an import repeats what a hub wrote


@pytest.mark.parametrize(
    "data",
    [
        None, [], "text", {}, {"message": None}, {"message": {"attachments": None}}, {"raw": None}, {"raw": []},
        {"message": {"attachments": [None, {"name": "a", "blob": ""}, {"url": "https://files.example/a"}]}},
        {"raw": {"blob": {"ref": "main"}}}, {"raw": {"blob": "a blob"}},
    ],
)  # fmt: skip
def test_content_without_a_blob_name_passes(data: Any) -> None:
    check_blob_names(event(data=data))
    for value in (None, [], "text", 1):
        check_blob_names(value)


def test_a_null_member_counts_as_absent() -> None:
    whole = event()
    as_bytes = b64encode(json.dumps(whole["data"]).encode()).decode()
    for members in ({"data_base64": None}, {"data": None, "data_base64": as_bytes}):
        assert stored({**whole, **members})["data"] == stored(whole)["data"]
    assert decode_base64_data({"data": None, "data_base64": None}) == {"data": None}

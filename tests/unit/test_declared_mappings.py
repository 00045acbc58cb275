"""Declared mappings: what a declaration may say, and the mistakes that are told of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
import yaml
from tests.contract.provider_cases import folder_of

from cx_channels.dry_run import DEMO_NOW, check_settings, dry_run
from cx_channels.kit.declaration.mapping import compile_mapping
from cx_channels.kit.declaration.mistakes import Place
from cx_channels.kit.outcomes import MOST_OUTCOMES
from cx_channels.provider import Connection, Mapped, Request
from cx_channels.registry import providers
from cx_events.errors import Fatal, Refused

BASE = """
authentication: {hmac: {header: X-Sig}}
kind: $.kind
kinds:
  said:
    type: cx.message.received.v1
    interaction: $.chat
    message: {text: $.text}
"""


def declared(text: str = BASE, **more: Any) -> dict[str, Any]:
    return {**yaml.safe_load(text), **more}


def event(given: Mapping[str, Any], **members: Any) -> dict[str, Any]:
    """A declaration whose one event has more members."""
    said = {"type": "cx.message.received.v1", "interaction": "$.chat", "message": {"text": "$.text"}, **members}
    return {**given, "kinds": {"said": said}}


def mistakes(given: Any) -> list[str]:
    place = Place("mapping")
    compile_mapping(given, place, "chat")
    return [str(each) for each in place.mistakes]


def mapped(given: Any, notice: Any, **request: Any) -> Mapped:
    assert mistakes(given) == []
    connection = Connection("try", "acme", "chat/generic", ("a secret",), settings={"mapping": given})
    body = notice if isinstance(notice, bytes) else json.dumps(notice).encode()
    return providers()["chat/generic"].map(Request(body, received=DEMO_NOW, **request), connection)


def data(given: Any, **notice: Any) -> Any:
    (draft,) = mapped(given, {"kind": "said", "chat": "c-1", "text": "Hi", **notice}).drafts
    return draft.data


def reasons(given: Any, **notice: Any) -> list[str]:
    found = mapped(given, {"kind": "said", "chat": "c-1", "text": "Hi", **notice})
    assert found.drafts == ()
    return [each.reason.partition(":")[0] for each in found.unmapped]


# --- mistakes --------------------------------------------------------------------------------------------------------


def test_all_mistakes_are_told_with_their_places() -> None:
    wrong = declared(
        """
        authentication: {hmac: {headr: X-Sig, algorithm: md5}}
        kind: $.kind[
        kinds:
          call.ended:
            - {type: cx.mesage.received.v1, interaction: $.chat}
            - {type: cx.message.received.v1, interaction: $.chat}
            - {type: cx.interaction.ended.v1, interaction: $.chat, participants: [{role: clerk}], agnet: {id: $.a}}
        """
    )
    found = mistakes(wrong)
    for place, what in (
        ("mapping.authentication.hmac.headr: ", "did you mean 'header'?"),
        ("mapping.authentication.hmac.algorithm: ", "sha256"),
        ("mapping.kind: ", "can't be read from '['"),
        ('mapping.kinds["call.ended"][0].type: ', "did you mean 'cx.message.received.v1'?"),
        ('mapping.kinds["call.ended"][1]: ', "needs message"),
        ('mapping.kinds["call.ended"][2].participants[0].role: ', "customer"),
        ('mapping.kinds["call.ended"][2].agnet: ', "did you mean 'agent'?"),
    ):
        assert [each for each in found if each.startswith(place) and what in each], (place, found)


def test_a_start_names_the_connection_of_a_mistake() -> None:
    connection = Connection("acme-chat", "acme", "chat/generic", settings={"mapping": declared(kinds={})})
    with pytest.raises(Fatal, match=r"tenants\.acme\.connections\.acme-chat\.settings\.mapping\.kinds: "):
        providers()["chat/generic"].warnings(connection)
    with pytest.raises(Refused, match=r"^bad-settings: mapping\.kinds: "):
        check_settings("chat/generic", {"mapping": declared(kinds={})})
    assert dry_run("chat/generic", b"{}").exit_code == 2


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({}, "'authentication' is missing"),
        ([], "expected a mapping"),
        (None, "expected a mapping"),
        (declared(authentication={}), "expected one of hmac, header, basic"),
        (declared(authentication={"basic": True, "header": {"name": "X-A"}}), "expected one of hmac"),
        (declared(authentication={"header": {"name": "X A"}}), "the name of a header"),
        (declared(authentication={"hmac": {"header": "X", "signed": ["$timestamp"]}}), "$body is missing"),
        (
            declared(authentication={"hmac": {"header": "X", "timestamp": {"header": "T"}}}),
            "a time that is not signed is anybody's",
        ),
        (declared(ignore={"said": "twice"}), "stands below 'kinds', too"),
        (declared(ignore={"other": ""}), "say in a sentence"),
        (declared(leave_out=["a.b"]), "expected a path of names"),
        (declared(body="xml"), "expected auto, json, form"),
        (event(declared(), time={"at": "$.t", "format": "yesterday"}), "nor a pattern like"),
        (event(declared(), time={"at": "$.t", "zone": "Europe/Atlantis"}), "neither a zone"),
        (event(declared(), reason={"frist": ["$.a"]}), "did you mean 'first'?"),
        (event(declared(), reason=["$.a"]), "not a list"),
        (event(declared(), duration_ms="soon"), "of another type"),
        (event(declared(), raw={"a": 1}), "there is no such member"),
        (event(declared(), type="cx.identity.merged.v1"), "people and the hub decide it"),
    ],
)
def test_a_mistake_is_named(given: Any, what: str) -> None:
    assert [each for each in mistakes(given) if what in each], mistakes(given)


def test_a_declaration_that_contains_itself_is_a_mistake() -> None:
    endless: dict[str, Any] = {}
    endless["if"] = [endless, endless]
    assert any("nested too deep" in each for each in mistakes(event(declared(), reason={"lower": _nested(60)})))
    assert mistakes(event(declared(), reason=_nested(60)))


def _nested(depth: int) -> Any:
    found: Any = "$.a"
    for _ in range(depth):
        found = {"lower": found}
    return found


# --- how far somebody is believed ------------------------------------------------------------------------------------

WHO = [{"role": "customer", "identifiers": [{"kind": "account", "value": "$.account", "weight": "proved"}]}]


@pytest.mark.parametrize("scheme", [{"basic": True}, {"header": {"name": "X-Key"}}])
def test_proved_needs_a_signature_over_the_body(scheme: Any) -> None:
    (told,) = mistakes(event(declared(authentication=scheme), participants=WHO))
    assert "'proved' needs a signature" in told
    assert mistakes(event(declared(), participants=WHO)) == []


@pytest.mark.parametrize("weight", ["$.weight", "surely", {"if": [{"present": "$.a"}, "$.weight", "claimed"]}])
def test_a_notice_never_chooses_its_weight_freely(weight: Any) -> None:
    who = [{"role": "customer", "identifiers": [{"kind": "account", "value": "$.account", "weight": weight}]}]
    assert "as constants" in mistakes(event(declared(), participants=who))[-1]


@pytest.mark.parametrize(
    ("verified", "weight"),
    [(True, "proved"), (False, "claimed"), ("true", "claimed"), (1, "claimed"), (None, "claimed")],
)
def test_a_weight_follows_true_alone(verified: Any, weight: str) -> None:
    choice = {"if": ["$.verified", "proved", "claimed"]}
    who = [{"role": "customer", "identifiers": [{"kind": "account", "value": "$.account", "weight": choice}]}]
    (one,) = data(event(declared(), participants=who), account="a-1", verified=verified).participants
    assert [each.weight for each in one.identifiers] == [weight]


def test_an_identifier_without_its_declared_scope_is_absent() -> None:
    who = [{"role": "customer", "name": "$.name", "identifiers": {"kind": "fan", "value": "$.fan", "scope": "$.page"}}]
    given = event(declared(), participants=who)
    assert data(given, fan="7", page="p-1", name="Ana").participants[0].identifiers[0].scope == "p-1"
    assert data(given, fan="7", name="Ana").participants[0].identifiers == []


@pytest.mark.parametrize("theirs", ["+15550100123", "+1 (555) 010-0123", "15550100123", "0015550100123", "5550100123"])
def test_nobody_is_a_customer_and_the_business(theirs: str) -> None:
    who = [
        {"role": "customer", "identifiers": [{"kind": "phone", "value": "$.a"}]},
        {"role": "business", "identifiers": [{"kind": "phone", "value": "$.b"}]},
    ]
    given = event(declared(), participants=who)
    assert reasons(given, a="+15550100123", b=theirs) == ["nobody-is-both"]
    assert len(data(given, a="+15550100123", b="+15550100199").participants) == 2


def test_a_role_is_never_guessed() -> None:
    who = [{"role": {"case": "$.from", "of": {"user": "customer", "staff": "agent"}}, "name": "$.name"}]
    given = event(declared(), participants=who)
    assert data(given, **{"from": "staff"}, name="Ben").participants[0].role == "agent"
    assert reasons(given, **{"from": "bot"}, name="Bo") == ["unknown-role"]
    assert data(given, **{"from": "bot"}).participants == []
    assert reasons(
        event(declared(), participants=[{"role": "$.from", "name": "$.name"}]), name="B", **{"from": "x"}
    ) == ["unknown-word"]


# --- values ----------------------------------------------------------------------------------------------------------

NOTICE = {
    "a": {"b": [{"c": 5}, "last"], "odd name": "x"},
    "n": 90,
    "half": 1.5,
    "whole": 7.0,
    "t": "true",
    "yes": True,
    "from": "sip:+1555@host",
}


@pytest.mark.parametrize(
    ("given", "becomes"),
    [
        ("word", "word"),
        ("$$5", "$5"),
        ("$.a.b[0].c", "5"),
        ("$.a.b[-1]", "last"),
        ('$.a["odd name"]', "x"),
        ("$root.a.b[1]", "last"),
        ("$notice.t", "true"),
        ("$kind", "said"),
        ("$header.x-shape", "round"),
        ("$query.page", "2"),
        ("$.a", ""),
        ("$.yes", ""),
        ("$.t.x", ""),
        ("$.a.b.c", ""),
        ({"var": "a.b[1]"}, "last"),
        ({"var": ["nothing", "else"]}, "else"),
        ({"var": "a.b.1"}, "last"),
        ({"var": ["a.b.0.c", "else"]}, "5"),
        ({"var": ["a.b.7", "else"]}, "else"),
        ("$.half", "1.5"),
        ("$.whole", "7"),
        ({"*": ["$.n", 1000]}, "90000"),
        ({"cat": ["EUR ", "$.half"]}, "EUR 1.5"),
        ({"before": ["$.half", "."]}, "1"),
        ({"case": "$.half", "of": {"1.5": "half"}}, "half"),
        ({"if": [{"==": ["$.half", "1.5"]}, "a", "b"]}, "a"),
        ({"if": [{"==": ["$.whole", 7]}, "a", "b"]}, "a"),
        ({"first": ["$.nothing", "$.t"]}, "true"),
        ({"if": ["$.yes", "a", "b"]}, "a"),
        ({"if": ["$.t", "a", "b"]}, "b"),
        ({"if": ["$.nothing", "a"]}, ""),
        ({"case": "$.n", "of": {90: "ninety"}}, "ninety"),
        ({"case": "$.yes", "of": {True: "on"}}, "on"),
        ({"case": "$.t", "of": {"x": "a"}, "else": "$.t"}, "true"),
        ({"if": [{"and": [{"==": ["$.n", "90"]}, {"!=": ["$.n", 91]}]}, "a"]}, "a"),
        ({"if": [{"==": ["$.yes", 1]}, "a", "b"]}, "b"),
        ({"if": [{"or": [{">": ["$.n", 90]}, {">=": ["$.n", 90]}]}, "a"]}, "a"),
        ({"if": [{"!": {"<": ["$.n", 90]}}, "a"]}, "a"),
        ({"if": [{"in": ["$.t", ["false", "true"]]}, "a"]}, "a"),
        ({"if": [{"in": ["ru", "$.t"]}, "a"]}, "a"),
        ({"if": [{"present": "$.nothing"}, "a", "b"]}, "b"),
        ({"if": [{"starts_with": ["$.from", "sip:"]}, "a"]}, "a"),
        ({"before": [{"after": ["$.from", "sip:"]}, "@"]}, "+1555"),
        ({"after": ["$.t", "sip:"]}, "true"),
        ({"cat": ["+", "$.n", "$.nothing"]}, "+90"),
        ({"cat": ["+", "$.nothing"]}, ""),
        ({"upper": "$.t"}, "TRUE"),
    ],
)
def test_a_value_is_read(given: Any, becomes: str) -> None:
    (draft,) = mapped(
        event(declared(), reason=given),
        {"kind": "said", "chat": "c", "text": "Hi", **NOTICE},
        headers={"x-shape": "round", "content-type": "application/json"},
        query=(("page", "2"),),
    ).drafts
    assert draft.data.reason == becomes


@pytest.mark.parametrize(
    ("given", "becomes"),
    [
        ({"*": ["$.n", 1000]}, 90_000),
        ({"/": ["$.n", 4]}, 22),
        ({"-": ["$.n", "$.m"]}, None),
        ({"/": ["$.n", 0]}, None),
        ({"+": ["$.n", "1"]}, 91),
        ("$.n", 90),
        ("$.t", None),
    ],
)
def test_a_number_is_reckoned(given: Any, becomes: int | None) -> None:
    assert data(event(declared(), duration_ms=given), **NOTICE).duration_ms == becomes


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("$.at", "2026-11-22T10:00:00Z"),
        ("$.at", "2026-11-22T11:00:00.000+0100"),
        ("$.at", "Sun, 22 Nov 2026 10:00:00 +0000"),
        ("$.at", 1795341600),
        ("$.at", "1795341600000"),
        ("$.at", 1795341600.0),
        ({"at": "$.at", "format": "unix_seconds"}, "1795341600"),
        ({"at": "$.at", "format": "unix_milliseconds"}, 1795341600000),
        ({"at": "$.at", "format": "%d/%m/%Y %H:%M", "zone": "Asia/Kolkata"}, "22/11/2026 15:30"),
        ({"at": "$.at", "format": "%Y-%m-%d %H:%M:%S", "zone": "+05:30"}, "2026-11-22 15:30:00"),
        ({"at": "$.at", "zone": "America/New_York"}, "2026-11-22T05:00:00"),
        ({"at": "$.at", "zone": "America/New_York"}, "2026-11-22T10:00:00Z"),
        ({"first": ["$.nothing", "$.at"]}, "2026-11-22T10:00:00Z"),
    ],
)
def test_a_time_is_read_as_declared(written: Any, value: Any) -> None:
    (draft,) = mapped(event(declared(), time=written), {"kind": "said", "chat": "c", "text": "Hi", "at": value}).drafts
    assert draft.time == DEMO_NOW


@pytest.mark.parametrize("value", ["2026-11-22T10:00:00", "yesterday", {"at": 1}, "9" * 40, True, "x" * 5000])
def test_a_time_that_is_none_is_no_wrong_time(value: Any) -> None:
    assert reasons(event(declared(), time="$.at"), at=value) == ["bad-time"]


# --- ids -------------------------------------------------------------------------------------------------------------


def ids(given: Any, *notices: Any) -> list[str]:
    return [draft.id for notice in notices for draft in mapped(given, notice).drafts]


SAID = {"kind": "said", "chat": "c-1", "text": "Hi", "id": "m-1", "attempt": 1}


def test_a_chosen_id_never_makes_two_events_one() -> None:
    first, other = ids(event(declared(), id="$.id"), SAID, {**SAID, "text": "give me the money"})
    assert first != other
    first, again = ids(event(declared(leave_out=["$.attempt"]), id="$.id"), SAID, {**SAID, "attempt": 2})
    assert first == again


def test_a_vendors_id_stands_alone() -> None:
    assert ids(event(declared(), id={"vendor": "$.id"}), SAID) == ["said/message.received/m-1"]


def test_a_slash_stays_in_its_part() -> None:
    given = event(declared(), id={"vendor": ["$.a", "$.b"]}, interaction=["$.a", "$.b"])
    one, other = (mapped(given, {**SAID, "a": a, "b": b}).drafts[0] for a, b in (("x/y", "z"), ("x", "y/z")))
    assert one.id != other.id
    assert one.data.interaction != other.data.interaction


def test_an_id_of_any_length_is_bounded() -> None:
    (draft,) = mapped(event(declared(), id="$.id"), {**SAID, "id": "é" * 5000, "chat": "c" * 5000}).drafts
    assert len(draft.id) < 600
    assert len(draft.data.interaction) < 600
    assert reasons(event(declared(), id="$.nothing")) == ["no-id"]
    assert reasons(declared(), chat=None) == ["no-interaction"]
    assert reasons(declared(), text="") == ["missing-fields"]


# --- requests --------------------------------------------------------------------------------------------------------


def test_unknown_kinds_are_kept_and_ignored_ones_counted() -> None:
    given = declared(ignore={"typing.*": "no fact"}, leave_out=["$.token"])
    (kept,) = mapped(given, {"kind": "new: one\n", "token": "t", "x": 1}).unmapped
    assert kept.reason == "no-adapter-yet: new:_one?: the mapping names no such kind"
    assert kept.original == b'{"kind":"new: one\\n","x":1}'
    (ignored,) = mapped(given, {"kind": "typing.start"}).ignored
    assert ignored == type(ignored)("typing.*", "no fact")
    assert [each.reason.partition(":")[0] for each in mapped(given, {"a": 1}).unmapped] == ["no-kind"]


def test_what_is_left_out_becomes_nothing_below() -> None:
    (said,) = declared()["kinds"].values()
    left_out = {"ignore": "more follows", "when": {"==": ["$.final", False]}}
    given = declared(kinds={"said": [left_out, said]})
    partial = mapped(given, {"kind": "said", "chat": "c-1", "text": "Hel", "final": False})
    assert ([each.why for each in partial.ignored], partial.drafts) == (["more follows"], ())
    assert len(mapped(given, {"kind": "said", "chat": "c-1", "text": "Hello", "final": True}).drafts) == 1


def test_json_in_a_field_of_a_form_is_read() -> None:
    given = declared(body={"json_in": "payload"})
    (draft,) = mapped(given, b"payload=%7B%22kind%22%3A%22said%22%2C%22chat%22%3A1%2C%22text%22%3A%22Hi%22%7D").drafts
    assert draft.data.interaction == "try/1"
    with pytest.raises(Refused, match="malformed"):
        mapped(given, b"payload=%7B&payload=%7B")


def test_one_request_becomes_boundedly_many_events() -> None:
    notices = [{"kind": "said", "chat": f"c-{at}", "text": "Hi"} for at in range(MOST_OUTCOMES + 50)]
    found = mapped(declared(each="$.all"), {"all": notices})
    assert len(found.drafts) == MOST_OUTCOMES + 1
    assert [each.reason.partition(":")[0] for each in found.unmapped] == ["too-many-events"]
    parts = {"each": "$.files", "name": "$.name"}
    given = event(declared(), message={"text": "$.text", "attachments": parts})
    assert len(data(given, files=[{"name": "a"}] * 900).message.attachments) == 900
    assert reasons(given, files=[{"name": "a"}] * 1001) == ["too-many-items"]


def test_what_stands_twice_in_a_list_was_said_twice() -> None:
    found = mapped(declared(each="$.all"), {"all": [SAID, SAID]})
    assert len({draft.id for draft in found.drafts}) == 2


@pytest.mark.parametrize("name", ["voice/generic", "chat/generic"])
def test_each_example_is_shown_in_a_sentence(name: str) -> None:
    provider = providers()[name]
    for path in sorted((folder_of(provider) / "examples").glob("*.yaml")):
        given = yaml.safe_load(path.read_text(encoding="utf-8"))
        connection = Connection("try", "acme", name, ("hub:a secret",), settings={"mapping": given})
        (note,) = provider.notes(connection)
        assert "kinds become cx." in note
        assert provider.warnings(connection) == ()

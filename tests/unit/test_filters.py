"""Filters as people write them: what they pick, what they say of a mistake, and that JSONLogic agrees."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cx_events.errors import Refused
from cx_events.filters import BadFilter, compile_filter
from cx_events.filters.checking import check
from cx_events.filters.conditions import AllOf, AnyOf, Condition, Has, Negation, OneOf, Ordered, Pattern, Present, holds
from cx_events.filters.extraction import extraction_of
from cx_events.filters.jsonlogic import is_met, make_engine, rule_of
from cx_events.filters.parsing import parse
from cx_events.filters.rendering import render
from cx_events.filters.syntax import And, Comparison, Expression, Name, Not, Or, Value
from cx_events.json_types import Json
from cx_events.log import CONTEXT_CHANGES, DEAD_LETTERS, INTERACTIONS, LogRecord

EVENT: Json = {
    "specversion": "1.0",
    "id": "m-1",
    "source": "//acme.example/chat",
    "type": "cx.message.received.v1",
    "time": "2020-01-05T10:02:11Z",
    "tenantid": "acme",
    "recordedtime": "2020-01-05T10:02:12.5Z",
    "writer": "key/desk",
    "data": {
        "channel": "chat",
        "interaction": "chat-42",
        "rating": 4,
        "message": {"text": "I was charged twice", "attachments": [{"name": "a.pdf", "bytes": 10, "inline": True}]},
        "participants": [
            {"role": "customer", "identifiers": [{"kind": "email", "value": "ana@example.com"}]},
            {"role": "agent", "id": "lena"},
        ],
        "attributes": {"tier": "gold", "seats": 3, "is new": False, "a.b": "dotted"},
        "own": "x",
    },
}


def a_record(value: object = EVENT, topic: str = INTERACTIONS) -> LogRecord:
    raw = value if isinstance(value, bytes) else msgspec.json.encode(value)
    return LogRecord(topic, 3, 17, b"key", raw, 1_578_218_532_000)


@pytest.mark.parametrize(
    "text",
    [
        "type=cx.message.received.v1",
        "type=cx.message.* and tenant=acme",
        "type=*received* and type=*.v1 and type=cx.*.received.*1",
        "TENANT=acme".lower(),
        "tenantid=acme",
        "tenant!=other",
        "not tenant=other",
        "NOT (tenant=other OR id=m-2)",
        "source in (//acme.example/mail, //acme.example/chat)",
        "source not in ('//acme.example/mail', b)",
        "tenant=x or tenant=y or tenant=acme",
        "tenant=acme or tenant=x and id=no",
        "time>=2020-01-05T11:02:11+01:00 and time<2020-01-06",
        "time=2020-01-05T10:02:11.000Z",
        "recordedtime>2020-01-05T10:02:12.499999Z",
        "stored=2020-01-05T10:02:12Z",
        "partition=3 and offset>16 and offset<=17",
        "writer=key/*",
        "data.channel in (voice, chat)",
        "data.rating>3.5 and data.rating<5 and data.rating=4",
        'data.message.text="I was charged twice"',
        "data.message.text='I was '*' twice'",
        "data.participants.identifiers.value=ana@*",
        "data.participants.role=agent and data.participants.role=customer",
        "data.participants.role!=bot",
        "data.message.attachments.bytes=10 and data.message.attachments.inline=true",
        "data.message=* and data.participants=*",
        "data.survey!=* and data.reason!=*",
        "data.attributes.tier=gold and data.attributes.seats=3 and data.attributes.seats>2",
        'data.attributes."is new"=false',
        'data.attributes."a.b"=dotted and data.attributes.a.b!=dotted',
        'data."own"=x',
    ],
)
def test_what_a_filter_says_is_found(text: str) -> None:
    assert compile_filter(text).matches(a_record())
    assert not compile_filter(f"not ({text})").matches(a_record())


@pytest.mark.parametrize(
    "text",
    [
        "type=cx.message",
        "type=message*",
        "type=*m*m*m*m*m*",
        "tenant='acm'*e*e",
        'type="cx.message.*"',
        "time<2020-01-05",
        "data.rating=40 or data.rating<4",
        "data.participants.role not in (agent, queue)",
        'data.attributes.seats="3"',
        "data.reason=*",
        "data.message.text=charged",
    ],
)
def test_what_a_filter_denies_is_left_out(text: str) -> None:
    assert not compile_filter(text).matches(a_record())


@pytest.mark.parametrize(
    ("text", "at", "says"),
    [
        ("", 1, "a field is missing"),
        ("tennant=acme", 1, "did you mean tenant?"),
        ("type=a and channel=voice", 12, "did you mean data.channel?"),
        ("data.chanel=voice", 1, "did you mean data.channel?"),
        ("data.message.txet=a", 1, "did you mean data.message.text?"),
        ("data.channel.x=a", 1, "data.channel is no object"),
        ("data=x", 6, "data is an object"),
        ("type==a", 5, "== is no operator; use ="),
        ("type~a", 5, "~ is no operator"),
        ("type a", 6, "after type comes one of"),
        ("type<a", 5, "type is a text"),
        ("type=", 6, "a value is missing"),
        ("type=a tenant=b", 8, "not tenant"),
        ("(type=a", 1, "never closed"),
        ("type=a and (tenant=b or (id=c)", 12, "never closed"),
        ("type=a)", 7, "closes nothing"),
        ("type=a and", 11, "a field is missing"),
        ("type in a", 9, "after in comes a list"),
        ("type in (a", 9, "never closed"),
        ("type in (a b)", 12, "a comma or )"),
        ("type='a", 6, "has no end"),
        ("type=a\\b", 7, "put the value in quotes"),
        ("time=yesterday", 6, "no time like"),
        ("time=2020-13-01", 6, "no time like"),
        ("time=2020*", 6, "a pattern does not suit it"),
        ("offset=two", 8, "compared with a number"),
        ("data.message.attachments.inline=yes", 33, "true or false"),
        ("type.x=a", 1, "there is no field type.x"),
        ("type..x=a", 1, "a dot with no name"),
        ("(" * 31 + "type=a" + ")" * 31, 31, "lie in each other"),
        (" or ".join(["id=a"] * 201), 1601, "at most 200 comparisons"),
        ("id=" + "a" * 4_000, 4_001, "at most 4000 characters"),
    ],
)
def test_a_mistake_is_told_with_its_place(text: str, at: int, says: str) -> None:
    with pytest.raises(BadFilter) as refused:
        compile_filter(text)
    assert refused.value.at == at - 1
    assert f"character {at}: " in refused.value.detail
    assert says in refused.value.detail


def test_other_topics_have_fields_of_their_own() -> None:
    letter = {"tenant": "acme", "stage": "map", "reason": "bad-body", "recorded": "2020-01-05T10:00:00Z"}
    assert compile_filter("stage=map and recorded<2020-01-06", DEAD_LETTERS).matches(a_record(letter, DEAD_LETTERS))
    change = {"tenant": "acme", "customer": "c1", "version": 7, "agents": ["lena", "max"]}
    assert compile_filter("version>6 and agents=max", CONTEXT_CHANGES).matches(a_record(change, CONTEXT_CHANGES))
    for topic in (DEAD_LETTERS, CONTEXT_CHANGES):
        with pytest.raises(BadFilter, match="there is no field data"):
            compile_filter("data.channel=voice", topic)


@pytest.mark.parametrize("value", [b"", b"{", b"[1]", b"\xff", b"7", b"[" * 5_000, b'{"type": 5, "data": [7]}'])
def test_what_cannot_be_decoded_has_no_values(value: bytes) -> None:
    record = a_record(value)
    assert not compile_filter("tenant=* or data.channel=* or data.raw.x.y=*").matches(record)
    assert compile_filter("type!=a and offset=17").matches(record)


def test_data_of_another_shape_is_searched_as_it_is() -> None:
    event = EVENT | {"data": [{"channel": "chat"}, {"channel": ["voice", {"deep": 1}]}]}
    assert compile_filter("data.channel=voice and tenant=acme").matches(a_record(event))


def test_only_the_fields_of_the_rule_are_read() -> None:
    found = compile_filter("tenant=acme and (data.channel=chat or not data.channel=voice)")
    assert found.reads == ["data.channel", "tenant"]
    # What lies beside them is never turned into objects, so a number too great for any of them does no harm.
    assert found.matches(a_record(b'{"tenantid":"acme","id":1e999999,"data":{"rating":1e999999,"channel":"chat"}}'))


def test_too_much_work_is_refused() -> None:
    rule = make_engine(1_000).compile_strict(rule_of(Has("f", (OneOf(("x",)),))))
    assert not is_met(rule, {"f": ["y"] * 100})
    with pytest.raises(Refused, match="filter-too-costly"):
        is_met(rule, {"f": ["y"] * 10_000})


texts = st.text(st.sampled_from("ab*.\"'\\ (),=é"), max_size=5)
bare = st.text(st.sampled_from("ab.:/@-1"), min_size=1, max_size=5)
values = st.one_of(
    st.builds(lambda pieces: Value(tuple(pieces), is_bare=False), st.lists(texts, min_size=1, max_size=4)),
    st.builds(lambda first, rest: Value((first, *rest), is_bare=True), bare, st.lists(bare | st.just(""), max_size=3)),
)
names = st.builds(Name, st.sampled_from(["a", "b_c", "channel"])) | st.builds(Name, texts, st.just(True))
paths = st.lists(names, min_size=1, max_size=3).map(tuple)
comparisons = st.builds(
    Comparison, paths, st.sampled_from(["=", "!=", "<", "<=", ">", ">="]), values.map(lambda value: (value,))
) | st.builds(Comparison, paths, st.sampled_from(["in", "not in"]), st.lists(values, min_size=1, max_size=3).map(tuple))


def _combined(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    several = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.builds(Not, inner) | st.builds(And, several) | st.builds(Or, several)


@given(st.recursive(comparisons, _combined, max_leaves=8))
def test_what_is_written_reads_as_the_same(expression: Expression) -> None:
    assert parse(render(expression)) == expression


@given(st.text(st.sampled_from("ab=!<>()\"'\\*., ") | st.characters(), max_size=40) | st.text(max_size=40))
def test_any_text_is_a_filter_or_refused(text: str) -> None:
    try:
        found = compile_filter(text)
    except BadFilter as refused:
        assert 0 <= refused.at <= len(text)
    else:
        assert compile_filter(found.text).rule == found.rule


words = st.text(st.sampled_from("ab."), max_size=4)
numbers = st.integers(-3, 3) | st.integers(-(1 << 63), (1 << 63) - 1) | st.sampled_from([0.5, -1.0, 2.0, 1e300])
scalars = words | numbers | st.booleans() | st.none()
tests = st.one_of(
    st.just(Present()),
    st.builds(OneOf, st.lists(words | numbers | st.booleans(), min_size=1, max_size=3).map(tuple)),
    st.builds(Pattern, st.lists(words, min_size=2, max_size=4).map(tuple)),
    st.builds(Ordered, st.sampled_from(["<", "<=", ">", ">="]), numbers),
)
has = st.builds(Has, st.sampled_from(["type", "data.channel"]), st.lists(tests, min_size=1, max_size=3).map(tuple))


def _condition(inner: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    several = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.builds(Negation, inner) | st.builds(AllOf, several) | st.builds(AnyOf, several)


@given(
    st.recursive(has, _condition, max_leaves=6),
    st.dictionaries(st.sampled_from(["type", "data.channel"]), st.lists(scalars, max_size=3)),
)
def test_jsonlogic_agrees_with_the_plain_evaluation(condition: Condition, found: dict[str, list[object]]) -> None:
    assert is_met(make_engine().compile_strict(rule_of(condition)), found) == holds(condition, found)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 1 << 70) | words | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "channel"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(json_values, json_values)
def test_lean_decoding_finds_the_same_values(data: object, type_: object) -> None:
    _, fields = check(parse('type=* or data.channel=* or data."a".b=* or data."b"=*'), INTERACTIONS)
    lean = extraction_of(list(fields.values()))
    _, more = check(parse('type=* or data=* or data.channel=* or data."a".b=* or data."b"=*'), INTERACTIONS)
    whole = extraction_of(list(more.values()))
    record = a_record({"type": type_, "data": data})
    found = whole(record)
    found.pop("data")
    assert lean(record) == found

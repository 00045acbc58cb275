"""Strict JSON: one meaning or a refusal with a reason, never another exception."""

from __future__ import annotations

import json
from itertools import accumulate

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cx_events.errors import Refused
from cx_events.strict_json import (
    Limits,
    decode,
    decode_each,
    decode_mended,
    decode_plain,
    decode_written,
    mend_surrogates,
)

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 63) - 1)
    | st.text(st.characters(exclude_categories=["Cs"]))
)
VALUES = st.recursive(
    SCALARS | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=20,
)


def refusal(raw: bytes, limits: Limits | None = None) -> Refused:
    with pytest.raises(Refused) as caught:
        decode(raw) if limits is None else decode(raw, limits)
    return caught.value


@given(VALUES, st.booleans())
def test_what_the_standard_library_writes_is_read_back(value: object, ascii: bool) -> None:
    assert repr(decode(json.dumps(value, ensure_ascii=ascii).encode())) == repr(value)


@given(VALUES)
@example({"": [0, -0.0, 0.1, 1e300, "\0\x1f\x7f\u2028", (1 << 63) - 1]})
def test_blanks_between_its_pieces_change_nothing(value: object) -> None:
    short = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    assert repr(decode(short)) == repr(decode(b" " + short)) == repr(value)


@given(VALUES)
@example({"\x7f": [1e300, -0.0, 0.1, "\ue000"]})
def test_what_has_no_blanks_need_not_be_written_again(value: object) -> None:
    short = msgspec.json.encode(value)
    blank = short + b" "
    assert decode_written(short)[1] == decode_written(blank)[1] == short
    assert repr(decode_written(short)[0]) == repr(decode_written(blank)[0]) == repr(value)
    known = b'{"a":[1,"b"]}'
    assert decode_written(known)[1] is known


@pytest.mark.parametrize(
    "raw",
    [b"{} ", b'{"a":1,"a":1}', b'{"a":1.50}', b'{"a":"\\u00e9"}', b"[]", b"", b"\xef\xbb\xbf{}", b'{"a":"\xff"}', b"{"],
)
def test_an_object_is_plain_in_one_form_alone(raw: bytes) -> None:
    assert decode_plain(b'{"a":1.5}') == {"a": 1.5}
    assert decode_plain(raw) is None
    assert decode_plain(b"{}", Limits(max_bytes=1)) is None


@given(st.binary(max_size=200) | st.text(alphabet='[]{}",:\\u0d8efEINn-+.19 \n', max_size=60).map(str.encode))
@example(b'"\\')
@example(b'{"a\\ud800":{"\xc3":1}}')
@example(b"-")
@example(b'{"\\ud800":1,"\\ud800":2}')
def test_any_bytes_are_a_value_or_a_refusal(raw: bytes) -> None:
    try:
        value = decode(raw)
    except Refused as refused:
        assert refused.status == 400
        assert refused.reason.startswith("json-")
        refused.detail.encode()
    else:
        assert repr(value) == repr(json.loads(raw))
        json.dumps(value, ensure_ascii=False).encode()


@pytest.mark.parametrize(
    ("raw", "reason", "named"),
    [
        (b"", "json-empty", "empty"),
        (b" \r\n\t", "json-empty", "empty"),
        (b"\xef\xbb\xbf{}", "json-encoding", "byte order mark"),
        (b'{"a":"\xff"}', "json-encoding", "byte 6"),
        (b'"\xed\xa0\x80"', "json-encoding", "byte 1"),
        (b'{"a":["x","\\ud83d"]}', "json-encoding", "'/a/1'"),
        (b'{"a/b":{"\\udc00":1}}', "json-encoding", "'/a~1b'"),
        (b'{"a":NaN}', "json-number", "NaN"),
        (b"[-Infinity]", "json-number", "-Infinity"),
        (b"1e999", "json-number", "1e999"),
        (b"9223372036854775808", "json-number", "64 bits"),
        (b"-9223372036854775809", "json-number", "64 bits"),
        (b"1" * 5000, "json-number", "19 digits"),
        (b'{"a":1,"b":{"c":[{"d":1,"d":1}]}}', "json-duplicate-key", "'d' is duplicated in the object at '/b/c/0'"),
        (b'{"a":1,"\\u0061":2}', "json-duplicate-key", "'a'"),
        (b'{"a":{"b":1,"b":2}} x', "json-syntax", "line 1, column 21"),
        (b'{"a":1}{"b":2}', "json-syntax", "line 1, column 8"),
        (b'{"a":1,}', "json-syntax", "column"),
        (b"[1,\n2,,3]", "json-syntax", "line 2"),
        (b'"a\nb"', "json-syntax", "control character"),
        (b"{'a':1}", "json-syntax", "column 2"),
        (b"[01]", "json-syntax", "column 3"),
        (b"[" * 65 + b"]" * 65, "json-depth", "65 deep"),
        (b'{"a":' * 100_000, "json-depth", "100000 deep"),
    ],
)
def test_each_fault_has_its_reason_and_names_the_place(raw: bytes, reason: str, named: str) -> None:
    refused = refusal(raw)
    assert (refused.reason, refused.status) == (reason, 400)
    assert named.lower() in refused.detail.lower()


def test_the_limits_are_the_callers() -> None:
    assert refusal(b'"' + b"x" * 10 + b'"', Limits(max_bytes=11)).status == 413
    assert refusal(b"[[1]]", Limits(max_depth=1)).reason == "json-depth"
    assert refusal(b"100", Limits(max_digits=2)).reason == "json-number"
    assert decode(b"[-10]", Limits(max_depth=1, max_digits=2, max_bytes=5)) == [-10]


def test_the_extremes_of_64_bits_are_read() -> None:
    assert decode(b"[9223372036854775807,-9223372036854775808]") == [(1 << 63) - 1, -(1 << 63)]


def test_brackets_inside_strings_do_not_count_as_depth() -> None:
    text = "[{" * 500 + '\\"' * 3
    assert decode(json.dumps({"a": text}).encode()) == {"a": text}
    assert decode(b'["\\\\",' + b"[" * 63 + b"]" * 63 + b"]")


@given(st.lists(st.sampled_from(["[", "{", "]", "}"]) | st.text('[]{}":x\\').map(json.dumps)))
@example(["[", '"a["', '"c]d"', "{", "["])
def test_brackets_in_strings_are_not_depth(pieces: list[str]) -> None:
    steps = [1 if piece in ("[", "{") else -1 for piece in pieces if len(piece) == 1]
    deepest = max(accumulate(steps), default=0)
    try:
        decode("".join(pieces).encode(), Limits(max_depth=2))
    except Refused as refused:
        assert (refused.reason == "json-depth") == (deepest > 2)
    else:
        assert deepest <= 2


def test_many_siblings_are_not_depth() -> None:
    assert decode(b"[" + b",".join([b"{}"] * 1000) + b"]") == [{}] * 1000


@pytest.mark.parametrize(
    ("item", "deep"), [(b'{"a":["[["]}', 0), (b"[" * 63 + b"]" * 63, 0), (b"[" * 64 + b"]" * 64, 65)]
)
def test_the_deepest_item_of_a_batch_counts(item: bytes, deep: int) -> None:
    batch = b"[" + b",".join([b'{"a":[{}]}'] * 100 + [item]) + b"]"
    if deep:
        assert f"nested {deep} deep" in refusal(batch).detail
    else:
        assert decode(batch) == json.loads(batch)


def test_a_surrogate_pair_and_a_nul_are_legal() -> None:
    assert decode(b'"\\ud83d\\ude00\\u0000"') == "\U0001f600\0"


@pytest.mark.parametrize(
    "raw",
    [
        b'"' + b'\\"' * 500_000,
        b"[" + b'"\\' * 400_000,
        b'{"' + b"k" * 400_000 + b'":[' + b'"\\ud800",' * 60_000 + b"1]}",
        b'{"' + b"k" * 400_000 + b'":{"a":1,"a":2},"b":[' + b"0," * 200_000 + b"0]}",
    ],
    ids=["escaped quotes", "open strings", "surrogates below a long name", "duplicate below a long name"],
)
def test_a_megabyte_made_to_hang_is_refused(raw: bytes) -> None:
    assert refusal(raw).status == 400


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b'"cut \\ud83d"', "cut \ufffd"),
        (b'"\\uDE00 cut"', "\ufffd cut"),
        (b'"\\ud83d\\ud83d\\ude00\\ude00"', "\ufffd\U0001f600\ufffd"),
        (b'{"\\ud83d":["\\u00e9\\n\\ud83d\\u0041"]}', {"\ufffd": ["é\n\ufffdA"]}),
        (b'"\\\\ud83d \\\\\\ud83d"', "\\ud83d \\\ufffd"),
    ],
)
def test_half_a_pair_is_mended_where_asked(raw: bytes, value: object) -> None:
    assert decode_mended(raw) == value
    assert len(mend_surrogates(raw)) == len(raw)
    assert refusal(raw).reason == "json-encoding"


@given(st.lists(st.text(st.characters(exclude_categories=[]) | st.characters(categories=["Cs"]) | st.just("\\"))))
def test_mending_changes_nothing_but_lone_surrogates(texts: list[str]) -> None:
    whole = [text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") for text in texts]
    assert decode_mended(json.dumps(texts).encode()) == whole
    sound = json.dumps(whole).encode()
    assert mend_surrogates(sound) is sound


def test_each_value_of_a_list_is_refused_alone() -> None:
    deep = b"[" * 65 + b"]" * 65
    bad = [b'{"a":"\\ud83d"}', b'{"a":1,"a":2}', b"1e999", b"1" * 20, deep]
    raw = b" [" + b" , ".join([b'{"a":"\\ud83d\\ude00"}', *bad, b'"x"', b"[]"]) + b"]\n"
    first, *refused, last, empty = decode_each(raw)  # type: ignore[misc]
    assert (first, last, empty) == ({"a": "\U0001f600"}, "x", [])
    assert [each.reason for each in refused] == [
        "json-encoding", "json-duplicate-key", "json-number", "json-number", "json-depth",
    ]  # fmt: skip
    assert "'/a'" in refused[0].detail
    for whole in (b'[{"a":1,"a":2},', b"[1,1e999,NaN]", b'{"a":[1e999]}', b"\xef\xbb\xbf[1]"):
        with pytest.raises(Refused):
            decode_each(whole)

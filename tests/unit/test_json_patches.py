"""Patches: whatever two values are, the patch makes the one of the other; small changes make small patches."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cx_client.core.json_patch import BadPatch, apply_patch
from cx_context_api.following.json_patches import PatchCache, encode_patch

SCALARS = st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["", "a", "b", "/", "~", "~1", "0", "é"])
NAMES = st.sampled_from(["id", "kind", "value", "event", "a/b", "m~n", "", "0", "x"])
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=6) | st.dictionaries(NAMES, inner, max_size=5), max_leaves=30
)


def encoded(value: Any) -> bytes:
    return json.dumps(value).encode()


@given(VALUES, VALUES)
def test_a_patch_makes_one_value_of_another(old: Any, new: Any) -> None:
    before = encoded(old)
    found = apply_patch(old, json.loads(encode_patch(before, encoded(new))))
    assert json.dumps(found, sort_keys=True) == json.dumps(new, sort_keys=True)
    assert encoded(old) == before, "what was patched is left as it was"


def entry(number: int) -> dict[str, Any]:
    return {"event": {"source": "//acme.example/chat", "id": f"m-{number}"}, "text": f"text {number}"}


def test_a_new_entry_at_the_head_is_one_addition() -> None:
    old = {"timeline": [entry(number) for number in range(50, 0, -1)], "counts": {"events": 50}}
    new = {"timeline": [entry(number) for number in range(51, 1, -1)], "counts": {"events": 51}}
    patch = json.loads(encode_patch(encoded(old), encoded(new)))
    assert [(each["op"], each["path"]) for each in patch] == [
        ("add", "/timeline/0"),
        ("remove", "/timeline/50"),
        ("replace", "/counts/events"),
    ]


def test_a_change_within_an_entry_is_told_alone() -> None:
    old = {"conversations": [{"id": "1", "state": "open"}, {"id": "2", "state": "open"}]}
    new = {
        "conversations": [{"id": "3", "state": "open"}, {"id": "1", "state": "resolved"}, {"id": "2", "state": "open"}]
    }
    patch = json.loads(encode_patch(encoded(old), encoded(new)))
    assert [(each["op"], each["path"]) for each in patch] == [
        ("add", "/conversations/0"),
        ("replace", "/conversations/1/state"),
    ]


def test_followers_share_a_patch() -> None:
    cache = PatchCache(most=2)
    for _ in range(50):
        assert cache.between(b'{"a":1}', b'{"a":2}') == b'[{"op":"replace","path":"/a","value":2}]'
    assert cache.made == 1
    cache.between(b"1", b"2")
    cache.between(b"2", b"3")
    cache.between(b'{"a":1}', b'{"a":2}')
    assert cache.made == 4, "the oldest is forgotten"


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "replace", "path": "/b", "value": 1},
        {"op": "remove", "path": "/list/3"},
        {"op": "add", "path": "/list/4", "value": 1},
        {"op": "add", "path": "/list/x", "value": 1},
        {"op": "add", "path": "/a/b", "value": 1},
        {"op": "remove", "path": ""},
    ],
    ids=str,
)
def test_a_patch_of_another_version_is_refused(operation: dict[str, Any]) -> None:
    with pytest.raises(BadPatch):
        apply_patch({"a": 1, "list": [1, 2, 3]}, [operation])

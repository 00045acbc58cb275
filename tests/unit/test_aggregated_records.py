"""Records of Kinesis that Amazon's producer library has joined: by a vector that was written by hand, and damaged."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.aggregated_records import aggregated, sealed

from cx_channels.pollers.aws.aggregated import MOST_RECORDS, user_records
from cx_events.errors import Refused

VECTOR = bytes.fromhex(
    "f3899ac2"
    "0a0161"  # partition_key_table: "a"
    "0a0162"  # partition_key_table: "b"
    "1a06" "0800" "1a02" "6869"  # records: partition_key_index 0, data "hi"
    "1a0f" "0801" "1a03" "796f75" "2206" "0a0174" "120176"  # index 1, data "you", tags: "t" is "v"
    "1a04" "0800" "1a00"  # index 0, no bytes of data
    "139c28086428b1b2c4487df80a87e3bb"  # MD5 of what is between
)  # fmt: skip


def test_the_vector_is_taken_apart() -> None:
    assert list(user_records(VECTOR)) == [b"hi", b"you", b""]


@pytest.mark.parametrize("data", [b"", b"{}", VECTOR[:4], VECTOR[:19], VECTOR[:-1], VECTOR[1:], VECTOR + b"\n"])
def test_what_lacks_magic_or_digest_is_one_record(data: bytes) -> None:
    assert list(user_records(data)) == [data]


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (b"\x1a", "breaks off"),
        (b"\x1a\x05\x1a\x02h", "breaks off"),
        (b"\x1a\x03\x1a\x02h", "breaks off"),
        (b"\x1a\x02\x08\x00", "one has no data"),
        (b"\x1b", "unknown kind 3"),
        (b"\x08" + b"\xff" * 10, "no end"),
        (b"\x09\x00", "breaks off"),
        (b"\x1a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "breaks off"),
    ],
)
def test_a_damaged_message_is_malformed(message: bytes, why: str) -> None:
    with pytest.raises(Refused, match=why) as refused:
        user_records(sealed(message))
    assert refused.value.reason == "malformed"


def test_unknown_fields_are_passed_over() -> None:
    known = b"\x1a\x04\x1a\x02hi"
    unknown = b"\x28\xff\x01" + b"\x31" + bytes(8) + b"\x3d" + bytes(4) + b"\x42\x01x"
    assert list(user_records(sealed(unknown + known + unknown))) == [b"hi"]


def test_there_is_a_bound() -> None:
    assert len(user_records(aggregated(*[b""] * MOST_RECORDS))) == MOST_RECORDS
    with pytest.raises(Refused, match="more than 10000"):
        user_records(aggregated(*[b""] * (MOST_RECORDS + 1)))


@given(st.lists(st.binary(max_size=300), max_size=5))
def test_what_is_joined_is_taken_apart(bodies: list[bytes]) -> None:
    assert list(user_records(aggregated(*bodies))) == bodies


@given(st.binary(max_size=60))
def test_whatever_is_sealed_is_read_or_malformed(message: bytes) -> None:
    try:
        user_records(sealed(message))
    except Refused as refused:
        assert refused.reason == "malformed"

"""Signing helpers: what passes, and what each refusal says."""

from __future__ import annotations

import pytest

from cx_channels.kit.signing import any_same, check_age, check_signature, same, sha256_hex, sign
from cx_events.errors import Refused

# RFC 2202, section 3, test case 2; RFC 4231, section 4.3, test case 2.
KEY, CONTENT = "Jefe", b"what do ya want for nothing?"
SHA1 = "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"
SHA256 = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
SECOND = 1_000_000


def reason_of(call: object) -> tuple[str, int]:
    assert callable(call)
    with pytest.raises(Refused) as caught:
        call()
    return caught.value.reason, caught.value.status


def test_signatures_agree_with_the_rfcs_vectors() -> None:
    assert sign(KEY, CONTENT, "sha1") == SHA1
    assert sign(KEY, CONTENT, "sha256") == SHA256
    assert sign(KEY, CONTENT, "sha256", "base64") == "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM="
    assert sha256_hex(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_any_of_the_secrets_passes_while_one_is_rotated() -> None:
    check_signature(SHA256, [CONTENT], ["new", KEY], header="x-s")
    check_signature(SHA256, [CONTENT], [KEY, "old"], header="x-s")


def test_any_content_passes_and_hex_may_be_uppercase() -> None:
    check_signature("sha256=" + SHA256.upper(), [b"another", CONTENT], [KEY], header="x-s", prefix="sha256=")


@pytest.mark.parametrize("given", [None, "", "  "])
def test_a_missing_signature_is_named(given: str | None) -> None:
    assert reason_of(lambda: check_signature(given, [CONTENT], [KEY], header="x-s")) == ("missing-signature", 401)


@pytest.mark.parametrize("given", [SHA1, SHA256[:-1], SHA256 + "0", "sha256=" + SHA256, "é\ud800", "="])
def test_a_wrong_signature_is_refused(given: str) -> None:
    assert reason_of(lambda: check_signature(given, [CONTENT], [KEY], header="x-s")) == ("bad-signature", 401)


def test_a_wrong_prefix_is_refused() -> None:
    refusal = reason_of(lambda: check_signature("sha1=" + SHA1, [CONTENT], [KEY], header="x-s", prefix="sha256="))
    assert refusal == ("bad-signature", 401)


@pytest.mark.parametrize("secrets", [[], [""]])
def test_without_a_secret_nothing_passes(secrets: list[str]) -> None:
    given = sign("", CONTENT)
    assert reason_of(lambda: check_signature(given, [CONTENT], secrets, header="x-s")) == ("bad-signature", 401)


def test_a_refusal_shows_neither_secret_nor_signature() -> None:
    with pytest.raises(Refused) as caught:
        check_signature(SHA1, [CONTENT], [KEY], header="x-s")
    assert KEY not in str(caught.value)
    assert SHA1 not in str(caught.value)


def test_a_signed_time_passes_within_the_tolerance_both_ways() -> None:
    now = 1_800_000_000 * SECOND
    for at in (now - 300 * SECOND, now, now + 300 * SECOND):
        check_age(at, now, 300, header="x-t")
    for at in (now - 300 * SECOND - 1, now + 300 * SECOND + 1):
        assert reason_of(lambda at=at: check_age(at, now, 300, header="x-t")) == ("too-old", 401)


def test_comparison_takes_any_text() -> None:
    assert same("é", "é")
    assert not same("e", "é")
    assert any_same("b", ["a", "b"])
    assert not any_same("c", ["a", "b"])

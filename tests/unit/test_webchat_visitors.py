"""Test what a web chat believes of its visitor: what exactly a hash proves, until when, and in whose chat."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from hashlib import sha256
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cx_channels.chat.webchat import visitors
from cx_channels.chat.webchat.visitors import (
    PROOF_SECONDS,
    PROVABLE,
    Claims,
    Known,
    Visitor,
    visitor_of,
    warnings,
)
from cx_channels.kit.signing import sign
from cx_channels.provider import Connection
from cx_events.errors import Fatal, Refused
from cx_events.timestamps import parse_time

README = Path(str(visitors.__file__)).parent / "README.md"
NOW = parse_time("2026-11-22T10:00:00Z")
LATER = NOW + PROOF_SECONDS * 1_000_000
PAIR = b"account:A-1\nemail:ana@example.com"


def connection(**settings: Any) -> Connection:
    return Connection("acme-chat", "acme", "chat/webchat", ("new secret", "old secret"), settings=settings)


CHAT = connection()
STRICT = connection(require_user_hash=True)
BARE = connection(bare_user_hash_until="2026-11-23", bare_user_hash_secrets=["former secret"])


def hashed(text: bytes, secret: str = "new secret") -> str:
    return sign(secret, text)


def weights(visitor: Visitor) -> Mapping[str, str]:
    return {each.kind: each.weight for each in visitor.identifiers}


def known(text: bytes, at: int = NOW, **claims: str) -> Known:
    """A chat in which this was proved."""
    return Known().with_claims(visitor_of(Claims(**claims, user_hash=hashed(text)), CHAT, at), at)


# --- what a hash covers ----------------------------------------------------------------------------------------------


def test_a_hash_is_the_one_that_the_readme_shows() -> None:
    """From README.md, "Prove who is logged in"; computed by openssl dgst -sha256 -hmac."""
    alone = "40e2b68deef7b6dd1c402fe3709a43368d3d05a929c5cba5229374194d968300"
    both = "05e2768efbe236a382c3a439c12ee150fc9a0d8cb25bcacd46bb6b6b07d8aa36"
    secret = "an example's secret"
    page = README.read_text(encoding="utf-8")
    assert all(shown in page for shown in (alone, both, secret))
    assert hmac.new(secret.encode(), b"account:A-1001", sha256).hexdigest() == alone
    example = Connection("acme-chat", "acme", "chat/webchat", (secret,))
    assert weights(visitor_of(Claims(account="A-1001", user_hash=alone), example, NOW)) == {"account": "proved"}
    pair = Claims(account="A-1001", email="ana@example.com", user_hash=both)
    assert weights(visitor_of(pair, example, NOW)) == {"account": "proved", "email": "proved"}


def test_a_hash_over_an_account_proves_only_the_account() -> None:
    claims = Claims(
        account="A-1", email="victim@example.com", phone="+15550100123", cookie="c-7", user_hash=hashed(b"account:A-1")
    )
    assert weights(visitor_of(claims, CHAT, NOW)) == {
        "account": "proved", "cookie": "claimed", "email": "claimed", "phone": "claimed",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "proved"),
    [
        (b"email:ana@example.com", {"email"}),
        (b"phone:+15550100123", {"phone"}),
        (PAIR, {"account", "email"}),
        (b"account:A-1\nemail:ana@example.com\nphone:+15550100123", {"account", "email", "phone"}),
    ],
)
def test_a_hash_proves_exactly_what_it_covers(text: bytes, proved: set[str]) -> None:
    claims = Claims(account="A-1", email="ana@example.com", phone="+15550100123", user_hash=hashed(text, "old secret"))
    found = weights(visitor_of(claims, CHAT, NOW))
    assert {kind for kind, weight in found.items() if weight == "proved"} == proved


def test_a_hash_over_an_address_like_account_proves_nothing() -> None:
    for text in (b"account:ana@example.com", b"account:email:ana@example.com"):
        with pytest.raises(Refused, match="bad-user-hash"):
            visitor_of(Claims(email="ana@example.com", user_hash=hashed(text)), CHAT, NOW)


@pytest.mark.parametrize(
    "claims",
    [
        Claims(user_hash="00"),
        Claims(cookie="c-7", user_hash=hashed(b"")),
        Claims(cookie="c-7", user_hash=hashed(b"cookie:c-7")),
        Claims(name="Ana", user_hash=hashed(b"name:Ana")),
        Claims(account="A-1", user_hash=hashed(b"A-1")),
        Claims(account="A-2", email="ana@example.com", user_hash=hashed(PAIR)),
        Claims(account="A-1\nemail:ana@example.com", user_hash=hashed(PAIR)),
        Claims(account="A-1 ", user_hash=hashed(b"account:A-1 ")),
        Claims(account="A-1", user_hash="é"),
    ],
)
def test_a_hash_over_other_values_is_refused(claims: Claims) -> None:
    with pytest.raises(Refused, match="bad-user-hash"):
        visitor_of(claims, CHAT, NOW)


TEXTS = st.text(st.sampled_from("A1:@.\n \u00e9,aceimnoptu+"), max_size=12)


@given(st.tuples(TEXTS, TEXTS, TEXTS), st.sets(st.sampled_from(PROVABLE), min_size=1), st.tuples(TEXTS, TEXTS, TEXTS))
def test_only_values_signed_by_name_are_proved(
    signed: tuple[str, str, str], kinds: set[str], named: tuple[str, str, str]
) -> None:
    """Whoever signs these values never makes other ones proved."""
    own = dict(zip(PROVABLE, signed, strict=True))
    text = "\n".join(f"{kind}:{own[kind]}" for kind in PROVABLE if kind in kinds)
    for values in (signed, named):
        claims = Claims(**dict(zip(PROVABLE, values, strict=True)), user_hash=hashed(text.encode()))
        try:
            proved = visitor_of(claims, CHAT, NOW).proved
        except Refused:
            continue
        assert proved == {(kind, own[kind]) for kind in kinds}


# --- require_user_hash -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kinds", [one for n in (1, 2, 3) for one in combinations(PROVABLE, n)])
@pytest.mark.parametrize("covered", [(), *(one for n in (1, 2, 3) for one in combinations(PROVABLE, n))])
def test_with_required_hashes_every_user_claim_needs_one(kinds: tuple[str, ...], covered: tuple[str, ...]) -> None:
    values = {"account": "A-1", "email": "ana@example.com", "phone": "+15550100123"}
    text = "\n".join(f"{kind}:{values[kind]}" for kind in covered)
    claims = Claims(**{kind: values[kind] for kind in kinds}, user_hash=hashed(text.encode()) if covered else "")
    if kinds == covered:
        assert set(weights(visitor_of(claims, STRICT, NOW)).values()) == {"proved"}
        return
    with pytest.raises(Refused, match=r"(missing|bad)-user-hash"):
        visitor_of(claims, STRICT, NOW)


def test_with_required_hashes_an_anonymous_visitor_may_chat() -> None:
    assert weights(visitor_of(Claims(cookie="c-7", name="Ana"), STRICT, NOW)) == {"cookie": "claimed"}


def test_with_required_hashes_older_claims_and_proofs_lapse() -> None:
    before = Known().with_claims(visitor_of(Claims(email="ana@example.com", cookie="c-7"), CHAT, NOW), NOW)
    assert weights(before.stated(STRICT, NOW)) == {"cookie": "claimed"}
    proved = known(b"account:A-1", account="A-1", cookie="c-7")
    assert weights(proved.stated(STRICT, NOW)) == {"account": "proved", "cookie": "claimed"}
    assert weights(proved.stated(STRICT, LATER)) == {"cookie": "claimed"}


# --- the bare form ---------------------------------------------------------------------------------------------------


def test_a_bare_hash_counts_until_its_last_day() -> None:
    claims = Claims(account="A-1", email="ana@example.com", user_hash=hashed(b"A-1", "former secret"))
    assert weights(visitor_of(claims, BARE, NOW)) == {"account": "proved", "email": "claimed"}
    by_mail = Claims(email="ana@example.com", user_hash=hashed(b"ana@example.com", "former secret"))
    assert weights(visitor_of(by_mail, BARE, NOW)) == {"email": "proved"}
    with pytest.raises(Refused, match="bad-user-hash"):
        visitor_of(claims, BARE, parse_time("2026-11-23T00:00:00Z"))
    with pytest.raises(Refused, match="bad-user-hash"):
        visitor_of(Claims(account="A-1", user_hash=hashed(b"A-1")), BARE, NOW)


def test_a_bare_hash_over_a_signed_form_proves_nothing() -> None:
    """A site that signs bare user names signs whatever its users choose."""
    chosen = hashed(b"email:ana@example.com", "former secret")
    with pytest.raises(Refused, match="bad-user-hash"):
        visitor_of(Claims(email="ana@example.com", user_hash=chosen), BARE, NOW)
    by_account = Claims(account="A-1", email="ana@example.com", user_hash=hashed(b"ana@example.com", "former secret"))
    with pytest.raises(Refused, match="bad-user-hash"):
        visitor_of(by_account, BARE, NOW)


def test_a_start_warns_while_bare_hashes_count() -> None:
    assert list(warnings(CHAT)) == []
    assert "2026-11-23" in next(iter(warnings(BARE)))


@pytest.mark.parametrize(
    "settings",
    [
        {"bare_user_hash_until": "2026-11-23"},
        {"bare_user_hash_secrets": ["former secret"]},
        {"bare_user_hash_until": "soon", "bare_user_hash_secrets": ["former secret"]},
        {"bare_user_hash_until": "2026-11-23", "bare_user_hash_secrets": []},
        {"bare_user_hash_until": "2026-11-23", "bare_user_hash_secrets": [""]},
        {"bare_user_hash_until": "2026-11-23", "bare_user_hash_secrets": ["former secret", "old secret"]},
    ],
)
def test_invalid_settings_of_bare_hashes_stop_a_start(settings: dict[str, Any]) -> None:
    with pytest.raises(Fatal, match="bare_user_hash"):
        list(warnings(connection(**settings)))


# --- one chat, one person --------------------------------------------------------------------------------------------


def test_a_claim_does_not_undo_a_proof() -> None:
    both = known(b"account:A-1", account="A-1").with_claims(
        visitor_of(Claims(account="A-1", cookie="c-7", name="Ana"), CHAT, NOW), NOW
    )
    assert both.visitor.name == "Ana"
    assert weights(both.visitor) == {"account": "proved", "cookie": "claimed"}


@pytest.mark.parametrize(
    "other",
    [
        Claims(account="A-2"),
        Claims(account="A-2", user_hash=hashed(b"account:A-2")),
        Claims(email="bo@example.com", user_hash=hashed(b"email:bo@example.com")),
        Claims(account="A-1", email="bo@example.com", user_hash=hashed(b"email:bo@example.com")),
    ],
)
@pytest.mark.parametrize("at", [NOW, LATER])
def test_a_proved_visitors_chat_continues_for_nobody_else(other: Claims, at: int) -> None:
    with pytest.raises(Refused, match="other-visitor"):
        known(b"account:A-1", account="A-1").with_claims(visitor_of(other, CHAT, at), at)


def test_a_person_may_change_their_address_within_a_chat() -> None:
    moved = known(PAIR, account="A-1", email="ana@example.com").with_claims(
        visitor_of(Claims(account="A-1", email="ana@new.example", user_hash=hashed(b"account:A-1")), CHAT, NOW), NOW
    )
    assert weights(moved.visitor) == {"account": "proved", "email": "claimed"}
    assert [each.value for each in moved.visitor.identifiers] == ["A-1", "ana@new.example"]


def test_two_hashes_prove_no_pair() -> None:
    """What one hash covers is one person's; that two hashes are, nobody signed."""
    first = known(PAIR, account="A-1", email="ana@example.com")
    again = first.with_claims(visitor_of(Claims(account="A-1", user_hash=hashed(b"account:A-1")), CHAT, NOW), NOW)
    assert weights(again.visitor) == {"account": "proved", "email": "claimed"}


def test_a_proof_runs_out_and_is_given_again() -> None:
    proved = known(b"account:A-1", account="A-1")
    assert weights(proved.stated(CHAT, LATER - 1)) == {"account": "proved"}
    assert weights(proved.stated(CHAT, LATER)) == {"account": "claimed"}
    named = proved.with_claims(visitor_of(Claims(account="A-1"), CHAT, LATER), LATER)
    assert weights(named.stated(CHAT, LATER)) == {"account": "claimed"}
    again = visitor_of(Claims(account="A-1", user_hash=hashed(b"account:A-1")), CHAT, LATER)
    assert weights(named.with_claims(again, LATER).stated(CHAT, LATER)) == {"account": "proved"}

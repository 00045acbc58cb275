"""Test what hosts of ours say about where a mail came from, and what a sender can make them seem to say."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cx_channels.kit.mail.message.authentication import results_of
from cx_channels.kit.mail.message.origin import DKIM, DMARC, SPAM_TESTS, Origin, origin_of, signs_for
from cx_channels.kit.mail.mime.headers import split_head
from cx_channels.kit.mail.settings import Trust, mail_settings
from cx_events.errors import Refused

MX = "198.51.100.25"
RELAY = "192.0.2.10"
STRANGER = "203.0.113.66"
TRUST = mail_settings({"authserv_ids": ["mx.acme.example"], "mx": [MX, "10.0.0.0/8"], "relays": [RELAY]}).trust
VENDOR = Trust(spam_tests=True)

PASSED = "Authentication-Results: mx.acme.example; dmarc=pass header.from=example.com\n"
BORDER = f"Received: from mail.example.com (mail.example.com [{STRANGER}]) by mx.acme.example with ESMTPS id 1; now\n"
FROM = "From: Ana <ana@example.com>\n"


def origin(head: str, peer: str = MX, trust: Trust = TRUST) -> Origin:
    return origin_of(split_head(f"{head}\n".encode())[0], peer, trust)


def aligned(head: str, peer: str = MX, trust: Trust = TRUST) -> str:
    return origin(head, peer, trust).aligned


def found(results: str, sender: str = FROM) -> str:
    """By which verdict a mail of a stranger is aligned, after what our host found out about it."""
    return aligned(f"Authentication-Results: mx.acme.example; {results}\n{BORDER}{sender}")


# --- what counts as alignment -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("results", "by"),
    [
        ("dmarc=pass header.from=example.com", DMARC),
        ("dmarc=pass (p=reject dis=none) header.from=Example.COM", DMARC),
        ("dmarc=pass action=none header.from=example.com;compauth=pass reason=100", DMARC),
        ("dmarc=pass", DMARC),
        ('dmarc=pass reason="looks; fine" header.from="example.com"', DMARC),
        ("dmarc = pass header.from = example.com", DMARC),
        ("DMARC=PASS header.from=example.com", DMARC),
        ("dmarc=none; dkim=pass header.d=example.com", DKIM),
        ("dkim=pass (2048-bit key) header.i=@example.com header.s=s1", DKIM),
        ("dkim=fail header.d=example.com; dkim/1=pass header.d=example.com", DKIM),
        ("dkim=pass header.d=other.example; dkim=pass header.d=example.com", DKIM),
        ("dmarc=temperror; dkim=pass header.d=example.com", DKIM),
        ("dmarc=pass header.from=evil.example", ""),
        ("dmarc=fail header.from=example.com; dkim=pass header.d=example.com", ""),
        ("dmarc=pass header.from=evil.example; dkim=pass header.d=example.com", ""),
        ("dmarc=pass header.from=example.com; dmarc=fail header.from=example.com", ""),
        ("dmarc=bestguesspass header.from=example.com", ""),
        ("dmarc=none", ""),
        ("none", ""),
        ("", ""),
        ("spf=pass smtp.mailfrom=ana@example.com", ""),
        ("spf=pass smtp.helo=example.com; iprev=pass", ""),
        ("arc=pass (i=1 dmarc=pass fromdomain=example.com)", ""),
        ("dkim=pass header.d=evil.example", ""),
        ("dkim=pass header.d=mail.example.com", ""),
        ("dkim=pass header.d=com", ""),
        ("dkim=pass header.d=ample.com", ""),
        ("dkim=pass", ""),
        ("dkim/2=pass header.d=example.com", ""),
        ("dkim=neutral header.d=example.com", ""),
        ("spf=fail (mail from (dmarc=pass header.from=example.com)) smtp.mailfrom=evil.example", ""),
        ('spf=fail smtp.mailfrom="x; dmarc=pass header.from=example.com"@evil.example', ""),
        ("spf=fail (never closed; dmarc=pass header.from=example.com", ""),
        ('spf=fail reason="never closed; dmarc=pass header.from=example.com', ""),
        ("spf=fail closed too often); dmarc=pass header.from=example.com", ""),
        ("spf=fail (a \\) dmarc=none (b); dmarc=pass header.from=example.com", ""),
    ],
)
def test_only_dmarc_or_an_aligned_signature_proves_a_sender(results: str, by: str) -> None:
    assert found(results) == by


@pytest.mark.parametrize(
    ("signer", "domain", "speaks"),
    [
        ("example.com", "example.com", True),
        ("example.com", "mail.example.com", True),
        ("mail.example.com", "example.com", False),
        ("shop.hosts.example", "other.hosts.example", False),
        ("uk", "bank.co.uk", False),
        ("", "example.com", False),
    ],
)
def test_a_signature_covers_its_domain_and_subdomains(signer: str, domain: str, speaks: bool) -> None:
    assert signs_for(signer, domain) is speaks


@pytest.mark.parametrize(
    "sender",
    [
        "From: Ana <ana@example.com>, Eve <eve@evil.example>\n",
        "From: Eve <eve@evil.example>, Ana <ana@example.com>\n",
        "From: Ana <ana@example.com>\nFrom: Eve <eve@evil.example>\n",
        "From: Eve <eve@evil.example> <ana@example.com>\n",
        "From: Ana\n",
        "Sender: ana@example.com\n",
        "",
    ],
)
def test_a_mail_of_several_or_unnamed_senders_proves_nobody(sender: str) -> None:
    assert found("dmarc=pass", sender) == ""


def test_domains_in_other_scripts_are_compared_in_one_form() -> None:
    assert found("dmarc=pass header.from=xn--bcher-kva.example", "From: ana@bücher.example\n") == DMARC
    assert found("dmarc=pass header.from=BÜCHER.example", "From: ana@xn--bcher-kva.example\n") == DMARC


@pytest.mark.parametrize(
    ("shown", "owner", "another"),
    [
        ("straße", "xn--strae-oqa", "strasse"),
        ("πας", "xn--mxa3ah", "xn--mxa3ak"),
    ],
)
def test_letters_that_idna_2003_replaced_are_their_owners(shown: str, owner: str, another: str) -> None:
    sender = f"From: Ana <ana@{shown}.example>\n"
    assert found(f"dkim=pass header.d={owner}.example", sender) == DKIM
    assert found(f"dkim=pass header.d={another}.example", sender) == ""
    assert found(f"dmarc=pass header.from={another}.example", sender) == ""


def test_an_address_in_a_comment_was_not_checked() -> None:
    assert found("dmarc=pass", "From: eve@evil.example (<ana@example.com>)\n") == DMARC  # of Eve
    assert found("dkim=pass header.d=example.com", "From: eve@evil.example (<ana@example.com>)\n") == ""


# --- whose word counts ------------------------------------------------------------------------------------------------


def test_a_verdict_counts_only_from_a_known_host() -> None:
    head = PASSED + BORDER + FROM
    assert aligned(head) == DMARC
    assert aligned(head, peer=STRANGER) == ""
    assert aligned(head, peer="") == ""
    assert aligned(head, peer=f"::ffff:{MX}") == DMARC


def test_another_hosts_verdict_does_not_count() -> None:
    for other in ("mx.evil.example", "mx.acme.example.evil.example", "mx.acme.example 2", '"mx.acme.example'):
        assert aligned(PASSED.replace("mx.acme.example;", f"{other};") + BORDER + FROM) == ""
    for same in ("MX.acme.example", "(x) mx.acme.example (y)", "mx.acme.example 1", '"mx.acme.example"'):
        assert aligned(PASSED.replace("mx.acme.example;", f"{same};") + BORDER + FROM) == DMARC


def test_a_folded_verdict_is_read_whole() -> None:
    folded = "Authentication-Results: mx.acme.example;\n\tdmarc=pass (p=none)\n\theader.from=example.com\n"
    assert aligned(folded + BORDER + FROM) == DMARC


@pytest.mark.parametrize(
    "head",
    [
        BORDER + "Received: from a by b\n" + PASSED + FROM,
        BORDER + FROM + PASSED,
        BORDER + "Subject: x\n" + PASSED + FROM,
        "Authentication-Results: mx.acme.example; dmarc=fail\n" + BORDER + PASSED + FROM,
        "Authentication-Results: mx.acme.example; spf=pass\n" + BORDER + PASSED + FROM,
        BORDER + "Authentication-Results: mx.acme.example; spf=pass\n" + PASSED + FROM,
        BORDER + "Authentication-Results: other.example; spf=pass\n" + PASSED + FROM,
        "Authentication-Results: mx.acme.example; none\n" + PASSED + FROM,
        # The host that the sender invented says that it had the mail from a host of ours.
        BORDER + f"Received: from mx.acme.example ([{MX}]) by mx.acme.example\n" + PASSED + FROM,
        # So does the sender itself, by its greeting.
        f"Received: from [{MX}] (unknown [{STRANGER}]) by mx.acme.example\nReceived: by x\n" + PASSED + FROM,
        f"Received: from [{STRANGER}] (helo=[{MX}]) by mx.acme.example\nReceived: by x\n" + PASSED + FROM,
        f"Received: from {MX} ({STRANGER}) by mx.acme.example\nReceived: by x\n" + PASSED + FROM,
        "Received: by mx.acme.example\nReceived: by x\n" + PASSED + FROM,
        "ARC-Authentication-Results: i=1; mx.acme.example; dmarc=pass header.from=example.com\n" + BORDER + FROM,
        "X-Authentication-Results: mx.acme.example; dmarc=pass header.from=example.com\n" + BORDER + FROM,
    ],
)
def test_a_senders_verdict_under_our_name_is_ignored(head: str) -> None:
    assert aligned(head) == ""


@pytest.mark.parametrize(
    "head",
    [
        PASSED + BORDER + FROM,
        BORDER + PASSED + FROM,
        "Return-Path: <x@y>\nX-Spam: no\n" + PASSED + BORDER + FROM,
        BORDER + "Received-SPF: Pass\n" + PASSED + "DKIM-Signature: v=1\n" + FROM,
        "Authentication-Results: mx.acme.example; spf=pass\n" + PASSED + BORDER + FROM,
        PASSED + "Authentication-Results: mx.acme.example; dkim=fail header.d=example.com\n" + BORDER + FROM,
        # It went through three hosts of ours.
        f"Received: from filter (filter [10.0.0.7]) by store\nReceived: from mx.acme.example ([{MX}]) by filter\n"
        + PASSED + BORDER + FROM,
        f"Received: from mx ([{MX}]) by filter\n" + BORDER + PASSED + FROM,
        PASSED + FROM,
    ],
)  # fmt: skip
def test_what_our_hosts_add_on_the_way_counts(head: str) -> None:
    assert aligned(head) == DMARC


# --- whether our own address is ours ----------------------------------------------------------------------------------


def test_a_relay_of_our_own_mail_makes_it_ours() -> None:
    assert origin(FROM, peer=RELAY).relayed
    assert origin(f"Received: from out ([{RELAY}]) by mx\n{FROM}").relayed
    assert not origin(BORDER + FROM).relayed
    assert not origin(FROM, peer=STRANGER).relayed
    assert not origin(f"Received: from [{RELAY}] (x [{STRANGER}]) by mx\n{FROM}").relayed


def test_a_relay_that_found_a_forgery_is_heard() -> None:
    failed = "Authentication-Results: mx.acme.example; dmarc=fail header.from=example.com\n"
    assert not origin(failed + BORDER + FROM, peer=RELAY).is_ours


@pytest.mark.parametrize(
    ("head", "submitted"),
    [
        ("Received: from pc (pc [203.0.113.9]) by mx (Postfix) with ESMTPSA id 1 for <a@b>; now\n", True),
        ("Received: from pc (pc [203.0.113.9]) by mx with UTF8SMTPSA id 1; now\n", True),
        ("Received: from pc ([203.0.113.9]) by mx with esmtpa (Exim) id 1; now\n", True),
        ("Authentication-Results: mx.acme.example; auth=pass smtp.auth=bo\n" + BORDER, True),
        (BORDER, False),
        (BORDER + "Received: from pc by x with ESMTPSA id 1; now\n", False),
        ("Received: from pc (by mx with ESMTPSA [203.0.113.9]) by mx with ESMTP id 1; now\n", False),
        ("Authentication-Results: mx.evil.example; auth=pass smtp.auth=bo\n" + BORDER, False),
    ],
)
def test_a_host_of_ours_vouches_for_its_logins(head: str, submitted: bool) -> None:
    assert origin(head + FROM).submitted is submitted


# --- a vendor's verdict -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tests", "by"),
    [
        ("DKIM_SIGNED,DKIM_VALID,DKIM_VALID_AU,SPF_PASS", SPAM_TESTS),
        ("DKIM_SIGNED, DMARC_PASS", SPAM_TESTS),
        ("DKIM_VALID_AU,DMARC_REJECT", ""),
        ("DKIM_SIGNED,DKIM_VALID,SPF_PASS,SPF_HELO_PASS", ""),
        ("NOT_DKIM_VALID_AU", ""),
    ],
)
def test_spamassassins_verdict_on_the_authors_domain_counts(tests: str, by: str) -> None:
    head = f"Return-Path: <a@b>\nReceived: from x by inbound.example\nX-Spam-Tests: {tests}\n{FROM}\n"
    headers = split_head(head.encode())[0]
    assert origin_of(headers, "", VENDOR, by_vendor=True).aligned == by
    assert origin_of(headers, "", Trust(), by_vendor=True).aligned == ""
    assert origin_of(headers, MX, TRUST).aligned == ""


def test_only_the_vendors_own_tests_count() -> None:
    forged = "X-Spam-Tests: DKIM_VALID_AU\n"
    for head in (
        f"Received: from x by vendor\nReceived: from y by z\n{forged}{FROM}",
        f"Received: from x by vendor\nX-Spam-Tests: SPF_PASS\n{forged}{FROM}",
        f"Received: from x by vendor\n{FROM}{forged}",
    ):
        assert origin_of(split_head(f"{head}\n".encode())[0], "", VENDOR, by_vendor=True).aligned == ""


def test_an_exchanger_before_the_vendor_is_known_by_address() -> None:
    trust = mail_settings({"authserv_ids": ["mx.acme.example"], "mx": [MX]}, by_vendor=True).trust

    def by_way_of(address: str) -> str:
        head = f"Received: by vendor (userid 996)\nReceived: from m (m [{address}]) by vendor\n{BORDER}{PASSED}{FROM}\n"
        return origin_of(split_head(head.encode())[0], "", trust, by_vendor=True).aligned

    assert by_way_of(MX) == DMARC
    assert by_way_of(STRANGER) == ""


# --- settings and totality --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"authserv_ids": ["mx.acme.example"]}, "need 'mx'"),
        ({"mx": ["10.0.0.0/8"], "relays": ["10.1.2.3"]}, "overlap"),
        ({"mx": ["mx.acme.example"]}, "no address"),
        ({"relays": "10.0.0.1"}, "list of strings"),
        ({"spam_tests": "yes"}, "true nor false"),
        ({"forwarders": {"a@b.example": "reply-to"}}, "forwarders"),
        ({"forwarders": [{"from": "a@b.example"}]}, "forwarders"),
        ({"forwarders": [{"from": "everybody", "person": "reply-to"}]}, "no address"),
    ],
)
def test_settings_that_would_believe_anybody_are_refused_by_name(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(Refused, match=said) as caught:
        mail_settings(settings)
    assert caught.value.reason == "bad-settings"


@given(st.text(max_size=200))
def test_any_field_is_read_or_says_nothing(value: str) -> None:
    results_of(value)


@given(st.text(alphabet='()"\\;= dmarc=pass', max_size=60))
def test_words_that_a_host_quotes_are_no_result(said: str) -> None:
    in_comment, quoted = (
        "".join(f"\\{each}" if each in special else each for each in said) for special in ("()\\", '"\\')
    )
    read = results_of(f'mx.acme.example; spf=fail ({in_comment}) smtp.mailfrom="{quoted}"@x; dkim=none')
    assert read is not None
    assert [(each.method, each.result) for each in read.results] == [("spf", "fail"), ("dkim", "none")]
    assert read.results[0].properties["smtp.mailfrom"].endswith("@x")


_BELOW = st.lists(
    st.sampled_from([PASSED, BORDER, FROM.replace("From", "To"), "Received: by mx.acme.example\n", "X-A: b\n"]),
    max_size=6,
).map("".join)


@given(_BELOW)
def test_nothing_below_our_hosts_verdict_changes_it(below: str) -> None:
    failed = "Authentication-Results: mx.acme.example; dmarc=fail header.from=example.com\n"
    assert aligned(failed + BORDER + below + FROM) == ""
    assert aligned(BORDER + failed + below + FROM) == ""
    assert aligned(PASSED + BORDER + below + FROM) == DMARC


@given(_BELOW)
def test_a_strangers_mail_is_never_aligned(head: str) -> None:
    assert origin(head + FROM, peer=STRANGER) == Origin()

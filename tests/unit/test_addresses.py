"""Test which address somebody comes from: nobody can choose it, and proxies are believed by configuration alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from cx_runtime.addresses import NOBODY, Addresses, group_of
from cx_runtime.settings import Settings

PROXIES = Addresses(["10.0.0.0/8", "192.0.2.7", "fd00::/8"])


def forwarded(text: str) -> dict[str, str]:
    return {"x-forwarded-for": text}


def test_a_strangers_forwarded_address_is_ignored() -> None:
    assert Addresses().of("203.0.113.9", forwarded("198.51.100.1")) == "203.0.113.9"
    assert PROXIES.of("203.0.113.9", forwarded("198.51.100.1")) == "203.0.113.9"


def test_of_a_trusted_proxy_only_what_proxies_added_counts() -> None:
    assert PROXIES.of("10.1.2.3", forwarded("1.1.1.1, 198.51.100.1")) == "198.51.100.1"
    assert PROXIES.of("10.1.2.3", forwarded("1.1.1.1, 198.51.100.1, 192.0.2.7,10.9.9.9")) == "198.51.100.1"
    assert PROXIES.of("::ffff:10.1.2.3", forwarded("198.51.100.1")) == "198.51.100.1"
    assert PROXIES.of("10.1.2.3", {}) == NOBODY


def test_an_ipv6_network_counts_as_one_address() -> None:
    assert group_of("2001:db8::1") == group_of("2001:db8::ffff:1") == "2001:db8::/64"
    assert group_of("2001:db8:0:1::1") != group_of("2001:db8::1")
    assert group_of("::ffff:192.0.2.1") == "192.0.2.1"


@given(st.text(max_size=100))
def test_whatever_a_header_holds_an_address_comes_out(text: str) -> None:
    found = PROXIES.of("10.0.0.1", forwarded(text))
    assert found == NOBODY or group_of(found.removesuffix("/64")) == found


def test_an_invalid_network_stops_the_start() -> None:
    assert Settings(trusted_proxies="10.0.0.0/8, 192.0.2.7").proxies() == ["10.0.0.0/8", "192.0.2.7"]
    with pytest.raises(ValidationError, match="trusted_proxies"):
        Settings(trusted_proxies="gateway")

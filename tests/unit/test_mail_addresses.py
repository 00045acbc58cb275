"""Mail addresses as they are: old forms that a carrier handed out, quoted local parts, names of an own network."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cx_channels.kit.mail.mime.addresses import parse_mailboxes
from cx_channels.kit.mail.sent_mail import address_of
from cx_context_api.requests.targets import by_identifier
from cx_events.codec import decode
from cx_events.email_addresses import LOCAL, LocalDomains
from cx_events.envelope import Data, Draft, Identifier, Participant
from cx_events.errors import Fatal, Refused
from cx_events.identifiers import normalise
from cx_events.junk import Junk
from cx_events.stamp import stamp
from cx_events.testing.builders import ACME, START
from cx_runtime.tenants import load


def email(value: str) -> tuple[str, str]:
    found = normalise(Identifier(kind="email", value=value))
    return found.value, found.unusable


@pytest.mark.parametrize("address", ["ana..b@docomo.example", "ana.@docomo.example", ".ana@docomo.example"])
def test_dots_of_old_japanese_addresses_are_kept(address: str) -> None:
    assert email(address) == (address, "")
    local, domain = address.split("@")
    assert email(f'"{local}"@{domain}') == (address, "")
    assert email(address.upper()) == (address, "")
    assert email(f"mailto:{address}") == (address, "")


def test_addresses_that_differ_only_in_dots_stay_different() -> None:
    spellings = ["ana@d.example", ".ana@d.example", "ana.@d.example", "a.na@d.example", "a..na@d.example"]
    assert len({email(each) for each in spellings}) == len(spellings)


@pytest.mark.parametrize(
    ("given", "normal"),
    [
        ('"ana b"@example.com', '"ana b"@example.com'),
        ('"Ana B"@Example.com', '"ana b"@example.com'),
        ('"ana"@example.com', "ana@example.com"),
        (r'"an\a"@example.com', "ana@example.com"),
        (r'"a\"b"@example.com', r'"a\"b"@example.com'),
        ('"a@b"@example.com', '"a@b"@example.com'),
        ('mailto:"ana b"@example.com', '"ana b"@example.com'),
    ],
)
def test_a_local_part_is_quoted_only_where_necessary(given: str, normal: str) -> None:
    assert email(given) == (normal, "")


@pytest.mark.parametrize(
    "value", ["..@example.com", '""@example.com', '" "x@example.com', "a b@example.com", ".@d.example"]
)
def test_an_invalid_address_stays_unusable(value: str) -> None:
    assert email(value) == (value, "invalid")


_QUOTED = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=12)


@given(_QUOTED)
def test_a_quoted_local_part_keeps_its_normal_form(local: str) -> None:
    escaped = local.replace("\\", "\\\\").replace('"', '\\"')
    once = normalise(Identifier(kind="email", value=f'"{escaped}"@example.com'))
    assert normalise(once) == once


# --- in a mail's fields ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "address"),
    [
        ("Ana <.ana@docomo.example>", ".ana@docomo.example"),
        ("Ana <ana.@docomo.example>", "ana.@docomo.example"),
        ("Ana <ana..b@docomo.example>", "ana..b@docomo.example"),
        (".ana@docomo.example", ".ana@docomo.example"),
        ("ana.@docomo.example", "ana.@docomo.example"),
        ('Ana <"ana..b"@docomo.example>', "ana..b@docomo.example"),
        ('".ana"@docomo.example', ".ana@docomo.example"),
        ('Ana <"ana b"@example.com>', '"ana b"@example.com'),
        ('"ana b"@example.com', '"ana b"@example.com'),
        (r'Ana <"ana \"b\""@example.com>', r'"ana \"b\""@example.com'),
        ('Ana <"ana,b"@example.com>', '"ana,b"@example.com'),
        ('Ana <"ana"@example.com>', "ana@example.com"),
        ("Ana < ana @ example.com >", "ana@example.com"),
        ("Ana <ana@example.com.>", "ana@example.com"),
        ("Ana <'ana@example.com'>", "ana@example.com"),
    ],
)
def test_a_field_gives_the_address_as_it_is(field: str, address: str) -> None:
    (found,) = parse_mailboxes(field)
    assert found.address == address
    assert found.name in ("Ana", "")


@pytest.mark.parametrize(
    ("field", "name", "address"),
    [
        ("o'brien@example.com", "", "o'brien@example.com"),
        ("o'brien@example.com (Pat)", "Pat", "o'brien@example.com"),
        ("Pat O'Brien <o'brien@example.com>", "Pat O'Brien", "o'brien@example.com"),
        ("Pat O'Brien pat@example.com", "Pat O'Brien", "pat@example.com"),
        ("d'a'b@example.com", "", "d'a'b@example.com"),
        ("'ana@example.com'", "", "ana@example.com"),
        ("'o'brien@example.com'", "", "o'brien@example.com"),
        ("To 'o'brien@example.com'", "To", "o'brien@example.com"),
    ],
)
def test_an_apostrophe_is_part_of_an_address(field: str, name: str, address: str) -> None:
    (found,) = parse_mailboxes(field)
    assert (found.name, found.address) == (name, address)


def test_addresses_with_apostrophes_and_blanks_between_are_several() -> None:
    found = parse_mailboxes("o'brien@example.com d'arcy@example.com")
    assert [each.address for each in found] == ["o'brien@example.com", "d'arcy@example.com"]


def test_a_notice_about_a_sent_mail_keeps_the_apostrophe() -> None:
    assert [each.value for each in address_of("o'brien@example.com")] == ["o'brien@example.com"]


@pytest.mark.parametrize(
    ("field", "name", "address"),
    [
        ("ana@example.com (Ana <eve@evil.example>)", "", "ana@example.com"),
        ("eve@evil.example (<ana@example.com>)", "", "eve@evil.example"),
        ("Ana <ana@example.com> (by <mailer@x.example>)", "Ana", "ana@example.com"),
        ("Ana (home (<3)) <ana@example.com>", "Ana", "ana@example.com"),
        ("Ana :( <ana@example.com>", "Ana :", "ana@example.com"),
        ('"Ana (<x@y.example>)" <ana@example.com>', "Ana (<x@y.example>)", "ana@example.com"),
    ],
)
def test_an_address_in_a_comment_is_nobodys(field: str, name: str, address: str) -> None:
    (found,) = parse_mailboxes(field)
    assert (found.name, found.address) == (name, address)


@pytest.mark.parametrize("field", ["<ana@example.com> Ana Silva", "Ana Silva [mailto:ana@example.com]"])
def test_name_and_address_in_odd_places_are_told_apart(field: str) -> None:
    (found,) = parse_mailboxes(field)
    assert (found.name, found.address) == ("Ana Silva", "ana@example.com")


# --- of a tenant's own network ---------------------------------------------------------------------------------------

INTRANET = Junk(local_domains=("local", "mailhost"))


def stamped(address: str, junk: Junk) -> Identifier:
    data = Data(participants=[Participant(role="customer", identifiers=[Identifier(kind="email", value=address)])])
    draft = Draft(type="cx.message.received.v1", id="1", data=data)
    event = decode(stamp(draft, source="//s", recorded=START, ids=ACME, junk=junk).raw)
    return event.data.participants[0].identifiers[0]


@pytest.mark.parametrize("address", ["ana@corp.local", "ana@local", "ana@mailhost", "Ana@MAILHOST"])
def test_a_local_network_address_is_usable_if_configured(address: str) -> None:
    found = stamped(address, INTRANET)
    assert (found.value, found.unusable) == (address.lower(), "")
    assert stamped(address, Junk()).unusable == LOCAL
    assert by_identifier("email", address, "", ACME, (), INTRANET).profiles == (
        ACME.profile("email", "", address.lower()),
    )
    with pytest.raises(Refused, match=LOCAL):
        by_identifier("email", address, "", ACME, ())


@pytest.mark.parametrize("address", ["ana@other", "ana@notlocal", "root@localhost", "ana@x.test"])
def test_another_networks_address_stays_unusable(address: str) -> None:
    assert stamped(address, INTRANET).unusable == LOCAL


def test_a_lost_value_at_a_local_host_is_junk() -> None:
    assert stamped("undefined@mailhost", INTRANET).unusable == "junk"


@pytest.mark.parametrize(
    "domain", ["", "*.local", "@local", "a b", "-x", "10.0.0.1", ".local", "a..b", "x" * 64, "ana@local"]
)
def test_an_invalid_domain_stops_the_start(domain: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="local_domains"):
        LocalDomains([domain])
    config = tmp_path / "tenants.yaml"
    config.write_text(f"tenants:\n  acme:\n    mail: {{local_domains: ['{domain}']}}\n", encoding="utf-8")
    with pytest.raises(Fatal, match=r"tenants.acme.mail.local_domains"):
        load(config, tmp_path, {})


def test_the_tenants_file_names_the_domains_of_its_network(tmp_path: Path) -> None:
    config = tmp_path / "tenants.yaml"
    config.write_text("tenants:\n  acme:\n    mail: {local_domains: [Local, mailhost]}\n", encoding="utf-8")
    assert stamped("ana@corp.local", load(config, tmp_path, {}).junk("acme")).unusable == ""


@pytest.mark.parametrize(
    ("field", "name"),
    [
        (r'"Giant; \"Big\" Box" <a@example.com>', 'Giant; "Big" Box'),
        (r'"back\\slash" <a@example.com>', r"back\slash"),
        (r'"\"Ana Silva\"" <a@example.com>', "Ana Silva"),
        ('"Silva" "Ana" <a@example.com>', "Silva Ana"),
        ('Ana "Ani" Silva <a@example.com>', "Ana Ani Silva"),
        ('"=?utf-8?q?J=C3=B8rn?=" <a@example.com>', "Jørn"),
    ],
)
def test_only_the_outer_quotes_of_a_name_are_removed(field: str, name: str) -> None:
    assert [each.name for each in parse_mailboxes(field)] == [name]


@pytest.mark.parametrize("between", [" ", "  ", "\n ", ",", "; ", " , "])
def test_addresses_with_blanks_between_are_several(between: str) -> None:
    found = parse_mailboxes(f"tim@example.com{between}bo@example.com")
    assert [(each.name, each.address) for each in found] == [("", "tim@example.com"), ("", "bo@example.com")]


@pytest.mark.parametrize("field", ["bo@example.com <tim@example.com>", "tim @ example . com", '"tim b"@example.com'])
def test_addresses_as_names_and_blanks_make_no_second_mailbox(field: str) -> None:
    assert len(parse_mailboxes(field)) == 1

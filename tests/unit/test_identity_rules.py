"""Rules as data: read, refused by their mistake, applied."""

from __future__ import annotations

import pickle

import pytest

from cx_events.errors import Refused
from cx_identity.model import Profile
from cx_identity.rules import DEFAULT, Rules


def of(kind: str, value: str) -> Profile:
    return Profile(b"0" * 16, kind, "", value, 1)


def test_rules_are_read_as_configuration_writes_them():
    rules = Rules.parse(
        {
            "shared_after": {"phone": 1, "facebook-psid": 0},
            "exclusive": ["crm", "account"],
            "never_link": ["phone:+266696687", "email:NoReply@*"],
        }
    )
    assert rules.shared_after == {"phone": 1, "facebook-psid": 0}
    assert rules.exclusive == {"crm", "account"}
    assert not rules.may_link(of("phone", "+266696687"))
    assert not rules.may_link(of("email", "noreply@example.com"))
    assert rules.may_link(of("email", "ana@example.com"))
    assert rules.may_link(of("account", "noreply@example.com"))


def test_a_pattern_matches_the_whole_value_only():
    rules = Rules.parse({"never_link": ["phone:+1555010?", "cookie:till"]})
    assert not rules.may_link(of("phone", "+15550101"))
    assert rules.may_link(of("phone", "+155501011"))
    assert rules.may_link(of("cookie", "till-1"))
    assert rules.may_link(of("cookie", "TILL"))


def test_junk_stored_before_its_rule_links_nobody():
    rules = Rules.parse({"junk": ["account:demo*", "line:U0"]})
    for kind, value in (
        ("account", "demo-7"),
        ("account", "'DEMO'"),
        ("line", "U0"),
        ("crm", "undefined"),
        ("line", "0"),
        ("line", "null"),
    ):
        assert not rules.may_link(of(kind, value)), (kind, value)
    for kind, value in (("account", "a demo"), ("crm", "demo-7"), ("line", "111"), ("line", "test"), ("crm", "111")):
        assert rules.may_link(of(kind, value)), (kind, value)
    assert Rules.parse(rules.as_mapping()) == rules
    assert not DEFAULT.may_link(of("cookie", "NULL"))


def test_omitted_rules_have_their_defaults():
    assert Rules.parse({}) == DEFAULT
    assert Rules.parse({"exclusive": []}).shared_after == DEFAULT.shared_after


def test_rules_read_back_what_they_write():
    rules = Rules.parse({"shared_after": {"phone": 2, "email": 1}, "never_link": ["email:b@*", "email:a@*"]})
    assert Rules.parse(rules.as_mapping()) == rules
    assert pickle.loads(pickle.dumps(rules)).as_mapping() == rules.as_mapping()


@pytest.mark.parametrize(
    ("mapping", "named"),
    [
        ({"shared": {}}, "'shared' is none of shared_after, exclusive, never_link"),
        ({"shared_after": ["phone"]}, "shared_after: expected a mapping"),
        ({"shared_after": {"phone": "1"}}, r"shared_after\.phone: expected a whole number, 0 or more, not '1'"),
        ({"shared_after": {"phone": True}}, r"shared_after\.phone"),
        ({"shared_after": {"phone": -1}}, r"shared_after\.phone"),
        ({"shared_after": {"Phone": 1}}, "shared_after: 'Phone' is not a kind"),
        ({"exclusive": "crm"}, "exclusive: expected a list, not 'crm'"),
        ({"exclusive": [1]}, "exclusive: 1 is not a kind"),
        ({"never_link": ["+266696687"]}, r"never_link: expected KIND:VALUE like .*, not '\+266696687'"),
        ({"never_link": ["email:"]}, "never_link: expected KIND:VALUE"),
        ({"never_link": [7]}, "never_link: expected KIND:VALUE"),
        ({"never_link": {"email": "x"}}, "never_link: expected a list"),
        ({"junk": ["demo"]}, "junk: expected KIND:VALUE like .*, not 'demo'"),
        ({"junk": "account:demo"}, "junk: expected a list"),
        (["crm"], "expected a mapping of"),
    ],
)
def test_a_mistake_in_the_rules_is_named(mapping, named):
    with pytest.raises(Refused, match=named) as refused:
        Rules.parse(mapping)
    assert refused.value.reason == "bad-rules"

"""The trail of a bot: which values are kept, whose contact it is, and who is named."""

from __future__ import annotations

import pytest

from cx_channels.kit.bot_trails import check_settings, customer, is_card, passed_interaction, slots_of, words_of_rich
from cx_channels.provider import Connection
from cx_events.errors import Fatal
from cx_events.json_types import Json


def connection(**settings: object) -> Connection:
    return Connection("acme-bot", "acme", "chat/rasa", ("a secret",), None, settings)


@pytest.mark.parametrize("written", ["4111111111111111", "4111 1111 1111 1111", "my card: 5500-0000-0000-0004!"])
def test_a_cards_number_is_known_by_its_check_digit(written: str) -> None:
    assert is_card(written)


@pytest.mark.parametrize("written", ["4111111111111112", "order 4711", "+442079460100", "1795860000123"])
def test_other_numbers_are_none(written: str) -> None:
    assert not is_card(written)


def test_values_that_say_nothing_and_cards_are_no_slots() -> None:
    values: Json = {"a": "", "b": None, "c": [], "d": {"e": "4111111111111111", "f": 1}, "g": 0, "h": False}
    assert slots_of(values) == {"d": {"f": 1}, "g": 0, "h": False}
    assert slots_of({"card": 4111111111111111}) == {}


def test_a_setting_names_where_the_contact_stands() -> None:
    values: Json = {"cx_interaction": "acme-chat/chat-42"}
    assert passed_interaction(connection(), values) == ""
    named = connection(interaction="cx_interaction", guest_of=["acme-chat", "acme-calls"])
    assert passed_interaction(named, values) == "acme-chat/chat-42"
    for strange in (
        7.5,
        None,
        "",
        "acme-chat/with blanks",
        "acme-chat/" + "x" * 200,
        ["a"],
        "acme-chat",
        "acme-mail/m-1",
    ):
        assert passed_interaction(named, {"cx_interaction": strange}) == ""
    assert passed_interaction(named, {}, values) == "acme-chat/chat-42"
    assert passed_interaction(named, {"cx_interaction": ""}, values) == "", "the first that has the name counts"


def test_a_card_of_no_known_kind_is_read() -> None:
    cards = [{"type": [{}], "title": "Order 4711"}, {"type": "button", "text": "Track it"}]
    assert words_of_rich({"richContent": [cards]}) == "Order 4711"


def test_identifiers_are_claims() -> None:
    found = customer(connection(identifiers={"mail": "email", "no": "crm"}), {"mail": "ana@example.com", "no": 7})
    assert [(each.kind, each.value, each.weight) for each in found.identifiers] == [
        ("email", "ana@example.com", "claimed"),
        ("crm", "7", "claimed"),
    ]


@pytest.mark.parametrize(
    "settings",
    [
        {"interaction": 3},
        {"interaction": "x"},
        {"guest_of": ["acme-chat"]},
        {"identifiers": ["email"]},
        {"identifiers": {"a": "cookie"}},
    ],
)
def test_settings_that_cannot_be_meant_stop_the_start(settings: dict[str, object]) -> None:
    with pytest.raises(Fatal, match="acme-bot"):
        check_settings(connection(**settings))

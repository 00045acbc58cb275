"""A customer is named by an id, an identifier, a contact, a conversation or an event, in every command alike."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from tests.stocked_hub import OTHERS, PHONE, SHARED_PHONE, SOURCE, StockedHub

from cx_hub.cli import run

pytestmark = pytest.mark.clock

Captured = pytest.CaptureFixture[str]
Name = Callable[[StockedHub], str]

NAMES: Mapping[str, Name] = {
    "its id": lambda hub: hub.names["customer"],
    "its id in words": lambda hub: f"customer:{hub.names['customer']}",
    "an address": lambda hub: "ana@example.com",
    "an address with its kind": lambda hub: "email:Ana@Example.com",
    "a link to an address": lambda hub: "mailto:ana@example.com",
    "a number": lambda hub: f" {PHONE[:2]} ({PHONE[2:5]}) {PHONE[5:8]}-{PHONE[8:]}",
    "a link to a number": lambda hub: f"tel:{PHONE}",
    "an interaction": lambda hub: "chat-42",
    "an interaction in words": lambda hub: "interaction:chat-42",
    "a conversation": lambda hub: hub.names["conversation"],
    "a conversation in words": lambda hub: f"conversation:{hub.names['conversation']}",
    "an event": lambda hub: f"event:{SOURCE}#m-1",
    "a handoff": lambda hub: hub.names["handoff"],
}
BY_HTTP: Mapping[str, tuple[str, ...]] = {
    "find": ("customer", "find", "{}"),
    "show": ("customer", "show", "{}"),
    "timeline": ("customer", "timeline", "{}"),
}
IN_THE_STORE: Mapping[str, tuple[str, ...]] = {
    "tail": ("log", "tail", "--customer", "{}"),
    "replay": ("replay", "plan", "--target", "out.jsonl", "--customer", "{}"),
    "rebuild": ("rebuild", "context", "--plan", "--customer", "{}"),
}
COMMANDS = {**BY_HTTP, **IN_THE_STORE}


def told(command: tuple[str, ...], name: str, capfd: Captured) -> Any:
    capfd.readouterr()
    code = run([*(part.format(name) for part in command), "-o", "json"])
    captured = capfd.readouterr()
    assert code == 0, captured.err
    return json.loads(captured.out)


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_each_command_takes_every_name(stocked: StockedHub, capfd: Captured, command: tuple[str, ...]) -> None:
    expected = told(command, stocked.names["customer"], capfd)
    assert expected
    for what, name in NAMES.items():
        found = told(command, name(stocked), capfd)
        if isinstance(found, dict):  # a context by a contact also says how sure the contact is
            found.get("meta", {}).pop("contact", None)
        assert found == expected, what


def test_a_past_customer_is_named_alike(stocked: StockedHub, capfd: Captured) -> None:
    moment = told(BY_HTTP["show"], "chat-42", capfd)["meta"]["current_to"]
    for name in ("ana@example.com", "chat-42", stocked.names["conversation"]):
        then = told(("customer", "as-of", "{}", moment), name, capfd)
        assert then["body"]["customer"]["id"] == stocked.names["customer"]


def test_a_contact_whose_id_is_a_uuid_is_found(stocked: StockedHub, capfd: Captured) -> None:
    contact = "6f0d6b2e-8f0a-4f5e-9a44-0d7f7f6f0001"
    assert told(BY_HTTP["show"], contact, capfd)["body"]["customer"]["identifiers"][0]["value"] == "eva@example.com"
    assert {each["id"] for each in told(IN_THE_STORE["tail"], contact, capfd)} == {"m-2"}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_shared_number_names_the_candidates(stocked: StockedHub, capfd: Captured, command: tuple[str, ...]) -> None:
    ids = [told(BY_HTTP["find"], address, capfd)["body"]["customer"]["id"] for address in OTHERS]
    assert run([part.format(SHARED_PHONE) for part in command]) == 2
    said = capfd.readouterr()
    assert said.out == ""
    assert "ambiguous-identifier" in said.err
    assert all(id in said.err for id in ids)
    assert len(said.err.strip().splitlines()) == 3


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
@pytest.mark.parametrize(
    ("name", "reason", "read_as"),
    [
        ("nobody@example.com", "unknown-customer", "identifier email:nobody@example.com"),
        ("chat-43", "unknown-customer", "interaction chat-43. An id, KIND:VALUE"),
        (f"event:{SOURCE}#m-3", "unknown-customer", "event //acme.example"),
        ("00000000-0000-8000-8000-000000000001", "unknown-customer", "00000000-0000-8000-8000-000000000001"),
        ("customer:ana", "bad-id", "expected a UUID"),
        (" ", "bad-customer", "interaction:ID"),
        ("a\nb", "bad-customer", "interaction:ID"),
    ],
)
def test_who_is_unknown_is_told_as_read(
    stocked: StockedHub, capfd: Captured, command: tuple[str, ...], name: str, reason: str, read_as: str
) -> None:
    assert run([part.format(name) for part in command]) == 2
    said = capfd.readouterr()
    assert said.out == ""
    assert f"{reason}: " in said.err
    assert read_as in said.err


def test_assurance_is_of_the_contact_that_names(stocked: StockedHub, capfd: Captured) -> None:
    shown = told(("customer", "show", "{}", "--assurance", "asserted"), "chat-42", capfd)
    assert shown["meta"]["contact"]["interaction"] == "chat-42"
    assert run(["customer", "show", "ana@example.com", "--assurance", "asserted"]) == 2
    assert "interaction" in capfd.readouterr().err

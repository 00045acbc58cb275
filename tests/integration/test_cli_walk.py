"""Every command prints its data as asked, and breaks no id and no time: in a pipe, at 80 columns and at 40."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from tests.commands import Printed, command_tree, printed
from tests.stocked_hub import EVENTS, StockedHub

pytestmark = pytest.mark.clock

ROOT = Path(__file__).parents[2]
TWILIO = ROOT / "services" / "cx_channels" / "voice" / "twilio" / "fixtures" / "status-ringing.form"
SUBSCRIPTION = "to-nobody-who-would-take-them-and-with-a-long-name"

NO_DATA: Mapping[str, str] = {
    "demo": "tells a story",
    "test": "pytest's own output",
    "up": "goes on until it is stopped",
    "run": "goes on until it is stopped",
    "mcp": "speaks a protocol on stdout",
    "bench": "prints one JSON object, for programs",
    "stack start": "tells on stderr",
    "stack stop": "tells nothing",
    "stack fetch": "tells nothing",
    "stack tool": "one of Kafka's own, which prints what it prints",
    "provider new": "writes into the clone; tests/unit/test_provider_scaffold.py runs it",
    "restore": "replaces a hub; tests/integration/test_backups.py runs it",
}
"""Commands that are not walked, each with the reason."""

Case = Callable[[StockedHub, str], list[str]]


def fixed(*arguments: str) -> Case:
    return lambda hub, run: list(arguments)


def written(name: str, content: object) -> str:
    Path(name).write_text(json.dumps(content), encoding="utf-8")
    return name


def paused() -> list[str]:
    printed(["subscriptions", "pause", SUBSCRIPTION, "--why", "a test"])
    return [SUBSCRIPTION]


def replayed() -> list[str]:
    if not Path("out-told.jsonl").exists():
        printed(["replay", "run", "--target", "out-told.jsonl"])
    return []


VCON = {
    "uuid": "018f2a5e-0000-8000-8000-000000000001",
    "created_at": "2020-03-06T09:15:00Z",
    "parties": [{"tel": "+15550100177", "name": "Ana", "role": "customer"}],
    "dialog": [{"type": "text", "start": "2020-03-06T09:15:00Z", "parties": [0], "body": "Hi", "encoding": "none"}],
}
CASES: Mapping[str, Case] = {
    "map": fixed("voice/twilio", str(TWILIO)),
    "lag": fixed(),
    "size": fixed(),
    "migrate": fixed("--check"),
    "verify": fixed("--workers", "1"),
    "backup": lambda hub, run: [f"backup-{run}"],
    "stack status": fixed(),
    "stack env": fixed(),
    "events send": lambda hub, run: [written("events.json", list(EVENTS))],
    "log tail": fixed("--limit", "5"),
    "customer find": fixed("ana@example.com"),
    "customer show": fixed("chat-42"),
    "customer timeline": fixed("chat-42"),
    "customer as-of": lambda hub, run: ["chat-42", hub.names["time"]],
    "identity whatif": lambda hub, run: [written("rules.yaml", {"shared_after": {"phone": 5}})],
    "search": fixed("ana"),
    "conversations": fixed(),
    "rebuild context": fixed("--customer", "chat-42"),
    "rebuild status": fixed(),
    "rebuild pause": fixed(),
    "rebuild resume": fixed(),
    "rebuild cancel": fixed(),
    "rebuild undo": fixed(),
    "rebuild drop": fixed(),
    "replay plan": fixed("--target", "out.jsonl"),
    "replay run": lambda hub, run: ["--target", f"out-{run}.jsonl"],
    "replay status": lambda hub, run: replayed(),
    "replay resume": fixed("nothing"),
    "replay cancel": fixed("nothing"),
    "topics plan": fixed(),
    "topics apply": fixed("--yes"),
    "config check": fixed(),
    "connections catch-up": fixed("--connection", "acme-calls"),
    "connections check": fixed(),
    "directory list": fixed(),
    "dlq list": fixed("--state", "waiting"),
    "dlq show": lambda hub, run: [hub.names["letter"]],
    "dlq retry": fixed("--reason", "no-adapter-yet"),
    "dlq discard": lambda hub, run: [hub.names["letter"], "--why", "a test"],
    "subscriptions list": fixed(),
    "subscriptions show": fixed(SUBSCRIPTION),
    "subscriptions pause": fixed(SUBSCRIPTION, "--why", "a test"),
    "subscriptions resume": lambda hub, run: paused(),
    "subscriptions retry": fixed(SUBSCRIPTION),
    "media fetch": fixed("--dry-run"),
    "import log": lambda hub, run: [str(hub.home / "home" / "nothing")],
    "import vcon": lambda hub, run: [written("one.vcon", VCON)],
    "export log": lambda hub, run: ["--to", f"export-{run}"],
    "export vcon": fixed("018f2a5e-0000-8000-8000-000000000001"),
}
REFUSED = {"stack env", "rebuild pause", "rebuild resume", "rebuild cancel", "rebuild undo", "rebuild drop",
           "replay resume", "replay cancel", "import log", "connections catch-up", "media fetch"}  # fmt: skip
"""Cases where there is nothing to act on: no data on stdout, one sentence on stderr."""

ROWS = {
    "search",
    "conversations",
    "directory list",
    "dlq list",
    "customer timeline",
    "subscriptions list",
    "import vcon",
    "stack status",
}
"""Commands that print a table: a heading, and a line for each record."""

_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z"
ID_OR_TIME = re.compile(rf"{_UUID}|{_TIME}|\b[0-9a-f]{{12,}}\b|\b(?:AP|SM|CA)\d{{32}}\b|//acme\.example/\S+")


def walk(stocked: StockedHub, command: str, name: str, *more: str, width: int | None = None) -> Printed:
    found = printed([*command.split(), *CASES[command](stocked, name), *more], width)
    assert "Traceback" not in found.err
    assert "a fault of ours" not in found.err, found.err
    assert found.code in ({2} if command in REFUSED else {0, 1}), found.err
    return found


def test_every_command_is_walked() -> None:
    assert command_tree().keys() == {*CASES, *NO_DATA}
    assert not CASES.keys() & NO_DATA.keys()


@pytest.mark.parametrize("command", CASES)
def test_each_command_that_prints_data_takes_a_format(command: str) -> None:
    choices = {name: option.choices for option in command_tree()[command].options for name in option.names}
    assert choices["-o"] == ("text", "json", "jsonl")
    assert choices["--output"] == choices["-o"]


@pytest.mark.parametrize("command", CASES)
def test_no_width_breaks_an_id_or_a_time(stocked: StockedHub, command: str) -> None:
    json.loads(walk(stocked, command, "json", "-o", "json").out or "null")
    for line in walk(stocked, command, "jsonl", "-o", "jsonl").out.splitlines():
        json.loads(line)
    piped = walk(stocked, command, "pipe", "-o", "text")
    assert "\x1b" not in piped.out
    assert "…" not in piped.out, "a pipe gets all"
    if command in REFUSED:
        assert piped.out == ""
        assert len(piped.err.splitlines()) == 1
        return
    assert piped.out.strip()
    wanted = set(ID_OR_TIME.findall(piped.out))
    for width in (80, 40):
        shown = walk(stocked, command, f"columns-{width}", "-o", "text", width=width)
        found = set(ID_OR_TIME.findall(shown.out))
        missing = wanted - found
        assert bool(found) == bool(wanted) if command in CHANGING else not missing, f"{missing} in\n{shown.out}"


CHANGING = {"replay run", "events send", "backup", "export log", "dlq retry", "log tail", "rebuild context",
            "connections check", "replay status", "subscriptions list", "subscriptions show"}  # fmt: skip
"""Commands that print other ids and times each time, or while the hub works."""


@pytest.mark.parametrize("command", sorted(ROWS))
def test_one_record_is_one_line_in_a_pipe(stocked: StockedHub, command: str) -> None:
    rows = json.loads(walk(stocked, command, "rows", "-o", "json").out)
    assert rows
    assert len(walk(stocked, command, "lines", "-o", "text").out.splitlines()) == 1 + len(rows)


def test_a_followed_log_is_one_record_a_line(stocked: StockedHub) -> None:
    assert len(walk(stocked, "log tail", "lines", "-o", "text").out.splitlines()) == 5


def test_what_stands_in_brackets_is_printed(stocked: StockedHub) -> None:
    name = written("[bold].vcon", {"payload": "e30", "signatures": []})
    assert "[bold].vcon" in printed(["import", "vcon", name]).err

"""Schemas and events of the latest release: still taken, still read, still folded to the same part."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.released_events import folded, recorded

from cx_events.catalogue import catalogue
from cx_events.compatibility import FILE, find_breaks, main, schemas_today

ROOT = Path(__file__).parents[2]
SLOT = "cx.bot.slot.v1"
TODAY = schemas_today()
RELEASED = json.loads((ROOT / FILE).read_text())
EVENTS = recorded()

Json = dict[str, Any]


def test_nothing_released_breaks() -> None:
    assert [str(each) for each in find_breaks(RELEASED, TODAY)] == [], "see CONTRIBUTING.md, Add an event type"


def test_the_same_schemas_break_nothing() -> None:
    assert find_breaks(TODAY, TODAY) == []


def field_gone(new: Json) -> None:
    del new["$defs"]["Bot"]["properties"]["slots"]


def enum_narrowed(new: Json) -> None:
    new["$defs"]["Data"]["properties"]["channel"]["anyOf"][0]["enum"].remove("sms")


def field_required(new: Json) -> None:
    new["$defs"]["Data"]["required"] = ["channel"]


def text_became_number(new: Json) -> None:
    new["$defs"]["Message"]["properties"]["text"] = {"type": "integer"}


def null_refused(new: Json) -> None:
    new["$defs"]["Data"]["properties"]["message"] = {"$ref": "#/$defs/Message"}


def text_bounded(new: Json) -> None:
    new["$defs"]["Message"]["properties"]["text"]["maxLength"] = 10


def need_added(new: Json) -> None:
    new["types"][SLOT]["properties"]["data"]["allOf"].append({"required": ["topic"]})


def type_gone(new: Json) -> None:
    del new["types"][SLOT]


def attribute_required(new: Json) -> None:
    new["types"][SLOT]["required"].append("subject")


def words_fixed(new: Json) -> None:
    new["$defs"]["Message"]["properties"]["language"] = {"enum": ["en"]}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (field_gone, f"{SLOT} /data/bot/slots: the field is gone; breaks whoever reads it"),
        (enum_narrowed, f"{SLOT} /data/channel: takes no longer sms; breaks senders"),
        (field_required, f"{SLOT} /data/channel: is required now; breaks senders"),
        (text_became_number, f"{SLOT} /data/message/text: is no string any more; breaks senders"),
        (null_refused, f"{SLOT} /data/message: is no null any more"),
        (text_bounded, f"{SLOT} /data/message/text: maxLength is 10 now, was none"),
        (need_added, f'{SLOT} /data: needs more now: {{"required": ["topic"]}}'),
        (type_gone, f"{SLOT} /: the type is gone; breaks senders, and events on the log"),
        (attribute_required, f"{SLOT} /subject: is required now"),
        (words_fixed, f"{SLOT} /data/message/language: takes no longer what is none of en"),
    ],
)
def test_a_breaking_change_is_named(change: Callable[[Json], None], says: str) -> None:
    new = copy.deepcopy(TODAY)
    change(new)
    told = [str(each) for each in find_breaks(TODAY, new)]
    assert any(each.startswith(says) for each in told), told
    assert len(told) == len(set(told))


def more_of_everything(new: Json) -> None:
    new["types"]["cx.bot.smiled.v1"] = new["types"][SLOT]
    new["$defs"]["Message"]["properties"]["tone"] = {"type": "string"}
    new["$defs"]["Data"]["properties"]["channel"]["anyOf"][0]["enum"].append("fax")
    new["types"][SLOT]["required"].remove("id")
    del new["types"][SLOT]["properties"]["id"]["minLength"]


def test_what_only_adds_breaks_nothing() -> None:
    new = copy.deepcopy(TODAY)
    more_of_everything(new)
    assert find_breaks(TODAY, new) == []


def test_a_break_is_never_recorded_as_released(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / FILE
    file.parent.mkdir(parents=True)
    before = copy.deepcopy(TODAY)
    before["$defs"]["Message"]["properties"]["tone"] = {"type": "string"}
    file.write_text(json.dumps(before))
    assert main(["--root", str(tmp_path), "--record", "9.9.9"]) == 1
    assert "/data/message/tone: the field is gone" in capsys.readouterr().err
    assert json.loads(file.read_text()) == before
    file.unlink()
    assert main(["--root", str(tmp_path), "--record", "9.9.9"]) == 0
    assert json.loads(file.read_text())["release"] == "9.9.9"


def test_every_released_type_has_a_recorded_event() -> None:
    assert set(EVENTS) >= set(RELEASED["types"]), "run: .venv/bin/python -m tests.released_events"
    assert set(RELEASED["types"]) <= set(catalogue()) | set(EVENTS)


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_a_recorded_event_folds_as_it_did(name: str) -> None:
    """A part may have got more since; what it had stays."""
    part, now = EVENTS[name]["part"], folded(EVENTS[name]["event"].encode())
    assert {member: now.get(member) for member in part} == part

"""Old versions of event types are read as the current one."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from cx_events.catalogue import catalogue
from cx_events.codec import decode
from cx_events.errors import Refused
from cx_events.testing.builders import an_event
from cx_events.upcasts import UPCASTS, find_upcast

Json = dict[str, Any]


def renamed(event: Json) -> Json:
    """From a first version whose message was plain text, which today's shape can't hold."""
    data = {**event["data"], "message": {"text": event["data"]["message"]}}
    return {**event, "type": "acme.note.v2", "data": data}


def marked(event: Json) -> Json:
    return {**event, "type": "acme.note.v3", "data": {**event["data"], "topic": "note"}}


STEPS_OF_NOTE = {"acme.note.v1": renamed, "acme.note.v2": marked}


def recorded(type: str, **data: Any) -> bytes:
    event = json.loads(an_event(type, id="n-1", interaction="chat-42").raw)
    return json.dumps({**event, "data": {**event["data"], **data}}).encode()


def test_a_current_type_has_no_upcast() -> None:
    assert find_upcast("acme.note.v3", STEPS_OF_NOTE) is None


def test_steps_are_taken_one_after_the_other() -> None:
    event = decode(recorded("acme.note.v1", message="call back"), STEPS_OF_NOTE)
    assert (event.type, event.data.topic) == ("acme.note.v3", "note")
    assert event.data.message is not None
    assert event.data.message.text == "call back"


def test_a_middle_version_takes_the_remaining_upcasts() -> None:
    event = decode(recorded("acme.note.v2", message={"text": "call back"}), STEPS_OF_NOTE)
    assert (event.type, event.data.topic) == ("acme.note.v3", "note")


def test_a_current_event_is_read_as_it_is() -> None:
    raw = recorded("acme.note.v3", topic="mine")
    assert decode(raw, STEPS_OF_NOTE) == decode(raw)


def test_what_the_provider_sent_survives_an_upcast() -> None:
    event = decode(recorded("acme.note.v1", message="call back", raw={"sent": [1, "é"]}), STEPS_OF_NOTE)
    assert isinstance(event.data.raw, msgspec.Raw)
    assert msgspec.json.decode(event.data.raw) == {"sent": [1, "é"]}


@pytest.mark.parametrize(
    "raw",
    [recorded("acme.note.v1"), json.dumps({"type": "acme.note.v1", "data": []}).encode(), b'{"id": "n-1"}', b"7"],
    ids=["field", "data", "type", "object"],
)
def test_an_old_event_unreadable_to_its_upcast_is_refused(raw: bytes) -> None:
    with pytest.raises(Refused, match="undecodable"):
        decode(raw, STEPS_OF_NOTE)


def test_a_circle_of_upcasts_is_found() -> None:
    to_and_fro = {
        "acme.a.v1": lambda event: {**event, "type": "acme.a.v2"},
        "acme.a.v2": lambda event: {**event, "type": "acme.a.v1"},
    }
    run = find_upcast("acme.a.v1", to_and_fro)
    assert run is not None
    with pytest.raises(ValueError, match=r"acme\.a\.v1"):
        run({"type": "acme.a.v1"})


def test_every_step_leads_to_a_type_of_the_catalogue() -> None:
    for name in UPCASTS:
        run = find_upcast(name)
        assert run is not None
        example = (
            json.loads(json.dumps(catalogue()[name].example)) if name in catalogue() else {"type": name, "data": {}}
        )
        assert run(example)["type"] in catalogue()

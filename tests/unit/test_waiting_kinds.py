"""Kinds that a vendor sends to a signed connection and that no adapter maps yet: each is kept, once and whole."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from cx_channels.chat.intercom import unmapped_kinds as intercom
from cx_channels.dead_letters import failure_of
from cx_channels.kit import twilio_products as twilio
from cx_channels.provider import Connection, Request, Unmapped
from cx_channels.registry import provider
from cx_channels.social.meta import unmapped_kinds as meta
from cx_events.dead_letters import NO_ADAPTER, UNKNOWN_KIND

JSON = {"content-type": "application/json"}
FORM = {"content-type": "application/x-www-form-urlencoded"}
SMS = {
    "MessageSid": "SM1",
    "SmsSid": "SM1",
    "AccountSid": "AC1",
    "From": "+15550100123",
    "To": "+15550100199",
    "Body": "Where is my parcel?",
}


def kept(name: str, request: Request, **settings: Any) -> tuple[Unmapped, ...]:
    found = provider(name)
    mapped = found.map(request, Connection("try", "acme", name, settings=settings))
    assert not mapped.drafts
    assert not mapped.ignored
    assert found.answer(mapped, request).status == 200
    return mapped.unmapped


def at_meta(*entries: Any, object: str = "threads", **settings: Any) -> tuple[Unmapped, ...]:
    body = json.dumps({"object": object, "entry": entries}).encode()
    return kept("social/meta", Request(body, headers=JSON), **settings)


def at_twilio(fields: dict[str, str], **headers: str) -> tuple[Unmapped, ...]:
    return kept("voice/twilio", Request(urlencode(fields).encode(), headers=FORM | headers))


def change(text: str, **more: Any) -> dict[str, Any]:
    return {"field": "messages", "value": {"messages": [{"id": f"wamid.{text}", "text": {"body": text}}], **more}}


def reasons(unmapped: tuple[Unmapped, ...]) -> list[str]:
    return [failure_of(each).reason for each in unmapped]


# --- Meta ------------------------------------------------------------------------------------------------------------


def test_each_change_of_other_objects_is_kept_alone() -> None:
    both = at_meta({"id": "1", "changes": [change("one"), change("two")]})
    assert reasons(both) == [NO_ADAPTER] * 2
    assert both[0].reason.startswith(f"{NO_ADAPTER}: threads/messages: ")
    assert [json.loads(each.original)["entry"][0]["changes"] for each in both] == [[change("one")], [change("two")]]
    again = [kept("social/meta", Request(each.original, headers=JSON)) for each in both]
    assert [one.id for (one,) in again] == [each.id for each in both]


def test_a_notice_repeated_in_another_delivery_is_the_same() -> None:
    first, second = at_meta({"id": "1", "time": 1, "changes": [change("one"), change("two")]})
    (alone,) = at_meta({"id": "1", "time": 99, "changes": [change("two")]})
    assert alone.id == second.id != first.id
    (elsewhere,) = at_meta({"id": "2", "time": 1, "changes": [change("two")]})
    assert elsewhere.id != alone.id


@pytest.mark.parametrize(
    "entry",
    [
        {"id": "1", "changes": [{"field": "messages"}] * 101},
        {"id": "1", "x": "y" * 5000, "changes": [change("one")] * 2},
    ],
)
def test_a_very_large_entry_is_kept_whole(entry: Any) -> None:
    (found,) = at_meta(entry)
    assert json.loads(found.original)["entry"] == [entry]


def test_an_account_the_connection_excludes_is_not_kept() -> None:
    body = json.dumps({"object": "threads", "entry": [{"id": "1", "changes": [change("a")]}]}).encode()
    found = provider("social/meta")
    mapped = found.map(
        Request(body, headers=JSON), Connection("t", "acme", "social/meta", settings={"accounts": ["2"]})
    )
    assert [each.kind for each in mapped.ignored] == ["other-account"]
    assert reasons(at_meta({"id": "1", "changes": [change("a")]}, accounts=["1"])) == [NO_ADAPTER]


@pytest.mark.parametrize("object", sorted(meta.OBJECTS))
def test_every_object_that_meta_documents_is_kept(object: str) -> None:
    assert reasons(at_meta({"id": "1", "changed_fields": ["x"]}, object=object)) == [NO_ADAPTER]


@pytest.mark.parametrize("object", ["", "hologram"])
def test_an_object_that_nobody_documents_is_kept_too(object: str) -> None:
    assert reasons(at_meta({"id": "1", "changes": [change("a")]}, object=object)) == [UNKNOWN_KIND]


@pytest.mark.parametrize("kind", sorted(meta.KINDS))
def test_every_waiting_kind_of_a_page_is_kept(kind: str) -> None:
    places: tuple[dict[str, Any], ...] = ({"changes": [{"field": kind, "value": {"id": 1}}]},)
    if kind == "calls":
        places = ({"calls": [{"id": "c_1", "event": "connect"}]},)
    elif kind.startswith("messaging_"):
        places = ({"messaging": [{"sender": {"id": "2"}, "recipient": {"id": "1"}, kind: {"id": 1}}]},)
    for place in places:
        assert reasons(at_meta({"id": "1", "time": 1, **place}, object="page")) == [NO_ADAPTER]


# --- Twilio ----------------------------------------------------------------------------------------------------------


def test_a_text_message_repeated_is_kept_once() -> None:
    (first,) = at_twilio(SMS)
    (again,) = at_twilio({**SMS, "ErrorCode": "11205", "ErrorUrl": "https://hub.example.com/"})
    assert (first.id, failure_of(first).reason, again.id) == ("SM1/received", NO_ADAPTER, "SM1/received")
    assert first.original == urlencode(SMS).encode()


def test_each_state_of_a_message_is_kept() -> None:
    states = [at_twilio({**SMS, "MessageStatus": state})[0].id for state in ("sent", "delivered", "read", "failed")]
    assert states == ["SM1/sent", "SM1/delivered", "SM1/read", "SM1/failed"]


def test_a_message_that_came_by_get_keeps_its_query() -> None:
    query = urlencode(SMS)
    (found,) = kept("voice/twilio", Request(b"", "GET", f"https://hub.example.com/v1/hooks/a?{query}"))
    assert found.original.decode() == query


def test_only_a_message_is_answered_with_twiml() -> None:
    found = provider("voice/twilio")
    for fields, content in ((SMS, b"<Response/>"), ({**SMS, "MessageStatus": "sent"}, b"")):
        request = Request(urlencode(fields).encode(), headers=FORM)
        answer = found.answer(found.map(request, Connection("t", "acme", "voice/twilio")), request)
        assert (answer.status, answer.body[-len(b"<Response/>") :]) == (200, content)


def test_events_of_a_conversation_differ_and_retries_do_not() -> None:
    said = {
        "EventType": "onMessageAdded",
        "ConversationSid": "CH1",
        "MessageSid": "IM1",
        "Body": "Hi",
        "RetryCount": "0",
    }
    (first,), (again,) = at_twilio(said), at_twilio({**said, "RetryCount": "1"})
    (edited,) = at_twilio({**said, "EventType": "onMessageUpdated", "Body": "Hello"})
    assert failure_of(first).reason == NO_ADAPTER
    assert first.id == again.id != edited.id
    marked = [at_twilio({**said, "Body": body}, **{"i-twilio-idempotency-token": "t"})[0].id for body in ("a", "b")]
    assert marked[0] == marked[1]


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"EventType": "reservation.accepted", "WorkspaceSid": "WS1", "TaskSid": "WT1"}, "taskrouter"),
        ({"RoomSid": "RM1", "StatusCallbackEvent": "room-created"}, "video"),
        ({"FaxSid": "FX1", "FaxStatus": "received"}, "fax"),
        ({"VerificationSid": "VE1"}, "verify"),
        ({"eventType": "COMMUNICATION_CREATED"}, "orchestrator"),
        ({"transcript_sid": "GT1", "event_type": "voice_intelligence_transcript_available"}, "voice-intelligence"),
        ({"CallSid": "CA1", "VirtualAgentEvent": "intent"}, "virtual-agent-event"),
    ],
)
def test_other_products_of_one_account_are_kept_by_name(fields: dict[str, str], kind: str) -> None:
    (found,) = at_twilio(fields)
    assert found.reason.split(": ")[:2] == [NO_ADAPTER, kind]
    assert kind in twilio.KINDS


def test_an_event_stream_may_use_cloudevents_content_types() -> None:
    body = json.dumps([{"specversion": "1.0", "id": "EZ1", "type": "com.twilio.messaging.message.sent"}]).encode()
    for content_type in ("application/cloudevents-batch+json", "application/cloudevents+json; charset=utf-8"):
        (one,) = kept("voice/twilio", Request(body, headers={"content-type": content_type}))
        assert (one.id, reasons((one,))[0].partition(":")[0]) == ("event-streams/EZ1", NO_ADAPTER)


def test_each_event_of_an_event_stream_is_kept_alone() -> None:
    events = [{"id": f"EZ{number}", "type": "com.twilio.messaging.message.sent"} for number in range(3)]
    body = json.dumps(events).encode()
    found = kept("voice/twilio", Request(body, headers=JSON))
    assert [each.id for each in found] == [f"event-streams/EZ{number}" for number in range(3)]
    (again,) = kept("voice/twilio", Request(found[1].original, headers=JSON))
    assert again == found[1]


# --- Intercom --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("topic", [each for each in sorted(intercom.TOPICS) if "*" not in each] + ["call.sung"])
def test_every_intercom_topic_about_a_customer_is_kept(topic: str) -> None:
    notice = {"type": "notification_event", "topic": topic, "id": "notif_1", "data": {"item": {}}}
    first = json.dumps({**notice, "delivery_attempts": 1}).encode()
    again = json.dumps({**notice, "delivery_attempts": 2}).encode()
    (one,), (two,) = (kept("chat/intercom", Request(body, headers=JSON)) for body in (first, again))
    assert (one.id, failure_of(one).reason) == ("notif_1", NO_ADAPTER)
    assert one == two
    assert json.loads(one.original) == notice

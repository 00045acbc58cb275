"""Build the events that a client sends, checked as the hub will check them.

    from cx_events.building import EventBuilder, customer, reference

    chat = EventBuilder("//acme.example/chat", channel="chat")
    event = chat.message_received(
        "m-1", "chat-42", "I was charged twice", customer("Ana", email="ana@example.com"),
        references=[reference("order", "4711")], time="2026-11-22T10:02:11Z",
    )

An event is a JSON object in the structured form of CloudEvents 1.0, ready for ``cx_client`` or any other HTTP client.

Modules: ``builder`` (an event in one call), ``acts`` (those of agents), ``people`` (who takes part, and what it is
about), ``checking`` (any event against the hub's own rules).
"""

from __future__ import annotations

from cx_events.building.builder import EventBuilder
from cx_events.building.checking import check_event
from cx_events.building.people import agent, bot, customer, identifier, reference

__all__ = ["EventBuilder", "agent", "bot", "check_event", "customer", "identifier", "reference"]

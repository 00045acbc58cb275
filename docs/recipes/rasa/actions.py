"""Custom actions of a Rasa assistant: what it may say of the customer, and a person to take over.

The channel passes the hub's ``interaction`` as Rasa's ``sender_id``. Environment of the action server: ``CX_URL`` and
``CX_KEY`` (context:read, conversations:write, ``required_assurance: asserted``).
"""

from __future__ import annotations

import json
import os
import urllib.request
from http.client import HTTPException
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

SECONDS = 2.0  # Rasa itself waits five minutes, and the customer with it
AGENT = {"id": "acme-bot", "name": "Acme bot"}
NOTHING: dict[str, Any] = {"level": "none", "say": {}, "route": {}}


class ActionReadBrief(Action):
    """Fills the slots ``cx_*``: empty texts where the customer is not known surely enough, or the hub is away."""

    def name(self) -> str:
        return "action_read_brief"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[dict[str, Any]]:
        try:
            brief = post("/v1/context/brief", {"interaction": tracker.sender_id})
        except (OSError, ValueError, HTTPException):
            brief = NOTHING
        say, route = brief["say"], brief["route"]
        known = say.get("known", {})
        return [
            SlotSet("cx_level", brief["level"]),
            SlotSet("cx_name", say.get("name", "")),
            SlotSet("cx_about", say.get("topic", "") or say.get("summary", "")),
            SlotSet("cx_conversation", route.get("conversation", "")),
            *(SlotSet(name, value) for name, value in known.items() if tracker.slots.get(name, "") is None),
        ]


class ActionHandOver(Action):
    """Asks for a person, with what the assistant was told and tried. Works for strangers, too."""

    def name(self) -> str:
        return "action_hand_over"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[dict[str, Any]]:
        told = {name: str(value) for name, value in tracker.slots.items() if value and not name.startswith("cx_")}
        said = [each["text"] for each in tracker.events if each.get("event") == "user" and each.get("text")]
        packet = {"summary": " / ".join(said[-3:])[:500], "slots": told, "tried": ["the assistant"]}
        body = {"reason": "asks for a person", "by": "bot", "agent": AGENT, "packet": packet}
        try:
            post(f"/v1/conversations/{tracker.slots['cx_conversation']}/handoffs", body)
        except (OSError, ValueError, HTTPException):
            dispatcher.utter_message(text="I can't reach my colleagues. Please call us.")
            return []
        dispatcher.utter_message(text="A colleague takes over, and knows what you told me.")
        return [SlotSet("cx_handed_over", True)]


def post(path: str, body: dict[str, Any]) -> dict[str, Any]:
    headers = {"authorization": f"Bearer {os.environ['CX_KEY']}", "content-type": "application/json"}
    request = urllib.request.Request(os.environ["CX_URL"] + path, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:
        found: dict[str, Any] = json.load(answer)
        return found

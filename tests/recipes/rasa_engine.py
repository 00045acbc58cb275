"""Rasa's side of a custom action: what its engine sends to the action server, and takes of the answer.

rasa.com/docs/reference/api/pro/action-server-api; the classes are those of ``rasa_sdk`` that the recipe uses, with
their signatures, since the SDK brings a web server and gRPC along.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any
from unittest.mock import patch

import yaml
from tests.recipes.story import BOT, RECIPES, Hub, environment


class Action:
    """``rasa_sdk.Action``."""


class Tracker:
    """``rasa_sdk.Tracker``: what the recipe reads of it."""

    def __init__(self, sender_id: str, slots: Mapping[str, Any], events: list[dict[str, Any]]) -> None:
        self.sender_id = sender_id
        self.slots = dict(slots)
        self.events = events


class CollectingDispatcher:
    """``rasa_sdk.executor.CollectingDispatcher``."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []

    def utter_message(self, text: str | None = None, **more: Any) -> None:
        """Collect a response."""
        self.messages.append({"text": text, **more})


def SlotSet(key: str, value: Any = None, timestamp: float | None = None) -> dict[str, Any]:
    """``rasa_sdk.events.SlotSet``."""
    return {"event": "slot", "timestamp": timestamp, "name": key, "value": value}


@contextmanager
def _sdk() -> Iterator[None]:
    package, events, executor = (ModuleType(f"rasa_sdk{each}") for each in ("", ".events", ".executor"))
    package.__dict__.update({"Action": Action, "Tracker": Tracker})
    events.__dict__["SlotSet"] = SlotSet
    executor.__dict__["CollectingDispatcher"] = CollectingDispatcher
    modules = {"rasa_sdk": package, "rasa_sdk.events": events, "rasa_sdk.executor": executor}
    with patch.dict(sys.modules, modules):
        yield


class Assistant:
    """One conversation of an assistant with the recipe's domain. ``said``: by the bot."""

    def __init__(self, hub: Hub, sender: str) -> None:
        self.domain = yaml.safe_load((RECIPES / "rasa" / "domain.yml").read_text(encoding="utf-8"))
        self.slots: dict[str, Any] = dict.fromkeys(self.domain["slots"])
        self.said: list[str] = []
        self._hub = hub
        self._sender = sender
        self._events: list[dict[str, Any]] = []

    def hear(self, text: str) -> None:
        """Note that the customer wrote."""
        self._events.append({"event": "user", "text": text})

    def act(self, name: str) -> None:
        """Have the action server run an action of the domain, and apply what it answers."""
        assert name in self.domain["actions"]
        with _sdk(), patch.dict(os.environ, environment(self._hub, BOT)):
            spec = importlib.util.spec_from_file_location("actions", self._hub.recipes / "rasa" / "actions.py")
            assert spec is not None
            assert spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            kinds = [each() for each in vars(module).values() if isinstance(each, type) and Action in each.__bases__]
            (action,) = (each for each in kinds if each.name() == name)
            dispatcher = CollectingDispatcher()
            answered = action.run(dispatcher, Tracker(self._sender, self.slots, self._events), self.domain)
        for event in answered:
            assert event["event"] == "slot"
            assert event["name"] in self.slots, f"the domain has no slot {event['name']}"
            self.slots[event["name"]] = event["value"]
        self.said += [message["text"] for message in dispatcher.messages]

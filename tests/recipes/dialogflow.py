"""Dialogflow's side of a webhook, ES and CX: the request, the time-out, and what it takes of the answer.

cloud.google.com/dialogflow/es/docs/fulfillment-webhook, .../cx/docs/concept/webhook; the types ``WebhookRequest`` and
``WebhookResponse`` of google.cloud.dialogflow_v2 and dialogflowcx_v3.
"""

from __future__ import annotations

import importlib.util
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest.mock import patch

from tests.recipes.story import BOT, Hub, environment

SECONDS = 5
"""The time-out of a webhook, unless it is set otherwise (CX)."""
AUTHORIZATION = "Basic aHViOmV4YW1wbGUtc2VjcmV0"

_ES = {"fulfillmentText", "fulfillmentMessages", "outputContexts", "payload", "followupEventInput", "source"}
_CX = {"fulfillmentResponse", "sessionInfo", "pageInfo", "payload", "targetPage", "targetFlow"}


class Request:
    """Flask's request, as a Cloud Function gets it."""

    def __init__(self, body: dict[str, Any], authorization: str) -> None:
        self.headers = {"Authorization": authorization}
        self._body = body

    def get_json(self) -> dict[str, Any]:
        """Return the body."""
        return self._body


def ask(hub: Hub, body: dict[str, Any], authorization: str = AUTHORIZATION) -> Any:
    """Return the webhook's answer. Raises ``TimeoutError`` after Dialogflow's."""
    spec = importlib.util.spec_from_file_location("main", hub.recipes / "dialogflow" / "main.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    named = {**environment(hub, BOT), "WEBHOOK_AUTHORIZATION": AUTHORIZATION}
    with patch.dict(os.environ, named), ThreadPoolExecutor(1) as pool:
        return pool.submit(module.webhook, Request(body, authorization)).result(hub.time_out(SECONDS))


class CxSession:
    """A session of a CX agent. ``parameters``: of the session."""

    def __init__(self, hub: Hub, id: str, **parameters: Any) -> None:
        self.hub = hub
        self.session = f"projects/acme/locations/global/agents/a-1/sessions/{id}"
        self.parameters: dict[str, Any] = parameters
        self.said: list[str] = []

    def turn(self, tag: str, text: str, caller: str = "") -> None:
        """Have the webhook of a fulfillment called, and apply what it answers."""
        answer = ask(
            self.hub,
            {
                "detectIntentResponseId": "r-1",
                "text": text,
                "languageCode": "en",
                "fulfillmentInfo": {"tag": tag},
                "intentInfo": {"displayName": "any"},
                "pageInfo": {"currentPage": "any"},
                "sessionInfo": {"session": self.session, "parameters": self.parameters},
                "payload": {"telephony": {"caller_id": caller}} if caller else {},
            },
        )
        assert set(answer) <= _CX
        self.parameters |= answer.get("sessionInfo", {}).get("parameters", {})
        for message in answer.get("fulfillmentResponse", {}).get("messages", []):
            self.said += message["text"]["text"]


class EsSession:
    """A session of an ES agent. ``parameters``: of its context ``throughline``."""

    def __init__(self, hub: Hub, id: str, **payload: Any) -> None:
        self.hub = hub
        self.session = f"projects/acme/agent/sessions/{id}"
        self.payload = payload
        self.contexts: list[dict[str, Any]] = []
        self.said: list[str] = []

    @property
    def parameters(self) -> dict[str, Any]:
        """Return the parameters that an intent can use as ``#throughline.NAME``."""
        found: dict[str, Any] = self.contexts[0]["parameters"]
        return found

    def turn(self, action: str, text: str) -> None:
        """Have the fulfillment called, and apply what it answers."""
        answer = ask(
            self.hub,
            {
                "responseId": "r-1",
                "session": self.session,
                "queryResult": {
                    "queryText": text,
                    "action": action,
                    "parameters": {},
                    "allRequiredParamsPresent": True,
                    "outputContexts": self.contexts,
                    "intent": {"displayName": "any"},
                    "intentDetectionConfidence": 1,
                    "languageCode": "en",
                },
                "originalDetectIntentRequest": {"source": "acme", "payload": self.payload},
            },
        )
        assert set(answer) <= _ES
        for context in answer.get("outputContexts", []):
            assert context["name"].startswith(f"{self.session}/contexts/")
            self.contexts = [context]
        if "fulfillmentText" in answer:
            self.said.append(answer["fulfillmentText"])

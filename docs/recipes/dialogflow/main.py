"""A webhook for Dialogflow ES and CX: session parameters with what may be said, and a person to take over.

As a Cloud Function: ``--entry-point webhook``. Environment: ``CX_URL``, ``CX_KEY`` (context:read, events:write,
conversations:write, ``required_assurance: asserted``), and in ``WEBHOOK_AUTHORIZATION`` the header ``Authorization``
that the agent is configured to send.
"""

from __future__ import annotations

import hmac
import json
import os
import urllib.request
from http.client import HTTPException
from typing import Any
from urllib.parse import urlencode

CONNECTION = "acme-dialogflow"
SOURCE = "//acme.example/dialogflow"
SECONDS = 1.5  # for each of two requests: Dialogflow waits 5 s
AGENT = {"id": "acme-bot", "name": "Acme bot"}
NOTHING: dict[str, Any] = {"level": "none", "say": {}, "route": {}}
TAKES_OVER = "A colleague takes over, and knows what you told me."


def webhook(request: Any) -> Any:
    """Answer a request of Dialogflow. ``request``: as Flask has it."""
    given, expected = request.headers.get("Authorization", ""), os.environ["WEBHOOK_AUTHORIZATION"]
    if not hmac.compare_digest(given.encode(), expected.encode()):
        return ("", 401)
    body = request.get_json()
    return answer_cx(body) if "sessionInfo" in body else answer_es(body)


def answer_cx(body: dict[str, Any]) -> dict[str, Any]:
    """Return a CX ``WebhookResponse``. The fulfillment's tag says what is asked for: ``brief`` or ``handoff``."""
    session, parameters = body["sessionInfo"]["session"], body["sessionInfo"].get("parameters", {})
    interaction = parameters.get("cx_interaction") or f"{CONNECTION}/{session.rsplit('/', 1)[-1]}"
    if body["fulfillmentInfo"]["tag"] == "handoff":
        done = hand_over(parameters, body.get("text") or body.get("transcript", ""))
        return {"fulfillmentResponse": {"messages": [{"text": {"text": [TAKES_OVER if done else ""]}}]}}
    caller = body.get("payload", {}).get("telephony", {}).get("caller_id", "")
    return {"sessionInfo": {"parameters": read(interaction, caller)}}


def answer_es(body: dict[str, Any]) -> dict[str, Any]:
    """Return an ES ``WebhookResponse``, with the parameters in the output context ``throughline``."""
    session, result = body["session"], body["queryResult"]
    name = f"{session}/contexts/throughline"
    contexts = {each["name"]: each.get("parameters", {}) for each in result.get("outputContexts", [])}
    payload = body.get("originalDetectIntentRequest", {}).get("payload", {})
    interaction = payload.get("cx_interaction") or f"{CONNECTION}/{session.rsplit('/', 1)[-1]}"
    if result.get("action") == "handoff":
        done = hand_over({**contexts.get(name, {}), **result.get("parameters", {})}, result["queryText"])
        return {"fulfillmentText": TAKES_OVER} if done else {}
    parameters = read(interaction, payload.get("telephony", {}).get("caller_id", ""))
    return {"outputContexts": [{"name": name, "lifespanCount": 50, "parameters": parameters}]}


def read(interaction: str, caller: str) -> dict[str, Any]:
    """Return the session's parameters; without an answer of the hub those of a stranger."""
    try:
        told = (
            tell_start(interaction, caller) if caller.startswith("+") else ""
        )  # REDACTED_IN_STANDARD_TIER is no number
        query = "?" + urlencode({"at_least": told, "wait": "800ms"}) if told else ""
        brief, hub = post(f"/v1/context/brief{query}", {"interaction": interaction}), True
    except (OSError, ValueError, HTTPException):
        brief, hub = NOTHING, False
    say, route = brief["say"], brief["route"]
    return {
        "cx_hub": hub,
        "cx_level": brief["level"],
        "cx_name": say.get("name", ""),
        "cx_about": say.get("topic", "") or say.get("summary", ""),
        "cx_known": say.get("known", {}),
        "cx_conversation": route.get("conversation", ""),
    }


def tell_start(interaction: str, caller: str) -> str:
    """Tell that a caller with this number came in, as a claim, and return the event's name."""
    data = {
        "channel": "voice",
        "interaction": interaction,
        "direction": "inbound",
        "participants": [{"role": "customer", "identifiers": [{"kind": "phone", "value": caller}]}],
    }
    event = {"specversion": "1.0", "id": f"{interaction}/started", "source": SOURCE}
    post("/v1/events", {**event, "type": "cx.interaction.started.v1", "data": data})
    return f"{SOURCE}#{event['id']}"


def hand_over(parameters: dict[str, Any], words: str) -> bool:
    """Ask for a person, with what the agent was told. Return whether the hub took it."""
    told = {name: str(value) for name, value in parameters.items() if value and not name.startswith("cx_")}
    packet = {"summary": words[:500], "slots": told, "tried": ["the bot"]}
    body = {"reason": "asks for a person", "by": "bot", "agent": AGENT, "packet": packet}
    try:
        post(f"/v1/conversations/{parameters['cx_conversation']}/handoffs", body)
    except (OSError, ValueError, HTTPException, KeyError):
        return False
    return True


def post(path: str, body: dict[str, Any]) -> dict[str, Any]:
    headers = {"authorization": f"Bearer {os.environ['CX_KEY']}", "content-type": "application/json"}
    request = urllib.request.Request(os.environ["CX_URL"] + path, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:
        found: dict[str, Any] = json.load(answer)
        return found

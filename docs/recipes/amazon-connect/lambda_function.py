"""Tell the hub of a call, and hand an Amazon Connect flow what it may say and where to route.

Invoked without parameters where the flow begins; with ``account`` and ``method`` after the flow has checked a PIN.
Environment: ``CX_URL``, ``CX_KEY`` (context:read, events:write), ``CX_PIN_KEY`` (events:write, identity:prove).
"""

from __future__ import annotations

import json
import os
import urllib.request
from http.client import HTTPException
from typing import Any
from urllib.parse import urlencode

CONNECTION = "acme-connect"
SOURCE = "//acme.example/amazon-connect"
SECONDS = 1.0  # for each of the two requests: the block's own time-out is 3 s, and the caller hears nothing meanwhile
NOTHING: dict[str, Any] = {"level": "none", "by": "", "say": {}, "route": {}}


def lambda_handler(event: dict[str, Any], context: object) -> dict[str, str]:
    """Return a flat map of texts, as the block's response validation STRING_MAP wants it."""
    call, given = event["Details"]["ContactData"], event["Details"].get("Parameters") or {}
    try:
        told = tell_proof(call, given) if given.get("account") else tell_start(call)
    except (OSError, ValueError, HTTPException) as error:
        print(f"the hub was not told: {error}")  # goes to CloudWatch; the call goes on
        told = ""
    try:
        return flat(ask_brief(call, told), "yes")
    except (OSError, ValueError, HTTPException) as error:
        print(f"no brief: {error}")
        return flat(NOTHING, "no")


def ask_brief(call: dict[str, Any], told: str) -> dict[str, Any]:
    """Return the brief of the call's contact; with a proof in it, once the hub has applied that."""
    query = "?" + urlencode({"at_least": told, "wait": "800ms"}) if told.endswith("/proved") else ""
    asked = {"interaction": interaction(call)}
    if number(call):
        asked["identifier"] = f"phone:{number(call)}"
    return post(f"/v1/context/brief{query}", asked, os.environ["CX_KEY"])


def tell_start(call: dict[str, Any]) -> str:
    """Tell that a call came in. The number is a claim: Connect does not pass on what the carrier attests."""
    named = [{"kind": "phone", "value": number(call)}] if number(call) else []
    return tell(call, "cx.interaction.started.v1", "started", named, os.environ["CX_KEY"])


def tell_proof(call: dict[str, Any], given: dict[str, str]) -> str:
    """Tell whose PIN was right. That account was proved, and the number was not."""
    named = [{"kind": "account", "value": given["account"], "weight": "proved"}]
    evidence = {"evidence": given.get("method", "ivr-pin")}
    return tell(call, "cx.identity.verified.v1", "proved", named, os.environ["CX_PIN_KEY"], **evidence)


def tell(call: dict[str, Any], type: str, what: str, identifiers: list[dict[str, str]], key: str, **more: str) -> str:
    """Send an event and return its name. Connect may invoke again: the same call gives the same id."""
    id = f"{call['ContactId']}/{what}"
    data = {
        "channel": "voice",
        "interaction": interaction(call),
        "direction": "inbound",
        "participants": [{"role": "customer", "identifiers": identifiers}],
        "references": [{"kind": "call", "value": call["InitialContactId"]}],
        **more,
    }
    post("/v1/events", {"specversion": "1.0", "id": id, "source": SOURCE, "type": type, "data": data}, key)
    return f"{SOURCE}#{id}"


def post(path: str, body: dict[str, Any], key: str) -> dict[str, Any]:
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    request = urllib.request.Request(os.environ["CX_URL"] + path, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def interaction(call: dict[str, Any]) -> str:
    return f"{CONNECTION}/{call['ContactId']}"


def number(call: dict[str, Any]) -> str:
    endpoint = call.get("CustomerEndpoint") or {}
    return str(endpoint.get("Address") or "") if endpoint.get("Type") == "TELEPHONE_NUMBER" else ""


def flat(brief: dict[str, Any], hub: str) -> dict[str, str]:
    """Return ``level``, ``say_name``, ``route_queue`` ...: what a flow reads as ``$.External.say_name``."""
    found = {"hub": hub, "level": brief["level"], "by": brief["by"]}
    for part in ("say", "route"):
        known = brief[part].get("known", {})
        members = {**brief[part], "known": ", ".join(f"{name}: {value}" for name, value in known.items())}
        found |= {f"{part}_{name}": text(value) for name, value in members.items()}
    return found


def text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)

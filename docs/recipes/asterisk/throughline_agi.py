#!/usr/bin/env python3
"""Tell the hub of a call on Asterisk, and set what the dialplan may say and where it routes as channel variables.

``AGI(throughline_agi.py,begin,ATTESTATION)`` where the call comes in, and after the dialplan has checked a PIN
``AGI(throughline_agi.py,proved,ACCOUNT,ivr-pin)``. Environment of Asterisk: ``CX_URL``, ``CX_KEY`` (context:read,
events:write, and identity:assert where attestations are verified), ``CX_PIN_KEY`` (events:write, identity:prove).
"""

from __future__ import annotations

import json
import os
import sys
import urllib.request
from http.client import HTTPException
from typing import Any
from urllib.parse import urlencode

CONNECTION = "acme-pbx"
SOURCE = "//acme.example/asterisk"
SECONDS = 1.0  # for each of the two requests: AGI itself has no time-out, and the caller hears nothing meanwhile
NOTHING: dict[str, Any] = {"level": "none", "say": {}, "route": {}}
SAID = ("name", "open", "waiting", "topic", "summary", "agent")
ROUTED = ("customer", "conversation", "queue", "agent", "topic", "summary", "waiting")


def main() -> None:
    call = read_call()
    try:
        told = tell(call)
    except (OSError, ValueError, HTTPException) as error:
        verbose(f"the hub was not told: {error}")
        told = ""
    try:
        brief, hub = ask_brief(call, told), "yes"
    except (OSError, ValueError, HTTPException) as error:
        verbose(f"no brief: {error}")
        brief, hub = NOTHING, "no"
    set_variable("CX_HUB", hub)
    set_variable("CX_LEVEL", brief["level"])
    for name in SAID:
        set_variable(f"CX_SAY_{name.upper()}", brief["say"].get(name, ""))
    for name in ROUTED:
        set_variable(f"CX_ROUTE_{name.upper()}", brief["route"].get(name, ""))
    for name, value in brief["say"].get("known", {}).items():
        set_variable(f"CX_KNOWN_{name.upper()}", value)


def read_call() -> dict[str, str]:
    """Return the variables that Asterisk sends first, ``agi_NAME: VALUE`` a line, up to an empty line."""
    lines = iter(sys.stdin.readline, "")
    pairs = (line.strip().partition(":") for line in iter(lambda: next(lines, "\n"), "\n"))
    return {name.removeprefix("agi_"): value.strip() for name, _, value in pairs}


def tell(call: dict[str, str]) -> str:
    """Tell that the call came in, or whose PIN was right, and return the event's name."""
    if call.get("arg_1") == "proved":
        named = [{"kind": "account", "value": call["arg_2"], "weight": "proved"}]
        more = {"evidence": call.get("arg_3", "ivr-pin")}
        return send(call, "cx.identity.verified.v1", "proved", named, os.environ["CX_PIN_KEY"], more)
    weight = {"weight": "asserted"} if call.get("arg_2") == "A" else {}
    number = caller_number(call)
    named = [{"kind": "phone", "value": number, **weight}] if number else []
    return send(call, "cx.interaction.started.v1", "started", named, os.environ["CX_KEY"], {})


def send(
    call: dict[str, str], type: str, what: str, identifiers: list[dict[str, str]], key: str, more: dict[str, str]
) -> str:
    id = f"{call['uniqueid']}/{what}"
    data = {
        "channel": "voice",
        "interaction": interaction(call),
        "direction": "inbound",
        "participants": [{"role": "customer", "identifiers": identifiers}],
        **more,
    }
    post("/v1/events", {"specversion": "1.0", "id": id, "source": SOURCE, "type": type, "data": data}, key)
    return f"{SOURCE}#{id}"


def ask_brief(call: dict[str, str], told: str) -> dict[str, Any]:
    """Return the brief; after a proof or an attestation once the hub has applied it."""
    query = "?" + urlencode({"at_least": told, "wait": "800ms"}) if told else ""
    asked = {"interaction": interaction(call), "identifier": f"phone:{caller_number(call) or 'anonymous'}"}
    return post(f"/v1/context/brief{query}", asked, os.environ["CX_KEY"])


def post(path: str, body: dict[str, Any], key: str) -> dict[str, Any]:
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    request = urllib.request.Request(os.environ["CX_URL"] + path, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def interaction(call: dict[str, str]) -> str:
    return f"{CONNECTION}/{call['uniqueid']}"


def caller_number(call: dict[str, str]) -> str:
    number = call.get("callerid", "")
    return number if number.lstrip("+").isdecimal() else ""


def set_variable(name: str, value: object) -> None:
    """Set a channel variable. Words of customers may hold quotes and line ends, which would end the command."""
    plain = "".join(each if each.isprintable() else " " for each in str(value))
    quoted = plain.replace("\\", "\\\\").replace('"', '\\"')
    command(f'SET VARIABLE {"".join(each if each.isalnum() else "_" for each in name)} "{quoted}"')


def verbose(words: str) -> None:
    command(f'VERBOSE "{words.translate({34: 39, 10: 32, 92: 47})}" 1')


def command(line: str) -> None:
    print(line, flush=True)
    sys.stdin.readline()  # 200 result=1


if __name__ == "__main__":
    main()

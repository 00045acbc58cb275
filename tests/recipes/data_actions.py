"""Genesys Cloud's side of a web services data action: templates, translation map, defaults, contract, time-out.

help.mypurecloud.com: "Add configuration to custom actions for integrations"; ``ActionConfig`` and ``ResponseConfig``
of Genesys' SDKs. Templates are Velocity, of which the recipes use ``${name}`` alone; paths are JSONPath, ``$.a.b``.
"""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Mapping
from typing import Any

import jsonschema_rs
from tests.recipes.story import IVR, PIN, Hub

HUB = "https://hub.example.com"
_VARIABLE = re.compile(r"\$\{([A-Za-z.]+)\}")


class Failed(Exception):
    """The action's way *Failure* or *Timeout* in Architect."""


def run(hub: Hub, file: str, **inputs: str) -> dict[str, Any]:
    """Return the outputs that a Call Data Action in Architect gets. Raises ``Failed``."""
    action = json.loads((hub.recipes / "genesys-cloud" / file).read_text(encoding="utf-8"))
    config, contract = action["config"], action["contract"]
    jsonschema_rs.Draft4Validator(contract["input"]["inputSchema"]).validate(inputs)
    named = {f"input.{name}": value for name, value in inputs.items()}
    named |= {"credentials.key": IVR, "credentials.pinKey": PIN}
    answer = _sent(hub, config["request"], named, config["timeoutSeconds"])
    outputs = _translated(answer, config["response"])
    jsonschema_rs.Draft4Validator(contract["output"]["successSchema"]).validate(outputs)
    kinds = {each["type"] for each in contract["output"]["successSchema"]["properties"].values()}
    assert kinds <= {"string", "integer", "number", "boolean"}, "Architect takes flat outputs"
    return outputs


def _sent(hub: Hub, request: Mapping[str, Any], named: Mapping[str, str], seconds: int) -> Any:
    url = _filled(request["requestUrlTemplate"], named).replace(HUB, hub.url)
    headers = {name: _filled(value, named) for name, value in request["headers"].items()}
    body = _filled(request["requestTemplate"], named)
    json.loads(body)
    asked = urllib.request.Request(url, body.encode(), headers, method=request["requestType"])
    assert 1 <= seconds <= 60
    try:
        with urllib.request.urlopen(asked, timeout=hub.time_out(seconds)) as answer:
            return json.load(answer)
    except OSError as error:
        raise Failed(str(error)) from error


def _translated(answer: Any, response: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answer as the success template has it. A value that is null stays null, as in Genesys."""
    found = {}
    for name, path in response["translationMap"].items():
        try:
            found[name] = json.dumps(_at(answer, path))
        except (KeyError, IndexError):
            found[name] = response["translationMapDefaults"][name]
    outputs: dict[str, Any] = json.loads(_filled(response["successTemplate"], found))
    return outputs


def _at(value: Any, path: str) -> Any:
    for name, place in re.findall(r"\.([A-Za-z_]+)|\[(\d+)\]", path.removeprefix("$")):
        value = value[int(place)] if place else value[name]
    return value


def _filled(template: str, named: Mapping[str, str]) -> str:
    """Return a template with its variables. Raises ``KeyError`` for one that there is not."""
    return _VARIABLE.sub(lambda match: named[match[1]], template)

"""Twilio's side of a Function and of a Studio flow that runs it.

twilio.com/docs/serverless/functions-assets/functions/invocation and .../studio/widget-library/run-function: the answer
comes within 10 s, in at most 64 kB, and a flow reads it as ``widgets.NAME.parsed``. Functions run in Node.js; this is
the one that Playwright's wheel brings.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pytest
from playwright._impl._driver import compute_driver_executable
from tests import one_clock
from tests.recipes.story import RECIPES, Hub, environment

WIDGET_SECONDS = 10
MAX_BYTES = 64_000

_RUN = """
const [path, context, event] = process.argv.slice(1);
require(path).handler(JSON.parse(context), JSON.parse(event), (error, answer) => {
  if (error) throw error;
  require("fs").writeSync(3, JSON.stringify(answer));
});
"""
_LIQUID = re.compile(r"\{\{\s*([\w.]+)\s*(?:\|\s*default:\s*'([^']*)'\s*)?\}\}")


class FunctionFailed(Exception):
    """The widget's transition *fail*."""


@cache
def _node() -> str:
    """Return the program of Node.js. It needs libatomic: where that is absent, skip what uses it, but not for CI."""
    node, _ = compute_driver_executable()
    if not os.environ.get("CI") and subprocess.run([node, "--version"], capture_output=True, check=False).returncode:
        pytest.skip("Node.js does not start here: apt-get install libatomic1")
    return str(node)


def run_function(hub: Hub, event: Mapping[str, str]) -> Any:
    """Return what the Function gives to its callback. Raises ``FunctionFailed``."""
    node = _node()
    own = {name: value for name, value in os.environ.items() if name not in one_clock.HIDDEN}
    reading, writing = os.pipe()
    try:
        command = [node, "-e", _RUN, str(hub.recipes / "twilio" / "brief.js"), json.dumps(environment(hub))]
        subprocess.run(
            ["bash", "-c", f'exec "$@" 3>&{writing}', "bash", *command, json.dumps(event)],
            env=own,
            pass_fds=(writing,),
            capture_output=True,
            timeout=hub.time_out(WIDGET_SECONDS),
            check=True,
        )
    except (subprocess.TimeoutExpired, subprocess.CalledProcessError) as error:
        raise FunctionFailed(str(error)) from error
    finally:
        os.close(writing)
    with os.fdopen(reading, "rb") as output:
        answer = output.read()
    assert 0 < len(answer) <= MAX_BYTES
    return json.loads(answer)


@dataclass
class Flow:
    """A call in the recipe's Studio flow. ``said``: to the caller; ``queue``: where the call ended."""

    hub: Hub
    said: list[str] = field(default_factory=list)
    queue: str = ""
    variables: dict[str, Any] = field(default_factory=dict)

    def call(self, **request: str) -> None:
        """Run the flow for a call with this request of Twilio's."""
        flow = json.loads((RECIPES / "twilio" / "studio-flow.json").read_text(encoding="utf-8"))
        states = {state["name"]: state for state in flow["states"]}
        self.variables = {"trigger": {"call": request}, "widgets": {}}
        state = states[flow["initial_state"]]
        while True:
            event = self._run(state)
            following = next(each for each in state["transitions"] if each["event"] == event)
            if "next" not in following:
                return
            state = states[following["next"]]

    def _run(self, state: Mapping[str, Any]) -> str:
        """Run a widget, and return the event of its transition."""
        properties = state["properties"]
        match state["type"]:
            case "trigger":
                return "incomingCall"
            case "run-function":
                event = {each["key"]: self.filled(each["value"]) for each in properties["parameters"]}
                try:
                    self.variables["widgets"][state["name"]] = {"parsed": run_function(self.hub, event)}
                except FunctionFailed:
                    return "fail"
                return "success"
            case "split-based-on":
                (condition,) = state["transitions"][1]["conditions"]
                assert condition["type"] == "is_not_blank"
                return "match" if self.filled(condition["arguments"][0]).strip() else "noMatch"
            case "say-play":
                self.said.append(self.filled(properties["say"]))
                return "audioComplete"
        assert state["type"] == "enqueue-call"
        self.queue = self.filled(properties["queue_name"])
        return "callComplete"

    def filled(self, template: str) -> str:
        """Return a Liquid template with its variables: what is missing is an empty text."""
        return _LIQUID.sub(lambda match: self._value(match[1]) or match[2] or "", template)

    def _value(self, path: str) -> str:
        value: Any = self.variables
        for name in path.split("."):
            value = value.get(name, "") if isinstance(value, dict) else ""
        return str(value)

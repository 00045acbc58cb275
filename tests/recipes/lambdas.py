"""Amazon Connect's side of a Lambda: the event, the time-out, and what a flow takes of the answer.

docs.aws.amazon.com/connect/latest/adminguide: "connect-lambda-functions", "invoke-lambda-function-block".
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from tests.recipes.story import Hub, environment

BLOCK_SECONDS = 8
"""The longest time-out of the block in synchronous mode. What takes longer goes to the branch *Error*."""
MAX_BYTES = 32 * 1024
"""The largest response that Connect takes."""

_KEY = re.compile(r"[A-Za-z0-9_-]+")
_RUN = "import json, sys, lambda_function as f; print(json.dumps(f.lambda_handler(json.loads(sys.argv[1]), None)))"


def event_of(call: str, address: str | None, parameters: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return what Connect invokes with. ``address``: None for a withheld number."""
    endpoint = {"Address": address, "Type": "TELEPHONE_NUMBER"} if address is not None else None
    arn = "arn:aws:connect:eu-west-2:111111111111:instance/cccccccc-bbbb-dddd-eeee-ffffffffffff"
    return {
        "Details": {
            "ContactData": {
                "Attributes": {},
                "Channel": "VOICE",
                "ContactId": call,
                "CustomerEndpoint": endpoint,
                "InitialContactId": call,
                "InitiationMethod": "INBOUND",
                "InstanceARN": arn,
                "PreviousContactId": call,
                "Queue": None,
                "SystemEndpoint": {"Address": "+15550100199", "Type": "TELEPHONE_NUMBER"},
            },
            "Parameters": dict(parameters or {}),
        },
        "Name": "ContactFlowEvent",
    }


def invoke(hub: Hub, event: Mapping[str, Any]) -> dict[str, str]:
    """Return ``$.External`` after the block, its response validation being STRING_MAP."""
    ran = subprocess.run(
        [sys.executable, "-c", _RUN, json.dumps(event)],
        cwd=hub.recipes / "amazon-connect",
        env={**os.environ, **environment(hub)},
        capture_output=True,
        timeout=hub.time_out(BLOCK_SECONDS),
        check=True,
    )
    answer = ran.stdout.splitlines()[-1]  # what the function printed goes to the log
    assert len(answer) <= MAX_BYTES
    external: dict[str, str] = json.loads(answer)
    for name, value in external.items():
        assert _KEY.fullmatch(name), f"{name} can be read by no flow"
        assert isinstance(value, str), f"{name} is no text"
    return external

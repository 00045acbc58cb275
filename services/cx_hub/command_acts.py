"""Record a command on the log: who typed it, and why."""

from __future__ import annotations

import getpass
import time
from collections.abc import Mapping
from typing import Annotated

import typer

from cx_events.ids import IdSpace
from cx_events.json_types import Json
from cx_events.log import Log
from cx_ops.operator_acts import HubAct, HubActType, append_hub_act

Why = Annotated[str, typer.Option("--why", help="Kept with the act, beside who you are.")]


def account() -> str:
    """Return the account that the command runs under, empty for one without a name."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""


async def append_act(log: Log, spaces: Mapping[str, IdSpace], type: HubActType, why: str, attributes: Json) -> None:
    """Append the event of an act that concerns the hub as a whole, one for each tenant. Raises ``TryLater``."""
    await append_hub_act(log, spaces, HubAct(type, account(), why, attributes), time.time_ns() // 1000)

"""Give the operators' service what only the channels have: the adapters that map a request again."""

from __future__ import annotations

from cx_channels.intake import Intake
from cx_channels.registry import providers
from cx_channels.remapping import map_again
from cx_events.blob import Blobs
from cx_events.dead_letters import DeadLetter
from cx_events.errors import Refused
from cx_events.ids import IdSpace
from cx_events.log import Log
from cx_ops.dead_letters.retrying import MapAgain
from cx_runtime.metrics import Metrics
from cx_runtime.tenants import Tenants


def spaces_of(tenants: Tenants) -> dict[str, IdSpace]:
    """Return the ids of all tenants."""
    return {name: tenants.ids(name) for name in tenants.by_name}


def mapping_again(log: Log, blobs: Blobs, tenants: Tenants, metrics: Metrics) -> MapAgain:
    """Return a function that maps the request in a dead letter again, with the adapters and connections of today."""
    intake = Intake(log, blobs, tenants, providers(), metrics)

    async def again(letter: DeadLetter, connection: str) -> object:
        if letter.tenant not in tenants.by_name:
            raise Refused("not-retriable", f"there is no tenant {letter.tenant[:64]!r}", 409)
        return await map_again(intake, log, blobs, letter, tenants.ids(letter.tenant), connection)

    return again

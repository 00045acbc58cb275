"""Store what a source brought: map it, and append its events with acks=all before the cursor moves."""

from __future__ import annotations

from cx_channels.dead_letters import MappingFailure, failure_of
from cx_channels.intake import Intake
from cx_channels.pollers.source import Delivery
from cx_channels.provider import Connection, Mapped, Provider
from cx_events.errors import Refused, TryLater
from cx_runtime.metrics import Metrics


async def accept(intake: Intake, metrics: Metrics, owner: Connection, delivery: Delivery) -> None:
    """Store a delivery; it is durable on return. Nothing is verified: we asked the vendor ourselves.

    ``owner``: the poller's connection. Raise ``TooFast`` above the connection's rate, ``TryLater`` where it may not be
    durable, ``Refused("bad-settings")`` where it is for a connection that the tenant does not have.
    """
    connection, provider = _addressed(intake, owner, delivery.connection)
    outcome = "unavailable"
    try:
        intake.rates.of_connection(connection.id).take()
        mapped, failures = Mapped(), [failure_of(delivery.lost)] if delivery.lost is not None else []
        if delivery.lost is None:
            mapped, failures = await intake.map(provider, delivery.request, connection)
            if delivery.known:
                mapped, failures = _without(delivery.known, mapped, failures)
        failures = await intake.publish_mapped(mapped, failures, delivery.request, connection)
        outcome = "dead-letter" if failures else "accepted" if mapped.drafts else "ignored"
    except TryLater as later:
        metrics.unavailable(later.part)
        raise
    finally:
        metrics.request(provider.name, connection.id, outcome)


def _without(
    known: frozenset[str], mapped: Mapped, failures: list[MappingFailure]
) -> tuple[Mapped, list[MappingFailure]]:
    """Return what a request became, but for what the hub has already."""
    drafts = tuple(draft for draft in mapped.drafts if draft.id not in known)
    left = [failure for failure in failures if failure.id not in known]
    return Mapped(drafts, mapped.ignored, mapped.unmapped, mapped.blobs), left


def _addressed(intake: Intake, owner: Connection, id: str) -> tuple[Connection, Provider]:
    """Return the connection that a delivery is for, with its provider."""
    try:
        connection, provider = intake.connection(id or owner.id)
    except Refused as refused:
        raise Refused("bad-settings", refused.detail) from None
    if connection.tenant != owner.tenant:
        raise Refused("bad-settings", f"{owner.id} delivers to {id}, which is another tenant's connection")
    return connection, provider

"""Make a provider whose connections declare how their vendor's requests are signed and mapped."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cx_channels.kit.declaration.mapping import DECLARED, IGNORED, SETTING, UNKNOWN, Declaration, declared_mapping
from cx_channels.provider import Answer, Connection, Mapped, Provider, Request, Signature
from cx_events.envelope import Channel, Weight

KINDS: Mapping[str, str] = {
    DECLARED: "cx.interaction.started, cx.message.received, or what else the connection's mapping makes of it",
    IGNORED: "ignored: the connection's mapping leaves this kind out, with its reason",
    UNKNOWN: "kept: the connection's mapping does not name this kind",
}


def generic_provider(
    name: str, channel: Channel, signature: Signature, weights: Mapping[str, Mapping[Weight, str]]
) -> Provider:
    """Return a provider of declarations. ``signature``: of a connection whose declaration is not at hand."""

    def compiled(connection: Connection) -> Declaration:
        return declared_mapping(connection, channel)

    def verify(request: Request, connection: Connection) -> None:
        connection.once(compiled).authentication.verify(request, connection.secrets)

    def sign(request: Request, connection: Connection, secret: str) -> Request:
        return connection.once(compiled).authentication.sign(request, secret)

    def map_request(request: Request, connection: Connection) -> Mapped:
        return connection.once(compiled).map(request, connection)

    def challenge(request: Request, connection: Connection) -> Answer | None:
        return connection.once(compiled).challenge(request, connection)

    return Provider(
        name=name,
        channel=channel,
        map=map_request,
        verify=verify,
        challenge=challenge,
        sign=sign,
        signature=signature,
        signature_of=lambda connection: connection.once(compiled).authentication.signature,
        kinds=KINDS,
        kinds_of=lambda request, connection: connection.once(compiled).kinds_of(request),
        answer=_answer,
        settings=frozenset({SETTING}),
        warnings=_warnings(compiled),
        notes=_notes(compiled),
        weights=weights,
    )


def _answer(_mapped: Mapped, _request: Request) -> Answer:
    """Every vendor takes 200, and few mind what is in it; an empty JSON object is read by those that parse it."""
    return Answer(body=b"{}", content_type="application/json")


def _warnings(compiled: Callable[[Connection], Declaration]) -> Callable[[Connection], tuple[str, ...]]:
    def warnings(connection: Connection) -> tuple[str, ...]:
        declaration = connection.once(compiled)
        useless = [at for at, each in enumerate(connection.secrets) if not declaration.authentication.usable(each)]
        return tuple(
            f"secrets[{at}] is not written as the declared authentication needs it, and lets nobody in"
            for at in useless
        )

    return warnings


def _notes(compiled: Callable[[Connection], Declaration]) -> Callable[[Connection], tuple[str, ...]]:
    def notes(connection: Connection) -> tuple[str, ...]:
        return (connection.once(compiled).summary,)

    return notes

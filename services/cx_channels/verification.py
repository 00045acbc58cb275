"""Check that a request comes from the provider before anything is made of it."""

from __future__ import annotations

from typing import Any

import structlog

from cx_channels.kit.signing import shown_url
from cx_channels.provider import Answer, Connection, Provider, Request
from cx_channels.published_keys import KeyUnknown
from cx_events.errors import Refused
from cx_runtime.metrics import Metrics


def verify_request(provider: Provider, request: Request, connection: Connection, metrics: Metrics) -> Answer | None:
    """Return the answer to a subscription check, or None for a genuine request that may hold events.

    Raise ``Refused``: as the provider's ``verify`` does, or ``unreadable`` (400) where the check itself fails; and
    ``KeyUnknown`` for a key that is not here yet: it is asked for, and the vendor has to come again.
    """
    try:
        challenged = provider.challenge(request, connection)
        if challenged is None and provider.verify is not None:
            provider.verify(request, connection)
        return challenged
    except Refused as refused:
        metrics.refused(provider.name, refused.reason)
        if not provider.signs_url or refused.status != 401:
            raise
        detail = f"{refused.detail}; checked for {shown_url(request.url)}, which begins with CX_PUBLIC_URL"
        about = {"provider": provider.name, "connection": connection.id, "reason": refused.reason}
        _log().warning("a signature did not pass", **about, detail=detail)
        raise Refused(refused.reason, detail, refused.status) from None
    except KeyUnknown as unknown:
        connection.keys.want(unknown.url)
        raise
    except Exception as error:  # a fault in the check must not let the request pass: nobody proved to be the provider
        _log().error("a check failed", provider=provider.name, connection=connection.id, exc_info=error)
        metrics.refused(provider.name, "unreadable")
        raise Refused("unreadable", f"the request can't be read as one of {provider.name}", 400) from None


def _log() -> Any:
    return structlog.get_logger("cx_channels.verification")

"""Open the traces that the settings ask for. OpenTelemetry is imported only where they are on."""

from __future__ import annotations

from typing import Literal

from cx_events.errors import Fatal
from cx_runtime.tracing import OFF, Tracing


def open_tracing(exporter: Literal["off", "otlp"], service: str) -> Tracing:
    """Return the traces of this process. ``service``: its name, unless ``OTEL_SERVICE_NAME`` says another.

    Raises ``Fatal`` where OpenTelemetry is not installed.
    """
    if exporter == "off":
        return OFF
    try:
        from cx_runtime.tracing_otlp import OtlpTracing
    except ImportError as error:
        raise Fatal(f"CX_TRACES=otlp needs OpenTelemetry: pip install 'throughline[traces]' ({error.name})") from None
    return OtlpTracing(service)

"""Describe the routes that every process has: liveness, readiness, measurements."""

from __future__ import annotations

from collections.abc import Mapping

from cx_events.json_types import Json
from cx_events.schema_shapes import TEXT, ref, values
from cx_runtime.health import Report
from cx_runtime.openapi.document import Description
from cx_runtime.openapi.operation import JSON, Operation, answer, problem_answer, problem_more
from cx_runtime.openapi.struct_schemas import schemas_of

LIVENESS, READINESS, METRICS = "/healthz", "/readyz", "/metrics"

_METRICS_KEY: Json = {"type": "http", "scheme": "bearer", "description": "`CX_METRICS_KEY`, which is no tenant's key."}
_NOT_READY = problem_more(
    "NotReady",
    {
        "parts": {**values(ref("ComponentHealth")), "description": "Each part, those that are well included."},
        "notes": {**values(TEXT), "description": "What does not work as it is set up, by name."},
    },
    "RFC 9457, with the state of each part.",
)
_TAG = "process"


def process_description(*, with_metrics: bool, with_key: bool) -> Description:
    """Return what every process adds to its document. ``with_metrics``: ``/metrics`` is on this port; ``with_key``: it
    needs its key."""
    operations = {
        (LIVENESS, "get"): _health("get_liveness", "Whether this process should be kept", "A worker is stuck."),
        (READINESS, "get"): _health("get_readiness", "Whether this process does its work", "A part is not well."),
    }
    if with_metrics:
        operations[METRICS, "get"] = _metrics(with_key=with_key)
    return Description(
        operations,
        schemas_of([Report], names={"Report": "HealthReport"}),
        {"metrics-key": _METRICS_KEY},
        {_TAG: "For whoever runs the hub."},
    )


def _health(id: str, summary: str, wrong: str) -> Operation:
    responses = {
        "200": answer("It is.", {JSON: ref("HealthReport")}),
        "503": problem_answer(503, f"{wrong} `detail` and `parts` say which.", _NOT_READY),
    }
    return Operation(id, _TAG, summary, responses)


def _metrics(*, with_key: bool) -> Operation:
    text = answer("Prometheus' text format, or OpenMetrics.", {"text/plain": TEXT})
    responses = {"200": text, **({"401": problem_answer(401)} if with_key else {})}
    security: list[Mapping[str, list[str]]] = [{"metrics-key": []}] if with_key else []
    return Operation("get_metrics", _TAG, "Measurements of this process", responses, security=security)

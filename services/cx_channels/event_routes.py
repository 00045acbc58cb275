"""Serve the HTTP routes by which clients send events and vCons."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Any

import msgspec
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from cx_channels import vcon_import
from cx_channels.acting_agents import check_agents_of_events
from cx_channels.batch_result import BatchResult
from cx_channels.event_senders import authenticate_sender
from cx_channels.intake import CLIENT, Intake
from cx_channels.limits import Limits
from cx_events.directory import Directory
from cx_events.errors import Refused
from cx_events.facts import vcon_source
from cx_events.http_binding import read
from cx_events.strict_json import Limits as JsonLimits
from cx_runtime.http import read_body
from cx_runtime.metrics import Metrics
from cx_runtime.problems import problem
from cx_runtime.query_fields import read_fields
from cx_runtime.sessions.acting_agents import check_agents_of_event
from cx_runtime.sessions.session_auth import signed_in_agent
from cx_runtime.tenants import Tenants

_encode = msgspec.json.Encoder().encode

_PLACE = 256
"""Characters of a place in an event that an answer repeats."""


class EventRoutes:
    """Handles ``POST /v1/events`` (what is valid is accepted) and ``POST /v1/vcons`` (all of its events, or none)."""

    def __init__(
        self,
        intake: Intake,
        tenants: Tenants,
        metrics: Metrics,
        limits: Limits,
        directories: Mapping[str, Directory] | None = None,
    ) -> None:
        """``directories``: who agents are, by tenant; without them as the configuration says."""
        self._intake = intake
        self._tenants = tenants
        self._metrics = metrics
        self._limits = limits
        self._directories = tenants.directories if directories is None else directories
        self._json_limits = JsonLimits(max_bytes=limits.body.max_bytes)

    async def send_events(self, request: HttpRequest) -> Response:
        return await self._counted(self._publish(request))

    async def _publish(self, request: HttpRequest) -> Response:
        try:
            who = authenticate_sender(request.headers, self._tenants)
            dry_run = _is_dry_run(request.scope["query_string"])
            bucket = self._intake.rates.of_key(who.tenant, who.key)
            bucket.take()
            if not dry_run:
                self._intake.check_capacity()
            body = await read_body(request.headers, request.receive, self._limits.body)
            values = read(body, request.headers.items(), self._json_limits)
            if signed_in := signed_in_agent(request):
                check_agents_of_events(values, signed_in, self._directories[who.tenant], importing=who.importing)
            if len(values) > 1:
                bucket.take_more(len(values) - 1)
        except Refused as refused:
            self._metrics.refused(CLIENT, refused.reason)
            raise
        result = await self._intake.publish_client(
            who.tenant, values, importing=who.importing, scopes=who.scopes, key=who.key, dry_run=dry_run
        )
        return _answer(result, dry_run=dry_run)

    async def import_vcon(self, request: HttpRequest) -> Response:
        return await self._counted(self._import(request))

    async def _counted(self, work: Awaitable[Response]) -> Response:
        outcome = "unavailable"
        try:
            response = await work
            outcome = "accepted" if response.status_code < 300 else "refused"
        except Refused:
            outcome = "refused"
            raise
        finally:
            self._metrics.request(CLIENT, "", outcome)
        return response

    async def _import(self, request: HttpRequest) -> Response:
        try:
            who = authenticate_sender(request.headers, self._tenants)
            bucket = self._intake.rates.of_key(who.tenant, who.key)
            bucket.take()
            self._intake.check_capacity()
            source = vcon_source(who.tenant)
            most = max(self._limits.body.max_bytes, self._limits.vcon_bytes)
            body = await read_body(request.headers, request.receive, self._limits.body._replace(max_bytes=most))
            content_type = request.headers.get("content-type", "")
            vcon, drafts = await vcon_import.map_request(body, content_type, request.scope["query_string"], most)
            if signed_in := signed_in_agent(request):
                for draft in drafts:
                    check_agents_of_event(draft.data, source, signed_in, self._directories[who.tenant])
            bucket.take_more(len(drafts) - 1)
            stamped = await self._intake.publish_drafts(who.tenant, source, drafts, scopes=who.scopes, key=who.key)
        except Refused as refused:
            self._metrics.refused(CLIENT, refused.reason)
            raise
        answer = vcon_import.describe_import(vcon, stamped, self._tenants.ids(who.tenant))
        return Response(msgspec.json.encode(answer), 202, media_type="application/json")


def _is_dry_run(query: bytes) -> bool:
    """Read the query. Raise ``Refused`` (400) for any other field: a misspelt ``dry_run`` would store events."""
    if not query:
        return False
    (value,) = read_fields(query, {"dry_run"}).get("dry_run", ["false"])
    if value not in ("true", "false"):
        raise Refused("bad-query", "dry_run is true or false", 400)
    return value == "true"


def _answer(result: BatchResult, *, dry_run: bool) -> Response:
    """Return 202, or 200 for a dry run, or 422 where no event was accepted."""
    rejected = [{"index": one.index, "reason": one.reason, "detail": one.detail} for one in result.rejected]
    if rejected and not result.accepted:
        first = result.rejected[0]
        detail = f"no event was acceptable; the first: {first.reason}: {first.detail}"
        return problem(422, "no-event-accepted", detail, more={"accepted": [], "rejected": rejected})
    body: dict[str, Any] = {
        "accepted": [{"source": source, "id": id} for source, id in result.accepted],
        "rejected": rejected,
    }
    if result.typos:
        body["warnings"] = [
            {"index": index, "place": typo.place[:_PLACE], "nearest": typo.nearest, "detail": typo.sentence()}
            for index, typo in result.typos
        ]
    if dry_run:
        body["events"] = [msgspec.Raw(event) for event in result.events]
    return Response(_encode(body), 200 if dry_run else 202, media_type="application/json")

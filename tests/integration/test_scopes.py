"""Every route and every event type against keys of each scope, from the documents that the hub itself serves.

Nothing is listed here but what OpenAPI does not describe: a route that is added without saying which scope it needs, or
that asks for another one than it says, fails.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence, Set
from copy import deepcopy
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any, get_args

import httpx2
import pytest
from starlette.routing import BaseRoute
from tests.asking import PatientClient
from tests.patience import PATIENCE

from cx_context_api.conversations.agent_actions import AGENT_ACTIONS
from cx_desktop.session_routes import ME_PATH
from cx_events.catalogue import catalogue, permit_of
from cx_events.event_type import EventType
from cx_events.weights import SCOPE_OF
from cx_hub.app import compose_app
from cx_hub.compose import http as http_composition
from cx_hub.compose import running_hub
from cx_hub.demo.run import embedded_settings, until_ready
from cx_runtime.fast_routes import FastRouteApp
from cx_runtime.sessions.session_auth import SIGN_IN_PATH
from cx_runtime.tenants import KeyConfig, Scope, TenantConfig, Tenants

pytestmark = pytest.mark.clock

SCOPES: tuple[str, ...] = tuple(scope for scope in get_args(Scope) if scope != "*")
NOBODY = "00000000-0000-4000-8000-000000000000"
NOT_DESCRIBED = {
    "/openapi.json": "the document itself",
    "/": "a page",
    "/docs": "a page",
    "/docs/pages.css": "its style",
    **dict.fromkeys(("/desk", "/desk/{rest:path}", "/console", "/console/{rest:path}"), "a page"),
    "/assets/{version}/{path:path}": "its files",
    "/v1/chat/{connection}": "a socket for visitors; keys open nothing there",
}


def tenant_of(*scopes: str) -> str:
    """Return the tenant whose one key has these scopes: the refusals of one tenant are paced."""
    return "-".join(sorted(scopes)).replace(":", ".").replace("*", "all") or "none"


def secret_of(*scopes: str) -> str:
    return f"the secret of {tenant_of(*scopes)}"


ANY_KEY = ("/mcp", ME_PATH)
"""Paths that every key of a tenant opens; each tool of the first has its own scope."""


def singles() -> Iterator[tuple[str, ...]]:
    """Each scope alone, all but each, none, and the one that holds all."""
    yield ()
    yield ("*",)
    for scope in SCOPES:
        yield (scope,)
        yield tuple(each for each in SCOPES if each != scope)


def pairs() -> Iterator[tuple[str, ...]]:
    yield from singles()
    yield from combinations(SCOPES, 2)


def triples() -> Iterator[tuple[str, ...]]:
    yield from combinations(SCOPES, 3)


def tenants() -> Tenants:
    return Tenants(
        {
            tenant_of(*scopes): TenantConfig(
                id_key="a lasting key of a tenant",
                keys=(KeyConfig.model_validate({"id": "its-key", "secret": secret_of(*scopes), "scopes": scopes}),),
            )
            for scopes in [*pairs(), *triples()]
        }
    )


@dataclass(frozen=True)
class Doors:
    """``document``: the hub's OpenAPI. ``app``: that which it serves."""

    http: httpx2.AsyncClient
    document: Mapping[str, Any]
    app: FastRouteApp

    async def status(self, method: str, path: str, secret: str | None, body: Any) -> int:
        """Of the answer; what follows it, as in a stream, is not waited for."""
        headers = {"authorization": f"Bearer {secret}"} if secret is not None else {}
        async with self.http.stream(method, path, headers=headers, json=body) as answer:
            return answer.status_code


@pytest.fixture
async def doors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Doors]:
    """The whole hub, as ``cx up`` runs it."""
    apps: list[FastRouteApp] = []

    def kept(*arguments: Any, **more: Any) -> FastRouteApp:
        apps.append(compose_app(*arguments, **more))
        return apps[-1]

    monkeypatch.setattr(http_composition, "compose_app", kept)
    async with running_hub(embedded_settings(tmp_path), tenants()) as hub:
        await until_ready(hub.url)
        async with PatientClient(base_url=hub.url, trust_env=False, timeout=PATIENCE) as http:
            yield Doors(http, (await http.get("/openapi.json")).json(), apps[0])


def operations(document: Mapping[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method.upper(), path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def opens_by_key(operation: Mapping[str, Any]) -> bool:
    return {"key": []} in operation["security"]


def others_open(operation: Mapping[str, Any]) -> bool:
    """Return whether something else than a tenant's key opens it: a signature, a session, the key of /metrics."""
    return bool(operation["security"]) and not opens_by_key(operation)


def path_of(path: str, operation: Mapping[str, Any]) -> str:
    """The path with a parameter wherever the operation can't do without, so that nothing but the key is refused."""
    queries = {"/v1/context": "?interaction=nobody", "/v1/stream": "?agent=nobody", "/v1/event": "?source=nobody&id=m"}
    return path.replace("{id}", NOBODY) + queries.get(path, "")


def read_request_body(operation: Mapping[str, Any]) -> Any:
    content = operation.get("requestBody", {}).get("content", {})
    return content.get("application/json", {}).get("example", [] if content else None)


async def test_every_route_is_described_with_its_scopes(doors: Doors) -> None:
    described = {(method, path) for method, path, _ in operations(doors.document)}
    served = {*routes(doors.app.router.routes), *fast(doors.app)}
    assert {path for method, path in served - described if method != "OPTIONS"} == set(NOT_DESCRIBED)
    assert described <= served
    for method, path, operation in operations(doors.document):
        assert set(operation["x-scope"]) <= set(SCOPES), (method, path)
        if path not in ANY_KEY:
            assert ({"key": []} in operation["security"]) == bool(operation["x-scope"]), (method, path)


def routes(found: list[BaseRoute]) -> Iterator[tuple[str, str]]:
    for route in found:
        inner = getattr(route, "original_router", None)  # how the framework keeps a router that was included
        if inner is not None:
            yield from routes(inner.routes)
            continue
        path = getattr(route, "path", "")
        assert path, f"{route} is of a kind that this test does not know"
        for method in (getattr(route, "methods", None) or {"GET"}) - {"HEAD"}:
            yield method, path


def fast(app: FastRouteApp) -> Iterator[tuple[str, str]]:
    for (head, tail), known in app._routes.items():
        for method in known.methods - {"HEAD"}:
            yield method, f"{head}{{{known.parameter}}}{tail}" if known.parameter else head


async def test_every_route_accepts_only_keys_with_its_scopes(doors: Doors) -> None:
    wrong: list[str] = []
    for method, path, operation in operations(doors.document):
        if path == SIGN_IN_PATH:  # its key stands in the body
            continue
        needed = set(operation["x-scope"])
        asked = (method, path_of(path, operation))
        for scopes in singles():
            expected = 403 if not needed <= set(scopes) and "*" not in scopes else 0
            status = await doors.status(*asked, secret_of(*scopes), read_request_body(operation))
            if (status == 401 and not others_open(operation)) or (status == 403) != (expected == 403):
                wrong.append(f"{method} {path} needs {needed}, with {scopes}: {status}")
        for secret in (None, "no such key"):
            status = await doors.status(*asked, secret, read_request_body(operation))
            if (status == 401) != opens_by_key(operation) and not others_open(operation):
                wrong.append(f"{method} {path} needs {needed}, with {secret}: {status}")
    assert wrong == []


@pytest.mark.parametrize("name", ["merge", "unmerge", "attribute", "dismiss"])
async def test_a_dry_run_of_decisions_needs_the_reading_scope(doors: Doors, name: str) -> None:
    operation = doors.document["paths"][f"/v1/identity/{name}"]["post"]
    path = f"/v1/identity/{name}?dry_run=true"
    assert await doors.status("POST", path, secret_of("identity:write"), read_request_body(operation)) == 403
    both = secret_of("context:read", "identity:write")
    assert await doors.status("POST", path, both, read_request_body(operation)) != 403


# --- event types at /v1/events ----------------------------------------------------------------------------------------


def claimed(value: Any) -> Any:
    """The same with every weight a claim, so that the type alone decides."""
    if isinstance(value, dict):
        return {name: "claimed" if name == "weight" else claimed(item) for name, item in value.items()}
    return [claimed(item) for item in value] if isinstance(value, list) else value


def asked_weights(event_type: EventType) -> dict[str, dict[str, Any]]:
    """The example with its customer's identifiers at each weight, by the weight."""
    found = {}
    for weight in ("proved", "asserted", "claimed"):
        example = claimed(deepcopy(dict(event_type.example)))
        for one in example["data"].get("participants", ()):
            if one["role"] == "customer":
                one["identifiers"] = [
                    {**each, "weight": "claimed" if each["kind"] == "cookie" else weight} for each in one["identifiers"]
                ]
        found[weight] = {**example, "id": f"{example['id']}/{weight}"}
    return found


async def outcomes(doors: Doors, events: Sequence[Mapping[str, Any]], secret: str) -> list[str]:
    """For each event nothing where it was taken, else the reason."""
    headers = {"authorization": f"Bearer {secret}", "content-type": "application/cloudevents-batch+json"}
    answer = await doors.http.post("/v1/events", content=json.dumps(events), headers=headers)
    assert answer.status_code in (202, 422), answer.text
    rejected = {each["index"]: each["reason"] for each in answer.json()["rejected"]}
    assert len(rejected) + len(answer.json()["accepted"]) == len(events)
    return [rejected.get(index, "") for index in range(len(events))]


def expected_of(name: str, needed: Set[str], scopes: Collection[str]) -> str:
    permit = permit_of(name)
    if permit.unsupported:
        return "not-supported"
    if permit.reserved:
        return "reserved-type"
    return "" if "*" in scopes or needed <= set(scopes) else "missing-scope"


async def test_every_event_type_and_weight_needs_its_scopes(doors: Doors) -> None:
    asked = [(name, *each) for name, known in catalogue().items() for each in asked_weights(known).items()]
    wrong: list[str] = []
    for scopes in [*pairs(), *triples()]:
        if "events:write" not in scopes and "*" not in scopes:
            continue  # the route itself is closed
        found = await outcomes(doors, [event for _, _, event in asked], secret_of(*scopes))
        for (name, weight, event), reason in zip(asked, found, strict=True):
            stated = SCOPE_OF.get(weight) if f'"{weight}"' in json.dumps(event) else None
            expected = expected_of(name, permit_of(name).scopes | ({stated} if stated else set()), scopes)
            if reason != expected:
                wrong.append(f"{name} {weight} with {scopes}: {reason!r}, not {expected!r}")
    assert wrong == []


async def test_events_without_scope_are_rejected_and_others_accepted(doors: Doors) -> None:
    message = claimed(deepcopy(dict(catalogue()["cx.message.received.v1"].example)))
    note = catalogue()["cx.conversation.note.v1"].example
    login = catalogue()["cx.identity.verified.v1"].example
    answer = await doors.http.post(
        "/v1/events",
        content=json.dumps([note, message, login]),
        headers={
            "authorization": f"Bearer {secret_of('events:write')}",
            "content-type": "application/cloudevents-batch+json",
        },
    )
    assert answer.status_code == 202
    assert [each["id"] for each in answer.json()["accepted"]] == [message["id"]]
    rejected = answer.json()["rejected"]
    assert [(each["index"], each["reason"]) for each in rejected] == [(0, "missing-scope"), (2, "missing-scope")]
    assert "conversations:write" in rejected[0]["detail"]
    assert "identity:prove" in rejected[1]["detail"]


async def test_routes_and_their_event_types_need_the_same_scope(doors: Doors) -> None:
    """The acts and decisions of the API, by the types that they write."""
    for name, act in AGENT_ACTIONS.items():
        operation = doors.document["paths"][f"/v1/conversations/{{id}}/{name}"]["post"]
        assert set(operation["x-scope"]) == {catalogue()[act.type].scope}, name
    for name in ("token_issued", "token_redeemed"):
        assert catalogue()[f"cx.conversation.{name}.v1"].scope == "conversations:write"
    decisions = [each for each in catalogue().values() if each.family == "identity" and each.kind == "decision"]
    assert {each.scope for each in decisions} == {"identity:write"}

"""Hold what a hub answers in tests against the OpenAPI document that it serves."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

import httpx2
import jsonschema_rs
from tests.openapi_files import documents

_STREAM = "text/event-stream"
_OPEN = ("CloudEvent", "EventData", "Vcon")


def closed(schema: Any) -> Any:
    """Return a schema of which objects have no members but those that it declares."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: closed(each) for name, each in schema.items()}
    is_open = "properties" not in schema or "additionalProperties" in schema
    return found if is_open else {**found, "additionalProperties": False}


class Described:
    """The answers of a document. Events are open: they may have extensions and fields unknown here; so may problems."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        schemas = document["components"]["schemas"]
        self._schemas = {
            name: each if name in _OPEN or "Problem" in name or "reason" in each.get("required", ()) else closed(each)
            for name, each in schemas.items()
        }
        self._paths = [
            (re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path))), path, methods)
            for path, methods in sorted(document["paths"].items(), key=lambda item: "{" in item[0])
        ]
        self._validators: dict[tuple[str, str, str, str], Any] = {}

    def faults_of(self, method: str, path: str, status: int, content_type: str, body: bytes) -> Iterator[str]:
        """Yield what of an answer is not as it is described. An operation that is not described has none."""
        for pattern, known, methods in self._paths:
            if pattern.fullmatch(path) and method.lower() in methods:
                yield from self._faults(known, methods[method.lower()], method, status, content_type, body)
                return

    def _faults(
        self, path: str, operation: Mapping[str, Any], method: str, status: int, content_type: str, body: bytes
    ) -> Iterator[str]:
        answer = operation["responses"].get(str(status))
        if answer is None:
            yield f"{method} {path}: {status} is not described: {body[:200]!r}"
            return
        media_type = content_type.partition(";")[0].strip()
        content = answer.get("content", {})
        found = content.get(media_type, content.get("*/*"))
        if content and found is None:
            yield f"{method} {path}: {status} is described as {list(content)}, not {media_type}"
        if found is None or media_type == _STREAM or media_type not in content or not media_type.endswith("json"):
            return
        name = (path, method, str(status), media_type)
        if name not in self._validators:
            whole = {**closed(found["schema"]), "components": {"schemas": self._schemas}}
            self._validators[name] = jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
        for error in self._validators[name].iter_errors(json.loads(body)):
            yield f"{method} {path}: {'/'.join(map(str, error.instance_path))}: {error.message[:300]}"


@cache
def described() -> Described:
    """Return the document of a hub with all services."""
    return Described(documents()["hub"])


async def check_answer(answer: httpx2.Response) -> None:
    """Raise ``AssertionError`` where an answer is not as it is described: a hook for asynchronous clients in tests."""
    if not _is_stream(answer):
        await answer.aread()
        _check(answer)


def check_answer_blocking(answer: httpx2.Response) -> None:
    """Do the same for a client that blocks."""
    if not _is_stream(answer):
        answer.read()
        _check(answer)


HELD: Mapping[str, list[Callable[..., Any]]] = {"response": [check_answer]}
"""The event hooks of an asynchronous client of which every answer is held against the document."""

HELD_BLOCKING: Mapping[str, list[Callable[..., Any]]] = {"response": [check_answer_blocking]}
"""The same for a client that blocks."""


def _is_stream(answer: httpx2.Response) -> bool:
    return _STREAM in answer.headers.get("content-type", "")


def _check(answer: httpx2.Response) -> None:
    request, content_type = answer.request, answer.headers.get("content-type", "")
    found = described().faults_of(request.method, request.url.path, answer.status_code, content_type, answer.content)
    if faults := list(found):
        raise AssertionError("\n".join(faults))

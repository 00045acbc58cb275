"""Apply a JSON Patch (RFC 6902), as the hub's streams send it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cx_events.json_types import Json


class BadPatch(ValueError):
    """A patch that does not fit the value: it is of another version."""


def apply_patch(value: Any, patch: Iterable[Json]) -> Any:
    """Return what a patch makes of a value, which stays as it is; what did not change is shared with it.

    ``add``, ``remove`` and ``replace`` are known, as the hub sends no others. Raises ``BadPatch``.
    """
    for operation in patch:
        steps = [_unescaped(step) for step in str(operation["path"]).split("/")[1:]]
        value = _changed(value, steps, operation)
    return value


def _changed(value: Any, steps: list[str], operation: Json) -> Any:
    if not steps:
        if operation["op"] not in ("add", "replace"):
            raise BadPatch(f"{operation['op']}: the whole value can be replaced alone")
        return operation["value"]
    step, rest = steps[0], steps[1:]
    if isinstance(value, dict):
        return _changed_object(value, step, rest, operation)
    if isinstance(value, list):
        return _changed_array(value, step, rest, operation)
    raise BadPatch(f"{operation['path']}: nothing is there")


def _changed_object(value: Json, step: str, rest: list[str], operation: Json) -> Json:
    if step not in value and (rest or operation["op"] != "add"):
        raise BadPatch(f"{operation['path']}: there is no {step!r}")
    if not rest and operation["op"] == "remove":
        return {name: each for name, each in value.items() if name != step}
    return {**value, step: _changed(value.get(step), rest, operation)}


def _changed_array(value: list[Any], step: str, rest: list[str], operation: Json) -> list[Any]:
    at = len(value) if step == "-" else int(step) if step.isascii() and step.isdigit() else -1
    is_new = not rest and operation["op"] == "add"
    if not 0 <= at < len(value) + is_new:
        raise BadPatch(f"{operation['path']}: there is no element {step!r}")
    if is_new:
        return [*value[:at], operation["value"], *value[at:]]
    if not rest and operation["op"] == "remove":
        return [*value[:at], *value[at + 1 :]]
    return [*value[:at], _changed(value[at], rest, operation), *value[at + 1 :]]


def _unescaped(step: str) -> str:
    return step.replace("~1", "/").replace("~0", "~")

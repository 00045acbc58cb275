"""Correlate calls of two systems that don't know each other's ids, by fields that a tenant declares.

What a call's events say at the declared paths becomes a reference of the kind ``same-call``, which names the
correlation, its window and a digest of the values; ``cx_context.threading.one_contact`` finds who says the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec

from cx_channels.kit.declaration.mistakes import Place
from cx_channels.kit.declaration.paths import Steps, parse_path
from cx_events.envelope import Draft, Reference
from cx_runtime.tenants import TenantConfig

_MOST_TEXT = 512


def correlation_mistakes(tenant: str, config: TenantConfig) -> Iterator[str]:
    """Yield what can't be meant in a tenant's correlations: connections that there are not, and wrong paths."""
    for name, its in config.correlations.items():
        for connection, paths in its.fields.items():
            place = Place(f"tenants.{tenant}.correlations.{name}.fields.{connection[:64]}")
            if connection not in config.connections:
                place.wrong("there is no such connection")
            for path in paths:
                _steps(path, place)
            yield from map(str, place.mistakes)


def _steps(path: str, place: Place) -> Steps:
    begin, steps = parse_path(path, place)
    if not place.mistakes and (begin or not steps):
        place.wrong(f"the path {path[:64]!r} must begin with $. and name a field of the event's data")
    return steps


class _Declared(NamedTuple):
    name: str
    within: int
    paths: Sequence[Steps]
    written: Sequence[str]


class Correlations:
    """All tenants' correlations, by connection."""

    def __init__(self, tenants: Mapping[str, TenantConfig]) -> None:
        self._of: dict[str, list[_Declared]] = {}
        for config in tenants.values():
            for name, its in sorted(config.correlations.items()):
                for connection, paths in its.fields.items():
                    steps = [_steps(path, Place("")) for path in paths]
                    self._of.setdefault(connection, []).append(_Declared(name, its.within, steps, paths))

    def correlated(self, draft: Draft, connection: str) -> Draft:
        """Return a draft with the references that the declared fields make; itself where there are none."""
        declared = self._of.get(connection)
        if declared is None or draft.data.channel != "voice" or not draft.data.interaction:
            return draft
        data = _as_json(draft)
        found = [value for each in declared if (value := _value(each, data))]
        if not found:
            return draft
        references = [*draft.data.references, *(Reference(kind="same-call", value=value) for value in found)]
        return msgspec.structs.replace(draft, data=msgspec.structs.replace(draft.data, references=references))

    def without_value(self, drafts: Iterable[Draft], connection: str) -> Iterator[tuple[str, Sequence[str]]]:
        """Yield name and paths of each correlation of the connection that no call among the drafts has a value for.

        Nothing where there is no call among them. The drafts are those that ``correlated`` returned.
        """
        calls = [draft for draft in drafts if draft.data.channel == "voice" and draft.data.interaction]
        said = {each.value for draft in calls for each in draft.data.references if each.kind == "same-call"}
        for each in self._of.get(connection, ()) if calls else ():
            if not any(value.startswith(_prefix(each)) for value in said):
                yield each.name, each.written


def _prefix(declared: _Declared) -> str:
    return f"declared/{declared.within}/{declared.name}/"


def _as_json(draft: Draft) -> Any:
    raw = draft.data.raw
    data = msgspec.to_builtins(msgspec.structs.replace(draft.data, raw=msgspec.UNSET))
    if raw is not msgspec.UNSET:
        try:
            data["raw"] = msgspec.json.decode(raw)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):  # a vendor's numbers out of range
            return data
    return data


def _value(declared: _Declared, data: Any) -> str:
    """Return the reference's value, "" where a field is absent."""
    values = [_text_at(data, steps) for steps in declared.paths]
    if not all(values):
        return ""
    digest = blake2b("\0".join(values).encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
    return f"{_prefix(declared)}{digest}"


def _text_at(value: Any, steps: Steps) -> str:
    for step in steps:
        if isinstance(value, str):  # whose letters are no members
            return ""
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return ""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return str(value).strip()[:_MOST_TEXT]

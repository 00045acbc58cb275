"""Compare the schemas of events with those of the latest release: name what would break, and whom. Pure.

    python -m cx_events.compatibility                  # against schemas/released/events.json; exit 1 if anything breaks
    python -m cx_events.compatibility --record 0.2.0   # at a release: today's schemas are the released ones now

What may change: a new type, a new field with a default, another value of an enumeration, a looser bound.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from cx_events.catalogue import catalogue
from cx_events.event_schema import schema_of
from cx_events.json_types import Json

FILE = "schemas/released/events.json"

SENDERS = "senders, and events on the log"
READERS = "whoever reads it, in exports, subscriptions and on the log"


class Break(NamedTuple):
    """One thing that breaks. ``path``: a JSON pointer in the event. ``whom``: who relies on it."""

    type: str
    path: str
    what: str
    whom: str

    def __str__(self) -> str:
        return f"{self.type} {self.path or '/'}: {self.what}; breaks {self.whom}"


def schemas_today() -> Json:
    """Return all schemas with what they share written once: ``types`` by name, and ``$defs``."""
    types: Json = {}
    shared: Json = {}
    for event_type in catalogue().values():
        schema = schema_of(event_type)
        shared |= schema["$defs"]
        types[event_type.name] = {name: schema[name] for name in ("type", "required", "properties")}
    return {"types": types, "$defs": shared}


def find_breaks(released: Json, today: Json) -> list[Break]:
    """Return what a release of ``today`` would break, each once."""
    found: dict[Break, None] = {}
    for name, schema in released["types"].items():
        if name not in today["types"]:
            found[Break(name, "", "the type is gone", SENDERS)] = None
            continue
        comparison = _Comparison(name, released["$defs"], today["$defs"])
        found |= dict.fromkeys(comparison.compare(schema, today["types"][name], ""))
    return list(found)


class _Comparison:
    """Compares two schemas of one type. The structs that both refer to are compared once for each place."""

    def __init__(self, name: str, old_defs: Json, new_defs: Json) -> None:
        self._name = name
        self._old_defs = old_defs
        self._new_defs = new_defs

    def _break(self, path: str, what: str, whom: str = SENDERS) -> Break:
        return Break(self._name, path, what, whom)

    def compare(self, old: Json, new: Json, path: str) -> Iterator[Break]:
        """Yield what a value that was right before may break on."""
        ways = list(_alternatives(new, self._new_defs))
        for way in _alternatives(old, self._old_defs):
            taken = [each for each in ways if _takes(each, way)]
            if not taken:
                yield self._break(path, f"is no {_kind(way)} any more")
                continue
            breaks = [list(self._compare_one(way, each, path)) for each in taken]
            yield from min(breaks, key=len)

    def _compare_one(self, old: Json, new: Json, path: str) -> Iterator[Break]:
        yield from self._of_values(old, new, path)
        yield from self._of_bounds(old, new, path)
        for name in sorted(set(new.get("required", ())) - set(old.get("required", ()))):
            yield self._break(f"{path}/{name}", "is required now")
        for need in new.get("allOf", ()):
            if need not in old.get("allOf", ()):
                yield self._break(path, f"needs more now: {json.dumps(need, sort_keys=True)}")
        fields: Mapping[str, Json] = new.get("properties", {})
        for name, shape in old.get("properties", {}).items():
            if name in fields:
                yield from self.compare(shape, fields[name], f"{path}/{name}")
            else:
                yield self._break(f"{path}/{name}", "the field is gone", READERS)
        for inner, step in (("items", "0"), ("additionalProperties", "*")):
            if isinstance(old.get(inner), dict) and isinstance(new.get(inner), dict):
                yield from self.compare(old[inner], new[inner], f"{path}/{step}")

    def _of_values(self, old: Json, new: Json, path: str) -> Iterator[Break]:
        if "const" in new and new["const"] != old.get("const"):
            yield self._break(path, f"must be {new['const']!r} now")
        if "enum" in new:
            gone = [value for value in old.get("enum", ()) if value not in new["enum"]]
            if gone or "enum" not in old:
                left = ", ".join(map(str, gone)) if gone else f"what is none of {', '.join(map(str, new['enum']))}"
                yield self._break(path, f"takes no longer {left}")

    def _of_bounds(self, old: Json, new: Json, path: str) -> Iterator[Break]:
        for name in ("minLength", "minItems", "minProperties", "minimum"):
            if name in new and (name not in old or new[name] > old[name]):
                yield self._break(path, f"{name} is {new[name]} now, was {old.get(name, 'none')}")
        for name in ("maxLength", "maxItems", "maximum"):
            if name in new and (name not in old or new[name] < old[name]):
                yield self._break(path, f"{name} is {new[name]} now, was {old.get(name, 'none')}")
        for name in ("pattern", "format"):
            if name in new and new[name] != old.get(name):
                yield self._break(path, f"{name} is {new[name]} now, was {old.get(name, 'none')}")


def _alternatives(schema: Json, defs: Json) -> Iterator[Json]:
    """Yield the ways in which a value may be right, each of one kind."""
    if "$ref" in schema:
        target: Json = defs[schema["$ref"].rpartition("/")[2]]
        rest = {name: value for name, value in schema.items() if name != "$ref"}
        yield from _alternatives({**target, **rest}, defs)
    elif "anyOf" in schema:
        for each in schema["anyOf"]:
            yield from _alternatives(each, defs)
    elif isinstance(schema.get("type"), list):
        for kind in schema["type"]:
            yield {**schema, "type": kind}
    else:
        yield schema


def _kind(schema: Json) -> str:
    if "type" in schema:
        return str(schema["type"])
    known: Any = schema.get("enum", [schema["const"]] if "const" in schema else [])
    return "string" if known and all(isinstance(value, str) for value in known) else "value"


def _takes(new: Json, old: Json) -> bool:
    kinds = (_kind(old), _kind(new))
    return kinds[0] == kinds[1] or kinds[1] == "value" or kinds == ("integer", "number")


def main(arguments: list[str]) -> int:
    """Run the command line. Return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m cx_events.compatibility", description=find_breaks.__doc__)
    parser.add_argument("--record", metavar="VERSION", help="write today's schemas as those of this release")
    parser.add_argument("--root", type=Path, default=Path(), help="the project's root (default: here)")
    options = parser.parse_args(arguments)
    file = options.root / FILE
    released = json.loads(file.read_text()) if file.exists() else {"types": {}, "$defs": {}}
    breaks = find_breaks(released, schemas_today())
    for each in breaks:
        sys.stderr.write(f"{each}\n")
    if breaks:
        sys.stderr.write("a type that means something else is a new version with an upcast; see CONTRIBUTING.md\n")
        return 1
    if options.record:
        file.parent.mkdir(parents=True, exist_ok=True)
        content = {"release": options.record, **schemas_today()}
        file.write_text(json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

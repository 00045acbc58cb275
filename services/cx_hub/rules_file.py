"""Read rules of identity from a file of their own, as the block ``identity:`` of ``CX_CONFIG`` writes them.

A mistake is ``Refused("bad-rules")`` with its line and what is expected there. Stricter than the configuration: a key
that stands twice is refused, and so are YAML's references, which a few lines can blow up into gigabytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import yaml

from cx_events.errors import Refused
from cx_identity.rules import Rules

MAX_BYTES = 256 << 10


def read_rules(path: Path) -> Rules:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise Refused("no-rules", f"{path} can't be read: {error.strerror}") from None
    if len(raw) > MAX_BYTES:
        raise Refused("bad-rules", f"{path} has more than {MAX_BYTES} bytes")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise Refused("bad-rules", f"{path}, line {line}: expected UTF-8") from None
    return rules_in(text, str(path))


def rules_in(text: str, name: str) -> Rules:
    """``name``: what a refusal calls the text."""
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent):
                raise _bad(name, event.start_mark, "a reference (*) has no place in rules; write the value out")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _bad(name, mark, f"no YAML: {error.problem or error.context}") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise Refused("bad-rules", f"{name} is no YAML: {str(error)[:200]}") from None
    if node is None:
        raise Refused("bad-rules", f"{name} is empty: expected shared_after, exclusive, never_link or junk")
    if isinstance(node, yaml.MappingNode) and [key.value for key, _ in node.value] == ["identity"]:
        node = node.value[0][1]
    if not isinstance(node, yaml.MappingNode):
        raise _bad(name, node.start_mark, "expected a mapping of shared_after, exclusive, never_link, junk")
    for place, piece in _pieces(node, name):
        try:
            Rules.parse(piece)
        except Refused as error:
            raise _bad(name, place.start_mark, error.detail) from None
    return Rules.parse(_value(node, name))


def _pieces(node: yaml.MappingNode, name: str) -> Iterator[tuple[yaml.Node, dict[Any, Any]]]:
    """Each smallest part of the rules with the place where it stands, so that a mistake is found where it was made."""
    for key, value in node.value:
        field = _key(key, name)
        if isinstance(value, yaml.MappingNode):
            for each, number in value.value:
                yield each, {field: {_key(each, name): _value(number, name)}}
        elif isinstance(value, yaml.SequenceNode):
            for each in value.value:
                yield each, {field: [_value(each, name)]}
        yield key, {field: _value(value, name)}


def _key(node: yaml.Node, name: str) -> Any:
    if not isinstance(node, yaml.ScalarNode):
        raise _bad(name, node.start_mark, "expected a plain key")
    return _value(node, name)


def _value(node: yaml.Node, name: str) -> Any:
    if isinstance(node, yaml.MappingNode):
        found: dict[Any, Any] = {}
        for key, value in node.value:
            read = _key(key, name)
            if read in found:
                raise _bad(name, key.start_mark, f"{str(read)[:64]!r} stands twice")
            found[read] = _value(value, name)
        return found
    if isinstance(node, yaml.SequenceNode):
        return [_value(each, name) for each in node.value]
    try:
        return yaml.SafeLoader("").construct_object(node)
    except (yaml.YAMLError, ValueError):
        raise _bad(name, node.start_mark, f"{str(node.value)[:64]!r} has no value that rules may have") from None


class _Mark(Protocol):
    """A place in the YAML file. Each of the YAML library's two parsers has a class of its own for it."""

    @property
    def line(self) -> int: ...


def _bad(name: str, mark: _Mark | None, detail: str) -> Refused:
    place = f"{name}, line {mark.line + 1}" if mark is not None else name
    return Refused("bad-rules", f"{place}: {detail}")

"""Names and labels in PromQL, taken apart by the parser of GreptimeDB (``promql-parser``)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import promql_parser
from promql_parser import AggModifierType, AggregateExpr, BinaryExpr, MatchOp, VectorSelector


class Matcher(NamedTuple):
    """``values``: the literal alternatives. ``excludes``: the matcher leaves them out."""

    label: str
    values: tuple[str, ...]
    excludes: bool


class Selector(NamedTuple):
    """A metric as an expression chooses it."""

    metric: str
    matchers: tuple[Matcher, ...]


def parsed(expression: str) -> Any:
    """Return the syntax tree. Grafana's variables get a value first. Raise ``ValueError`` for no PromQL."""
    return promql_parser.parse(expression.replace("$__rate_interval", "5m").replace("$instance", ".*"))


def selectors(expression: str) -> list[Selector]:
    return [
        Selector(node.name, tuple(_matcher(each) for each in node.matchers.matchers))
        for node in _nodes(parsed(expression))
        if isinstance(node, VectorSelector)
    ]


def grouping_labels(expression: str) -> set[str]:
    """Return all labels that the expression groups or joins by."""
    found: set[str] = set()
    for node in _nodes(parsed(expression)):
        if isinstance(node, AggregateExpr) and node.modifier is not None:
            assert node.modifier.type == AggModifierType.By, "say which labels stay"
            found |= set(node.modifier.labels)
        elif isinstance(node, BinaryExpr) and node.modifier is not None and node.modifier.matching is not None:
            found |= set(node.modifier.matching.labels)
    return found


def result_labels(expression: str) -> set[str]:
    """Return the labels of what an aggregation gives: those of its outermost ``by``, without the buckets' bound."""
    for node in _nodes(parsed(expression)):
        if isinstance(node, AggregateExpr):
            return set(node.modifier.labels) - {"le"} if node.modifier is not None else set()
    raise AssertionError(f"{expression!r} aggregates nothing")


def _matcher(matcher: Any) -> Matcher:
    pattern = matcher.op in (MatchOp.Re, MatchOp.NotRe)
    values: Sequence[str] = matcher.value.split("|") if pattern else [matcher.value]
    return Matcher(
        matcher.name,
        tuple(each for each in values if not re.search(r"[*+?\\]", each)),
        matcher.op in (MatchOp.NotRe, MatchOp.NotEqual),
    )


def _nodes(tree: Any) -> Iterator[Any]:
    found: list[Any] = []
    promql_parser.walk(tree, found.append)
    return iter(found)

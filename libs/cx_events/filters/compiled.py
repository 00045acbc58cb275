"""Make a filter of a text, and ask it about records."""

from __future__ import annotations

from typing import Any

from cx_events.filters.checking import check
from cx_events.filters.extraction import extraction_of
from cx_events.filters.jsonlogic import is_met, make_engine, read_fields, rule_of
from cx_events.filters.parsing import parse
from cx_events.filters.rendering import render
from cx_events.log import INTERACTIONS, LogRecord


class Filter:
    """A filter of the records of one topic. ``text``: in its normal form. ``rule``: as JSONLogic. ``reads``: the fields
    that it reads."""

    def __init__(self, text: str, topic: str) -> None:
        expression = parse(text)
        condition, fields = check(expression, topic)
        self.text = render(expression)
        self.rule: Any = rule_of(condition)
        self._compiled = make_engine().compile_strict(self.rule)
        self.reads = sorted(read_fields(self._compiled))
        self._extract = extraction_of([fields[name] for name in self.reads])

    def matches(self, record: LogRecord) -> bool:
        """Return whether a record of the topic is wanted. Raises ``Refused("filter-too-costly")``."""
        return is_met(self._compiled, self._extract(record))


def compile_filter(text: str, topic: str = INTERACTIONS) -> Filter:
    """Return the filter that a text describes. Raises ``BadFilter``, with the place in the text."""
    return Filter(text, topic)

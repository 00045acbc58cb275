"""Print for people as text, for programs as JSON (one value) or JSON lines."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console

from cx_hub.text_table import table_lines


class Format(StrEnum):
    TEXT = "text"
    JSON = "json"
    JSONL = "jsonl"


OutputOption = Annotated[Format, typer.Option("-o", "--output", help="How to print.")]


def to_out() -> Console:
    """Data for people. No line is broken, so that ids and times can be found and copied whole; a terminal wraps. What
    stands in brackets is text and no style."""
    return Console(soft_wrap=True, highlight=False, markup=False)


def to_err() -> Console:
    """Progress and notes."""
    return Console(stderr=True, soft_wrap=True, highlight=False, markup=False)


def line(value: Any) -> None:
    """One JSON value on a line of its own, at once: a reader may be following. Bytes are JSON already."""
    content = value if isinstance(value, bytes) else msgspec.json.encode(value)
    sys.stdout.buffer.write(content + b"\n")
    sys.stdout.buffer.flush()


def show(value: Any, format: Format, text: Callable[[Console], None]) -> None:
    """One value: as JSON, or as ``text`` writes it."""
    if format is Format.TEXT:
        text(to_out())
    elif format is Format.JSON:
        line(msgspec.json.format(msgspec.json.encode(value), indent=2))
    else:
        line(value)


def show_rows(rows: Sequence[Mapping[str, Any]], columns: Iterable[str], format: Format, none: str) -> None:
    """Many alike: a table, an array, or one on each line. ``none``: what people are told where there are none."""
    if format is Format.JSONL:
        for row in rows:
            line(row)
    elif format is Format.JSON:
        line(msgspec.json.format(msgspec.json.encode(rows), indent=2))
    elif not rows:
        to_err().print(none)
    else:
        print_table(to_out(), rows, columns)


def print_table(out: Console, rows: Sequence[Mapping[str, Any]], columns: Iterable[str]) -> None:
    """A heading and a line for each row; no id and no time is broken."""
    for each in table_lines(rows, list(columns), out.width if out.is_terminal else None):
        out.print(each, markup=False)

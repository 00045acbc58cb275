"""Lay out rows as lines of text in which no id and no time is broken, however narrow the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.cells import cell_len, set_cell_size

PROSE = frozenset({"detail", "origin", "pattern", "text", "why"})
"""Columns of words, which may be cut where there is too little room; all others are names, numbers, ids and times."""

_LEAST = 12
"""Characters that are left of a column of words."""

_GAP = "  "


def table_lines(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], width: int | None) -> list[str]:
    """Return a heading and a line for each row. ``width``: of the terminal in characters, None where there is none.

    Words are cut to fit the width. Where that is not enough, each row stands as a list of its values instead.
    """
    cells = [[_plain(row.get(name)) for name in columns] for row in rows]
    heads = [name.replace("_", " ") for name in columns]
    sizes = [max(map(cell_len, column)) for column in zip(heads, *cells, strict=True)]
    if width is not None:
        _shrink(sizes, columns, width)
        if _whole(sizes) > width:
            return _lists(heads, cells)
    return [_line(each, sizes) for each in (heads, *cells)]


def _shrink(sizes: list[int], columns: Sequence[str], width: int) -> None:
    """Take what is too much from columns of words, from the last one first."""
    for at in reversed(range(len(sizes))):
        if columns[at] in PROSE and (over := _whole(sizes) - width) > 0:
            sizes[at] = min(sizes[at], max(_LEAST, sizes[at] - over))


def _whole(sizes: Sequence[int]) -> int:
    return sum(sizes) + len(_GAP) * (len(sizes) - 1)


def _line(cells: Sequence[str], sizes: Sequence[int]) -> str:
    return _GAP.join(_fitted(cell, size) for cell, size in zip(cells, sizes, strict=True)).rstrip()


def _fitted(cell: str, size: int) -> str:
    return set_cell_size(cell, size) if cell_len(cell) <= size else f"{set_cell_size(cell, size - 1)}…"


def _lists(heads: Sequence[str], cells: Sequence[Sequence[str]]) -> list[str]:
    size = max(map(cell_len, heads))
    lines: list[str] = []
    for row in cells:
        lines += [""] if lines else []
        lines += [f"{set_cell_size(head, size)}{_GAP}{cell}" for head, cell in zip(heads, row, strict=True) if cell]
    return lines


def _plain(value: object) -> str:
    """Return a value on one line, without what could steer a terminal."""
    text = "" if value is None else str(value)
    return "".join(each if each.isprintable() else " " for each in text)

"""Tables of the command line: ids and times are whole, in a pipe and on any terminal."""

from __future__ import annotations

import pytest

from cx_hub.text_table import table_lines

ID, TIME = "1a7e1c39-8145-819a-8865-5de351fceecf", "2026-11-22T10:02:11.000001Z"
ROWS = [{"id": ID, "recorded": TIME, "letters": 7, "detail": "a sentence that goes on for long " * 5}]
COLUMNS = ("id", "recorded", "letters", "detail")


@pytest.mark.parametrize("width", [None, 200, 80, 40, 10])
def test_ids_and_times_are_never_broken(width: int | None) -> None:
    lines = table_lines(ROWS, COLUMNS, width)
    assert any(ID in line for line in lines)
    assert any(TIME in line for line in lines)


def test_a_pipe_gets_everything_on_one_line() -> None:
    assert ROWS[0]["detail"].rstrip() in table_lines(ROWS, COLUMNS, None)[1]  # type: ignore[attr-defined]


@pytest.mark.parametrize("width", [200, 100])
def test_words_are_cut_to_fit_the_terminal(width: int) -> None:
    lines = table_lines(ROWS, COLUMNS, width)
    assert len(lines) == 2
    assert max(map(len, lines)) <= width
    assert lines[1].endswith("…")


def test_a_narrow_terminal_gets_a_list() -> None:
    assert table_lines(ROWS, COLUMNS, 40)[:3] == [f"id        {ID}", f"recorded  {TIME}", "letters   7"]


def test_no_text_steers_the_terminal() -> None:
    assert table_lines([{"name": "a\nb\x1b[2J"}], ("name",), None) == ["name", "a b [2J"]

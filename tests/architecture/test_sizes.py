"""Files and functions stay small, and no modules import each other in a circle."""

from __future__ import annotations

import ast

from tests.architecture.sizes import (
    FILE_LINES,
    FUNCTION_LINES,
    circles,
    circles_of,
    file_sizes,
    function_sizes,
    import_graph,
    p90,
    sources,
)

NINE_OF_TEN = 250
"""The most lines that nine of ten files may have."""

LONG_FUNCTIONS: dict[str, int] = {
    "libs/cx_context/reference_definition.py:define": 52,
    "libs/cx_context/fold.py:apply": 43,
    "libs/cx_context/store/identifier_activity.py:contacts_at": 43,
    "libs/cx_context/store/withheld_claims.py:asked_about": 43,
    "libs/cx_events/client_events.py:accept": 49,
    "libs/cx_events/testing/builders.py:an_event": 48,
    "libs/cx_events/testing/log_outage_contract.py:test_acknowledged_records_survive_an_outage": 44,
    "services/cx_context_api/app.py:__init__": 60,
}
"""Functions of more than ``FUNCTION_LINES``, with their lines. Shorten them; never add one, never let one grow."""

SOURCES = sources()


def test_no_file_is_too_long() -> None:
    assert [size for size in file_sizes(SOURCES) if size.lines > FILE_LINES] == []


def test_nine_of_ten_files_are_short() -> None:
    assert p90([size for size in file_sizes(SOURCES) if size.lines]) <= NINE_OF_TEN


def test_long_functions_only_get_fewer_and_shorter() -> None:
    long = {size.name: size.lines for size in function_sizes(SOURCES) if size.lines > FUNCTION_LINES}
    assert {name: lines for name, lines in long.items() if lines > LONG_FUNCTIONS.get(name, 0)} == {}
    assert {name: lines for name, lines in LONG_FUNCTIONS.items() if long.get(name) != lines} == {}, (
        "tell the new number"
    )


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert circles_of(SOURCES) == []


def test_a_circle_is_found_however_it_is_closed() -> None:
    modules = {
        "shop": ast.parse(""),
        "shop.cart": ast.parse("from shop import prices"),
        "shop.prices": ast.parse("def price():\n    from shop.stock import amount\n    return amount"),
        "shop.stock": ast.parse("if TYPE_CHECKING:\n    import shop.cart"),
        "shop.till": ast.parse("from shop.cart import total"),
    }
    assert circles(import_graph(modules)) == [["shop.cart", "shop.prices", "shop.stock"]]

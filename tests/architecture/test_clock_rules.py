"""Tests hold on any day: what touches a clock is marked, and no fixed date meets the machine's clock."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.trees import tree

TESTS = Path(__file__).parents[1]
MODULES = {path.relative_to(TESTS).as_posix(): path for path in sorted(TESTS.rglob("*.py"))}

RUNS_BY_THE_CLOCK = (
    "tests.faults.",
    "tests.processes.",
    "tests.secured.",
    "cx_context.store.leases",
    "cx_context.store.offsets",
    "trustme",
)
"""What stamps or judges times by the machine's clock: real services, leases, certificates. A name that ends with a full
stop means all that is in that module."""
TAKES_THE_CLOCK = {
    "tests.channels.running_hub",
    "cx_channels.intake.Intake",
    "cx_channels.intake.wall_clock",
    "cx_hub.compose",
    "cx_hub.compose.running_hub",
}
READS_THE_CLOCK = {"time", "time_ns", "now", "utcnow", "today", "wall_clock"}
DATE = re.compile(r"\b20[2-9]\d-\d\d-\d\d")
FIXED = {"START", "DEMO_NOW"}
WITH_A_CLOCK = {"ContextApi", "Decisions"}
MEASURES = "bench/"


def imported(module: ast.AST) -> Iterator[str]:
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def called(node: ast.AST) -> str:
    """Return the last name of what a call calls, or an empty string."""
    if not isinstance(node, ast.Call):
        return ""
    function = node.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def reads_the_clock(node: ast.AST) -> bool:
    """Whether it is a call such as ``time.time_ns()``, ``datetime.now(UTC)``, ``date.today()``, ``wall_clock()``, or
    ``IncreasingClock()``, which reads the machine's clock unless it is given another."""
    if called(node) == "IncreasingClock":
        return isinstance(node, ast.Call) and not node.args
    if called(node) not in READS_THE_CLOCK or not isinstance(node, ast.Call):
        return False
    function = node.func
    if isinstance(function, ast.Name):
        return True
    return isinstance(function, ast.Attribute) and ast.unparse(function.value) in {"time", "datetime", "date"}


def is_fixed(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return DATE.search(node.value) is not None
    return isinstance(node, ast.Name) and node.id in FIXED


def test_tests_that_use_a_clock_are_marked() -> None:
    unmarked = [
        name
        for name, path in MODULES.items()
        if path.name.startswith("test_")
        and not name.startswith(MEASURES)
        and any(each in TAKES_THE_CLOCK or each.startswith(RUNS_BY_THE_CLOCK) for each in imported(tree(path)))
        and "mark.clock" not in path.read_text(encoding="utf-8")
    ]
    assert unmarked == [], "mark them: pytestmark = pytest.mark.clock"


def test_no_fixed_date_meets_the_clock_in_one_function() -> None:
    meet = [
        f"{name}: {function.name}"
        for name, path in MODULES.items()
        if not name.startswith(MEASURES)
        for function in ast.walk(tree(path))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        and any(reads_the_clock(node) for node in ast.walk(function))
        and any(is_fixed(node) for node in ast.walk(function))
    ]
    assert meet == [], "take both from one clock: the hub's, as tests.api has it, or the machine's"


def test_every_context_api_under_test_is_given_its_clock() -> None:
    without = [
        f"{name}: line {node.lineno}"
        for name, path in MODULES.items()
        if not name.startswith(MEASURES)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
        and called(node) in WITH_A_CLOCK
        and not any(keyword.arg == "now" for keyword in node.keywords)
    ]
    assert without == [], "tell it what day it is: now=..."

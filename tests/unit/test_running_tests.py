"""``cx test``: when the suite is shared out among workers."""

from __future__ import annotations

import pytest

from cx_hub.commands.testing import WORKERS, workers


@pytest.mark.parametrize("args", [[], ["-rs"], ["-x"], ["-m", "clock"], ["--durations", "20"]])
def test_the_whole_suite_runs_on_two_workers(args: list[str]) -> None:
    assert workers(args) == WORKERS


@pytest.mark.parametrize(
    "args",
    [
        ["tests/unit"],
        ["-x", "tests/unit/test_codec.py::test_none"],
        ["-k", "threading"],
        ["-n0"],
        ["-n", "4"],
        ["-p", "no:xdist"],
        ["-pno:xdist"],
        ["--pdb"],
        ["--lf"],
    ],
)
def test_few_tests_and_a_debugger_run_in_one_process(args: list[str]) -> None:
    assert workers(args) == ()

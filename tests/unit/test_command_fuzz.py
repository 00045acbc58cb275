"""No argument of any command ends in a trace, or without a reason."""

from __future__ import annotations

import hypothesis
import pytest
from tests.command_fuzz import LEFT_OUT, check, command_lines, faults_of
from tests.commands import Printed, command_tree

pytestmark = pytest.mark.clock


@hypothesis.given(command_lines())
@hypothesis.settings(max_examples=80, suppress_health_check=list(hypothesis.HealthCheck))
def test_no_argument_ends_in_a_fault(line: list[str]) -> None:
    check(line)


def test_what_is_left_out_is_a_command() -> None:
    assert LEFT_OUT.keys() <= command_tree().keys()


@pytest.mark.parametrize(
    ("told", "faults"),
    [
        (Printed(0, "x", ""), []),
        (Printed(2, "", "cx: bad-id: x"), []),
        (Printed(2, "", ""), ["no reason"]),
        (Printed(3, "", "x"), ["exit 3"]),
        (Printed(1, "", "Traceback (most recent call last):"), ["a trace"]),
        (Printed(1, "", "cx: a fault of ours: KeyError: 'x'"), ["a fault of ours"]),
    ],
)
def test_what_counts_as_a_fault(told: Printed, faults: list[str]) -> None:
    assert faults_of(["lag"], told) == faults

"""Processes of a run on another day have one time."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest
from tests import one_clock

LATER = """
import os, subprocess, sys, time
from tests import one_clock
time.sleep(1.5)
one_clock.share_clock(os.environ)
print(time.time(), subprocess.run(["date", "+%s.%N"], capture_output=True, text=True).stdout)
"""


def test_a_moment_becomes_a_distance_and_nothing_else_does() -> None:
    here = os.environ.get("FAKETIME", "")
    for given in ("", "+8d", "-3600"):
        environment = {"FAKETIME": given}
        one_clock.share_clock(environment)
        assert environment == {"FAKETIME": given}
    environment = {"FAKETIME": "@2031-11-01 00:30:00"}
    one_clock.share_clock(environment)
    assert here or abs(float(environment["FAKETIME"].rstrip("s"))) < 60


@pytest.mark.skipif(shutil.which("faketime") is None, reason="faketime is not here")
def test_a_process_started_later_has_its_starters_time() -> None:
    environment = {name: value for name, value in os.environ.items() if name not in one_clock.HIDDEN}
    command = ["faketime", "-f", "@2031-11-01 00:30:00", sys.executable, "-c", LATER]
    asked = subprocess.run(command, env=environment, capture_output=True, check=True, text=True)
    own, other = map(float, asked.stdout.split())
    assert own <= other

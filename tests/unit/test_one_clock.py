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

KILLED = """
import ctypes, os, subprocess, sys, time
from tests import one_clock
one_clock.share_clock(os.environ)
asks = "import ctypes; libc = ctypes.CDLL(None); [libc.stat(b'/', b' ' * 4096) for _ in iter(int, 1)]"
for _ in range(30):
    killed = subprocess.Popen([sys.executable, "-c", asks])
    time.sleep(0.05)
    killed.kill()
    killed.wait()
print(subprocess.run(["stat", "/"], capture_output=True, check=True, text=True, timeout=300).stdout)
"""


def test_a_moment_becomes_a_distance() -> None:
    given = {"FAKETIME": "+8d"}
    one_clock.share_clock(given)
    assert given["FAKETIME"] == "+8d"
    here = os.environ.get("FAKETIME", "")
    environment = {"FAKETIME": "@2031-11-01 00:30:00"}
    one_clock.share_clock(environment)
    assert here or abs(float(environment["FAKETIME"].rstrip("s"))) < 60


def test_processes_with_their_own_time_are_told_nothing() -> None:
    environment: dict[str, str] = {}
    one_clock.share_clock(environment)
    assert environment == {}


def _faked(script: str) -> str:
    """Return what a script prints under faketime, run as pytest's first process is."""
    environment = {name: value for name, value in os.environ.items() if name not in one_clock.HIDDEN}
    command = ["faketime", "-f", "@2031-11-01 00:30:00", sys.executable, "-c", script]
    return subprocess.run(command, env=environment, capture_output=True, check=True, text=True).stdout


@pytest.mark.skipif(shutil.which("faketime") is None, reason="faketime is not here")
def test_a_process_started_later_has_its_starters_time() -> None:
    own, other = map(float, _faked(LATER).split())
    assert own <= other


@pytest.mark.skipif(shutil.which("faketime") is None, reason="faketime is not here")
def test_a_killed_process_stops_no_other() -> None:
    assert "File: /" in _faked(KILLED)

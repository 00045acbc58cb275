"""Commands that run for minutes beside services give way to them; services and short commands don't."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

SCRIPT = """
import os, sys
from cx_hub.cli import main
try:
    main()
finally:
    print(os.getpriority(os.PRIO_PROCESS, 0), file=sys.stderr)
"""


@pytest.mark.parametrize(("command", "lower"), [("rebuild", 10), ("verify", 10), ("replay", 10), ("run", 0)])
def test_long_work_gives_way_to_services(command: str, lower: int) -> None:
    ours = os.getpriority(os.PRIO_PROCESS, 0)
    done = subprocess.run([sys.executable, "-c", SCRIPT, command, "--help"], capture_output=True, text=True, check=True)
    assert int(done.stderr.split()[-1]) == min(ours + lower, 19)

"""A forked ``cx`` ends, speaks and is told to stop as one that Python starts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.forked import Forked, begun, write_command
from tests.patience import PATIENCE
from tests.processes import bare_environment, running

pytestmark = pytest.mark.clock


@pytest.mark.parametrize("words", [["--version"], ["log"], ["nonsense"]])
def test_a_forked_command_says_what_a_started_says(words: list[str], tmp_path: Path) -> None:
    write_command(tmp_path / "cx")
    forked, started = (
        subprocess.run([*command, *words], env=bare_environment(), capture_output=True, timeout=PATIENCE, check=False)
        for command in ([str(tmp_path / "cx")], [sys.executable, "-m", "cx_hub"])
    )
    assert (forked.returncode, forked.stdout, forked.stderr) == (started.returncode, started.stdout, started.stderr)


def test_a_forked_process_ends_by_a_signal(tmp_path: Path) -> None:
    with running("up", {"CX_HOME": str(tmp_path / "home")}, tmp_path / "said") as hub:
        assert isinstance(hub.process, Forked)
        assert hub.process.poll() is None
        hub.process.send_signal(signal.SIGKILL)
        assert hub.process.wait(PATIENCE) == -signal.SIGKILL
        with pytest.raises(ProcessLookupError):
            os.kill(hub.process.pid, 0)


def test_another_environment_is_given_to_a_started_process(tmp_path: Path) -> None:
    environment = {**bare_environment(), "PYTHONPATH": "elsewhere"}
    with (tmp_path / "said").open("wb") as said:
        process = begun(["--version"], environment, stderr=said)
    assert isinstance(process, subprocess.Popen)
    assert process.wait(PATIENCE) == 0

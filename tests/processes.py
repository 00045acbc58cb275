"""Services of the hub for tests, each in a process of its own, on free ports."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.forked import Process, begun
from tests.patience import PATIENCE

_READY = re.compile(r"^ready: .* at (http://\S+?)(?:, mail on port (\d+))?$", re.MULTILINE)


def bare_environment() -> dict[str, str]:
    """This environment without settings of a hub."""
    return {name: value for name, value in os.environ.items() if not name.startswith("CX_")}


@dataclass
class Running:
    """``said``: the file that its stderr goes to."""

    process: Process
    url: str
    smtp_port: int
    said: Path

    def stop(self, number: int = signal.SIGTERM) -> str:
        """Ask it to stop; it must do so by itself, without a trace. What it said."""
        self.process.send_signal(number)
        assert self.process.wait(PATIENCE) == 0, self.said.read_text()
        said = self.said.read_text()
        assert "Traceback" not in said, said
        return said


@contextmanager
def running(
    command: str, settings: Mapping[str, str], said: Path, port: int = 0, *, fresh: bool = False
) -> Iterator[Running]:
    """``cx COMMAND``, ready; killed at the end if it still runs. ``port``: of HTTP; 0 for a free one. ``fresh``: as of
    ``tests.forked.begun``."""
    environment = {**bare_environment(), "CX_SMTP_PORT": "0", "CX_LOG_LEVEL": "warning", **settings}
    with said.open("wb") as output:
        process = begun([*command.split(), "--port", str(port)], environment, stderr=output, fresh=fresh)
    try:
        until = time.monotonic() + PATIENCE
        while not (ready := _READY.search(said.read_text())):
            assert process.poll() is None, f"cx {command} ended with {process.returncode}: {said.read_text()}"
            assert time.monotonic() < until, f"cx {command} did not get ready: {said.read_text()}"
            time.sleep(0.05)
        yield Running(process, ready[1], int(ready[2] or 0), said)
    except BaseException:
        print(f"--- cx {command} ---\n{said.read_text()}")
        raise
    finally:
        process.kill()
        process.wait()

"""``cx`` in processes that are forked from one which has imported the hub: a start's imports cost a second of a
processor, and the tests start hundreds of hubs.

    process = begun(["up", "--port", "0"], environment, stderr=file)

A forked process is as new as one that Python starts: nothing but imports ran before it, and it has the arguments,
environment, folder and files that it is given. Where the environment differs in more than the hub's settings from this
process's own, as where a test has other code or another clock, Python starts one. What begins with ``fresh=True`` is
always started by Python, which is for what is measured.
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

_ROOT = Path(__file__).parents[1]
_HEAD_BYTES = 8
_PER_TEST = ("CX_", "PYTEST_")
"""Variables that may be another's: the settings of a hub, and what pytest says of the test that runs."""


class Forked:
    """A process that another one forked, used as ``subprocess.Popen`` is."""

    def __init__(self, pid: int, ended: int) -> None:
        """``ended``: the end of a pipe that gives the exit code once there is one."""
        self.pid = pid
        self.returncode: int | None = None
        self._ended = ended
        self._lock = threading.Lock()

    def poll(self) -> int | None:
        return self._wait(0.0)

    def wait(self, timeout: float | None = None) -> int:
        code = self._wait(timeout)
        if code is None:
            assert timeout is not None
            raise subprocess.TimeoutExpired(f"cx, process {self.pid}", timeout)
        return code

    def _wait(self, seconds: float | None) -> int | None:
        with self._lock:
            if self.returncode is None and select.select([self._ended], [], [], seconds)[0]:
                said = os.read(self._ended, _HEAD_BYTES)
                os.close(self._ended)
                assert said, "the process that forks has ended"
                self.returncode = int.from_bytes(said, "big", signed=True)
            return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


Process = Forked | subprocess.Popen[bytes]


def begun(
    arguments: Sequence[str], environment: Mapping[str, str], *, stderr: IO[bytes], fresh: bool = False
) -> Process:
    """Start ``cx`` with these arguments and all of this environment."""
    if fresh or _common(environment) != _common(os.environ):
        command = [sys.executable, "-m", "cx_hub", *arguments]
        return subprocess.Popen(command, env=dict(environment), stderr=stderr)
    return _Forker.of_this_process().fork(arguments, environment, stderr)


def _common(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if not name.startswith(_PER_TEST)}


class _Forker:
    """The process that forks. It ends when this one does."""

    _made: _Forker | None = None
    _lock = threading.Lock()

    def __init__(self) -> None:
        self.environment = _common(os.environ)
        self._control, theirs = socket.socketpair()
        code = f"import sys; sys.path[0] = {str(_ROOT)!r}; from tests.forked import serve; serve({theirs.fileno()})"
        self._process = subprocess.Popen(
            [sys.executable, "-c", code], env=self.environment, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()]
        )
        theirs.close()

    @classmethod
    def of_this_process(cls) -> _Forker:
        """Return it; a new one where the environment has changed since."""
        with cls._lock:
            if cls._made is None or cls._made.environment != _common(os.environ):
                cls._made = cls()
            return cls._made

    def fork(self, arguments: Sequence[str], environment: Mapping[str, str], stderr: IO[bytes]) -> Forked:
        ended, tell = os.pipe()
        content = json.dumps([list(arguments), dict(environment), os.getcwd()]).encode()  # noqa: PTH109
        with self._lock:
            files = [0, 1, stderr.fileno(), tell]
            socket.send_fds(self._control, [len(content).to_bytes(_HEAD_BYTES, "big")], files)
            self._control.sendall(content)
            pid = int.from_bytes(_read(self._control, _HEAD_BYTES), "big")
        os.close(tell)
        return Forked(pid, ended)


def _read(control: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        part = control.recv(size - len(found))
        if not part:
            raise EOFError("the process that forks has ended")
        found += part
    return found


# --- what runs inside the process that forks --------------------------------------------------------------------------


def serve(number: int) -> None:
    """Fork whenever it is asked for on the socket of this number, until its other end is closed. Returns in the process
    that forks alone; a forked one ends as ``cx`` does."""
    control = socket.socket(fileno=number)
    control.set_inheritable(False)
    _import()
    told: dict[int, tuple[int, int]] = {}
    poll = select.poll()
    poll.register(control, select.POLLIN)
    while True:
        for ready, _ in poll.poll():
            if ready != number:
                poll.unregister(ready)
                _tell(ready, *told.pop(ready))
                continue
            head, files, _, _ = socket.recv_fds(control, _HEAD_BYTES, 4)
            if not head:
                return
            arguments, environment, folder = json.loads(_read(control, int.from_bytes(head, "big")))
            pid = os.fork()
            if pid == 0:
                control.close()
                for each in (*told, *(tell for _, tell in told.values()), files.pop()):
                    os.close(each)
                _become(arguments, environment, folder, files)
            for each in files[:3]:
                os.close(each)
            ending = os.pidfd_open(pid)
            told[ending] = (pid, files[3])
            poll.register(ending, select.POLLIN)
            control.sendall(pid.to_bytes(_HEAD_BYTES, "big"))


def _import() -> None:
    """Import what a hub does by the time it is ready, and do nothing else."""
    import aiosqlite  # noqa: F401
    import asyncpg  # noqa: F401
    import uvloop  # noqa: F401

    import cx_context.store.migrations.run  # noqa: F401
    import cx_hub.commands.services  # noqa: F401
    from cx_channels.registry import providers

    providers()
    gc.collect()
    gc.freeze()
    assert threading.active_count() == 1, "a thread would not go on in what is forked"


def _tell(ending: int, pid: int, tell: int) -> None:
    os.close(ending)
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    try:
        os.write(tell, code.to_bytes(_HEAD_BYTES, "big", signed=True))
    except BrokenPipeError:
        pass  # nobody asks any more
    os.close(tell)


def _become(arguments: Sequence[str], environment: Mapping[str, str], folder: str, files: Sequence[int]) -> None:
    """Become ``cx``, and end as it does."""
    for number, each in enumerate(files):
        os.dup2(each, number)
        os.close(each)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    gc.unfreeze()
    sys.path[0] = folder
    sys.argv = ["cx", *arguments]

    from cx_hub.cli import main

    main()

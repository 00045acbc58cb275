"""``cx`` in processes that are forked from one which has imported the hub: a start's imports cost a second of a
processor, and the tests start hundreds of hubs.

    process = begun(["up", "--port", "0"], environment, stderr=file)

A forked process is as new as one that Python starts: nothing but imports ran before it, and it has the arguments,
environment, folder and files that it is given. Where the environment differs in more than the hub's settings from this
process's own, as where a test has other code or another clock, Python starts one. What begins with ``fresh=True`` is
always started by Python, which is for what is measured. ``write_command`` makes a ``cx`` for shells.

Each forked process has a connection to the one that forks: by it come its arguments and files, its process id, and at
last its exit code. Where the other end is closed first, it is killed.
"""

from __future__ import annotations

import gc
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

_ROOT = Path(__file__).parents[1]
_NUMBER_BYTES = 8
_PER_TEST = ("CX_", "PYTEST_")
"""Variables that may be another's: the settings of a hub, and what pytest says of the test that runs."""


class Forked:
    """A process that another one forked, used as ``subprocess.Popen`` is."""

    def __init__(self, connection: socket.socket) -> None:
        self.pid = _read_number(connection)
        self.returncode: int | None = None
        self._connection = connection
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
        if self.returncode is None:
            told = select.poll()
            told.register(self._connection, select.POLLIN)
            if not told.poll(None if seconds is None else 1000 * seconds):
                return None
        with self._lock:
            if self.returncode is None:
                self.returncode = _read_number(self._connection)
                self._connection.close()
            return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def pass_on(self, number: int) -> None:
        """Send a signal from within a handler of one."""
        with suppress(ProcessLookupError):
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
    folder = os.getcwd()  # noqa: PTH109
    return Forked(_asked(_Forker.of_this_process().path, arguments, environment, folder, [0, 1, stderr.fileno()]))


def _common(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if not name.startswith(_PER_TEST)}


class _Forker:
    """The process that forks, and ``path``, where it listens. It ends when this process does."""

    _made: _Forker | None = None
    _lock = threading.Lock()

    def __init__(self) -> None:
        self.environment = _common(os.environ)
        self.path = str(Path(tempfile.mkdtemp(prefix="throughline-forks-"), "socket"))
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(self.path)
            listener.listen(64)
            number = listener.fileno()
            code = f"import sys; sys.path[0] = {str(_ROOT)!r}; from tests.forked import serve; serve({number})"
            self._process = subprocess.Popen(
                [sys.executable, "-c", code], env=self.environment, stdin=subprocess.PIPE, pass_fds=[number]
            )

    @classmethod
    def of_this_process(cls) -> _Forker:
        """Return it; a new one where the environment has changed since."""
        with cls._lock:
            if cls._made is None or cls._made.environment != _common(os.environ):
                cls._made = cls()
            return cls._made


def _asked(
    path: str, arguments: Sequence[str], environment: Mapping[str, str], folder: str, files: Sequence[int]
) -> socket.socket:
    """Return the connection of a new process. ``files``: its standard input, output and errors."""
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(path)
    content = json.dumps([list(arguments), dict(environment), folder]).encode()
    socket.send_fds(connection, [_number(len(content))], files)
    connection.sendall(content)
    return connection


def _number(value: int) -> bytes:
    return value.to_bytes(_NUMBER_BYTES, "big", signed=True)


def _read_number(connection: socket.socket) -> int:
    return int.from_bytes(_read(connection, _NUMBER_BYTES), "big", signed=True)


def _read(connection: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        part = connection.recv(size - len(found))
        if not part:
            raise EOFError("the process that forks has ended")
        found += part
    return found


# --- a command for shells ---------------------------------------------------------------------------------------------


def write_command(file: Path) -> None:
    """Write a ``cx`` that shells can call: what it does is done in a forked process."""
    lines = (
        f"#!{sys.executable} -IS",
        "import sys",
        f"sys.path.insert(0, {str(_ROOT)!r})",
        "from tests.forked import relay",
        f"relay({_Forker.of_this_process().path!r})",
    )
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    file.chmod(0o755)


def relay(path: str) -> None:
    """Have ``cx`` done with this process's arguments, environment, folder and files, and end as it ends."""
    process = Forked(_asked(path, sys.argv[1:], os.environ, os.getcwd(), [0, 1, 2]))  # noqa: PTH109
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: process.pass_on(number))
    code = process.wait()
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(code)


# --- what runs inside the process that forks --------------------------------------------------------------------------


def serve(number: int) -> None:
    """Fork for each connection to the listener of this number, until the standard input ends. Returns in the process
    that forks alone; a forked one ends as ``cx`` does."""
    listener = socket.socket(fileno=number)
    listener.set_inheritable(False)
    folder = Path(listener.getsockname()).parent
    _import()
    running: dict[int, _Child] = {}
    poll = select.poll()
    poll.register(0, select.POLLIN)
    poll.register(number, select.POLLIN)
    while True:
        for ready, _ in poll.poll():
            if ready == 0:
                shutil.rmtree(folder, ignore_errors=True)
                return
            if ready != number:
                if ready in running:
                    running[ready].look(poll, running, has_ended=ready == running[ready].ending)
                continue
            connection, _ = listener.accept()
            task = _received(connection)
            if task is None:
                continue
            pid = os.fork()
            if pid == 0:
                listener.close()
                connection.close()
                for child in set(running.values()):
                    child.close()
                _become(*task)
            for each in task[3]:
                os.close(each)
            connection.sendall(_number(pid))
            _Child(pid, connection).watch(poll, running)


def _received(connection: socket.socket) -> tuple[Sequence[str], Mapping[str, str], str, Sequence[int]] | None:
    """Read arguments, environment, folder and files; None where the other end is closed."""
    head, files, _, _ = socket.recv_fds(connection, _NUMBER_BYTES, 3)
    if not head:
        connection.close()
        return None
    arguments, environment, folder = json.loads(_read(connection, int.from_bytes(head, "big", signed=True)))
    return arguments, environment, folder, files


def _import() -> None:
    """Import all commands, and what a hub does by the time it is ready, and do nothing else."""
    import aiosqlite  # noqa: F401
    import asyncpg  # noqa: F401
    import uvloop  # noqa: F401

    import cx_context.store.migrations.run  # noqa: F401
    from cx_channels.registry import providers
    from cx_hub.cli import commands

    providers()
    commands("")
    gc.collect()
    gc.freeze()
    assert threading.active_count() == 1, "a thread would not go on in what is forked"


class _Child:
    """A forked process, and the connection to whoever asked for it."""

    def __init__(self, pid: int, connection: socket.socket) -> None:
        self.pid = pid
        self.ending = os.pidfd_open(pid)
        self._connection = connection

    def watch(self, poll: select.poll, running: dict[int, _Child]) -> None:
        """Be looked at when the process ends, or the other end of its connection is closed."""
        for each in (self.ending, self._connection.fileno()):
            running[each] = self
            poll.register(each, select.POLLIN)

    def look(self, poll: select.poll, running: dict[int, _Child], *, has_ended: bool) -> None:
        """Tell its exit code, or kill it since nobody hears that any more."""
        if not has_ended:
            signal.pidfd_send_signal(self.ending, signal.SIGKILL)
            poll.unregister(self._connection)
            return
        for each in (self.ending, self._connection.fileno()):
            del running[each]
            with suppress(KeyError):
                poll.unregister(each)
        _, status = os.waitpid(self.pid, 0)
        with suppress(OSError):
            self._connection.sendall(_number(os.waitstatus_to_exitcode(status)))
        self.close()

    def close(self) -> None:
        os.close(self.ending)
        self._connection.close()


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

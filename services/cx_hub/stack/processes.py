"""Start detached processes, know them again later in another process, and end them."""

from __future__ import annotations

import os
import pwd
import random
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

from msgspec import Struct

from cx_events.errors import Fatal
from cx_events.private_files import make_file

# The shell goes away at once, so the server is nobody's child: it outlives us and never becomes our zombie.
_UMASK = 0o077
"""A server's files are its account's alone."""

_DETACH = '"$@" >&2 </dev/null & echo $!'


class Process(Struct, frozen=True):
    """``born`` tells a process from a later one with the same id."""

    pid: int
    born: str


def launch(
    argv: Sequence[str],
    *,
    log: Path,
    cwd: Path,
    environ: Mapping[str, str] | None = None,
    account: pwd.struct_passwd | None = None,
) -> Process:
    """Start a server whose output is added to ``log``, under another account if one is given (that needs root)."""
    make_file(log)
    with log.open("ab") as output:
        shell = subprocess.run(
            ["/bin/sh", "-c", _DETACH, "sh", *argv],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=output,
            cwd=cwd,
            env=environ,
            start_new_session=True,
            umask=_UMASK,
            check=True,
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
        )
    pid = int(shell.stdout)
    return Process(pid, _born(pid))


def alive(process: Process) -> bool:
    return process.born != "" and _born(process.pid) == process.born


def send(process: Process, what: signal.Signals) -> None:
    """Nothing if it is gone already."""
    if alive(process):
        try:
            os.kill(process.pid, what)
        except ProcessLookupError:
            pass


def end(process: Process, gently: signal.Signals, seconds: float) -> None:
    """Ask it to end; kill it when the time is up."""
    send(process, signal.SIGCONT)  # a stopped process would not hear the rest
    send(process, gently)
    if not gone(process, seconds):
        send(process, signal.SIGKILL)
        gone(process, 10)


def gone(process: Process, seconds: float) -> bool:
    """Wait for the end of the process, and return whether it came in time."""
    until = time.monotonic() + seconds
    while alive(process):
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


BELOW_CONNECTIONS = range(15_000, 32_768)
"""Linux gives connections ports from 32,768 on (ip_local_port_range), others from 49,152 on (RFC 6335, section 6)."""


def free_port(preferred: int | None = None) -> int:
    """Return a TCP port on 127.0.0.1 that nobody listens on: the preferred one if it is free, else one below those that
    the kernel gives to connections, since such a one may be taken before the server that is to have it listens."""
    wanted = [] if preferred is None else [preferred]
    for port in [*wanted, *random.sample(BELOW_CONNECTIONS, 50), 0]:
        with closing(socket.socket()) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            found: int = probe.getsockname()[1]
            return found
    raise Fatal("no TCP port on 127.0.0.1 is free")


def tail(log: Path, lines: int = 15) -> str:
    """The end of a server's log, for an error's message."""
    try:
        return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
    except OSError:
        return ""


def _born(pid: int) -> str:
    """Return when a process started, as the system writes it; empty if there is none or it is a zombie."""
    if Path("/proc/self/stat").exists():
        try:
            stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
        # proc_pid_stat(5): the second field is in brackets and may hold anything; state is the 3rd, start time the 22nd
        fields = stat.rpartition(")")[2].split()
        # The first thread of a killed process is a zombie at once; its ports are free when the last thread is gone.
        return "" if fields[0] in "ZX" and _threads(pid) <= 1 else fields[19]
    found = subprocess.run(
        ["ps", "-o", "state=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.strip()
    return "" if found.startswith("Z") else found.partition(" ")[2].strip()


def _threads(pid: int) -> int:
    try:
        return len(list(Path(f"/proc/{pid}/task").iterdir()))
    except OSError:
        return 0

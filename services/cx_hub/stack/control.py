"""Start, stop and look after the parts of a home folder. What runs is remembered in ``HOME/stack.json``."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import signal
import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import msgspec
from msgspec import Struct

from cx_events.errors import Fatal
from cx_events.private_files import make_file, make_folder
from cx_hub.home_folder import close_home
from cx_hub.stack.kafka import await_kafka, launch_kafka
from cx_hub.stack.kafka_tools import fetch_tools, tool_command
from cx_hub.stack.postgres import DATABASE, USER, Place, await_postgres, launch_postgres
from cx_hub.stack.processes import Process, alive, end, free_port, gone, send

Server = Literal["kafka", "postgres"]
PARTS: frozenset[Server] = frozenset({"kafka", "postgres"})

_GENTLY = {"kafka": signal.SIGTERM, "postgres": signal.SIGINT}
"""PostgreSQL's fast shutdown is SIGINT; SIGTERM would wait for clients to leave (pg_ctl, "Server Shutdown Modes")."""
_GENTLE_SECONDS = 20.0


class ServerState(Struct, omit_defaults=True):
    """``process`` is None for a part that was stopped on purpose. ``controller_port``: Kafka's own business."""

    port: int
    controller_port: int = 0
    password: str = ""
    process: Process | None = None

    @property
    def running(self) -> bool:
        return self.process is not None and alive(self.process)


class Stack(Struct, omit_defaults=True):
    parts: dict[Server, ServerState] = {}


class Running(Struct, frozen=True):
    """The addresses, in the forms of ``CX_LOG_URL`` and ``CX_STORE_URL``; empty for a part that doesn't run."""

    kafka_url: str
    postgres_url: str
    pids: dict[Server, int]


class ServerStatus(Struct, frozen=True):
    state: Literal["running", "stopped", "crashed", "absent"]
    url: str = ""
    pid: int | None = None


def fetch() -> None:
    """Download what ``start`` and the tools need and this machine lacks; ``Fatal`` where it can't be had."""
    fetch_tools(os.environ)


def tool(home: Path, name: str, arguments: Sequence[str]) -> list[str]:
    """Return the command that runs one of Kafka's tools, on the Kafka of this home where the arguments name no other.

    Raises ``Refused`` (``no-stack`` where that does not run, ``unknown-tool``), ``Fatal``.
    """
    kafka = status(home)["kafka"]
    return tool_command(name, arguments, kafka.url.removeprefix("kafka://"), os.environ)


def start(home: Path, parts: Collection[Server] = PARTS) -> Running:
    """Start those of the parts that don't run and return when all answer. Data of an earlier run are kept, its ports
    too where they are free. Raises ``Fatal``: Java or PostgreSQL absent, a download impossible, a server that ends."""
    home = home.absolute()
    with _locked(home):
        stack = _load(home)
        started = [part for part in sorted(parts) if part not in stack.parts or not stack.parts[part].running]
        for part in started:
            stack.parts[part] = _launch(part, home, stack.parts.get(part))
            _save(home, stack)
        for part in sorted(parts):
            _await(part, home, stack.parts[part])
        return _running(stack)


def stop(home: Path) -> None:
    """End all parts; their data stay."""
    home = home.absolute()
    if not _state_file(home).exists():
        return
    with _locked(home):
        stack = _load(home)
        for part, state in stack.parts.items():
            if state.process is not None:
                end(state.process, _GENTLY[part], _GENTLE_SECONDS)
                state.process = None
            _save(home, stack)


def erase(home: Path) -> None:
    """End all parts and delete their data."""
    home = home.absolute()
    stop(home)
    for folder in (home / "kafka", Place(home / "postgres").data, home / "postgres"):
        shutil.rmtree(folder, ignore_errors=True)
    for file in (_state_file(home), _lock_file(home)):
        file.unlink(missing_ok=True)


def status(home: Path) -> dict[Server, ServerStatus]:
    """Return the state of each server. ``crashed``: it was started, not stopped, and is gone; ``start`` starts it."""
    stack = _load(home.absolute())
    found: dict[Server, ServerStatus] = {}
    for part in sorted(PARTS):
        state = stack.parts.get(part)
        if state is None:
            found[part] = ServerStatus("absent")
        elif state.process is None:
            found[part] = ServerStatus("stopped")
        elif state.running:
            found[part] = ServerStatus("running", _url(part, state), state.process.pid)
        else:
            found[part] = ServerStatus("crashed", _url(part, state))
    return found


def env(running: Running) -> dict[str, str]:
    """The settings that point a hub at the parts that run."""
    settings = {"CX_LOG_URL": running.kafka_url, "CX_STORE_URL": running.postgres_url}
    return {name: value for name, value in settings.items() if value}


def kill(home: Path, part: Server) -> None:
    """End a part as a crash would: SIGKILL."""
    process = _process(home, part)
    send(process, signal.SIGKILL)
    gone(process, 10)


def kill_kafka(home: Path) -> None:
    kill(home, "kafka")


def freeze(home: Path, part: Server) -> None:
    """Let a part hang as an overloaded machine would: SIGSTOP. Of PostgreSQL only new connections hang."""
    send(_process(home, part), signal.SIGSTOP)


def thaw(home: Path, part: Server) -> None:
    send(_process(home, part), signal.SIGCONT)


def _launch(part: Server, home: Path, before: ServerState | None) -> ServerState:
    port = free_port(before.port if before else None)
    if part == "kafka":
        controller_port = free_port(before.controller_port if before else None)
        process = launch_kafka(home / "kafka", port, controller_port, os.environ)
        return ServerState(port=port, controller_port=controller_port, process=process)
    password = before.password if before else secrets.token_urlsafe(24)
    return ServerState(port=port, password=password, process=launch_postgres(Place(home / "postgres"), port, password))


def _await(part: Server, home: Path, state: ServerState) -> None:
    assert state.process is not None
    if part == "kafka":
        await_kafka(state.process, state.port, home / "kafka" / "kafka.log")
    else:
        await_postgres(state.process, state.port, state.password, Place(home / "postgres").log)


def _running(stack: Stack) -> Running:
    urls = {part: _url(part, state) for part, state in stack.parts.items() if state.running}
    pids = {part: state.process.pid for part, state in stack.parts.items() if state.process is not None}
    return Running(urls.get("kafka", ""), urls.get("postgres", ""), pids)


def _url(part: Server, state: ServerState) -> str:
    if part == "kafka":
        return f"kafka://127.0.0.1:{state.port}"
    return f"postgresql+asyncpg://{USER}:{quote(state.password)}@127.0.0.1:{state.port}/{DATABASE}"


def _process(home: Path, part: Server) -> Process:
    state = _load(home.absolute()).parts.get(part)
    if state is None or state.process is None:
        raise Fatal(f"{part} of {home} does not run")
    return state.process


def _state_file(home: Path) -> Path:
    return home / "stack.json"


def _lock_file(home: Path) -> Path:
    return home / "stack.lock"


@contextmanager
def _locked(home: Path) -> Iterator[None]:
    """One at a time changes what runs in a home."""
    try:
        make_folder(home)
        close_home(home)
        make_file(_lock_file(home))
        with _lock_file(home).open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
    except PermissionError as error:
        raise Fatal(f"{error.filename} can't be written") from None


def _load(home: Path) -> Stack:
    try:
        return msgspec.json.decode(_state_file(home).read_bytes(), type=Stack)
    except FileNotFoundError:
        return Stack()
    except msgspec.MsgspecError as error:
        raise Fatal(f"{_state_file(home)} is damaged: {error}") from None


def _save(home: Path, stack: Stack) -> None:
    # 0600 by mkstemp: the file holds the database's password.
    handle, draft = tempfile.mkstemp(dir=home)
    with os.fdopen(handle, "wb") as file:
        file.write(msgspec.json.encode(stack))
    Path(draft).replace(_state_file(home))

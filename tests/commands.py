"""The tree of commands, and how to run one in this process as at a prompt: into a pipe, or on a terminal."""

from __future__ import annotations

import io
import os
import re
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from functools import cache
from typing import NamedTuple

import typer

from cx_hub.cli import commands, run

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Option(NamedTuple):
    """``names``: as they are typed. ``choices``: what it takes, empty for free text; ``takes``: a value at all."""

    names: tuple[str, ...]
    choices: tuple[str, ...]
    takes: bool


class Command(NamedTuple):
    """A command that does something: ``path`` is what is typed, ``arguments`` how many values stand there at least."""

    path: str
    options: tuple[Option, ...]
    arguments: int


@cache
def command_tree() -> Mapping[str, Command]:
    """Return all commands, by what is typed."""
    return {found.path: found for found in _leaves(typer.main.get_command(commands("")), ())}


def _leaves(command: object, path: tuple[str, ...]) -> Iterator[Command]:
    below = getattr(command, "commands", None)
    if below is not None:
        for name, each in below.items():
            yield from _leaves(each, (*path, name))
        return
    parameters = getattr(command, "params", [])
    options = tuple(
        Option((*each.opts, *each.secondary_opts), _choices(each.type_descriptor.annotation), not each.is_flag)
        for each in parameters
        if each.param_type_name == "option"
    )
    arguments = sum(each.param_type_name == "argument" and each.required for each in parameters)
    yield Command(" ".join(path), options, arguments)


def _choices(takes: object) -> tuple[str, ...]:
    return tuple(map(str, takes)) if isinstance(takes, type) and issubclass(takes, StrEnum) else ()


class Printed(NamedTuple):
    """``out``, ``err``: what was printed, without colours."""

    code: int
    out: str
    err: str


def printed(arguments: Sequence[str], width: int | None = None) -> Printed:
    """Return what a command printed. ``width``: columns of the terminal that stdout is; None for a pipe."""
    with _taken("stderr") as errors:
        if width is not None:
            code, out = _on_a_terminal(arguments, width)
        else:
            with _taken("stdout") as data:
                code = run(arguments)
            out = data.getvalue().decode()
    return Printed(code, out, _plain(errors.getvalue()))


@contextmanager
def _taken(name: str) -> Iterator[io.BytesIO]:
    """Take what goes to a stream of this process."""
    buffer = io.BytesIO()
    errors = "backslashreplace" if name == "stderr" else "strict"  # as Python has them
    stream = io.TextIOWrapper(buffer, encoding="utf-8", errors=errors, write_through=True)
    with replaced(name, stream):
        yield buffer
    stream.detach()  # or it would close the buffer


def _on_a_terminal(arguments: Sequence[str], width: int) -> tuple[int, str]:
    reading, writing = os.openpty()
    chunks: list[bytes] = []
    reader = threading.Thread(target=_drain, args=(reading, chunks))
    reader.start()
    try:
        with os.fdopen(writing, "w", encoding="utf-8") as terminal, replaced("stdout", terminal), _columns(width):
            code = run(arguments)
    finally:
        reader.join()
        os.close(reading)
    return code, _plain(b"".join(chunks)).replace("\r\n", "\n")


@contextmanager
def replaced(name: str, stream: io.TextIOWrapper) -> Iterator[None]:
    """Put another stream in place of one of ``sys``, by its name there."""
    before = getattr(sys, name)
    setattr(sys, name, stream)
    try:
        yield
    finally:
        setattr(sys, name, before)


@contextmanager
def _columns(width: int) -> Iterator[None]:
    """The environment of a terminal: rich asks it before the size of this process's own streams."""
    wanted = {"COLUMNS": str(width), "TERM": "xterm"}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


def _drain(terminal: int, chunks: list[bytes]) -> None:
    """Read until nobody writes any more, which Linux tells by an error."""
    while True:
        try:
            chunks.append(os.read(terminal, 65_536))
        except OSError:
            return


def _plain(printed_bytes: bytes) -> str:
    return _ESCAPES.sub("", printed_bytes.decode())

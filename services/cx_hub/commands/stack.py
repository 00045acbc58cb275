"""``stack``: run a real Kafka and a real PostgreSQL on this machine, without Docker."""

from __future__ import annotations

import shlex
import subprocess
from typing import Annotated, Any

import typer

from cx_events.errors import Refused
from cx_hub import stack
from cx_hub.output import Format, OutputOption, line, show_rows, to_err
from cx_runtime.settings import Settings


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="A real Kafka and PostgreSQL on this machine, without Docker.", no_args_is_help=True)
    group.command("start")(start)
    group.command("stop")(stop)
    group.command("status")(status)
    group.command("env")(env)
    group.command("fetch")(fetch)
    group.command("tool", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(tool)
    app.add_typer(group, name="stack")


def start() -> None:
    """Start both and wait until they answer. The first time some files are downloaded."""
    to_err().print("starting Kafka and PostgreSQL ...")
    running = stack.start(Settings().home)
    to_err().print(f"Kafka: {running.kafka_url}   PostgreSQL: {_without_password(running.postgres_url)}")
    to_err().print('point a hub at them: eval "$(cx stack env)"')


def fetch() -> None:
    """Download what start needs, so that it needs no network afterwards."""
    stack.fetch()


def tool(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="As the script's name without kafka- and .sh: console-consumer, topics.")],
) -> None:
    """Run one of Kafka's console tools, on the stack's Kafka unless told otherwise."""
    raise typer.Exit(subprocess.run(stack.tool(Settings().home, name, context.args), check=False).returncode)


def stop() -> None:
    """End both; their data stay."""
    stack.stop(Settings().home)


def status(output: OutputOption = Format.TEXT) -> None:
    """Show the state of each server: running, stopped, crashed or absent."""
    rows: list[dict[str, Any]] = [
        {"part": part, "state": each.state, "pid": each.pid, "url": _without_password(each.url)}
        for part, each in stack.status(Settings().home).items()
    ]
    show_rows(rows, ("part", "state", "pid", "url"), output, "no parts")


def env(output: OutputOption = Format.TEXT) -> None:
    """The settings that point a hub at the parts that run, for a shell's eval."""
    home = Settings().home
    urls = {part: each.url for part, each in stack.status(home).items() if each.state == "running"}
    found = stack.env(stack.Running(urls.get("kafka", ""), urls.get("postgres", ""), {}))
    if not found:
        raise Refused("no-stack", f"nothing of the stack in {home} runs; start it with: cx stack start")
    if output is Format.TEXT:
        for name, value in found.items():
            line(f"export {name}={shlex.quote(value)}".encode())
    else:
        line(found)


def _without_password(url: str) -> str:
    scheme, mark, rest = url.partition("://")
    return f"{scheme}{mark}{rest.rpartition('@')[2]}"

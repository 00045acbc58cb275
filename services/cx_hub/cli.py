"""Run ``cx``. Data on stdout, progress and logs on stderr; exit 0 done, 1 failed, 2 usage or refused input."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.text import Text

from cx_events.errors import CxError, Refused
from cx_events.path_errors import is_of_path
from cx_runtime import logs
from cx_runtime.gc_tuning import start_quickly
from cx_runtime.priority import give_way
from cx_runtime.release import release
from cx_runtime.setting_names import misspelt_here
from cx_runtime.settings import environment

DONE, FAILED, REFUSED, INTERRUPTED = 0, 1, 2, 130

COMMANDS: Mapping[str, str] = {
    "demo": "demo",
    "test": "testing",
    "up": "services",
    "run": "services",
    "stack": "stack",
    "map": "mapping",
    "provider": "providers",
    "events": "events",
    "log": "log",
    "lag": "lag",
    "size": "size",
    "customer": "customers",
    "identity": "identity",
    "search": "lists",
    "conversations": "lists",
    "migrate": "migrate",
    "verify": "verify",
    "rebuild": "rebuild",
    "replay": "replay",
    "topics": "topics",
    "config": "config",
    "connections": "connections",
    "directory": "directory",
    "dlq": "dead_letters",
    "media": "media",
    "subscriptions": "subscriptions",
    "import": "moving",
    "export": "moving",
    "mcp": "mcp",
    "backup": "backups",
    "restore": "backups",
    "bench": "bench",
}
"""Each command and its module. A module is imported when its command is asked for: all of them take seconds."""

LONG_WORK = frozenset({"backup", "export", "import", "rebuild", "replay", "verify"})
"""Commands that run for minutes beside services, on their machine, and take what these leave of its processors."""


def _print_version(asked: bool) -> None:
    if asked:
        sys.stdout.write(f"cx {release()}\n")
        raise typer.Exit


def commands(asked: str) -> typer.Typer:
    """The application with the command that is asked for; with all of them where that is none."""
    app = typer.Typer(
        name="cx",
        help="Throughline: one conversation over voice, chat, email and social.",
        no_args_is_help=True,
        add_completion=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    # A callback keeps the command's name a word of the command line, also where there is one command alone.
    app.callback()(_top)
    for module in _modules(asked):
        import_module(f"cx_hub.commands.{module}").register(app)
    return app


def _modules(asked: str) -> Sequence[str]:
    if asked == "--version":
        return ()
    return (COMMANDS[asked],) if asked in COMMANDS else tuple(dict.fromkeys(COMMANDS.values()))


def _top(
    context: typer.Context,
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """Tell of settings that are probably misspelt. Services log them, and ``config check`` lists them."""
    if context.invoked_subcommand not in ("up", "run", "config"):
        for each in misspelt_here():
            _tell(str(each))


def main() -> None:
    """The entry point of ``cx``. A service sets its own level and format of logs later."""
    start_quickly()
    logs.configure("warning")
    if LONG_WORK.intersection(sys.argv[1:2]):
        give_way()
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Carry out a command line; its exit code. A fault of ours is one line, too: a trace helps nobody at a prompt."""
    try:
        app = commands(next(iter(arguments), "") or _completed())
        typer.main.get_command(app).main(list(arguments), prog_name="cx")
    except SystemExit as exit:
        return exit.code if isinstance(exit.code, int) else FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except Refused as error:
        _tell(str(error))
        return REFUSED
    except CxError as error:
        _tell(str(error))
        return FAILED
    except ValidationError as error:
        for each in error.errors():
            _tell(f"the setting {'.'.join(map(str, each['loc'])).upper()}: {each['msg']}")
        return REFUSED
    except BrokenPipeError:
        # Whoever read our output has enough; Python would complain once more when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except OSError as error:
        _tell(_without_number(error))
        return REFUSED if is_of_path(error) else FAILED
    except Exception as error:
        _tell(f"a fault of ours: {type(error).__name__}: {error}")
        return FAILED
    return DONE


def _completed() -> str:
    """Return the command whose words a shell wants to complete; empty where it is the command itself, or none."""
    words = environment().get("COMP_WORDS", "").split()
    return words[1] if environment().get("_CX_COMPLETE") and len(words) > 1 else ""


def _without_number(error: OSError) -> str:
    """Return what the system says of a file or an address, in words."""
    named = "" if error.filename is None else f"{error.filename}: "
    return f"{named}{error.strerror or error or type(error).__name__}"


def _tell(sentence: str) -> None:
    Console(stderr=True, soft_wrap=True).print(Text(f"cx: {sentence}", style="bold red"))

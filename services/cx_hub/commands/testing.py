"""``test``: the project's own suite."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import typer

from cx_events.errors import Refused

ROOT = Path(__file__).parents[3]


def register(app: typer.Typer) -> None:
    pass_on = {"ignore_unknown_options": True, "allow_extra_args": True, "allow_interspersed_args": False}
    app.command("test", context_settings=pass_on, add_help_option=False)(test)


def test(context: typer.Context) -> None:
    """The whole test suite; all further arguments go to pytest. With CI set, no real part may be skipped."""
    if not (ROOT / "tests").is_dir():
        raise Refused("no-tests", f"there are no tests in {ROOT}: the suite is a clone's, not an installation's")
    os.chdir(ROOT)
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, "-m", "pytest", *context.args])  # noqa: S606

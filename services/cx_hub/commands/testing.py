"""``test``: run the project's own suite."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import typer

from cx_events.errors import Refused

ROOT = Path(__file__).parents[3]

WORKERS = ("-n", str(min(os.cpu_count() or 1, 7) + 1), "--dist", "worksteal")
"""Options of pytest-xdist: one worker more than cores, since tests wait for processes half of their time. Neighbours in
a file mostly stay together and share what their file sets up."""
_FEW_OR_ALONE = ("-k", "-n", "--numprocesses", "--lf", "--last-failed", "--sw", "--stepwise", "-s", "--pdb", "--trace")


def register(app: typer.Typer) -> None:
    pass_on = {"ignore_unknown_options": True, "allow_extra_args": True, "allow_interspersed_args": False}
    app.command("test", context_settings=pass_on, add_help_option=False)(test)


def test(context: typer.Context) -> None:
    """The whole test suite on several workers, or the tests that the arguments name; all of them go to pytest. With CI
    set, no real part may be skipped."""
    if not (ROOT / "tests").is_dir():
        raise Refused("no-tests", f"there are no tests in {ROOT}: the suite is a clone's, not an installation's")
    os.chdir(ROOT)
    sys.stdout.flush()
    sys.stderr.flush()
    # Without it each of the many processes compiles all tests anew.
    os.unsetenv("PYTHONDONTWRITEBYTECODE")
    os.execv(sys.executable, [sys.executable, "-m", "pytest", *workers(context.args), *context.args])  # noqa: S606


def workers(args: Sequence[str]) -> tuple[str, ...]:
    """Return the options of pytest that share the tests out among workers; none where the arguments name or pick some
    tests, for which starting workers does not pay, say themselves how many workers there are, or debug."""
    named = any((ROOT / arg.partition("::")[0]).exists() for arg in args)
    said = any(arg.startswith(_FEW_OR_ALONE) for arg in args) or "no:xdist" in " ".join(args)
    return () if named or said else WORKERS
